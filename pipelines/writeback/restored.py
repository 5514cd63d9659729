"""A store that came back from a backup: how it is noticed, and what a person has to see before write-back goes on.

Belongs here: comparing the trail with its witness, what lifting that stop asks for, which approvals end with it.
Does not belong here: where the witness is kept (``resources.witness``), when a run looks at it (``protocol``).
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from pipelines.audit import START, ChainPoint
from pipelines.review.approval import (
    Actor,
    Decided,
    DecisionAction,
    DecisionLedger,
    Wish,
    approvals_that_hold,
    decide_on,
)
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import Stop, StopKind

TAKEN_BACK = "the store was restored: approvals from before are given anew"
"""The reason that stands beside every approval taken back so."""

_WHAT_TO_DO = "look at the PSA anew (trueup run), then trueup writeback resume"


def restoration(witnessed: ChainPoint, head: ChainPoint, hash_there: str | None) -> str | None:
    """Why the store is not the one that was written last, in an operator's words; None when it is.

    ``witnessed`` is how far the trail had come by its witness, ``head`` how far it comes now, ``hash_there`` the hash
    of the witnessed entry in the store, None where there is none.
    """
    if witnessed == START or hash_there == witnessed.entry_hash:
        return None
    if head.sequence < witnessed.sequence:
        found = f"its audit trail ends at entry {head.sequence}, and had come to entry {witnessed.sequence} before"
    else:
        found = (
            f"entry {witnessed.sequence} of its audit trail is not the one it was, and it ends at entry {head.sequence}"
        )
    return f"the store was restored from a backup, or exchanged: {found}; {_WHAT_TO_DO}"


def unreadable_witness(words: str) -> str:
    """Why nothing is written when the witness says nothing: then nobody knows whether the store is an old one."""
    return f"{words}: whether the store was restored from a backup cannot be told; {_WHAT_TO_DO}"


def objection_to_resuming(stop: Stop, copied_at: datetime | None, unsettled: int) -> str | None:
    """Why a stop cannot be lifted yet; None when it can. Only one for a restored store asks for anything.

    ``copied_at`` is when the newest whole copy of the PSA was begun; ``unsettled`` counts lost answers.
    """
    if stop.kind is not StopKind.RESTORED_STORE:
        return None
    if copied_at is None or copied_at < stop.at:
        return (
            f"the PSA was not copied since {stop.at:%Y-%m-%d %H:%M:%S} UTC, and the store knows nothing of what was "
            "written after its backup: trueup run --period MONTH"
        )
    if unsettled:
        return f"{unsettled} lost answers are not settled yet, and may not lead to a second write: trueup apply"
    return None


def take_back_approvals(
    ledger: DecisionLedger, latest: Iterable[Change], actor: Actor, *, now: datetime, new_id: Callable[[], str]
) -> Decided:
    """Take back every approval that stands, first ones of two people included; refusals stay.

    ``latest`` holds the latest revision of every change of the tenant.
    """
    wish = Wish(DecisionAction.REVOKED, actor, TAKEN_BACK)
    chosen = [change for change in latest if _is_approved(change, ledger)]
    return decide_on(ledger, chosen, wish, now=now, new_id=new_id)


def _is_approved(change: Change, ledger: DecisionLedger) -> bool:
    if change.status is not ChangeStatus.PROPOSED:
        return change.status is ChangeStatus.APPROVED
    return bool(approvals_that_hold(ledger.decisions_of(change)))
