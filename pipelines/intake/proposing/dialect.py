"""How a sample's bytes become records: the encoding and the delimiter that fit it.

Belongs here: trying encodings and delimiters, why one is proposed.
Does not belong here: reading records (``pipelines.intake.sheet``), what columns mean (``synonyms``).
"""

import io
from collections import Counter
from dataclasses import dataclass

from pipelines.intake.layout import FileLayout
from pipelines.intake.sheet import Records, UnreadableFile, encoding_of, is_blank

DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Dialect:
    """The records of a sample as read, and under which encoding and delimiter."""

    encoding: str
    delimiter: str
    records: tuple[tuple[str, ...], ...]


def dialect_of(content: bytes) -> Dialect:
    """The dialect under which most records agree on the greatest width above one.

    Raises ``UnreadableFile`` when no encoding or no delimiter fits.
    """
    encoding = encoding_of(io.BytesIO(content), ["utf-8-sig", "cp1252"])
    tried = [found for mark in DELIMITERS if (found := _read(content, encoding, mark)) is not None]
    best = max(tried, key=_agreement, default=None)
    if best is None or _agreement(best) == (0, 0):
        raise UnreadableFile(
            "no comma, semicolon, tab or bar divides the file into columns",
            "Export the file as CSV, or write a profile",
        )
    return best


def _read(content: bytes, encoding: str, delimiter: str) -> Dialect | None:
    layout = FileLayout.model_validate({"encoding": encoding, "delimiter": delimiter})
    try:
        return Dialect(encoding, delimiter, tuple(map(tuple, Records(io.BytesIO(content), layout))))
    except UnreadableFile:
        return None


def _agreement(dialect: Dialect) -> tuple[int, int]:
    widths = Counter(len(record) for record in dialect.records if not is_blank(record) and len(record) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))
