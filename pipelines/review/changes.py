"""Proposed changes: one line, one number before, one number after, one revision at a time.

Belongs here: what a change is and how fresh deltas meet the changes that stand already.
Does not belong here: storing them, approving them, writing them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pipelines.findings import Evidence
from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import DeltaKind


class ChangeStatus(StrEnum):
    """Where a change stands. Stored and shown; never rename one."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    SUPERSEDED = "superseded"
    SENDING = "sending"
    UNKNOWN = "unknown"
    WRITTEN = "written"
    STALE = "stale"
    REFUSED = "refused"


class When(StrEnum):
    """When a change is due."""

    NOW = "now"
    AT_RENEWAL = "at_renewal"
    ON_DATE = "on_date"


ROLL_BACK = "roll_back"
"""The flag of a change that takes a written one back. Stored; never rename it."""


@dataclass(frozen=True)
class Change:
    """One revision of a change. ``change_id`` is stable per (tenant, period, line or account + service).

    ``line_id`` is None for new found revenue. ``provenance_hash`` names all usage rows that the number rests on, with
    their quantities.
    """

    change_id: ChangeId
    revision: int
    period: str
    kind: DeltaKind
    status: ChangeStatus
    sources: tuple[str, ...]
    account_id: str
    account_name: str
    service_id: str
    service_name: str
    agreement_id: str | None
    line_id: str | None
    quantity_before: Decimal | None
    quantity_after: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None
    amount_delta: Decimal | None
    currency: str | None
    effective_date: date
    when: When
    needs: tuple[str, ...]
    flags: tuple[str, ...]
    evidence_count: int
    evidence: tuple[Evidence, ...]
    provenance_hash: str
    proposed_at: datetime
    batch_id: str | None = None

    @property
    def is_roll_back(self) -> bool:
        """Whether a person asked for it, to take a written change back: its number rests on no file and no mapping."""
        return ROLL_BACK in self.flags

    @property
    def step(self) -> Decimal:
        """By how many units the line moves, down below zero."""
        return self.quantity_after - (self.quantity_before or Decimal(0))

    @property
    def cost_delta(self) -> Decimal | None:
        """What the change makes in a month at the unit cost, exact; None where that is not known."""
        return None if self.unit_cost is None else self.step * self.unit_cost

    @property
    def margin_delta(self) -> Decimal | None:
        """What the change makes in a month at the unit price less the unit cost; None where one is not known."""
        if self.unit_price is None or self.unit_cost is None:
            return None
        return self.step * (self.unit_price - self.unit_cost)

    def is_due(self, today: date) -> bool:
        """Whether it may be written on this day of the tenant's calendar: what has a day of its own waits for it."""
        return self.when is When.NOW or self.effective_date <= today
