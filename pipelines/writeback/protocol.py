"""One run of write-back: what was approved is written exactly once, at the approved number, or it is said why not.

Belongs here: the order of steps (claim, read, intent, send, read back, record) and settling lost answers.
Does not belong here: what an observation means (``judging``), vendors, storage.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.judging import (
    Judgement,
    after_answer,
    after_read_back,
    before_sending,
    look_due,
    not_sent,
    plan_judgement,
    settled,
    unreadable,
)
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import (
    WRITE_BACK,
    Approved,
    BilledPsa,
    Cause,
    Fenced,
    Intent,
    Lease,
    LineSeen,
    NotTaken,
    Outcome,
    Stop,
    StopKind,
    Unsettled,
    VendorRequest,
    WriteLedger,
    WriteModel,
)

MENDABLE = frozenset({StopKind.CREDENTIALS, StopKind.BOUNDS})
"""Stops that a run lifts by itself once their cause is gone. All others wait for a person."""

MOST_UNREADABLE = 2
"""Lines in a row that cannot be read before the PSA is taken for unavailable."""

_LEASE_LOOKS = timedelta(milliseconds=500)


class Step(StrEnum):
    """Where a run is. Told to whoever watches, after the step was done."""

    CLAIMED = "claimed"
    READ = "read"
    INTENDED = "intended"
    SENT = "sent"
    READ_BACK = "read_back"
    RECORDED = "recorded"
    LOOKED = "looked"
    SETTLED = "settled"


Watch = Callable[[Step, Change], None]


def _name(change: Change) -> tuple[str, int]:
    return change.change_id, change.revision


@dataclass
class BatchOutcome:
    """What one run came to.

    ``outcomes`` are in the order of events; a change may occur twice. ``is_busy``: another run held the lease all the
    time, or took over while this one was slow. ``open_matters`` counts what waits for a person or an answer in the
    end, of this run and of earlier ones.
    """

    batch_id: str
    outcomes: list[Outcome] = field(default_factory=list)
    stop: Stop | None = None
    is_busy: bool = False
    open_matters: Mapping[ChangeStatus, int] = field(default_factory=dict)
    _left: dict[tuple[str, int], tuple[Change, str]] = field(default_factory=dict)

    @property
    def waiting(self) -> list[tuple[Change, str]]:
        """Changes that were left alone, each with the last reason."""
        return list(self._left.values())

    def leave(self, change: Change, words: str) -> None:
        """Leave a change alone for now."""
        self._left[_name(change)] = (change, words)

    def conclude(self, outcome: Outcome) -> None:
        """Add what a change came to."""
        self._left.pop(_name(outcome.change), None)
        self.outcomes.append(outcome)

    def last(self) -> list[Outcome]:
        """The latest outcome of every change that was taken up."""
        return list({_name(outcome.change): outcome for outcome in self.outcomes}.values())

    def counts(self) -> dict[str, int]:
        """How many changes ended in which status."""
        return dict(Counter(str(outcome.status) for outcome in self.last()))

    def as_json(self) -> dict[str, Any]:
        """``trueup apply --json``."""
        return {
            "batch_id": self.batch_id,
            "outcomes": self.counts(),
            "changes": [outcome.as_json() for outcome in self.last()],
            "waiting": [
                {"id": change.change_id, "revision": change.revision, "status": str(change.status), "reason": reason}
                for change, reason in self.waiting
            ],
            "stopped": None if self.stop is None else self.stop.as_json(),
            "is_busy": self.is_busy,
        }


@dataclass(frozen=True)
class Run:
    """One run of write-back for one tenant, with all that it reaches the world by.

    ``clock`` and ``sleep`` are passed in, so that tests need not wait. ``watch`` is told after every step. ``model`` is
    the PSA's: where a request replaces all lines of an agreement, one of them is in flight at a time.
    """

    ledger: WriteLedger
    psa: BilledPsa
    pace: Pace
    bounds: Bounds
    batch_id: str
    today: date
    clock: Callable[[], datetime]
    sleep: Callable[[timedelta], None]
    watch: Watch
    period: str | None = None
    model: WriteModel = WriteModel.ABSOLUTE

    def write_back(self) -> BatchOutcome:
        """Settle what is open, then write what is approved, one line after the other.

        Raises ``PsaUnavailable`` when the PSA cannot be read: what was done is recorded, all else keeps its approval.
        """
        batch = BatchOutcome(self.batch_id)
        lease = self._take_lease()
        if lease is None:
            batch.is_busy = True
            return batch
        try:
            self._work(lease, batch)
        except Fenced:
            # Another run took over while this one was slow. It settles what was left in flight.
            batch.is_busy = True
        finally:
            self.ledger.give_back(lease, self.clock())
        batch.open_matters = self.ledger.open_matters()
        return batch

    def _take_lease(self) -> Lease | None:
        deadline = self.clock() + self.pace.lease + 2 * _LEASE_LOOKS
        while True:
            now = self.clock()
            fence = self.ledger.take_lease(self.batch_id, now, now + self.pace.lease)
            if fence is not None:
                return Lease(fence, now + self.pace.lease)
            if now >= deadline:
                return None
            self.sleep(_LEASE_LOOKS)

    def _renewed(self, lease: Lease) -> Lease:
        return Lease(lease.fence, self.clock() + self.pace.lease)

    def _work(self, lease: Lease, batch: BatchOutcome) -> None:
        for unsettled in self.ledger.unsettled(self.period):
            self._settle(lease, unsettled, batch)
        reached = self._in_reach(batch)
        batch.stop = self._standing_stop(lease, reached) or self._stop_at_excess(lease, reached)
        # What is approved from now on is the next run's: the bounds were held against these.
        names = {_name(change) for change in reached}
        is_turn = batch.stop is None
        while is_turn:
            began = self.clock()
            due = [each for each in self.ledger.approved(began, self.period) if _name(each.change) in names]
            self._write_all(lease, due, batch)
            is_turn = batch.stop is None and self._wait_for_turn(lease, began)

    def _in_reach(self, batch: BatchOutcome) -> Sequence[Change]:
        """What is approved, due, and has its turn before this run loses patience; what is due later is left."""
        approved = self.ledger.approved(self.clock() + self.pace.patience, self.period)
        changes = [each.change for each in approved]
        for change in changes:
            if not change.is_due(self.today):
                batch.leave(change, f"it is due at the renewal, on {change.effective_date}")
        return [change for change in changes if change.is_due(self.today)]

    # --- settling ---------------------------------------------------------------------------------------------------

    def _settle(self, lease: Lease, unsettled: Unsettled, batch: BatchOutcome) -> None:
        look_at = look_due(unsettled, self.pace.quiet)
        if self.clock() < look_at:
            words = f"its answer was lost; the line is looked at from {look_at:%Y-%m-%d %H:%M:%S} UTC on"
            batch.leave(unsettled.change, words)
            return
        judgement = self._looked(unsettled)
        self.watch(Step.LOOKED, unsettled.change)
        self._record(lease, unsettled.change, judgement, batch)
        self.watch(Step.SETTLED, unsettled.change)
        if judgement.halts is not None:
            self._halted(lease, judgement.halts, judgement.words)

    def _looked(self, unsettled: Unsettled) -> Judgement:
        change = unsettled.change
        try:
            # Twice: one look may come from a copy that lags behind.
            looks = [self.psa.see_line(change, self.today), self.psa.see_line(change, self.today)]
        except PsaUnavailable as error:
            return unreadable(unsettled, f"the line cannot be read: {error}")
        return settled(unsettled, looks, self.clock())

    # --- standing still ---------------------------------------------------------------------------------------------

    def _standing_stop(self, lease: Lease, reached: Sequence[Change]) -> Stop | None:
        """Why nothing may be written; None when there is no reason, or it was lifted since its cause is mended."""
        stop = self.ledger.stop()
        if stop is None or stop.kind not in MENDABLE:
            return stop
        mended = self._mended(stop.kind, reached)
        if mended is None:
            return stop
        self.ledger.lift(self._renewed(lease), mended, self.clock())
        return None

    def _mended(self, kind: StopKind, reached: Sequence[Change]) -> str | None:
        if kind is StopKind.BOUNDS:
            return "what is approved is within the bounds again" if self._excess(reached) is None else None
        try:
            self.psa.check_connection()
        except PsaForbidden:
            return None
        return "the PSA takes the credentials again"

    def _stop_at_excess(self, lease: Lease, reached: Sequence[Change]) -> Stop | None:
        excess = self._excess(reached)
        return None if excess is None else self._halted(lease, StopKind.BOUNDS, excess)

    def _excess(self, reached: Sequence[Change]) -> str | None:
        return self.bounds.run_excess([change for change in reached if self.bounds.line_excess(change) is None])

    def _halted(self, lease: Lease, kind: StopKind, words: str) -> Stop:
        stop = Stop(kind, words, WRITE_BACK, self.clock())
        self.ledger.halt(self._renewed(lease), stop)
        return stop

    # --- writing ----------------------------------------------------------------------------------------------------

    def _write_all(self, lease: Lease, due: Sequence[Approved], batch: BatchOutcome) -> None:
        unreadable_in_a_row = 0
        for each in due:
            try:
                cause = self._write_one(lease, each, batch)
                unreadable_in_a_row = 0
            except PsaUnavailable as unavailable:
                # One line that cannot be read must not keep the others waiting; a PSA that is down must.
                batch.leave(each.change, str(unavailable))
                unreadable_in_a_row += 1
                if unreadable_in_a_row == MOST_UNREADABLE or each is due[-1]:
                    raise
                continue
            if batch.stop is not None or cause is Cause.THROTTLED:
                return

    def _write_one(self, lease: Lease, approved: Approved, batch: BatchOutcome) -> Cause | None:
        """The cause of how it ended; None when it was left alone."""
        try:
            judgement = self._written(lease, approved)
            self._record(lease, approved.change, judgement, batch)
        except NotTaken as came_between:
            batch.leave(approved.change, str(came_between))
            batch.stop = self.ledger.stop()
            return None
        except PsaForbidden as forbidden:
            batch.stop = self._halted(lease, StopKind.CREDENTIALS, str(forbidden))
            return None
        self.watch(Step.RECORDED, approved.change)
        if judgement.halts is not None:
            batch.stop = self._halted(lease, judgement.halts, judgement.words)
        return judgement.cause

    def _written(self, lease: Lease, approved: Approved) -> Judgement:
        change = approved.change
        standing = self.ledger.standing(change.period)
        plan = self.ledger.plan(change, self.psa.identity)
        judgement = plan_judgement(approved, plan) or self._bound(change)
        self.watch(Step.CLAIMED, change)
        if judgement is not None:
            return judgement
        if not change.is_roll_back and standing.unread.intersection(change.sources):
            raise NotTaken("a source was read anew; the month is reconciled again first")
        if self.model is WriteModel.REPLACE_LINES and self._is_in_flight(change.agreement_id):
            # That request holds every line of the agreement as it was: landing late, it would take this one back.
            raise NotTaken("the answer to another change of its agreement is awaited; that one is settled first")
        seen = self.psa.see_line(change, self.today)
        judgement = before_sending(change, seen)
        self.watch(Step.READ, change)
        return judgement or self._sent(lease, approved, self.psa.request_for(change, seen), standing.token)

    def _is_in_flight(self, agreement_id: str | None) -> bool:
        return any(each.change.agreement_id == agreement_id for each in self.ledger.unsettled(None))

    def _bound(self, change: Change) -> Judgement | None:
        excess = self.bounds.line_excess(change)
        return None if excess is None else Judgement(ChangeStatus.REFUSED, Cause.OUT_OF_BOUNDS, excess)

    def _sent(self, lease: Lease, approved: Approved, request: VendorRequest, token: str) -> Judgement:
        change = approved.change
        sent_at = self.clock()
        intent = Intent(change, self.batch_id, approved.decision_id, approved.plan_hash, request, sent_at)
        self.ledger.record_intent(self._renewed(lease), intent, token)
        self.watch(Step.INTENDED, change)
        if self.clock() - sent_at > self.pace.hesitation:
            # This process was frozen between intent and sending: by now another one may be looking at the line.
            return not_sent(approved.tries)
        answer = self.psa.send(request)
        self.watch(Step.SENT, change)
        return after_answer(answer, approved.tries) or after_read_back(change, self._read_back(change))

    def _read_back(self, change: Change) -> LineSeen | None:
        try:
            return self.psa.see_line(change, self.today)
        except PsaUnavailable:
            return None
        finally:
            self.watch(Step.READ_BACK, change)

    def _record(self, lease: Lease, change: Change, judgement: Judgement, batch: BatchOutcome) -> None:
        now = self.clock()
        outcome = Outcome(
            change=change,
            batch_id=self.batch_id,
            status=judgement.status,
            cause=judgement.cause,
            words=judgement.words,
            at=now,
            quantity_seen=judgement.quantity_seen,
            retry_at=now + judgement.retry_after if judgement.retry_after is not None else None,
        )
        self.ledger.record_outcome(self._renewed(lease), outcome)
        batch.conclude(outcome)

    # --- waiting ----------------------------------------------------------------------------------------------------

    def _wait_for_turn(self, lease: Lease, began: datetime) -> bool:
        """Whether some change had to wait for its turn and has it now. A long wait is left to a later run."""
        turn = self.ledger.next_turn(began, self.period)
        if turn is None or turn > self.clock() + self.pace.patience:
            return False
        while (remaining := turn - self.clock()) > timedelta(0):
            self.sleep(min(remaining, self.pace.lease / 3))
            self.ledger.keep(self._renewed(lease))
        return True
