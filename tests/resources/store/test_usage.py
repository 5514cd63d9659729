"""Claims about drops, revisions and rejected rows."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from pipelines.identity import FileId, RevisionId
from pipelines.intake.drops import DropIdentity, SourceVerdict, UsageRevision
from resources.store import inbox, usage
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict, StoreError
from resources.store.ledgers import StoreUsageLedger
from tests.resources.store import samples
from tests.resources.store.samples import DROP, LATER, NOON


def test_a_revision_comes_back_as_it_was_published(store: Store) -> None:
    empty = samples.revision(
        drop=replace(DROP, part="hub-7"),
        revision_id=RevisionId("empty"),
        verdict=SourceVerdict.EMPTY,
        reasons=(),
        lake_path=None,
    )
    samples.published(store, samples.revision(), empty)
    with store.reading() as conn:
        assert usage.current_revision(conn, store.tenant, DROP) == samples.revision()
        assert usage.current_revision(conn, store.tenant, empty.drop) == empty
        assert usage.current_revision(conn, store.tenant, replace(DROP, part="never")) is None
        assert usage.current_revisions(conn, store.tenant, "2026-10") == [samples.revision(), empty]


def test_the_readings_that_speak_are_those_of_all_months(store: Store) -> None:
    older = samples.revision(drop=replace(DROP, period="2026-09"), revision_id=RevisionId("older"))
    second = samples.revision(2, sha256="ef" * 32, created_at=LATER)
    samples.published(store, samples.revision(), second, older)
    with store.reading() as conn:
        assert usage.speaking_revisions(conn, store.tenant) == [older, second]


def test_a_second_revision_moves_the_pointer_and_keeps_the_old(store: Store) -> None:
    first, second = samples.revision(), samples.revision(2, sha256="ef" * 32, created_at=LATER)
    samples.published(store, first, second)
    with store.reading() as conn:
        assert usage.current_revision(conn, store.tenant, DROP) == second
        assert usage.current_revisions(conn, store.tenant, "2026-10") == [second]
        assert usage.revisions(conn, store.tenant, DROP) == [first, second]


@pytest.mark.parametrize("number", [pytest.param(1, id="a number given already"), pytest.param(3, id="a gap")])
def test_a_revision_whose_number_is_not_the_next_is_refused_whole(store: Store, number: int) -> None:
    samples.published(store, samples.revision())
    late = samples.revision(number, revision_id=RevisionId("late"), file_name="late.csv")
    words = r"while late\.csv was read.*Run it again"
    with pytest.raises(StoreConflict, match=words) as refused, store.transaction() as conn:
        usage.publish_revision(conn, store.tenant, late, [samples.row_error()])
    assert refused.value.would_retry_help
    with store.reading() as conn:
        assert usage.current_revision(conn, store.tenant, DROP) == samples.revision()
        assert usage.rejected_rows(conn, store.tenant, [late.revision_id]) == []


def test_two_publishers_of_one_drop_at_once_end_with_one_winner_and_one_told_to_rerun(store: Store) -> None:
    samples.published(store, samples.revision(drop=replace(DROP, part="other")))
    readings = [samples.revision(revision_id=RevisionId(f"racer-{number}")) for number in range(8)]

    def publish(reading: UsageRevision) -> str:
        try:
            StoreUsageLedger(store).publish(reading, [samples.row_error()])
        except StoreConflict as conflict:
            return "told to rerun" if "Run it again" in str(conflict) else str(conflict)
        return "won"

    with ThreadPoolExecutor(8) as threads:
        outcomes = list(threads.map(publish, readings))
    assert sorted(outcomes) == ["told to rerun"] * 7 + ["won"]
    with store.reading() as conn:
        winner = usage.revisions(conn, store.tenant, DROP)
        assert winner == [readings[outcomes.index("won")]]
        rejected = usage.rejected_rows(conn, store.tenant, [reading.revision_id for reading in readings])
    assert [revision_id for revision_id, _ in rejected] == [winner[0].revision_id]


def test_eight_threads_that_publish_and_rerun_end_with_unique_revision_numbers(store: Store) -> None:
    ledger = StoreUsageLedger(store)
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())

    def publish_two(thread: int) -> None:
        for turn in range(2):
            while True:
                current = ledger.current_revision(DROP)
                number = current.revision + 1 if current else 1
                reading = samples.revision(number, revision_id=RevisionId(f"{thread}-{turn}-{number}"))
                try:
                    ledger.publish(reading, [])
                except StoreConflict:
                    continue
                break

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(publish_two, range(8)))
    with store.reading() as conn:
        kept = usage.revisions(conn, store.tenant, DROP)
        assert [reading.revision for reading in kept] == list(range(1, 17))
        assert usage.current_revision(conn, store.tenant, DROP) == kept[-1]


def test_a_revision_of_a_file_that_never_arrived_is_refused(store: Store) -> None:
    with pytest.raises(StoreError, match="names something it does not hold"), store.transaction() as conn:
        usage.publish_revision(conn, store.tenant, samples.revision(file_id=FileId("never")), [])


def test_rejected_rows_come_back_in_the_order_of_the_file(store: Store) -> None:
    errors = [samples.row_error(row, is_failure=row % 2 == 0) for row in (300, 17, 17, 18)]
    with store.transaction() as conn:
        samples.publish(conn, store.tenant, samples.revision(), errors)
    with store.reading() as conn:
        found = usage.rejected_rows(conn, store.tenant, [samples.revision().revision_id, RevisionId("none")])
        assert usage.rejected_rows(conn, store.tenant, []) == []
    assert found == [(samples.revision().revision_id, error) for error in errors]


def test_a_file_in_which_every_row_is_rejected_is_kept_whole(store: Store) -> None:
    errors = [samples.row_error(row) for row in range(12_001)]
    with store.transaction() as conn:
        samples.publish(conn, store.tenant, samples.revision(), errors)
    with store.reading() as conn:
        found = usage.rejected_rows(conn, store.tenant, [samples.revision().revision_id])
    assert [error.row for _, error in found] == list(range(12_001))


def test_a_file_of_several_months_names_all_its_readings(store: Store) -> None:
    september = samples.revision(drop=replace(DROP, period="2026-09"), revision_id=RevisionId("september"))
    reread = samples.revision(2)
    other = samples.revision(3, file_id=FileId("file-2"))
    samples.published(store, samples.revision(), september, reread, other)
    with store.reading() as conn:
        found = usage.revision_of_file(conn, store.tenant, FileId("file-1"))
    assert found == [september, samples.revision(), reread]


def test_a_retired_drop_is_known_no_longer_but_still_speaks_for_its_month(store: Store) -> None:
    other = DropIdentity("Webroot", "webroot", "2026-10", "")
    samples.published(store, samples.revision(), samples.revision(drop=other, revision_id=RevisionId("w")))
    with store.transaction() as conn:
        assert usage.known_drops(conn, store.tenant, "2026-10") == [DROP, other]
        usage.retire_drop(conn, store.tenant, DROP, "dana", NOON)
    with store.reading() as conn:
        assert usage.known_drops(conn, store.tenant, "2026-10") == [other]
        assert usage.known_drops(conn, store.tenant, "2026-09") == []
        assert usage.current_revision(conn, store.tenant, DROP) == samples.revision()


def test_a_drop_that_never_was_cannot_be_retired(store: Store) -> None:
    words = r"no file of Pax8 \(pax8-subscriptions\) for 2026-10"
    with pytest.raises(NotInStore, match=words), store.transaction() as conn:
        usage.retire_drop(conn, store.tenant, DROP, "dana", NOON)


def test_readings_as_of_an_instant_are_those_that_spoke_then(store: Store) -> None:
    samples.published(store, samples.revision(1, created_at=NOON))
    samples.published(store, samples.revision(2, created_at=LATER))
    with store.reading() as conn:
        spoke = [
            [reading.revision for reading in usage.current_revisions(conn, store.tenant, DROP.period, as_of=moment)]
            for moment in (NOON - timedelta(seconds=1), NOON, LATER - timedelta(seconds=1), LATER)
        ]
    assert spoke == [[], [1], [1], [2]]


def test_a_drop_is_waited_for_as_of_an_instant_from_when_it_came_until_it_was_retired(store: Store) -> None:
    samples.published(store, samples.revision(1, created_at=NOON))
    with store.transaction() as conn:
        usage.retire_drop(conn, store.tenant, DROP, "dana", LATER)
    with store.reading() as conn:
        known = [
            usage.known_drops(conn, store.tenant, DROP.period, as_of=moment)
            for moment in (NOON - timedelta(seconds=1), NOON, LATER - timedelta(seconds=1), LATER)
        ]
    assert known == [[], [DROP], [DROP], []]


def test_invoices_of_earlier_months_are_found_unless_they_were_retired(store: Store) -> None:
    def publish(period: str, basis: str = "invoice", **given: Any) -> None:
        drop = DropIdentity("ALSO", "also-raw-charges", period)
        samples.published(
            store,
            samples.revision(drop=drop, basis=basis, revision_id=RevisionId(period), file_id=FileId(period), **given),
        )

    for period in ("2023-09", "2023-10", "2026-08", "2026-09", "2026-10"):
        publish(period)
    publish("2026-07", "subscription")
    publish("2026-06", lake_path=None)
    with store.transaction() as conn:
        usage.retire_drop(conn, store.tenant, DropIdentity("ALSO", "also-raw-charges", "2026-08"), "dana", LATER)
    with store.reading() as conn:
        found = {
            as_of: [
                reading.drop.period
                for reading in usage.invoices_between(conn, store.tenant, "2023-10", "2026-10", as_of=as_of)
            ]
            for as_of in (None, NOON, LATER)
        }
    assert found[None] == found[LATER] == ["2023-10", "2026-09"]
    assert found[NOON] == ["2023-10", "2026-08", "2026-09"]
