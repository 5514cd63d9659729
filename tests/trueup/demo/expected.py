"""What the demo must show, worked out by hand: the result that its journey is held against.

Belongs here: figures and kinds, as data; nothing is computed.
Does not belong here: the world they follow from (``story`` names each case).
"""

from decimal import Decimal
from typing import NamedTuple


class Expected(NamedTuple):
    """The kind of a change and its quantities, units of the PSA's own field."""

    kind: str
    before: Decimal
    after: Decimal


def _expected(kind: str, before: int, after: int) -> Expected:
    return Expected(kind, Decimal(before), Decimal(after))


CHANGES: dict[str, Expected] = {
    "251501": _expected("increase", 12, 15),
    "252542": _expected("increase", 18, 21),
    "256514": _expected("increase", 700, 800),
    "259512": _expected("increase", 31, 34),
    "262545": _expected("increase", 6, 7),
    "264543": _expected("increase", 33, 35),
    "267521": _expected("increase", 20, 23),
    "271521": _expected("increase", 45, 48),
    "254504": _expected("decrease", 6, 0),
    "255544": _expected("decrease", 6, 5),
    "258512": _expected("decrease", 40, 36),
    "268512": _expected("vanished", 9, 0),
}
"""The proposed change of each agreement line that differs; all other lines match."""

UNBILLED: dict[tuple[str, str], Decimal] = {("265", "505"): Decimal(4), ("272", "545"): Decimal(3)}
"""New found revenue: units by account and service."""

CONFIRM_ZERO = frozenset({"254504", "268512"})
"""Lines whose change ends at zero and needs its own tick."""

HELD = frozenset({"260512"})
AMBIGUOUS = frozenset({"263544", "2635441"})
"""Lines that are in use and get no proposal, each with a finding of that kind."""

EDITED_LINE, EDITED_TO = "256514", Decimal(750)
"""The line that somebody edits between its approval and its write, and what they set it to."""

STATUSES: dict[str, str] = {
    "251501": "written",
    "252542": "written",
    "256514": "stale",
    "259512": "written",
    "262545": "written",
    "264543": "written",
    "267521": "written",
    "271521": "written",
    "254504": "written",
    "255544": "proposed",
    "258512": "proposed",
    "268512": "proposed",
}
"""Where each change stands in the end: all increases and one end at zero were approved, one line was edited by hand."""

WRITTEN: dict[str, Decimal] = {
    "251501": Decimal(15),
    "252542": Decimal(21),
    "259512": Decimal(34),
    "262545": Decimal(7),
    "264543": Decimal(35),
    "267521": Decimal(23),
    "271521": Decimal(48),
    "254504": Decimal(0),
}
"""What the PSA was written, each line once, though the answer of one was lost."""

FINDINGS: dict[str, int] = {
    "stale_approval": 1,
    "rejected_row": 2,
    "unmapped_account": 1,
    "unmapped_service": 1,
    "held": 1,
    "ambiguous_target": 2,
    "proration": 1,
    "unknown_charge": 1,
    "duplicate_file": 1,
    "vanished_subscription": 1,
}
"""Findings by kind. Of the two about rejected rows, one says that Beacon's control total was set aside and agrees."""

AMOUNTS: dict[str, Decimal] = {
    "251501": Decimal("78.00"),
    "252542": Decimal("147.00"),
    "256514": Decimal("12.00"),
    "259512": Decimal("11.25"),
    "262545": Decimal("15.00"),
    "264543": Decimal("138.00"),
    "267521": Decimal("20.70"),
    "271521": Decimal("20.70"),
    "254504": Decimal("-33.00"),
    "255544": Decimal("-120.00"),
    "258512": Decimal("-15.00"),
    "268512": Decimal("-33.75"),
}
"""Money a month that each change moves, in US dollars, at the line's own price."""

UNBILLED_AMOUNTS: dict[tuple[str, str], Decimal] = {("265", "505"): Decimal("72.00"), ("272", "545"): Decimal("45.00")}
"""Money a month of new found revenue, at the service's price."""
