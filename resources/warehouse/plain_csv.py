"""CSV files whose records are their lines: DuckDB may cut those, because it can be checked that it cut them right.

Belongs here: telling whether a file is one, the scan, fetching single records by their number.
Does not belong here: cutting any other file (``pipelines.intake.sheet``), the rules of rows (``pipelines.intake``).

DuckDB's reader drops blank lines, takes a blank beside a quote for nothing, and stops at line ends that are mixed. Such
files, and files with line breaks in cells, are not plain. What is plain is counted twice, here and by DuckDB.
"""

import codecs
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from pipelines.intake.layout import FileLayout
from pipelines.intake.sheet import MAX_CELL, cut, encoding_of
from pipelines.intake.sqltext import literal

_CHUNK = 4 * 1024 * 1024


@dataclass(frozen=True)
class PlainCsv:
    """A plain file as UTF-8 at a path of our own choice. ``records`` counts its lines, header and preamble included."""

    file: Path
    layout: FileLayout
    records: int

    def scan(self, header_row: int, width: int, positions: Sequence[int]) -> str:
        """The relation of the records after the header: ``c<position>`` for each position, blank where empty."""
        columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
        picked = ", ".join(f"coalesce(c{place}, '') AS c{place}" for place in positions)
        quote = literal(self.layout.quote or "")
        return (
            f"SELECT {picked} FROM read_csv({literal(str(self.file))}, auto_detect = false, header = false, "
            f"skip = {header_row}, delim = {literal(self.layout.separator)}, quote = {quote}, escape = {quote}, "
            f"comment = '', nullstr = '', strict_mode = true, max_line_size = {MAX_CELL}, columns = {{{columns}}})"
        )

    def records_at(self, rows: Iterable[int]) -> Iterator[list[str]]:
        """The records of these numbers, which must ascend."""
        with self.file.open("rb") as stream:
            yield from cut(self._lines(stream, rows), self.layout)

    @staticmethod
    def _lines(stream: BinaryIO, rows: Iterable[int]) -> Iterator[str]:
        at = 0
        for row in rows:
            yield next(islice(stream, row - at - 1, None)).decode()
            at = row


def plain_csv(raw: Path, layout: FileLayout, own: Path) -> PlainCsv | None:
    """The file as a plain one, laid out at ``own``; None when it is not plain.

    Raises ``UnreadableFile`` when it is in none of the declared encodings.
    """
    with raw.open("rb") as stream:
        encoding = encoding_of(stream, layout.encoding)
    if encoding in {"utf-8", "utf-8-sig", "ascii"}:
        own.symlink_to(raw.absolute())
    else:
        _transcode(raw, encoding, own)
    records = _count_lines(own, layout)
    return None if records is None else PlainCsv(own, layout, records)


def _transcode(raw: Path, encoding: str, own: Path) -> None:
    with raw.open("rb") as stream, own.open("wb") as target:
        shutil.copyfileobj(codecs.EncodedFile(stream, "utf-8", encoding), target, _CHUNK)


def _count_lines(file: Path, layout: FileLayout) -> int | None:
    """How many lines a file has; None when a line may not be what both readers take for a record."""
    counted = _Lines(layout)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            # A chunk ends with a whole line, so that nothing that is looked for lies across two of them.
            chunk += stream.readline(MAX_CELL)
            if not counted.take(chunk):
                return None
    return counted.result()


class _Lines:
    """Lines being counted, as long as they are plain."""

    def __init__(self, layout: FileLayout) -> None:
        self._quote = None if layout.quote is None else layout.quote.encode()
        blank_beside_quote = re.escape(self._quote or b"")
        separator = re.escape(layout.separator.encode())
        self._odd_blank = re.compile(
            rb"(?:^|[\r\n]|%(s)b) +%(q)b|%(q)b +(?:$|[\r\n]|%(s)b)" % {b"s": separator, b"q": blank_beside_quote}
        )
        self._count = 0
        self._with_return = 0
        self._is_open = False

    def take(self, chunk: bytes) -> bool:
        """Count a chunk of whole lines; whether everything is plain so far."""
        if b"\0" in chunk or self._is_open:
            return False
        breaks, returns = chunk.count(b"\n"), chunk.count(b"\r")
        self._count += breaks
        self._with_return += returns
        self._is_open = not chunk.endswith(b"\n")
        return returns == chunk.count(b"\r\n") and returns in {0, breaks} and self._has_plain_quotes(chunk)

    def result(self) -> int | None:
        """The number of lines; None when their ends are mixed."""
        return self._count + self._is_open if self._with_return in {0, self._count} else None

    def _has_plain_quotes(self, chunk: bytes) -> bool:
        """Whether no cell goes over a line end and no blank stands where the readers disagree about it."""
        if self._quote is None or self._quote not in chunk:
            return True
        inside = chunk.split(self._quote)[1::2]
        if b"\n" in b"".join(inside):
            return False
        is_beside_blank = b" " + self._quote in chunk or self._quote + b" " in chunk
        return not (is_beside_blank and self._odd_blank.search(chunk))
