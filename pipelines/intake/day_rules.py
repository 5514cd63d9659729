"""Charge dates, and the month of a row where each row has its own.

Belongs here: the exclusive end, unreadable and ambiguous dates.
Does not belong here: which texts are dates (``dates``).
"""

from pipelines.intake.dates import DateSql, date_sql, period_sql
from pipelines.intake.expression import FIX_OR_PROFILE, MEANT, READ, TEXTS, VALUES, Expression


def add_days(rows: Expression) -> None:
    """The columns ``charge_start``, ``charge_end`` (exclusive) and ``period`` (NULL where the file has one for all)."""
    columns = rows.profile.columns
    for name, column in (("charge_start", columns.charge_start), ("charge_end", columns.charge_end)):
        if column is None:
            rows.layers[VALUES][name] = "NULL::DATE"
            continue
        day, place = read_day(rows, name, rows.text(column)), rows.position(column)
        # Stored exclusive, as FOCUS does; an inclusive source gets one day more.
        rows.layers[VALUES][name] = f"{day.value} + 1" if column.inclusive else day.value
        formats = ", ".join(rows.profile.dates)
        rows.check(f"{name}_text <> '' AND {day.value} IS NULL", place, f"is no date of {formats}", FIX_OR_PROFILE)
        ambiguous = f"reads as two different days under {formats}"
        rows.check(day.is_ambiguous, place, ambiguous, "Leave only the formats that the distributor uses in dates.")
    _add_period(rows)


def read_day(rows: Expression, name: str, text: str) -> DateSql:
    """The day in a text. ``name`` is a fresh name of our own for the columns it takes."""
    day = date_sql(name, rows.profile.dates)
    rows.layers[TEXTS][f"{name}_text"] = text
    rows.layers[READ] |= day.pieces
    rows.layers[MEANT] |= day.result
    return day


def _add_period(rows: Expression) -> None:
    column = rows.profile.period_column
    if column is None:
        rows.layers[VALUES]["period"] = "NULL::VARCHAR"
        return
    day = read_day(rows, "period", rows.text(column))
    rows.layers[VALUES]["period"] = period_sql("period_text", day)
    rows.doubt("period IS NULL", rows.position(column), "names no billing period", FIX_OR_PROFILE)
