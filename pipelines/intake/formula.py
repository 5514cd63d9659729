"""Formulas of derived columns: a closed grammar over the cells of one row, read into a tree.

Belongs here: the grammar, what its functions take, which formulas are numbers.
Does not belong here: calculating them (``derived_rules``), where they may be used (``profile``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import NoReturn, Union

from pipelines.intake.columns import regular

MOST_PLACES = 10
"""Decimal places that are kept of a number."""

_MOST_CHARACTERS = 500

ARITHMETIC = ("+", "-", "*", "/", "negate", "round")
"""What makes a number out of numbers."""

_ARGUMENTS = {"round": "a number and its decimal places (0 to 10)", "coalesce": "two or more values"} | {
    "lower": "one text",
    "trim": "one text",
    "extract": "one text and a pattern in single quotes",
}
"""The functions that may be called, and what each takes."""


class FormulaError(Exception):
    """The text is no formula. ``str`` is for operators."""


@dataclass(frozen=True)
class Cell:
    """The cell under a header."""

    address: str


@dataclass(frozen=True)
class Figure:
    """A number that stands in the formula."""

    value: Decimal


@dataclass(frozen=True)
class Words:
    """A text that stands in the formula."""

    value: str


@dataclass(frozen=True)
class Call:
    """A function of other formulas; ``+ - * /`` and ``negate`` are functions too."""

    function: str
    arguments: tuple["Formula", ...]


Formula = Union[Cell, Figure, Words, Call]  # noqa: UP007  a recursive alias


def read_formula(text: str) -> Formula:
    """The formula that a text is.

    Raises ``FormulaError`` that says what is wrong and where.
    """
    if len(text) > _MOST_CHARACTERS:
        raise FormulaError(f"the formula has more than {_MOST_CHARACTERS} characters")
    return _Parser(text).whole()


def is_number(formula: Formula) -> bool:
    """Whether a formula is a number; every other is text, which is read as a number where one is needed."""
    if isinstance(formula, Call) and formula.function == "coalesce":
        return any(map(is_number, formula.arguments))
    return isinstance(formula, Figure) or (isinstance(formula, Call) and formula.function in ARITHMETIC)


def cells_of(formula: Formula) -> Iterator[str]:
    """The headers that a formula reads, in their order."""
    if isinstance(formula, Cell):
        yield formula.address
    if isinstance(formula, Call):
        for argument in formula.arguments:
            yield from cells_of(argument)


# --- reading ----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<figure>[0-9]{1,18}(?:\.[0-9]{1,10})?(?![0-9.]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | "(?P<header>[^"]+)"
      | '(?P<words>(?:[^']|'')*)'
      | (?P<sign>[-+*/(),])
    )""",
    re.VERBOSE,
)


class _Parser:
    """Reads one formula from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def whole(self) -> Formula:
        formula = self._sum()
        if self._text[self._at :].strip():
            self._fail()
        return formula

    def _sum(self) -> Formula:
        formula = self._product()
        while sign := self._sign("+-"):
            formula = self._calculated(sign, formula, self._product())
        return formula

    def _product(self) -> Formula:
        formula = self._negated()
        while sign := self._sign("*/"):
            formula = self._calculated(sign, formula, self._negated())
        return formula

    def _negated(self) -> Formula:
        return self._calculated("negate", self._negated()) if self._sign("-") else self._value()

    def _value(self) -> Formula:
        if self._sign("("):
            return self._closed(self._sum())
        match = _TOKEN.match(self._text, self._at)
        if match is None or match["sign"]:
            self._fail()
        self._at = match.end()
        if match["name"] in _ARGUMENTS and self._sign("("):
            return self._call(match["name"])
        if match["figure"]:
            return Figure(Decimal(match["figure"]))
        if match["words"] is not None:
            return Words(match["words"].replace("''", "'"))
        return Cell(match["name"] or match["header"])

    def _call(self, function: str) -> Formula:
        arguments = [self._sum()]
        while self._sign(","):
            arguments.append(self._sum())
        call = Call(function, tuple(arguments))
        if not _TAKES[function](call.arguments):
            raise FormulaError(f"{function} takes {_ARGUMENTS[function]}")
        return self._closed(call)

    def _closed(self, formula: Formula) -> Formula:
        if not self._sign(")"):
            self._fail()
        return formula

    @staticmethod
    def _calculated(function: str, *arguments: Formula) -> Formula:
        if any(isinstance(argument, Words) for argument in arguments):
            raise FormulaError("a text in single quotes cannot be calculated with; headers stand in double quotes")
        return Call(function, arguments)

    def _sign(self, wanted: str) -> str:
        """The next sign, if it is one of these."""
        match = _TOKEN.match(self._text, self._at)
        if match is None or not match["sign"] or match["sign"] not in wanted:
            return ""
        self._at = match.end()
        return match["sign"]

    def _fail(self) -> NoReturn:
        rest = self._text[self._at :].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        raise FormulaError(f"the formula cannot be read {where}")


def _takes_round(arguments: tuple[Formula, ...]) -> bool:
    if len(arguments) != 2 or isinstance(arguments[0], Words):
        return False
    places = arguments[1]
    return isinstance(places, Figure) and places.value in range(MOST_PLACES + 1)


def _takes_extract(arguments: tuple[Formula, ...]) -> bool:
    if len(arguments) != 2 or is_number(arguments[0]) or not isinstance(arguments[1], Words):
        return False
    try:
        regular(arguments[1].value)
    except ValueError as error:
        raise FormulaError(str(error)) from None
    return True


def _takes_text(arguments: tuple[Formula, ...]) -> bool:
    return len(arguments) == 1 and not is_number(arguments[0])


def _takes_values(arguments: tuple[Formula, ...]) -> bool:
    has_words = any(isinstance(argument, Words) for argument in arguments)
    return len(arguments) > 1 and not (has_words and any(map(is_number, arguments)))


_TAKES = {
    "round": _takes_round,
    "coalesce": _takes_values,
    "lower": _takes_text,
    "trim": _takes_text,
    "extract": _takes_extract,
}
