"""Deciding on changes: what may be approved, declined or taken back, and the decision as an event that never changes.

Belongs here: the rules of deciding, the use cases around them, their Protocols.
Does not belong here: storing decisions, writing what was approved (``pipelines.writeback``).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pipelines.identity import ChangeId
from pipelines.periods import BillingPeriod
from pipelines.quantities import text
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.binding import LinePlan
from pipelines.review.changes import Change, ChangeStatus, When


class DecisionAction(StrEnum):
    """What somebody decided. Stored; never rename one."""

    APPROVED = "approved"
    DECLINED = "declined"
    REVOKED = "revoked"


BECOMES = {
    DecisionAction.APPROVED: ChangeStatus.APPROVED,
    DecisionAction.DECLINED: ChangeStatus.DECLINED,
    DecisionAction.REVOKED: ChangeStatus.PROPOSED,
}
"""Where a change stands after each decision."""

_DECIDABLE = {
    DecisionAction.APPROVED: frozenset({ChangeStatus.PROPOSED}),
    DecisionAction.DECLINED: frozenset({ChangeStatus.PROPOSED, ChangeStatus.APPROVED}),
    DecisionAction.REVOKED: frozenset({ChangeStatus.APPROVED, ChangeStatus.DECLINED}),
}
"""Where a change must stand for each decision."""

_UNDER_WAY = frozenset({ChangeStatus.APPROVED, ChangeStatus.SENDING, ChangeStatus.UNKNOWN, ChangeStatus.WRITTEN})


@dataclass(frozen=True)
class Actor:
    """Who decides. ``is_asserted``: the name was given on the command line and proved by nothing."""

    name: str
    is_asserted: bool


@dataclass(frozen=True)
class Decision:
    """One decision about one revision of a change. Never changed; a later one takes it back.

    ``plan`` is what the approver saw and ``plan_hash`` its name; both None for what is no approval.
    """

    decision_id: str
    change_id: ChangeId
    revision: int
    action: DecisionAction
    actor: Actor
    at: datetime
    note: str | None = None
    plan_hash: str | None = None
    plan: dict[str, Any] | None = None
    has_confirmed_zero: bool = False


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, beside the changes it is about.

    ``effective_date`` and ``agreement_id`` are picked in the place of what the change proposes: the approval is bound
    to them, and they are carried out.
    """

    action: DecisionAction
    actor: Actor
    note: str | None = None
    has_confirmed_zero: bool = False
    effective_date: date | None = None
    agreement_id: str | None = None


@dataclass(frozen=True)
class Undecided:
    """A change that was left as it is, with the reason in an operator's words."""

    change_id: str
    revision: int | None
    reason: str


@dataclass(frozen=True)
class Decided:
    """What came of a wish. ``already`` were decided so before: a second click changes nothing."""

    decisions: tuple[Decision, ...]
    already: tuple[Change, ...]
    undecided: tuple[Undecided, ...]


class DecisionLedger(Protocol):
    """Where changes stand and decisions are kept."""

    def revisions_of(self, change_id: ChangeId) -> Sequence[Change]:
        """All revisions of a change, the first first; none when there is no such change."""
        ...

    def latest_of(self, period: str) -> Sequence[Change]:
        """The latest revision of every change of a month."""
        ...

    @property
    def takes_dates(self) -> bool:
        """Whether the PSA is told from which day a quantity of a line holds."""
        ...

    def plan_of(self, change: Change) -> LinePlan:
        """The plan of a change as things stand."""
        ...

    def decide(
        self, decisions: Sequence[tuple[Decision, frozenset[ChangeStatus]]]
    ) -> Sequence[tuple[Decision, ChangeStatus]]:
        """Record decisions in one transaction, each only if its change still stands as one of those statuses.

        The answer names those whose change did not, with where it stood.
        """
        ...


@dataclass(frozen=True)
class ChangeFilter:
    """Which changes of a month are meant; None leaves a condition out. ``max_amount`` bounds the absolute amount."""

    period: str
    kind: DeltaKind | None = None
    source: str | None = None
    account_id: str | None = None
    max_amount: Decimal | None = None

    def matches(self, change: Change, currency: str) -> bool:
        """Whether a change is meant. One without an amount in the billing currency is never within an amount."""
        return (
            self.kind in {None, change.kind}
            and (self.source is None or self.source in change.sources)
            and self.account_id in {None, change.account_id}
            and (self.max_amount is None or _is_within(change, self.max_amount, currency))
        )


def _is_within(change: Change, bound: Decimal, currency: str) -> bool:
    return change.amount_delta is not None and change.currency == currency and abs(change.amount_delta) <= bound


def decide_named(
    ledger: DecisionLedger, names: Iterable[str], wish: Wish, *, now: datetime, new_id: Callable[[], str]
) -> Decided:
    """Decide on changes by ``id@revision``; a bare id is taken only when one revision of it was ever proposed."""
    found = [_named(ledger, name) for name in dict.fromkeys(names)]
    unknown = [item for item in found if isinstance(item, Undecided)]
    chosen = {(item.change_id, item.revision): item for item in found if isinstance(item, Change)}
    decided = _decide(ledger, list(chosen.values()), wish, now=now, new_id=new_id)
    return Decided(decided.decisions, decided.already, (*unknown, *decided.undecided))


def decide_matching(
    ledger: DecisionLedger,
    wanted: ChangeFilter,
    wish: Wish,
    *,
    currency: str,
    now: datetime,
    new_id: Callable[[], str],
) -> Decided:
    """Decide on all changes of a month that a filter means and that stand where this decision is possible."""
    possible = _DECIDABLE[wish.action]
    chosen = [c for c in ledger.latest_of(wanted.period) if c.status in possible and wanted.matches(c, currency)]
    return _decide(ledger, chosen, wish, now=now, new_id=new_id)


def _named(ledger: DecisionLedger, name: str) -> Change | Undecided:
    change_id, _, number = name.partition("@")
    revisions = ledger.revisions_of(ChangeId(change_id))
    if not revisions:
        return Undecided(change_id, None, "there is no such change; trueup changes list shows the ids")
    latest = revisions[-1]
    if not number and len(revisions) > 1:
        return Undecided(
            change_id, None, f"it has {len(revisions)} revisions: name the one you saw, {change_id}@{latest.revision}"
        )
    if number and number != str(latest.revision):
        return Undecided(change_id, int(number) if number.isdecimal() else None, _not_latest(number, latest))
    return latest


def _not_latest(number: str, latest: Change) -> str:
    return (
        f"revision {number} is not the latest: {latest.change_id}@{latest.revision} is "
        f"({_numbers(latest)}, {latest.status})"
    )


def _numbers(change: Change) -> str:
    before = "no line" if change.quantity_before is None else text(change.quantity_before)
    return f"{before} → {text(change.quantity_after)}"


def _decide(
    ledger: DecisionLedger, chosen: Sequence[Change], wish: Wish, *, now: datetime, new_id: Callable[[], str]
) -> Decided:
    already = tuple(change for change in chosen if _is_done(change.status, wish))
    open_ones = [change for change in chosen if change not in already]
    takes_dates = ledger.takes_dates
    objections = {change.change_id: objection_to(change, wish, takes_dates=takes_dates) for change in open_ones}
    refused = [Undecided(c.change_id, c.revision, reason) for c in open_ones if (reason := objections[c.change_id])]
    wanted = [
        _decision(ledger, change, wish, now, new_id()) for change in open_ones if objections[change.change_id] is None
    ]
    possible = _DECIDABLE[wish.action]
    lost = {d.change_id: status for d, status in ledger.decide([(decision, possible) for decision in wanted])}
    # Somebody else was quicker by an instant: who wished the same finds it done, as a later click would.
    overtaken = [replace(change, status=lost[change.change_id]) for change in open_ones if change.change_id in lost]
    return Decided(
        decisions=tuple(decision for decision in wanted if decision.change_id not in lost),
        already=(*already, *(change for change in overtaken if _is_done(change.status, wish))),
        undecided=(*refused, *(_overtaken(change) for change in overtaken if not _is_done(change.status, wish))),
    )


def _overtaken(change: Change) -> Undecided:
    return Undecided(change.change_id, change.revision, f"it is {change.status} by now; nothing was decided")


def _is_done(status: ChangeStatus, wish: Wish) -> bool:
    if wish.action is DecisionAction.APPROVED:
        return status in _UNDER_WAY
    return wish.action is DecisionAction.DECLINED and status is ChangeStatus.DECLINED


def _decision(ledger: DecisionLedger, change: Change, wish: Wish, now: datetime, decision_id: str) -> Decision:
    plan = ledger.plan_of(picked(change, wish)) if wish.action is DecisionAction.APPROVED else None
    return Decision(
        decision_id=decision_id,
        change_id=change.change_id,
        revision=change.revision,
        action=wish.action,
        actor=wish.actor,
        at=now,
        note=wish.note,
        plan_hash=plan.hash if plan else None,
        plan=plan.document if plan else None,
        has_confirmed_zero=wish.has_confirmed_zero and "confirm_zero" in change.needs,
    )


def picked(change: Change, wish: Wish) -> Change:
    """The change with what the reviewer picked in the place of what was proposed."""
    return replace(
        change,
        effective_date=wish.effective_date or change.effective_date,
        agreement_id=wish.agreement_id or change.agreement_id,
    )


def objection_to(change: Change, wish: Wish, *, takes_dates: bool) -> str | None:
    """Why a wish cannot be granted for a change as it stands, in an operator's words; None when it can."""
    if change.status not in _DECIDABLE[wish.action]:
        return _STANDS[wish.action].format(status=change.status)
    return _objection_to_approval(change, wish, takes_dates) if wish.action is DecisionAction.APPROVED else None


_STANDS = {
    DecisionAction.APPROVED: "it is {status}: only what is proposed can be approved",
    DecisionAction.DECLINED: "it is {status}: only what is proposed or approved can be declined",
    DecisionAction.REVOKED: "it is {status}: only an approval or a refusal that nobody acted on can be taken back",
}


def _objection_to_approval(change: Change, wish: Wish, takes_dates: bool) -> str | None:
    pick = _objection_to_new_line(change, wish) if change.line_id is None else _objection_to_pick(wish, takes_dates)
    if pick is not None:
        return pick
    begun = BillingPeriod.from_key(change.period).first_day
    if wish.effective_date is not None and wish.effective_date < begun:
        return f"{wish.effective_date} lies before the month that the files speak for: pick a day from {begun} on"
    if wish.effective_date is not None and change.when is When.AT_RENEWAL:
        return f"it is due at the renewal, on {change.effective_date}: no other day can be picked"
    if "confirm_zero" in change.needs and not wish.has_confirmed_zero:
        why = "it is taken back to that" if change.is_roll_back else "nothing is used any more"
        return f"it would go to {text(change.quantity_after)} because {why}: confirm that (--confirm-zero)"
    return None


def _objection_to_new_line(change: Change, wish: Wish) -> str | None:
    if picked(change, wish).agreement_id is None:
        return (
            "it is new found revenue, and the account has several agreements, or none: name the one that the new line "
            "shall stand on (--agreement)"
        )
    return None


def _objection_to_pick(wish: Wish, takes_dates: bool) -> str | None:
    if wish.agreement_id is not None:
        return "it has its line already; an agreement is named only for new found revenue"
    if wish.effective_date is not None and not takes_dates:
        return (
            "no date can be picked: this PSA changes a line at once. Approve it without a date, on the day from which "
            "it shall hold"
        )
    return None
