"""Bytes become records: encoding, dialect, limits. What cannot be read exactly is refused, with the record's number.

Belongs here: choosing the encoding, splitting text into records, what makes a whole file unreadable.
Does not belong here: where the header is (``headers``), what a cell means (``compile``).
"""

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from pipelines.intake.blanks import BLANKS
from pipelines.intake.layout import FileLayout

MAX_CELL = 131_072
"""Characters in one cell. A quote that is never closed swallows the rest of a file; this bounds what is swallowed."""

MAX_LINE = 4 * 1024 * 1024
"""Characters in one line; no record of a usage file comes near, a file without line ends does."""

MAX_COLUMNS = 2_000
"""Cells in one record; the widest known export has 190."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1024 * 1024


class UnreadableFile(Exception):  # noqa: N818 (it names the file's state, and becomes the verdict refused)
    """A file that cannot be read under its profile, in words for an operator."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}. {remedy}")
        self.reason = reason
        self.remedy = remedy


def encoding_of(stream: BinaryIO, declared: Sequence[str]) -> str:
    """The encoding of the whole file: the one its byte order mark names, else the first declared one that fits it.

    Raises ``UnreadableFile`` when none fits every byte; nothing is ever left out or replaced.
    """
    marked = _marked(stream)
    failures = []
    for name in [marked] if marked else declared:
        failure = _failure(stream, name)
        if failure is None:
            return name
        failures.append(failure)
    raise UnreadableFile(
        f"the file is not text in {' or '.join([marked] if marked else declared)}: {'; '.join(failures)}",
        "Declare its encoding in the profile (file.encoding), or export the file again as UTF-8",
    )


def _marked(stream: BinaryIO) -> str | None:
    stream.seek(0)
    start = stream.read(4)
    return next((name for mark, name in _MARKS if start.startswith(mark)), None)


def _failure(stream: BinaryIO, name: str) -> str | None:
    # Python's utf-8-sig takes a file that is the first byte of a mark, and no more, for an empty one.
    decoder = codecs.getincrementaldecoder("utf-8" if name == "utf-8-sig" else name)("strict")
    stream.seek(0)
    try:
        while chunk := stream.read(_CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        return f"{name}: {getattr(error, 'reason', error)}"
    return None


class Records:
    """The records of a file in order, each a list of cells. A quoted line break does not end a record.

    Iterating raises ``UnreadableFile`` that names the record which cannot be read. ``count`` and ``characters`` are how
    much was read, ``encoding`` is that of the whole file. ``is_cut``: the last line so far had no line end, so a record
    that is too short there may have lost its rest.
    """

    def __init__(self, stream: BinaryIO, layout: FileLayout) -> None:
        self.encoding = encoding_of(stream, layout.encoding)
        stream.seek(0)
        self._text = io.TextIOWrapper(stream, encoding=self.encoding, errors="strict", newline="")
        self._layout = layout
        self.count = 0
        self.characters = 0
        self.is_cut = False

    def __iter__(self) -> Iterator[list[str]]:
        reader = cut(self._lines(), self._layout)
        try:
            for record in reader:
                self.count += 1
                if len(record) > MAX_COLUMNS:
                    raise self._unreadable(self.count, f"has more than {MAX_COLUMNS:,} cells")
                yield record
        except csv.Error as error:
            raise self._malformed(error) from None

    def close(self) -> None:
        """Let go of the bytes."""
        self._text.close()

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(MAX_LINE + 1):
            self.characters += len(line)
            if "\0" in line:
                raise self._unreadable(self.count + 1, "holds NUL characters, which no text has")
            self.is_cut = not line.endswith(("\n", "\r"))
            if self.is_cut and len(line) > MAX_LINE:
                raise self._unreadable(self.count + 1, f"has a line of more than {MAX_LINE:,} characters")
            yield line

    def _malformed(self, error: csv.Error) -> UnreadableFile:
        words = str(error)
        if "field larger" in words:
            what = f"has a cell of more than {MAX_CELL:,} characters: a quote that opens there is never closed"
        elif "unexpected end" in words:
            what = "opens a quote that is never closed"
        else:
            what = f"has a character after a closing quote ({words})"
        return self._unreadable(self.count + 1, what)

    @staticmethod
    def _unreadable(record: int, what: str) -> UnreadableFile:
        return UnreadableFile(
            f"record {record} {what}", "Check delimiter, quote and encoding of the profile, or export the file again"
        )


def cut(lines: Iterator[str], layout: FileLayout) -> Iterator[list[str]]:
    """The records in these lines. Raises ``csv.Error`` at the first that cannot be read exactly."""
    csv.field_size_limit(MAX_CELL)
    if layout.quote is None:
        return csv.reader(lines, delimiter=layout.separator, quoting=csv.QUOTE_NONE, strict=True)
    return csv.reader(lines, delimiter=layout.separator, quotechar=layout.quote, strict=True)


def is_blank(record: Sequence[str]) -> bool:
    """Whether no cell of a record holds anything."""
    return not any(record) or not any(cell.strip(BLANKS) for cell in record)


def record_hash(record: Sequence[str]) -> str:
    """Sixteen hex digits that name a record's whole content, cell by cell."""
    content = "".join(f"{len(cell)}:{cell}" for cell in record)
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:16]
