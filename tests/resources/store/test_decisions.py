"""Claims about decisions: one row that never changes, one audit entry and the new status, or nothing at all."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from pipelines.identity import ChangeId
from pipelines.review.approval import Actor, Decision, DecisionAction
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import NotTaken
from resources.store import audit, changes, copies, decisions, mappings, writes
from resources.store.decision_ledger import NO_PSA, StoreDecisionLedger
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict
from resources.store.standing import month_standing
from tests.resources.store import samples
from tests.resources.store.samples import LATER, LEASE, NOON, PROPOSED
from tests.resources.store.test_mappings import ENTRIES

CHANGE = samples.change()
REVOCABLE = frozenset({ChangeStatus.APPROVED, ChangeStatus.DECLINED})


def _insert(store: Store, *given: Change) -> None:
    with store.transaction() as conn:
        for change in given:
            changes.insert_changes(conn, store.tenant, [change])


def _decide(store: Store, decision: Decision, possible: frozenset[ChangeStatus] = PROPOSED) -> ChangeStatus | None:
    with store.transaction() as conn:
        return decisions.record_decision(conn, store.tenant, decision, possible)


def _decided(store: Store) -> list[Decision]:
    with store.reading() as conn:
        return decisions.decisions_about(conn, store.tenant, [CHANGE.change_id])


def _status(store: Store, change: Change = CHANGE) -> ChangeStatus:
    with store.reading() as conn:
        return changes.change_revisions(conn, store.tenant, change.change_id)[change.revision - 1].status


def _trail(store: Store) -> list[dict[str, Any]]:
    with store.reading() as conn:
        return [json.loads(entry.content) for entry in audit.chain(conn, store.tenant)]


# --- one decision ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "stood", "stands"),
    [
        pytest.param(samples.decision(), ChangeStatus.PROPOSED, ChangeStatus.APPROVED, id="approved"),
        pytest.param(
            samples.decision(action=DecisionAction.DECLINED, plan_hash=None, plan=None),
            ChangeStatus.PROPOSED,
            ChangeStatus.DECLINED,
            id="declined",
        ),
        pytest.param(samples.revocation(), ChangeStatus.APPROVED, ChangeStatus.PROPOSED, id="revoked"),
    ],
)
def test_a_decision_moves_the_status_and_leaves_one_row_and_one_audit_entry(
    store: Store, decision: Decision, stood: ChangeStatus, stands: ChangeStatus
) -> None:
    _insert(store, replace(CHANGE, status=stood))
    assert _decide(store, decision, frozenset({stood})) is None
    assert _status(store) is stands
    assert _decided(store) == [decision]
    trail = _trail(store)
    assert [(event["action"], event["subject"], event["actor"]) for event in trail] == [
        (str(decision.action), "change-1@1", "dana")
    ]


def test_a_decision_comes_back_as_it_was_made_but_for_the_note(store: Store) -> None:
    _insert(store, CHANGE)
    plan = {**samples.PLAN, "currency": None, "psa": {"kind": "connectwise"}, "mappings": ["Zürich \x00 😀"]}
    decision = samples.decision(
        actor=Actor("o'Brien \udce9", is_asserted=True), at=LATER, note="as agreed", plan=plan, has_confirmed_zero=True
    )
    _decide(store, decision)
    assert _decided(store) == [replace(decision, note=None)]


def test_the_audit_entry_tells_what_was_approved_and_keeps_the_note_beside(store: Store) -> None:
    _insert(store, CHANGE)
    _decide(store, samples.decision(note="Erika asked", actor=Actor("dana", is_asserted=True)))
    event = _trail(store)[0]
    assert event["details"] == {
        "decision": "decision-1",
        "plan_hash": "ab" * 32,
        "has_confirmed_zero": False,
        **samples.PLAN,
    }
    assert (event["is_asserted"], event["at"]) == (True, "2026-11-01T12:00:00.123456+00:00")
    with store.reading() as conn:
        assert audit.words_beside(conn, store.tenant, [1]) == {1: "Erika asked"}


def test_what_is_no_approval_has_no_plan_to_tell(store: Store) -> None:
    _insert(store, replace(CHANGE, status=ChangeStatus.APPROVED))
    _decide(store, samples.revocation(), REVOCABLE)
    assert _decided(store)[0].plan is None
    details = {"decision": "decision-2", "plan_hash": None, "has_confirmed_zero": False}
    assert _trail(store)[0]["details"] == details


@pytest.mark.parametrize("stands", [status for status in ChangeStatus if status is not ChangeStatus.PROPOSED])
def test_a_change_that_stands_otherwise_is_left_as_it_is_and_told(store: Store, stands: ChangeStatus) -> None:
    _insert(store, replace(CHANGE, status=stands))
    assert _decide(store, samples.decision()) is stands
    assert (_status(store), _decided(store), _trail(store)) == (stands, [], [])


def test_a_decision_is_about_one_revision_alone(store: Store) -> None:
    second = samples.change(number=2)
    _insert(store, CHANGE, second)
    _decide(store, samples.decision(revision=2))
    assert (_status(store), _status(store, second)) == (ChangeStatus.PROPOSED, ChangeStatus.APPROVED)


@pytest.mark.parametrize(
    "never",
    [
        pytest.param(samples.decision(change_id=ChangeId("never")), id="a change"),
        pytest.param(samples.decision(revision=2), id="a revision"),
    ],
)
def test_a_decision_about_what_never_was_is_refused(store: Store, never: Decision) -> None:
    _insert(store, CHANGE)
    with pytest.raises(NotInStore, match=f"holds no change {never.change_id}@{never.revision}; nothing was changed"):
        _decide(store, never)
    assert _trail(store) == []


def test_a_decision_id_that_was_used_takes_the_whole_transaction_back(store: Store) -> None:
    other = samples.change("change-2")
    _insert(store, CHANGE, other)
    _decide(store, samples.decision())
    with pytest.raises(StoreConflict, match="holds this record already"):
        _decide(store, samples.decision(change_id=other.change_id))
    assert _status(store, other) is ChangeStatus.PROPOSED
    assert len(_trail(store)) == 1


def test_decisions_are_told_in_the_order_in_which_they_were_made(store: Store) -> None:
    september = samples.change("change-9", period="2026-09")
    _insert(store, CHANGE, september)
    made = [
        samples.decision("z", at=LATER),
        samples.revocation("y", at=NOON),
        samples.decision("x", actor=Actor("ola", is_asserted=False), at=NOON),
    ]
    _decide(store, made[0])
    _decide(store, samples.decision("w", change_id=september.change_id))
    _decide(store, made[1], REVOCABLE)
    _decide(store, made[2])
    assert _decided(store) == made
    with store.reading() as conn:
        assert decisions.decisions_of_period(conn, store.tenant, "2026-10") == made
        about_september = decisions.decisions_of_period(conn, store.tenant, "2026-09")
        both = decisions.decisions_about(conn, store.tenant, [CHANGE.change_id, september.change_id])
        assert decisions.decisions_about(conn, store.tenant, []) == []
    assert [decision.decision_id for decision in about_september] == ["w"]
    assert [decision.decision_id for decision in both] == ["z", "w", "y", "x"]


# --- several at once ------------------------------------------------------------------------------------------------


def _at_once(store: Store, *acts: Callable[[Store], Any]) -> list[Any]:
    together = Barrier(len(acts), timeout=60)

    def act(which: Callable[[Store], Any]) -> Any:
        together.wait()
        return which(store)

    with ThreadPoolExecutor(len(acts)) as threads:
        return list(threads.map(act, acts))


def test_eight_approvals_of_one_revision_at_once_make_one_decision(store: Store) -> None:
    _insert(store, CHANGE)
    people = [samples.decision(f"decision-{n}", actor=Actor(f"person-{n}", is_asserted=False)) for n in range(8)]
    acts = [lambda store, own=own: _decide(store, own) for own in people]
    answers = _at_once(store, *acts)
    assert sorted(answers, key=str) == [None] + [ChangeStatus.APPROVED] * 7
    assert _decided(store) == [people[answers.index(None)]]
    assert len(_trail(store)) == 1


def test_an_approval_and_a_refusal_at_once_make_one_decision(store: Store) -> None:
    _insert(store, CHANGE)
    declined = samples.decision("no", action=DecisionAction.DECLINED, plan_hash=None, plan=None)
    answers = _at_once(
        store, lambda store: _decide(store, samples.decision("yes")), lambda store: _decide(store, declined)
    )
    assert answers.count(None) == 1
    assert [decision.decision_id for decision in _decided(store)] == [["yes", "no"][answers.index(None)]]


def _intend(store: Store) -> str | None:
    try:
        with store.transaction() as conn:
            writes.record_intent(conn, store.tenant, LEASE, samples.intent(CHANGE))
    except NotTaken as not_taken:
        return str(not_taken)
    return None


@pytest.mark.parametrize("turn", range(5))
def test_of_a_revocation_and_an_intent_at_once_exactly_one_wins(store: Store, turn: int) -> None:
    with store.transaction() as conn:
        samples.insert_approved(conn, store.tenant, CHANGE)
    revoked, intended = _at_once(store, lambda store: _decide(store, samples.revocation(), REVOCABLE), _intend)
    actions = [event["action"] for event in _trail(store)]
    with store.reading() as conn:
        intents = writes.intents_of(conn, store.tenant, [CHANGE.change_id])
    if revoked is None:
        assert intended == "change-1@1 is proposed by now and was left as it is"
        assert (_status(store), actions, intents) == (ChangeStatus.PROPOSED, ["approved", "revoked"], [])
    else:
        assert (revoked, intended, len(intents)) == (ChangeStatus.SENDING, None, 1)
        assert (_status(store), actions) == (ChangeStatus.SENDING, ["approved", "intended"])


# --- the ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_finds_a_change_by_its_id_and_the_latest_of_a_month(store: Store) -> None:
    second, other = samples.change(number=2), samples.change("change-2", period="2026-09")
    _insert(store, replace(CHANGE, status=ChangeStatus.SUPERSEDED), second, other)
    ledger = StoreDecisionLedger(store)
    assert [change.revision for change in ledger.revisions_of(CHANGE.change_id)] == [1, 2]
    assert ledger.revisions_of(ChangeId("never")) == []
    assert (ledger.latest_of("2026-10"), ledger.latest_of("2026-11")) == ([second], [])


def test_the_ledger_decides_all_that_it_can_and_names_what_it_could_not(store: Store) -> None:
    second, third = samples.change("change-2"), samples.change("change-3")
    _insert(store, CHANGE, replace(second, status=ChangeStatus.WRITTEN), third)
    wanted = [
        (samples.decision(f"decision-{number}", change_id=change.change_id), PROPOSED)
        for number, change in enumerate((CHANGE, second, third))
    ]
    lost = StoreDecisionLedger(store).decide(wanted)
    assert lost == [(wanted[1][0], ChangeStatus.WRITTEN)]
    assert [_status(store, each) for each in (CHANGE, second, third)] == [
        ChangeStatus.APPROVED,
        ChangeStatus.WRITTEN,
        ChangeStatus.APPROVED,
    ]
    assert [event["subject"] for event in _trail(store)] == ["change-1@1", "change-3@1"]


def test_the_ledger_decides_in_one_transaction(store: Store) -> None:
    _insert(store, CHANGE)
    wanted = [(samples.decision(), PROPOSED), (samples.decision("d", change_id=ChangeId("never")), PROPOSED)]
    with pytest.raises(NotInStore):
        StoreDecisionLedger(store).decide(wanted)
    assert (_status(store), _decided(store), _trail(store)) == (ChangeStatus.PROPOSED, [], [])


def test_the_psa_is_the_one_of_the_newest_complete_copy(store: Store) -> None:
    ledger = StoreDecisionLedger(store)
    assert ledger.psa() == NO_PSA
    with store.transaction() as conn:
        copies.record_copy(conn, store.tenant, samples.copy())
    assert ledger.psa() == PsaIdentity("connectwise", "https://psa.example", "")
    with store.transaction() as conn:
        copies.record_copy(conn, store.tenant, samples.copy("copy-2", company="acme_prod"))
    assert ledger.psa() == PsaIdentity("connectwise", "https://psa.example", "acme_prod")


def test_one_command_makes_all_plans_of_a_month_from_one_instant(store: Store) -> None:
    with store.transaction() as conn:
        mappings.record_entry(conn, store.tenant, "entry-0", ENTRIES[0], "dana", NOON)
        mappings.record_entry(conn, store.tenant, "entry-1", ENTRIES[1], "dana", NOON)
    samples.published(store, samples.revision())
    ledger = StoreDecisionLedger(store)
    seen = ledger.plan_of(CHANGE)
    with store.reading() as conn:
        assert seen == month_standing(conn, store.tenant, "2026-10").plan(CHANGE, NO_PSA)
    samples.published(store, samples.revision(2, sha256="ef" * 32))
    assert ledger.plan_of(CHANGE) == seen
    assert StoreDecisionLedger(store).plan_of(CHANGE).hash != seen.hash
