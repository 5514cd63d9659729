"""Safety bounds and waits: what is too much is told with both numbers; no wait is shorter than is safe."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.review.billing_currency import BillingCurrency, read_rates
from pipelines.review.changes import Change
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.pace import pace_of, quiet_period
from tests.pipelines.months import change


def bounds(**given: Any) -> Bounds:
    """Bounds in US dollars."""
    return Bounds(BillingCurrency("USD"), **given)


def test_without_bounds_nothing_is_too_much() -> None:
    assert bounds().line_excess(change(quantity_after=Decimal(10**9))) is None
    assert bounds().run_excess([change(amount_delta=None)] * 100) is None


@pytest.mark.parametrize(("after", "is_too_much"), [(15, False), (16, True), (5, False), (4, True)])
def test_a_line_may_move_so_far_in_either_direction(after: int, is_too_much: bool) -> None:
    words = bounds(line_quantity=Decimal(5)).line_excess(change(quantity_after=Decimal(after)))
    assert (words is not None) is is_too_much
    assert words is None or words == "it changes the line by 6, and bounds.line_quantity is 5"


@pytest.mark.parametrize(
    ("given", "changes", "words"),
    [
        ({"lines_per_run": 2}, [change()] * 2, None),
        ({"lines_per_run": 2}, [change()] * 3, "3 lines would be written, and bounds.lines_per_run is 2"),
        ({"account_amount": Decimal(88)}, [change()] * 2, None),
        (
            {"account_amount": Decimal(87)},
            [change(), change(amount_delta=Decimal(-44))],
            "88.00 USD would change for account 250, and bounds.account_amount is 87.00",
        ),
        ({"account_amount": Decimal(44)}, [change(), change(account_id="251")], None),
        (
            {"run_amount": Decimal(80)},
            [change(), change(account_id="251")],
            "88.00 USD would change for one run, and bounds.run_amount is 80.00",
        ),
        ({"run_amount": Decimal(88)}, [change(), change(account_id="251")], None),
    ],
    ids=["lines fit", "lines", "account fits", "ups and downs add", "other account", "run", "run fits"],
)
def test_a_run_may_change_so_much(given: dict[str, Any], changes: list[Change], words: str | None) -> None:
    assert bounds(**given).run_excess(changes) == words


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        ({"amount_delta": None}, "is not known, so no bound on money can be held"),
        (
            {"currency": "EUR", "effective_date": date(2026, 11, 1)},
            "is in EUR, and billing.rates has no rate for 2026-11-01, so no bound on money can be held",
        ),
    ],
    ids=["no amount", "another currency"],
)
def test_money_that_is_not_known_is_within_no_bound(odd: dict[str, Any], words: str) -> None:
    told = bounds(run_amount=Decimal(10**6)).run_excess([change(**odd)])
    assert told is not None
    assert told.endswith(words)


@pytest.mark.parametrize(("bound", "is_too_much"), [("76.11", True), ("76.12", False)])
def test_money_in_another_currency_is_held_against_a_bound_at_its_rate(bound: str, is_too_much: bool) -> None:
    in_dollars = BillingCurrency("USD", read_rates("EUR 0.73 from 2026-01-01"))
    both = [change(amount_delta=Decimal(44)), change(amount_delta=Decimal(-44), currency="EUR")]
    words = Bounds(in_dollars, run_amount=Decimal(bound)).run_excess(both)
    assert words == (f"76.12 USD would change for one run, and bounds.run_amount is {bound}" if is_too_much else None)


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("timeout", "longest_run", "seconds"), [(10, 0, 60), (60, 0, 120), (60, 300, 300)], ids=["60 s", "client", "PSA"]
)
def test_the_quiet_period_is_the_longest_of_three(timeout: int, longest_run: int, seconds: int) -> None:
    assert quiet_period(timeout * SECOND, longest_run * SECOND) == seconds * SECOND
    assert pace_of(None, timeout * SECOND, longest_run * SECOND).quiet == seconds * SECOND


def test_a_lease_outlasts_a_request_and_ends_in_two_minutes_at_most() -> None:
    leases = [pace_of(quiet * SECOND, 60 * SECOND, 0 * SECOND).lease for quiet in (0, 30, 120, 900)]
    assert leases == [2 * SECOND, 30 * SECOND, 120 * SECOND, 120 * SECOND]


def test_a_frozen_writer_gives_up_before_anybody_may_look() -> None:
    pace = pace_of(None, 60 * SECOND, 0 * SECOND)
    assert pace.hesitation < pace.quiet
