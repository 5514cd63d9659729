"""Reconciling a month: gather what is known, have the warehouse compute, remember what it was computed from.

Belongs here: the use case up to the figures, its Protocols, the hash of a month's inputs.
Does not belong here: proposals (``pipelines.review``), SQL (``dbt_project``), storage (``resources``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Generic, Protocol, TypeVar

from pipelines.agreements.records import CopyStatus, PsaCopy, PsaRecords
from pipelines.identity import RevisionId
from pipelines.intake.drops import Arrival, DropIdentity, UsageRevision
from pipelines.intake.rows import RowError
from pipelines.mapping.entries import RecordedEntry
from pipelines.mapping.live import LiveMappings, live_on
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.expected import ExpectedDrop, expected_drops, source_states
from pipelines.reconciliation.inputs import DoubtfulRow, MonthFigures, MonthInputs

Node_co = TypeVar("Node_co", covariant=True)
"""What a warehouse tells of one model or test it ran; the rules never look inside."""

OLDEST_COPY = timedelta(hours=24)
"""A PSA copy older than this is not compared with: people have changed the PSA since (features.md, M7)."""

LONGEST_CYCLE = 36
"""Months: the longest time that a subscription is paid upfront for (triennial, distributors.md section 5)."""


@dataclass(frozen=True)
class MonthRecords:
    """What the store knows about a month, read in one transaction."""

    revisions: Sequence[UsageRevision]
    previous_drops: Sequence[DropIdentity]
    arrivals: Sequence[Arrival]
    rejected: Sequence[tuple[RevisionId, RowError]]
    entries: Sequence[RecordedEntry]
    psa_copy: PsaCopy | None
    previous_revisions: Sequence[UsageRevision] = ()
    earlier_revisions: Sequence[UsageRevision] = ()
    """Readings of invoices of the ``LONGEST_CYCLE`` before the month."""
    previous_figures_key: str | None = None
    previous_psa_copy: PsaCopy | None = None
    """The newest whole copy when the month before was last reconciled: what the PSA's records were named then."""
    as_of: datetime | None = None
    """The instant up to which it was known; None for all that is known now."""
    is_closed: bool = False
    """Whether a person froze the month as of that instant."""
    late_revisions: Sequence[UsageRevision] = ()
    """Current readings that came after a closed month was frozen: they are told and change nothing."""
    late_arrivals: Sequence[Arrival] = ()
    """Files for a closed month that arrived after it was frozen."""


@dataclass(frozen=True)
class MonthView:
    """A month's records put in relation: who is expected, which mappings are live, may the PSA be compared with.

    ``at`` is the instant it is seen from: a PSA copy is old or new, and agreement lines are live, as of then.
    """

    records: MonthRecords
    at: datetime
    expected: Sequence[ExpectedDrop]
    live: LiveMappings
    is_psa_copied: bool
    input_hash: str

    @property
    def figures_key(self) -> str:
        """Names the figures that follow from these inputs, and whether there was a PSA to compare with.

        Which copy it was stays out: months that run at once each copy the PSA, and the newest copy of one must not
        make the other's figures look outdated.
        """
        return f"{self.input_hash}-{'psa' if self.is_psa_copied else 'no-psa'}"


@dataclass(frozen=True)
class Tenant:
    """Whose month it is: the id in every path, the currency where an agreement names none, the calendar.

    ``takes_dates`` says that its PSA is told from which day a quantity holds.
    """

    id: str
    currency: str
    zone: tzinfo
    takes_dates: bool = False

    def day_of(self, instant: datetime) -> date:
        """The day of an instant on the tenant's own calendar."""
        return instant.astimezone(self.zone).date()

    def holds_from(self, period: BillingPeriod, now: datetime) -> date:
        """The day from which what a month proposes now shall hold: the first after it.

        A PSA that takes dates may have billed that month already, and what is changed then cannot be taken back: there
        it is the start of the next period that has not begun.
        """
        today = self.day_of(now)
        begun = BillingPeriod(today.year, today.month)
        return max(period.end_date, begun.end_date) if self.takes_dates else period.end_date


@dataclass(frozen=True)
class ReconciledAs:
    """What a month was last reconciled from, and when."""

    input_hash: str
    is_psa_copied: bool
    at: datetime


class MonthLedger(Protocol):
    """Where a month's records are read."""

    def read_month(self, period: BillingPeriod, *, as_of: datetime | None = None) -> MonthRecords:
        """Everything known about a month, read at one instant; with ``as_of``, what was known by then.

        A closed month is read as of the instant it was frozen at, or an earlier one that is asked for.
        """
        ...


class MonthLake(Protocol):
    """Where PSA copies and computed months are kept."""

    def read_psa(self, lake_path: str) -> PsaRecords:
        """The records of a complete copy."""
        ...

    def read_figures(self, period: str, figures_key: str) -> MonthFigures:
        """The figures that were computed under this key. Raises ``LookupError`` when there are none."""
        ...


class BuiltMonth(Protocol, Generic[Node_co]):
    """A month that the warehouse has computed and still holds in its scratch."""

    @property
    def nodes(self) -> Sequence[Node_co]:
        """What became of each model and test."""
        ...

    @property
    def is_sound(self) -> bool:
        """Whether none of the warehouse's tests failed; a warning is no failure."""
        ...

    def checked_figures(self) -> MonthFigures:
        """The warehouse's answer. Raises when one of its tests failed: then no number of it may be told."""
        ...

    def keep(self, figures_key: str) -> str:
        """Keep the figures in the lake under this key."""
        ...

    def close(self) -> None:
        """Give up the scratch."""
        ...


class Warehouse(Protocol, Generic[Node_co]):
    """Where the arithmetic over sets is done."""

    def build(self, inputs: MonthInputs) -> BuiltMonth[Node_co]:
        """Compute a month."""
        ...


def compute_month(
    tenant: Tenant,
    period: BillingPeriod,
    ledger: MonthLedger,
    warehouse: Warehouse[Node_co],
    *,
    now: datetime,
) -> Sequence[Node_co]:
    """Compute a month from what the store knows now, and keep its figures under the key of these inputs.

    Figures of which a test failed are not kept: publishing looks for a key alone and would find them.
    """
    view = month_view(period, ledger.read_month(period), now)
    built = warehouse.build(month_inputs(tenant, period, view))
    try:
        if built.is_sound:
            built.keep(view.figures_key)
        return built.nodes
    finally:
        built.close()


def month_view(period: BillingPeriod, records: MonthRecords, now: datetime) -> MonthView:
    """The month as its rules see it. Mappings are those live on the month's last day."""
    at = records.as_of or now
    live = live_on(records.entries, period.last_day)
    expected = expected_drops(records.revisions, records.previous_drops, {entry.source for entry in live.services})
    copy = records.psa_copy
    is_copied = copy is not None and copy.status is CopyStatus.COMPLETE and at - copy.finished_at <= OLDEST_COPY
    return MonthView(records, at, expected, live, is_copied, _input_hash(records, expected, live))


def _input_hash(records: MonthRecords, expected: Sequence[ExpectedDrop], live: LiveMappings) -> str:
    drops = [
        f"{drop.source}|{drop.profile}|{drop.part}|{drop.revision.revision_id if drop.revision else ''}"
        for drop in expected
    ]
    before = [str(revision.revision_id) for revision in records.previous_revisions]
    before += [str(revision.revision_id) for revision in records.earlier_revisions]
    before += [str(revision.revision_id) for revision in records.late_revisions]
    # when a decision begins tells whether it is one about a key that drifted
    begun = [f"account|{entry.source}|{entry.key}|{entry.validity.valid_from}" for entry in live.accounts]
    begun += [f"service|{entry.source}|{entry.key}|{entry.validity.valid_from}" for entry in live.services]
    # until when a key is skipped stands in the words of its finding
    begun += [f"skipped|{each.kind}|{each.source}|{each.key}|{each.validity.valid_until}" for each in live.skipped]
    parts = [*drops, live.version, *before, records.previous_figures_key or "", *sorted(begun)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def month_inputs(tenant: Tenant, period: BillingPeriod, view: MonthView) -> MonthInputs:
    """What the warehouse computes a month from.

    Without a usable PSA copy every source is silenced, so nothing can be proposed from a stale or partial copy.
    """
    source_of = {revision.revision_id: revision.drop.source for revision in view.records.revisions}
    return MonthInputs(
        tenant=tenant.id,
        period=period,
        revisions=tuple(revision for revision in view.records.revisions if revision.lake_path is not None),
        source_states=source_states(view.expected, is_psa_copied=view.is_psa_copied),
        doubtful_rows=tuple(
            DoubtfulRow(source_of[revision_id], error.account, error.service)
            for revision_id, error in view.records.rejected
        ),
        accounts=view.live.accounts,
        services=view.live.services,
        units=view.live.units,
        psa=view.records.psa_copy if view.is_psa_copied else None,
        as_of_date=tenant.day_of(view.at),
        currency=tenant.currency,
        previous_revisions=tuple(view.records.previous_revisions),
        earlier_revisions=tuple(view.records.earlier_revisions),
        previous_figures_key=view.records.previous_figures_key,
    )
