"""What a cell of a workbook says as text, so that one set of rules reads sheets and CSV files alike.

Belongs here: numbers, dates, truth values and errors as the exact text that the rules of rows expect.
Does not belong here: reading workbooks (``resources.warehouse.workbooks``), what the text means (``compile``).
"""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

SIGNIFICANT = 15
"""Digits of a number that a spreadsheet keeps and shows; what stands behind them is noise of its arithmetic."""

LARGEST_WHOLE = 10**SIGNIFICANT
"""A whole number below it is written out as it is."""

UNCOMPUTED = "#FORMULA!"
"""A formula whose result was never stored in the file: nobody knows what the cell says."""


def cell_text(value: object) -> str:
    """The text of a cell. A number beyond fifteen digits comes as ``1.5E+16``: its last digits are lost.

    Dates are ISO 8601; a time of midnight is left out. Raises ``TypeError`` for what no cell holds.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | float):
        return str(int(value)) if abs(value) < LARGEST_WHOLE and value == int(value) else _number(value)
    if isinstance(value, datetime):
        return str(value.date()) if value.time() == time() else value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    raise TypeError(f"no cell holds {value!r}")


def _number(value: object) -> str:
    number = Decimal(format(value, f".{SIGNIFICANT}g"))
    if number.adjusted() >= SIGNIFICANT:
        return format(number, "E")
    return format(number.normalize() + 0, "f")


def _duration(value: timedelta) -> str:
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
