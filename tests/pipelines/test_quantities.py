"""Quantities and money stay exact from the first byte to the last."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quantities import money, money_text, rounded, text, text_of_places

STORABLE = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**27), max_value=10**27)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12", "12"),
        ("12.500", "12.5"),
        ("100", "100"),
        ("1E+2", "100"),
        ("0E-20", "0"),
        ("-0.00", "0"),
        ("-2.50", "-2.5"),
        ("0.0050010000", "0.005001"),
    ],
)
def test_a_quantity_is_shown_without_exponent_or_trailing_zeros(value: str, shown: str) -> None:
    assert text(Decimal(value)) == shown


@given(STORABLE)
def test_the_text_of_a_quantity_reads_back_as_the_same_number(value: Decimal) -> None:
    assert Decimal(text(value)) == value


@pytest.mark.parametrize(("value", "cents"), [("2.345", "2.35"), ("-2.345", "-2.35"), ("2.344999", "2.34")])
def test_halves_round_away_from_zero_as_the_databases_do(value: str, cents: str) -> None:
    assert money(Decimal(value)) == Decimal(cents)


def test_the_tenth_place_is_where_amounts_are_rounded() -> None:
    assert rounded(Decimal("0.00000000005")) == Decimal("0.0000000001")


def test_money_is_shown_with_two_places_and_no_negative_zero() -> None:
    assert money_text(Decimal("44")) == "44.00"
    assert money_text(Decimal("-0.001")) == "0.00"
    assert text_of_places(Decimal("-1.5"), 1) == "-1.5"
