"""Conditions on the cells of a row, as a profile writes them.

Belongs here: the operators and what they compare with.
Does not belong here: their SQL (``compile``).
"""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipelines.intake.columns import Address, Part, Pattern

_PLAIN_NUMBER = re.compile(r"-?[0-9]{1,28}(?:\.[0-9]{1,10})?\Z")


def _operand(value: object) -> object:
    if isinstance(value, bool) or value is None:
        raise ValueError(f"write {'null' if value is None else str(value).lower()!r} in quotes, so that it is text")
    return Decimal(value) if isinstance(value, int) else value


def _bound(value: object) -> object:
    if isinstance(value, str) and _PLAIN_NUMBER.match(value):
        return Decimal(value)
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither a number nor a date (YYYY-MM-DD)") from None
    return _operand(value)


Operand = Annotated[Decimal | date | str, BeforeValidator(_operand)]
"""Text is compared with the trimmed cell; an unquoted number or date with what the cell reads as."""

Bound = Annotated[Decimal | date, BeforeValidator(_bound)]


class Condition(Part):
    """A statement about one cell of a row; every operator given must hold.

    A cell without a value is equal to nothing and neither less nor greater than anything. A cell that cannot be read
    as the number or date it is compared with makes the row rejected: nobody knows whether it counts.

    ``within_days``: the cell's day is at most that many days before the day for which the file speaks, or later.
    """

    column: Address
    in_: tuple[Operand, ...] | None = Field(default=None, alias="in")
    not_in: tuple[Operand, ...] | None = None
    eq: Operand | None = None
    ne: Operand | None = None
    lt: Bound | None = None
    le: Bound | None = None
    gt: Bound | None = None
    ge: Bound | None = None
    matches: Pattern | None = None
    blank: Literal[True] | None = None
    not_blank: Literal[True] | None = None
    within_days: Annotated[int, Field(ge=0, le=3_660, strict=True)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if all(value is None for name, value in self if name != "column"):
            raise ValueError(f"the condition on {self.column!r} names no operator (in, not_in, eq, ne, lt, le ...)")
        return self
