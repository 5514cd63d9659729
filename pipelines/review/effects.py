"""What an edit would do to a month: the changes and findings on both sides of it, and where they differ.

Belongs here: the use case from edited mapping entries to differences, what counts as one.
Does not belong here: what the edit is (``pipelines.mapping.importing``), computing a month (``publishing``).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from pipelines.findings import Finding
from pipelines.mapping.entries import RecordedEntry
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.expected import heard_sources
from pipelines.reconciliation.month import MonthLake, Tenant, Warehouse, month_view
from pipelines.review.changes import Change
from pipelines.review.publishing import OutcomeLedger, computed_outcome

Node = TypeVar("Node")
Item = TypeVar("Item", Change, Finding)


class Effect(StrEnum):
    """What an edit does to a change or a finding. Shown, stored nowhere."""

    APPEARS = "appears"
    DISAPPEARS = "disappears"
    ALTERS = "alters"


@dataclass(frozen=True)
class Difference(Generic[Item]):
    """One change or finding as it is and as it would be; None on the side where there is none."""

    before: Item | None
    after: Item | None

    @property
    def effect(self) -> Effect:
        """What the edit does to it."""
        if self.before is None:
            return Effect.APPEARS
        return Effect.DISAPPEARS if self.after is None else Effect.ALTERS

    @property
    def item(self) -> Item:
        """What it is about: as it would be, or as it is where it would be gone."""
        if self.after is not None:
            return self.after
        if self.before is None:
            raise ValueError("a difference has at least one side")
        return self.before


@dataclass(frozen=True)
class MonthEffects:
    """Where a month would differ after an edit. A closed month never does.

    Without a PSA copy to compare with (``is_psa_copied``) there are no changes on either side, so none can differ.
    """

    period: str
    is_closed: bool
    is_psa_copied: bool
    changes: Sequence[Difference[Change]]
    findings: Sequence[Difference[Finding]]


def effects_of_entries(
    tenant: Tenant,
    period: BillingPeriod,
    ledger: OutcomeLedger,
    lake: MonthLake,
    warehouse: Warehouse[Node],
    *,
    entries: Sequence[RecordedEntry],
    now: datetime,
) -> MonthEffects:
    """How a month would differ if these were the mapping entries, from everything else that is known now.

    The month is computed on both sides of the edit, which takes as long as two runs; not at all where the entries that
    are live in it stay the same. Nothing is stored.
    """
    records = ledger.read_month(period)
    edited = records if records.is_closed else replace(records, entries=entries)
    views = [month_view(period, each, now) for each in (records, edited)]
    before, after = views
    if before.input_hash == after.input_hash:
        return MonthEffects(period.key, records.is_closed, before.is_psa_copied, (), ())
    later = heard_sources(ledger.sources_after(period))
    old, new = (computed_outcome(tenant, period, view, later, lake, warehouse) for view in views)
    return MonthEffects(
        period.key,
        records.is_closed,
        before.is_psa_copied,
        changes=differing_changes(old.plan.standing, new.plan.standing),
        findings=_differences(old.findings, new.findings, lambda finding: finding.id, _words),
    )


def differing_changes(before: Iterable[Change], after: Iterable[Change]) -> list[Difference[Change]]:
    """Changes that stand on one side only, or elsewhere, with other numbers or due at another time on the other."""
    return _differences(before, after, lambda change: change.change_id, _numbers)


def moved_money(differences: Iterable[Difference[Change]]) -> dict[str, Decimal]:
    """By how much the money of the proposed changes would move, per currency; currencies are never added across."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for difference in differences:
        for change, sign in ((difference.after, 1), (difference.before, -1)):
            if change is not None and change.amount_delta is not None and change.currency:
                sums[change.currency] += sign * change.amount_delta
    return {currency: amount for currency, amount in sorted(sums.items()) if amount}


def _differences(
    before: Iterable[Item], after: Iterable[Item], id_of: Callable[[Item], str], content_of: Callable[[Item], object]
) -> list[Difference[Item]]:
    """What stands on one side only, or says something else on the other; in the order of the month after."""
    old, new = {id_of(item): item for item in before}, {id_of(item): item for item in after}
    pairs = [Difference(old.get(id_), new.get(id_)) for id_ in {**new, **old}]
    return [pair for pair in pairs if _content(pair.before, content_of) != _content(pair.after, content_of)]


def _content(item: Item | None, content_of: Callable[[Item], object]) -> object:
    return None if item is None else content_of(item)


def _numbers(change: Change) -> object:
    numbers = (change.quantity_before, change.quantity_after, change.amount_delta, change.currency)
    return (change.kind, *numbers, change.agreement_id, change.sources, change.when, change.effective_date)


def _words(finding: Finding) -> object:
    return finding.message, finding.remedy, finding.quantity, finding.amount, finding.currency
