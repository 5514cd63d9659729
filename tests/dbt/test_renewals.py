"""Seats that a file schedules to fall at a renewal: shown now, due then, cut nowhere before."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from pipelines.findings import FindingKind
from pipelines.intake.rows import Reduction
from pipelines.mapping.entries import ServiceRule
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome
from pipelines.reconciliation.inputs import DoubtfulRow
from pipelines.review.changes import When
from tests.dbt.builder import PERIOD, Line, Month, Row, Workbench, accounts, leads, unit
from tests.dbt.reviewing import Reviewed, reviewed

RENEWS = date(2026, 11, 20)
ROW = Row("Acme", "M365", "10", subscription="s1", term="P1Y", term_end=RENEWS, at_renewal="8")
LINE = Line("1", "11", "501", "10")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("warehouse"))


def told(found: Reviewed) -> list[tuple[str | None, str, str, date, When]]:
    """Every proposal: line, kind, new quantity, from when, and whether it waits for that day."""
    return [
        (each.line_id, str(each.kind), f"{each.quantity_after.normalize():f}", each.effective_date, each.when)
        for each in found.plan.standing
    ]


def at_renewal(after: str, line: str = "1", day: date = RENEWS) -> tuple[str | None, str, str, date, When]:
    return line, "decrease", after, day, When.AT_RENEWAL


def test_a_scheduled_fall_is_proposed_for_the_day_of_the_renewal(bench: Workbench) -> None:
    found = reviewed(bench, Month([ROW], [LINE]))
    assert told(found) == [at_renewal("8")]
    (change,) = found.plan.standing
    assert (change.amount_delta, change.evidence_count) == (Decimal("-44.00"), 1)
    (renewal,) = found.found(FindingKind.RENEWAL)
    assert "'s1' (M365) on 2026-11-20, going on with 8" in renewal.message


def test_a_term_that_is_over_is_a_finding_and_no_change(bench: Workbench) -> None:
    found = reviewed(bench, Month([replace(ROW, at_renewal=None, term_end=date(2026, 9, 20))], [LINE]))
    assert told(found) == []
    (extended,) = found.found(FindingKind.EXTENDED_TERM)
    assert "'s1' (M365) since 2026-09-20" in extended.message


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(replace(ROW, at_renewal=None), id="nothing is scheduled"),
        pytest.param(replace(ROW, at_renewal="10"), id="as many go on"),
        pytest.param(replace(ROW, at_renewal="12"), id="more go on"),
        pytest.param(replace(ROW, term_end=date(2026, 10, 31)), id="renewed inside the month, which its count shows"),
        pytest.param(replace(ROW, term_end=date(2026, 12, 1)), id="renews only after the next month"),
        pytest.param(replace(ROW, subscription=None), id="nobody knows whose units go"),
        pytest.param(replace(ROW, term_end=None), id="nobody knows when"),
    ],
)
def test_nothing_waits_for_a_renewal(bench: Workbench, row: Row) -> None:
    assert told(reviewed(bench, Month([row], [LINE]))) == []


@pytest.mark.parametrize("day", [date(2026, 11, 1), date(2026, 11, 30)])
def test_every_day_of_the_next_month_counts(bench: Workbench, day: date) -> None:
    assert told(reviewed(bench, Month([replace(ROW, term_end=day)], [LINE]))) == [at_renewal("8", day=day)]


@pytest.mark.parametrize(("billed", "kind"), [("9", "increase"), ("12", "decrease")])
def test_what_is_wrong_now_goes_first(bench: Workbench, billed: str, kind: str) -> None:
    found = reviewed(bench, Month([ROW], [replace(LINE, quantity=billed)]))
    assert told(found) == [("1", kind, "10", PERIOD.end_date, When.NOW)]


def test_all_seats_that_go_need_the_tick_for_zero(bench: Workbench) -> None:
    found = reviewed(bench, Month([replace(ROW, at_renewal="0")], [LINE]))
    assert told(found) == [at_renewal("0")]
    assert found.plan.standing[0].needs == ("confirm_zero",)


def test_only_what_renews_first_is_proposed(bench: Workbench) -> None:
    later = replace(ROW, quantity="5", subscription="s2", term_end=date(2026, 11, 25), at_renewal="1")
    steady = replace(ROW, quantity="3", subscription="s3", at_renewal=None)
    assert told(reviewed(bench, Month([ROW, later, steady], [replace(LINE, quantity="18")]))) == [at_renewal("16")]


def test_unit_rules_hold_for_what_will_be_billed(bench: Workbench) -> None:
    month = Month([ROW], [replace(LINE, quantity="8")], units=[unit(service="501", included="2", minimum="7")])
    assert told(reviewed(bench, month)) == [at_renewal("7")]
    steady = Month([ROW], [LINE], units=[unit(service="501", minimum="10")])
    assert told(reviewed(bench, steady)) == []


def test_shares_percent_and_several_services_hold_as_they_do_now(bench: Workbench) -> None:
    month = Month(
        [replace(ROW, quantity="100", at_renewal="50")],
        [
            Line("1", "11", "501", "60"),
            Line("2", "12", "501", "40"),
            Line("3", "11", "502", "60"),
            Line("4", "12", "502", "40"),
        ],
        accounts=accounts(Acme={"11": "0.6", "12": "0.4"}),
        services=[leads("M365", "501", "502", rule=ServiceRule.REPLICATE)],
    )
    found = {(line, after) for line, _, after, _, when in told(reviewed(bench, month)) if when is When.AT_RENEWAL}
    assert found == {("1", "30"), ("2", "20"), ("3", "30"), ("4", "20")}


def test_a_group_falls_on_the_service_that_stands(bench: Workbench) -> None:
    month = Month(
        [ROW], [Line("1", "11", "502", "10")], services=[leads("M365", "501", "502", rule=ServiceRule.FIRST_PRESENT)]
    )
    assert told(reviewed(bench, month)) == [at_renewal("8")]


def test_the_count_of_today_is_taken_by_the_method_of_the_profile(bench: Workbench) -> None:
    rows = [
        replace(ROW, quantity="7", method=Reduction.LAST_BY_PERIOD_END, end=date(2026, 10, 10)),
        replace(ROW, quantity="10", method=Reduction.LAST_BY_PERIOD_END, end=date(2026, 11, 10)),
    ]
    assert told(reviewed(bench, Month(rows, [LINE]))) == [at_renewal("8")]


def test_rows_that_disagree_cut_no_seat_early(bench: Workbench) -> None:
    method = Reduction.MAX
    rows = [
        replace(ROW, method=method, at_renewal="4", term_end=date(2026, 11, 5)),
        replace(ROW, method=method),
        replace(ROW, method=method, at_renewal=None),
    ]
    assert told(reviewed(bench, Month(rows, [LINE]))) == [at_renewal("8")]


def test_a_subscription_under_two_keys_schedules_nothing(bench: Workbench) -> None:
    rows = [replace(ROW, quantity="6"), replace(ROW, account="Beta", quantity="4")]
    lines = [replace(LINE, quantity="6"), Line("2", "12", "501", "4")]
    assert told(reviewed(bench, Month(rows, lines))) == []


def test_a_scheduled_fall_is_held_by_what_holds_every_fall(bench: Workbench) -> None:
    month = Month([ROW], [LINE], doubts=[DoubtfulRow("Pax8", "Acme", "M365")])
    (delta,) = bench.figures(month).deltas
    assert (delta.kind, delta.outcome, delta.due_on) == (DeltaKind.DECREASE, DeltaOutcome.HELD, RENEWS)


def test_a_source_that_is_not_complete_schedules_nothing(bench: Workbench) -> None:
    assert told(reviewed(bench, Month([ROW], [LINE], incomplete=["Pax8"]))) == []


def test_an_approval_stands_on_until_its_day_and_falls_with_the_schedule(bench: Workbench) -> None:
    first = reviewed(bench, Month([ROW], [LINE]))
    (change,) = first.plan.insert
    again = reviewed(bench, Month([ROW], [LINE]), [change])
    assert [each.revision for each in again.plan.standing] == [1]
    withdrawn = reviewed(bench, Month([replace(ROW, at_renewal=None)], [LINE]), [change])
    assert withdrawn.plan.supersede == (change,)
    moved = reviewed(bench, Month([replace(ROW, at_renewal="7")], [LINE]), [change])
    assert told(moved) == [at_renewal("7")]
    assert [each.revision for each in moved.plan.standing] == [2]
