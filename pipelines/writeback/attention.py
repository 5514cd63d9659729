"""Findings of write-back: every change and every stop that needs a person, told from where they stand now.

Belongs here: which outcome is which finding, and what to do about it.
Does not belong here: the findings of a month's reconciliation (``pipelines.reconciliation.attention``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pipelines.findings import Finding, FindingKind
from pipelines.quantities import text
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import Cause, Stop, StopKind

_REVIEW = "run the month again (trueup run): it is proposed anew with the present numbers, to be reviewed"
_ASK_AGAIN = "if it shall still be taken back, copy the PSA (trueup run) and ask for it again (trueup rollback)"
_REMEDIES = {
    Cause.INACTIVE_TARGET: "decide in the PSA what shall be billed, then run the month again",
    Cause.OUT_OF_BOUNDS: "if the number is right, raise the bound (trueup config set), then run the month again",
    Cause.REFUSED_BY_PSA: "mend in the PSA what it complains about, then run the month again and approve it anew",
    Cause.NEEDS_A_PERSON: "look at the line in the PSA, then run the month again and approve what is still right",
}
_KINDS = {Cause.INACTIVE_TARGET: FindingKind.INACTIVE_TARGET}
_UNSETTLED = "wait: it is looked at by itself (trueup apply does it at once when its time has come)"
_RESUME = {
    StopKind.BY_A_PERSON: "trueup writeback resume, when it may go on",
    StopKind.CREDENTIALS: "mend the credentials or the API member's rights, then trueup apply",
    StopKind.BOUNDS: "revoke approvals or raise the bound (trueup config set), then trueup apply",
    StopKind.UNEXPECTED_VALUE: "find out in the PSA who else writes this line, then trueup writeback resume",
    StopKind.RESTORED_STORE: "trueup run for the month, trueup writeback resume, then approve anew what is right",
}


@dataclass(frozen=True)
class Ending:
    """How write-back left a change: the last thing it recorded about it."""

    cause: Cause
    words: str
    at: datetime


def is_unreviewed(ended_at: datetime, reconciled_at: datetime | None) -> bool:
    """Whether a stale or refused change still waits for a person.

    A reconciliation of its month since then has looked at the line anew: it proposed the change again, or had nothing
    to propose any more.
    """
    return reconciled_at is None or ended_at > reconciled_at


def write_back_findings(
    period: str,
    changes: Iterable[Change],
    endings: Mapping[tuple[str, int], Ending],
    stop: Stop | None,
    reconciled_at: datetime | None,
) -> list[Finding]:
    """What needs a person in a month, from the latest revisions of its changes and how write-back left each.

    Nothing is stored: a change that is proposed anew, or was settled, is none of it any more. A stop is told in every
    month, since it holds for all.
    """
    found = [_finding(change, endings.get((change.change_id, change.revision)), reconciled_at) for change in changes]
    standing = [] if stop is None else [_of_stop(period, stop)]
    return [*standing, *(finding for finding in found if finding is not None)]


def _finding(change: Change, ending: Ending | None, reconciled_at: datetime | None) -> Finding | None:
    if change.status in (ChangeStatus.SENDING, ChangeStatus.UNKNOWN):
        words = "its writer left no word" if ending is None else ending.words
        return _about(change, FindingKind.UNSETTLED_WRITE, words, _UNSETTLED)
    if ending is None or not is_unreviewed(ending.at, reconciled_at):
        return None
    if change.status is ChangeStatus.STALE:
        remedy = _ASK_AGAIN if change.is_roll_back else _REVIEW
        return _about(change, FindingKind.STALE_APPROVAL, ending.words, remedy)
    if change.status is ChangeStatus.REFUSED:
        kind = _KINDS.get(ending.cause, FindingKind.REFUSED_WRITE)
        return _about(change, kind, ending.words, _REMEDIES.get(ending.cause, _REVIEW))
    return None


def _about(change: Change, kind: FindingKind, words: str, remedy: str) -> Finding:
    before = "nothing" if change.quantity_before is None else text(change.quantity_before)
    return Finding(
        period=change.period,
        kind=kind,
        source=change.sources[0] if change.sources else None,
        subject=f"{change.change_id}@{change.revision}",
        message=(
            f"{change.account_name}, {change.service_name} (line {change.line_id}, {before} → "
            f"{text(change.quantity_after)}): {words}"
        ),
        remedy=remedy,
        quantity=change.quantity_after,
        amount=change.amount_delta,
        currency=change.currency,
        evidence=change.evidence,
    )


def _of_stop(period: str, stop: Stop) -> Finding:
    return Finding(
        period=period,
        kind=FindingKind.WRITE_BACK_STOPPED,
        source=None,
        subject=str(stop.kind),
        message=f"nothing is written since {stop.at:%Y-%m-%d %H:%M} UTC, approvals are kept: {stop.words}",
        remedy=_RESUME[stop.kind],
    )
