"""Money in another currency: converted exactly, at the rate of its day, and only where a rate was configured."""

from datetime import date
from decimal import Decimal

import pytest

from pipelines.review.billing_currency import BillingCurrency, DatedRate, read_rates
from tests.pipelines.months import change

RATES = read_rates("CAD 0.73 from 2026-10-01; CAD 0.7261 from 2026-11-01; EUR 1.08 from 2026-11-02")
USD = BillingCurrency("USD", RATES)


@pytest.mark.parametrize(
    ("currency", "day", "amount"),
    [
        pytest.param("USD", date(2020, 1, 1), Decimal(44), id="its own"),
        pytest.param("CAD", date(2026, 9, 30), None, id="before the first rate"),
        pytest.param("CAD", date(2026, 10, 1), Decimal("32.12"), id="on the first day of a rate"),
        pytest.param("CAD", date(2026, 10, 31), Decimal("32.12"), id="on its last day"),
        pytest.param("CAD", date(2026, 11, 1), Decimal("31.9484"), id="from the next rate on"),
        pytest.param("CAD", date(2030, 1, 1), Decimal("31.9484"), id="long after the last one"),
        pytest.param("EUR", date(2026, 11, 1), None, id="another currency's first rate comes later"),
        pytest.param("GBP", date(2026, 11, 1), None, id="no rate at all"),
        pytest.param(None, date(2026, 11, 1), None, id="no currency"),
    ],
)
def test_a_change_is_worth_what_the_rate_of_its_effective_date_makes_of_it(
    currency: str | None, day: date, amount: Decimal | None
) -> None:
    assert USD.amount_of(change(amount_delta=Decimal(44), currency=currency, effective_date=day)) == amount


def test_a_fall_stays_a_fall_and_what_is_not_known_stays_unknown() -> None:
    assert USD.amount_of(change(amount_delta=Decimal(-10), currency="CAD")) == Decimal("-7.261")
    assert USD.amount_of(change(amount_delta=None, currency="CAD")) is None
    assert BillingCurrency("USD").amount_of(change(currency="CAD")) is None


def test_a_total_is_told_only_where_every_currency_has_a_rate() -> None:
    changes = [
        change(amount_delta=Decimal(10)),
        change(amount_delta=Decimal(10), currency="CAD"),
        change(currency=None),
    ]
    assert USD.total(changes) == Decimal("17.261")
    assert USD.total([*changes, change(currency="GBP")]) is None
    assert USD.total([]) == 0


def test_rates_are_read_exactly() -> None:
    (rate,) = read_rates(" JPY 0.0066123456789 from 2026-02-28 ; ")
    assert rate == DatedRate("JPY", Decimal("0.0066123456789"), date(2026, 2, 28))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CAD 0,73 from 2026-10-01", "'CAD 0,73 from 2026-10-01' is none"),
        ("CAD 0 from 2026-10-01", "is none"),
        ("CAD -1 from 2026-10-01", "is none"),
        ("cad 0.73 from 2026-10-01", "is none"),
        ("CAD 0.73", "is none"),
        ("CAD 0.73 from 2026-10-01, EUR 1.08 from 2026-10-01", "is none"),
        ("CAD 0.73 from 2026-02-30", "'CAD 0.73 from 2026-02-30' names no day"),
        ("CAD 0.73 from 2026-10-01; CAD 0.74 from 2026-10-01", "one for each currency and day"),
        (";", "one for each currency and day"),
    ],
)
def test_what_is_no_rate_is_refused_with_what_is_meant(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"what one unit is worth in billing\.currency") as refused:
        read_rates(text)
    assert words in str(refused.value)
