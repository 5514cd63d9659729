"""Derived numbers: a formula over the cells of a row becomes columns of the expression, step by step.

Belongs here: exact arithmetic, what makes a formula impossible to calculate or its result inexact.
Does not belong here: the grammar (``formula``), derived texts (``expression``), which texts are numbers (``numbers``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pipelines.intake.columns import Column
from pipelines.intake.expression import FIX_OR_PROFILE, Expression
from pipelines.intake.formula import ARITHMETIC, Call, Figure, Formula, cells_of
from pipelines.intake.number_rules import checked_number
from pipelines.intake.numbers import PLACES, TYPE, NumberSql
from pipelines.intake.sqltext import all_of, any_of

_UNITS = 10**PLACES
_STEP = f"CAST({Decimal(1).scaleb(-PLACES):f} AS DECIMAL({PLACES},{PLACES}))"

_IMPOSSIBLE = (
    "it divides by zero, or a number is too long (28 digits before the mark, 18 where it is multiplied or divided)"
)


def derived_number(rows: Expression, column: Column) -> NumberSql:
    """The number of a derived column. A cell that is no number, and what cannot be calculated, reject the row."""
    name = column.addresses[0]
    found = _Calculation(rows, name).number(rows.profile.formulas[name])
    impossible = f"the derived column {name!r} cannot be calculated: {_IMPOSSIBLE}"
    rows.check(found.is_wrong, rows.position(column), impossible, FIX_OR_PROFILE)
    return NumberSql(
        body={},
        pieces={},
        result={},
        value=found.value,
        is_nil=f"({found.value} IS NULL)",
        is_scientific="false",
        is_number=f"({found.value} IS NOT NULL)",
        is_negative=f"coalesce({found.value} < 0, false)",
        is_rounded=f"coalesce({found.is_inexact}, false)",
    )


@dataclass(frozen=True)
class _Number:
    """SQL of a number (NULL: no value), of whether digits of it were lost, of whether it went wrong.

    ``depth`` is the step after which it is known.
    """

    value: str
    is_inexact: str = "false"
    is_wrong: str = "false"
    depth: int = 0


class _Calculation:
    """One formula on its way into the expression; each step is a column, so that nothing is calculated twice."""

    def __init__(self, rows: Expression, name: str) -> None:
        self._rows = rows
        self._name = f"derived{sorted(rows.profile.formulas).index(name)}"
        self._count = 0

    def number(self, formula: Formula) -> _Number:
        """The number of a formula, and of every formula inside it."""
        if isinstance(formula, Figure):
            return _Number(f"CAST({formula.value:f} AS {TYPE})")
        if isinstance(formula, Call) and formula.function in (*ARITHMETIC, "coalesce"):
            return self._calculated(formula)
        return self._read(formula)

    def _read(self, formula: Formula) -> _Number:
        text = self._rows.formula_text(formula)
        place = next(map(self._rows.header.position, cells_of(formula)), None)
        number = checked_number(self._rows, self._fresh(), text, place, may_round=True)
        return _Number(number.value, is_inexact=number.is_rounded)

    def _calculated(self, call: Call) -> _Number:
        if call.function == "round":
            return self._rounded(call)
        numbers = [self.number(argument) for argument in call.arguments]
        values = [number.value for number in numbers]
        if call.function == "/":
            return self._divided(*numbers)
        if call.function == "*":
            return self._multiplied(*numbers)
        if call.function == "negate":
            return self._step(numbers, f"-({values[0]})")
        if call.function == "coalesce":
            return self._step(numbers, f"coalesce({', '.join(values)})")
        return self._step(numbers, f" {call.function} ".join(values))

    def _step(self, numbers: Sequence[_Number], sql: str) -> _Number:
        """One more column. It is wrong where everything it is made of has a value and it has none."""
        depth = max(number.depth for number in numbers) + 1
        value = self._column(depth, f"TRY(CAST({sql} AS {TYPE}))")
        given = all_of(f"{number.value} IS NOT NULL" for number in numbers)
        is_wrong = any_of([*(number.is_wrong for number in numbers), f"({given} AND {value} IS NULL)"])
        return _Number(value, any_of(number.is_inexact for number in numbers), is_wrong, depth)

    def _multiplied(self, one: _Number, other: _Number) -> _Number:
        """To the tenth place. The product stands in one place only: DuckDB takes what two TRY share out of both."""
        depth = max(one.depth, other.depth) + 1
        product = self._column(depth, f"TRY({one.value} * {other.value})")
        found = self._step([replace(one, depth=depth), replace(other, depth=depth)], product)
        return replace(found, is_inexact=any_of([found.is_inexact, f"coalesce({product} <> {found.value}, false)"]))

    def _rounded(self, call: Call) -> _Number:
        """Halves away from zero. What is rounded on purpose has lost nothing."""
        number, places = (self.number(argument) for argument in call.arguments)
        rounded = self._step([number], f"round({number.value}, CAST({places.value} AS INT))")
        return replace(rounded, is_inexact="false")

    def _divided(self, dividend: _Number, divisor: _Number) -> _Number:
        """By whole numbers of the tenth place, since DuckDB divides decimals as floats; halves away from zero."""
        depth = max(dividend.depth, divisor.depth) + 1
        over = self._column(depth, f"TRY(CAST({dividend.value} * {_UNITS} AS HUGEINT) * {_UNITS})")
        under = self._column(depth, f"TRY(CAST({divisor.value} * {_UNITS} AS HUGEINT))")
        rest = self._column(depth + 1, f"TRY({over} % {under})")
        half_up = f"(2 * abs({rest}) >= abs({under}))::INT * sign({over}) * sign({under})"
        parts = [replace(dividend, depth=depth + 1), replace(divisor, depth=depth + 1)]
        found = self._step(parts, f"CAST({over} // {under} + {half_up} AS DECIMAL(38,0)) * {_STEP}")
        return replace(found, is_inexact=any_of([found.is_inexact, f"coalesce({rest} <> 0, false)"]))

    def _column(self, depth: int, sql: str) -> str:
        name = self._fresh()
        self._rows.add_step(depth, name, sql)
        return name

    def _fresh(self) -> str:
        self._count += 1
        return f"{self._name}_{self._count}"
