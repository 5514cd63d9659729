"""Claims about tenants: two may share a database and never see or touch each other's rows."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, select

from pipelines.audit import Purge
from pipelines.identity import RevisionId
from pipelines.intake.drops import ArrivalStatus, DropIdentity
from pipelines.review.approval import Actor
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.closing import Closing, Reopening
from pipelines.writeback.ports import Cause, Fenced, Outcome
from resources.store import (
    audit,
    changes,
    copies,
    decisions,
    findings,
    inbox,
    mappings,
    overlays,
    periods,
    policies,
    profiles,
    reconciliations,
    standing,
    tables,
    usage,
    users,
    writes,
)
from resources.store.decision_ledger import NO_PSA, StoreDecisionLedger
from resources.store.engine import Store
from resources.store.errors import NotInStore
from resources.store.ledgers import StoreCopyLedger, StoreUsageLedger
from resources.store.write_ledger import StoreWriteLedger
from tests.resources.store import samples
from tests.resources.store.samples import DROP, LATER, LEASE, NOON, PROPOSED
from tests.resources.store.test_mappings import ENTRIES
from tests.resources.store.test_overlays import FIX

Statement = Callable[[Connection, str], Any]
TOPICS = (
    audit,
    changes,
    copies,
    decisions,
    findings,
    inbox,
    mappings,
    overlays,
    periods,
    policies,
    profiles,
    reconciliations,
    standing,
    usage,
    users,
    writes,
)
FILE, REVISION, CHANGE = samples.arrival().file_id, samples.revision().revision_id, samples.change().change_id
DANA = Actor("dana", is_asserted=True)
PERIOD, NOBODY = DROP.period, "nobody"
IN_TURN = samples.change("in-turn", line_id="2")
"""An approved change that was not executed when it was first sent; ``CHANGE`` is still on its way."""
EVERYTHING = Purge(before=LATER)
"""Everything that anybody wrote."""
DONE = samples.change("done", line_id="3")
"""A change that was written."""

QUERIES: dict[str, Statement] = {
    "audit.chain": lambda conn, t: list(audit.chain(conn, t)),
    "audit.chain_head": lambda conn, t: audit.chain_head(conn, t).sequence,
    "audit.hash_at": lambda conn, t: audit.hash_at(conn, t, 1),
    "audit.kept_facts": lambda conn, t: list(audit.kept_facts(conn, t)),
    "audit.words_meant": lambda conn, t: audit.words_meant(conn, t, EVERYTHING),
    "audit.words_beside": lambda conn, t: audit.words_beside(conn, t, range(100)),
    "changes.latest_changes": changes.latest_changes,
    "changes.change_revisions": lambda conn, t: changes.change_revisions(conn, t, CHANGE),
    "copies.newest_copy": copies.newest_copy,
    "copies.newest_complete_copy": copies.newest_complete_copy,
    "decisions.decisions_about": lambda conn, t: decisions.decisions_about(conn, t, [CHANGE]),
    "decisions.decisions_of_period": lambda conn, t: decisions.decisions_of_period(conn, t, PERIOD),
    "findings.standing_findings": lambda conn, t: findings.standing_findings(conn, t, DROP.period),
    "inbox.arrivals": inbox.arrivals,
    "inbox.arrival": lambda conn, t: inbox.arrival(conn, t, FILE),
    "inbox.arrival_of_object": lambda conn, t: inbox.arrival_of_object(
        conn, t, samples.arrival().path, samples.arrival().version
    ),
    "inbox.attempts": lambda conn, t: inbox.attempts(conn, t, FILE),
    "inbox.attempts_made": inbox.attempts_made,
    "inbox.sightings": inbox.sightings,
    "inbox.read_after": lambda conn, t: inbox.read_after(conn, t, samples.arrival(arrived_at=NOON)),
    "mappings.recorded_entries": mappings.recorded_entries,
    "mappings.decisions_made": mappings.decisions_made,
    "overlays.overlays": lambda conn, t: overlays.overlays(conn, t, DROP),
    "periods.open_periods": periods.open_periods,
    "periods.frozen_at": lambda conn, t: periods.frozen_at(conn, t, "2026-09"),
    "periods.late_periods": periods.late_periods,
    "periods.period_decisions": periods.period_decisions,
    "policies.all_policies": policies.all_policies,
    "policies.policy_in_force": policies.policy_in_force,
    "profiles.profile_content": lambda conn, t: profiles.profile_content(conn, t, "generic", "3f2a"),
    "reconciliations.latest_reconciliation": lambda conn, t: reconciliations.latest_reconciliation(
        conn, t, DROP.period
    ),
    "reconciliations.latest_by_period": reconciliations.latest_by_period,
    "reconciliations.reconciliation_count": lambda conn, t: reconciliations.reconciliation_count(conn, t, "2026-10"),
    "standing.month_standing": lambda conn, t: standing.month_standing(conn, t, PERIOD).readings,
    "standing.standing_token": lambda conn, t: (
        standing.standing_token(conn, t, PERIOD) != standing.standing_token(conn, NOBODY, PERIOD)
    ),
    "standing.unread_sources": lambda conn, t: standing.unread_sources(conn, t, PERIOD),
    "usage.current_revision": lambda conn, t: usage.current_revision(conn, t, DROP),
    "usage.current_revisions": lambda conn, t: usage.current_revisions(conn, t, DROP.period),
    "usage.revisions": lambda conn, t: usage.revisions(conn, t, DROP),
    "usage.revision_of_file": lambda conn, t: usage.revision_of_file(conn, t, FILE),
    "usage.rejected_rows": lambda conn, t: usage.rejected_rows(conn, t, [REVISION]),
    "usage.known_drops": lambda conn, t: usage.known_drops(conn, t, DROP.period),
    "usage.invoices_between": lambda conn, t: usage.invoices_between(conn, t, "2025-12", "2026-02"),
    "usage.speaking_revisions": usage.speaking_revisions,
    "usage.current_revision_ids": lambda conn, t: usage.current_revision_ids(conn, t, PERIOD),
    "users.all_users": users.all_users,
    "users.user_of_token": lambda conn, t: users.user_of_token(conn, t, "hash-of-a-token"),
    "writes.approved_changes": lambda conn, t: writes.approved_changes(conn, t, LATER),
    "writes.intents_of": lambda conn, t: writes.intents_of(conn, t, [CHANGE]),
    "writes.latest_outcomes": lambda conn, t: writes.latest_outcomes(conn, t, PERIOD),
    "writes.next_turn": lambda conn, t: writes.next_turn(conn, t, NOON),
    "writes.open_matters": writes.open_matters,
    "writes.outcomes_of": lambda conn, t: writes.outcomes_of(conn, t, [IN_TURN.change_id]),
    "writes.standing_stop": writes.standing_stop,
    "writes.unsettled_changes": writes.unsettled_changes,
    "writes.written_since": lambda conn, t: writes.written_since(conn, t, "batch-1"),
}
"""Every query, with an answer that is true only for the tenant who owns the sample rows."""

TOUCHES: dict[str, Statement] = {
    "changes.set_status": lambda conn, t: changes.set_status(conn, t, CHANGE, 1, ChangeStatus.WRITTEN),
    "changes.refresh_change": lambda conn, t: changes.refresh_change(conn, t, samples.change()),
    "inbox.settle_arrival": lambda conn, t: inbox.settle_arrival(conn, t, FILE, status=ArrivalStatus.TAKEN),
    "inbox.release": lambda conn, t: inbox.release(conn, t, FILE),
    "inbox.start_attempt": lambda conn, t: inbox.start_attempt(conn, t, FILE, LATER),
    "inbox.finish_attempt": lambda conn, t: inbox.finish_attempt(conn, t, FILE, 1, LATER, "done", None),
    "inbox.withdraw_attempt": lambda conn, t: inbox.withdraw_attempt(conn, t, FILE, 1),
    "mappings.end_entry": lambda conn, t: mappings.end_entry(conn, t, "entry-0", date(2027, 1, 1), "eve", LATER),
    "mappings.supersede_entry": lambda conn, t: mappings.supersede_entry(conn, t, "entry-0", "eve", LATER),
    "usage.retire_drop": lambda conn, t: usage.retire_drop(conn, t, DROP, "eve", LATER),
    "decisions.record_decision": lambda conn, t: decisions.record_decision(conn, t, samples.decision(), PROPOSED),
    "users.issue_token": lambda conn, t: users.issue_token(conn, t, "dana", "hash-of-another", LATER),
    "users.remove_user": lambda conn, t: users.remove_user(conn, t, "dana", LATER),
    "writes.keep_lease": lambda conn, t: writes.keep_lease(conn, t, LEASE),
    "writes.record_intent": lambda conn, t: writes.record_intent(conn, t, LEASE, samples.intent(samples.change())),
    "writes.record_outcome": lambda conn, t: writes.record_outcome(conn, t, samples.outcome(samples.change())),
}
"""Everything that changes a row that is there, and says so when there is none."""

QUIET_TOUCHES: dict[str, Statement] = {
    "audit.purge_words": lambda conn, t: audit.purge_words(conn, t, EVERYTHING, "eve", is_asserted=True, at=LATER),
    "writes.give_back_lease": lambda conn, t: writes.give_back_lease(conn, t, LEASE, NOON),
    "periods.reopen_period": lambda conn, t: periods.reopen_period(conn, t, Reopening("2026-09", DANA, LATER)),
    "writes.lift_stop": lambda conn, t: writes.lift_stop(conn, t, "go on", "eve", LATER),
}
"""What lets go of something and needs nothing to be there."""

NOT_EXECUTED = samples.outcome(
    IN_TURN, status=ChangeStatus.APPROVED, cause=Cause.NOT_EXECUTED, words="in use", retry_at=LATER
)


def _insert(conn: Connection, tenant: str, *meant: Change) -> None:
    for each in meant:
        changes.insert_changes(conn, tenant, [each])


def _approve(conn: Connection, tenant: str, *meant: Change) -> None:
    for each in meant:
        decision = samples.decision(f"approval-of-{each.change_id}", change_id=each.change_id)
        decisions.record_decision(conn, tenant, decision, PROPOSED)


def _conclude(conn: Connection, tenant: str, *outcomes: Outcome) -> None:
    for each in outcomes:
        writes.record_outcome(conn, tenant, each)


RECORDS: dict[str, Statement] = {
    "inbox.record_arrival": lambda conn, t: inbox.record_arrival(conn, t, samples.arrival()),
    "inbox.record_or_update_arrival": lambda conn, t: inbox.record_or_update_arrival(conn, t, samples.arrival()),
    "usage.publish_revision": lambda conn, t: usage.publish_revision(
        conn, t, samples.revision(), [samples.row_error()]
    ),
    "usage.ensure_drop": lambda conn, t: usage.ensure_drop(conn, t, DROP, NOON),
    "overlays.record_overlay": lambda conn, t: overlays.record_overlay(conn, t, "overlay-1", DROP, FIX, NOON),
    "profiles.record_profile_version": lambda conn, t: profiles.record_profile_version(
        conn, t, "generic", "3f2a", f"profile of {t}", NOON
    ),
    "mappings.record_entry": lambda conn, t: mappings.record_entry(conn, t, "entry-0", ENTRIES[0], "dana", NOON),
    "copies.record_copy": lambda conn, t: copies.record_copy(conn, t, samples.copy()),
    "changes.insert_changes": lambda conn, t: _insert(conn, t, samples.change(), IN_TURN, DONE),
    "decisions.record_decision": lambda conn, t: _approve(conn, t, samples.change(), IN_TURN, DONE),
    "users.add_user": lambda conn, t: users.add_user(conn, t, "dana", "admin", "hash-of-a-token", NOON),
    "writes.take_lease": lambda conn, t: writes.take_lease(conn, t, f"run of {t}", NOON, LATER),
    "writes.record_intent": lambda conn, t: writes.record_intent(conn, t, LEASE, samples.intent(samples.change())),
    "writes.record_outcome": lambda conn, t: _conclude(conn, t, NOT_EXECUTED, samples.outcome(DONE)),
    "writes.record_stop": lambda conn, t: writes.record_stop(conn, t, samples.stop()),
    "periods.close_period": lambda conn, t: periods.close_period(conn, t, Closing("2026-09", NOON, DANA, NOON)),
    "policies.record_policy": lambda conn, t: policies.record_policy(conn, t, f"rules: []  # of {t}", DANA, NOON),
    "audit.record_event": lambda conn, t: audit.record_event(conn, t, samples.event(words=f"words of {t}")),
    "findings.replace_findings": lambda conn, t: findings.replace_findings(
        conn, t, DROP.period, [samples.finding()], NOON
    ),
    "reconciliations.record_reconciliation": lambda conn, t: reconciliations.record_reconciliation(
        conn, t, DROP.period, "run", "hash", "reconciled", [], {}, NOON
    ),
}
"""Everything that adds a row."""


def _all_functions() -> Iterator[str]:
    """Every public function of a topic that is given a connection; the tenant must be its next argument."""
    for module in TOPICS:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            given = list(inspect.signature(function).parameters)
            if function.__module__ == module.__name__ and not name.startswith("_") and "conn" in given:
                assert given[:2] == ["conn", "tenant"], name
                yield f"{_topic(module)}.{name}"


def _topic(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _fill(store: Store) -> None:
    with store.transaction() as conn:
        for record in RECORDS.values():
            record(conn, store.tenant)
        inbox.start_attempt(conn, store.tenant, FILE, NOON)
        later = samples.arrival(file_id="later", path="later.csv", arrived_at=LATER, status=ArrivalStatus.TAKEN)
        inbox.record_arrival(conn, store.tenant, later)
        for number, entry in enumerate(ENTRIES[1:], start=1):
            mappings.record_entry(conn, store.tenant, f"entry-{number}", entry, "dana", NOON)
        mappings.end_entry(conn, store.tenant, "entry-1", date(2027, 1, 1), "dana", NOON)
        bygone = DropIdentity(DROP.source, DROP.profile, "2026-09")
        late = samples.revision(drop=bygone, revision_id=RevisionId("late"), created_at=LATER)
        usage.publish_revision(conn, store.tenant, late, [])
        billed = DropIdentity(DROP.source, DROP.profile, "2026-01")
        invoice = samples.revision(drop=billed, revision_id=RevisionId("invoice"), basis="invoice")
        usage.publish_revision(conn, store.tenant, invoice, [])


def _everything(store: Store, tenant: str) -> dict[str, list[Any]]:
    with store.reading() as conn:
        return {
            table.name: list(conn.execute(select(table).where(table.c.tenant == tenant)))
            for table in tables.metadata.sorted_tables
        }


@pytest.fixture
def neighbour(store: Store, store_url: str) -> Iterator[Store]:
    """The store of another tenant in the same database, while ``store`` is filled."""
    _fill(store)
    opened = Store(store_url, "neighbour")
    yield opened
    opened.close()


def test_every_function_of_the_store_is_tried_here() -> None:
    assert set(_all_functions()) == set(QUERIES) | set(TOUCHES) | set(QUIET_TOUCHES) | set(RECORDS)


def test_no_query_shows_the_rows_of_another_tenant(store: Store, neighbour: Store) -> None:
    with store.reading() as conn:
        assert [name for name, query in QUERIES.items() if not query(conn, store.tenant)] == []
        assert [name for name, query in QUERIES.items() if query(conn, neighbour.tenant)] == []


def test_nothing_of_another_tenant_can_be_touched(store: Store, neighbour: Store) -> None:
    before = _everything(store, store.tenant)
    for touch in TOUCHES.values():
        with pytest.raises((NotInStore, Fenced), match=r"holds no|another run"), neighbour.transaction() as conn:
            touch(conn, neighbour.tenant)
    with neighbour.transaction() as conn:
        for quiet in QUIET_TOUCHES.values():
            assert not quiet(conn, neighbour.tenant)
    assert _everything(store, store.tenant) == before


def test_two_tenants_keep_the_same_ids_side_by_side(store: Store, neighbour: Store) -> None:
    before = _everything(store, store.tenant)
    assert all(before.values())
    _fill(neighbour)
    with neighbour.transaction() as conn:
        findings.replace_findings(conn, neighbour.tenant, DROP.period, [], LATER)
        usage.publish_revision(conn, neighbour.tenant, samples.revision(2), [])
    assert _everything(store, store.tenant) == before


def test_the_ledgers_speak_for_their_own_tenant(store: Store, neighbour: Store) -> None:
    ledger = StoreUsageLedger(neighbour)
    assert (ledger.current_revision(DROP), ledger.overlays(DROP)) == (None, ())
    StoreCopyLedger(neighbour).record(samples.copy("of-the-neighbour"))
    with store.reading() as conn:
        assert copies.newest_copy(conn, store.tenant) == samples.copy()


def test_deciding_and_writing_speak_for_their_own_tenant(store: Store, neighbour: Store) -> None:
    deciding, writing = StoreDecisionLedger(neighbour), StoreWriteLedger(neighbour)
    assert (deciding.revisions_of(CHANGE), deciding.latest_of(PERIOD), deciding.psa()) == ([], [], NO_PSA)
    assert (writing.stop(), writing.approved(LATER, None), writing.unsettled(None)) == (None, [], [])
    assert writing.take_lease("run of the neighbour", NOON, LATER) == 1
    assert StoreWriteLedger(store).take_lease("another run", NOON, LATER) is None
