"""One turn of a run: all changes that are due are claimed, looked at, sent once and read back.

Belongs here: the steps from claim to read-back, for changes one by one and for those that share a look or a request.
Does not belong here: what an observation means (``judging``), which changes go together (``groups``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.groups import Queue
from pipelines.writeback.judging import (
    NOT_SENT,
    Judgement,
    after_answer,
    after_read_back,
    before_sending,
    plan_judgement,
)
from pipelines.writeback.means import Means, Step
from pipelines.writeback.ports import (
    Answer,
    Approved,
    Cause,
    ChangeName,
    Intent,
    LineSeen,
    NotTaken,
    Standing,
    StopKind,
    VendorRequest,
    name_of,
)
from pipelines.writeback.tenure import Tenure

MOST_UNREADABLE = 2
"""Reads in a row that fail before the PSA itself is asked whether it is there."""

MOST_IN_A_ROW = 10
"""Reads in a row that fail before a PSA that is there is left alone all the same: each takes its retries."""

OLDEST_LIST = timedelta(seconds=10)
"""How old a look at all lines of an agreement may be when they are sent back: it may take back edits to any of them."""


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
    def change(self) -> Change:
        return self.approved.change

    @property
    def name(self) -> ChangeName:
        return name_of(self.change)


@dataclass
class Turn:
    """One turn of a run, under its lease.

    ``_unread`` counts reads in a row that failed, ``_unavailable`` is the last of these errors, and ``_is_over`` says
    that no more is sent, whatever is left.
    """

    tenure: Tenure
    _unread: int = field(default=0, init=False)
    _unavailable: PsaUnavailable | None = field(default=None, init=False)
    _is_over: bool = field(default=False, init=False)

    @property
    def _means(self) -> Means:
        return self.tenure.means

    def write(self, due: Sequence[Approved]) -> None:
        """Group by group: looked at, sent one by one or in a request that they share, read back.

        Raises ``PsaUnavailable`` when the PSA went away: what was done is recorded, all else keeps its approval.
        """
        queue = Queue(due, self._means.grouping, self._means.model)
        group = queue.next_group()
        looks = self._look([], group)
        while group:
            sent = self._send_all(group, looks, queue)
            group = [] if self._is_over else queue.next_group()
            looks = self._look(sent, group)
            self._read_back_all(sent, looks)
            if self.tenure.batch.stop is not None:
                return
        if self._unavailable is not None:
            raise self._unavailable

    # --- looking ----------------------------------------------------------------------------------------------------

    def _look(self, sent: Sequence[Change], group: Sequence[Approved]) -> _Looks:
        """What was sent and what is next, read at once. One line is better read by itself, in its own time.

        So is what shares a request: all its agreement's lines are sent back as they were seen.
        """
        ahead = [] if self._means.shares_requests else [each.change for each in group]
        began = self._means.clock()
        if max(len(sent), len(ahead)) < 2:
            return _Looks({}, began)
        try:
            return _Looks(self._means.psa.see_lines([*sent, *ahead], self._means.today), began)
        except PsaUnavailable:
            # Each line is asked for by itself then, and that says what it is about.
            return _Looks({}, began)

    def _is_too_old(self, looks: _Looks) -> bool:
        age = self._means.clock() - looks.at
        return bool(looks.lines) and not self._means.shares_requests and age > self._means.grouping.fresh

    def _see(self, changes: Sequence[Change], looks: _Looks) -> Mapping[ChangeName, LineSeen] | None:
        """Fresh looks at what one request is for; None when the PSA cannot be read, which is told then."""
        try:
            seen = self._seen(changes, looks)
        except PsaForbidden as forbidden:
            self.tenure.batch.stop = self.tenure.halt(StopKind.CREDENTIALS, str(forbidden))
            return None
        except PsaUnavailable as unavailable:
            # One line that cannot be read must not keep the others waiting; a PSA that is down must.
            for change in changes:
                self.tenure.batch.leave(change, str(unavailable))
            self._unavailable, self._unread = unavailable, self._unread + 1
            self._is_over = self._is_away()
            return None
        self._unavailable, self._unread = None, 0
        return seen

    def _seen(self, changes: Sequence[Change], looks: _Looks) -> Mapping[ChangeName, LineSeen]:
        psa, today = self._means.psa, self._means.today
        if len(changes) > 1:
            return psa.see_lines(changes, today)
        return {name_of(each): looks.lines.get(name_of(each)) or psa.see_line(each, today) for each in changes}

    def _is_away(self) -> bool:
        """Whether it is the PSA, and not its lines, after so many in a row that could not be read."""
        if self._unread % MOST_UNREADABLE:
            return False
        try:
            self._means.psa.check_connection()
        except PsaUnavailable:
            return True
        return self._unread >= MOST_IN_A_ROW

    # --- sending ----------------------------------------------------------------------------------------------------

    def _send_all(self, group: Sequence[Approved], looks: _Looks, queue: Queue) -> list[Change]:
        """What was accepted and is to be read back. What is left, since its look is too old, goes back to the queue."""
        sent: list[Change] = []
        requests = [group] if self._means.shares_requests else [[each] for each in group]
        for position, changes in enumerate(requests):
            if self._is_too_old(looks):
                queue.put_back(group[position:], position)
                break
            accepted, apart = self._write(changes, looks)
            queue.set_apart(apart)
            sent += accepted
            self._is_over |= self.tenure.batch.stop is not None
            if self._is_over:
                break
        return sent

    def _write(self, approved: Sequence[Approved], looks: _Looks) -> tuple[list[Change], list[Approved]]:
        """One request, for one change or for several that share it: what was accepted, and what goes by itself next."""
        claims = [claim for each in approved if (claim := self._claim(each)) is not None]
        if self.tenure.batch.stop is not None or not claims:
            return [], []
        looked_at = self._means.clock()
        seen = self._see([each.change for each in claims], looks)
        if seen is None:
            return [], []
        ready = [each for each in claims if self._stands(each, seen)]
        apart = [each.approved for each in claims if each.name not in seen]
        if self.tenure.batch.stop is not None or not ready:
            return [], apart
        try:
            return self._sent(ready, seen[ready[0].name], looked_at), apart
        except NotTaken as came_between:
            if len(ready) > 1:
                # One by one, they tell which of them it was about.
                return [], [*(each.approved for each in ready), *apart]
            self.tenure.leave(ready[0].change, str(came_between))
            return [], apart

    def _claim(self, approved: Approved) -> _Claim | None:
        """A change whose approval still means what it was given for; None for one that ended, or was left alone."""
        change, ledger = approved.change, self._means.ledger
        standing = ledger.standing(change.period)
        plan = ledger.plan(change, self._means.psa.identity)
        judgement = plan_judgement(approved, plan) or self._bound(change)
        self._means.watch(Step.CLAIMED, change)
        if judgement is not None:
            self.tenure.conclude(change, judgement)
            return None
        bar = self._bar(change, standing)
        if bar is not None:
            self.tenure.leave(change, bar)
            return None
        return _Claim(approved, standing.token)

    def _bound(self, change: Change) -> Judgement | None:
        excess = self._means.bounds.line_excess(change)
        return None if excess is None else Judgement(ChangeStatus.REFUSED, Cause.OUT_OF_BOUNDS, excess)

    def _bar(self, change: Change, standing: Standing) -> str | None:
        if not change.is_roll_back and standing.unread.intersection(change.sources):
            return "a source was read anew; the month is reconciled again first"
        if self._means.shares_requests and self._is_in_flight(change.agreement_id):
            # That request holds every line of the agreement as it was: landing late, it would take this one back.
            return "the answer to another change of its agreement is awaited; that one is settled first"
        return None

    def _is_in_flight(self, agreement_id: str | None) -> bool:
        return any(each.change.agreement_id == agreement_id for each in self._means.ledger.unsettled(None))

    def _stands(self, claim: _Claim, seen: Mapping[ChangeName, LineSeen]) -> bool:
        """Whether a line stands exactly as the approval saw it. Where it does not, the change ends."""
        look = seen.get(claim.name)
        if look is None:
            return False
        judgement = before_sending(claim.change, look)
        self._means.watch(Step.READ, claim.change)
        if judgement is not None:
            self.tenure.conclude(claim.change, judgement)
        return judgement is None

    def _sent(self, ready: Sequence[_Claim], look: LineSeen, looked_at: datetime) -> list[Change]:
        """The changes whose request was accepted: they have to be read back. Raises ``NotTaken`` when none was sent."""
        request = self._means.psa.request_for([each.change for each in ready], look)
        answer = self._answer(ready, request, looked_at)
        accepted = []
        for each in ready:
            judgement = after_answer(answer, each.approved.tries, shared_by=len(ready))
            if judgement is None:
                accepted.append(each.change)
            elif self.tenure.conclude(each.change, judgement) is Cause.THROTTLED:
                self._is_over = True
        return accepted

    def _answer(self, ready: Sequence[_Claim], request: VendorRequest, looked_at: datetime) -> Answer:
        """What the PSA answers to a request that is sent once, its intents committed before the first byte leaves."""
        means, sent_at = self._means, self._means.clock()
        intents = [
            Intent(each.change, means.batch_id, each.decision_id, each.plan_hash, request, sent_at)
            for each in (claim.approved for claim in ready)
        ]
        # A store from before these intents must be known for one ever after.
        means.witness.keep(means.ledger.record_intents(self.tenure.renewed(), intents, ready[0].token))
        self._watch_all(Step.INTENDED, ready)
        if means.clock() - sent_at > means.pace.hesitation or self._is_old_list(looked_at):
            # This process was frozen between intent and sending: by now another one may be looking at the line.
            return NOT_SENT
        answer = means.psa.send(request)
        self._watch_all(Step.SENT, ready)
        return answer

    def _is_old_list(self, looked_at: datetime) -> bool:
        return self._means.shares_requests and self._means.clock() - looked_at > OLDEST_LIST

    def _watch_all(self, step: Step, claims: Sequence[_Claim]) -> None:
        for each in claims:
            self._means.watch(step, each.change)

    # --- reading back -----------------------------------------------------------------------------------------------

    def _read_back_all(self, sent: Sequence[Change], looks: _Looks) -> None:
        unreadable_in_a_row = 0
        for change in sent:
            seen = looks.lines.get(name_of(change))
            if seen is None and unreadable_in_a_row < MOST_UNREADABLE:
                seen = self._read_back(change)
                unreadable_in_a_row = 0 if seen is not None else unreadable_in_a_row + 1
            self._means.watch(Step.READ_BACK, change)
            self.tenure.conclude(change, after_read_back(change, seen))

    def _read_back(self, change: Change) -> LineSeen | None:
        try:
            return self._means.psa.see_line(change, self._means.today)
        except PsaUnavailable:
            return None
