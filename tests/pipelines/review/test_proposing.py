"""Fresh deltas meet the changes that stand: nothing twice, nothing overwritten, nothing forgotten."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipelines.findings import Evidence
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome
from pipelines.review.changes import ChangeStatus
from pipelines.review.proposing import change_id, plan_proposals, proposed_change
from tests.pipelines.months import NOW, OCTOBER, change, delta, ids

MOVED = delta(quantity_after=Decimal(13), quantity_used=Decimal(13))
OTHER_ROWS = delta(evidence=(Evidence("again.csv", "cd" * 32, None, 3),))


def test_a_new_difference_is_proposed_once() -> None:
    plan = plan_proposals("acme", OCTOBER, [delta()], [], NOW)
    assert ids(plan.insert) == [(change().change_id, 1)]
    assert plan.standing == plan.insert
    assert (plan.supersede, plan.refresh, plan.overtaken) == ((), (), ())


def test_a_rerun_of_the_same_month_proposes_nothing_new() -> None:
    plan = plan_proposals("acme", OCTOBER, [delta()], [change()], NOW + timedelta(days=1))
    assert plan.insert == plan.supersede == ()
    assert ids(plan.standing) == ids(plan.refresh) == [(change().change_id, 1)]
    assert plan.refresh[0].proposed_at == NOW


def test_moved_numbers_make_a_new_revision_and_supersede_the_old() -> None:
    plan = plan_proposals("acme", OCTOBER, [MOVED], [change()], NOW)
    assert ids(plan.supersede) == [(change().change_id, 1)]
    assert ids(plan.insert) == [(change().change_id, 2)]


def test_a_difference_that_is_gone_withdraws_its_proposal() -> None:
    settled = delta(DeltaKind.MATCHED, outcome=DeltaOutcome.SETTLED)
    plan = plan_proposals("acme", OCTOBER, [settled], [change()], NOW)
    assert ids(plan.supersede) == [(change().change_id, 1)]
    assert plan.standing == ()


@pytest.mark.parametrize("outcome", [o for o in DeltaOutcome if o is not DeltaOutcome.PROPOSED])
def test_only_proposed_deltas_become_changes(outcome: DeltaOutcome) -> None:
    plan = plan_proposals("acme", OCTOBER, [delta(outcome=outcome)], [], NOW)
    assert plan.standing == ()


def test_an_approval_with_the_same_numbers_from_the_same_rows_stands() -> None:
    approved = change(status=ChangeStatus.APPROVED)
    plan = plan_proposals("acme", OCTOBER, [delta()], [approved], NOW)
    assert plan.standing == (approved,)
    assert plan.insert == plan.refresh == plan.supersede == ()


def test_an_approval_whose_rows_were_replaced_goes_back_to_review() -> None:
    approved = change(status=ChangeStatus.APPROVED)
    plan = plan_proposals("acme", OCTOBER, [OTHER_ROWS], [approved], NOW)
    assert ids(plan.supersede) == [(approved.change_id, 1)]
    assert ids(plan.insert) == [(approved.change_id, 2)]


def test_a_declined_change_returns_only_with_other_numbers() -> None:
    declined = change(status=ChangeStatus.DECLINED)
    assert plan_proposals("acme", OCTOBER, [delta()], [declined], NOW).standing == ()
    again = plan_proposals("acme", OCTOBER, [MOVED], [declined], NOW)
    assert ids(again.insert) == [(declined.change_id, 2)]
    assert again.supersede == ()


@pytest.mark.parametrize("status", [ChangeStatus.STALE, ChangeStatus.REFUSED, ChangeStatus.WRITTEN])
def test_a_finished_change_whose_line_differs_again_is_proposed_under_the_same_id(status: ChangeStatus) -> None:
    plan = plan_proposals("acme", OCTOBER, [delta()], [change(status=status)], NOW)
    assert ids(plan.insert) == [(change().change_id, 2)]


@pytest.mark.parametrize("status", [ChangeStatus.SENDING, ChangeStatus.UNKNOWN])
def test_a_change_in_flight_is_left_alone_until_its_outcome_is_known(status: ChangeStatus) -> None:
    flying = change(status=status)
    plan = plan_proposals("acme", OCTOBER, [MOVED], [flying], NOW)
    assert plan.insert == plan.supersede == ()
    assert plan.standing == (flying,)
    september = change(OCTOBER.previous, status=status)
    assert plan_proposals("acme", OCTOBER, [MOVED], [september], NOW).overtaken == (MOVED,)


def test_a_newer_month_supersedes_the_older_open_change_of_the_line() -> None:
    september = change(OCTOBER.previous)
    plan = plan_proposals("acme", OCTOBER, [delta()], [september], NOW)
    assert ids(plan.supersede) == [(september.change_id, 1)]
    assert [item.period for item in plan.insert] == ["2026-10"]


def test_an_older_month_never_replaces_a_newer_months_change() -> None:
    november = change(OCTOBER.next)
    plan = plan_proposals("acme", OCTOBER, [delta()], [november], NOW)
    assert plan.insert == plan.supersede == ()
    assert plan.overtaken == (delta(),)


def test_everything_that_ends_at_zero_needs_its_own_tick() -> None:
    to_zero = delta(DeltaKind.DECREASE, quantity_after=Decimal(0))
    to_minimum = delta(DeltaKind.VANISHED, quantity_after=Decimal(5))
    assert proposed_change("acme", OCTOBER, to_zero, NOW).needs == ("confirm_zero",)
    assert proposed_change("acme", OCTOBER, to_minimum, NOW).needs == ("confirm_zero",)
    assert proposed_change("acme", OCTOBER, delta(), NOW).needs == ()


def test_new_found_revenue_is_known_by_account_and_service() -> None:
    unbilled = delta(DeltaKind.UNBILLED, line_id=None, agreement_id=None, quantity_before=None)
    assert change_id("acme", "2026-10", unbilled) != change_id("acme", "2026-10", replace(unbilled, service_id="78"))
    plan = plan_proposals("acme", OCTOBER, [unbilled], [], NOW)
    assert plan.insert[0].line_id is None
    assert plan.insert[0].quantity_before is None


def test_the_effective_date_is_the_day_after_the_month() -> None:
    assert change().effective_date == date(2026, 11, 1)
