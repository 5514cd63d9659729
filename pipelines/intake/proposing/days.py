"""Which date formats the columns of a sample fit, and whether only one reading of them is possible.

Belongs here: candidate formats, the order of day and month that every value allows.
Does not belong here: what a format takes (``pipelines.intake.dates``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

from pipelines.intake.dates import MONTHS, RANGE_MARKS, date_pattern
from pipelines.intake.proposing.choices import Choice, flow, listed, shown

_CLEAR = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d %b %Y", "%d-%b-%Y", "%d %B %Y", "%b %d, %Y",
    "%B %d, %Y", "%d/%b/%Y", "%d-%B-%Y",
)  # fmt: skip
"""Formats without a rival: nobody writes the month first with points between."""

_DAY_FIRST, _MONTH_FIRST = ("%d/%m/%Y", "%d-%m-%Y"), ("%m/%d/%Y", "%m-%d-%Y")
_TIMES = (
    "", "T%H:%M:%S%z", "T%H:%M:%S.%f%z", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M%z", "T%H:%M", " %H:%M:%S", " %H:%M",
    " %H:%M:%S.%f", " %H:%M:%S%z", " %H:%M:%S %z", " %I:%M:%S %p", " %I:%M %p", " %H:%M:%S UTC",
)  # fmt: skip

DAY_FIRST, MONTH_FIRST = "day first", "month first"


@dataclass(frozen=True)
class Reading:
    """Formats that together fit every value, each under one order of day and month."""

    formats: tuple[str, ...]
    proof: str | None = None


def day_of(text: str, date_format: str) -> date | None:
    """The day that one format reads in a text; None where it does not fit, or names no day."""
    found = _compiled(date_format).fullmatch(text)
    if found is None:
        return None
    groups = found.groupdict()
    month = groups.get("month") or MONTHS.index(groups["name"][:3].lower()) + 1
    try:
        return date(int(groups["year"]), int(month), int(groups["day"]))
    except ValueError:
        return None


@cache
def _compiled(date_format: str) -> re.Pattern[str]:
    return re.compile(date_pattern(date_format))


def readings_of(values: Sequence[str]) -> dict[str, Reading]:
    """How all the values can be read as days: by one order of day and month, by the other, by both, or not at all."""
    different = list(dict.fromkeys(value for value in values if value))
    found = {}
    for order, own in ((DAY_FIRST, _DAY_FIRST), (MONTH_FIRST, _MONTH_FIRST)):
        formats = _cover(different, [*_CLEAR, *own])
        if formats is not None:
            found[order] = Reading(formats)
    if len(found) == 2 and found[DAY_FIRST].formats == found[MONTH_FIRST].formats:
        del found[MONTH_FIRST]
    return found


def _cover(values: Sequence[str], bases: Sequence[str]) -> tuple[str, ...] | None:
    """The fewest formats, most used first, of which one fits each value; None where a value fits none."""
    used: dict[str, int] = {}
    for value in values:
        fitting = next((f for f in _candidates(bases, tuple(used)) if day_of(value, f)), None)
        if fitting is None:
            return None
        used[fitting] = used.get(fitting, 0) + 1
    return tuple(sorted(used, key=lambda one: -used[one]))


def _candidates(bases: Sequence[str], first: Sequence[str]) -> Iterator[str]:
    yield from first
    for base in bases:
        for time in _TIMES:
            yield base + time


_LONGEST = 80
"""Characters of two dates with their times."""

_BETWEEN = re.compile(rf"\s*(?:{'|'.join(map(re.escape, RANGE_MARKS))})\s*", re.IGNORECASE)


def two_days(text: str) -> tuple[str, str] | None:
    """The two dates that one cell holds, as texts; None where it does not, or can be parted in more than one way."""
    if len(text) > _LONGEST:
        return None
    parted = ((text[: mark.start()], text[mark.end() :]) for mark in _BETWEEN.finditer(text))
    found = [(start, end) for start, end in parted if _is_day(start) and _is_day(end)]
    return found[0] if len(found) == 1 else None


def _is_day(text: str) -> bool:
    return any(day_of(text, one) for one in _candidates((*_CLEAR, *_DAY_FIRST, *_MONTH_FIRST), ()))


def dates_of(columns: Mapping[str, Sequence[str]], *, is_needed: bool) -> Choice | None:
    """The choice of ``dates`` for columns of dates, by their names; None where there are no such columns.

    ``is_needed``: whether the profile reads one of them, so that an order must be chosen.
    """
    values = [value for texts in columns.values() for value in texts if value]
    if not values:
        return None
    names = listed(list(columns))
    readings = readings_of(values)
    if len(readings) == 2:
        return _ambiguous(names, readings, values[0], is_needed=is_needed)
    if not readings:
        reason = f"no single order of day and month reads every value of {names}, so none of them is read"
        return Choice("dates", [], reason, (), "confirm")
    ((order, reading),) = readings.items()
    rival = any(day_of(value, f) for value in values[:1] for f in (*_DAY_FIRST, *_MONTH_FIRST))
    reason = f"every value of {names} fits, {shown(values[0])} for example"
    proof = next((value for value in values if rival and _proves(value, order)), None)
    reason += f"; {order}, as {shown(proof)} proves" if proof else ""
    return Choice("dates", list(reading.formats), reason)


def _ambiguous(names: str, readings: Mapping[str, Reading], example: str, *, is_needed: bool) -> Choice:
    alternatives = tuple(f"{flow(list(reading.formats))} ({order})" for order, reading in readings.items())
    reason = f"ambiguous: every value of {names} can be read day first and month first, {shown(example)} for example"
    if is_needed:
        return Choice(
            "dates", None, f"{reason}; ask the distributor or look for a day above 12", alternatives, "choose"
        )
    return Choice("dates", [], f"{reason}; no date is read, so none is chosen", alternatives, "confirm")


def _proves(value: str, order: str) -> bool:
    other = _MONTH_FIRST if order == DAY_FIRST else _DAY_FIRST
    return not any(day_of(value, base + time) for base in other for time in _TIMES)
