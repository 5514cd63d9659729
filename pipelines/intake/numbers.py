"""The number grammar as SQL: cells become exact decimals under declared marks, or are said not to fit.

Belongs here: which texts are numbers, negative styles, groups, exponents of zero, scale and rounding.
Does not belong here: which cells are numbers and what follows from a bad one (``compile``).
"""

import re
from dataclasses import dataclass

from pipelines.intake.conventions import Numbers
from pipelines.intake.sqltext import case, literal, literals

WHOLE_DIGITS = 28
PLACES = 10
"""The digits that DECIMAL(38,10) keeps before and after the mark (``pipelines.quantities``)."""

TYPE = f"DECIMAL({WHOLE_DIGITS + PLACES},{PLACES})"

_GROUP_BLANKS = " \u00a0\u202f\u2009"
"""Where a blank groups thousands, the no-break and the thin one do as well: portals write all of them."""


@dataclass(frozen=True)
class NumberSql:
    """SQL over a relation with the column ``<name>_text``.

    ``body``, then ``pieces``, then ``result`` are columns to be added; ``value`` names the result. A number whose value
    is NULL does not fit; its sign is known all the same.
    """

    body: dict[str, str]
    pieces: dict[str, str]
    result: dict[str, str]
    value: str
    is_nil: str
    is_scientific: str
    is_number: str
    is_negative: str
    is_rounded: str


def number_sql(name: str, numbers: Numbers, *, may_round: bool) -> NumberSql:
    """How the text in ``<name>_text`` becomes a number.

    The value is NULL where the text is nil, unreadable or does not fit; ``may_round`` lets digits after the tenth place
    be rounded, halves away from zero.
    """
    text, body, whole, places = (f"{name}_{piece}" for piece in ("text", "body", "whole", "places"))
    zero = f"regexp_full_match({text}, {literal(_zero_with_exponent(numbers))})"
    marks = re.escape(_grouping(numbers))
    shape = f"regexp_full_match({text}, {literal(number_shape(numbers))})"
    # A blank that groups digits may also stand between a symbol and a sign, so the run begins with a digit.
    run = literal(f"[0-9{re.escape(numbers.decimal)}][0-9{marks}{re.escape(numbers.decimal)}]*")
    fits = f"length({whole}) <= {WHOLE_DIGITS}" + ("" if may_round else f" AND length({places}) <= {PLACES}")
    magnitude = _magnitude(whole, places)
    is_signed = f"regexp_matches({text}, '[(-]')"
    signed = case([(is_signed, f"-({magnitude})")], magnitude)
    is_nil = f"({text} IN {literals(['', *numbers.nil])})"
    return NumberSql(
        body={
            body: case([(is_nil, "NULL"), (shape, _plain(f"regexp_extract({text}, {run})", numbers)), (zero, "'0'")])
        },
        pieces={
            whole: f"ltrim(split_part({body}, '.', 1), '0')",
            places: f"rtrim(split_part({body}, '.', 2), '0')",
        },
        result={f"{name}_value": case([(f"{body} IS NOT NULL AND {fits}", f"TRY({signed})")])},
        value=f"{name}_value",
        is_nil=is_nil,
        is_scientific=f"({body} IS NULL AND regexp_full_match({text}, {literal(_SCIENTIFIC)}))",
        is_number=f"({body} IS NOT NULL)",
        is_negative=f"({body} IS NOT NULL AND {is_signed} AND ({whole} <> '' OR {places} <> ''))",
        is_rounded=f"coalesce(length({places}) > {PLACES}, false)",
    )


_SCIENTIFIC = r"[^A-Za-z]*[0-9][^A-Za-z]*[eE][+-]?[0-9]+[^A-Za-z0-9]*"


def _grouping(numbers: Numbers) -> str:
    marks = numbers.thousands or ""
    return marks + _GROUP_BLANKS if any(mark in _GROUP_BLANKS for mark in marks) else marks


def number_shape(numbers: Numbers) -> str:
    """The whole texts that are numbers: digits, at most one sign in a declared style, at most one symbol."""
    symbols = "|".join(map(re.escape, numbers.currency_symbols))
    before, after = (f"(?:(?:{symbols})[ \u00a0]?)", f"(?:[ \u00a0]?(?:{symbols}))") if symbols else ("", "")
    number = _unsigned(numbers)
    shapes = []
    for left, right in [("", ""), *(_STYLES[style] for style in numbers.negative)]:
        shapes.append(f"{left}{number}{right}")
        if symbols:
            shapes += [f"{before}{left}{number}{right}", f"{left}{before}{number}{right}"]
            shapes += [f"{left}{number}{right}{after}", f"{left}{number}{after}{right}"]
    return "|".join(dict.fromkeys(shapes))


_STYLES = {"-1": ("-", ""), "(1)": (r"\(", r"\)"), "1-": ("", "-")}


def _unsigned(numbers: Numbers) -> str:
    """Digits with well placed groups, or none; then perhaps the mark and digits, or the mark and digits alone.

    A group never leads with a zero: ``0,123`` is no grouped number but a decimal of somebody else's convention.
    """
    blanks = [mark for mark in _grouping(numbers) if mark in _GROUP_BLANKS]
    groups = [re.escape(mark) for mark in numbers.thousands or "" if mark not in _GROUP_BLANKS]
    groups += [f"[{''.join(blanks)}]"] if blanks else []
    wholes = ["[0-9]+", *(f"[1-9][0-9]{{0,2}}(?:{group}[0-9]{{3}})+" for group in groups)]
    mark = re.escape(numbers.decimal)
    return f"(?:(?:{'|'.join(wholes)})(?:{mark}[0-9]+)?|{mark}[0-9]+)"


def _zero_with_exponent(numbers: Numbers) -> str:
    """``0E-20``: a zero loses no digits, whatever its exponent says."""
    return f"-?0+(?:{re.escape(numbers.decimal)}0+)?[eE][+-]?[0-9]+"


def _plain(sql: str, numbers: Numbers) -> str:
    """The digits with a point for the mark and without groups."""
    for mark in _grouping(numbers):
        sql = f"replace({sql}, {literal(mark)}, '')"
    return sql if numbers.decimal == "." else f"replace({sql}, {literal(numbers.decimal)}, '.')"


def _magnitude(whole: str, places: str) -> str:
    """The decimal of digits before and after the point, halves of the tenth place up.

    A cast from text to DECIMAL takes a hundred times longer than these casts from integers (DuckDB 1.5).
    """
    tenth = f"TRY_CAST('0' || rpad(left({places}, {PLACES}), {PLACES}, '0') AS BIGINT)"
    half = f"(substr({places}, {PLACES + 1}, 1) >= '5')::INT"
    fraction = f"CAST({tenth} + {half} AS DECIMAL(18,0)) * CAST(0.0000000001 AS DECIMAL({PLACES},{PLACES}))"
    return f"CAST(TRY_CAST('0' || {whole} AS HUGEINT) AS {TYPE}) + CAST({fraction} AS {TYPE})"
