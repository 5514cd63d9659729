"""What write-back asks of the world, and the shapes both sides speak in.

Belongs here: the Protocols of the ledger and of the PSA, the records that pass through them.
Does not belong here: what follows from what is seen (``judging``), the order of steps (``turn``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pipelines.audit import ChainPoint
from pipelines.quantities import text
from pipelines.review.binding import LinePlan, PsaIdentity
from pipelines.review.changes import Change, ChangeStatus

WRITE_BACK = "write-back"
"""Who acts when no person does."""


ChangeName = tuple[str, int]
"""A change in one of its revisions: (change id, revision)."""


def name_of(change: Change) -> ChangeName:
    """What a change is known by."""
    return change.change_id, change.revision


class Cause(StrEnum):
    """Why a change stands as write-back left it. Stored; never rename one."""

    VERIFIED = "verified"
    ALREADY_THERE = "already_there"
    FOUND_WRITTEN = "found_written"
    LINE_MOVED = "line_moved"
    PLAN_MOVED = "plan_moved"
    INACTIVE_TARGET = "inactive_target"
    UNEXPECTED_VALUE = "unexpected_value"
    OUT_OF_BOUNDS = "out_of_bounds"
    REFUSED_BY_PSA = "refused_by_psa"
    REFUSED_TOGETHER = "refused_together"
    NOT_EXECUTED = "not_executed"
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"
    ANSWER_LOST = "answer_lost"
    NOT_VERIFIED = "not_verified"
    CANNOT_READ_BACK = "cannot_read_back"
    SEND_AGAIN = "send_again"
    NEEDS_A_PERSON = "needs_a_person"


class Heard(StrEnum):
    """What the PSA's answer to a write says about whether it was executed."""

    ACCEPTED = "accepted"
    NOT_EXECUTED = "not_executed"
    THROTTLED = "throttled"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Answer:
    """The PSA's answer to a write, in our words. ``retry_after`` is None when the PSA named no wait."""

    heard: Heard
    words: str
    retry_after: timedelta | None = None


@dataclass(frozen=True)
class LineSeen:
    """A line as the PSA shows it just now.

    ``obstacle`` says why it must not be written, in an operator's words: it is gone, its agreement ended, its account
    is inactive. A line that is gone has no quantity. ``record`` is what the adapter read and needs again to make the
    request: nobody else looks into it. ``damage`` says what an earlier request of ours is seen to have changed beside
    the line that it was for.
    """

    quantity: Decimal | None
    service_id: str | None
    unit_price: Decimal | None
    unit_cost: Decimal | None
    obstacle: str | None = None
    record: Any = None
    damage: str | None = None


@dataclass(frozen=True)
class VendorRequest:
    """The exact request that carries a change out: what is kept before the first byte leaves. Never a credential."""

    method: str
    path: str
    body: str

    def as_document(self) -> dict[str, str]:
        """Plain JSON."""
        return {"method": self.method, "path": self.path, "body": self.body}


class WriteModel(StrEnum):
    """In which form a PSA takes a new quantity."""

    ABSOLUTE = "absolute"
    DELTA = "delta"
    REPLACE_LINES = "replace_lines"


class HoldsFrom(StrEnum):
    """From when a written quantity holds. Part of the plan file; never rename one."""

    AT_ONCE = "at_once"
    EFFECTIVE_DATE = "effective_date"


@dataclass(frozen=True)
class WriteTraits:
    """How a kind of PSA takes a new quantity.

    ``holds_from`` is from when that of a line that stands holds, ``made_from`` from when a line that is made does.
    ``longest_run`` is how long a request may go on in the server after its client has gone.
    """

    model: WriteModel
    holds_from: HoldsFrom
    made_from: HoldsFrom
    is_integer_only: bool
    longest_run: timedelta


class BilledPsa(Protocol):
    """A PSA tenant whose lines can be written. Its errors about the world are ``PsaUnavailable``.

    Whatever its write model, an approved change says *before* and *after*; the request is made from a fresh look.
    """

    @property
    def identity(self) -> PsaIdentity:
        """Which PSA tenant this is."""
        ...

    def check_connection(self) -> None:
        """Raises ``PsaForbidden`` when the credentials are not taken, ``PsaUnavailable`` for all else."""
        ...

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The line of a change, read now. Raises ``PsaUnavailable`` when it cannot be read."""
        ...

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        """The lines of several changes, read now in as few requests as the PSA allows, in the order of the changes.

        A line about which this way of reading says nothing (it is not in the answer, or not as it should be) is left
        out: ``see_line`` tells why. Raises ``PsaUnavailable`` when nothing can be read.
        """
        ...

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        """The request that takes lines, as they were seen just now, to their new quantities. Pure.

        It is for one change. Where a request holds all lines of an agreement it may be for several of its standing
        lines, all seen in one look, of which ``seen`` is any.
        """
        ...

    def send(self, request: VendorRequest) -> Answer:
        """Send it once, whatever happens."""
        ...


class StopKind(StrEnum):
    """Why a tenant's write-back stands still. Stored; never rename one."""

    BY_A_PERSON = "by_a_person"
    CREDENTIALS = "credentials"
    BOUNDS = "bounds"
    UNEXPECTED_VALUE = "unexpected_value"
    RESTORED_STORE = "restored_store"


@dataclass(frozen=True)
class Stop:
    """A tenant's write-back stands still; approvals are kept. ``by`` is a person or ``write-back`` itself."""

    kind: StopKind
    words: str
    by: str
    at: datetime

    def as_json(self) -> dict[str, str]:
        """Plain JSON."""
        return {"kind": str(self.kind), "reason": self.words, "by": self.by, "at": self.at.isoformat()}


@dataclass(frozen=True)
class Approved:
    """An approved change in its turn, with what its approval was bound to.

    ``tries`` counts requests that the PSA surely did not execute. ``goes_alone``: a request of it was refused together
    with others or had no effect, so that only one of its own says what is the matter with it.
    """

    change: Change
    decision_id: str
    approved_by: str
    plan_hash: str
    plan: dict[str, Any]
    tries: int = 0
    goes_alone: bool = False


@dataclass(frozen=True)
class Unsettled:
    """A change whose write was sent and is not settled, or whose writer died.

    ``sends`` counts the times that nobody knew whether a request was executed, this one included. ``lost_at`` is when
    its answer was given up: the moment of its intent for a writer that left no word. ``looks`` counts the looks since
    then that could not settle it; ``look_at`` is when the next is due, None before the first.
    """

    change: Change
    sends: int
    sent_at: datetime
    lost_at: datetime
    looks: int
    look_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """What a month's lines rest on just now.

    ``token`` names it: an intent is recorded only while it holds. ``unread`` are sources that were read anew since
    the month was last reconciled, so that nobody knows yet what their rows say.
    """

    token: str
    unread: frozenset[str]


@dataclass(frozen=True)
class Intent:
    """What is committed before the first byte leaves."""

    change: Change
    batch_id: str
    decision_id: str
    plan_hash: str
    request: VendorRequest
    sent_at: datetime


@dataclass(frozen=True)
class Outcome:
    """How a change stands after a step of write-back. ``retry_at``: not before then is it taken up again."""

    change: Change
    batch_id: str
    status: ChangeStatus
    cause: Cause
    words: str
    at: datetime
    quantity_seen: Decimal | None = None
    retry_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """Plain JSON, the quantities as text."""
        change, before, seen = self.change, self.change.quantity_before, self.quantity_seen
        return {
            "id": change.change_id,
            "revision": change.revision,
            "period": change.period,
            "line_id": change.line_id,
            "status": str(self.status),
            "cause": str(self.cause),
            "message": self.words,
            "quantity_before": None if before is None else text(before),
            "quantity_after": text(change.quantity_after),
            "quantity_seen": None if seen is None else text(seen),
            "retry_at": None if self.retry_at is None else self.retry_at.isoformat(),
        }


@dataclass(frozen=True)
class Lease:
    """The right to write for a tenant. Recording anything under it makes it last until ``until``."""

    fence: int
    until: datetime


class Fenced(Exception):  # noqa: N818  what happened to the writer
    """Another run holds the tenant's lease by now: this one must not record or send anything more."""


class NotTaken(Exception):  # noqa: N818
    """Something came between: the approval was taken back, a mapping moved, write-back was stopped."""


class WitnessUnreadable(Exception):  # noqa: N818
    """The witness is there and cannot be read. That is not the same as none: a restored store may hide behind it."""


class Witness(Protocol):
    """How far a tenant's audit trail had come, kept where a restore of the store does not reach.

    Methods raise ``WitnessUnreadable`` when what is kept cannot be read, ``OSError`` when nothing can be kept.
    """

    def seen(self) -> ChainPoint | None:
        """The furthest point that was kept; None when none ever was."""
        ...

    def keep(self, point: ChainPoint) -> None:
        """Keep a point for good before this returns; one that lies before the kept one changes nothing."""
        ...


class WriteLedger(Protocol):
    """Where the lease, approvals, intents and outcomes are kept. Every method is one transaction.

    Methods that take a lease raise ``Fenced`` when its fence is not the latest any more.
    """

    def take_lease(self, holder: str, now: datetime, until: datetime) -> int | None:
        """The fence of a new lease, None while another holder's has not lapsed."""
        ...

    def keep(self, lease: Lease) -> None:
        """Make the lease last longer."""
        ...

    def give_back(self, lease: Lease, now: datetime) -> None:
        """Let the next run begin at once."""
        ...

    def stop(self) -> Stop | None:
        """Why write-back stands still; None when it does not."""
        ...

    def halt(self, lease: Lease, stop: Stop) -> None:
        """Stand still until a person, or a mended cause, lets it go on. One that stands already stays."""
        ...

    def lift(self, lease: Lease, words: str, now: datetime) -> None:
        """Go on: what write-back itself had stopped for is mended."""
        ...

    def approved(self, now: datetime, period: str | None) -> Sequence[Approved]:
        """Approved changes whose turn has come, the earliest approval first.

        None while the PSA has asked for fewer requests: that is asked of the tenant, not of one line.
        """
        ...

    def next_turn(self, after: datetime, period: str | None) -> datetime | None:
        """When the next approved change has its turn that waits for one after that instant; None when none does."""
        ...

    def unsettled(self, period: str | None) -> Sequence[Unsettled]:
        """Every change that is sending or unknown."""
        ...

    def open_matters(self) -> Mapping[ChangeStatus, int]:
        """How many changes of the tenant wait for a person or for their answer, by status.

        ``stale`` and ``refused`` are counted until their month was reconciled since; ``sending`` and ``unknown``
        until they are settled.
        """
        ...

    def standing(self, period: str) -> Standing:
        """What a month's lines rest on just now."""
        ...

    def plan(self, change: Change, psa: PsaIdentity) -> LinePlan:
        """The plan of a change for this PSA, from its month's standing as it was last asked for."""
        ...

    def trail_head(self) -> ChainPoint:
        """How far the tenant's audit trail comes."""
        ...

    def trail_hash(self, sequence: int) -> str | None:
        """The hash of an entry of the audit trail; None when there is no such entry."""
        ...

    def record_intents(self, lease: Lease, intents: Sequence[Intent], token: str) -> ChainPoint:
        """Commit the intents of one request, all of one month, and the status ``sending``.

        The answer is the last one's entry in the audit trail. Raises ``NotTaken``, and commits none of them, when a
        change is not approved any more, or by another decision than the intent's, the month's standing is not that of
        the token, write-back was stopped, or a line has another change in flight.
        """
        ...

    def record_outcome(self, lease: Lease, outcome: Outcome) -> None:
        """Commit an outcome and its status. Raises ``NotTaken`` when the change was taken back meanwhile."""
        ...
