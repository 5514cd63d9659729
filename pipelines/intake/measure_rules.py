"""Quantity, cost, amount and size: which cells are numbers and what a bad, missing or odd one means.

Belongs here: nil, unfit and rounded numbers, sums of columns, the policies for zero, negative and fraction.
Does not belong here: which texts are numbers (``numbers``).
"""

from pipelines.intake.columns import Column
from pipelines.intake.derived_rules import derived_number
from pipelines.intake.expression import COMPARED, FILTERED, FIX_CELL, FIX_OR_PROFILE, JUDGED, Expression
from pipelines.intake.number_rules import TOO_LONG, check_read, checked_number, read_number
from pipelines.intake.numbers import TYPE, NumberSql
from pipelines.intake.profile import Basis
from pipelines.intake.rows import OF_MONEY, Reduction
from pipelines.intake.sqltext import all_of, any_of, case, literal, literals

ZERO = "(quantity = 0 AND NOT is_of_money)"
"""A quantity that the row states, and that is nothing."""

_NEGATIVE_RENEWAL = "nobody renews less than nothing"
_NOT_EXACT = "the derived quantity has more than 10 decimal places: say round(...) in its formula"


def add_measures(rows: Expression) -> None:
    """Columns: ``measured`` (as the file states it), ``quantity``, the other measures, and ``is_negated``.

    ``is_rounded`` says that ``quantity`` or ``size_quantity`` has lost digits. A bill of metered use has them, and is
    to be shown; nobody may bill by them (``int_rounded_rows_spread_to_targets``).
    """
    columns = rows.profile.columns
    may_round = rows.profile.basis is Basis.INVOICE
    quantities = _quantities(rows, columns.quantity, may_round=may_round)
    rows.layers[COMPARED]["measured"] = _measured(rows, columns.quantity, quantities)
    _add_quantity(rows)
    _add_policies(rows)
    cost = _number(rows, "unit_cost", columns.unit_cost, may_round=True)
    amount = _number(rows, "amount", columns.amount, may_round=True)
    size = _number(rows, "size", rows.profile.aggregate.size_column, may_round=may_round)
    renewal = _number(rows, "renewal_quantity", columns.renewal_quantity)
    if columns.renewal_quantity:
        rows.check(renewal.is_negative, rows.position(columns.renewal_quantity), _NEGATIVE_RENEWAL, FIX_CELL)
    rows.layers[COMPARED] |= {
        "unit_cost": cost.value,
        "amount": amount.value,
        "size_quantity": size.value,
        "renewal_quantity": renewal.value,
    }
    rows.layers[COMPARED]["is_negated"] = _sign(rows, rows.profile.aggregate.sign_column)
    rows.layers[COMPARED]["rounded"] = f"{cost.is_rounded}::INT + {amount.is_rounded}::INT"
    if "is_unstated" in rows.layers[COMPARED]:
        # after the amount, which may be what is wrong with a row of money
        missing = "is_unstated AND NOT is_of_money"
        rows.check(missing, rows.position(columns.quantity), "the quantity is missing", FIX_CELL)
    sized = [size] if rows.profile.aggregate.size_column else []
    rows.layers[COMPARED]["is_rounded"] = any_of(number.is_rounded for number in (*quantities, *sized))


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


def _quantities(rows: Expression, column: Column, *, may_round: bool) -> list[NumberSql]:
    """The numbers that are added up to the quantity; none where rows are counted."""
    if column.count or column.count_distinct:
        return []
    leaves = enumerate(column.sum or (column,))
    return [_number(rows, f"quantity{place}", leaf, may_round=may_round) for place, leaf in leaves]


def _measured(rows: Expression, column: Column, numbers: list[NumberSql]) -> str:
    """The quantity as the file states it; NULL where it is counted, is nil or cannot be read."""
    if not numbers:
        return f"NULL::{TYPE}"
    is_nil = all_of(number.is_nil for number in numbers)
    if rows.profile.method is not Reduction.COUNT:
        rows.layers[COMPARED]["is_unstated"] = is_nil
    if not column.sum:
        return numbers[0].value
    unread = any_of(f"(NOT {number.is_nil} AND {number.value} IS NULL)" for number in numbers)
    total = " + ".join(f"coalesce({number.value}, 0)" for number in numbers)
    value = case([(f"{is_nil} OR {unread}", "NULL")], f"TRY(CAST({total} AS {TYPE}))")
    rows.check(f"NOT {is_nil} AND ({value}) IS NULL", rows.position(column), TOO_LONG, FIX_CELL)
    return value


def _add_quantity(rows: Expression) -> None:
    """The quantity, and ``is_of_money``: a row that states an amount alone, of a class that carries no quantity.

    Such a row counts 0 units. It is no row whose quantity is zero, and no rule about those looks at it.
    """
    is_of_money, quantity = "false", "measured"
    if rows.profile.method in (Reduction.COUNT, Reduction.COUNT_DISTINCT):
        quantity = f"CAST(1 AS {TYPE})"
    elif rows.profile.columns.amount:
        is_of_money = f"is_unstated AND amount IS NOT NULL AND charge_class IN {literals(OF_MONEY)}"
        quantity = case([(is_of_money, f"CAST(0 AS {TYPE})")], "measured")
    rows.layers[FILTERED] |= {"is_of_money": is_of_money, "quantity": quantity}


def _add_policies(rows: Expression) -> None:
    policies, place = rows.profile.rows, rows.position(rows.profile.columns.quantity)
    odd = {"negative": "quantity < 0", "zero": ZERO, "fraction": "quantity <> trunc(quantity)"}
    if policies.negative == "reject":
        rows.check(odd["negative"], place, "the profile rejects negative quantities", FIX_CELL)
    if policies.fraction == "reject":
        rows.check(odd["fraction"], place, "the profile rejects fractions of a unit", FIX_CELL)
    flagged = [(sql, literal(name)) for name, sql in odd.items() if getattr(policies, name) == "flag"]
    rows.layers[JUDGED]["flag"] = case(flagged, "NULL::VARCHAR")
