"""Charge dates, and the month of a row where each row has its own.

Belongs here: the exclusive end, unreadable and ambiguous dates.
Does not belong here: which texts are dates (``dates``).
"""

from pipelines.intake.columns import Column
from pipelines.intake.dates import RANGE_MARKS, DateSql, date_sql, period_sql, range_sql
from pipelines.intake.expression import FIX_OR_PROFILE, MEANT, READ, TEXTS, VALUES, Expression


def add_days(rows: Expression) -> None:
    """The days of the charge and of its term, ends exclusive; ``period`` is NULL where the file has one for all."""
    columns = rows.profile.columns
    for name in ("charge_start", "charge_end", "term_end"):
        column: Column | None = getattr(columns, name)
        if column is None:
            rows.layers[VALUES][name] = "NULL::DATE"
            continue
        day, place = _read_date(rows, name, column), rows.position(column)
        # Stored exclusive, as FOCUS does; an inclusive source gets one day more.
        rows.layers[VALUES][name] = f"{day.value} + 1" if column.inclusive else day.value
        unread, ambiguous = _reasons(column, ", ".join(rows.profile.dates))
        rows.check(f"{name}_text <> '' AND {day.value} IS NULL", place, unread, FIX_OR_PROFILE)
        rows.check(day.is_ambiguous, place, ambiguous, "Leave only the formats that the distributor uses in dates.")
    _add_period(rows)


def _reasons(column: Column, formats: str) -> tuple[str, str]:
    """Why a cell is no date, and why it is more than one."""
    if column.range is None:
        return f"is no date of {formats}", f"reads as two different days under {formats}"
    marks = " ".join(RANGE_MARKS)
    unread = f"is not two dates of {formats} with one of {marks} between them"
    return unread, f"can be parted into two dates of {formats} in more than one way"


def _read_date(rows: Expression, name: str, column: Column) -> DateSql:
    """The day in a cell, or one of the two days in it."""
    text = rows.text(column)
    if column.range is None:
        return read_day(rows, name, text)
    return _add_day(rows, name, text, range_sql(name, rows.profile.dates, column.range))


def read_day(rows: Expression, name: str, text: str) -> DateSql:
    """The day in a text. ``name`` is a fresh name of our own for the columns it takes."""
    return _add_day(rows, name, text, date_sql(name, rows.profile.dates))


def _add_day(rows: Expression, name: str, text: str, day: DateSql) -> DateSql:
    rows.layers[TEXTS][f"{name}_text"] = text
    rows.layers[READ] |= day.pieces
    rows.layers[MEANT] |= day.result
    return day


def _add_period(rows: Expression) -> None:
    column = rows.profile.period_column
    if column is None:
        rows.layers[VALUES]["period"] = "NULL::VARCHAR"
        return
    day = _read_date(rows, "period", column)
    # Two dates name no month by themselves, only by the day that is taken.
    rows.layers[VALUES]["period"] = period_sql("''" if column.range else "period_text", day)
    rows.doubt("period IS NULL", rows.position(column), "names no billing period", FIX_OR_PROFILE)
