"""One run of write-back, step by step: once, at the approved number, or told why not."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pipelines.agreements.copy import PsaUnavailable
from pipelines.identity import ServiceId
from pipelines.mapping.entries import AccountMapping, ServiceMapping, Share
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import DecisionAction, Wish, decide_named
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.means import Step
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import Answer, Cause, Heard, Stop, StopKind, WriteModel
from resources.store import changes, mappings, writes
from resources.store.decision_ledger import StoreDecisionLedger
from tests.pipelines.writeback.office import (
    DANA,
    TENANT,
    InventedPsa,
    Office,
    Trouble,
    opened,
    says,
    takes_and_loses,
)
from tests.resources.store import samples

WRITTEN, APPROVED, STALE = ChangeStatus.WRITTEN, ChangeStatus.APPROVED, ChangeStatus.STALE
REFUSED, UNKNOWN = ChangeStatus.REFUSED, ChangeStatus.UNKNOWN


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    """An office whose line 1 is approved to go from 10 to 11."""
    with opened(sqlite_url) as made:
        made.approve("1")
        yield made
        assert made.trail().faults == ()


@pytest.fixture
def busy(sqlite_url: str) -> Iterator[Office]:
    """An office whose lines 1 to 4 are approved, in this order."""
    with opened(sqlite_url, lines=4) as made:
        made.approve("1", "2", "3", "4")
        yield made
        assert made.trail().faults == ()


# --- the road -------------------------------------------------------------------------------------------------------


def test_a_change_goes_through_every_step_in_order(office: Office) -> None:
    batch = office.run()
    assert [step for step, _ in office.steps] == [
        Step.CLAIMED,
        Step.READ,
        Step.INTENDED,
        Step.SENT,
        Step.READ_BACK,
        Step.RECORDED,
    ]
    assert office.psa.accepted == [("1", "11")]
    assert (batch.counts(), office.causes()) == ({"written": 1}, [("written", "verified")])


def test_what_is_written_is_not_written_again(office: Office) -> None:
    office.run()
    assert office.run().outcomes == []
    assert office.psa.accepted == [("1", "11")]


def test_the_earliest_approval_comes_first(busy: Office) -> None:
    busy.run()
    assert [line for line, _ in busy.psa.accepted] == ["1", "2", "3", "4"]


def test_a_line_that_holds_the_number_already_is_not_sent(office: Office) -> None:
    office.psa.lines["1"] = Decimal(11)
    office.run()
    assert (office.psa.accepted, office.causes()) == ([], [("written", "already_there")])


def test_a_line_edited_by_hand_is_never_overwritten(office: Office) -> None:
    office.psa.lines["1"] = Decimal(15)
    office.run()
    assert (office.psa.accepted, office.causes()) == ([], [("stale", "line_moved")])
    assert office.psa.lines["1"] == 15


def test_an_ended_agreement_is_refused_with_the_reason(office: Office) -> None:
    office.psa.obstacles["1"] = "agreement 9001 is cancelled"
    batch = office.run()
    assert [outcome.words for outcome in batch.outcomes] == ["agreement 9001 is cancelled"]
    assert office.causes() == [("refused", "inactive_target")]


def test_a_revoked_approval_is_not_written(office: Office) -> None:
    office.decide("1", action=DecisionAction.REVOKED)
    assert office.run().outcomes == []
    assert office.psa.accepted == []


def test_revoke_wins_until_the_intent_is_committed(office: Office) -> None:
    def revoke(step: Step, _: Change) -> None:
        if step is Step.READ:
            office.decide("1", action=DecisionAction.REVOKED)

    office.on_step = revoke
    batch = office.run()
    assert office.psa.accepted == []
    assert [words for _, words in batch.waiting] == ["change-1@1 is proposed by now and was left as it is"]
    assert office.statuses() == {"1": ChangeStatus.PROPOSED}


def test_a_revoke_between_a_look_and_its_outcome_is_told_like_any_other(office: Office) -> None:
    office.psa.lines["1"] = Decimal(15)
    office.on_step = lambda step, _: office.decide("1", action=DecisionAction.REVOKED) if step is Step.READ else None
    assert len(office.run().waiting) == 1
    assert office.statuses() == {"1": ChangeStatus.PROPOSED}


# --- what an approval rests on --------------------------------------------------------------------------------------


def map_the_line(office: Office, suffix: str = "") -> None:
    """Record mapping entries that lead to the account and the service of line 1."""
    with office.store.transaction() as conn:
        account = AccountMapping("Pax8", f"acme{suffix}", (Share("250", Decimal(1)),))
        service = ServiceMapping("Pax8", f"bp{suffix}", (ServiceId("77"),))
        for name, entry in (("a", account), ("s", service)):
            mappings.record_entry(conn, TENANT, f"{name}{suffix}", entry, "dana", office.clock())


def test_a_mapping_of_the_line_that_moved_makes_the_approval_stale(office: Office) -> None:
    map_the_line(office)
    batch = office.run()
    assert office.causes() == [("stale", "plan_moved")]
    assert "mappings moved since; nothing was sent" in batch.outcomes[0].words


def test_a_mapping_that_moves_while_the_line_is_read_keeps_the_intent_from_being_committed(office: Office) -> None:
    office.on_step = lambda step, _: map_the_line(office) if step is Step.READ else None
    batch = office.run()
    assert office.psa.accepted == []
    assert "a mapping, a file or the policy moved meanwhile" in batch.waiting[0][1]
    assert office.statuses() == {"1": APPROVED}


def new_line(office: Office, *troubles: Trouble) -> BatchOutcome:
    """New found revenue of five, approved and written, with what befalls its first requests."""
    office.propose("new", line_id=None, kind=DeltaKind.UNBILLED, quantity_before=None, quantity_after=Decimal(5))
    office.psa.troubles["change-new"] = list(troubles)
    office.decide("new")
    return office.run()


def test_a_new_line_is_made_once(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        assert new_line(office).counts() == {"written": 1}
        assert office.psa.accepted == [("change-new", "5")]
        assert office.psa.asked == ["see change-new", "set change-new", "see change-new"]


def test_a_new_line_whose_answer_was_lost_is_looked_for_and_not_made_again(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        assert new_line(office, takes_and_loses("change-new")).counts() == {"unknown": 1}
        office.clock.pass_(seconds=121)
        assert office.run().counts() == {"written": 1}
        assert office.psa.accepted == [("change-new", "5")]


def test_a_new_line_that_was_not_made_is_made_after_the_quiet_period(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        assert new_line(office, says(Heard.UNKNOWN)).counts() == {"unknown": 1}
        assert office.psa.accepted == []
        office.clock.pass_(seconds=121)
        assert office.run().counts() == {"written": 1}
        assert office.psa.accepted == [("change-new", "5")]


def test_a_line_that_somebody_made_meanwhile_is_no_place_for_a_new_one(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        office.psa.lines["change-new"] = Decimal(3)
        [outcome] = new_line(office).outcomes
        assert outcome.status is STALE
        assert "approved was nothing → 5, and the line holds 3" in outcome.words
        assert office.psa.accepted == []


def test_what_a_reviewer_picked_is_what_the_psa_is_asked_for(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        office.propose("new", line_id=None, kind=DeltaKind.UNBILLED, quantity_before=None, agreement_id=None)
        ledger = StoreDecisionLedger(office.store)
        wish = Wish(DecisionAction.APPROVED, DANA, agreement_id="9002", effective_date=date(2026, 11, 20))
        decide_named(ledger, ["change-new"], wish, now=office.clock(), new_id=lambda: "d")
        seen: list[Change] = []
        office.on_step = lambda _, change: seen.append(change)
        assert office.run().counts() == {"written": 1}
        assert {(change.agreement_id, change.effective_date) for change in seen} == {("9002", date(2026, 11, 20))}


def _approved_for_later(office: Office, line: str) -> date:
    """Take an approval back and give it anew, for tomorrow; the answer is tomorrow."""
    office.decide(line, action=DecisionAction.REVOKED)
    ledger, day = StoreDecisionLedger(office.store), office.today + timedelta(days=1)
    wish = Wish(DecisionAction.APPROVED, DANA, effective_date=day)
    decided = decide_named(ledger, [f"change-{line}"], wish, now=office.clock(), new_id=lambda: "for-later")
    assert not decided.undecided
    return day


@pytest.mark.parametrize("step", [Step.CLAIMED, Step.READ])
def test_an_approval_that_was_given_anew_for_another_day_is_not_carried_out_under_the_old_one(
    office: Office, step: Step
) -> None:
    def approve_anew(at: Step, _: Change) -> None:
        if at is step:
            office.on_step = lambda _step, _change: None
            _approved_for_later(office, "1")

    office.on_step = approve_anew
    batch = office.run()
    assert ["approved anew meanwhile" in words for _, words in batch.waiting] == [True]
    assert (office.psa.accepted, office.statuses()) == ([], {"1": APPROVED})
    office.today += timedelta(days=1)
    assert office.run().counts() == {"written": 1}


def test_a_turn_that_is_waited_for_carries_out_no_approval_for_another_day(office: Office) -> None:
    office.psa.troubles["1"] = [says(Heard.NOT_EXECUTED, "in use")]

    def approve_anew(at: Step, _: Change) -> None:
        if at is Step.RECORDED:
            office.on_step = lambda _step, _change: None
            _approved_for_later(office, "1")

    office.on_step = approve_anew
    office.run()
    assert office.psa.asked.count("set 1") == 1
    assert (office.psa.accepted, office.statuses()) == ([], {"1": APPROVED})


def test_what_falls_at_a_renewal_waits_for_its_day(sqlite_url: str) -> None:
    with opened(sqlite_url) as office:
        day = office.today + timedelta(days=1)
        office.propose("1", when=When.AT_RENEWAL, effective_date=day)
        office.decide("1")
        # What is not due cannot exceed a bound on what one run writes.
        office.bounds = Bounds(BillingCurrency("USD"), lines_per_run=0)
        batch = office.run()
        assert [words for _, words in batch.waiting] == [f"it is due at the renewal, on {day}"]
        assert (batch.stop, office.psa.asked, office.statuses()) == (None, [], {"1": APPROVED})
        office.bounds, office.today = Bounds(BillingCurrency("USD")), day
        assert office.run().counts() == {"written": 1}


def test_a_source_that_was_read_anew_waits_for_its_reconciliation(office: Office) -> None:
    samples.published(office.store, samples.revision())
    office.decide("1", action=DecisionAction.REVOKED)
    office.decide("1")
    batch = office.run()
    assert [words for _, words in batch.waiting] == ["a source was read anew; the month is reconciled again first"]
    assert (office.psa.accepted, office.statuses()) == ([], {"1": APPROVED})


def test_another_company_of_the_same_psa_is_another_psa(office: Office) -> None:
    office.psa.identity = PsaIdentity("connectwise", "https://psa.example", "somebody_else")
    batch = office.run()
    assert office.causes() == [("stale", "plan_moved")]
    assert "psa moved since" in batch.outcomes[0].words


# --- answers --------------------------------------------------------------------------------------------------------


def test_a_psa_that_asks_to_wait_is_obeyed_and_the_run_finishes(busy: Office) -> None:
    busy.psa.troubles["2"] = [says(Heard.THROTTLED, retry_after=30)]
    busy.run()
    assert busy.psa.asked.index("set 2") < len(busy.psa.asked) - 1
    assert busy.psa.accepted == [("1", "11"), ("2", "12"), ("3", "13"), ("4", "14")]
    assert busy.clock.total >= timedelta(seconds=30)
    assert busy.psa.asked.count("set 2") == 2


def test_nobody_is_asked_anything_while_the_psa_asks_for_quiet(busy: Office) -> None:
    busy.psa.troubles["2"] = [says(Heard.THROTTLED, retry_after=3600)]
    busy.run()
    assert busy.psa.accepted == [("1", "11")]
    asked = len(busy.psa.asked)
    busy.clock.pass_(minutes=10)
    assert busy.run().outcomes == []
    assert len(busy.psa.asked) == asked
    busy.clock.pass_(minutes=50, seconds=1)
    busy.run()
    assert [line for line, _ in busy.psa.accepted] == ["1", "2", "3", "4"]


def test_a_record_in_use_is_tried_again_in_the_same_run(busy: Office) -> None:
    busy.psa.troubles["2"] = [says(Heard.NOT_EXECUTED, "record in use")] * 2
    busy.run()
    assert set(busy.statuses().values()) == {WRITTEN}
    assert busy.causes("2") == [("approved", "not_executed")] * 2 + [("written", "verified")]


def test_a_record_that_is_in_use_for_ever_goes_to_a_person(office: Office) -> None:
    office.psa.troubles["1"] = [says(Heard.NOT_EXECUTED, "record in use")] * 100
    for _ in range(20):
        office.run()
        office.clock.pass_(hours=1)
    assert office.causes()[-1] == ("refused", "needs_a_person")
    assert office.psa.asked.count("set 1") == 10


def test_a_refusal_of_one_line_leaves_the_others_alone(busy: Office) -> None:
    busy.psa.troubles["2"] = [says(Heard.REFUSED, "quantity must be whole")]
    busy.run()
    assert busy.statuses() == {"1": WRITTEN, "2": REFUSED, "3": WRITTEN, "4": WRITTEN}


def test_wrong_credentials_halt_the_tenant_and_keep_its_approvals(busy: Office) -> None:
    busy.psa.troubles["2"] = [says(Heard.FORBIDDEN, "401")]
    batch = busy.run()
    assert batch.stop is not None
    assert (batch.stop.kind, batch.stop.words) == (StopKind.CREDENTIALS, "401")
    assert busy.statuses() == {"1": WRITTEN, "2": APPROVED, "3": APPROVED, "4": APPROVED}
    busy.psa.takes_credentials = False
    assert busy.run().outcomes == []
    busy.psa.takes_credentials = True
    busy.run()
    assert set(busy.statuses().values()) == {WRITTEN}


def test_credentials_that_fail_on_the_first_look_halt_as_well(busy: Office) -> None:
    busy.psa.takes_credentials = False
    batch = busy.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.CREDENTIALS
    assert (batch.outcomes, busy.psa.asked) == ([], ["see 1"])


def test_a_third_value_after_a_write_halts_the_tenant_until_a_person_says_so(busy: Office) -> None:
    busy.psa.shown["1"] = [Decimal(10), Decimal(99)]
    batch = busy.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.UNEXPECTED_VALUE
    assert busy.statuses()["1"] is STALE
    assert busy.run().outcomes == []
    with busy.store.transaction() as conn:
        assert writes.lift_stop(conn, TENANT, "mended", "dana", busy.clock(), is_asserted=True)
    busy.run()
    assert busy.statuses() == {"1": STALE, "2": WRITTEN, "3": WRITTEN, "4": WRITTEN}


def test_a_write_that_is_seen_to_have_changed_another_line_halts_the_tenant(busy: Office) -> None:
    busy.on_step = lambda step, _: setattr(busy.psa, "damage", "line 9 is gone") if step is Step.SENT else None
    batch = busy.run()
    assert busy.causes() == [("written", "verified")]
    assert batch.stop is not None
    assert (batch.stop.kind, batch.stop.words) == (
        StopKind.UNEXPECTED_VALUE,
        "written and read back, but line 9 is gone",
    )
    assert busy.psa.accepted == [("1", "11")]
    busy.on_step = lambda _step, _change: None
    assert busy.run().outcomes == []


def test_damage_that_is_seen_before_a_write_halts_the_tenant_before_it(busy: Office) -> None:
    busy.psa.damage = "line 9 is gone"
    batch = busy.run()
    assert [outcome.words for outcome in batch.outcomes] == ["line 9 is gone; nothing was sent"]
    assert busy.run().stop is not None
    assert busy.psa.accepted == []


# --- lost answers ---------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_read_back_after_the_quiet_period_and_never_sent_again(office: Office) -> None:
    office.psa.troubles["1"] = [takes_and_loses("1")]
    assert office.run().counts() == {"unknown": 1}
    asked = list(office.psa.asked)
    office.clock.pass_(seconds=119)
    batch = office.run()
    assert office.psa.asked == asked
    assert "its answer was lost; the line is looked at from" in batch.waiting[0][1]
    office.clock.pass_(seconds=1)
    office.run()
    assert (office.psa.accepted, office.causes()[-1]) == ([("1", "11")], ("written", "found_written"))


def test_a_write_that_was_never_executed_is_sent_once_more_and_then_goes_to_a_person(office: Office) -> None:
    office.psa.troubles["1"] = [says(Heard.UNKNOWN)] * 2
    for _ in range(4):
        office.run()
        office.clock.pass_(minutes=5)
    assert office.psa.asked.count("set 1") == 2
    assert office.causes()[-1] == ("refused", "needs_a_person")


def test_after_a_day_a_lost_write_is_not_sent_again(office: Office) -> None:
    office.psa.troubles["1"] = [says(Heard.UNKNOWN)]
    office.run()
    office.clock.pass_(hours=25)
    office.run()
    assert office.psa.asked.count("set 1") == 1
    assert office.causes()[-1] == ("refused", "needs_a_person")


def test_a_psa_that_reads_stale_is_not_believed_at_once(office: Office) -> None:
    office.psa.shown["1"] = [Decimal(10), Decimal(10)]
    assert office.run().counts() == {"unknown": 1}
    office.clock.pass_(minutes=3)
    office.run()
    assert (office.psa.accepted, office.statuses()) == ([("1", "11")], {"1": WRITTEN})


def test_two_looks_that_disagree_settle_nothing(office: Office) -> None:
    office.psa.troubles["1"] = [takes_and_loses("1")]
    office.run()
    office.clock.pass_(minutes=3)
    office.psa.shown["1"] = [Decimal(10)]
    office.run()
    assert office.causes()[-1] == ("unknown", "cannot_read_back")
    office.clock.pass_(minutes=2)
    office.run()
    assert office.statuses() == {"1": WRITTEN}


def test_an_unreadable_line_is_looked_at_after_longer_and_longer_waits(office: Office) -> None:
    office.psa.troubles["1"] = [takes_and_loses("1")]
    office.run()
    office.psa.is_away = True
    office.clock.pass_(minutes=2)
    for wait in ({"minutes": 1}, {"minutes": 5}, {"hours": 1}, {"days": 1}, {"days": 1}):
        office.run()
        asked = len(office.psa.asked)
        office.clock.pass_(**wait)
        office.clock.pass_(seconds=-1)
        office.run()
        assert len(office.psa.asked) == asked, wait
        office.clock.pass_(seconds=1)
    office.psa.is_away = False
    office.clock.pass_(days=2)
    office.run()
    assert (office.psa.accepted, office.statuses()) == ([("1", "11")], {"1": WRITTEN})


def test_a_line_edited_while_an_answer_was_lost_is_left_as_it_is(office: Office) -> None:
    office.psa.troubles["1"] = [takes_and_loses("1")]
    office.run()
    office.psa.lines["1"] = Decimal(20)
    office.clock.pass_(minutes=3)
    office.run()
    assert (office.causes()[-1], office.psa.lines["1"]) == (("stale", "line_moved"), Decimal(20))


def test_a_read_back_that_fails_leaves_the_outcome_open(office: Office) -> None:
    def away(psa: InventedPsa, quantity: str) -> Answer:
        psa.take("1", quantity)
        psa.is_away = True
        return Answer(Heard.ACCEPTED, "accepted")

    office.psa.troubles["1"] = [away]
    office.run()
    assert office.causes() == [("unknown", "not_verified")]


def test_damage_that_is_found_when_a_lost_answer_is_settled_halts_the_tenant(busy: Office) -> None:
    busy.psa.troubles["1"] = [takes_and_loses("1")]
    busy.decide("2", "3", "4", action=DecisionAction.REVOKED)
    busy.run()
    busy.psa.damage = "line 9 is gone"
    busy.clock.pass_(minutes=3)
    batch = busy.run()
    assert busy.causes() == [("unknown", "answer_lost"), ("written", "found_written")]
    assert batch.stop is not None
    assert batch.stop.words == "the answer was lost, and the line holds 11: it was written, but line 9 is gone"


def test_where_a_request_replaces_all_lines_an_agreement_has_one_change_in_flight(busy: Office) -> None:
    busy.model = WriteModel.REPLACE_LINES
    busy.psa.troubles["1"] = [takes_and_loses("1")]
    batch = busy.run()
    awaited = "the answer to another change of its agreement is awaited; that one is settled first"
    assert [words for change, words in batch.waiting if change.line_id != "1"] == [awaited] * 3
    assert busy.psa.accepted == [("1", "11")]
    busy.clock.pass_(minutes=3)
    assert busy.run().counts() == {"written": 4}
    assert [line for line, _ in busy.psa.accepted] == ["1", "2", "3", "4"]


# --- standing still -------------------------------------------------------------------------------------------------


def test_a_person_can_stop_a_run_between_two_lines(busy: Office) -> None:
    def stop(step: Step, change: Change) -> None:
        if (step, change.line_id) == (Step.RECORDED, "2"):
            with busy.store.transaction() as conn:
                writes.record_stop(conn, TENANT, Stop(StopKind.BY_A_PERSON, "wait", "dana", busy.clock()))

    busy.on_step = stop
    batch = busy.run()
    assert [line for line, _ in busy.psa.accepted] == ["1", "2"]
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.BY_A_PERSON
    assert busy.run().outcomes == []


def test_while_write_back_stands_still_lost_answers_are_settled_all_the_same(busy: Office) -> None:
    busy.psa.troubles["1"] = [takes_and_loses("1")]
    busy.on_step = lambda _step, _change: None
    busy.run()
    with busy.store.transaction() as conn:
        writes.record_stop(conn, TENANT, Stop(StopKind.BY_A_PERSON, "wait", "dana", busy.clock()))
    busy.clock.pass_(minutes=3)
    assert busy.run().counts() == {"written": 1}


def test_a_line_beyond_its_bound_is_refused_and_the_others_are_written(busy: Office) -> None:
    busy.bounds = Bounds(BillingCurrency("USD"), line_quantity=Decimal(2))
    busy.run()
    assert busy.statuses() == {"1": WRITTEN, "2": WRITTEN, "3": REFUSED, "4": REFUSED}
    assert busy.causes("3") == [("refused", "out_of_bounds")]


def test_more_than_a_run_may_write_writes_nothing_until_it_is_less(busy: Office) -> None:
    busy.bounds = Bounds(BillingCurrency("USD"), lines_per_run=3)
    batch = busy.run()
    assert batch.stop is not None
    assert (batch.stop.kind, busy.psa.asked) == (StopKind.BOUNDS, [])
    assert busy.run().stop is not None
    busy.decide("4", action=DecisionAction.REVOKED)
    busy.run()
    assert [line for line, _ in busy.psa.accepted] == ["1", "2", "3"]


def test_what_is_approved_while_a_run_waits_is_the_next_runs(busy: Office) -> None:
    busy.bounds = Bounds(BillingCurrency("USD"), lines_per_run=4)
    busy.psa.lines["5"] = Decimal(10)
    busy.psa.troubles["2"] = [says(Heard.THROTTLED, retry_after=5)]
    busy.on_step = lambda step, change: busy.approve("5") if (step, change.line_id) == (Step.SENT, "1") else None
    busy.run()
    assert [line for line, _ in busy.psa.accepted] == ["1", "2", "3", "4"]
    busy.on_step = lambda _step, _change: None
    busy.run()
    assert busy.psa.accepted[-1] == ("5", "15")


# --- the PSA is away ------------------------------------------------------------------------------------------------


def test_a_psa_that_is_away_fails_the_run_though_changes_in_between_ended_without_a_look(sqlite_url: str) -> None:
    with opened(sqlite_url, lines=4) as office:
        for line, after in (("1", 11), ("2", 50), ("3", 11), ("4", 50)):
            office.propose(line, quantity_after=Decimal(after))
        office.decide("1", "2", "3", "4")
        office.bounds = Bounds(BillingCurrency("USD"), line_quantity=Decimal(5))
        office.psa.is_away = True
        with pytest.raises(PsaUnavailable, match="the PSA is away"):
            office.run()
        assert office.statuses() == {"1": APPROVED, "2": REFUSED, "3": APPROVED, "4": APPROVED}


def test_a_psa_that_is_away_fails_the_run_and_keeps_the_approvals(busy: Office) -> None:
    busy.psa.is_away = True
    with pytest.raises(PsaUnavailable, match="the PSA is away"):
        busy.run()
    assert set(busy.statuses().values()) == {APPROVED}
    busy.psa.is_away = False
    busy.run()
    assert set(busy.statuses().values()) == {WRITTEN}


def test_lines_in_a_row_that_cannot_be_read_end_a_run_only_when_there_are_many(sqlite_url: str) -> None:
    with opened(sqlite_url, lines=14) as office:
        office.approve(*map(str, range(1, 15)))
        office.psa.unreadable = {str(number) for number in range(1, 11)}
        with pytest.raises(PsaUnavailable, match="line 10 cannot be read"):
            office.run()
        assert office.psa.accepted == []
        office.psa.unreadable.remove("10")
        office.run()
        assert [line for line, _ in office.psa.accepted] == ["10", "11", "12", "13", "14"]


def test_one_line_that_cannot_be_read_does_not_keep_the_others_waiting(busy: Office) -> None:
    busy.psa.unreadable = {"2"}
    batch = busy.run()
    assert busy.statuses() == {"1": WRITTEN, "2": APPROVED, "3": WRITTEN, "4": WRITTEN}
    assert batch.waiting[0][1] == "line 2 cannot be read"


# --- one writer -----------------------------------------------------------------------------------------------------


def test_a_second_run_waits_for_the_first_and_then_gives_up(office: Office) -> None:
    with office.store.transaction() as conn:
        assert writes.take_lease(conn, TENANT, "another", office.clock(), office.clock() + timedelta(hours=1))
    batch = office.run()
    assert (batch.is_busy, office.psa.asked) == (True, [])
    assert office.clock.total >= office.pace.lease


def test_a_lease_that_lapses_lets_the_next_run_begin(office: Office) -> None:
    with office.store.transaction() as conn:
        writes.take_lease(conn, TENANT, "dead", office.clock(), office.clock() + timedelta(seconds=30))
    assert office.run().counts() == {"written": 1}


@pytest.mark.parametrize("moment", [Step.READ, Step.SENT])
def test_a_run_whose_lease_was_taken_over_records_nothing_more(office: Office, moment: Step) -> None:
    def overtaken(step: Step, _: Change) -> None:
        if step is moment:
            office.clock.pass_(seconds=121)
            with office.store.transaction() as conn:
                writes.take_lease(conn, TENANT, "another", office.clock(), office.clock() + timedelta(hours=1))

    office.on_step = overtaken
    batch = office.run()
    assert (batch.is_busy, batch.outcomes) == (True, [])
    assert office.statuses() == {"1": APPROVED if moment is Step.READ else ChangeStatus.SENDING}
    assert len(office.psa.accepted) == (0 if moment is Step.READ else 1)


def test_a_writer_that_was_frozen_after_its_intent_does_not_send(office: Office) -> None:
    def frozen(step: Step, _: Change) -> None:
        if step is Step.INTENDED and not office.clock.waited:
            office.clock.sleep(office.pace.hesitation + timedelta(seconds=1))

    office.on_step = frozen
    office.run()
    assert office.causes()[0] == ("approved", "not_executed")
    assert office.psa.accepted == [("1", "11")]


def test_the_lease_is_kept_while_a_run_waits(office: Office) -> None:
    six = timedelta(seconds=6)
    office.pace = Pace(quiet=six, lease=six, hesitation=six)
    office.psa.troubles["1"] = [says(Heard.THROTTLED, retry_after=50)]
    office.run()
    assert max(office.clock.waited) <= timedelta(seconds=2)
    assert office.statuses() == {"1": WRITTEN}


def test_two_changes_of_one_line_are_never_in_flight_together(office: Office) -> None:
    office.psa.troubles["1"] = [takes_and_loses("1")]
    office.run()
    november = replace(samples.change("change-11", period="2026-11", needs=()), line_id="1", quantity_after=Decimal(14))
    with office.store.transaction() as conn:
        changes.insert_changes(conn, TENANT, [replace(november, quantity_before=Decimal(11), unit_cost=Decimal(18))])
    office.psa.price = november.unit_price
    office.decide("11")
    batch = office.run()
    assert ("line 1 has another change in flight: change-1@1") in [words for _, words in batch.waiting]
    assert office.psa.accepted == [("1", "11")]


def test_open_matters_are_counted_over_all_runs(busy: Office) -> None:
    busy.psa.lines["1"] = Decimal(99)
    busy.psa.troubles["2"] = [says(Heard.REFUSED)]
    busy.psa.troubles["3"] = [takes_and_loses("3")]
    busy.run()
    assert busy.run().open_matters == {STALE: 1, REFUSED: 1, UNKNOWN: 1}
    assert Cause.ANSWER_LOST in [outcome[1] for outcome in busy.causes("3")]
