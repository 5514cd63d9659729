"""What reading a file gives: every record accounted for, rows typed, and what an operator should know of it.

Belongs here: the shapes that the reader hands to the use case.
Does not belong here: reading (``resources.warehouse.reading``), judging (``completeness``).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Protocol

from pipelines.identity import FileId, RevisionId
from pipelines.intake.drops import DropIdentity
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import RowAccounting, RowError

ServiceParts = tuple[str, ...]
"""The parts of a service key, before they are joined."""


@dataclass(frozen=True)
class Slice:
    """The month, and the part of it, that a row says it is for. None: the row does not say, or nobody can read it."""

    period: str | None = None
    part: str | None = None

    def may_be(self, other: "Slice") -> bool:
        """Whether nothing that both say is different."""
        pairs = ((self.period, other.period), (self.part, other.part))
        return all(one == another or None in {one, another} for one, another in pairs)

    def drop(self, file: DropIdentity) -> DropIdentity:
        """The drop that such a row is for, in a file that as a whole is for another, or for this one."""
        return replace(file, period=self.period or file.period, part=self.part or file.part)

    @property
    def order(self) -> tuple[str, str]:
        """By what slices are sorted: months first."""
        return self.period or "", self.part or ""


UNSAID = Slice()
"""Nothing that a row says: the file speaks for one month as a whole, or nobody can tell which month or part."""


@dataclass(frozen=True)
class RevisionStamp:
    """What every row of a revision bears besides its own columns."""

    tenant: str
    drop: DropIdentity
    profile: ImportProfile
    revision_id: RevisionId
    file_id: FileId
    file_name: str
    sha256: str


class UsageRows(Protocol):
    """The valid rows of a reading, typed, in file order."""

    @property
    def num_rows(self) -> int:
        """How many they are."""
        ...

    def stamped(self, stamp: RevisionStamp) -> Any:
        """The rows as the lake keeps them, which it asks to write themselves."""
        ...


@dataclass(frozen=True)
class TotalRow:
    """A control total, of the rows that name nothing else than it does.

    ``service`` holds the parts of the service key that it names, blank parts for any.
    """

    row: int
    service: ServiceParts
    stated: Decimal | None
    slice: Slice = UNSAID


@dataclass(frozen=True)
class Reading:
    """What a file says for one month or part of a month, or for all of them.

    ``added`` sums the readable quantities or amounts of all data rows of the file, filtered and rejected ones too, by
    slice and service: what control totals are compared with. ``currencies`` are those of the valid rows with the first
    records of each (None where a row names none), looked at only where the profile says which it expects.
    """

    rows: RowAccounting
    quantity: Decimal
    rejected: tuple[RowError, ...]
    usage: UsageRows
    totals: tuple[TotalRow, ...] = ()
    added: Mapping[tuple[Slice, ServiceParts], Decimal] = field(default_factory=dict)
    currencies: Mapping[str | None, tuple[int, ...]] = field(default_factory=dict)


@dataclass
class Observations:
    """What was kept and should be known: counted while a file is read, told at the end."""

    unknown_kinds: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[tuple[str, str]] = field(default_factory=Counter)
    flagged: dict[str, list[int]] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)
    rounded_amounts: int = 0
    rounded_quantities: list[int] = field(default_factory=list)
    cut_ids: dict[str, int] = field(default_factory=dict)

    def sentences(self) -> tuple[str, ...]:
        """One sentence for each observation."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        for kind, count in sorted(self.unknown_kinds.items()):
            which = (
                f"with the charge kind {kind!r}, which no list of charges names" if kind else "without a charge kind"
            )
            yield f"{_rows(count)} {which}: kept, never counted"
        for (name, value), count in sorted(self.unmapped.items()):
            field_name = name.replace("_", " ")
            yield f"{_rows(count)} with the {field_name} {value!r}, which the profile does not map: kept as is"
        for flag, rows in sorted(self.flagged.items()):
            yield f"{_rows(len(rows))} with a {_FLAGS[flag]} quantity: {records(rows)}"
        for name in self.doubled:
            yield f"the header {name!r} stands more than once; the first such column is read"
        if self.rounded_amounts:
            yield f"{self.rounded_amounts} amounts had more than 10 decimal places and were rounded"
        if rows := self.rounded_quantities:
            yield (
                f"{_rows(len(rows))} with a quantity of more than 10 decimal places, which was rounded: "
                f"{records(rows)}. Where the service is mapped, the line is held"
            )
        for name, count in self.cut_ids.items():
            ids = "1 id ends" if count == 1 else f"all {count} ids of more than 15 digits end"
            yield (
                f"{name.replace('_', ' ')}: {ids} in zeros after the 15th digit, as Excel leaves them: "
                "different ids may have become one; export again without opening the file in Excel"
            )


_FLAGS = {"negative": "negative", "zero": "zero", "fraction": "fractional"}


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


MOST_RECORDS = 10
"""Record numbers that a sentence names."""


def records(rows: Iterable[int]) -> str:
    """Record numbers for a sentence, the first ten of them."""
    listed = list(rows)
    shown = ", ".join(map(str, listed[:MOST_RECORDS]))
    return f"record{'s' if len(listed) > 1 else ''} {shown}{' ...' if len(listed) > MOST_RECORDS else ''}"


@dataclass(frozen=True)
class ReadFile:
    """A file as a profile reads it. ``refusal`` says why it cannot be read; then there are no rows.

    ``columns`` are canonical fields with the headers they are read from, ``headers`` all headers of the file as
    ``Header.position`` finds them again. ``slices`` is filled where rows have their own month or part;
    ``elsewhere`` reads a slice that no row bears. ``whole`` is everything together.
    """

    whole: Reading
    slices: Mapping[Slice, Reading] = field(default_factory=dict)
    elsewhere: Callable[[Slice], Reading] | None = None
    header_row: int | None = None
    headers: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    unused_columns: tuple[str, ...] = ()
    observations: tuple[str, ...] = ()
    rounded_amounts: int = 0
    preview: tuple[Mapping[str, str | None], ...] = ()
    refusal: str | None = None
    preview_stamp: RevisionStamp | None = None

    @property
    def table(self) -> Any:
        """All valid rows as an Arrow table of the lake's columns, as if published; None where nothing was read."""
        return None if self.preview_stamp is None else self.whole.usage.stamped(self.preview_stamp).table()

    def reading_of(self, wanted: Slice) -> Reading:
        """What the file says for one slice; records of others count as ignored there."""
        if wanted in self.slices or self.elsewhere is None:
            return self.slices.get(wanted, self.whole)
        return self.elsewhere(wanted)

    @property
    def rows(self) -> RowAccounting:
        """Every record of the file, counted once."""
        return self.whole.rows

    @property
    def quantity(self) -> Decimal:
        """The sum over valid rows."""
        return self.whole.quantity

    @property
    def rejected(self) -> tuple[RowError, ...]:
        """The records that were not understood."""
        return self.whole.rejected
