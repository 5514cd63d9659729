"""What a file's numbers, charge kinds and spellings mean, as a profile declares it.

Belongs here: marks of numbers, the classes of charge kinds, maps of spellings.
Does not belong here: reading a cell under them (``numbers``, ``compile``).
"""

import re
from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Part, Text
from pipelines.intake.rows import RowClass

_NO_MARKS = '+-()"=_\r\n'
"""Characters that mean something else in a number; the apostrophe groups digits in Switzerland."""


class Numbers(Part):
    """The marks that numbers are written with. A cell that does not fit them exactly is rejected."""

    decimal: Text = "."
    thousands: Text | None = None
    nil: tuple[Text, ...] = ("",)
    negative: tuple[Literal["-1", "(1)", "1-"], ...] = ("-1",)
    currency_symbols: tuple[Text, ...] = ()

    @field_validator("negative", mode="before")
    @classmethod
    def _styles(cls, value: object) -> object:
        return [str(style) if style == -1 else style for style in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        marks = self.decimal + (self.thousands or "")
        if len(self.decimal) != 1 or self.decimal.isspace() or len(set(marks)) != len(marks):
            raise ValueError("decimal is one mark, and thousands are marks other than it")
        if any(mark.isalnum() or mark in _NO_MARKS for mark in marks):
            raise ValueError(f"{marks!r} holds a character that cannot be a mark of numbers")
        for symbol in self.currency_symbols:
            if not symbol or any(c.isdigit() or c.isspace() or c in marks + _NO_MARKS for c in symbol):
                raise ValueError(f"{symbol!r} cannot be a currency symbol: it holds a blank, digit, sign or mark")
        return self


def folded_kind(kind: str) -> str:
    """A charge kind without what its spellings differ in: letter case, ``-``, ``_`` and blanks."""
    return re.sub(f"[-_{BLANKS}]", "", kind).lower()


class Charges(Part):
    """Which charge kinds mean what; a kind in no list is unknown: kept, reported, never counted."""

    recurring: tuple[Text, ...] = ()
    cancel: tuple[Text, ...] = ()
    proration: tuple[Text, ...] = ()
    one_off: tuple[Text, ...] = ()
    tax: tuple[Text, ...] = ()
    fee: tuple[Text, ...] = ()
    credit: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _once(self) -> Self:
        kinds = [folded_kind(kind) for _, listed in self for kind in listed]
        twice = sorted({kind for kind in kinds if kinds.count(kind) > 1 or not kind})
        if twice:
            raise ValueError(f"{twice[0]!r} is blank or stands twice; spellings are folded before they are compared")
        return self

    @property
    def by_class(self) -> Iterator[tuple[RowClass, tuple[str, ...]]]:
        """Each class with its kinds, folded."""
        for name, listed in self:
            yield RowClass(name), tuple(folded_kind(kind) for kind in listed)


class Maps(Part):
    """What the spellings of a file mean. A value in no map is kept as it is and reported."""

    commitment_term: dict[Text, Text] = Field(default_factory=dict)
    billing_cycle: dict[Text, Text] = Field(default_factory=dict)
    currency: dict[Text, Text] = Field(default_factory=dict)
    charge_kind: dict[Text, Text] = Field(default_factory=dict)

    @property
    def declared(self) -> dict[str, dict[str, str]]:
        """The maps that hold anything, by canonical field."""
        return {name: values for name, values in self if values}
