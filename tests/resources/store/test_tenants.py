"""Claims about tenants: two may share a database and never see or touch each other's rows."""

import inspect
from collections.abc import Callable, Iterator
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, select

from pipelines.intake.drops import ArrivalStatus
from pipelines.review.changes import ChangeStatus
from resources.store import (
    changes,
    copies,
    findings,
    inbox,
    mappings,
    overlays,
    periods,
    profiles,
    reconciliations,
    tables,
    usage,
)
from resources.store.engine import Store
from resources.store.errors import NotInStore
from resources.store.ledgers import StoreCopyLedger, StoreUsageLedger
from tests.resources.store import samples
from tests.resources.store.samples import DROP, LATER, NOON
from tests.resources.store.test_mappings import ENTRIES
from tests.resources.store.test_overlays import FIX

Statement = Callable[[Connection, str], Any]
TOPICS = (changes, copies, findings, inbox, mappings, overlays, periods, profiles, reconciliations, usage)
FILE, REVISION, CHANGE = samples.arrival().file_id, samples.revision().revision_id, samples.change().change_id

QUERIES: dict[str, Statement] = {
    "changes.latest_changes": changes.latest_changes,
    "changes.change_revisions": lambda conn, t: changes.change_revisions(conn, t, CHANGE),
    "copies.newest_copy": copies.newest_copy,
    "copies.newest_complete_copy": copies.newest_complete_copy,
    "findings.standing_findings": lambda conn, t: findings.standing_findings(conn, t, DROP.period),
    "inbox.arrivals": inbox.arrivals,
    "inbox.arrival": lambda conn, t: inbox.arrival(conn, t, FILE),
    "inbox.arrival_of_object": lambda conn, t: inbox.arrival_of_object(
        conn, t, samples.arrival().path, samples.arrival().version
    ),
    "inbox.attempts": lambda conn, t: inbox.attempts(conn, t, FILE),
    "inbox.attempts_made": inbox.attempts_made,
    "mappings.recorded_entries": mappings.recorded_entries,
    "overlays.overlays": lambda conn, t: overlays.overlays(conn, t, DROP),
    "periods.open_periods": periods.open_periods,
    "periods.period_status": lambda conn, t: periods.period_status(conn, t, "2026-09") == "closed",
    "profiles.profile_content": lambda conn, t: profiles.profile_content(conn, t, "generic", "3f2a"),
    "reconciliations.latest_reconciliation": lambda conn, t: reconciliations.latest_reconciliation(
        conn, t, DROP.period
    ),
    "reconciliations.latest_by_period": reconciliations.latest_by_period,
    "usage.current_revision": lambda conn, t: usage.current_revision(conn, t, DROP),
    "usage.current_revisions": lambda conn, t: usage.current_revisions(conn, t, DROP.period),
    "usage.revisions": lambda conn, t: usage.revisions(conn, t, DROP),
    "usage.revision_count": lambda conn, t: usage.revision_count(conn, t, DROP),
    "usage.revision_of_file": lambda conn, t: usage.revision_of_file(conn, t, FILE),
    "usage.rejected_rows": lambda conn, t: usage.rejected_rows(conn, t, [REVISION]),
    "usage.known_drops": lambda conn, t: usage.known_drops(conn, t, DROP.period),
}
"""Every query, with an answer that is true only for the tenant who owns the sample rows."""

TOUCHES: dict[str, Statement] = {
    "changes.set_status": lambda conn, t: changes.set_status(conn, t, CHANGE, 1, ChangeStatus.WRITTEN),
    "changes.refresh_change": lambda conn, t: changes.refresh_change(conn, t, samples.change()),
    "inbox.settle_arrival": lambda conn, t: inbox.settle_arrival(conn, t, FILE, status=ArrivalStatus.TAKEN),
    "inbox.release": lambda conn, t: inbox.release(conn, t, FILE),
    "inbox.start_attempt": lambda conn, t: inbox.start_attempt(conn, t, FILE, LATER),
    "inbox.finish_attempt": lambda conn, t: inbox.finish_attempt(conn, t, FILE, 1, LATER, "done", None),
    "mappings.end_entry": lambda conn, t: mappings.end_entry(conn, t, "entry-0", date(2027, 1, 1), "eve", LATER),
    "mappings.supersede_entry": lambda conn, t: mappings.supersede_entry(conn, t, "entry-0", "eve", LATER),
    "usage.retire_drop": lambda conn, t: usage.retire_drop(conn, t, DROP, "eve", LATER),
}
"""Everything that changes a row that is there."""

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
    "changes.insert_change": lambda conn, t: changes.insert_change(conn, t, samples.change()),
    "findings.replace_findings": lambda conn, t: findings.replace_findings(
        conn, t, DROP.period, [samples.finding()], NOON
    ),
    "reconciliations.record_reconciliation": lambda conn, t: reconciliations.record_reconciliation(
        conn, t, DROP.period, "run", "hash", "reconciled", [], {}, NOON
    ),
}
"""Everything that adds a row."""


def _all_functions() -> Iterator[str]:
    """Every public function of a topic whose first arguments are a connection and a tenant."""
    for module in TOPICS:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                assert list(inspect.signature(function).parameters)[:2] == ["conn", "tenant"], name
                yield f"{_topic(module)}.{name}"


def _topic(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _fill(store: Store) -> None:
    with store.transaction() as conn:
        for record in RECORDS.values():
            record(conn, store.tenant)
        inbox.start_attempt(conn, store.tenant, FILE, NOON)
        for number, entry in enumerate(ENTRIES[1:], start=1):
            mappings.record_entry(conn, store.tenant, f"entry-{number}", entry, "dana", NOON)
        mappings.end_entry(conn, store.tenant, "entry-1", date(2027, 1, 1), "dana", NOON)
        closed = {"period": "2026-09", "status": "closed", "decided_at": NOON, "decided_by": "dana"}
        conn.execute(tables.periods.insert().values(tenant=store.tenant, **closed))


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
    assert set(_all_functions()) == set(QUERIES) | set(TOUCHES) | set(RECORDS)


def test_no_query_shows_the_rows_of_another_tenant(store: Store, neighbour: Store) -> None:
    with store.reading() as conn:
        assert [name for name, query in QUERIES.items() if not query(conn, store.tenant)] == []
        assert [name for name, query in QUERIES.items() if query(conn, neighbour.tenant)] == []


def test_nothing_of_another_tenant_can_be_touched(store: Store, neighbour: Store) -> None:
    before = _everything(store, store.tenant)
    for touch in TOUCHES.values():
        with pytest.raises(NotInStore, match="holds no"), neighbour.transaction() as conn:
            touch(conn, neighbour.tenant)
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
    assert (ledger.current_revision(DROP), ledger.revision_count(DROP), ledger.overlays(DROP)) == (None, 0, ())
    StoreCopyLedger(neighbour).record(samples.copy("of-the-neighbour"))
    with store.reading() as conn:
        assert copies.newest_copy(conn, store.tenant) == samples.copy()
