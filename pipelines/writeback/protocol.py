"""One run of write-back: what was approved is written exactly once, at the approved number, or it is said why not.

Belongs here: the order of steps (claim, read, intent, send, read back, record) and settling lost answers.
Does not belong here: what an observation means (``judging``), vendors, storage.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import USUAL, Grouping, Turns
from pipelines.writeback.judging import (
    NOT_SENT,
    Judgement,
    after_answer,
    after_read_back,
    before_sending,
    look_due,
    plan_judgement,
    settled,
    unreadable,
)
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import (
    WRITE_BACK,
    Answer,
    Approved,
    BilledPsa,
    Cause,
    ChangeName,
    Fenced,
    Intent,
    Lease,
    LineSeen,
    NotTaken,
    Outcome,
    Standing,
    Stop,
    StopKind,
    Unsettled,
    VendorRequest,
    Witness,
    WitnessUnreadable,
    WriteLedger,
    WriteModel,
    name_of,
)
from pipelines.writeback.restored import restoration, unreadable_witness

MENDABLE = frozenset({StopKind.CREDENTIALS, StopKind.BOUNDS})
"""Stops that a run lifts by itself once their cause is gone. All others wait for a person."""

MOST_UNREADABLE = 2
"""Lines in a row that cannot be read before the PSA itself is asked whether it is there."""

MOST_IN_A_ROW = 10
"""Lines in a row that cannot be read before a PSA that is there is left alone all the same: each takes its retries."""

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


def _due_later(change: Change) -> str:
    if change.when is When.AT_RENEWAL:
        return f"it is due at the renewal, on {change.effective_date}"
    return f"it is due on {change.effective_date}, the day that was picked"


@dataclass(frozen=True)
class _Looks:
    """Lines that were read at once, and when that began."""

    lines: Mapping[ChangeName, LineSeen]
    at: datetime


@dataclass(frozen=True)
class _Claim:
    """An approved change that may be written, as its month stood when that was found out (``Standing.token``)."""

    approved: Approved
    token: str

    @property
    def name(self) -> ChangeName:
        return name_of(self.approved.change)


@dataclass
class _Progress:
    """How a turn goes on: lines in a row that could not be read, the last of these errors, and whether it is over."""

    unread: int = 0
    unavailable: PsaUnavailable | None = None
    is_over: bool = False


@dataclass(frozen=True)
class Run:
    """One run of write-back for one tenant, with all that it reaches the world by.

    ``clock`` and ``sleep`` are passed in, so that tests need not wait. ``watch`` is told after every step. ``model`` is
    the PSA's: where a request replaces all lines of an agreement, one of them is in flight at a time. ``grouping`` says
    how many lines are looked at together. ``witness`` is never behind the last intent that was sent.
    """

    ledger: WriteLedger
    witness: Witness
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
    grouping: Grouping = USUAL

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
        restored = self._stop_if_restored(lease)
        # A restored store's lost answers are settled too: that only reads, and leaves none to be sent once more later.
        for unsettled in self.ledger.unsettled(self.period):
            self._settle(lease, unsettled, batch)
        if restored is not None:
            batch.stop = restored
            return
        self._write_in_turn(lease, batch)
        self.witness.keep(self.ledger.trail_head())

    def _write_in_turn(self, lease: Lease, batch: BatchOutcome) -> None:
        reached = self._in_reach(batch)
        batch.stop = self._standing_stop(lease, reached) or self._stop_at_excess(lease, reached)
        # What is approved from now on is the next run's: the bounds were held against these.
        names = {name_of(change) for change in reached}
        is_turn = batch.stop is None
        while is_turn:
            began = self.clock()
            due = [each for each in self.ledger.approved(began, self.period) if name_of(each.change) in names]
            self._write_all(lease, due, batch)
            is_turn = batch.stop is None and self._wait_for_turn(lease, began)

    def _in_reach(self, batch: BatchOutcome) -> Sequence[Change]:
        """What is approved, due, and has its turn before this run loses patience; what is due later is left."""
        approved = self.ledger.approved(self.clock() + self.pace.patience, self.period)
        changes = [each.change for each in approved]
        for change in changes:
            if not change.is_due(self.today):
                batch.leave(change, _due_later(change))
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

    def _stop_if_restored(self, lease: Lease) -> Stop | None:
        """Halt when the store is behind its witness; otherwise the witness is brought up to the store."""
        words = self._restoration()
        if words is not None:
            return self._halted(lease, StopKind.RESTORED_STORE, words)
        self.witness.keep(self.ledger.trail_head())
        return None

    def _restoration(self) -> str | None:
        try:
            witnessed = self.witness.seen()
        except WitnessUnreadable as unreadable:
            return unreadable_witness(str(unreadable))
        if witnessed is None:
            return None
        return restoration(witnessed, self.ledger.trail_head(), self.ledger.trail_hash(witnessed.sequence))

    def _standing_stop(self, lease: Lease, reached: Sequence[Change]) -> Stop | None:
        """Why nothing may be written; None when there is no reason, or it was lifted since its cause is mended."""
        stop = self.ledger.stop()
        if stop is None or stop.kind not in MENDABLE:
            return stop
        mended = self._mended(stop, reached)
        if mended is None:
            return stop
        self.ledger.lift(self._renewed(lease), mended, self.clock())
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
        """Group by group: looked at, sent one by one, read back in the look at the next group."""
        turns = Turns(due, self.grouping, self.model)
        group = turns.next_group()
        looks = self._look([], group)
        progress = _Progress()
        while group:
            sent, rest = self._send_all(lease, group, looks, batch, progress)
            turns.put_back(rest, len(group) - len(rest))
            group = [] if progress.is_over else turns.next_group()
            looks = self._look(sent, group)
            self._read_back_all(lease, sent, looks, batch)
            if batch.stop is not None:
                return
        if progress.unavailable is not None:
            raise progress.unavailable

    def _look(self, sent: Sequence[Change], group: Sequence[Approved]) -> _Looks:
        """What was sent and what is next, read at once. One line is better read by itself, in its own time.

        So is what shares a request: all its agreement's lines are sent back as they were seen.
        """
        ahead = [] if self.model is WriteModel.REPLACE_LINES else [each.change for each in group]
        began = self.clock()
        if max(len(sent), len(ahead)) < 2:
            return _Looks({}, began)
        try:
            return _Looks(self.psa.see_lines([*sent, *ahead], self.today), began)
        except PsaUnavailable:
            # Each line is asked for by itself then, and that says what it is about.
            return _Looks({}, began)

    def _send_all(
        self, lease: Lease, group: Sequence[Approved], looks: _Looks, batch: BatchOutcome, progress: _Progress
    ) -> tuple[list[Change], Sequence[Approved]]:
        """What was accepted and is to be read back, and what is left: its look is too old, or it goes by itself."""
        sent: list[Change] = []
        is_shared = self.model is WriteModel.REPLACE_LINES
        requests = [group] if is_shared else [[each] for each in group]
        for position, changes in enumerate(requests):
            is_old = self.clock() - looks.at > self.grouping.fresh
            if looks.lines and is_old and not is_shared:
                return sent, group[position:]
            accepted, apart = self._write_some(lease, changes, looks, batch, progress)
            sent += accepted
            progress.is_over |= batch.stop is not None
            if apart or progress.is_over:
                return sent, apart
        return sent, []

    def _is_away(self, unread: int) -> bool:
        """Whether it is the PSA, and not its lines, after so many in a row that could not be read."""
        if unread % MOST_UNREADABLE:
            return False
        try:
            self.psa.check_connection()
        except PsaUnavailable:
            return True
        return unread >= MOST_IN_A_ROW

    def _write_some(
        self, lease: Lease, some: Sequence[Approved], looks: _Looks, batch: BatchOutcome, progress: _Progress
    ) -> tuple[list[Change], list[Approved]]:
        """One request, for one change or for several that share it: what was accepted, and what goes by itself next."""
        claims = [claim for each in some if (claim := self._claim(lease, each, batch)) is not None]
        if batch.stop is not None:
            return [], []
        seen = self._see(lease, [each.approved.change for each in claims], looks, batch, progress)
        if seen is None:
            return [], []
        ready = [each for each in claims if self._stands(lease, each, seen, batch)]
        apart = [each.approved for each in claims if each.name not in seen]
        if batch.stop is not None or not ready:
            return [], apart
        try:
            return self._sent(lease, ready, seen, batch, progress), apart
        except NotTaken as came_between:
            if len(ready) > 1:
                # One by one, they tell which of them it was about.
                return [], [*(each.approved for each in ready), *apart]
            self._leave(ready[0].approved.change, str(came_between), batch)
            return [], apart

    def _leave(self, change: Change, words: str, batch: BatchOutcome) -> None:
        batch.leave(change, words)
        batch.stop = self.ledger.stop()

    def _concluded(self, lease: Lease, change: Change, judgement: Judgement, batch: BatchOutcome) -> Cause | None:
        try:
            self._record(lease, change, judgement, batch)
        except NotTaken as came_between:
            self._leave(change, str(came_between), batch)
            return None
        self.watch(Step.RECORDED, change)
        if judgement.halts is not None:
            batch.stop = self._halted(lease, judgement.halts, judgement.words)
        return judgement.cause

    def _read_back_all(self, lease: Lease, sent: Sequence[Change], looks: _Looks, batch: BatchOutcome) -> None:
        unreadable_in_a_row = 0
        for change in sent:
            seen = looks.lines.get(name_of(change))
            if seen is None and unreadable_in_a_row < MOST_UNREADABLE:
                seen = self._read_back(change)
                unreadable_in_a_row = 0 if seen is not None else unreadable_in_a_row + 1
            self.watch(Step.READ_BACK, change)
            self._concluded(lease, change, after_read_back(change, seen), batch)

    def _claim(self, lease: Lease, approved: Approved, batch: BatchOutcome) -> _Claim | None:
        """A change whose approval still means what it was given for; None for one that ended, or was left alone."""
        change = approved.change
        standing = self.ledger.standing(change.period)
        plan = self.ledger.plan(change, self.psa.identity)
        judgement = plan_judgement(approved, plan) or self._bound(change)
        self.watch(Step.CLAIMED, change)
        if judgement is not None:
            self._concluded(lease, change, judgement, batch)
            return None
        bar = self._bar(change, standing)
        if bar is not None:
            self._leave(change, bar, batch)
            return None
        return _Claim(approved, standing.token)

    def _bar(self, change: Change, standing: Standing) -> str | None:
        if not change.is_roll_back and standing.unread.intersection(change.sources):
            return "a source was read anew; the month is reconciled again first"
        if self.model is WriteModel.REPLACE_LINES and self._is_in_flight(change.agreement_id):
            # That request holds every line of the agreement as it was: landing late, it would take this one back.
            return "the answer to another change of its agreement is awaited; that one is settled first"
        return None

    def _see(
        self, lease: Lease, changes: Sequence[Change], looks: _Looks, batch: BatchOutcome, progress: _Progress
    ) -> Mapping[ChangeName, LineSeen] | None:
        """Fresh looks at what one request is for; None when the PSA cannot be read, which is told then."""
        try:
            seen = self._seen(changes, looks)
        except PsaForbidden as forbidden:
            batch.stop = self._halted(lease, StopKind.CREDENTIALS, str(forbidden))
            return None
        except PsaUnavailable as unavailable:
            # One line that cannot be read must not keep the others waiting; a PSA that is down must.
            for change in changes:
                batch.leave(change, str(unavailable))
            progress.unavailable, progress.unread = unavailable, progress.unread + 1
            progress.is_over = self._is_away(progress.unread)
            return None
        progress.unavailable, progress.unread = None, 0
        return seen

    def _seen(self, changes: Sequence[Change], looks: _Looks) -> Mapping[ChangeName, LineSeen]:
        if len(changes) > 1:
            return self.psa.see_lines(changes, self.today)
        return {
            name_of(each): looks.lines.get(name_of(each)) or self.psa.see_line(each, self.today) for each in changes
        }

    def _stands(self, lease: Lease, claim: _Claim, seen: Mapping[ChangeName, LineSeen], batch: BatchOutcome) -> bool:
        """Whether a line stands exactly as the approval saw it. Where it does not, the change ends."""
        look, change = seen.get(claim.name), claim.approved.change
        if look is None:
            return False
        judgement = before_sending(change, look)
        self.watch(Step.READ, change)
        if judgement is not None:
            self._concluded(lease, change, judgement, batch)
        return judgement is None

    def _is_in_flight(self, agreement_id: str | None) -> bool:
        return any(each.change.agreement_id == agreement_id for each in self.ledger.unsettled(None))

    def _bound(self, change: Change) -> Judgement | None:
        excess = self.bounds.line_excess(change)
        return None if excess is None else Judgement(ChangeStatus.REFUSED, Cause.OUT_OF_BOUNDS, excess)

    def _sent(
        self,
        lease: Lease,
        ready: Sequence[_Claim],
        seen: Mapping[ChangeName, LineSeen],
        batch: BatchOutcome,
        progress: _Progress,
    ) -> list[Change]:
        """The changes whose request was accepted: they have to be read back. Raises ``NotTaken`` when none was sent."""
        changes = [each.approved.change for each in ready]
        request = self.psa.request_for(changes, seen[ready[0].name])
        answer = self._answer(lease, ready, request)
        accepted = []
        for each in ready:
            judgement = after_answer(answer, each.approved.tries, shared_by=len(ready))
            if judgement is None:
                accepted.append(each.approved.change)
            elif self._concluded(lease, each.approved.change, judgement, batch) is Cause.THROTTLED:
                progress.is_over = True
        return accepted

    def _answer(self, lease: Lease, ready: Sequence[_Claim], request: VendorRequest) -> Answer:
        """What the PSA answers to a request that is sent once, its intents committed before the first byte leaves."""
        sent_at = self.clock()
        intents = [
            Intent(each.change, self.batch_id, each.decision_id, each.plan_hash, request, sent_at)
            for each in (claim.approved for claim in ready)
        ]
        # A store from before these intents must be known for one ever after.
        self.witness.keep(self.ledger.record_intents(self._renewed(lease), intents, ready[0].token))
        self._watch_all(Step.INTENDED, ready)
        if self.clock() - sent_at > self.pace.hesitation:
            # This process was frozen between intent and sending: by now another one may be looking at the line.
            return NOT_SENT
        answer = self.psa.send(request)
        self._watch_all(Step.SENT, ready)
        return answer

    def _watch_all(self, step: Step, claims: Sequence[_Claim]) -> None:
        for each in claims:
            self.watch(step, each.approved.change)

    def _read_back(self, change: Change) -> LineSeen | None:
        try:
            return self.psa.see_line(change, self.today)
        except PsaUnavailable:
            return None

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
