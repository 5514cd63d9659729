"""How fresh deltas meet the changes that stand: what is new, what stands on, what is withdrawn.

Belongs here: turning deltas into changes, revisions, superseding, one open change per line.
Does not belong here: approvals and writing.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pipelines.identity import ChangeId
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome
from pipelines.review.changes import Change, ChangeStatus, When

IN_FLIGHT = frozenset({ChangeStatus.SENDING, ChangeStatus.UNKNOWN})
DECIDABLE = frozenset({ChangeStatus.PROPOSED, ChangeStatus.APPROVED})
OPEN = DECIDABLE | IN_FLIGHT

FLAGS = ("prepaid", "below_cost")
"""What a reviewer must know beside the numbers; nothing here stops a change."""


@dataclass(frozen=True)
class ProposalPlan:
    """What to store after a reconciliation, in one transaction.

    ``insert`` are new revisions, ``refresh`` keep their revision but carry fresh names and evidence,
    ``supersede`` are revisions that no longer hold, ``overtaken`` are deltas that a newer month speaks for,
    ``rolled_back`` are deltas of lines for which a roll-back is open.
    """

    insert: tuple[Change, ...]
    refresh: tuple[Change, ...]
    supersede: tuple[Change, ...]
    standing: tuple[Change, ...]
    overtaken: tuple[Delta, ...]
    rolled_back: tuple[Delta, ...] = ()


def change_id(tenant: str, period: str, delta: Delta) -> ChangeId:
    """The stable id of what a delta is about: (tenant, period, line) or (tenant, period, account + service)."""
    target = f"line:{delta.line_id}" if delta.line_id else f"new:{delta.account_id}\x1f{delta.service_id}"
    return ChangeId(hashlib.sha256(f"{tenant}\x1f{period}\x1f{target}".encode()).hexdigest()[:12])


def proposed_change(tenant: str, period: BillingPeriod, delta: Delta, holds_from: date, now: datetime) -> Change:
    """The first revision of the change that a proposed delta asks for.

    ``holds_from`` is its effective date, unless it waits for a renewal. Everything that ends at zero, and everything
    vanished, needs its own tick.
    """
    ends_at_zero = delta.quantity_after == 0
    return Change(
        change_id=change_id(tenant, period.key, delta),
        revision=1,
        period=period.key,
        kind=delta.kind,
        status=ChangeStatus.PROPOSED,
        sources=delta.sources,
        account_id=delta.account_id,
        account_name=delta.account_name,
        service_id=delta.service_id,
        service_name=delta.service_name,
        agreement_id=delta.agreement_id,
        line_id=delta.line_id,
        quantity_before=delta.quantity_before,
        quantity_after=delta.quantity_after,
        unit_price=delta.unit_price,
        unit_cost=delta.unit_cost,
        amount_delta=delta.amount_delta,
        currency=delta.currency,
        effective_date=delta.due_on or holds_from,
        when=When.NOW if delta.due_on is None else When.AT_RENEWAL,
        needs=("confirm_zero",) if ends_at_zero or delta.kind is DeltaKind.VANISHED else (),
        flags=_flags(delta),
        evidence_count=delta.evidence_count,
        evidence=delta.evidence,
        provenance_hash=delta.rows_digest,
        proposed_at=now,
    )


def _flags(delta: Delta) -> tuple[str, ...]:
    """Which of ``FLAGS`` hold."""
    price, cost = delta.unit_price, delta.unit_cost
    is_below_cost = price is not None and cost is not None and price < cost
    return tuple(flag for flag, holds in zip(FLAGS, (delta.is_prepaid, is_below_cost), strict=True) if holds)


@dataclass(frozen=True)
class Speakers:
    """Whose word counts in a month.

    ``now`` are the sources that are complete in it, ``later`` those that are complete in a newer month which was
    reconciled already: what they say there replaces what they said here. Without a PSA copy nothing is compared.
    """

    now: frozenset[str]
    later: frozenset[str] = frozenset()
    is_psa_copied: bool = True

    def speak_later(self, sources: Sequence[str]) -> bool:
        """Whether everything that feeds a target was heard in a newer month."""
        return bool(sources) and self.later.issuperset(sources)


def plan_proposals(
    tenant: str,
    period: BillingPeriod,
    deltas: Iterable[Delta],
    latest: Sequence[Change],
    speakers: Speakers,
    holds_from: date,
    now: datetime,
) -> ProposalPlan:
    """What a month's deltas do to the changes of all months.

    ``latest`` holds the latest revision of every change of the tenant. A line has one open change at a time: the
    newest month's. A change in flight is left alone until its outcome is known. A roll-back that is open keeps every
    month off its line, and no month withdraws it: a person asked for it, so a person decides.
    """
    rolled_back_now = {target_of(change) for change in latest if change.is_roll_back and change.status in OPEN}
    taken = {target_of(change) for change in latest if _takes_precedence(change, period)}
    own = {change.change_id: change for change in latest if change.period == period.key}
    fresh: list[Change] = []
    overtaken: list[Delta] = []
    rolled_back: list[Delta] = []
    for delta in deltas:
        if delta.outcome is not DeltaOutcome.PROPOSED:
            continue
        if target_of(delta) in rolled_back_now:
            rolled_back.append(delta)
        elif target_of(delta) in taken or speakers.speak_later(delta.sources):
            overtaken.append(delta)
        else:
            fresh.append(proposed_change(tenant, period, delta, holds_from, now))
    insert: list[Change] = []
    refresh: list[Change] = []
    supersede = _withdrawn(period, latest, fresh, speakers)
    for change in fresh:
        _meet(change, own.get(change.change_id), insert, refresh, supersede)
    replaced = {change.change_id for change in [*insert, *refresh, *supersede]}
    kept = [change for change in own.values() if change.status in OPEN and change.change_id not in replaced]
    return ProposalPlan(
        insert=tuple(insert),
        refresh=tuple(refresh),
        supersede=tuple(supersede),
        standing=(*insert, *refresh, *kept),
        overtaken=tuple(overtaken),
        rolled_back=tuple(rolled_back),
    )


def nothing_proposed(period: BillingPeriod, latest: Iterable[Change]) -> ProposalPlan:
    """A closed month's plan: what stands of it stands on as it was frozen, to be decided and written."""
    standing = tuple(change for change in latest if change.period == period.key and change.status in OPEN)
    return ProposalPlan((), (), (), standing, ())


def target_of(item: Change | Delta) -> tuple[str, ...]:
    """What a difference or a change is about: a line, or an account's service that stands on none."""
    return (item.line_id,) if item.line_id else (item.account_id, item.service_id)


def _takes_precedence(change: Change, period: BillingPeriod) -> bool:
    """Whether a change of another month keeps this month off its target: a newer one, or one on its way to the line."""
    is_newer = change.period > period.key and change.status is not ChangeStatus.SUPERSEDED
    return is_newer or (change.period != period.key and change.status in IN_FLIGHT)


def _withdrawn(
    period: BillingPeriod, latest: Sequence[Change], fresh: Sequence[Change], speakers: Speakers
) -> list[Change]:
    """Open changes that no longer hold: of this month without a fresh twin, of older months when this one speaks."""
    confirmed = {change.change_id for change in fresh}
    targets = {target_of(change) for change in fresh}
    decidable = [change for change in latest if change.status in DECIDABLE and not change.is_roll_back]
    return [
        change
        for change in decidable
        if (change.period == period.key and change.change_id not in confirmed and _may_withdraw(change, speakers))
        or (change.period < period.key and (target_of(change) in targets or speakers.now.issuperset(change.sources)))
    ]


def _may_withdraw(change: Change, speakers: Speakers) -> bool:
    # A PSA that cannot be read says nothing about what a person approved; the write looks at the line again anyway.
    return speakers.is_psa_copied or change.status is ChangeStatus.PROPOSED


def _meet(
    fresh: Change, known: Change | None, insert: list[Change], refresh: list[Change], supersede: list[Change]
) -> None:
    if known is None:
        insert.append(fresh)
        return
    same_numbers = _numbers(known) == _numbers(fresh)
    same_rows = known.provenance_hash == fresh.provenance_hash
    if known.status in IN_FLIGHT or (known.status is ChangeStatus.DECLINED and same_numbers):
        return
    if known.status is ChangeStatus.PROPOSED and same_numbers:
        refresh.append(replace(fresh, revision=known.revision, proposed_at=known.proposed_at))
        return
    if known.status is ChangeStatus.APPROVED and same_numbers and same_rows:
        return
    if known.status in DECIDABLE:
        supersede.append(known)
    insert.append(replace(fresh, revision=known.revision + 1))


def _numbers(change: Change) -> tuple[object, ...]:
    return (
        change.kind,
        change.quantity_before,
        change.quantity_after,
        change.agreement_id,
        change.effective_date,
        change.unit_price,
        change.unit_cost,
    )
