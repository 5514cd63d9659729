"""What follows from what is seen: the outcome table of the write protocol, one function per row group.

Belongs here: judgements before sending, after an answer, and when a lost answer is settled; their words.
Does not belong here: the order of steps (``turn``), waiting (``protocol``), recording (``tenure``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from pipelines.quantities import text
from pipelines.review.binding import LinePlan, moved_parts
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import Answer, Approved, Cause, Heard, LineSeen, StopKind, Unsettled

MOST_TRIES = {Heard.NOT_EXECUTED: 10, Heard.THROTTLED: 50}
"""Requests that the PSA surely did not execute before a person has to look."""

RESEND_WITHIN = timedelta(hours=24)
"""After that a lost write is never sent again without a person (write protocol, I5)."""

LOOKS_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
"""When a lost answer that cannot be read back is looked for again."""

NOT_SENT = Answer(Heard.NOT_EXECUTED, "it was not sent: too much time had passed since its look, or since its intent")
"""What stands for an answer when too much time had passed between look, intent and sending."""

_FIRST_WAIT, _LONGEST_WAIT, _MOST_DOUBLINGS = timedelta(seconds=2), timedelta(hours=1), 11


@dataclass(frozen=True)
class Judgement:
    """How a change stands, why, and what else follows.

    ``retry_after`` is how long it must not be taken up again; ``halts`` stops the tenant's write-back.
    """

    status: ChangeStatus
    cause: Cause
    words: str
    quantity_seen: Decimal | None = None
    retry_after: timedelta | None = None
    halts: StopKind | None = None


def before_sending(change: Change, seen: LineSeen) -> Judgement | None:
    """What a fresh look says; None when the line stands exactly as the approval saw it and may be written."""
    if seen.damage is not None:
        return _damaged(seen, f"{seen.damage}; nothing was sent")
    if seen.obstacle is not None:
        return Judgement(ChangeStatus.REFUSED, Cause.INACTIVE_TARGET, seen.obstacle, seen.quantity)
    if seen.quantity == change.quantity_after:
        words = f"the line holds {_shown(seen.quantity)} already; nothing was sent"
        return Judgement(ChangeStatus.WRITTEN, Cause.ALREADY_THERE, words, seen.quantity)
    moved = _moved(change, seen)
    if moved:
        return Judgement(ChangeStatus.STALE, Cause.LINE_MOVED, f"{moved}; nothing was sent", seen.quantity)
    return None


def _damaged(seen: LineSeen, words: str) -> Judgement:
    """A request of ours changed what it was not for: a person has to look before anything more is sent."""
    halts = StopKind.UNEXPECTED_VALUE
    return Judgement(ChangeStatus.STALE, Cause.UNEXPECTED_VALUE, words, seen.quantity, halts=halts)


def _written(cause: Cause, words: str, seen: LineSeen) -> Judgement:
    """The line holds what was approved. What a request of ours did beside it is for a person to look at."""
    if seen.damage is None:
        return Judgement(ChangeStatus.WRITTEN, cause, words, seen.quantity)
    halts = StopKind.UNEXPECTED_VALUE
    return Judgement(ChangeStatus.WRITTEN, cause, f"{words}, but {seen.damage}", seen.quantity, halts=halts)


def plan_judgement(approved: Approved, plan: LinePlan) -> Judgement | None:
    """Whether the approval still means what it was given for; None when it does."""
    if plan.hash == approved.plan_hash:
        return None
    parts = moved_parts(approved.plan, plan.document) or ["the approval itself"]
    words = f"what was approved is not what stands: {', '.join(parts)} moved since; nothing was sent"
    return Judgement(ChangeStatus.STALE, Cause.PLAN_MOVED, words)


def _moved(change: Change, seen: LineSeen) -> str | None:
    """What is not as the approval saw it. Money was approved as well, so a price that moved counts."""
    if seen.quantity != change.quantity_before:
        return f"approved was {_step(change)}, and the line holds {_shown(seen.quantity)}"
    if seen.service_id != change.service_id:
        return f"the line bills service {seen.service_id}, and approved was service {change.service_id}"
    for name, approved, present in (
        ("price", change.unit_price, seen.unit_price),
        ("cost", change.unit_cost, seen.unit_cost),
    ):
        if approved != present:
            return f"the line's unit {name} was {_shown(approved)} when it was approved, and is {_shown(present)}"
    return None


def after_answer(answer: Answer, tries: int, *, shared_by: int = 1) -> Judgement | None:
    """What the PSA's answer means by itself; None when it was accepted and the line must be read back.

    A request that several changes shared may be refused for the sake of one: each is then sent by itself.
    """
    match answer.heard:
        case Heard.ACCEPTED:
            return None
        case Heard.NOT_EXECUTED | Heard.THROTTLED:
            return _not_executed(answer, tries + 1)
        case Heard.FORBIDDEN:
            return Judgement(ChangeStatus.APPROVED, Cause.CREDENTIALS, answer.words, halts=StopKind.CREDENTIALS)
        case Heard.REFUSED | Heard.GONE:
            return _refused(answer, shared_by)
    return Judgement(ChangeStatus.UNKNOWN, Cause.ANSWER_LOST, answer.words)


def _refused(answer: Answer, shared_by: int) -> Judgement:
    if shared_by > 1:
        words = f"refused in one request with {shared_by - 1} more, so it is sent by itself: {answer.words}"
        return Judgement(ChangeStatus.APPROVED, Cause.REFUSED_TOGETHER, words, retry_after=_FIRST_WAIT)
    cause = Cause.INACTIVE_TARGET if answer.heard is Heard.GONE else Cause.REFUSED_BY_PSA
    return Judgement(ChangeStatus.REFUSED, cause, answer.words)


def _not_executed(answer: Answer, tries: int) -> Judgement:
    if tries >= MOST_TRIES[answer.heard]:
        words = f"the PSA did not take it in {tries} tries, the last time: {answer.words}"
        return Judgement(ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON, words)
    wait = _growing_wait(tries) if answer.retry_after is None else answer.retry_after
    cause = Cause.THROTTLED if answer.heard is Heard.THROTTLED else Cause.NOT_EXECUTED
    return Judgement(ChangeStatus.APPROVED, cause, answer.words, retry_after=wait)


def _growing_wait(tries: int) -> timedelta:
    return min(_FIRST_WAIT * (1 << min(tries - 1, _MOST_DOUBLINGS)), _LONGEST_WAIT)


def after_read_back(change: Change, seen: LineSeen | None) -> Judgement:
    """What the line says after the PSA accepted the write; None for one that could not be read."""
    if seen is None:
        words = "the PSA accepted the write, and the line could not be read back"
        return Judgement(ChangeStatus.UNKNOWN, Cause.NOT_VERIFIED, words)
    if seen.quantity == change.quantity_after:
        return _written(Cause.VERIFIED, "written and read back", seen)
    if seen.damage is not None:
        return _damaged(seen, f"the PSA accepted {_step(change)}, and {seen.damage}")
    if seen.quantity == change.quantity_before:
        words = f"the PSA accepted the write, and the line still holds {_shown(seen.quantity)}"
        return Judgement(ChangeStatus.UNKNOWN, Cause.NOT_VERIFIED, words, seen.quantity)
    words = f"the PSA accepted {_step(change)}, and the line holds {_shown(seen.quantity)}"
    halts = StopKind.UNEXPECTED_VALUE
    return Judgement(ChangeStatus.STALE, Cause.UNEXPECTED_VALUE, words, seen.quantity, halts=halts)


def settled(unsettled: Unsettled, looks: Sequence[LineSeen], now: datetime) -> Judgement:
    """What became of a write whose answer was lost, by two looks at the line after the quiet period.

    A write that was surely not executed goes back to its approval once; the second time, and after a day, a person
    decides.
    """
    change = unsettled.change
    values = {seen.quantity for seen in looks}
    seen = looks[-1].quantity
    if len(values) > 1:
        return unreadable(unsettled, f"two looks disagree: {', '.join(_shown(look.quantity) for look in looks)}")
    if seen == change.quantity_after:
        words = f"the answer was lost, and the line holds {_shown(seen)}: it was written"
        return _written(Cause.FOUND_WRITTEN, words, looks[-1])
    if looks[-1].damage is not None:
        return _damaged(looks[-1], f"sent was {_step(change)}, the answer was lost, and {looks[-1].damage}")
    if seen != change.quantity_before:
        words = f"sent was {_step(change)}, the answer was lost, and the line holds {_shown(seen)}"
        return Judgement(ChangeStatus.STALE, Cause.LINE_MOVED, words, seen)
    if unsettled.sends > 1 or now - unsettled.sent_at > RESEND_WITHIN:
        words = (
            f"it was sent {unsettled.sends} times without effect, the last time at {unsettled.sent_at:%Y-%m-%d %H:%M}"
        )
        return Judgement(ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON, f"{words}; a person decides", seen)
    words = f"the answer was lost, and the line still holds {_shown(seen)}: it was not executed and is sent once more"
    return Judgement(ChangeStatus.APPROVED, Cause.SEND_AGAIN, words, seen)


def look_due(unsettled: Unsettled, quiet: timedelta) -> datetime:
    """From when a line may be looked at: before that, the request of a dead client may still be in flight."""
    quiet_until = unsettled.lost_at + quiet
    return max(quiet_until, unsettled.look_at or quiet_until)


def unreadable(unsettled: Unsettled, words: str) -> Judgement:
    """A look that could not settle anything: looked for again after longer and longer waits."""
    wait = LOOKS_AFTER[min(unsettled.looks, len(LOOKS_AFTER) - 1)]
    return Judgement(ChangeStatus.UNKNOWN, Cause.CANNOT_READ_BACK, words, retry_after=wait)


def _step(change: Change) -> str:
    return f"{_shown(change.quantity_before)} → {_shown(change.quantity_after)}"


def _shown(number: Decimal | None) -> str:
    return "nothing" if number is None else text(number)
