"""Dates under declared formats: each format becomes one regular expression that finds year, month and day.

Belongs here: the format directives, what text they take, the SQL that reads days and months.
Does not belong here: which columns are dates (``compile``).
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.intake.blanks import BLANKS
from pipelines.intake.sqltext import any_of, case, literal

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL = ("uary", "ruary", "ch", "il", "", "e", "y", "ust", "tember", "ober", "ember", "ember")

_DIRECTIVES = {
    "Y": "(?P<year>(?:19|20|21)[0-9]{2})",
    "m": "(?P<month>1[0-2]|0?[1-9])",
    "d": "(?P<day>3[01]|[12][0-9]|0?[1-9])",
    "b": f"(?P<name>(?i:{'|'.join(MONTHS)}))",
    "B": f"(?P<name>(?i:{'|'.join(short + rest for short, rest in zip(MONTHS, _FULL, strict=True))}))",
    "H": "(?:2[0-3]|1[0-9]|0?[0-9])",
    "I": "(?:1[0-2]|0?[1-9])",
    "M": "(?:[1-5][0-9]|0?[0-9])",
    "S": "(?:[1-5][0-9]|0?[0-9])",
    "f": "[0-9]{1,9}",
    "p": "(?i:am|pm)",
    "z": "(?:Z|[+-][0-9]{2}:?[0-9]{2})",
    "%": "%",
}
"""What each directive takes. Years are those of 1900 to 2199; a time of day is checked and left out."""

_DATE = ({"Y", "m", "d"}, {"Y", "b", "d"}, {"Y", "B", "d"})


class DateFormatError(Exception):
    """The text is no date format. ``str`` is for operators."""


def date_pattern(date_format: str) -> str:
    """The regular expression of a format, with the groups ``year``, ``month`` or ``name``, and ``day``.

    Raises ``DateFormatError`` for an unknown directive and for a format that does not name exactly one day.
    """
    pieces = re.findall(r"%(.?)|([^%]+)", date_format, re.DOTALL)
    used = [directive for directive, literal in pieces if not literal]
    unknown = [directive for directive in used if directive not in _DIRECTIVES]
    if unknown:
        known = " ".join(f"%{name}" for name in _DIRECTIVES)
        raise DateFormatError(f"{date_format!r} uses %{unknown[0]}; known directives are {known}")
    if {name for name in used if name in "YmdbB"} not in _DATE or len(set(used)) != len(used):
        raise DateFormatError(f"{date_format!r} does not name one year, one month and one day")
    return "".join(re.escape(literal) if literal else _DIRECTIVES[name] for name, literal in pieces)


@dataclass(frozen=True)
class DateSql:
    """SQL over a relation with the column ``<name>_text``: ``pieces``, then ``result`` are columns to be added.

    ``value`` names the result: NULL where no format fits. ``is_ambiguous`` is true where two read different days.
    """

    pieces: dict[str, str]
    result: dict[str, str]
    value: str
    is_ambiguous: str


def date_sql(name: str, formats: Sequence[str]) -> DateSql:
    """How the text in ``<name>_text`` becomes a day under the declared formats."""
    pieces = {f"{name}_day{place}": _day(f"{name}_text", date_format) for place, date_format in enumerate(formats)}
    value, found = f"{name}_found", f"coalesce({', '.join([*pieces, 'NULL::DATE'])})"
    return DateSql(pieces, {value: found}, value, any_of(f"{day} <> {value}" for day in pieces))


RANGE_MARKS = ("-", "–", "/", "..", "to", "bis")
"""What may stand between two dates in one cell, in any letter case, with or without blanks around it."""

_BETWEEN = f"[{BLANKS}]*(?i:{'|'.join(map(re.escape, RANGE_MARKS))})[{BLANKS}]*"


def range_sql(name: str, formats: Sequence[str], half: Literal["start", "end"]) -> DateSql:
    """How the text in ``<name>_text`` becomes one of the two days that it names.

    A dash parts dates and the pieces of a date, so every two formats are tried over the whole text: each finds one way
    to part it at most. Where two ways read different days the text is ambiguous.
    """
    pairs = itertools.product(formats, repeat=2)
    pieces = {f"{name}_days{place}": _two_days(f"{name}_text", *pair) for place, pair in enumerate(pairs)}
    both, value = f"{name}_both", f"{name}_found"
    found = f"coalesce({', '.join([*pieces, 'NULL::VARCHAR'])})"
    one = f"CAST({'left' if half == 'start' else 'right'}({found}, 10) AS DATE)"
    return DateSql(pieces, {both: found, value: one}, value, any_of(f"{days} <> {both}" for days in pieces))


def _two_days(text: str, first: str, second: str) -> str:
    """Both days as one text, NULL where one of them is none."""
    start, end = date_pattern(first), date_pattern(second)
    days = (
        _found_day(text, f"(?:{start}){_BETWEEN}(?:{_unnamed(end)})", start),
        _found_day(text, f"(?:{_unnamed(start)}){_BETWEEN}(?:{end})", end),
    )
    return " || ' ' || ".join(f"CAST({day} AS VARCHAR)" for day in days)


def _unnamed(pattern: str) -> str:
    """The same pattern without names, so that it may stand beside another."""
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def _day(text: str, date_format: str) -> str:
    """The day that one format reads, NULL where it does not fit or names no day, like 30 February."""
    pattern = date_pattern(date_format)
    return _found_day(text, f"(?:{pattern})", pattern)


def _found_day(text: str, whole: str, pattern: str) -> str:
    """The day that the named groups of ``pattern`` find, where the whole text fits."""
    groups = ", ".join(literal(group) for group in re.compile(pattern).groupindex)
    found = f"regexp_extract({text}, {literal(f'^{whole}$')}, [{groups}])"
    numbers = ((literal(month), literal(str(number))) for number, month in enumerate(MONTHS, 1))
    month = f"{found}.month"
    if "(?P<name>" in pattern:
        month = case((f"lower(left({found}.name, 3)) = {short}", number) for short, number in numbers)
    return f"TRY_CAST({found}.year || '-' || {month} || '-' || {found}.day AS DATE)"


_MONTH_FORMS = (
    ("(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])", "{0}"),
    ("(?:19|20|21)[0-9]{2}(?:0[1-9]|1[0-2])", "left({0}, 4) || '-' || right({0}, 2)"),
    ("(?:0[1-9]|1[0-2])[-.](?:19|20|21)[0-9]{2}", "right({0}, 4) || '-' || left({0}, 2)"),
)


def period_sql(text: str, day: DateSql) -> str:
    """The key of the month that a text names (YYYY-MM, YYYYMM, MM-YYYY, MM.YYYY), or in which its day falls."""
    months = [(f"regexp_full_match({text}, {literal(form)})", key.format(text)) for form, key in _MONTH_FORMS]
    return case([*months, (f"NOT coalesce({day.is_ambiguous}, false)", f"strftime({day.value}, '%Y-%m')")])
