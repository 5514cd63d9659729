"""Quantity, cost, amount and size: which cells are numbers and what a bad, missing or odd one means.

Belongs here: nil and unfit numbers, sums of columns, the policies for zero, negative and fraction.
Does not belong here: which texts are numbers (``numbers``).
"""

from pipelines.intake.columns import Column
from pipelines.intake.derived_rules import derived_number
from pipelines.intake.expression import COMPARED, FILTERED, FIX_CELL, FIX_OR_PROFILE, JUDGED, Expression
from pipelines.intake.number_rules import TOO_LONG, check_read, checked_number, read_number
from pipelines.intake.numbers import TYPE, NumberSql
from pipelines.intake.rows import Reduction
from pipelines.intake.sqltext import all_of, any_of, case, literal

_NOT_EXACT = "the derived quantity has more than 10 decimal places: say round(...) in its formula"


def add_measures(rows: Expression) -> None:
    """Columns: ``measured`` (as the file states it), ``quantity``, the other measures, and ``is_negated``."""
    columns = rows.profile.columns
    rows.layers[COMPARED]["measured"] = _measured(rows, columns.quantity)
    is_counted = rows.profile.method in (Reduction.COUNT, Reduction.COUNT_DISTINCT)
    rows.layers[FILTERED]["quantity"] = f"CAST(1 AS {TYPE})" if is_counted else "measured"
    _add_policies(rows)
    cost = _number(rows, "unit_cost", columns.unit_cost, may_round=True)
    amount = _number(rows, "amount", columns.amount, may_round=True)
    size = _number(rows, "size", rows.profile.aggregate.size_column)
    rows.layers[COMPARED] |= {"unit_cost": cost.value, "amount": amount.value, "size_quantity": size.value}
    rows.layers[COMPARED]["is_negated"] = _sign(rows, rows.profile.aggregate.sign_column)
    rows.layers[COMPARED]["rounded"] = f"{cost.is_rounded}::INT + {amount.is_rounded}::INT"


def _number(rows: Expression, name: str, column: Column | None, *, may_round: bool = False) -> NumberSql:
    """The number that a column reads, or one that is derived. Digits may be lost only where ``may_round`` says so."""
    if column is None:
        return read_number(rows, name, rows.text(column))
    if not rows.profile.is_derived_number(column):
        return checked_number(rows, name, rows.text(column), rows.position(column), may_round=may_round)
    number = derived_number(rows, column)
    if not may_round:
        rows.check(number.is_rounded, rows.position(column), _NOT_EXACT, FIX_OR_PROFILE)
    return number


def _sign(rows: Expression, column: Column | None) -> str:
    """Whether the cell that decides the sign is negative; its size does not matter, so any number fits."""
    if column is None:
        return "false"
    if rows.profile.is_derived_number(column):
        return derived_number(rows, column).is_negative
    number = read_number(rows, "sign", rows.text(column))
    check_read(rows, number, rows.position(column))
    return number.is_negative


def _measured(rows: Expression, column: Column) -> str:
    """The quantity as the file states it; NULL where it is counted, is nil or cannot be read."""
    if column.count or column.count_distinct:
        return f"NULL::{TYPE}"
    numbers = [_number(rows, f"quantity{place}", leaf) for place, leaf in enumerate(column.sum or (column,))]
    is_nil = all_of(number.is_nil for number in numbers)
    if rows.profile.method is not Reduction.COUNT:
        rows.check(is_nil, rows.position(column), "the quantity is missing", FIX_CELL)
    if not column.sum:
        return numbers[0].value
    unread = any_of(f"(NOT {number.is_nil} AND {number.value} IS NULL)" for number in numbers)
    total = " + ".join(f"coalesce({number.value}, 0)" for number in numbers)
    value = case([(f"{is_nil} OR {unread}", "NULL")], f"TRY(CAST({total} AS {TYPE}))")
    rows.check(f"NOT {is_nil} AND ({value}) IS NULL", rows.position(column), TOO_LONG, FIX_CELL)
    return value


def _add_policies(rows: Expression) -> None:
    policies, place = rows.profile.rows, rows.position(rows.profile.columns.quantity)
    odd = {"negative": "quantity < 0", "zero": "quantity = 0", "fraction": "quantity <> trunc(quantity)"}
    if policies.negative == "reject":
        rows.check(odd["negative"], place, "the profile rejects negative quantities", FIX_CELL)
    if policies.fraction == "reject":
        rows.check(odd["fraction"], place, "the profile rejects fractions of a unit", FIX_CELL)
    flagged = [(sql, literal(name)) for name, sql in odd.items() if getattr(policies, name) == "flag"]
    rows.layers[JUDGED]["flag"] = case(flagged, "NULL::VARCHAR")
