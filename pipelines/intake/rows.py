"""What a usage row, a row error and the row accounting are: each with file, sheet and row number.

Belongs here: the shapes that intake hands on, and the law that no record is lost.
Does not belong here: how a cell is read (``compile``) and what a whole file is worth (``completeness``).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Self


class RowClass(StrEnum):
    """What a charge row means. Only ``recurring`` and ``cancel`` carry a recurring quantity."""

    RECURRING = "recurring"
    CANCEL = "cancel"
    PRORATION = "proration"
    ONE_OFF = "one_off"
    TAX = "tax"
    FEE = "fee"
    CREDIT = "credit"
    UNKNOWN = "unknown"


CARRY_QUANTITY = (RowClass.RECURRING, RowClass.CANCEL)
"""The classes whose rows say how much is used."""

OF_MONEY = (RowClass.PRORATION, RowClass.ONE_OFF, RowClass.TAX, RowClass.FEE, RowClass.CREDIT)
"""The classes whose rows may state an amount and no quantity. What is unknown may carry one, so it must state it."""


class Reduction(StrEnum):
    """How the rows of one subscription become one quantity. The SQL of each stands in dbt_project."""

    SUM = "sum"
    SIGNED_SUM = "signed_sum"
    MAX = "max"
    FIRST = "first"
    LAST = "last"
    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    LAST_BY_PERIOD_END = "last_by_period_end"
    RUNNING_TOTAL = "running_total"
    NONE = "none"


@dataclass(frozen=True)
class RowAccounting:
    """Every physical record of a file, counted once. ``total`` always equals the sum of the other seven."""

    preamble: int = 0
    header: int = 0
    blank: int = 0
    ignored: int = 0
    totals: int = 0
    rejected: int = 0
    valid: int = 0

    @property
    def total(self) -> int:
        """All physical records: ``rows.in`` of the outside contract."""
        return sum(getattr(self, field.name) for field in fields(self))

    @property
    def data_rows(self) -> int:
        """Records that say something about usage: valid or rejected. Control totals are none."""
        return self.valid + self.rejected

    def as_json(self) -> dict[str, int]:
        """The shape of the outside contract."""
        return {"in": self.total, **asdict(self)}

    @classmethod
    def from_json(cls, counts: dict[str, int]) -> Self:
        """The accounting that ``as_json`` wrote."""
        return cls(**{name: count for name, count in counts.items() if name != "in"})

    @classmethod
    def added(cls, parts: Iterable["RowAccounting"]) -> Self:
        """The accounting of several files together."""
        parts = list(parts)
        return cls(**{field.name: sum(getattr(part, field.name) for part in parts) for field in fields(cls)})


@dataclass(frozen=True)
class RowError:
    """Why a record was not understood, in words an operator can act on.

    ``column`` is the file's own header, ``value`` the cell as it stands. ``account`` and ``service`` are the keys
    as far as they could be read (None: unreadable); they decide which decreases this row holds.
    """

    file: str
    sheet: str | None
    row: int
    column: str | None
    value: str | None
    reason: str
    remedy: str
    account: str | None = None
    service: str | None = None
    record_hash: str = ""
    """Names the record's whole content, so that a person's fix is re-applied only where the row is the same."""
    is_failure: bool = False
    """The record is a collector's failure message: the whole drop is incomplete."""


class OverlayAction(StrEnum):
    """What a person decided about a rejected record."""

    FIX = "fix"
    IGNORE = "ignore"


@dataclass(frozen=True)
class RowOverlay:
    """A person's decision about one record; the raw file is never touched.

    It applies where the row number and the record's content (``record_hash``) are the same. ``column`` (the file's own
    header) and ``value`` are given for a fix, ``reason`` for an ignored record.
    """

    row: int
    record_hash: str
    action: OverlayAction
    column: str | None
    value: str | None
    reason: str | None
    decided_by: str
