"""Fields of a PSA's record, read strictly: what is absent is none, what is of another type is an error with its place.

Belongs here: ids, texts, flags, days and exact numbers, as every vendor's JSON holds them.
Does not belong here: a vendor's field names, what a value means (each vendor's own ``records`` module).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pipelines.quantities import PRECISION, SCALE, rounded
from resources.psa.errors import Refused, Unavailable

Record = Mapping[str, Any]

_DAY = re.compile(r"\d{4}-\d\d-\d\d(T|\Z)")
_WHOLE_DIGITS = PRECISION - SCALE


def id_of(record: object, what: str, field: str = "id") -> int:
    """The id of a record or of a reference to one. Raises ``Unavailable`` when there is none."""
    number = record.get(field) if isinstance(record, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise Unavailable(f"{what} has no {field} in the PSA's answer, so the answer cannot be used")
    return number


def text_in(record: Record, field: str) -> str:
    """A text without blanks around it; empty when there is none."""
    value = record.get(field)
    return "" if value is None else str(value).strip()


def flag_in(record: Record, field: str, what: str) -> bool:
    """A truth; false when it is not told. Raises ``Unavailable`` for anything else."""
    value = record.get(field)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not true or false, so the answer cannot be used")
    return value


def day_in(record: Record, field: str, what: str) -> date | None:
    """The calendar day of a date or an instant, as it is written. Raises ``Unavailable`` for anything else."""
    value = record.get(field)
    if value is None or value == "":
        return None
    try:
        if not _DAY.match(value):
            raise ValueError(value)
        # A calendar day that vendors write as midnight: moving it to a time zone would move the day.
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not a date, so the answer cannot be used") from None


def number_in(record: Record, field: str, what: str) -> Decimal | None:
    """An exact number. Raises ``Unavailable`` for what is none, ``Refused`` for one too large to be kept."""
    value = record.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not a number, so the answer cannot be used")
    number = Decimal(value)
    if number and number.adjusted() >= _WHOLE_DIGITS:
        raise Refused(f"{what}: {field} has more than {_WHOLE_DIGITS} digits before the point; correct it in the PSA")
    return number


def exact_in(record: Record, field: str, what: str) -> Decimal:
    """A quantity, zero for null. Raises as ``number_in``, and ``Refused`` for one that is finer than can be kept."""
    number = number_in(record, field, what) or Decimal(0)
    if number != rounded(number):
        raise Refused(f"{what}: {field} {number} has more than {SCALE} decimal places; correct it in the PSA")
    return number


def money_in(record: Record, field: str, what: str) -> Decimal | None:
    """A price per unit, rounded to what can be kept. Raises as ``number_in``."""
    number = number_in(record, field, what)
    return None if number is None else rounded(number)


def in_parts(ids: Iterable[str | int], most: int) -> Iterator[list[int]]:
    """Ids in ascending order, each once, at most so many at a time; what is no number names nothing and is left out."""
    wanted = sorted({int(each) for each in ids if str(each).isdecimal()})
    return (wanted[first : first + most] for first in range(0, len(wanted), most))
