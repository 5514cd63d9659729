"""A month as the store knows it, read at one instant and published in one transaction.

Belongs here: what the reconciliation use cases ask of the store.
Does not belong here: deciding anything about what is read or published.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from pipelines.audit import AuditAction, AuditEvent
from pipelines.intake.drops import Arrival, ArrivalStatus, UsageRevision
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.month import LONGEST_CYCLE, MonthRecords, ReconciledAs
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.closing import Closing, Reopening
from pipelines.review.publishing import MonthOutcome
from resources.store import audit, changes, copies, findings, inbox, mappings, periods, reconciliations, usage
from resources.store.engine import Store
from resources.store.errors import StoreConflict


class StoreMonthLedger:
    """The ledger of ``pipelines.reconciliation.month`` and ``pipelines.review.publishing``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._published: dict[str, int] = {}

    def read_month(self, period: BillingPeriod, *, as_of: datetime | None = None) -> MonthRecords:
        """Everything known about a month, read at one instant; with ``as_of``, what was known by then.

        A closed month is read as of the instant it was frozen at, or an earlier one that is asked for. Where a file
        that arrived by then stands is told as it is now: only its readings have a history.
        """
        tenant = self._store.tenant
        with self._store.reading() as conn:
            frozen = periods.frozen_at(conn, tenant, period.key)
            self._published[period.key] = reconciliations.reconciliation_count(conn, tenant, period.key)
            is_asked_for, as_of = as_of is not None, _earliest(as_of, frozen)
            revisions = usage.current_revisions(conn, tenant, period.key, as_of=as_of)
            previous_drops = usage.known_drops(conn, tenant, period.previous.key, as_of=as_of)
            before = reconciliations.latest_reconciliation(conn, tenant, period.previous.key, as_of=as_of)
            arrivals = inbox.arrivals(conn, tenant, period=period.key) + _unassigned(conn, tenant)
            return MonthRecords(
                revisions=revisions,
                previous_drops=previous_drops,
                arrivals=[arrival for arrival in arrivals if as_of is None or arrival.arrived_at <= as_of],
                rejected=usage.rejected_rows(conn, tenant, [revision.revision_id for revision in revisions]),
                entries=mappings.recorded_entries(conn, tenant, as_of=as_of),
                psa_copy=copies.newest_copy(conn, tenant, as_of=as_of),
                previous_revisions=[
                    revision
                    for revision in usage.current_revisions(conn, tenant, period.previous.key, as_of=as_of)
                    if revision.drop in previous_drops
                ],
                earlier_revisions=usage.invoices_between(
                    conn, tenant, period.shifted(-LONGEST_CYCLE).key, period.key, as_of=as_of
                ),
                previous_figures_key=before.summary.get("figures") if before else None,
                previous_psa_copy=copies.newest_complete_copy(conn, tenant, as_of=before.at) if before else None,
                as_of=as_of,
                is_closed=frozen is not None,
                late_revisions=[] if is_asked_for or as_of is None else _later(conn, tenant, period, as_of),
                late_arrivals=[
                    arrival for arrival in arrivals if not is_asked_for and as_of and arrival.arrived_at > as_of
                ],
            )

    def latest_changes(self) -> list[Change]:
        """The latest revision of every change of the tenant, all months."""
        with self._store.reading() as conn:
            return changes.latest_changes(conn, self._store.tenant)

    def sources_after(self, period: BillingPeriod, *, as_of: datetime | None = None) -> list[dict[str, Any]]:
        """What was published of every source in later months, each month as it was last reconciled (by an instant)."""
        with self._store.reading() as conn:
            latest = reconciliations.latest_by_period(conn, self._store.tenant, as_of=as_of)
        return [source for month, found in latest.items() if month > period.key for source in found.sources]

    def publish(self, outcome: MonthOutcome) -> None:
        """Store proposals, findings and the verdict in one transaction.

        Raises ``StoreConflict`` when another run published the month since it was read here: what stands may rest on
        newer inputs than these.
        """
        tenant, plan = self._store.tenant, outcome.plan
        with self._store.transaction() as conn:
            # First of all, since whoever publishes at the same moment waits here.
            reconciliations.record_reconciliation(
                conn,
                tenant,
                outcome.period,
                outcome.run_id,
                outcome.input_hash,
                str(outcome.verdict),
                outcome.sources,
                outcome.as_json() | {"is_psa_copied": outcome.is_psa_copied, "figures": outcome.figures_key},
                outcome.at,
            )
            self._check_alone(conn, outcome.period)
            for change in plan.supersede:
                changes.set_status(
                    conn, tenant, change.change_id, change.revision, ChangeStatus.SUPERSEDED, expected=change.status
                )
                if change.status is ChangeStatus.APPROVED:
                    audit.record_event(conn, tenant, _approval_overtaken(change, outcome))
            for change in plan.refresh:
                changes.refresh_change(conn, tenant, change)
            changes.insert_changes(conn, tenant, plan.insert)
            findings.replace_findings(conn, tenant, outcome.period, outcome.findings, outcome.at)

    def _check_alone(self, conn: Connection, period: str) -> None:
        known = self._published.get(period)
        if known is not None and reconciliations.reconciliation_count(conn, self._store.tenant, period) != known + 1:
            raise StoreConflict(f"Another run reconciled {period} at the same time, and what it found stands.")

    def open_months(self) -> list[str]:
        """Every month with a reading that nobody has closed, oldest first."""
        with self._store.reading() as conn:
            return periods.open_periods(conn, self._store.tenant)

    def late_months(self) -> list[str]:
        """Every closed month that a file spoke for after it was frozen, oldest first."""
        with self._store.reading() as conn:
            return periods.late_periods(conn, self._store.tenant)

    def frozen_at(self, period: BillingPeriod) -> datetime | None:
        """The instant that a closed month is known up to; None for an open one."""
        with self._store.reading() as conn:
            return periods.frozen_at(conn, self._store.tenant, period.key)

    def close(self, closing: Closing) -> None:
        """Record that a month is closed."""
        with self._store.transaction() as conn:
            periods.close_period(conn, self._store.tenant, closing)

    def reopen(self, reopening: Reopening) -> bool:
        """Record that a month is open again; False when it was not closed."""
        with self._store.transaction() as conn:
            return periods.reopen_period(conn, self._store.tenant, reopening)

    def reconciled_as(self) -> dict[str, ReconciledAs]:
        """What each month was last reconciled from."""
        with self._store.reading() as conn:
            latest = reconciliations.latest_by_period(conn, self._store.tenant)
        return {
            period: ReconciledAs(found.input_hash, bool(found.summary["is_psa_copied"]), found.at)
            for period, found in latest.items()
        }


def _approval_overtaken(change: Change, outcome: MonthOutcome) -> AuditEvent:
    """An approval that holds no longer leaves a trace, though nobody took it back."""
    return AuditEvent(
        action=AuditAction.SUPERSEDED,
        subject=f"{change.change_id}@{change.revision}",
        actor="reconciliation",
        is_asserted=False,
        at=outcome.at,
        details={"run": outcome.run_id, "period": outcome.period},
    )


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)


def _later(conn: Connection, tenant: str, period: BillingPeriod, frozen: datetime) -> list[UsageRevision]:
    return [reading for reading in usage.current_revisions(conn, tenant, period.key) if reading.created_at > frozen]


def _unassigned(conn: Connection, tenant: str) -> list[Arrival]:
    """Quarantined files that no month is known for: every month asks a person about them."""
    quarantined = inbox.arrivals(conn, tenant, status=ArrivalStatus.QUARANTINED)
    return [arrival for arrival in quarantined if arrival.period is None]
