"""Cells read as numbers, and why a row with a cell that is none is rejected.

Belongs here: the columns that a number takes, unreadable and unfit numbers.
Does not belong here: which texts are numbers (``numbers``), which fields are (``measure_rules``).
"""

from pipelines.intake.conventions import Numbers
from pipelines.intake.expression import (
    EXPORT_AGAIN,
    FIX_CELL,
    FIX_OR_PROFILE,
    MEANT,
    READ,
    TEXTS,
    VALUES,
    Expression,
)
from pipelines.intake.numbers import NumberSql, number_sql

TOO_LONG = "the number does not fit exactly: at most 28 digits before and 10 after the decimal mark"


def read_number(rows: Expression, name: str, text: str, *, may_round: bool = False) -> NumberSql:
    """The number in a text. ``name`` is a fresh name of our own for the columns it takes."""
    number = number_sql(name, rows.profile.numbers, may_round=may_round)
    rows.layers[TEXTS][f"{name}_text"] = text
    rows.layers[READ] |= number.body
    rows.layers[MEANT] |= number.pieces
    rows.layers[VALUES] |= number.result
    return number


def checked_number(rows: Expression, name: str, text: str, place: int | None, *, may_round: bool = False) -> NumberSql:
    """The number in a text whose cell must hold one that can be kept, or none at all."""
    number = read_number(rows, name, text, may_round=may_round)
    check_read(rows, number, place)
    unfit = f"NOT {number.is_nil} AND {number.is_number} AND {number.value} IS NULL"
    rows.check(unfit, place, TOO_LONG, FIX_CELL)
    return number


def check_read(rows: Expression, number: NumberSql, place: int | None) -> None:
    """A cell that is no number rejects its row."""
    unread = f"NOT {number.is_nil} AND NOT {number.is_number}"
    scientific = "scientific notation, digits may be lost"
    rows.check(f"{unread} AND {number.is_scientific}", place, scientific, EXPORT_AGAIN)
    rows.check(unread, place, _not_a_number(rows.profile.numbers), FIX_OR_PROFILE)


def _not_a_number(numbers: Numbers) -> str:
    groups = f"thousands {numbers.thousands!r}" if numbers.thousands else "no thousands mark"
    styles = ", ".join(numbers.negative) or "none"
    return f"is not a number under the declared marks (decimal {numbers.decimal!r}, {groups}, negative {styles})"
