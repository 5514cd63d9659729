"""How a sample's bytes become records: the encoding, the delimiter and the quote that fit it.

Belongs here: trying encodings, delimiters and quotes, why one is proposed and how the others would read.
Does not belong here: reading records (``pipelines.intake.sheet``), what columns mean (``synonyms``).
"""

import codecs
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

from pipelines.intake.layout import FileLayout
from pipelines.intake.proposing.choices import Choice, flow, shown
from pipelines.intake.proposing.sample import Sample
from pipelines.intake.sheet import Records, UnreadableFile, encoding_of, is_blank

DELIMITERS = (",", ";", "\t", "|")
QUOTES = ('"', None)

Opener = Callable[[], BinaryIO]
"""Opens the sample anew; reading records closes what it reads."""

MOST_RECORDS = 50_000
MOST_CHARACTERS = 32 * 1024 * 1024
"""What is looked at, whichever bound is met first; under the finished profile the whole file is read."""

RELATIVES = ("cp1250", "cp1254", "iso8859-15", "cp850")
"""Encodings that read any byte as well as cp1252 does, each of them as other letters."""

_TAIL = 8
_START = 64 * 1024


@dataclass(frozen=True)
class _Read:
    records: tuple[tuple[str, ...], ...]
    is_cut: bool = False


@dataclass(frozen=True)
class _Tried:
    delimiter: str
    quote: str | None
    read: _Read

    @property
    def agreement(self) -> tuple[int, int]:
        """How many records have the commonest width above one, and that width."""
        widths = Counter(len(record) for record in self.read.records if not is_blank(record) and len(record) > 1)
        return max(((count, width) for width, count in widths.items()), default=(0, 0))


def sample_of(opened: Opener) -> Sample:
    """The records of a sample, under the dialect in which most of them have the same width.

    Raises ``UnreadableFile`` when no encoding or no delimiter fits.
    """
    with opened() as stream:
        encoding, encodings, why = _encoding(stream)
    tried, failures = _tried(opened, encoding)
    best = max(tried, key=lambda one: one.agreement, default=None)
    if best is None:
        raise failures[0]
    if best.agreement == (0, 0):
        raise UnreadableFile(
            "no comma, semicolon, tab or bar divides the file into columns",
            "Export the file as CSV, or write a profile",
        )
    return Sample(best.read.records, _layout(best, tried, encodings, why), best.read.is_cut)


def sheet_sample(opened: Opener, form: str, sheet: str, others: Sequence[str]) -> Sample:
    """The records of a workbook's sheet, which stand as CSV in what is opened; ``others`` are the sheets beside it."""
    read = _records(opened, "utf-8", ",", '"')
    alternatives = tuple(f"sheet: {flow(other)}" for other in others)
    told = f"of the {len(others) + 1} sheets the one with the most known columns" if others else "its only sheet"
    layout = Choice("file", {"format": form, "sheet": sheet}, told, alternatives, "confirm" if others else None)
    return Sample(read.records, layout, read.is_cut)


def _tried(opened: Opener, encoding: str) -> tuple[list[_Tried], list[UnreadableFile]]:
    """The file under each delimiter; without quotes only where they cannot be read as quotes."""
    found: list[_Tried] = []
    failures: list[UnreadableFile] = []
    for delimiter in DELIMITERS:
        for quote in QUOTES:
            try:
                found.append(_Tried(delimiter, quote, _records(opened, encoding, delimiter, quote)))
                break
            except UnreadableFile as error:
                failures.append(error)
    return found, failures


def _records(opened: Opener, encoding: str, delimiter: str, quote: str | None) -> "_Read":
    layout = FileLayout.model_validate({"encoding": encoding, "delimiter": delimiter, "quote": quote})
    found: list[tuple[str, ...]] = []
    with opened() as stream, closing(Records(stream, layout)) as records:
        for record in records:
            found.append(tuple(record))
            if len(found) == MOST_RECORDS or records.characters > MOST_CHARACTERS:
                return _Read(tuple(found), is_cut=True)
    return _Read(tuple(found))


def _layout(best: _Tried, tried: list[_Tried], encodings: list[str], why: tuple[str, tuple[str, ...]]) -> Choice:
    count, width = best.agreement
    reason = f"{why[0]}; {count} records have {width} cells under {_named(best.delimiter)}"
    if best.quote is None:
        reason += "; quotes stand where no quoted cell could, so they are taken as plain text"
    value = {"format": "csv", "encoding": encodings, "delimiter": best.delimiter, "quote": best.quote}
    others = [one for one in tried if one is not best and one.agreement[0] * 2 > count]
    rivals = [f"delimiter: {flow(one.delimiter)}, {one.agreement[0]} records of {one.agreement[1]}" for one in others]
    return Choice(
        "file", value, reason, (*why[1], *rivals), "confirm" if why[1] or rivals or best.quote is None else None
    )


def _named(delimiter: str) -> str:
    return {",": "the comma", ";": "the semicolon", "\t": "the tab", "|": "the bar"}[delimiter]


# --- encodings -------------------------------------------------------------------------------------------------------


def _encoding(stream: BinaryIO) -> tuple[str, list[str], tuple[str, tuple[str, ...]]]:
    """The encoding to read with, the ones to declare, why, and how others would read the same bytes."""
    stream.seek(0)
    start = stream.read(_START)
    if (unmarked := _utf16_without_mark(start)) is not None:
        return unmarked, [unmarked], ("every second byte is zero, as in UTF-16 without a byte order mark", ())
    found = encoding_of(stream, ["utf-8-sig", "cp1252"])
    if found == "cp1252":
        return found, ["utf-8-sig", "cp1252"], _as_cp1252(stream)
    if found != "utf-8-sig":
        return found, [found], ("its byte order mark names the encoding", ())
    return found, [found], ("every byte fits UTF-8", ())


def _utf16_without_mark(start: bytes) -> str | None:
    """UTF-16 of Latin letters has a zero in every second byte; no other text has zeros at all."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or len(start) < 8:
        return None
    even, odd = start[0::2].count(0) * 2, start[1::2].count(0) * 2
    if max(even, odd) * 10 < len(start) * 8 or min(even, odd) * 10 > len(start):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _as_cp1252(stream: BinaryIO) -> tuple[str, tuple[str, ...]]:
    word = _odd_word(stream)
    read = word.decode("cp1252", "replace")
    others = tuple(f"encoding: [utf-8-sig, {name}], which reads {shown(other)}" for name, other in _others(word, read))
    return f"not UTF-8; cp1252 fits every byte and reads {shown(read)}", others


def _others(word: bytes, read: str) -> Iterator[tuple[str, str]]:
    for name in RELATIVES:
        other = word.decode(name, "replace")
        if other != read and "\ufffd" not in other and other.isprintable():
            yield name, other


def _odd_word(stream: BinaryIO) -> bytes:
    """The first word with a byte that is not ASCII, among letters if there is one."""
    for shape in (rb"[A-Za-z]{1,20}[\x80-\xff]{1,4}[A-Za-z]{0,20}", rb"[\x80-\xff]{1,8}"):
        stream.seek(0)
        before = b""
        while chunk := stream.read(_START):
            if found := re.search(shape, before + chunk):
                return found[0]
            before = chunk[-_TAIL:]
    return b""
