"""Quantity, cost, amount and size: which cells are numbers and what a bad, missing or odd one means.

Belongs here: nil and unfit numbers, sums of columns, the policies for zero, negative and fraction.
Does not belong here: which texts are numbers (``numbers``).
"""

from pipelines.intake.columns import Column
from pipelines.intake.conventions import Numbers
from pipelines.intake.expression import (
    COMPARED,
    EXPORT_AGAIN,
    FILTERED,
    FIX_CELL,
    FIX_OR_PROFILE,
    JUDGED,
    MEANT,
    READ,
    TEXTS,
    VALUES,
    Expression,
)
from pipelines.intake.numbers import TYPE, NumberSql, number_sql
from pipelines.intake.rows import Reduction
from pipelines.intake.sqltext import all_of, any_of, case, literal

_TOO_LONG = "the number does not fit exactly: at most 28 digits before and 10 after the decimal mark"


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
    rows.layers[VALUES]["rounded"] = f"{cost.is_rounded}::INT + {amount.is_rounded}::INT"


def read_number(rows: Expression, name: str, text: str, *, may_round: bool = False) -> NumberSql:
    """The number in a text. ``name`` is a fresh name of our own for the columns it takes."""
    number = number_sql(name, rows.profile.numbers, may_round=may_round)
    rows.layers[TEXTS][f"{name}_text"] = text
    rows.layers[READ] |= number.body
    rows.layers[MEANT] |= number.pieces
    rows.layers[VALUES] |= number.result
    return number


def _number(rows: Expression, name: str, column: Column | None, *, may_round: bool = False) -> NumberSql:
    number = read_number(rows, name, rows.text(column), may_round=may_round)
    if column is not None:
        place = rows.position(column)
        _check_read(rows, number, place)
        unfit = f"NOT {number.is_nil} AND {number.is_number} AND {number.value} IS NULL"
        rows.check(unfit, place, _TOO_LONG, FIX_CELL)
    return number


def _check_read(rows: Expression, number: NumberSql, place: int | None) -> None:
    unread = f"NOT {number.is_nil} AND NOT {number.is_number}"
    scientific = "scientific notation, digits may be lost"
    rows.check(f"{unread} AND {number.is_scientific}", place, scientific, EXPORT_AGAIN)
    rows.check(unread, place, _not_a_number(rows.profile.numbers), FIX_OR_PROFILE)


def _sign(rows: Expression, column: Column | None) -> str:
    """Whether the cell that decides the sign is negative; its size does not matter, so any number fits."""
    if column is None:
        return "false"
    number = read_number(rows, "sign", rows.text(column))
    _check_read(rows, number, rows.position(column))
    return number.is_negative


def _not_a_number(numbers: Numbers) -> str:
    groups = f"thousands {numbers.thousands!r}" if numbers.thousands else "no thousands mark"
    styles = ", ".join(numbers.negative) or "none"
    return f"is not a number under the declared marks (decimal {numbers.decimal!r}, {groups}, negative {styles})"


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
    rows.check(f"NOT {is_nil} AND ({value}) IS NULL", rows.position(column), _TOO_LONG, FIX_CELL)
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
