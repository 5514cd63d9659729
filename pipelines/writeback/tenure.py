"""The time in which a run holds its tenant's lease: whatever it records is recorded under it, and makes it last.

Belongs here: recording outcomes, halting, leaving a change alone, each also told to the run's batch.
Does not belong here: what is recorded (``judging``), when (``protocol``, ``turn``).
"""

from dataclasses import dataclass

from pipelines.review.changes import Change
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.judging import Judgement
from pipelines.writeback.means import Means, Step
from pipelines.writeback.ports import WRITE_BACK, Cause, Lease, NotTaken, Outcome, Stop, StopKind


@dataclass(frozen=True)
class Tenure:
    """One run under its lease, and what it came to so far. Methods raise ``Fenced`` when another run took over."""

    means: Means
    lease: Lease
    batch: BatchOutcome

    def renewed(self) -> Lease:
        """The lease, lasting from now."""
        return Lease(self.lease.fence, self.means.clock() + self.means.pace.lease)

    def keep(self) -> None:
        """Make the lease last, with nothing to record."""
        self.means.ledger.keep(self.renewed())

    def halt(self, kind: StopKind, words: str) -> Stop:
        """Stand still from now on. A stop that stands already stays."""
        stop = Stop(kind, words, WRITE_BACK, self.means.clock())
        self.means.ledger.halt(self.renewed(), stop)
        return stop

    def lift(self, words: str) -> None:
        """Go on: what write-back itself had stopped for is mended."""
        self.means.ledger.lift(self.renewed(), words, self.means.clock())

    def leave(self, change: Change, words: str) -> None:
        """Leave a change alone since something came between, which may be a stop."""
        self.batch.leave(change, words)
        self.batch.stop = self.means.ledger.stop()

    def record(self, change: Change, judgement: Judgement) -> None:
        """Commit how a change stands. Raises ``NotTaken`` when it was taken back meanwhile."""
        now = self.means.clock()
        outcome = Outcome(
            change=change,
            batch_id=self.means.batch_id,
            status=judgement.status,
            cause=judgement.cause,
            words=judgement.words,
            at=now,
            quantity_seen=judgement.quantity_seen,
            retry_at=now + judgement.retry_after if judgement.retry_after is not None else None,
        )
        self.means.ledger.record_outcome(self.renewed(), outcome)
        self.batch.conclude(outcome)

    def conclude(self, change: Change, judgement: Judgement) -> Cause | None:
        """Record how a change stands and halt where that follows; None when it was taken back meanwhile."""
        try:
            self.record(change, judgement)
        except NotTaken as came_between:
            self.leave(change, str(came_between))
            return None
        self.means.watch(Step.RECORDED, change)
        if judgement.halts is not None:
            self.batch.stop = self.halt(judgement.halts, judgement.words)
        return judgement.cause
