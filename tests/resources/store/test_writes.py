"""Claims about what write-back leaves behind: who may write, what stands still, whose turn it is, what was sent."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import insert, text

from pipelines.audit import canonical_json
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import Approved, Cause, Fenced, Lease, NotTaken, Outcome, StopKind, Unsettled
from resources.store import audit, changes, decisions, mappings, reconciliations, writes
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict
from resources.store.tables import write_outcomes
from resources.store.write_ledger import StoreWriteLedger
from tests.resources.store import samples
from tests.resources.store.samples import LATER, LEASE, NOON, PROPOSED
from tests.resources.store.test_mappings import ENTRIES

CHANGE = samples.change()
SECOND = samples.change("change-2", line_id="2")
THIRD = samples.change("change-3", line_id="3", period="2026-09")
MINUTE = timedelta(minutes=1)
REVOCABLE = frozenset({ChangeStatus.APPROVED})


@pytest.fixture
def ledger(store: Store) -> StoreWriteLedger:
    """The ledger of the tenant's write-back."""
    return StoreWriteLedger(store)


@pytest.fixture
def lease(ledger: StoreWriteLedger) -> Lease:
    """A lease that was taken."""
    return _taken(ledger, "run-1")


def _taken(ledger: StoreWriteLedger, holder: str, now: datetime = NOON) -> Lease:
    until = now + MINUTE
    fence = ledger.take_lease(holder, now, until)
    assert fence is not None
    return Lease(fence, until)


def _approve(store: Store, *given: Change) -> None:
    with store.transaction() as conn:
        samples.insert_approved(conn, store.tenant, *given)


def _intend(store: Store, change: Change, sent_at: datetime = NOON) -> None:
    with store.transaction() as conn:
        writes.record_intent(conn, store.tenant, LEASE, samples.intent(change, sent_at=sent_at))


def _conclude(store: Store, outcome: Outcome) -> None:
    with store.transaction() as conn:
        writes.record_outcome(conn, store.tenant, outcome)


def _not_executed(change: Change, retry_at: datetime | None, cause: Cause = Cause.NOT_EXECUTED) -> Outcome:
    return samples.outcome(change, status=ChangeStatus.APPROVED, cause=cause, words="in use", retry_at=retry_at)


def _unknown(change: Change, at: datetime, cause: Cause = Cause.ANSWER_LOST, **given: Any) -> Outcome:
    return samples.outcome(change, status=ChangeStatus.UNKNOWN, cause=cause, words="no answer", at=at, **given)


def _status(store: Store, change: Change = CHANGE) -> ChangeStatus:
    with store.reading() as conn:
        return changes.change_revisions(conn, store.tenant, change.change_id)[change.revision - 1].status


def _trail(store: Store) -> list[dict[str, Any]]:
    with store.reading() as conn:
        return [json.loads(entry.content) for entry in audit.chain(conn, store.tenant)]


def _told(store: Store) -> list[tuple[str, str]]:
    return [(event["action"], event["subject"]) for event in _trail(store)]


# --- the lease ------------------------------------------------------------------------------------------------------


def test_a_lease_is_nobody_elses_until_it_lapses_by_the_clock_that_is_passed_in(ledger: StoreWriteLedger) -> None:
    assert ledger.take_lease("run-1", NOON, NOON + MINUTE) == 1
    almost = NOON + MINUTE - timedelta(microseconds=1)
    assert ledger.take_lease("run-2", almost, LATER) is None
    assert ledger.take_lease("run-1", almost, LATER) is None  # not even its own holder's, who would then write twice
    assert ledger.take_lease("run-2", NOON + MINUTE, LATER) == 2
    assert ledger.take_lease("run-1", NOON + MINUTE, LATER) is None


def test_a_lease_that_is_kept_lasts_longer(ledger: StoreWriteLedger) -> None:
    lease = _taken(ledger, "run-1")
    ledger.keep(replace(lease, until=LATER))
    assert ledger.take_lease("run-2", NOON + MINUTE, LATER) is None
    assert ledger.take_lease("run-2", LATER, LATER + MINUTE) == 2


def test_a_lease_that_is_given_back_can_be_taken_at_once(ledger: StoreWriteLedger) -> None:
    ledger.give_back(_taken(ledger, "run-1"), NOON + MINUTE / 2)
    assert ledger.take_lease("run-2", NOON + MINUTE / 2, LATER) == 2


def test_giving_a_lapsed_lease_back_does_not_make_it_last(ledger: StoreWriteLedger) -> None:
    ledger.give_back(_taken(ledger, "run-1"), LATER)
    assert ledger.take_lease("run-2", NOON + MINUTE, LATER) == 2


def test_a_lease_that_another_run_took_is_neither_kept_nor_given_back(ledger: StoreWriteLedger) -> None:
    old = _taken(ledger, "run-1")
    ledger.take_lease("run-2", LATER, LATER + MINUTE)
    with pytest.raises(Fenced, match="another run writes for msp by now"):
        ledger.keep(old)
    ledger.give_back(old, LATER)
    assert ledger.take_lease("run-3", LATER, LATER + MINUTE) is None


def test_of_eight_runs_at_once_one_takes_the_lease(ledger: StoreWriteLedger) -> None:
    together = Barrier(8, timeout=60)

    def take(number: int) -> int | None:
        together.wait()
        return ledger.take_lease(f"run-{number}", NOON, LATER)

    with ThreadPoolExecutor(8) as threads:
        fences = list(threads.map(take, range(8)))
    assert sorted(fences, key=str) == [1] + [None] * 7


def test_a_fenced_writer_commits_nothing(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE, SECOND)
    old = _taken(ledger, "run-1")
    token = ledger.standing("2026-10").token
    ledger.record_intents(old, [samples.intent(SECOND)], token)
    before = _trail(store)
    ledger.take_lease("run-2", LATER, LATER + MINUTE)
    acts: list[Callable[[], object]] = [
        lambda: ledger.record_intents(old, [samples.intent(CHANGE)], token),
        lambda: ledger.record_outcome(old, samples.outcome(SECOND)),
        lambda: ledger.halt(old, samples.stop(StopKind.BOUNDS)),
        lambda: ledger.lift(old, "go on", LATER),
    ]
    for act in acts:
        with pytest.raises(Fenced, match="another run writes for msp by now"):
            act()
    assert (_status(store), _status(store, SECOND)) == (ChangeStatus.APPROVED, ChangeStatus.SENDING)
    assert (_trail(store), ledger.stop()) == (before, None)


# --- stops ----------------------------------------------------------------------------------------------------------

OF_OURS = [kind for kind in StopKind if kind not in {StopKind.BY_A_PERSON, StopKind.RESTORED_STORE}]


def test_a_stop_comes_back_as_it_was_given_until_it_is_lifted(store: Store, ledger: StoreWriteLedger) -> None:
    assert ledger.stop() is None
    stop = samples.stop(words="Zürich \x00 rings", by="o'Brien")
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, stop, is_asserted=True)
    assert ledger.stop() == stop
    with store.transaction() as conn:
        assert writes.lift_stop(conn, store.tenant, "all is well", "ola", LATER)
        assert not writes.lift_stop(conn, store.tenant, "all is well", "ola", LATER)
    assert ledger.stop() is None
    stopped, resumed = _trail(store)
    assert (stopped["action"], stopped["actor"], stopped["is_asserted"]) == ("stopped", "o'Brien", True)
    assert stopped["details"] == {"kind": "by_a_person", "words": "Zürich \x00 rings"}
    assert (resumed["action"], resumed["actor"], resumed["is_asserted"]) == ("resumed", "ola", False)
    assert resumed["details"] == {"kind": "by_a_person", "words": "all is well"}


@pytest.mark.parametrize("kind", OF_OURS)
def test_a_persons_stop_goes_before_one_of_our_own(
    store: Store, ledger: StoreWriteLedger, lease: Lease, kind: StopKind
) -> None:
    ledger.halt(lease, samples.stop(kind))
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop(at=LATER))
    assert ledger.stop() == samples.stop(at=LATER)
    assert _told(store) == [("halted", "msp"), ("stopped", "msp")]


def test_a_stop_of_our_own_leaves_one_that_stands(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    for standing, kind in product(StopKind, OF_OURS):
        with store.transaction() as conn:
            writes.record_stop(conn, store.tenant, samples.stop(standing))
        ledger.halt(lease, samples.stop(kind, words="another", at=LATER))
        assert ledger.stop() == samples.stop(standing), kind
        with store.transaction() as conn:
            writes.lift_stop(conn, store.tenant, "go on", "dana", LATER)
    told = [event["details"]["words"] for event in _trail(store)]
    assert told == ["a look is needed", "go on"] * len(StopKind) * len(OF_OURS)


@pytest.mark.parametrize("kind", StopKind)
def test_the_stop_of_a_restored_store_goes_before_all_others_and_makes_way_for_none(
    store: Store, ledger: StoreWriteLedger, lease: Lease, kind: StopKind
) -> None:
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop(kind))
    ledger.halt(lease, samples.stop(StopKind.RESTORED_STORE, words="an old store", at=LATER))
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop(kind, words="another"))
    stands = ledger.stop()
    assert stands is not None
    assert stands.kind is StopKind.RESTORED_STORE
    assert len(_told(store)) == (1 if kind is StopKind.RESTORED_STORE else 2)


def test_a_person_who_says_that_the_store_was_restored_stopped_it(store: Store) -> None:
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop(StopKind.RESTORED_STORE, by="dana"))
    assert _told(store) == [("stopped", "msp")]


def test_the_second_person_who_stops_it_finds_it_stopped(store: Store, ledger: StoreWriteLedger) -> None:
    for stop in (samples.stop(), samples.stop(by="ola", at=LATER)):
        with store.transaction() as conn:
            writes.record_stop(conn, store.tenant, stop)
    assert ledger.stop() == samples.stop()
    assert _told(store) == [("stopped", "msp")]


def test_write_back_goes_on_by_itself_in_its_own_name(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    ledger.halt(lease, samples.stop(StopKind.CREDENTIALS))
    ledger.lift(lease, "the PSA takes the credentials again", LATER)
    assert ledger.stop() is None
    halted, resumed = _trail(store)
    assert [(event["action"], event["actor"]) for event in (halted, resumed)] == [
        ("halted", "write-back"),
        ("resumed", "write-back"),
    ]
    assert resumed["details"] == {"kind": "credentials", "words": "the PSA takes the credentials again"}


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Store]:
    """The store in PostgreSQL, for what cannot happen on SQLite, whose writers are alone anyway."""
    opened = Store(postgres_url, "msp")
    yield opened
    opened.close()


def test_once_a_stop_is_recorded_no_intent_is_committed_after_it(postgres: Store) -> None:
    _approve(postgres, CHANGE)
    lease = _taken(StoreWriteLedger(postgres), "run-1")

    def stop() -> None:
        with postgres.transaction() as conn:
            writes.record_stop(conn, postgres.tenant, samples.stop())

    with ThreadPoolExecutor(1) as threads:
        with postgres.transaction() as conn:
            writes.keep_lease(conn, postgres.tenant, lease)
            assert writes.standing_stop(conn, postgres.tenant) is None
            stopping = threads.submit(stop)
            while not stopping.done() and not _somebody_waits(postgres):
                wait([stopping], timeout=0.01)
            writes.record_intent(conn, postgres.tenant, lease, samples.intent(CHANGE))
        stopping.result(timeout=60)
    assert [action for action, _ in _told(postgres)] == ["approved", "intended", "stopped"]


def _somebody_waits(store: Store) -> bool:
    with store.reading() as conn:
        return bool(conn.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


# --- whose turn it is -----------------------------------------------------------------------------------------------


def _ids(found: list[Approved] | Any) -> list[str]:
    return [approved.change.change_id for approved in found]


def test_approved_changes_come_in_the_order_of_their_approvals(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, THIRD, CHANGE, SECOND)
    assert _ids(ledger.approved(NOON, None)) == ["change-3", "change-1", "change-2"]


def test_an_approved_change_bears_what_its_approval_was_bound_to(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    approved = replace(CHANGE, status=ChangeStatus.APPROVED)
    assert ledger.approved(NOON, None) == [
        Approved(approved, "approval-of-change-1", "dana", "ab" * 32, samples.PLAN, tries=0)
    ]


@pytest.mark.parametrize(("period", "found"), [("2026-10", ["change-1"]), ("2026-09", ["change-3"]), ("2026-08", [])])
def test_one_month_alone_can_be_asked_for(
    store: Store, ledger: StoreWriteLedger, period: str, found: list[str]
) -> None:
    _approve(store, THIRD, CHANGE)
    assert _ids(ledger.approved(NOON, period)) == found


@pytest.mark.parametrize("status", [status for status in ChangeStatus if status is not ChangeStatus.APPROVED])
def test_what_stands_otherwise_has_no_turn(store: Store, ledger: StoreWriteLedger, status: ChangeStatus) -> None:
    _approve(store, CHANGE)
    with store.transaction() as conn:
        changes.set_status(conn, store.tenant, CHANGE.change_id, 1, status)
    assert ledger.approved(NOON, None) == []


def test_a_revoked_approval_has_no_turn_and_a_second_one_goes_to_the_end(
    store: Store, ledger: StoreWriteLedger
) -> None:
    _approve(store, CHANGE, SECOND)
    with store.transaction() as conn:
        decisions.record_decision(conn, store.tenant, samples.revocation(), REVOCABLE)
    assert _ids(ledger.approved(NOON, None)) == ["change-2"]
    again = samples.decision("again", plan_hash="cd" * 32, plan=samples.PLAN | {"after": "11"})
    with store.transaction() as conn:
        decisions.record_decision(conn, store.tenant, again, PROPOSED)
    found = ledger.approved(NOON, None)
    assert _ids(found) == ["change-2", "change-1"]
    assert (found[1].decision_id, found[1].plan_hash, found[1].plan) == ("again", "cd" * 32, again.plan)


def test_a_change_that_was_not_executed_waits_for_its_turn(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE, SECOND)
    _intend(store, CHANGE)
    _conclude(store, _not_executed(CHANGE, LATER))
    assert _ids(ledger.approved(LATER - timedelta(microseconds=1), None)) == ["change-2"]
    assert _ids(ledger.approved(LATER, None)) == ["change-1", "change-2"]


def test_the_latest_outcome_says_when_a_changes_turn_is(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    for retry_at in (LATER, LATER + MINUTE, None):
        _conclude(store, _not_executed(CHANGE, retry_at))
    assert _ids(ledger.approved(NOON, None)) == ["change-1"]


def test_tries_are_what_the_psa_surely_did_not_execute(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE, SECOND)
    for cause in (Cause.NOT_EXECUTED, Cause.THROTTLED, Cause.SEND_AGAIN, Cause.CREDENTIALS):
        _conclude(store, _not_executed(CHANGE, NOON, cause))
    assert [approved.tries for approved in ledger.approved(NOON, None)] == [2, 0]


def test_a_throttled_tenant_sends_nothing_until_the_psa_may_be_asked_again(
    store: Store, ledger: StoreWriteLedger
) -> None:
    _approve(store, THIRD, CHANGE)
    _conclude(store, _not_executed(THIRD, LATER, Cause.THROTTLED))
    almost = LATER - timedelta(microseconds=1)
    assert ledger.approved(almost, None) == []
    assert ledger.approved(almost, "2026-10") == []
    assert _ids(ledger.approved(LATER, None)) == ["change-3", "change-1"]


def test_the_next_turn_is_the_earliest_that_is_waited_for(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE, SECOND, THIRD)
    assert ledger.next_turn(NOON, None) is None
    _conclude(store, _not_executed(CHANGE, LATER + MINUTE))
    _conclude(store, _not_executed(SECOND, LATER))
    _conclude(store, _not_executed(THIRD, LATER - MINUTE))
    assert ledger.next_turn(NOON, None) == LATER - MINUTE
    assert ledger.next_turn(LATER - MINUTE, None) == LATER
    assert ledger.next_turn(NOON, "2026-10") == LATER
    assert ledger.next_turn(LATER + MINUTE, None) is None


def test_a_change_that_is_decided_otherwise_is_waited_for_no_longer(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    _conclude(store, _not_executed(CHANGE, LATER))
    with store.transaction() as conn:
        decisions.record_decision(conn, store.tenant, samples.revocation(), REVOCABLE)
    assert ledger.next_turn(NOON, None) is None


# --- what is not settled --------------------------------------------------------------------------------------------


def _sending(change: Change = CHANGE) -> Change:
    return replace(change, status=ChangeStatus.SENDING, batch_id="batch-1")


def _lost(change: Change = CHANGE) -> Change:
    return replace(change, status=ChangeStatus.UNKNOWN, batch_id="batch-1")


def test_a_change_whose_writer_died_is_unsettled_since_its_intent(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    assert ledger.unsettled(None) == []
    _intend(store, CHANGE)
    assert ledger.unsettled(None) == [Unsettled(_sending(), 1, sent_at=NOON, lost_at=NOON, looks=0, look_at=None)]


def test_a_lost_answer_counts_no_look(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    _intend(store, CHANGE)
    _conclude(store, _unknown(CHANGE, LATER))
    assert ledger.unsettled(None) == [Unsettled(_lost(), 1, sent_at=NOON, lost_at=LATER, looks=0, look_at=None)]


def test_looks_that_settle_nothing_are_counted_and_the_last_says_when_the_next_is_due(
    store: Store, ledger: StoreWriteLedger
) -> None:
    _approve(store, CHANGE)
    _intend(store, CHANGE)
    lost_at = NOON + MINUTE
    _conclude(store, _unknown(CHANGE, lost_at))
    for at in (LATER, LATER + MINUTE):
        _conclude(store, _unknown(CHANGE, at, Cause.CANNOT_READ_BACK, retry_at=at + MINUTE))
    expected = Unsettled(_lost(), 1, sent_at=NOON, lost_at=lost_at, looks=2, look_at=LATER + 2 * MINUTE)
    assert ledger.unsettled(None) == [expected]


def test_a_change_that_is_sent_again_begins_anew_but_for_the_count_of_its_sends(
    store: Store, ledger: StoreWriteLedger
) -> None:
    _approve(store, CHANGE)
    _intend(store, CHANGE)
    _conclude(store, _unknown(CHANGE, NOON + MINUTE))
    _conclude(store, _unknown(CHANGE, NOON + 2 * MINUTE, Cause.CANNOT_READ_BACK, retry_at=LATER))
    _conclude(
        store, samples.outcome(CHANGE, status=ChangeStatus.APPROVED, cause=Cause.SEND_AGAIN, at=NOON + 3 * MINUTE)
    )
    assert _ids(ledger.approved(NOON + 3 * MINUTE, None)) == ["change-1"]
    _intend(store, CHANGE, LATER)
    assert ledger.unsettled(None) == [Unsettled(_sending(), 2, sent_at=LATER, lost_at=LATER, looks=0, look_at=None)]


def test_an_earlier_revision_counts_for_nothing(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE)
    _intend(store, CHANGE)
    _conclude(store, _unknown(CHANGE, LATER, Cause.CANNOT_READ_BACK, retry_at=LATER + MINUTE))
    _conclude(store, samples.outcome(CHANGE, status=ChangeStatus.APPROVED, cause=Cause.SEND_AGAIN))
    with store.transaction() as conn:
        changes.set_status(conn, store.tenant, CHANGE.change_id, 1, ChangeStatus.SUPERSEDED)
    second = samples.change(number=2)
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [second])
        decisions.record_decision(conn, store.tenant, samples.decision(revision=2), PROPOSED)
        intent = samples.intent(second, sent_at=LATER, decision_id="decision-1")
        writes.record_intent(conn, store.tenant, LEASE, intent)
    assert ledger.unsettled(None) == [
        Unsettled(_sending(second), 1, sent_at=LATER, lost_at=LATER, looks=0, look_at=None)
    ]


def test_unsettled_changes_of_one_month_alone_can_be_asked_for(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, THIRD, CHANGE)
    for change in (THIRD, CHANGE):
        _intend(store, change)
    assert [each.change.change_id for each in ledger.unsettled(None)] == ["change-1", "change-3"]
    assert [each.change.change_id for each in ledger.unsettled("2026-09")] == ["change-3"]


def _reconcile(store: Store, period: str, at: datetime) -> None:
    with store.transaction() as conn:
        reconciliations.record_reconciliation(conn, store.tenant, period, "run", "hash", "reconciled", [], {}, at)


def test_what_ended_badly_waits_for_a_person_until_its_month_was_reconciled_since(
    store: Store, ledger: StoreWriteLedger
) -> None:
    assert ledger.open_matters() == {}
    _approve(store, CHANGE, SECOND, THIRD)
    for change, status in ((CHANGE, ChangeStatus.STALE), (SECOND, ChangeStatus.REFUSED), (THIRD, ChangeStatus.STALE)):
        _conclude(store, samples.outcome(change, status=status, cause=Cause.LINE_MOVED, at=LATER))
    assert ledger.open_matters() == {ChangeStatus.STALE: 2, ChangeStatus.REFUSED: 1}
    _reconcile(store, "2026-10", NOON)
    assert ledger.open_matters() == {ChangeStatus.STALE: 2, ChangeStatus.REFUSED: 1}
    _reconcile(store, "2026-10", LATER + MINUTE)
    assert ledger.open_matters() == {ChangeStatus.STALE: 1, ChangeStatus.REFUSED: 0}


def test_what_is_on_its_way_is_an_open_matter_until_it_is_settled(store: Store, ledger: StoreWriteLedger) -> None:
    _approve(store, CHANGE, SECOND)
    for change in (CHANGE, SECOND):
        _intend(store, change)
    _conclude(store, _unknown(SECOND, LATER))
    assert ledger.open_matters() == {ChangeStatus.SENDING: 1, ChangeStatus.UNKNOWN: 1}
    for change in (CHANGE, SECOND):
        _conclude(store, samples.outcome(change))
    assert ledger.open_matters() == {}


# --- intents --------------------------------------------------------------------------------------------------------


def _refused(store: Store, ledger: StoreWriteLedger, lease: Lease, token: str, words: str) -> None:
    """The intent is refused with these words, and nothing of it is left behind."""
    before, stood = _trail(store), _status(store)
    with pytest.raises(NotTaken, match=words):
        ledger.record_intents(lease, [samples.intent(CHANGE)], token)
    with store.reading() as conn:
        assert writes.intents_of(conn, store.tenant, [CHANGE.change_id]) == []
    assert (_trail(store), _status(store)) == (before, stood)


def test_of_intents_that_share_a_request_all_are_kept_or_none(
    store: Store, ledger: StoreWriteLedger, lease: Lease
) -> None:
    other = samples.change("change-4", line_id="4")
    _approve(store, CHANGE, other, SECOND)
    _intend(store, SECOND)
    token, before = ledger.standing("2026-10").token, _trail(store)
    with pytest.raises(NotTaken, match="change in flight"):
        ledger.record_intents(lease, [samples.intent(CHANGE), samples.intent(SECOND)], token)
    assert (_trail(store), _status(store)) == (before, ChangeStatus.APPROVED)

    point = ledger.record_intents(lease, [samples.intent(CHANGE), samples.intent(other)], token)
    assert point == ledger.trail_head()
    assert {_status(store, each) for each in (CHANGE, other)} == {ChangeStatus.SENDING}


def test_an_intent_is_kept_with_the_exact_request_before_it_is_sent(
    store: Store, ledger: StoreWriteLedger, lease: Lease
) -> None:
    _approve(store, CHANGE)
    intent = samples.intent(CHANGE)
    ledger.record_intents(lease, [intent], ledger.standing("2026-10").token)
    request_hash = hashlib.sha256(canonical_json(intent.request.as_document()).encode()).hexdigest()
    with store.reading() as conn:
        kept = [dict(row) for row in writes.intents_of(conn, store.tenant, [CHANGE.change_id])]
    assert kept == [
        {
            "tenant": "msp",
            "number": 1,
            "change_id": "change-1",
            "revision": 1,
            "batch_id": "batch-1",
            "decision_id": "approval-of-change-1",
            "plan_hash": "ab" * 32,
            "method": "PATCH",
            "path": "/finance/agreements/9001/additions/1",
            "body": '[{"op": "replace", "path": "quantity", "value": 12}]',
            "request_hash": request_hash,
            "fence": lease.fence,
            "sent_at": NOON,
        }
    ]
    with store.reading() as conn:
        assert changes.latest_changes(conn, store.tenant) == [_sending()]
    told = _trail(store)[-1]
    assert (told["action"], told["subject"], told["actor"]) == ("intended", "change-1@1", "write-back")
    assert told["details"]["request"] == intent.request.as_document()
    assert (told["details"]["request_hash"], told["details"]["fence"]) == (request_hash, lease.fence)


def test_an_intent_makes_the_lease_last(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    ledger.record_intents(replace(lease, until=LATER), [samples.intent(CHANGE)], ledger.standing("2026-10").token)
    assert ledger.take_lease("run-2", LATER - MINUTE, LATER) is None


@pytest.mark.parametrize("status", [status for status in ChangeStatus if status is not ChangeStatus.APPROVED])
def test_no_intent_for_what_is_not_approved_any_more(
    store: Store, ledger: StoreWriteLedger, lease: Lease, status: ChangeStatus
) -> None:
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [replace(CHANGE, status=status)])
    in_flight = status in {ChangeStatus.SENDING, ChangeStatus.UNKNOWN}
    words = "line 1 has another change in flight" if in_flight else f"change-1@1 is {status} by now and was left"
    _refused(store, ledger, lease, ledger.standing("2026-10").token, words)


def test_no_intent_under_an_approval_that_another_one_has_followed(
    store: Store, ledger: StoreWriteLedger, lease: Lease
) -> None:
    _approve(store, CHANGE)
    with store.transaction() as conn:
        revoked = samples.revocation("taken-back")
        decisions.record_decision(conn, store.tenant, revoked, REVOCABLE)
        decisions.record_decision(conn, store.tenant, samples.decision("for-another-day"), PROPOSED)
    _refused(store, ledger, lease, ledger.standing("2026-10").token, "was approved anew meanwhile")


@pytest.mark.parametrize("kind", StopKind)
def test_no_intent_while_write_back_stands_still(
    store: Store, ledger: StoreWriteLedger, lease: Lease, kind: StopKind
) -> None:
    _approve(store, CHANGE)
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop(kind))
    token = ledger.standing("2026-10").token
    _refused(store, ledger, lease, token, "write-back was stopped meanwhile; the approval is kept")
    with store.transaction() as conn:
        writes.lift_stop(conn, store.tenant, "go on", "dana", LATER)
    ledger.record_intents(lease, [samples.intent(CHANGE)], token)


MOVED = "a mapping, a file or the policy moved meanwhile; the approval is looked at again"


def test_no_intent_after_a_mapping_was_recorded(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    token = ledger.standing("2026-10").token
    with store.transaction() as conn:
        mappings.record_entry(conn, store.tenant, "entry-0", ENTRIES[0], "dana", NOON)
    _refused(store, ledger, lease, token, MOVED)
    token = ledger.standing("2026-10").token
    with store.transaction() as conn:
        mappings.supersede_entry(conn, store.tenant, "entry-0", "dana", NOON)
    _refused(store, ledger, lease, token, MOVED)


def test_no_intent_after_a_reading_was_published(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    for number in (1, 2):
        token = ledger.standing("2026-10").token
        samples.published(store, samples.revision(number))
        _refused(store, ledger, lease, token, MOVED)


def test_a_reading_of_another_month_moves_nothing(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    token = ledger.standing("2026-10").token
    samples.published(store, samples.revision(drop=replace(samples.DROP, period="2026-09")))
    ledger.record_intents(lease, [samples.intent(CHANGE)], token)
    assert _status(store) is ChangeStatus.SENDING


@pytest.mark.parametrize("is_lost", [False, True], ids=["sending", "unknown"])
def test_no_second_intent_on_a_line_that_has_one_in_flight(
    store: Store, ledger: StoreWriteLedger, lease: Lease, is_lost: bool
) -> None:
    other = samples.change("of-september", period="2026-09")
    _approve(store, other, CHANGE)
    _intend(store, other)
    if is_lost:
        _conclude(store, _unknown(other, LATER))
    token = ledger.standing("2026-10").token
    _refused(store, ledger, lease, token, "line 1 has another change in flight: of-september@1")
    _conclude(store, samples.outcome(other))
    ledger.record_intents(lease, [samples.intent(CHANGE)], token)


def test_a_line_has_one_change_in_flight_whatever_moves_the_status(store: Store) -> None:
    other = samples.change("of-september", period="2026-09", status=ChangeStatus.UNKNOWN)
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [other])
    with pytest.raises(StoreConflict), store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [replace(CHANGE, status=ChangeStatus.SENDING)])
    assert _trail(store) == []


def test_of_eight_writers_at_once_one_commits_its_intent(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    token = ledger.standing("2026-10").token
    together = Barrier(8, timeout=60)

    def intend(number: int) -> str:
        together.wait()
        try:
            ledger.record_intents(lease, [samples.intent(CHANGE, batch_id=f"batch-{number}")], token)
        except NotTaken as not_taken:
            return str(not_taken)
        return "committed"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(intend, range(8)))
    assert sorted(answers) == ["committed"] + ["line 1 has another change in flight: change-1@1"] * 7
    with store.reading() as conn:
        (kept,) = writes.intents_of(conn, store.tenant, [CHANGE.change_id])
    assert kept["batch_id"] == f"batch-{answers.index('committed')}"


def test_what_never_was_is_neither_intended_nor_concluded(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    with pytest.raises(NotInStore, match="holds no change change-1@1"):
        ledger.record_intents(lease, [samples.intent(CHANGE)], ledger.standing("2026-10").token)
    with pytest.raises(NotInStore, match="holds no change change-1@1"):
        ledger.record_outcome(lease, samples.outcome(CHANGE))
    assert _trail(store) == []


# --- outcomes -------------------------------------------------------------------------------------------------------


def test_an_outcome_is_kept_with_what_was_seen(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    _intend(store, CHANGE)
    outcome = _unknown(CHANGE, LATER, quantity_seen=Decimal("12.0000000001"), retry_at=LATER + MINUTE)
    ledger.record_outcome(lease, outcome)
    with store.reading() as conn:
        (kept,) = writes.outcomes_of(conn, store.tenant, [CHANGE.change_id])
    expected = {name: value for name, value in vars(outcome).items() if name != "change"}
    assert dict(kept) == {"tenant": "msp", "number": 1, "change_id": "change-1", "revision": 1, **expected}
    assert _status(store) is ChangeStatus.UNKNOWN
    told = _trail(store)[-1]
    assert (told["action"], told["subject"], told["actor"]) == ("concluded", "change-1@1", "write-back")
    assert told["details"]["status"] == "unknown"
    assert told["details"]["cause"] == "answer_lost"
    assert told["details"]["quantity_seen"] == "12.0000000001"


def test_an_outcome_without_a_look_tells_of_no_quantity(store: Store, ledger: StoreWriteLedger, lease: Lease) -> None:
    _approve(store, CHANGE)
    ledger.record_outcome(lease, _not_executed(CHANGE, LATER))
    assert _trail(store)[-1]["details"]["quantity_seen"] is None


def test_what_is_approved_or_in_flight_may_be_concluded_in_any_way(store: Store) -> None:
    ends = (ChangeStatus.WRITTEN, ChangeStatus.STALE, ChangeStatus.REFUSED, ChangeStatus.UNKNOWN, ChangeStatus.APPROVED)
    for stood, becomes in product((ChangeStatus.APPROVED, ChangeStatus.SENDING, ChangeStatus.UNKNOWN), ends):
        change = samples.change(f"{stood}-{becomes}", status=stood, line_id=f"line-{stood}-{becomes}")
        with store.transaction() as conn:
            changes.insert_changes(conn, store.tenant, [change])
            writes.record_outcome(conn, store.tenant, samples.outcome(change, status=becomes, batch_id="batch-7"))
            found = changes.change_revisions(conn, store.tenant, change.change_id)
        assert found == [replace(change, status=becomes, batch_id="batch-7")]


@pytest.mark.parametrize(
    "stood",
    [
        ChangeStatus.PROPOSED,
        ChangeStatus.DECLINED,
        ChangeStatus.SUPERSEDED,
        ChangeStatus.WRITTEN,
        ChangeStatus.STALE,
        ChangeStatus.REFUSED,
    ],
)
def test_what_was_decided_meanwhile_is_left_as_it_is(
    store: Store, ledger: StoreWriteLedger, lease: Lease, stood: ChangeStatus
) -> None:
    with store.transaction() as conn:
        changes.insert_changes(conn, store.tenant, [replace(CHANGE, status=stood)])
    with pytest.raises(NotTaken, match=f"change-1@1 is {stood} by now and was left as it is"):
        ledger.record_outcome(lease, samples.outcome(CHANGE))
    with store.reading() as conn:
        assert writes.outcomes_of(conn, store.tenant, [CHANGE.change_id]) == []
    assert (_status(store), _trail(store)) == (stood, [])


def test_a_revision_is_written_at_most_once(store: Store) -> None:
    _approve(store, CHANGE)
    _conclude(store, samples.outcome(CHANGE))
    with store.transaction() as conn:  # as no code of ours does
        changes.set_status(conn, store.tenant, CHANGE.change_id, 1, ChangeStatus.APPROVED)
    with pytest.raises(StoreConflict, match="holds this record already"):
        _conclude(store, samples.outcome(CHANGE, at=LATER + MINUTE))
    with store.reading() as conn:
        assert len(writes.outcomes_of(conn, store.tenant, [CHANGE.change_id])) == 1
    assert _status(store) is ChangeStatus.APPROVED


def test_the_database_itself_holds_one_written_outcome_of_a_revision(store: Store) -> None:
    _approve(store, CHANGE)
    values = {name: value for name, value in vars(samples.outcome(CHANGE)).items() if name != "change"}
    rows = [
        {"tenant": store.tenant, "number": number, "change_id": "change-1", "revision": 1, **values}
        for number in (1, 2)
    ]
    with pytest.raises(StoreConflict, match="holds this record already"), store.transaction() as conn:
        conn.execute(insert(write_outcomes), rows)
    with store.transaction() as conn:
        conn.execute(insert(write_outcomes), [rows[0], rows[1] | {"status": "unknown"}])


def test_outcomes_and_intents_come_in_the_order_in_which_they_were_recorded(store: Store) -> None:
    _approve(store, CHANGE, SECOND)
    for change in (SECOND, CHANGE):
        _intend(store, change, LATER)
        _conclude(store, _not_executed(change, None))
    _intend(store, SECOND, NOON)
    both = [CHANGE.change_id, SECOND.change_id]
    with store.reading() as conn:
        found = writes.intents_of(conn, store.tenant, both)
        assert [row["change_id"] for row in found] == ["change-2", "change-1", "change-2"]
        assert [row["change_id"] for row in writes.outcomes_of(conn, store.tenant, both)] == ["change-2", "change-1"]
        assert [row["number"] for row in writes.outcomes_of(conn, store.tenant, both[:1])] == [2]
        assert writes.outcomes_of(conn, store.tenant, []) == writes.intents_of(conn, store.tenant, []) == []


def test_the_last_outcome_of_every_revision_of_a_month_is_found(store: Store) -> None:
    _approve(store, CHANGE, SECOND, THIRD)
    _conclude(store, _not_executed(CHANGE, None))
    _conclude(store, samples.outcome(THIRD))
    _conclude(store, samples.outcome(SECOND, status=ChangeStatus.STALE, cause=Cause.LINE_MOVED))
    _conclude(store, samples.outcome(CHANGE))
    with store.reading() as conn:
        october = writes.latest_outcomes(conn, store.tenant, "2026-10")
        september = writes.latest_outcomes(conn, store.tenant, "2026-09")
        assert writes.latest_outcomes(conn, store.tenant, "2026-08") == []
    assert [(row["change_id"], row["status"]) for row in october] == [("change-2", "stale"), ("change-1", "written")]
    assert [row["change_id"] for row in september] == ["change-3"]
