"""What a month is reconciled from, and the figures the warehouse answers with.

Belongs here: the shapes on both sides of the warehouse.
Does not belong here: gathering them (``month``) or computing them (``dbt_project``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pipelines.agreements.records import PsaCopy
from pipelines.findings import Evidence
from pipelines.intake.drops import UsageRevision
from pipelines.mapping.entries import AccountMapping, ServiceMapping, UnitRule
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import Delta


@dataclass(frozen=True)
class SourceState:
    """Whether a source may speak for the month. Grain: one per expected source."""

    source: str
    is_complete: bool


@dataclass(frozen=True)
class DoubtfulRow:
    """A rejected record that could explain a decrease. A key of None could not be read: it may be anything."""

    source: str
    account_key: str | None
    service_key: str | None


@dataclass(frozen=True)
class MonthInputs:
    """Everything a month's figures follow from; the mapping entries are those live on its last day.

    ``revisions`` are the current ones, with their rows in the lake; incomplete ones are shown but propose nothing.
    ``psa`` is a complete copy, or None when there is none to compare with: then no source may speak.
    """

    tenant: str
    period: BillingPeriod
    revisions: tuple[UsageRevision, ...]
    source_states: tuple[SourceState, ...]
    doubtful_rows: tuple[DoubtfulRow, ...]
    accounts: tuple[AccountMapping, ...]
    services: tuple[ServiceMapping, ...]
    units: tuple[UnitRule, ...]
    psa: PsaCopy | None
    as_of_date: date
    """The day on which agreement lines must be live: today for an open period."""
    currency: str
    """The tenant's billing currency, where an agreement names none."""
    previous_revisions: tuple[UsageRevision, ...] = ()
    """The current readings of the month before, of drops that nobody retired: what this month is held against."""
    earlier_revisions: tuple[UsageRevision, ...] = ()
    """Current readings of invoices of earlier months: what was paid upfront for more than a month stands in them."""
    previous_figures_key: str | None = None
    """Names the figures of the month before, whose undecided key drifts are still open."""


@dataclass(frozen=True)
class UnmappedUsage:
    """Usage that no mapping leads anywhere. Grain: (source, account key, service key, currency)."""

    source: str
    account_key: str
    account_name: str
    service_key: str
    service_name: str
    is_account_mapped: bool
    is_service_mapped: bool
    quantity: Decimal
    amount: Decimal | None
    currency: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class ClassedRows:
    """Rows whose charge class carries no quantity. Grain: (source, charge class, charge kind, currency)."""

    source: str
    charge_class: str
    charge_kind: str
    rows: int
    quantity: Decimal
    amount: Decimal | None
    currency: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Conservation:
    """The conservation law of one source: quantity = mapped + unmapped + excluded."""

    source: str
    quantity: Decimal
    mapped: Decimal
    unmapped: Decimal
    excluded: Decimal

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled between reading and mapping."""
        return self.quantity == self.mapped + self.unmapped + self.excluded


class Likeness(StrEnum):
    """Why a new key may be an old one under another name: what they share, the strongest first."""

    SUBSCRIPTION = "subscription"
    SPELLING = "spelling"
    QUANTITY = "quantity"


@dataclass(frozen=True)
class KeyDrift:
    """A key that is gone, was mapped, and may go on under a new key that does not lead to the same place.

    Grain: (source, the old and the new account key, the old and the new service key, likeness, first month). Account
    keys are None where only the service key changed, and service keys where only the account key did.
    """

    source: str
    account_before: str | None
    account_key: str | None
    service_before: str | None
    service_key: str | None
    likeness: Likeness
    seen_since: date
    is_excluded: bool
    """Whether a person excluded the new key: then it holds nothing."""
    pairs: int
    quantity_before: Decimal
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class VanishedSubscription:
    """A subscription of the month before that a complete source no longer names, with the units it had."""

    subscription_id: str
    service_key: str
    quantity: Decimal


@dataclass(frozen=True)
class VanishedSubscriptions:
    """What an account no longer has. Grain: (source, account key). ``named`` are the first of ``count``."""

    source: str
    account_key: str
    count: int
    quantity: Decimal
    named: tuple[VanishedSubscription, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class CommitmentFall:
    """A subscription with fewer units than a month ago, inside its term. ``term_end`` is None where nobody tells."""

    subscription_id: str
    service_key: str
    quantity_before: Decimal
    quantity_now: Decimal
    term_end: date | None


@dataclass(frozen=True)
class CommitmentFalls:
    """Falls that no policy allows. Grain: (source, account key). ``named`` are the first of ``count``.

    ``quantity`` is the units that all of them fell by.
    """

    source: str
    account_key: str
    count: int
    quantity: Decimal
    policy: str
    named: tuple[CommitmentFall, ...]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class TermEnd:
    """A subscription whose commitment ends soon, or has ended. ``term_end`` is the day after the last one.

    ``renewal_quantity`` is how many units go on then, None where the file does not tell.
    """

    term_end: date
    subscription_id: str
    service_key: str
    renewal_quantity: Decimal | None = None


@dataclass(frozen=True)
class TermEnds:
    """Commitments that end in this month or the two after it, or that are over. Grain: (source, account key)."""

    source: str
    account_key: str
    count: int
    named: tuple[TermEnd, ...]


@dataclass(frozen=True)
class CurrencyMismatch:
    """Usage in another currency than the line that bills it. Grain: (source, line, currency of the usage)."""

    source: str
    account_id: str
    account_name: str
    service_id: str
    service_name: str
    line_id: str
    usage_currency: str
    line_currency: str


@dataclass(frozen=True)
class PriceChange:
    """A service that costs another amount per unit than a month ago. Grain: (source, service key, currency, costs).

    ``accounts`` counts the account keys that it is so for, ``quantity`` their units now.
    """

    source: str
    service_key: str
    service_name: str
    currency: str | None
    cost_before: Decimal
    cost_now: Decimal
    accounts: int
    quantity: Decimal
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class MonthFigures:
    """The warehouse's answer for one month."""

    deltas: tuple[Delta, ...]
    unmapped: tuple[UnmappedUsage, ...]
    classed_rows: tuple[ClassedRows, ...]
    conservation: tuple[Conservation, ...]
    key_drifts: tuple[KeyDrift, ...] = ()
    vanished_subscriptions: tuple[VanishedSubscriptions, ...] = ()
    commitment_falls: tuple[CommitmentFalls, ...] = ()
    renewals: tuple[TermEnds, ...] = ()
    extended_terms: tuple[TermEnds, ...] = ()
    price_changes: tuple[PriceChange, ...] = ()
    currency_mismatches: tuple[CurrencyMismatch, ...] = ()
