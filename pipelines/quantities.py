"""Quantities and money as exact decimals: the one scale, the one rounding, the one way to print them.

Belongs here: the storage scale, canonical text, rounding.
Does not belong here: reading a cell under a distributor's conventions (``pipelines.intake.compile``).
"""

from decimal import ROUND_HALF_UP, Context, Decimal

SCALE = 10
"""Decimal places kept: cloud cost files carry up to 16, quantities up to 6 (docs/vocabulary.md)."""

PRECISION = 38
"""Digits of the stored type DECIMAL(38,10), the widest exact type that DuckDB, PostgreSQL and Spark share."""

MONEY_PLACES = 2
_STEP = Decimal(1).scaleb(-SCALE)
_CENT = Decimal(1).scaleb(-MONEY_PLACES)
_CONTEXT = Context(prec=PRECISION * 2)


def rounded(value: Decimal, step: Decimal = _STEP) -> Decimal:
    """The value on a grid of ``step``, halves away from zero (DuckDB and PostgreSQL round the same way)."""
    return value.quantize(step, rounding=ROUND_HALF_UP, context=_CONTEXT)


def money(value: Decimal) -> Decimal:
    """An amount to the cent, halves away from zero."""
    return rounded(value, _CENT)


def text(value: Decimal) -> str:
    """The plain text of a quantity: no exponent, no trailing zeros, no negative zero."""
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in {"-0", ""} else plain


def money_text(value: Decimal) -> str:
    """The plain text of an amount, always with two places."""
    return text_of_places(money(value), MONEY_PLACES)


def price_text(value: Decimal) -> str:
    """The plain text of a price or cost per unit: with two places, or with all that it has where those are more."""
    return money_text(value) if value == money(value) else text(value)


def text_of_places(value: Decimal, places: int) -> str:
    """The plain text of a value with a fixed number of places and no negative zero."""
    plain = f"{value:.{places}f}"
    return plain.lstrip("-") if Decimal(plain) == 0 else plain
