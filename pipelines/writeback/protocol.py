"""One run of write-back: what was approved is written exactly once, at the approved number, or it is said why not.

Belongs here: the lease, settling lost answers, standing still, whose turn it is.
Does not belong here: how a turn goes (``turn``), what an observation means (``judging``), vendors, storage.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.review.changes import Change, When
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.judging import Judgement, look_due, settled, unreadable
from pipelines.writeback.means import Means, Step
from pipelines.writeback.ports import Fenced, Lease, Stop, StopKind, Unsettled, WitnessUnreadable, name_of
from pipelines.writeback.restored import restoration, unreadable_witness
from pipelines.writeback.tenure import Tenure
from pipelines.writeback.turn import Turn

MENDABLE = frozenset({StopKind.CREDENTIALS, StopKind.BOUNDS})
"""Stops that a run lifts by itself once their cause is gone. All others wait for a person."""

_LEASE_LOOKS = timedelta(milliseconds=500)


def write_back(means: Means) -> BatchOutcome:
    """Settle what is open, then write what is approved.

    Raises ``PsaUnavailable`` when the PSA cannot be read: what was done is recorded, all else keeps its approval.
    """
    batch = BatchOutcome(means.batch_id)
    lease = _take_lease(means)
    if lease is None:
        batch.is_busy = True
        return batch
    try:
        _Run(Tenure(means, lease, batch)).work()
    except Fenced:
        # Another run took over while this one was slow. It settles what was left in flight.
        batch.is_busy = True
    finally:
        means.ledger.give_back(lease, means.clock())
    batch.open_matters = means.ledger.open_matters()
    return batch


def _take_lease(means: Means) -> Lease | None:
    deadline = means.clock() + means.pace.lease + 2 * _LEASE_LOOKS
    while True:
        now = means.clock()
        fence = means.ledger.take_lease(means.batch_id, now, now + means.pace.lease)
        if fence is not None:
            return Lease(fence, now + means.pace.lease)
        if now >= deadline:
            return None
        means.sleep(_LEASE_LOOKS)


def _due_later(change: Change) -> str:
    if change.when is When.AT_RENEWAL:
        return f"it is due at the renewal, on {change.effective_date}"
    return f"it is due on {change.effective_date}, the day from which it was approved"


@dataclass(frozen=True)
class _Run:
    """A run, from its lease on."""

    tenure: Tenure

    @property
    def _means(self) -> Means:
        return self.tenure.means

    def work(self) -> None:
        """Settle, then write in turn, unless something stands in the way."""
        restored = self._stop_if_restored()
        # A restored store's lost answers are settled too: that only reads, and leaves none to be sent once more later.
        for unsettled in self._means.ledger.unsettled(self._means.period):
            self._settle(unsettled)
        if restored is not None:
            self.tenure.batch.stop = restored
            return
        self._write_in_turn()
        self._means.witness.keep(self._means.ledger.trail_head())

    def _write_in_turn(self) -> None:
        means, batch = self._means, self.tenure.batch
        reached = self._in_reach()
        batch.stop = self._standing_stop(reached) or self._stop_at_excess(reached)
        # What is approved from now on is the next run's: the bounds were held against these.
        names = {name_of(change) for change in reached}
        is_turn = batch.stop is None
        while is_turn:
            began = means.clock()
            approved = [each for each in means.ledger.approved(began, means.period) if name_of(each.change) in names]
            # One that was approved anew meanwhile may have another day by now.
            Turn(self.tenure).write([each for each in approved if each.change.is_due(means.today)])
            is_turn = batch.stop is None and self._wait_for_turn(began)

    def _in_reach(self) -> Sequence[Change]:
        """What is approved, due, and has its turn before this run loses patience; what is due later is left."""
        means = self._means
        approved = means.ledger.approved(means.clock() + means.pace.patience, means.period)
        changes = [each.change for each in approved]
        for change in changes:
            if not change.is_due(means.today):
                self.tenure.batch.leave(change, _due_later(change))
        return [change for change in changes if change.is_due(means.today)]

    def _wait_for_turn(self, began: datetime) -> bool:
        """Whether some change had to wait for its turn and has it now. A long wait is left to a later run."""
        means = self._means
        turn = means.ledger.next_turn(began, means.period)
        if turn is None or turn > means.clock() + means.pace.patience:
            return False
        while (remaining := turn - means.clock()) > timedelta(0):
            means.sleep(min(remaining, means.pace.lease / 3))
            self.tenure.keep()
        return True

    # --- settling ---------------------------------------------------------------------------------------------------

    def _settle(self, unsettled: Unsettled) -> None:
        change, look_at = unsettled.change, look_due(unsettled, self._means.pace.quiet)
        if self._means.clock() < look_at:
            words = f"its answer was lost; the line is looked at from {look_at:%Y-%m-%d %H:%M:%S} UTC on"
            self.tenure.batch.leave(change, words)
            return
        judgement = self._looked(unsettled)
        self._means.watch(Step.LOOKED, change)
        self.tenure.record(change, judgement)
        self._means.watch(Step.SETTLED, change)
        if judgement.halts is not None:
            self.tenure.halt(judgement.halts, judgement.words)

    def _looked(self, unsettled: Unsettled) -> Judgement:
        change, psa, today = unsettled.change, self._means.psa, self._means.today
        try:
            # Twice: one look may come from a copy that lags behind.
            looks = [psa.see_line(change, today), psa.see_line(change, today)]
        except PsaUnavailable as error:
            return unreadable(unsettled, f"the line cannot be read: {error}")
        return settled(unsettled, looks, self._means.clock())

    # --- standing still ---------------------------------------------------------------------------------------------

    def _stop_if_restored(self) -> Stop | None:
        """Halt when the store is behind its witness; otherwise the witness is brought up to the store."""
        words = self._restoration()
        if words is not None:
            return self.tenure.halt(StopKind.RESTORED_STORE, words)
        self._means.witness.keep(self._means.ledger.trail_head())
        return None

    def _restoration(self) -> str | None:
        witness, ledger = self._means.witness, self._means.ledger
        try:
            witnessed = witness.seen()
        except WitnessUnreadable as unreadable:
            return unreadable_witness(str(unreadable))
        if witnessed is None:
            return None
        return restoration(witnessed, ledger.trail_head(), ledger.trail_hash(witnessed.sequence))

    def _standing_stop(self, reached: Sequence[Change]) -> Stop | None:
        """Why nothing may be written; None when there is no reason, or it was lifted since its cause is mended."""
        stop = self._means.ledger.stop()
        if stop is None or stop.kind not in MENDABLE:
            return stop
        mended = self._mended(stop, reached)
        if mended is None:
            return stop
        self.tenure.lift(mended)
        return None

    def _mended(self, stop: Stop, reached: Sequence[Change]) -> str | None:
        """What is not any more as it was when write-back stopped; None when nothing is."""
        if stop.kind is StopKind.BOUNDS:
            excess = self._excess(reached)
            if excess is None:
                return "what is approved is within the bounds again"
            # Halted anew, with the reason that an operator has to know now.
            return None if excess == stop.words else "what is approved exceeds the bounds in another way now"
        try:
            self._means.psa.check_connection()
        except PsaForbidden:
            return None
        return "the PSA takes the credentials again"

    def _stop_at_excess(self, reached: Sequence[Change]) -> Stop | None:
        excess = self._excess(reached)
        return None if excess is None else self.tenure.halt(StopKind.BOUNDS, excess)

    def _excess(self, reached: Sequence[Change]) -> str | None:
        bounds = self._means.bounds
        return bounds.run_excess([change for change in reached if bounds.line_excess(change) is None])
