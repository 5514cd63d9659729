"""The billing periods of a sandbox line as Autotask keeps them, and what an adjustment does to them.

Belongs here: cutting a line's life into rows of units, adding to the rows from a day on.
Does not belong here: field names (``autotask_shapes``), who may adjust (``autotask``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from trueup.sandbox.psa.seed import Agreement, EarlierUnits, Line

MONTHS_AHEAD = 13
"""How far the rows of a line without an end reach."""

_ROWS_PER_LINE = 10**7
"""More than any day's ordinal, so that line and first day together make a row's id."""


@dataclass(frozen=True)
class UnitsRow:
    """What a line holds from ``start`` to ``end``, excluded. ``is_posted``: the period is billed."""

    id: int
    start: date
    end: date
    units: Decimal
    is_posted: bool


def rows_of(line: Line, agreement: Agreement, today: date) -> list[UnitsRow]:
    """A row for each calendar month of the line, cut where its units change inside one."""
    first = line.start or agreement.start or _month_on(today, -12)
    ends = [end for end in (line.end, agreement.end, _month_on(today, MONTHS_AHEAD)) if end]
    days = {first, min(ends), *(_months(first, min(ends))), *(step.until for step in line.earlier_units or ())}
    cuts = sorted(day for day in days if first <= day <= min(ends))
    return [
        UnitsRow(
            id=int(line.id) * _ROWS_PER_LINE + start.toordinal(),
            start=start,
            end=end,
            units=units_on(line, start),
            is_posted=line.posted_until is not None and end <= line.posted_until,
        )
        for start, end in pairwise(cuts)
    ]


def units_on(line: Line, day: date) -> Decimal:
    """What a line holds on a day."""
    return next((step.units for step in _steps(line) if day < step.until), line.quantity)


def adjusted(line: Line, day: date, change: int) -> Line:
    """The line with so many more units from a day on; rows before it stay, the row that holds it is split."""
    past = [step for step in _steps(line) if step.until <= day]
    later = [step for step in _steps(line) if step.until > day]
    edge = EarlierUnits(until=day, units=units_on(line, day))
    moved = [EarlierUnits(until=step.until, units=step.units + change) for step in later]
    steps = (*past, *([] if past and past[-1].until == day else [edge]), *moved)
    return line.model_copy(update={"quantity": line.quantity + change, "earlier_units": steps})


def _steps(line: Line) -> list[EarlierUnits]:
    return sorted(line.earlier_units or (), key=lambda step: step.until)


def _months(first: date, end: date) -> Iterator[date]:
    month = _month_on(first, 1)
    while month < end:
        yield month
        month = _month_on(month, 1)


def _month_on(day: date, months: int) -> date:
    """The first day of the month that many months on."""
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def last_day(row: UnitsRow) -> date:
    """The row's last day, as Autotask shows its end."""
    return row.end - timedelta(days=1)
