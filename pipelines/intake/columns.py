"""How a profile names the cells it reads: one shape for every shorthand of the profile language.

Belongs here: the column specification and its shorthands.
Does not belong here: finding a header in a file (``headers``), reading a cell (``compile``).
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_validator


class Part(BaseModel):
    """A part of a profile: frozen, and every key it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def _as_text(value: object) -> object:
    """A number or date that stands unquoted in a profile, as the text it was written as."""
    if isinstance(value, bool):
        raise ValueError(f"write {str(value).lower()!r} in quotes, so that it is text")
    if isinstance(value, int | Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _without_control(value: str) -> str:
    if any(ord(character) < 32 and character not in "\t\n" for character in value):
        raise ValueError("control characters are not allowed")
    return value


Text = Annotated[str, BeforeValidator(_as_text), AfterValidator(_without_control)]
"""Text, as in the file; an unquoted number of a profile is taken as its digits."""


def _named(value: str) -> str:
    if not value.strip():
        raise ValueError("the name is blank")
    return value


Address = Annotated[Text, AfterValidator(_named)]
"""A header's text, ``Name#2`` for the second column of that name, or ``#7`` for the seventh column."""

_ESCAPED = re.compile(r"\\[^1-9ZzuUN]")
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=|[a-zA-Z]*[aLux])|[*+?}]\+|\\")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")


def regular(value: str) -> str:
    """A regular expression that the reading engine takes too; it runs in linear time, so it has no looking around."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, RecursionError, OverflowError, Warning) as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from None
    # Something stays in an escape's place: without it ``-?\d+`` would look possessive.
    if _NOT_RE2.search(_ESCAPED.sub("_", value)) or any(
        int(n or 0) > 1000 for pair in _REPEAT.findall(value) for n in pair
    ):
        raise ValueError(
            f"{value!r} uses a construct that is not supported (look-around, back-reference, possessive or atomic "
            "group, \\Z, flags other than i, m, s, or more than 1000 repeats)"
        )
    return value


Pattern = Annotated[Text, AfterValidator(regular)]
"""A regular expression, searched for anywhere in the text."""


def _not_yet(value: object, info: ValidationInfo) -> object:
    if value in (None, [], {}, ()):
        return None
    raise ValueError(f"{info.field_name!r} is not supported yet")


NotYet = Annotated[object, AfterValidator(_not_yet)]
"""A key of the profile language that a later version reads; empty it is accepted, filled it is refused by name."""


def later(*words: str) -> BeforeValidator:
    """Words of the profile language that a later version understands, refused by name until then."""

    def check(value: object) -> object:
        if value in words:
            raise ValueError(f"{value!r} is not supported yet")
        return value

    return BeforeValidator(check)


Pair = tuple[Text, Text]


def _as_pairs(value: object) -> object:
    return tuple(value.items()) if isinstance(value, dict) else value


class Column(Part):
    """Where the text of one canonical field comes from.

    Exactly one of ``column``, ``any_of``, ``parts``, ``constant``, ``sum``, ``count`` and ``count_distinct`` is given.
    The text of a column goes through ``extract`` (the first group, or the whole match), ``replace`` (literal texts, one
    after the other) and ``case``, in this order. An ``optional`` column may be missing in a file; its cells are then
    blank. ``range`` takes one of two dates that stand in one cell.
    """

    column: Address | None = None
    any_of: tuple[Address, ...] = ()
    parts: tuple["ColumnOrShorthand", ...] = ()
    constant: Text | None = None
    sum: tuple["ColumnOrShorthand", ...] = ()
    count: Literal["rows"] | None = None
    count_distinct: "ColumnOrShorthand | None" = None
    extract: Pattern | None = None
    replace: Annotated[tuple[Pair, ...], BeforeValidator(_as_pairs)] = ()
    case: Literal["upper", "lower"] | None = None
    inclusive: bool = False
    range: Literal["start", "end"] | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        given = [self.column, self.any_of, self.parts, self.constant, self.sum, self.count, self.count_distinct]
        if sum(origin not in (None, ()) for origin in given) != 1:
            raise ValueError(
                "give exactly one of a header, any_of, a list of headers, constant, sum, count, count_distinct"
            )
        if not self.addresses and (self.extract or self.replace or self.case or self.optional):
            raise ValueError("extract, replace, case and optional belong to a single column")
        if self.count_distinct and not self.count_distinct.addresses:
            raise ValueError("count_distinct names a single column")
        if any(inner.parts or inner.sum or inner.count or inner.count_distinct for inner in self.inner):
            raise ValueError("a part of a list is a single column or a constant")
        if any(inner.range for inner in self.inner):
            raise ValueError("range belongs to charge_start and charge_end")
        if any(not old for old, _ in self.replace):
            raise ValueError("the text to replace is blank")
        return self

    @property
    def addresses(self) -> tuple[str, ...]:
        """The headers that may hold this column, best first; none for constants and composed columns."""
        return (self.column,) if self.column is not None else self.any_of

    @property
    def inner(self) -> tuple["Column", ...]:
        """The columns that this one is composed of."""
        return self.parts or self.sum or ((self.count_distinct,) if self.count_distinct else ())

    @property
    def groups(self) -> int:
        """How many groups ``extract`` has."""
        return re.compile(self.extract or "").groups

    @property
    def leaves(self) -> Iterator["Column"]:
        """Every single column that is read for this one."""
        for inner in self.inner:
            yield from inner.leaves
        if self.addresses:
            yield self


def as_column(value: object) -> object:
    """A shorthand in full: a header's text, or a list of columns to be joined."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"parts": value}
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        return {"column": value}
    return value


ColumnOrShorthand = Annotated[Column, BeforeValidator(as_column)]
Column.model_rebuild()
