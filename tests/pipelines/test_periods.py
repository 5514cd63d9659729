"""A billing period is a calendar month on the tenant's own calendar."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pipelines.periods import BillingPeriod

ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "America/St_Johns",
]


def test_a_period_round_trips_through_its_key() -> None:
    assert BillingPeriod.from_key("2026-10").key == "2026-10"


@pytest.mark.parametrize("key", ["2026-13", "2026-1", "10-2026", "", "2026-10 ", "0000-01", "2026-10\n"])
def test_a_key_that_is_no_month_is_refused_with_words(key: str) -> None:
    with pytest.raises(ValueError, match="write YYYY-MM"):
        BillingPeriod.from_key(key)


def test_a_period_is_half_open() -> None:
    february = BillingPeriod(2028, 2)
    assert (february.first_day, february.last_day, february.end_date) == (
        date(2028, 2, 1),
        date(2028, 2, 29),
        date(2028, 3, 1),
    )


def test_neighbours_cross_the_year() -> None:
    assert BillingPeriod(2026, 12).next == BillingPeriod(2027, 1)
    assert BillingPeriod(2026, 1).previous == BillingPeriod(2025, 12)
    assert BillingPeriod(2026, 1).shifted(-14) == BillingPeriod(2024, 11)


def test_periods_sort_by_time() -> None:
    assert sorted([BillingPeriod(2026, 1), BillingPeriod(2025, 12)])[0] == BillingPeriod(2025, 12)


@pytest.mark.parametrize("zone", ZONES)
def test_every_day_of_five_years_falls_into_the_month_its_calendar_shows(zone: str) -> None:
    day = date(2024, 1, 1)
    while day < date(2029, 1, 1):
        for hour in (0, 12, 23):
            local = datetime(day.year, day.month, day.day, hour, 30, tzinfo=ZoneInfo(zone))
            period = BillingPeriod.containing(local.astimezone(UTC), ZoneInfo(zone))
            assert (period.year, period.month) == (day.year, day.month)
        day += timedelta(days=1)
