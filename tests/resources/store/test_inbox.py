"""Claims about arrivals and attempts."""

from datetime import timedelta

import pytest

from pipelines.identity import FileId
from pipelines.intake.drops import ArrivalStatus
from resources.store import inbox
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict, StoreError
from tests.resources.store import samples
from tests.resources.store.samples import LATER, NOON

FILE = FileId("file-1")


def test_an_arrival_comes_back_as_it_was_recorded(store: Store) -> None:
    unknown = samples.arrival(file_id=FileId("file-2"), source=None, profile=None, period=None, part=None)
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        inbox.record_arrival(conn, store.tenant, unknown)
    with store.reading() as conn:
        assert inbox.arrival(conn, store.tenant, FILE) == samples.arrival()
        assert inbox.arrival(conn, store.tenant, unknown.file_id) == unknown
        assert inbox.arrival(conn, store.tenant, FileId("never")) is None


def test_arrivals_are_listed_oldest_first_and_by_status_and_period(store: Store) -> None:
    second = samples.arrival(file_id=FileId("a"), arrived_at=LATER, period="2026-09")
    settled = samples.arrival(file_id=FileId("b"), arrived_at=LATER + timedelta(1), status=ArrivalStatus.TAKEN)
    with store.transaction() as conn:
        for file in (settled, second, samples.arrival()):
            inbox.record_arrival(conn, store.tenant, file)
    with store.reading() as conn:
        assert inbox.arrivals(conn, store.tenant) == [samples.arrival(), second, settled]
        waiting = inbox.arrivals(conn, store.tenant, status=ArrivalStatus.WAITING)
        assert waiting == [samples.arrival(), second]
        assert inbox.arrivals(conn, store.tenant, period="2026-09") == [second]


def test_a_look_at_the_inbox_is_told_what_was_seen_and_in_which_turn(store: Store) -> None:
    together = samples.arrival(file_id=FileId("a"), path="pax8/2026-10/other.csv", version="7-7")
    later = samples.arrival(file_id=FileId("b"), arrived_at=LATER, status=ArrivalStatus.TAKEN)
    with store.transaction() as conn:
        for file in (later, samples.arrival(), together):
            inbox.record_arrival(conn, store.tenant, file)
    with store.reading() as conn:
        seen = [tuple(sighting) for sighting in inbox.sightings(conn, store.tenant)]
    assert seen == [
        ("a", together.path, "7-7", ArrivalStatus.WAITING, 1),
        ("file-1", later.path, later.version, ArrivalStatus.WAITING, 1),
        ("b", later.path, later.version, ArrivalStatus.TAKEN, 2),
    ]


def test_only_what_came_later_for_the_same_profile_and_was_read_has_overtaken_a_file(store: Store) -> None:
    first, at_once = samples.arrival(), samples.arrival(file_id=FileId("at-once"), status=ArrivalStatus.TAKEN)
    waits = samples.arrival(file_id=FileId("waits"), arrived_at=LATER)
    others = samples.arrival(file_id=FileId("o"), arrived_at=LATER, profile="generic", status=ArrivalStatus.TAKEN)
    refused = samples.arrival(file_id=FileId("r"), arrived_at=LATER + timedelta(1), status=ArrivalStatus.REFUSED)
    taken = samples.arrival(file_id=FileId("t"), arrived_at=LATER, status=ArrivalStatus.TAKEN)
    with store.transaction() as conn:
        for file in (refused, taken, others, waits, at_once, first):
            inbox.record_arrival(conn, store.tenant, file)
    with store.reading() as conn:
        assert inbox.read_after(conn, store.tenant, first) == [taken, refused]


def test_an_overwritten_file_is_another_object(store: Store) -> None:
    again = samples.arrival(file_id=FileId("again"), arrived_at=LATER)
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        inbox.record_arrival(conn, store.tenant, again)
    with store.reading() as conn:
        assert inbox.arrival_of_object(conn, store.tenant, again.path, again.version) == again
        assert inbox.arrival_of_object(conn, store.tenant, again.path, "2048-99") is None


def test_one_file_id_is_recorded_once(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
    with pytest.raises(StoreConflict, match="holds this record already") as refused, store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival(path="other.csv"))
    assert refused.value.would_retry_help


def test_settling_says_where_a_file_stands_and_why(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        inbox.settle_arrival(conn, store.tenant, FILE, status=ArrivalStatus.REFUSED, reason="no column Quantity")
    with store.reading() as conn:
        found = inbox.arrival(conn, store.tenant, FILE)
    assert found
    assert (found.status, found.reason) == (ArrivalStatus.REFUSED, "no column Quantity")


@pytest.mark.parametrize("status", [ArrivalStatus.QUARANTINED, ArrivalStatus.REFUSED])
def test_a_released_file_waits_again_with_all_its_tries_and_its_old_attempts_are_kept(
    store: Store, status: ArrivalStatus
) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        assert inbox.start_attempt(conn, store.tenant, FILE, NOON) == 1
        inbox.finish_attempt(conn, store.tenant, FILE, 1, LATER, "failed", "no column Quantity")
        inbox.settle_arrival(conn, store.tenant, FILE, status=status, reason="no column Quantity")
        inbox.release(conn, store.tenant, FILE)
        assert inbox.arrival(conn, store.tenant, FILE) == samples.arrival()
        assert inbox.start_attempt(conn, store.tenant, FILE, LATER) == 2  # a run key of it is never used twice
    with store.reading() as conn:
        assert inbox.attempts(conn, store.tenant, FILE) == [
            inbox.Attempt(FILE, 1, NOON, LATER, "failed", "no column Quantity"),
            inbox.Attempt(FILE, 2, LATER, None, None, None),
        ]
        found = inbox.arrival(conn, store.tenant, FILE)
        assert found
        assert found.attempts == 1
        assert inbox.attempts_made(conn, store.tenant) == {FILE: 2}


def test_a_withdrawn_attempt_counts_for_nothing(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        inbox.withdraw_attempt(conn, store.tenant, FILE, inbox.start_attempt(conn, store.tenant, FILE, NOON))
    with store.reading() as conn:
        assert inbox.arrival(conn, store.tenant, FILE) == samples.arrival()
        assert inbox.attempts(conn, store.tenant, FILE) == []


def test_a_file_that_was_taken_in_cannot_be_released(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival(status=ArrivalStatus.TAKEN))
    words = "only a quarantined or refused file can be released"
    with pytest.raises(StoreError, match=words), store.transaction() as conn:
        inbox.release(conn, store.tenant, FILE)


def test_a_file_that_never_arrived_is_named_and_nothing_happens(store: Store) -> None:
    with store.transaction() as conn:
        with pytest.raises(NotInStore, match="holds no file never; nothing was changed"):
            inbox.settle_arrival(conn, store.tenant, FileId("never"), status=ArrivalStatus.TAKEN)
        with pytest.raises(NotInStore, match="holds no file never"):
            inbox.release(conn, store.tenant, FileId("never"))
        with pytest.raises(NotInStore, match="holds no file never"):
            inbox.start_attempt(conn, store.tenant, FileId("never"), NOON)
        with pytest.raises(NotInStore, match="holds no attempt 3 of file never"):
            inbox.finish_attempt(conn, store.tenant, FileId("never"), 3, NOON, "done", None)
        with pytest.raises(NotInStore, match="holds no attempt 3 of file never"):
            inbox.withdraw_attempt(conn, store.tenant, FileId("never"), 3)
