"""Claims about PSA copies, profile versions, periods and reconciliations."""

from sqlalchemy import insert

from pipelines.agreements.records import CopyStatus
from pipelines.identity import FileId, RevisionId
from pipelines.intake.drops import DropIdentity
from resources.store import copies, overlays, periods, profiles, reconciliations, tables
from resources.store.engine import Store
from resources.store.ledgers import StoreCopyLedger
from resources.store.reconciliations import Reconciliation
from tests.resources.store import samples
from tests.resources.store.samples import LATER, NOON
from tests.resources.store.test_overlays import FIX


def test_the_newest_copy_is_the_one_recorded_last_even_when_it_failed(store: Store) -> None:
    ledger = StoreCopyLedger(store)
    # One instant and ids that run backwards: neither may decide which copy is the newest.
    old, complete = samples.copy("z"), samples.copy("y")
    failed = samples.copy("x", status=CopyStatus.FAILED, lake_path=None, counts={}, message="the PSA said 503")
    for copy in (old, complete, failed):
        ledger.record(copy)
    with store.reading() as conn:
        assert copies.newest_copy(conn, store.tenant) == failed
        assert copies.newest_complete_copy(conn, store.tenant) == complete
    assert ledger.newest_complete_copy() == complete


def test_without_a_copy_there_is_none(store: Store) -> None:
    with store.reading() as conn:
        assert copies.newest_copy(conn, store.tenant) is None
        assert copies.newest_complete_copy(conn, store.tenant) is None


def test_a_profile_version_is_kept_as_it_was_first_recorded(store: Store) -> None:
    with store.transaction() as conn:
        profiles.record_profile_version(conn, store.tenant, "generic", "3f2a", "profile: generic", NOON)
        profiles.record_profile_version(conn, store.tenant, "generic", "3f2a", "profile:  generic", LATER)
    with store.reading() as conn:
        assert profiles.profile_content(conn, store.tenant, "generic", "3f2a") == "profile: generic"
        assert profiles.profile_content(conn, store.tenant, "generic", "0000") is None


def _close(store: Store, period: str, status: str = "closed") -> None:
    with store.transaction() as conn:
        row = {"tenant": store.tenant, "period": period, "status": status, "decided_at": NOON, "decided_by": "dana"}
        conn.execute(insert(tables.periods).values(row))


def test_a_period_is_open_until_somebody_closes_it(store: Store) -> None:
    _close(store, "2026-09")
    _close(store, "2026-08", "open")
    with store.reading() as conn:
        assert periods.period_status(conn, store.tenant, "2026-10") == "open"
        assert periods.period_status(conn, store.tenant, "2026-09") == "closed"
        assert periods.period_status(conn, store.tenant, "2026-08") == "open"


def test_open_periods_are_those_with_usage_that_nobody_closed(store: Store) -> None:
    for period in ("2026-10", "2026-09", "2026-08"):
        drop = DropIdentity("Pax8", "pax8-subscriptions", period)
        reading = samples.revision(drop=drop, revision_id=RevisionId(period), file_id=FileId(period))
        samples.published(store, reading)
    with store.transaction() as conn:
        # A row decision alone makes a drop known, but nothing speaks for its month.
        only_decided = DropIdentity("Pax8", "pax8-subscriptions", "2026-07")
        overlays.record_overlay(conn, store.tenant, "overlay-1", only_decided, FIX, NOON)
    _close(store, "2026-09")
    with store.reading() as conn:
        assert periods.open_periods(conn, store.tenant) == ["2026-08", "2026-10"]


def test_the_latest_reconciliation_is_the_one_recorded_last(store: Store) -> None:
    sources = [{"source": "Pax8", "rows": {"in": 12}, "quantity": "48211"}]
    with store.transaction() as conn:
        for period, run in (("2026-10", "run-z"), ("2026-10", "run-a"), ("2026-09", "run-b")):
            reconciliations.record_reconciliation(
                conn, store.tenant, period, run, "hash", "reconciled", sources, {"findings": 7}, NOON
            )
    latest = Reconciliation("2026-10", "run-a", "hash", "reconciled", sources, {"findings": 7}, NOON)
    with store.reading() as conn:
        assert reconciliations.latest_reconciliation(conn, store.tenant, "2026-10") == latest
        assert reconciliations.latest_reconciliation(conn, store.tenant, "2026-08") is None
        by_period = reconciliations.latest_by_period(conn, store.tenant)
    assert {period: found.run_id for period, found in by_period.items()} == {"2026-10": "run-a", "2026-09": "run-b"}
    assert by_period["2026-10"] == latest
