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

import polars as pl
import pyarrow as pa

from pipelines.intake.layout import FileLayout
from pipelines.intake.sheet import MAX_CELL, cut
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


def plain_csv(raw: Path, encoding: str, layout: FileLayout, own: Path) -> PlainCsv | None:
    """The file, which is in this encoding, as a plain one, laid out at ``own``; None when it is not plain."""
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
    """Lines being counted, as long as they are plain. A file is looked through many times faster than it is split."""

    def __init__(self, layout: FileLayout) -> None:
        self._quote = b"" if layout.quote is None else layout.quote.encode()
        separator = re.escape(layout.separator.encode())
        self._odd_blank = re.compile(
            rb"(?:^|[\r\n]|%(s)b) +%(q)b|%(q)b +(?:$|[\r\n]|%(s)b)" % {b"s": separator, b"q": re.escape(self._quote)}
        )
        self._others = bytes(byte for byte in range(256) if byte not in self._quote + b"\n")
        self._count = 0
        self._with_return = 0
        self._is_open = False

    def take(self, chunk: bytes) -> bool:
        """Count a chunk of whole lines; whether everything is plain so far."""
        if b"\0" in chunk or self._is_open:
            return False
        marks = chunk.translate(None, self._others)
        breaks, returns = marks.count(b"\n"), _returns(chunk)
        self._count += breaks
        self._with_return += returns or 0
        self._is_open = not chunk.endswith(b"\n")
        return returns in {0, breaks} and (len(marks) == breaks or self._has_plain_quotes(chunk, marks))

    def result(self) -> int | None:
        """The number of lines; None when their ends are mixed."""
        return self._count + self._is_open if self._with_return in {0, self._count} else None

    def _has_plain_quotes(self, chunk: bytes, marks: bytes) -> bool:
        """Whether no cell goes over a line end and no blank stands where the readers disagree about it.

        ``marks`` are the quotes and line ends alone: where every line has an even number of quotes, no cell is open at
        its end.
        """
        if len(self._quote) > 1 or self._quote in marks.replace(2 * self._quote, b""):
            return False
        return not (_is_blank_beside(chunk, self._quote) and self._odd_blank.search(chunk))


def _returns(chunk: bytes) -> int | None:
    """How many carriage returns there are; None when one of them does not belong to a line end."""
    returns = chunk.count(b"\r") if b"\r" in chunk else 0
    return returns if returns == 0 or returns == chunk.count(b"\r\n") else None


def _is_blank_beside(chunk: bytes, quote: bytes) -> bool:
    """Whether a blank stands beside a quote. Polars compares all bytes at once, six times faster than a search."""
    read = pl.Series(pa.Array.from_buffers(pa.uint8(), len(chunk), [None, pa.py_buffer(chunk)]))
    quotes, blanks = read == quote[0], read == ord(" ")
    return bool((quotes[1:] & blanks[:-1]).any() or (blanks[1:] & quotes[:-1]).any())
