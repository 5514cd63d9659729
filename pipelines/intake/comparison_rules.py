"""Conditions on cells as SQL: true, false, or NULL where the cell cannot be read as what it is compared with.

Belongs here: the operators of a condition.
Does not belong here: what follows from a condition (``filter_rules``, ``key_rules``).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Column
from pipelines.intake.conditions import Condition, Operand
from pipelines.intake.day_rules import read_day
from pipelines.intake.expression import Expression
from pipelines.intake.number_rules import read_number
from pipelines.intake.numbers import TYPE
from pipelines.intake.sqltext import all_of, any_of, case, literal


def compared(rows: Expression, name: str, condition: Condition) -> str:
    """Whether a condition holds. ``name`` is a fresh name of our own for the columns it takes."""
    return all_of(_comparisons(rows, name, rows.text(Column(column=condition.column)), condition))


def _comparisons(rows: Expression, name: str, cell: str, condition: Condition) -> Iterator[str]:
    """One expression for each operator that the condition names."""
    for listed, negation in ((condition.in_, ""), (condition.not_in, "NOT ")):
        if listed is not None:
            yield negation + any_of(_compared(rows, name, cell, "=", operand) for operand in listed)
    for single, negation in ((condition.eq, ""), (condition.ne, "NOT ")):
        if single is not None:
            yield negation + _compared(rows, name, cell, "=", single)
    for operator, bound in (("<", condition.lt), ("<=", condition.le), (">", condition.gt), (">=", condition.ge)):
        if bound is not None:
            yield _compared(rows, name, cell, operator, bound)
    if condition.within_days is not None:
        yield _within(rows, name, cell, condition.within_days)
    if condition.matches is not None:
        yield searched(cell, condition.matches)
    if condition.blank:
        yield f"{cell} = ''"
    if condition.not_blank:
        yield f"{cell} <> ''"


def _within(rows: Expression, name: str, cell: str, days: int) -> str:
    """Whether the cell's day is near the day for which the file speaks; a clock that runs ahead is near."""
    if rows.as_of is None:
        return "NULL::BOOLEAN"
    return _compared(rows, name, cell, ">=", rows.as_of - timedelta(days=days))


def _compared(rows: Expression, name: str, cell: str, operator: str, operand: Operand) -> str:
    """A comparison: false without a value, NULL where the cell cannot be read as what it is compared with."""
    if isinstance(operand, Decimal):
        number = read_number(rows, f"{name}_number", cell)
        value = f"{number.value} {operator} CAST({literal(format(operand, 'f'))} AS {TYPE})"
        return f"({case([(number.is_nil, 'false')], value)})"
    if isinstance(operand, date):
        day = read_day(rows, f"{name}_day", cell)
        value = f"{day.value} {operator} DATE {literal(operand.isoformat())}"
        is_blank = f"{cell} = ''"
        return f"({case([(is_blank, 'false'), (day.is_ambiguous, 'NULL')], value)})"
    return f"({cell} {operator} {literal(operand.strip(BLANKS))})"


def searched(sql: str, pattern: str) -> str:
    """Whether a pattern is found in a text."""
    return f"regexp_matches({sql}, {literal(pattern)})"
