"""The part of a month that a change begins with, by the convention that was set."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.review.changes import Change
from pipelines.review.proration import DayCount, prorated
from tests.pipelines.months import change


def raised(units: str, price: str | None, begins: date) -> Change:
    """A change from ten by these units."""
    return change(
        quantity_before=Decimal(10),
        quantity_after=10 + Decimal(units),
        unit_price=None if price is None else Decimal(price),
        effective_date=begins,
        currency="USD",
    )


@pytest.mark.parametrize(
    ("units", "price", "begins", "count", "formula"),
    [
        ("-2", "22", date(2026, 11, 20), "actual", "-2 × 22.00 × 11/30 days of 2026-11 (actual) = -16.13 USD"),
        ("1", "4", date(2026, 8, 13), "actual", "1 × 4.00 × 19/31 days of 2026-08 (actual) = 2.45 USD"),
        ("1", "4", date(2026, 8, 20), "actual", "1 × 4.00 × 12/31 days of 2026-08 (actual) = 1.55 USD"),
        ("1", "4", date(2026, 9, 2), "actual", "1 × 4.00 × 29/30 days of 2026-09 (actual) = 3.87 USD"),
        ("1", "4", date(2026, 8, 13), "thirty", "1 × 4.00 × 18/30 days of 2026-08 (thirty) = 2.40 USD"),
        ("1", "4", date(2026, 8, 31), "thirty", "1 × 4.00 × 0/30 days of 2026-08 (thirty) = 0.00 USD"),
        ("9", "1.2345", date(2026, 11, 16), "actual", "9 × 1.2345 × 15/30 days of 2026-11 (actual) = 5.56 USD"),
        ("3", "10", date(2028, 2, 29), "actual", "3 × 10.00 × 1/29 days of 2028-02 (actual) = 1.03 USD"),
    ],
)
def test_the_formula_can_be_checked_by_hand(units: str, price: str, begins: date, count: str, formula: str) -> None:
    found = prorated(raised(units, price, begins), DayCount(count))
    assert found is not None
    assert found.formula == formula
    assert found.as_json()["amount"] == formula.split(" = ")[1].split(maxsplit=1)[0]


def test_a_whole_month_and_an_unknown_price_have_no_part() -> None:
    assert prorated(raised("2", "22", date(2026, 11, 1)), DayCount.ACTUAL) is None
    assert prorated(raised("2", None, date(2026, 11, 20)), DayCount.ACTUAL) is None


@given(day=st.integers(2, 2000), count=st.sampled_from(DayCount))
def test_a_part_is_never_more_than_the_month(day: int, count: DayCount) -> None:
    begins = date(2024, 1, 1) + timedelta(days=day)
    found = prorated(raised("1", "100", begins), count)
    assert found is None or 0 <= found.amount < 100
