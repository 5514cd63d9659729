"""Fresh deltas meet the changes that stand: nothing twice, nothing overwritten, nothing forgotten."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.findings import Evidence
from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome
from pipelines.review.changes import ROLL_BACK, Change, ChangeStatus
from pipelines.review.proposing import OPEN, ProposalPlan, Speakers, change_id, plan_proposals, proposed_change
from tests.pipelines.months import NOW, OCTOBER, change, delta, ids

MOVED = delta(quantity_after=Decimal(13), quantity_used=Decimal(13))
OTHER_ROWS = delta(evidence=(Evidence("again.csv", "cd" * 32, None, 3),), rows_digest="others")


SPEAKING = Speakers(frozenset({"Pax8"}))


def planned(
    deltas: list[Delta], latest: list[Change], *, speakers: Speakers = SPEAKING, now: datetime = NOW
) -> ProposalPlan:
    """What October's deltas do to the changes that are known."""
    return plan_proposals("acme", OCTOBER, deltas, latest, speakers, OCTOBER.end_date, now)


def test_a_new_difference_is_proposed_once() -> None:
    plan = planned([delta()], [])
    assert ids(plan.insert) == [(change().change_id, 1)]
    assert plan.standing == plan.insert
    assert (plan.supersede, plan.refresh, plan.overtaken) == ((), (), ())


def test_a_rerun_of_the_same_month_proposes_nothing_new() -> None:
    plan = planned([delta()], [change()], now=NOW + timedelta(days=1))
    assert plan.insert == plan.supersede == ()
    assert ids(plan.standing) == ids(plan.refresh) == [(change().change_id, 1)]
    assert plan.refresh[0].proposed_at == NOW


def test_moved_numbers_make_a_new_revision_and_supersede_the_old() -> None:
    plan = planned([MOVED], [change()])
    assert ids(plan.supersede) == [(change().change_id, 1)]
    assert ids(plan.insert) == [(change().change_id, 2)]


def test_a_difference_that_is_gone_withdraws_its_proposal() -> None:
    settled = delta(DeltaKind.MATCHED, outcome=DeltaOutcome.SETTLED)
    plan = planned([settled], [change()])
    assert ids(plan.supersede) == [(change().change_id, 1)]
    assert plan.standing == ()


@pytest.mark.parametrize("outcome", [o for o in DeltaOutcome if o is not DeltaOutcome.PROPOSED])
def test_only_proposed_deltas_become_changes(outcome: DeltaOutcome) -> None:
    plan = planned([delta(outcome=outcome)], [])
    assert plan.standing == ()


def test_an_approval_with_the_same_numbers_from_the_same_rows_stands() -> None:
    approved = change(status=ChangeStatus.APPROVED)
    plan = planned([delta()], [approved])
    assert plan.standing == (approved,)
    assert plan.insert == plan.refresh == plan.supersede == ()


def test_an_approval_whose_rows_were_replaced_goes_back_to_review() -> None:
    approved = change(status=ChangeStatus.APPROVED)
    plan = planned([OTHER_ROWS], [approved])
    assert ids(plan.supersede) == [(approved.change_id, 1)]
    assert ids(plan.insert) == [(approved.change_id, 2)]


def test_a_declined_change_returns_only_with_other_numbers() -> None:
    declined = change(status=ChangeStatus.DECLINED)
    assert planned([delta()], [declined]).standing == ()
    again = planned([MOVED], [declined])
    assert ids(again.insert) == [(declined.change_id, 2)]
    assert again.supersede == ()


@pytest.mark.parametrize("status", [ChangeStatus.STALE, ChangeStatus.REFUSED, ChangeStatus.WRITTEN])
def test_a_finished_change_whose_line_differs_again_is_proposed_under_the_same_id(status: ChangeStatus) -> None:
    plan = planned([delta()], [change(status=status)])
    assert ids(plan.insert) == [(change().change_id, 2)]


@pytest.mark.parametrize("status", [ChangeStatus.SENDING, ChangeStatus.UNKNOWN])
def test_a_change_in_flight_is_left_alone_until_its_outcome_is_known(status: ChangeStatus) -> None:
    flying = change(status=status)
    plan = planned([MOVED], [flying])
    assert plan.insert == plan.supersede == ()
    assert plan.standing == (flying,)
    september = change(OCTOBER.previous, status=status)
    assert planned([MOVED], [september]).overtaken == (MOVED,)


def test_a_newer_month_supersedes_the_older_open_change_of_the_line() -> None:
    september = change(OCTOBER.previous)
    plan = planned([delta()], [september])
    assert ids(plan.supersede) == [(september.change_id, 1)]
    assert [item.period for item in plan.insert] == ["2026-10"]


def test_an_older_month_never_replaces_a_newer_months_change() -> None:
    november = change(OCTOBER.next)
    plan = planned([delta()], [november])
    assert plan.insert == plan.supersede == ()
    assert plan.overtaken == (delta(),)


def test_everything_that_ends_at_zero_needs_its_own_tick() -> None:
    to_zero = delta(DeltaKind.DECREASE, quantity_after=Decimal(0))
    to_minimum = delta(DeltaKind.VANISHED, quantity_after=Decimal(5))
    assert proposed_change("acme", OCTOBER, to_zero, OCTOBER.end_date, NOW).needs == ("confirm_zero",)
    assert proposed_change("acme", OCTOBER, to_minimum, OCTOBER.end_date, NOW).needs == ("confirm_zero",)
    assert proposed_change("acme", OCTOBER, delta(), OCTOBER.end_date, NOW).needs == ()


def test_a_reviewer_is_told_of_a_price_below_cost_and_of_what_was_paid_upfront() -> None:
    def flags(**given: Any) -> tuple[str, ...]:
        return proposed_change("acme", OCTOBER, replace(delta(), **given), OCTOBER.end_date, NOW).flags

    price = Decimal(22)
    assert flags(unit_price=price, unit_cost=Decimal("22.01")) == ("below_cost",)
    assert flags(unit_price=price, unit_cost=price) == flags(unit_price=price, unit_cost=None) == ()
    assert flags(unit_price=None, unit_cost=price, is_prepaid=True) == ("prepaid",)


def test_new_found_revenue_is_known_by_account_and_service() -> None:
    unbilled = delta(DeltaKind.UNBILLED, line_id=None, agreement_id=None, quantity_before=None)
    assert change_id("acme", "2026-10", unbilled) != change_id("acme", "2026-10", replace(unbilled, service_id="78"))
    plan = planned([unbilled], [])
    assert plan.insert[0].line_id is None
    assert plan.insert[0].quantity_before is None


def test_the_effective_date_is_the_day_after_the_month() -> None:
    assert change().effective_date == date(2026, 11, 1)


UNBILLED = delta(DeltaKind.UNBILLED, line_id=None, agreement_id=None, quantity_before=None)
SETTLED = delta(DeltaKind.MATCHED, outcome=DeltaOutcome.SETTLED)


def test_an_older_month_proposes_nothing_for_a_source_that_a_newer_month_has_heard() -> None:
    later = Speakers(frozenset({"Pax8"}), frozenset({"Pax8"}))
    plan = planned([delta()], [], speakers=later)
    assert (plan.insert, plan.overtaken) == ((), (delta(),))
    other = Speakers(frozenset({"Pax8"}), frozenset({"NinjaOne"}))
    assert len(planned([delta()], [], speakers=other).insert) == 1


def test_a_newer_month_that_finds_the_line_right_withdraws_the_older_months_change() -> None:
    september = change(OCTOBER.previous, status=ChangeStatus.APPROVED)
    assert ids(planned([SETTLED], [september]).supersede) == [(september.change_id, 1)]
    silent = Speakers(frozenset())
    assert planned([SETTLED], [september], speakers=silent).supersede == ()


@pytest.mark.parametrize("status", [ChangeStatus.WRITTEN, ChangeStatus.DECLINED, ChangeStatus.PROPOSED])
def test_what_a_newer_month_did_to_a_line_is_not_undone_by_an_older_one(status: ChangeStatus) -> None:
    november = change(OCTOBER.next, status=status)
    assert planned([delta()], [november]).overtaken == (delta(),)


def test_a_service_used_in_two_months_is_offered_once() -> None:
    september = change(OCTOBER.previous, of=UNBILLED)
    plan = planned([UNBILLED], [september])
    assert ids(plan.supersede) == [(september.change_id, 1)]
    assert [item.period for item in plan.standing] == ["2026-10"]


def test_a_psa_that_cannot_be_read_withdraws_proposals_and_keeps_approvals() -> None:
    cut_off = Speakers(frozenset(), is_psa_copied=False)
    approved = change(status=ChangeStatus.APPROVED)
    assert planned([], [approved], speakers=cut_off).standing == (approved,)
    assert ids(planned([], [change()], speakers=cut_off).supersede) == [(change().change_id, 1)]


ROLLED = change(
    change_id=ChangeId("rolled"), flags=(ROLL_BACK,), quantity_before=Decimal(12), quantity_after=Decimal(10)
)
"""Somebody asked to take line 1 back from 12 to 10."""
WRITTEN = change(status=ChangeStatus.WRITTEN)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_roll_back_keeps_every_month_off_its_line_and_is_withdrawn_by_none(status: ChangeStatus) -> None:
    again = delta(quantity_before=Decimal(12), quantity_after=Decimal(13))
    for period in (OCTOBER.previous, OCTOBER, OCTOBER.next):
        rolled = replace(ROLLED, period=period.key, status=status)
        plan = planned([again], [WRITTEN, rolled])
        assert (plan.insert, plan.refresh, plan.supersede, plan.overtaken) == ((), (), (), ())
        assert plan.rolled_back == (again,)
        assert (rolled in plan.standing) == (period == OCTOBER)
        assert planned([SETTLED], [WRITTEN, rolled]).supersede == ()
    cut_off = Speakers(frozenset(), is_psa_copied=False)
    assert planned([], [replace(ROLLED, status=status)], speakers=cut_off).supersede == ()


def test_an_open_change_of_the_file_gives_way_to_a_roll_back_of_its_line() -> None:
    assert ids(planned([delta()], [change(), ROLLED]).supersede) == [(change().change_id, 1)]


@pytest.mark.parametrize("status", [ChangeStatus.WRITTEN, ChangeStatus.DECLINED, ChangeStatus.STALE])
def test_after_a_roll_back_the_difference_is_proposed_again_under_its_own_id(status: ChangeStatus) -> None:
    plan = planned([delta()], [WRITTEN, replace(ROLLED, status=status)])
    assert ids(plan.insert) == [(WRITTEN.change_id, 2)]
    assert (plan.supersede, plan.rolled_back) == ((), ())
