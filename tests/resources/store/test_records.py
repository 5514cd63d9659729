"""Claims about PSA copies, profile versions, periods and reconciliations."""

from datetime import datetime, timedelta

import pytest

from pipelines.agreements.records import CopyStatus
from pipelines.identity import FileId, RevisionId
from pipelines.intake.drops import DropIdentity
from pipelines.review.approval import Actor
from pipelines.review.closing import Closing, Reopening
from resources.store import copies, overlays, periods, profiles, reconciliations
from resources.store.engine import Store
from resources.store.errors import StoreConflict
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


def test_the_newest_copy_as_of_an_instant_had_ended_by_then(store: Store) -> None:
    before, then = samples.copy("early", finished_at=NOON), samples.copy("late", finished_at=LATER)
    for copy in (before, then):
        StoreCopyLedger(store).record(copy)
    with store.reading() as conn:
        moments = (NOON - timedelta(seconds=1), NOON, LATER)
        found = [copies.newest_copy(conn, store.tenant, as_of=moment) for moment in moments]
    assert found == [None, before, then]


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


DANA = Actor("dana", is_asserted=True)


def _close(store: Store, period: str, as_of: datetime = NOON) -> None:
    with store.transaction() as conn:
        periods.close_period(conn, store.tenant, Closing(period, as_of, DANA, LATER))


def _reopen(store: Store, period: str) -> bool:
    with store.transaction() as conn:
        return periods.reopen_period(conn, store.tenant, Reopening(period, DANA, LATER))


def test_a_period_is_open_until_somebody_closes_it_and_again_when_it_is_reopened(store: Store) -> None:
    _close(store, "2026-09")
    _close(store, "2026-08")
    assert _reopen(store, "2026-08")
    assert not _reopen(store, "2026-08")
    assert not _reopen(store, "2026-10")
    with store.reading() as conn:
        frozen = [periods.frozen_at(conn, store.tenant, period) for period in ("2026-10", "2026-09", "2026-08")]
        decided = periods.period_decisions(conn, store.tenant)
    assert frozen == [None, NOON, None]
    assert [(each.period, each.as_of, each.decided_by) for each in decided] == [
        ("2026-08", None, "dana"),
        ("2026-09", NOON, "dana"),
    ]


def test_a_closed_period_cannot_be_closed_as_of_another_instant(store: Store) -> None:
    _close(store, "2026-09")
    with pytest.raises(StoreConflict, match="closed 2026-09 meanwhile"):
        _close(store, "2026-09", LATER)
    with store.reading() as conn:
        assert periods.frozen_at(conn, store.tenant, "2026-09") == NOON


def test_a_closed_period_is_late_when_it_was_read_again_since(store: Store) -> None:
    for period, read_at in (("2026-09", LATER), ("2026-08", NOON), ("2026-07", LATER)):
        drop = DropIdentity("Pax8", "pax8-subscriptions", period)
        reading = samples.revision(
            drop=drop, revision_id=RevisionId(period), file_id=FileId(period), created_at=read_at
        )
        samples.published(store, reading)
    for period in ("2026-09", "2026-08"):
        _close(store, period)
    with store.reading() as conn:
        assert periods.late_periods(conn, store.tenant) == ["2026-09"]


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


def test_the_latest_reconciliation_as_of_an_instant_was_published_by_then(store: Store) -> None:
    with store.transaction() as conn:
        for run, at in (("run-a", NOON), ("run-b", LATER)):
            reconciliations.record_reconciliation(
                conn, store.tenant, "2026-10", run, "hash", "reconciled", [], {"findings": 0}, at
            )
    moments = (NOON - timedelta(seconds=1), NOON, LATER)
    with store.reading() as conn:
        latest = [
            reconciliations.latest_reconciliation(conn, store.tenant, "2026-10", as_of=moment) for moment in moments
        ]
        by_period = [reconciliations.latest_by_period(conn, store.tenant, as_of=moment) for moment in moments]
    assert [found and found.run_id for found in latest] == [None, "run-a", "run-b"]
    assert [[found.run_id for found in each.values()] for each in by_period] == [[], ["run-a"], ["run-b"]]
