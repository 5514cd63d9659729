"""A store that came back from a backup: nothing is written by it until a person has looked."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.audit import START, ChainPoint
from pipelines.review.approval import Actor, Decided, DecisionAction
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.means import Step
from pipelines.writeback.ports import Stop, StopKind, WitnessUnreadable
from pipelines.writeback.restored import objection_to_resuming, restoration, take_back_approvals
from resources.store import audit, changes, writes
from resources.store.decision_ledger import StoreDecisionLedger
from tests.pipelines.writeback.office import (
    DANA,
    PRICE,
    TENANT,
    Office,
    RememberedWitness,
    opened,
    takes_and_loses,
)
from tests.pipelines.writeback.office import (
    START as NINE,
)
from tests.resources.store import samples

APPROVED, PROPOSED, WRITTEN = ChangeStatus.APPROVED, ChangeStatus.PROPOSED, ChangeStatus.WRITTEN
EVE = Actor("eve", is_asserted=True)


@dataclass
class Backed:
    """An office on a SQLite file that can be saved and brought back."""

    office: Office
    file: Path
    saved: bytes = field(default=b"", repr=False)

    def back_up(self) -> None:
        """Save the store as it is."""
        copy = self.file.with_suffix(".backup")
        with closing(sqlite3.connect(self.file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        self.saved = copy.read_bytes()

    def restore(self) -> None:
        """Bring the saved store back, as an operator does: everything is closed meanwhile."""
        self.office.store.close()
        for beside in ("-wal", "-shm"):
            Path(f"{self.file}{beside}").unlink(missing_ok=True)
        self.file.write_bytes(self.saved)


@pytest.fixture
def backed(sqlite_url: str) -> Iterator[Backed]:
    """Line 1 approved to go from 10 to 12, backed up so."""
    with opened(sqlite_url) as office:
        office.propose("1", quantity_after=Decimal(12), amount_delta=2 * PRICE)
        office.decide("1")
        made = Backed(office, Path(sqlite_url.removeprefix("sqlite:///")))
        made.back_up()
        yield made
        assert office.trail().faults == ()


def go_back(office: Office) -> None:
    """Approve and write line 1 back from 12 to 10."""
    twelve = {"quantity_before": Decimal(12), "quantity_after": Decimal(10), "amount_delta": -2 * PRICE}
    office.propose("1", revision=2, **twelve)
    office.decide("1")
    office.run()


def stop_of(batch: BatchOutcome) -> Stop:
    assert batch.stop is not None
    return batch.stop


def resume(office: Office) -> Decided:
    """What the command does after its questions: approvals are taken back, the witness begins anew."""
    with office.store.reading() as conn:
        latest = changes.latest_changes(conn, TENANT)
    ids = iter(range(100))
    ledger = StoreDecisionLedger(office.store)
    decided = take_back_approvals(ledger, latest, EVE, now=office.clock(), new_id=lambda: f"back-{next(ids)}")
    with office.store.transaction() as conn:
        witness = RememberedWitness()
        witness.keep(audit.chain_head(conn, TENANT))
        office.witness = witness
        writes.lift_stop(conn, TENANT, "looked at", "eve", office.clock())
    return decided


# --- the case that loses money --------------------------------------------------------------------------------------


def test_what_was_written_and_taken_back_is_not_written_again_by_a_restored_store(backed: Backed) -> None:
    office = backed.office
    office.run()
    go_back(office)
    assert office.psa.accepted == [("1", "12"), ("1", "10")]
    backed.restore()
    assert office.statuses() == {"1": APPROVED}
    stop = stop_of(office.run())
    assert (stop.kind, stop.by) == (StopKind.RESTORED_STORE, "write-back")
    assert "trail ends at entry 1, and had come to entry 6 before" in stop.words
    assert "trueup writeback resume" in stop.words
    assert (len(office.psa.accepted), office.statuses()) == (2, {"1": APPROVED})
    assert stop_of(office.run()).kind is StopKind.RESTORED_STORE
    assert [each.action for each in resume(office).decisions] == [DecisionAction.REVOKED]
    assert office.run().stop is None
    assert (len(office.psa.accepted), office.statuses()) == (2, {"1": PROPOSED})


def test_without_a_witness_it_would_be_written_again(backed: Backed) -> None:
    office = backed.office
    office.run()
    go_back(office)
    backed.restore()
    office.witness = RememberedWitness()
    office.run()
    assert office.psa.accepted == [("1", "12"), ("1", "10"), ("1", "12")]


def test_a_store_that_went_on_after_the_restore_is_known_by_the_hash_of_its_entries(backed: Backed) -> None:
    office = backed.office
    office.run()
    backed.restore()
    for _ in range(3):
        office.clock.pass_(seconds=1)
        office.decide("1", action=DecisionAction.REVOKED)
        office.decide("1")
    stop = stop_of(office.run())
    assert "entry 3 of its audit trail is not the one it was, and it ends at entry 7" in stop.words
    assert office.psa.accepted == [("1", "12")]


def test_a_store_of_before_the_very_last_intent_is_found_out_when_its_run_died_after_sending(backed: Backed) -> None:
    office = backed.office

    def die(step: Step, _: Change) -> None:
        if step is Step.SENT:
            raise KeyboardInterrupt

    office.on_step = die
    with pytest.raises(KeyboardInterrupt):
        office.run()
    office.on_step = lambda _step, _change: None
    backed.restore()
    office.clock.pass_(minutes=5)
    assert stop_of(office.run()).kind is StopKind.RESTORED_STORE
    assert office.psa.accepted == [("1", "12")]


def test_another_stop_that_came_back_with_the_store_does_not_hide_the_restore(backed: Backed) -> None:
    office = backed.office
    with office.store.transaction() as conn:
        writes.record_stop(conn, TENANT, Stop(StopKind.CREDENTIALS, "the keys are wrong", "write-back", NINE))
    backed.back_up()
    office.run()
    go_back(office)
    backed.restore()
    for _ in range(2):
        assert stop_of(office.run()).kind is StopKind.RESTORED_STORE
    with office.store.reading() as conn:
        stands = writes.standing_stop(conn, TENANT)
    assert stands is not None
    assert stands.kind is StopKind.RESTORED_STORE
    with office.store.transaction() as conn:
        writes.lift_stop(conn, TENANT, "keys are right", "eve", office.clock())
    assert stop_of(office.run()).kind is StopKind.RESTORED_STORE
    assert len(office.psa.accepted) == 2


def test_lost_answers_of_a_restored_store_are_settled_and_lead_to_no_second_write(backed: Backed) -> None:
    office = backed.office
    office.psa.troubles["1"] = [takes_and_loses("1")]
    office.run()
    assert office.statuses() == {"1": ChangeStatus.UNKNOWN}
    backed.back_up()
    office.clock.pass_(minutes=3)
    office.run()
    go_back(office)
    backed.restore()
    batch = office.run()
    assert stop_of(batch).kind is StopKind.RESTORED_STORE
    assert (office.causes()[-1], office.statuses()) == (("approved", "send_again"), {"1": APPROVED})
    resume(office)
    office.run()
    assert (office.psa.accepted, office.statuses()) == ([("1", "12"), ("1", "10")], {"1": PROPOSED})


# --- what is no restore ---------------------------------------------------------------------------------------------


def test_a_store_that_moves_on_as_usual_is_never_halted(backed: Backed) -> None:
    office = backed.office
    for _ in range(3):
        assert office.run().stop is None
        office.clock.pass_(minutes=3)
    go_back(office)
    assert (office.run().stop, len(office.psa.accepted)) == (None, 2)


def test_a_witness_that_is_not_there_yet_is_made(backed: Backed) -> None:
    backed.office.witness = made = RememberedWitness()
    assert backed.office.run().stop is None
    with backed.office.store.reading() as conn:
        assert made.kept == audit.chain_head(conn, TENANT)


def test_the_witness_holds_the_intent_before_the_first_byte_leaves(backed: Backed) -> None:
    office = backed.office
    office.witness = made = RememberedWitness()
    at: dict[Step, int | None] = {}
    office.on_step = lambda step, _: at.update({step: made.kept.sequence if made.kept else None})
    office.run()
    assert (at[Step.READ], at[Step.INTENDED], made.kept and made.kept.sequence) == (1, 2, 3)


@pytest.mark.parametrize("nth", [pytest.param(1, id="at the start"), pytest.param(2, id="at an intent")])
def test_nothing_is_sent_that_the_witness_could_not_keep_and_nothing_halts_afterwards(backed: Backed, nth: int) -> None:
    class Full(RememberedWitness):
        calls = 0

        def keep(self, point: ChainPoint) -> None:
            self.calls += 1
            if self.calls == nth:
                raise OSError("no space left on device")
            super().keep(point)

    office = backed.office
    office.witness = Full()
    with pytest.raises(OSError, match="no space left"):
        office.run()
    assert office.psa.accepted == []
    office.clock.pass_(minutes=5)
    assert office.run().stop is None
    assert (office.psa.accepted, office.statuses()) == ([("1", "12")], {"1": WRITTEN})


def test_a_witness_that_cannot_be_read_halts_and_is_not_taken_for_none(backed: Backed) -> None:
    class Torn(RememberedWitness):
        def seen(self) -> ChainPoint | None:
            raise WitnessUnreadable("msp.json cannot be read (no JSON)")

    backed.office.witness = Torn()
    stop = stop_of(backed.office.run())
    assert stop.words.startswith("msp.json cannot be read (no JSON): whether the store was restored")
    assert (stop.kind, backed.office.psa.accepted) == (StopKind.RESTORED_STORE, [])


# --- the rules ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("witnessed", "head", "hash_there", "words"),
    [
        pytest.param(START, START, None, None, id="nothing was ever recorded"),
        pytest.param(ChainPoint(5, "a"), ChainPoint(5, "a"), "a", None, id="just there"),
        pytest.param(ChainPoint(5, "a"), ChainPoint(9, "b"), "a", None, id="moved on"),
        pytest.param(ChainPoint(5, "a"), ChainPoint(4, "b"), None, "at entry 4, and had come to entry 5", id="less"),
        pytest.param(ChainPoint(5, "a"), ChainPoint(9, "b"), "c", "entry 5 of its audit trail is not", id="another"),
        pytest.param(ChainPoint(5, "a"), START, None, "ends at entry 0", id="an empty store"),
    ],
)
def test_a_store_is_compared_with_its_witness(
    witnessed: ChainPoint, head: ChainPoint, hash_there: str | None, words: str | None
) -> None:
    found = restoration(witnessed, head, hash_there)
    assert found is None if words is None else words in str(found)


STOPPED = Stop(StopKind.RESTORED_STORE, "why", "write-back", NINE)


@pytest.mark.parametrize(
    ("stop", "copied_after", "unsettled", "words"),
    [
        pytest.param(STOPPED, None, 0, "the PSA was not copied since 2026-11-02 09:00:00 UTC", id="never copied"),
        pytest.param(STOPPED, -1, 0, "the PSA was not copied since", id="copied before"),
        pytest.param(STOPPED, 0, 2, "2 lost answers are not settled yet", id="lost answers"),
        pytest.param(STOPPED, 0, 0, None, id="all is there"),
        pytest.param(replace(STOPPED, kind=StopKind.BOUNDS), None, 2, None, id="another stop"),
    ],
)
def test_what_is_asked_for_before_a_stop_is_lifted(
    stop: Stop, copied_after: int | None, unsettled: int, words: str | None
) -> None:
    copied_at = None if copied_after is None else NINE + timedelta(seconds=copied_after)
    found = objection_to_resuming(stop, copied_at, unsettled)
    assert found is None if words is None else words in str(found)


def test_first_approvals_are_taken_back_as_well_and_refusals_stay(sqlite_url: str) -> None:
    with opened(sqlite_url, lines=4) as office:
        office.approve("1")
        office.propose("2")
        office.propose("3")
        office.propose("4")
        office.decide("3", action=DecisionAction.DECLINED)
        first = samples.decision("first", change_id="change-2", action=DecisionAction.FIRST_APPROVED, actor=DANA)
        StoreDecisionLedger(office.store).decide([(first, frozenset({PROPOSED}))])
        taken_back = resume(office)
        assert {each.change_id for each in taken_back.decisions} == {"change-1", "change-2"}
        assert (taken_back.already, taken_back.undecided) == ((), ())
        assert office.statuses() == {"1": PROPOSED, "2": PROPOSED, "3": ChangeStatus.DECLINED, "4": PROPOSED}
