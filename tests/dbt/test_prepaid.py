"""What was paid upfront for more than a month is named by one invoice and by none of the others."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pipelines.intake.rows import Reduction, RowClass
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome, HoldReason
from tests.dbt.builder import PERIOD, Line, Month, Row, Workbench, accounts, leads, unit

JANUARY = PERIOD.shifted(-9)
ANNUAL = Row(
    "Acme",
    "M365",
    "10",
    basis="invoice",
    subscription="annual",
    cycle="P1Y",
    start=date(2026, 1, 14),
    end=date(2027, 1, 14),
    period=JANUARY,
)
MONTHLY = Row("Acme", "M365", "5", basis="invoice", subscription="monthly", cycle="P1M")
BETA = Row("Beta", "M365", "8", basis="invoice", subscription="beta", cycle="P1M")
LINE = Line("1", "11", "501", "15")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("warehouse"))


def test_a_line_paid_upfront_has_not_vanished_in_the_months_between(bench: Workbench) -> None:
    month = Month([BETA], [Line("1", "11", "501", "10")], earlier=[ANNUAL])
    delta = bench.deltas(month)["1"]
    assert (delta.kind, delta.outcome, delta.quantity_used) == (DeltaKind.MATCHED, DeltaOutcome.SETTLED, Decimal(10))
    gone = bench.deltas(replace(month, earlier=[replace(ANNUAL, end=date(2026, 10, 1))]))["1"]
    assert (gone.kind, gone.outcome, gone.quantity_after) == (DeltaKind.VANISHED, DeltaOutcome.PROPOSED, Decimal(0))


def test_seats_paid_upfront_count_beside_those_paid_monthly(bench: Workbench) -> None:
    assert bench.deltas(Month([MONTHLY], [LINE], earlier=[ANNUAL]))["1"].outcome is DeltaOutcome.SETTLED
    more = bench.deltas(Month([replace(MONTHLY, quantity="7")], [LINE], earlier=[ANNUAL]))["1"]
    assert (more.kind, more.outcome, more.quantity_after) == (DeltaKind.INCREASE, DeltaOutcome.PROPOSED, Decimal(17))
    assert (more.is_prepaid, more.evidence_count, more.sources) == (True, 2, ("Pax8",))
    assert [(row.file, row.row) for row in more.evidence] == [("Pax8 2026-01.csv", 2), ("Pax8.csv", 2)]


def test_a_fall_that_rests_on_an_earlier_invoice_is_held(bench: Workbench) -> None:
    fewer = bench.deltas(Month([replace(MONTHLY, quantity="3")], [LINE], earlier=[ANNUAL]))["1"]
    assert (fewer.kind, fewer.outcome, fewer.held_by) == (DeltaKind.DECREASE, DeltaOutcome.HELD, HoldReason.PREPAID)
    assert fewer.quantity_after == 13


def test_new_found_revenue_paid_upfront_is_found_in_every_month(bench: Workbench) -> None:
    found = bench.deltas(Month([BETA], [], earlier=[ANNUAL]))["11/501"]
    assert (found.kind, found.outcome, found.quantity_after) == (DeltaKind.UNBILLED, DeltaOutcome.PROPOSED, Decimal(10))


@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param([replace(ANNUAL, basis="subscription")], id="a list of subscriptions names all that live"),
        pytest.param([replace(ANNUAL, cycle="P1M", end=date(2026, 2, 14))], id="a month ends"),
        pytest.param([replace(ANNUAL, cycle=None, end=None, start=None)], id="nobody knows for how long"),
        pytest.param([ANNUAL, replace(ANNUAL, charge=RowClass.CANCEL, period=JANUARY.next)], id="cancelled since"),
        pytest.param(
            [ANNUAL, replace(ANNUAL, cycle="P1M", end=date(2026, 5, 14), period=JANUARY.shifted(3))], id="monthly since"
        ),
    ],
)
def test_what_is_not_paid_for_any_more_vanishes(bench: Workbench, earlier: list[Row]) -> None:
    rows = [replace(BETA, basis=earlier[0].basis)]
    delta = bench.deltas(Month(rows, [Line("1", "11", "501", "10")], earlier=earlier))["1"]
    assert (delta.kind, delta.outcome) == (DeltaKind.VANISHED, DeltaOutcome.PROPOSED)


@pytest.mark.parametrize(
    "annual",
    [
        pytest.param(replace(ANNUAL, end=None), id="its cycle from its start"),
        pytest.param(replace(ANNUAL, end=None, start=None), id="its cycle from its month"),
        pytest.param(replace(ANNUAL, cycle="Prepaid"), id="its dates alone"),
        pytest.param(replace(ANNUAL, cycle="P36M", end=None), id="three years"),
        pytest.param(replace(ANNUAL, subscription=None), id="no subscription named"),
    ],
)
def test_how_long_it_is_paid_for_is_told_by_cycle_or_dates(bench: Workbench, annual: Row) -> None:
    delta = bench.deltas(Month([BETA], [Line("1", "11", "501", "10")], earlier=[annual]))["1"]
    assert delta.outcome is DeltaOutcome.SETTLED


def test_what_this_month_says_of_a_subscription_replaces_what_was_said(bench: Workbench) -> None:
    added = replace(ANNUAL, quantity="12", period=PERIOD, method=Reduction.LAST_BY_PERIOD_END)
    delta = bench.deltas(Month([added], [LINE], earlier=[ANNUAL]))["1"]
    assert (delta.quantity_used, delta.is_prepaid, delta.outcome) == (Decimal(12), False, DeltaOutcome.PROPOSED)


def test_the_last_invoice_that_named_it_speaks(bench: Workbench) -> None:
    grown = replace(ANNUAL, quantity="12", start=date(2026, 3, 2), period=JANUARY.shifted(2))
    month = Month([BETA], [Line("1", "11", "501", "12")], earlier=[ANNUAL, grown])
    assert bench.deltas(month)["1"].outcome is DeltaOutcome.SETTLED


def test_mapping_rules_and_units_hold_for_what_was_paid_upfront(bench: Workbench) -> None:
    month = Month(
        [BETA],
        [Line("1", "11", "501", "3"), Line("2", "12", "501", "11")],
        accounts=accounts(Acme={"11": "0.5", "12": "0.5"}, Beta="12"),
        services=(leads("M365", "501"),),
        units=(unit(line="1", included="2"), unit(line="2", included="2")),
        earlier=[ANNUAL],
    )
    deltas = bench.deltas(month)
    assert [(deltas[line].quantity_used, deltas[line].quantity_after) for line in ("1", "2")] == [
        (Decimal(5), Decimal(3)),
        (Decimal(13), Decimal(11)),
    ]


def test_a_subscription_paid_upfront_has_not_vanished_and_its_key_has_not_drifted(bench: Workbench) -> None:
    bought = replace(ANNUAL, period=PERIOD.previous, start=date(2026, 9, 14), end=date(2027, 9, 14))
    renamed = replace(BETA, account="Acme", service="M365-new", quantity="10")
    figures = bench.figures(Month([renamed], [Line("1", "11", "501", "10")], earlier=[bought]))
    assert (figures.vanished_subscriptions, figures.key_drifts) == ((), ())
    monthly = replace(bought, cycle="P1M", end=date(2026, 10, 14))
    figures = bench.figures(Month([renamed], [Line("1", "11", "501", "10")], earlier=[monthly]))
    assert (len(figures.vanished_subscriptions), len(figures.key_drifts)) == (1, 1)


def test_an_unmapped_key_of_an_earlier_invoice_holds_nothing_now(bench: Workbench) -> None:
    unmapped = replace(ANNUAL, account="Stranger")
    month = Month([replace(BETA, quantity="4")], [Line("2", "12", "501", "8")], earlier=[unmapped])
    assert bench.deltas(month)["2"].outcome is DeltaOutcome.PROPOSED
