"""Seats of a committed subscription: when they may fall, and what is held when they do otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pipelines.intake.rows import Reduction, RowClass
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.inputs import MonthFigures
from tests.dbt.builder import PERIOD, Line, Month, Row, Workbench

TERM_END = date(2027, 3, 14)
BEFORE = Row("Acme", "M365", "12", subscription="s1", term="P1Y", term_end=TERM_END, period=PERIOD.previous)
NOW = replace(BEFORE, quantity="10", period=PERIOD)
BETA = Row("Beta", "M365", "8", subscription="s2", term="P1M")
LINES = [Line("1", "11", "501", "12"), Line("2", "12", "501", "8")]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("warehouse"))


def figures(bench: Workbench, before: Sequence[Row], now: Sequence[Row]) -> MonthFigures:
    return bench.figures(Month([*now, BETA], LINES, earlier=before))


def outcome(found: MonthFigures) -> tuple[DeltaKind, DeltaOutcome, HoldReason | None]:
    (delta,) = [delta for delta in found.deltas if delta.line_id == "1"]
    return delta.kind, delta.outcome, delta.held_by


HELD = (DeltaKind.DECREASE, DeltaOutcome.HELD, HoldReason.COMMITMENT)
DUE = (DeltaKind.DECREASE, DeltaOutcome.PROPOSED, None)


def test_a_fall_inside_the_term_is_held_and_told(bench: Workbench) -> None:
    found = figures(bench, [BEFORE], [NOW])
    assert outcome(found) == HELD
    (falls,) = found.commitment_falls
    (fall,) = falls.named
    assert (falls.account_key, falls.count, fall.subscription_id, fall.term_end) == ("Acme", 1, "s1", TERM_END)
    assert [int(fall.quantity_before), int(fall.quantity_now)] == [12, 10]
    assert "168 hours" in falls.policy
    assert [(row.file, row.row) for row in falls.evidence] == [("Pax8 2026-09.csv", 2)]


def test_the_units_of_an_accounts_falls_are_counted_beyond_those_that_are_named(bench: Workbench) -> None:
    names = [f"s{number:02}" for number in range(21)]
    found = figures(
        bench,
        [replace(BEFORE, subscription=name) for name in names],
        [replace(NOW, quantity="10.5", subscription=name) for name in names],
    )
    (falls,) = found.commitment_falls
    assert (falls.count, [fall.subscription_id for fall in falls.named]) == (21, names[:20])
    assert falls.quantity == Decimal("31.5")


def test_a_subscription_gone_inside_its_term_is_held(bench: Workbench) -> None:
    found = figures(bench, [BEFORE], [])
    assert outcome(found) == (DeltaKind.VANISHED, DeltaOutcome.HELD, HoldReason.COMMITMENT)


def test_a_psa_that_bills_more_than_the_vendor_always_counted_is_a_decrease_due_now(bench: Workbench) -> None:
    found = figures(bench, [replace(BEFORE, quantity="10")], [NOW])
    assert (outcome(found), found.commitment_falls) == (DUE, ())


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param(replace(BEFORE, term="P1M"), replace(NOW, term="P1M"), id="a month binds nobody"),
        pytest.param(replace(BEFORE, term=None), replace(NOW, term=None), id="no term"),
        pytest.param(replace(BEFORE, term_end=date(2026, 10, 20)), NOW, id="renewed in this month"),
        pytest.param(replace(BEFORE, term_end=date(2026, 11, 1)), NOW, id="renewed when it ended"),
        pytest.param(replace(BEFORE, term_end=date(2026, 7, 1)), NOW, id="ran out and goes on monthly"),
        pytest.param(replace(BEFORE, term_end=date(2027, 8, 25)), NOW, id="seven days reach into the month before"),
        pytest.param(replace(BEFORE, term_end=date(2027, 9, 28)), NOW, id="bought in the month before"),
        pytest.param(BEFORE, replace(NOW, quantity="0", charge=RowClass.CANCEL), id="the source says it was cancelled"),
    ],
)
def test_a_fall_that_the_vendor_allows_is_due(bench: Workbench, before: Row, now: Row) -> None:
    found = figures(bench, [before], [now])
    assert (outcome(found)[1], found.commitment_falls) == (DeltaOutcome.PROPOSED, ())


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(replace(BEFORE, term_end=date(2026, 11, 2)), id="renews a day after the month"),
        pytest.param(replace(BEFORE, term_end=date(2027, 8, 24)), id="the seven days ended before the month before"),
        pytest.param(replace(BEFORE, term_end=None), id="nobody knows when it ends"),
        pytest.param(replace(BEFORE, term="P3Y"), id="three years"),
    ],
)
def test_a_fall_that_the_vendor_does_not_allow_is_held(bench: Workbench, before: Row) -> None:
    assert outcome(figures(bench, [before], [replace(NOW, term=before.term)])) == HELD


def test_more_seats_elsewhere_are_proposed_although_a_subscription_fell(bench: Workbench) -> None:
    more = replace(NOW, quantity="5", subscription="s9")
    found = figures(bench, [BEFORE], [NOW, more])
    assert outcome(found) == (DeltaKind.INCREASE, DeltaOutcome.PROPOSED, None)
    assert len(found.commitment_falls) == 1


def test_slices_are_reduced_before_they_are_compared(bench: Workbench) -> None:
    sliced = [
        replace(BEFORE, quantity=quantity, end=end, method=Reduction.LAST_BY_PERIOD_END)
        for quantity, end in (("14", date(2026, 9, 10)), ("12", date(2026, 10, 1)))
    ]
    now = [
        replace(NOW, quantity=quantity, end=end, method=Reduction.LAST_BY_PERIOD_END)
        for quantity, end in (("9", date(2026, 10, 10)), ("12", date(2026, 11, 1)))
    ]
    assert figures(bench, sliced, now).commitment_falls == ()


def test_commitments_that_end_soon_are_listed_by_account(bench: Workbench) -> None:
    ends = {"a": date(2026, 9, 30), "b": date(2026, 10, 1), "c": date(2026, 12, 31), "d": date(2027, 1, 1)}
    rows = [replace(NOW, quantity="3", subscription=name, term_end=end) for name, end in ends.items()]
    (renewals,) = figures(bench, [], rows).renewals
    assert (renewals.account_key, renewals.count) == ("Acme", 2)
    assert [(each.subscription_id, each.term_end) for each in renewals.named] == [("b", ends["b"]), ("c", ends["c"])]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([], replace(NOW, term_end=date(2026, 9, 30)), id="the file names the term that ended"),
        pytest.param(
            [replace(BEFORE, term_end=date(2026, 9, 30))],
            replace(NOW, term="P1M", term_end=None),
            id="monthly since then",
        ),
    ],
)
def test_what_goes_on_after_its_term_is_told(bench: Workbench, before: Sequence[Row], now: Row) -> None:
    (terms,) = figures(bench, before, [now]).extended_terms
    assert (terms.source, terms.account_key, terms.count) == ("Pax8", "Acme", 1)
    assert [(each.subscription_id, each.term_end) for each in terms.named] == [("s1", date(2026, 9, 30))]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([replace(BEFORE, term_end=date(2026, 10, 15))], NOW, id="renewed"),
        pytest.param([BEFORE], replace(NOW, term="P1M"), id="monthly although its term still runs"),
        pytest.param([], replace(NOW, term_end=date(2026, 10, 1)), id="ends in this month"),
        pytest.param([], replace(NOW, term="P1M", term_end=date(2026, 9, 1)), id="monthly all along"),
        pytest.param(
            [],
            replace(NOW, quantity="0", term_end=date(2026, 9, 30), charge=RowClass.CANCEL),
            id="the source says it was cancelled",
        ),
    ],
)
def test_what_was_renewed_or_never_bound_is_not(bench: Workbench, before: Sequence[Row], now: Row) -> None:
    assert figures(bench, before, [now]).extended_terms == ()


def test_the_evidence_of_a_fall_is_records_that_exist(bench: Workbench) -> None:
    parts = [replace(BEFORE, quantity="6", row=9), replace(BEFORE, quantity="6", drop="emea", row=3)]
    (falls,) = figures(bench, parts, [NOW]).commitment_falls
    assert [(row.file, row.row) for row in falls.evidence] == [("Pax8 2026-09.csv", 9), ("Pax8emea 2026-09.csv", 3)]
