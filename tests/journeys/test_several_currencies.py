"""Customers who are billed in several currencies: nothing is added across them but at a rate that was configured."""

from pathlib import Path

import pytest

from tests.journeys.desk import WIDE_DROP, WIDE_MAPPINGS, WIDE_SEED, WIDE_USAGE, Desk
from tests.journeys.reconciled import ReconciledMonths

CANADIAN = [each | {"currency": "CAD"} if each["id"] == "902" else each for each in WIDE_SEED["agreements"]]
RATES = "CAD 0.80 from 2026-10-01; CAD 0.73 from 2026-11-01; CAD 0.50 from 2027-01-01"


@pytest.fixture
def month(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A desk before the wide month, reconciled, whose customer 2 is billed in Canadian dollars."""
    seed = WIDE_SEED | {"agreements": CANADIAN}
    return reconciled_months.month(seed, mappings=WIDE_MAPPINGS, drop=WIDE_DROP, usage=WIDE_USAGE).desk(tmp_path)


def test_a_bound_on_money_holds_across_currencies_once_there_is_a_rate(month: Desk) -> None:
    month.say("config", "set", "bounds.run_amount", "54.11")
    month.approve("1", "2")
    stopped = month.apply().json["stopped"]
    assert "is in CAD, and billing.rates has no rate for 2026-11-01" in stopped["reason"]

    assert month.say("config", "set", "billing.rates", RATES).code == 0
    stopped = month.apply().json["stopped"]
    assert stopped["reason"] == "54.12 USD would change for one run, and bounds.run_amount is 54.11"
    month.say("config", "set", "bounds.run_amount", "54.12")
    assert month.apply().json["stopped"] is None
    assert month.wrote() == [("1", "10", "11"), ("2", "10", "12")]


def test_a_run_tells_money_by_currency_and_together_only_at_the_rates_that_were_given(month: Desk) -> None:
    told = month.say("run", "--period", "2026-10").out
    by_currency = "Money a month: +44.00 CAD, +504.00 USD"
    assert f"{by_currency}\n" in told
    month.say("config", "set", "billing.rates", RATES)
    told = month.say("run", "--period", "2026-10").out
    assert f"{by_currency}; at the rates of billing.rates together +536.12 USD\n" in told


def test_a_filter_of_money_means_other_currencies_at_their_rate(month: Desk) -> None:
    month.say("config", "set", "billing.rates", RATES)
    said = month.say("approve", "--period", "2026-10", "--max-amount", "32.12", "--by", "dana", "--json")
    assert sorted(each["line_id"] for each in month.changes("2026-10") if each["line_id"] in {"1", "2", "3"}) == ["3"]
    assert said.code == 0


def test_a_rate_of_the_billing_currency_itself_is_refused_by_every_command(month: Desk) -> None:
    """The usual mistake of direction: silently unused, it would leave a bound without its rate."""
    month.say("config", "set", "billing.rates", "USD 1.37 from 2026-10-01")
    said = month.say("changes", "list", "--period", "2026-10")
    assert said.code != 0
    assert "billing.rates names USD, the billing currency itself" in said.err


def test_a_rate_that_says_nothing_is_refused_with_what_is_meant(month: Desk) -> None:
    said = month.say("config", "set", "billing.rates", "CAD 0,73")
    assert said.code != 0
    assert "'CAD 0,73' is none" in said.err
    assert "CAD 0.73 from 2026-10-01" in said.err
