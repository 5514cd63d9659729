"""Deciding on changes: what may be approved, declined or taken back, and the decision as an event that never changes.

Belongs here: the rules of deciding, the use cases around them, their Protocols.
Does not belong here: storing decisions, writing what was approved (``pipelines.writeback``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from pipelines.identity import ChangeId
from pipelines.periods import BillingPeriod
from pipelines.policies.engine import Policy, PolicyOutcome, Verdict
from pipelines.quantities import text
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import LinePlan, as_bound
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.review.people import same_person
from pipelines.review.policy import judged, named_rules
from pipelines.review.taking import PsaTakes


class DecisionAction(StrEnum):
    """What somebody decided. Stored; never rename one."""

    APPROVED = "approved"
    FIRST_APPROVED = "first_approved"
    DECLINED = "declined"
    REVOKED = "revoked"


BECOMES = {
    DecisionAction.APPROVED: ChangeStatus.APPROVED,
    DecisionAction.FIRST_APPROVED: ChangeStatus.PROPOSED,
    DecisionAction.DECLINED: ChangeStatus.DECLINED,
    DecisionAction.REVOKED: ChangeStatus.PROPOSED,
}
"""Where a change stands after each decision."""

_DECIDABLE = {
    DecisionAction.APPROVED: frozenset({ChangeStatus.PROPOSED}),
    DecisionAction.FIRST_APPROVED: frozenset({ChangeStatus.PROPOSED}),
    DecisionAction.DECLINED: frozenset({ChangeStatus.PROPOSED, ChangeStatus.APPROVED}),
    DecisionAction.REVOKED: frozenset({ChangeStatus.APPROVED, ChangeStatus.DECLINED}),
}
"""Where a change must stand for each decision."""

_LATEST_ZONE = timedelta(hours=12)
"""A day that is over by this long after midnight UTC is over everywhere."""

_UNDER_WAY = frozenset({ChangeStatus.APPROVED, ChangeStatus.SENDING, ChangeStatus.UNKNOWN, ChangeStatus.WRITTEN})


@dataclass(frozen=True)
class Actor:
    """Who decides. ``is_asserted``: the name was given on the command line and proved by nothing."""

    name: str
    is_asserted: bool


@dataclass(frozen=True)
class Decision:
    """One decision about one revision of a change. Never changed; a later one takes it back.

    ``plan`` is what the approver saw and ``plan_hash`` its name; both None for what is no approval. ``beside`` are the
    first approvals that held when it was made, where two people are asked for: it is recorded only beside those.
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
    beside: tuple[str, ...] | None = None


_APPROVALS = frozenset({DecisionAction.APPROVED, DecisionAction.FIRST_APPROVED})


def approvals_that_hold(decided: Iterable[Decision]) -> list[Decision]:
    """Of the decisions about one revision, in their order, the approvals that nobody took back or overruled."""
    holding: list[Decision] = []
    for decision in decided:
        holding = [*holding, decision] if decision.action in _APPROVALS else []
    return holding


@dataclass(frozen=True)
class Wish:
    """What somebody asks for, beside the changes it is about.

    ``effective_date`` and ``agreement_id`` are picked in the place of what the change proposes: the approval is bound
    to them, and they are carried out. A PSA that is not told from which day a quantity holds is written to on that day.
    """

    action: DecisionAction
    actor: Actor
    note: str | None = None
    has_confirmed_zero: bool = False
    effective_date: date | None = None
    agreement_id: str | None = None


UNPICKED = Wish(DecisionAction.APPROVED, Actor("anybody", is_asserted=True), has_confirmed_zero=True)
"""The wish that every change is asked about: could it be approved at all, as it is proposed?"""


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
    def takes(self) -> PsaTakes:
        """How the tenant's PSA takes a change."""
        ...

    def plan_of(self, change: Change) -> LinePlan:
        """The plan of a change as things stand."""
        ...

    def policy_of(self, period: str) -> Policy:
        """The policy that the plans of a month are bound to."""
        ...

    def editors_of(self, change: Change) -> frozenset[str]:
        """Who edited a mapping or unit entry that feeds a change's line."""
        ...

    def decisions_of(self, change: Change) -> Sequence[Decision]:
        """What was decided about a revision so far, in order."""
        ...

    def decide(
        self, decisions: Sequence[tuple[Decision, frozenset[ChangeStatus]]]
    ) -> Sequence[tuple[Decision, ChangeStatus]]:
        """Record decisions in one transaction, each only if its change still stands as one of those statuses, and
        the first approvals beside it are still the ones it knows of.

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

    def matches(self, change: Change, currency: BillingCurrency) -> bool:
        """Whether a change is meant. One whose money is not known in the billing currency is never within an amount."""
        return (
            self.kind in {None, change.kind}
            and (self.source is None or self.source in change.sources)
            and self.account_id in {None, change.account_id}
            and (self.max_amount is None or _is_within(change, self.max_amount, currency))
        )


def _is_within(change: Change, bound: Decimal, currency: BillingCurrency) -> bool:
    amount = currency.amount_of(change)
    return amount is not None and abs(amount) <= bound


def decide_named(
    ledger: DecisionLedger, names: Iterable[str], wish: Wish, *, now: datetime, new_id: Callable[[], str]
) -> Decided:
    """Decide on changes by ``id@revision``; a bare id is taken only when one revision of it was ever proposed."""
    found = [_named(ledger, name) for name in dict.fromkeys(names)]
    unknown = [item for item in found if isinstance(item, Undecided)]
    chosen = {(item.change_id, item.revision): item for item in found if isinstance(item, Change)}
    decided = decide_on(ledger, list(chosen.values()), wish, now=now, new_id=new_id)
    return Decided(decided.decisions, decided.already, (*unknown, *decided.undecided))


def decide_matching(
    ledger: DecisionLedger,
    wanted: ChangeFilter,
    wish: Wish,
    *,
    currency: BillingCurrency,
    now: datetime,
    new_id: Callable[[], str],
) -> Decided:
    """Decide on all changes of a month that a filter means and that stand where this decision is possible."""
    meant = [change for change in ledger.latest_of(wanted.period) if wanted.matches(change, currency)]
    chosen = [change for change in meant if _can_be(change, wish, ledger)]
    return decide_on(ledger, chosen, wish, now=now, new_id=new_id)


def _can_be(change: Change, wish: Wish, ledger: DecisionLedger) -> bool:
    """Whether a change stands where this decision is possible. A first approval can be taken back as well."""
    if change.status in _DECIDABLE[wish.action]:
        return True
    is_proposed = wish.action is DecisionAction.REVOKED and change.status is ChangeStatus.PROPOSED
    return is_proposed and bool(approvals_that_hold(ledger.decisions_of(change)))


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


def decide_on(
    ledger: DecisionLedger, chosen: Sequence[Change], wish: Wish, *, now: datetime, new_id: Callable[[], str]
) -> Decided:
    """Decide on changes in their latest revisions, as far as the rules of deciding and the policy let it be done."""
    done = [change for change in chosen if _is_done(change.status, wish)]
    otherwise = [each for change in done if (each := _approved_otherwise(ledger, change, wish)) is not None]
    names = {each.change_id for each in otherwise}
    already = tuple(change for change in done if change.change_id not in names)
    open_ones = [change for change in chosen if change not in done]
    answers = [_answer(ledger, change, wish, now, new_id) for change in open_ones]
    refused = [answer for answer in answers if isinstance(answer, Undecided)]
    wanted = [answer for answer in answers if isinstance(answer, Decision)]
    stood = {change.change_id: change.status for change in open_ones}
    possible = [(each, _DECIDABLE[each.action] | {stood[each.change_id]}) for each in wanted]
    lost = {decision.change_id: status for decision, status in ledger.decide(possible)}
    # Somebody else was quicker by an instant: who wished the same finds it done, as a later click would.
    overtaken = [replace(change, status=lost[change.change_id]) for change in open_ones if change.change_id in lost]
    return Decided(
        decisions=tuple(decision for decision in wanted if decision.change_id not in lost),
        already=(*already, *(change for change in overtaken if _is_done(change.status, wish))),
        undecided=(
            *otherwise,
            *refused,
            *(_overtaken(change) for change in overtaken if not _is_done(change.status, wish)),
        ),
    )


def _approved_otherwise(ledger: DecisionLedger, change: Change, wish: Wish) -> Undecided | None:
    """A change whose standing approval is bound to another agreement or day than the ones that are picked now."""
    day = None if wish.effective_date is None else wish.effective_date.isoformat()
    if wish.action is not DecisionAction.APPROVED or (wish.agreement_id is None and day is None):
        return None
    holding = approvals_that_hold(ledger.decisions_of(change))
    plan = holding[-1].plan if holding else None
    if plan is None or (wish.agreement_id in {None, plan["agreement"]} and day in {None, plan["effective_date"]}):
        return None
    bound = f"agreement {plan['agreement']} from {plan['effective_date']} on"
    return Undecided(
        change.change_id, change.revision, f"it is {change.status} for {bound}: take that approval back first (revoke)"
    )


def _overtaken(change: Change) -> Undecided:
    if change.status is ChangeStatus.PROPOSED:
        reason = "somebody else decided about it at the same moment; nothing was decided, look at it again"
    else:
        reason = f"it is {change.status} by now; nothing was decided"
    return Undecided(change.change_id, change.revision, reason)


def _is_done(status: ChangeStatus, wish: Wish) -> bool:
    if wish.action is DecisionAction.APPROVED:
        return status in _UNDER_WAY
    return wish.action is DecisionAction.DECLINED and status is ChangeStatus.DECLINED


def _answer(
    ledger: DecisionLedger, change: Change, wish: Wish, now: datetime, new_id: Callable[[], str]
) -> Decision | Undecided:
    """The decision that a wish becomes for one change, or why it does not."""
    reason = None
    if not _can_be(change, wish, ledger) or wish.action is DecisionAction.APPROVED:
        reason = objection_to(change, wish, ledger.takes, now=now)
    if reason is None and wish.action is DecisionAction.APPROVED:
        return _approval(ledger, change, wish, now, new_id)
    if reason is not None:
        return Undecided(change.change_id, change.revision, reason)
    return Decision(new_id(), change.change_id, change.revision, wish.action, wish.actor, now, wish.note)


def _approval(
    ledger: DecisionLedger, change: Change, wish: Wish, now: datetime, new_id: Callable[[], str]
) -> Decision | Undecided:
    policy = ledger.policy_of(change.period)
    verdict, plan = judged(policy, change), ledger.plan_of(picked(change, wish, ledger.takes))
    is_for_two = verdict.outcome is PolicyOutcome.SECOND_APPROVER
    before = approvals_that_hold(ledger.decisions_of(change)) if is_for_two else []
    counted = [each for each in before if _counts(each, plan, wish.actor)]
    editors = ledger.editors_of(change) if policy.is_approver_not_editor else frozenset()
    reason = objection_of_policy(verdict) or _objection_to_actor(verdict, wish.actor, editors, counted)
    if reason is not None:
        return Undecided(change.change_id, change.revision, reason)
    return Decision(
        decision_id=new_id(),
        change_id=change.change_id,
        revision=change.revision,
        action=DecisionAction.FIRST_APPROVED if is_for_two and not counted else DecisionAction.APPROVED,
        actor=wish.actor,
        at=now,
        note=wish.note,
        plan_hash=plan.hash,
        plan=plan.document,
        has_confirmed_zero=wish.has_confirmed_zero and "confirm_zero" in change.needs,
        beside=tuple(each.decision_id for each in before) if is_for_two else None,
    )


def _counts(approval: Decision, plan: LinePlan, actor: Actor) -> bool:
    """Whether an earlier approval is of the same plan, and proved if this one is.

    Where people have tokens, a name that was once only given is nobody in particular.
    """
    return approval.plan_hash == plan.hash and (actor.is_asserted or not approval.actor.is_asserted)


def objection_of_policy(verdict: Verdict) -> str | None:
    """Why the policy lets nobody approve a change; None when it lets somebody."""
    if verdict.outcome is not PolicyOutcome.HOLD:
        return None
    return f"the policy holds it by {named_rules(verdict)}: decline it, or change the policy"


def _objection_to_actor(
    verdict: Verdict, actor: Actor, editors: Iterable[str], counted: Sequence[Decision]
) -> str | None:
    """Why this one may not approve a change that somebody else may."""
    if any(same_person(actor.name, editor) for editor in editors):
        return f"{actor.name} edited a mapping that feeds it, and the policy asks for another approver"
    if counted and all(same_person(actor.name, each.actor.name) for each in counted):
        return f"{actor.name} approved it already, and the policy asks for a second person by {named_rules(verdict)}"
    return None


def picked(change: Change, wish: Wish, takes: PsaTakes) -> Change:
    """The change with what the reviewer picked in the place of what was proposed.

    Where the PSA is not told the day, a line that stands waits for the one that was picked, and one that is to be
    made for its day in any case: it is billed from the moment it is made.
    """
    has_day = wish.effective_date is not None or change.line_id is None
    waits = has_day and not takes.is_told_the_day_of(change)
    return replace(
        change,
        effective_date=wish.effective_date or change.effective_date,
        agreement_id=wish.agreement_id or change.agreement_id,
        when=When.ON_DATE if waits else change.when,
    )


def as_meant(change: Change, plan: Mapping[str, Any] | None, takes: PsaTakes) -> Change:
    """The change as it would be written: as the approval with this plan is bound, or else as it is proposed."""
    return as_bound(change, plan) if plan else picked(change, UNPICKED, takes)


def objection_to(change: Change, wish: Wish, takes: PsaTakes, *, now: datetime) -> str | None:
    """Why a wish cannot be granted for a change as it stands, in an operator's words; None when it can."""
    if change.status not in _DECIDABLE[wish.action]:
        return _STANDS[wish.action].format(status=change.status)
    if wish.action is not DecisionAction.APPROVED:
        return None
    return (
        _objection_to_place(change, wish)
        or _objection_to_day(change, wish, takes, now)
        or takes.objection_to(change)
        or _unticked(change, wish)
    )


_STANDS = {
    DecisionAction.APPROVED: "it is {status}: only what is proposed can be approved",
    DecisionAction.DECLINED: "it is {status}: only what is proposed or approved can be declined",
    DecisionAction.REVOKED: "it is {status}: only an approval or a refusal that nobody acted on can be taken back",
}


def _objection_to_place(change: Change, wish: Wish) -> str | None:
    if change.line_id is not None and wish.agreement_id is not None:
        return "it has its line already; an agreement is named only for new found revenue"
    if change.line_id is None and change.agreement_id is None and wish.agreement_id is None:
        return (
            "it is new found revenue, and the account has several agreements, or none: name the one that the new line "
            "shall stand on (--agreement)"
        )
    return None


def _objection_to_day(change: Change, wish: Wish, takes: PsaTakes, now: datetime) -> str | None:
    day, begun = wish.effective_date, BillingPeriod.from_key(change.period).first_day
    if day is None:
        return None
    if change.when is When.AT_RENEWAL:
        return f"it is due at the renewal, on {change.effective_date}: no other day can be picked"
    if day < begun:
        return f"{day} lies before the month that the files speak for: pick a day from {begun} on"
    if change.line_id is not None and not takes.dates and day < (now - _LATEST_ZONE).date():
        return f"{day} is over, and this PSA changes a line at once: pick the day on which it shall be written"
    return None


def _unticked(change: Change, wish: Wish) -> str | None:
    if "confirm_zero" not in change.needs or wish.has_confirmed_zero:
        return None
    why = "it is taken back to that" if change.is_roll_back else "nothing is used any more"
    return f"it would go to {text(change.quantity_after)} because {why}: confirm that (--confirm-zero)"
