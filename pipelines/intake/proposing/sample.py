"""A sample file as the proposals look at it: its records, its header, the texts of its columns.

Belongs here: records and columns of a sample, what a cell says without blanks and guards.
Does not belong here: how bytes become records (``dialect``), which record is the header (``header_row``).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from pipelines.intake.blanks import BLANKS
from pipelines.intake.headers import Header, normal_header
from pipelines.intake.proposing.choices import Choice
from pipelines.intake.sheet import is_blank

Record = tuple[str, ...]

_LONGEST_NAME = 200


@dataclass(frozen=True)
class Sample:
    """The records of a file and how they were read. ``is_cut``: the file goes on behind them."""

    records: tuple[Record, ...]
    layout: Choice
    is_cut: bool = False


@dataclass(frozen=True)
class Row:
    """A record below the header. ``number`` is its physical record number."""

    number: int
    cells: Record


@dataclass(frozen=True)
class Table:
    """The header and the rows of data below it; totals and footers are not among them."""

    header: Header
    rows: tuple[Row, ...]
    _texts: dict[int, list[str]] = field(default_factory=dict, compare=False)

    @classmethod
    def below(cls, header: Header, records: Sequence[Record]) -> "Table":
        """The table of a header; wholly blank records are none of its rows."""
        numbered = enumerate(records[header.row :], header.row + 1)
        return cls(header, tuple(Row(number, cells) for number, cells in numbered if not is_blank(cells)))

    def without(self, numbers: set[int]) -> "Table":
        """The same table without these records."""
        return Table(self.header, tuple(row for row in self.rows if row.number not in numbers))

    @property
    def places(self) -> range:
        """The columns, by position."""
        return range(len(self.header.cells))

    def texts(self, place: int) -> list[str]:
        """What the cells of a column say, row by row."""
        if place not in self._texts:
            self._texts[place] = [cell_text(row.cells[place]) if place < len(row.cells) else "" for row in self.rows]
        return self._texts[place]

    def filled(self, place: int) -> list[str]:
        """What the cells of a column say that say anything."""
        return [text for text in self.texts(place) if text]

    def values(self, place: int) -> Counter[str]:
        """The different texts of a column and how often each stands there."""
        return Counter(self.filled(place))

    def address(self, place: int) -> str:
        """How a profile names a column: by its header, by its number where that cannot be written or is a page."""
        name = self.header.name(place)
        is_plain = name.isprintable() and len(name) <= _LONGEST_NAME
        return name if is_plain and self.header.position(name) == place else f"#{place + 1}"

    @cached_property
    def folded(self) -> tuple[str, ...]:
        """The headers without what their spellings differ in."""
        return tuple(map(folded_header, self.header.cells))


def cell_text(cell: str) -> str:
    """The text of a cell as evidence: trimmed, without the guards that keep Excel from changing it."""
    text = cell.strip(BLANKS)
    if text.startswith('="') and text.endswith('"') and len(text) > 2:
        return text[2:-1].strip(BLANKS)
    return text[1:].strip(BLANKS) if re.match(r"'[0-9(.,-]", text) else text


def folded_header(text: str) -> str:
    """A header without blanks, marks, letter case and a currency behind it: ``Customer_ID`` is ``CustomerId``."""
    plain = re.sub(r"[(\[](?:[a-z]{3}|[^\w()\[\]])[)\]]\s*$", "", normal_header(text))
    return re.sub(r"[\W_]", "", plain.replace("#", "no"))
