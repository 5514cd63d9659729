"""Where a file's header stands and which column each mapped name means.

Belongs here: comparing header texts, doubled and unnamed headers, what to say when one is missing.
Does not belong here: reading bytes (``sheet``), reading cells (``compile``).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Column
from pipelines.intake.profile import ImportProfile, read_columns
from pipelines.intake.sheet import UnreadableFile, is_blank


def normal_header(text: str) -> str:
    """The form in which headers compare: NFKC, blanks collapsed, letter case folded."""
    plain = "".join(" " if character in BLANKS else character for character in unicodedata.normalize("NFKC", text))
    return " ".join(plain.split()).casefold()


@dataclass(frozen=True)
class Header:
    """The header of a file. ``row`` is its record's number, ``cells`` its texts as they stand.

    ``made`` are columns of the profile that come to those of the file: their positions follow the last cell's.
    """

    row: int
    cells: tuple[str, ...]
    made: tuple[str, ...] = ()

    @cached_property
    def _positions(self) -> dict[str, list[int]]:
        positions: dict[str, list[int]] = {}
        for index, cell in enumerate((*self.cells, *self.made)):
            positions.setdefault(normal_header(cell), []).append(index)
        return positions

    def position(self, address: str) -> int | None:
        """The column an address means: a header's text (the first of that name), ``Name#2`` or ``#7``; else None."""
        if found := self._positions.get(normal_header(address)):
            return found[0]
        counted = re.fullmatch(r"(.*)#([1-9][0-9]{0,3})", normal_header(address), re.DOTALL)
        if counted is None:
            return None
        place = int(counted[2]) - 1
        candidates = list(range(len(self.cells))) if not counted[1] else self._positions.get(counted[1].strip(), [])
        return candidates[place] if place < len(candidates) else None

    def column(self, column: Column) -> int | None:
        """The position of a single column: that of its first name that the header has."""
        return next((place for name in column.addresses if (place := self.position(name)) is not None), None)

    def missing(self, columns: Iterable[Column]) -> list[Column]:
        """The columns that must be there and are not."""
        return [column for column in columns if not column.optional and self.column(column) is None]

    def name(self, position: int) -> str:
        """A column's own header on one line, ``Name#2`` where it is the second of its name, ``#7`` where it has none.

        ``position`` finds the column again by it.
        """
        cell = (*self.cells, *self.made)[position]
        text = " ".join(cell.strip(BLANKS).split())
        place = self._positions[normal_header(cell)].index(position) + 1
        if not text:
            return f"#{position + 1}"
        return text if place == 1 else f"{text}#{place}"

    def is_doubled(self, address: str) -> bool:
        """Whether several columns bear this very name, so that it means the first of them."""
        return len(self._positions.get(normal_header(address), [])) > 1


def mapped_columns(profile: ImportProfile) -> Iterator[Column]:
    """Every single column of the file that a profile reads."""
    for column in profile.used_columns:
        yield from read_columns(profile, column)
    if profile.unpivot:
        yield from (Column(column=address) for address in profile.unpivot.named)


def unpivoted_places(profile: ImportProfile, header: Header) -> tuple[int, ...]:
    """The columns of which each cell is a row. Columns without a header are none, as they are nowhere else."""
    if profile.unpivot is None:
        return ()
    if profile.unpivot.columns is not None:
        places = {header.position(address) for address in profile.unpivot.columns}
        return tuple(sorted(place for place in places if place is not None))
    read = {header.column(column) for column in mapped_columns(profile)}
    kept = read | {header.position(address) for address in profile.unpivot.but or ()}
    return tuple(place for place, cell in enumerate(header.cells) if normal_header(cell) and place not in kept)


def find_header(
    records: Iterator[Sequence[str]], profile: ImportProfile
) -> tuple[Header | None, Iterator[Sequence[str]]]:
    """The header and the records after it; no header when every record of the file is blank.

    Raises ``UnreadableFile`` when it is not where the profile says, or lacks a mapped column.
    """
    columns, place = list(mapped_columns(profile)), profile.header
    looked_at = [
        Header(row, tuple(cells), profile.made_columns)
        for row, cells in enumerate(islice(records, place.row or place.within), 1)
    ]
    candidates = looked_at if place.row is None else looked_at[place.row - 1 :]
    for header in candidates:
        if not header.missing(columns):
            _check_own(header, profile)
            return header, chain((later.cells for later in looked_at[header.row :]), records)
    if all(is_blank(header.cells) for header in looked_at) and all(map(is_blank, records)):
        return None, records
    raise _not_found(looked_at, candidates, columns)


def _check_own(header: Header, profile: ImportProfile) -> None:
    """A name must not mean a column of the file and one of the profile's own; something must be there to unpivot."""
    own = [("derived", name) for name in profile.derived] + [("unpivoted", name) for name in profile.made_columns]
    for kind, name in own:
        place = header.position(name)
        if place is not None and place < len(header.cells):
            raise UnreadableFile(
                f"the file has a column {name!r}, and a column that the profile makes has the same name",
                f"Rename the {kind} column",
            )
    if profile.unpivot and not unpivoted_places(profile, header):
        raise UnreadableFile("no column is left to be unpivoted", "Correct unpivot of the profile")


def _not_found(looked_at: list[Header], candidates: list[Header], columns: list[Column]) -> UnreadableFile:
    if not candidates:
        return UnreadableFile(
            f"the header is not found: the file has {len(looked_at)} records",
            "Correct header.row of the profile, or export the file again",
        )
    closest = min(candidates, key=lambda header: len(header.missing(columns)))
    lacking = list(dict.fromkeys(" or ".join(column.addresses) for column in closest.missing(columns)))
    names = ", ".join(map(repr, lacking))
    seen = ", ".join(repr(closest.name(place)) for place in range(len(closest.cells))) or "nothing"
    where = f"record {closest.row}" if len(candidates) == 1 else f"the first {len(looked_at)} records"
    mapped = f"column {names} is" if len(lacking) == 1 else f"columns {names} are"
    return UnreadableFile(
        f"the mapped {mapped} missing in {where}; headers seen in record {closest.row}: {seen[:2000]}",
        "Correct the profile where the distributor renamed the column, or export the file again with it",
    )
