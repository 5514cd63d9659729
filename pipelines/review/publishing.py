"""A month's figures become proposals, findings and a verdict, published at once or not at all.

Belongs here: the use case from figures to what people see, its Protocols.
Does not belong here: computing figures and storing what is published.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pipelines.agreements.records import NO_RECORDS, PsaCopy, PsaRecords
from pipelines.findings import Finding
from pipelines.intake.drops import Arrival, ArrivalStatus
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.attention import MonthSeen, month_findings
from pipelines.reconciliation.expected import MonthVerdict, heard_sources, month_verdict, source_states, sources_as_json
from pipelines.reconciliation.inputs import MonthFigures
from pipelines.reconciliation.month import (
    MonthLake,
    MonthLedger,
    MonthView,
    Tenant,
    Warehouse,
    month_inputs,
    month_view,
)
from pipelines.review.changes import Change
from pipelines.review.proposing import ProposalPlan, Speakers, nothing_proposed, plan_proposals
from pipelines.review.targets import stopped_targets

Node = TypeVar("Node")


class InputsMovedError(Exception):
    """No sound figures stand for the present inputs: they moved since, or a check of the figures was red.

    Computing the month again helps against the first; against the second it tells the red check again.
    """


@dataclass(frozen=True)
class MonthOutcome:
    """Everything a reconciliation publishes in one transaction."""

    period: str
    run_id: str
    input_hash: str
    verdict: MonthVerdict
    sources: list[dict[str, Any]]
    plan: ProposalPlan
    findings: Sequence[Finding]
    is_psa_copied: bool
    figures_key: str
    at: datetime
    as_of: datetime | None = None
    """The instant up to which its inputs were known: when a closed month was frozen, or what was asked for."""

    def as_json(self) -> dict[str, Any]:
        """``trueup run --json`` of the outside contract."""
        by_kind = Counter(str(change.kind) for change in self.plan.standing)
        return {
            "period": self.period,
            "verdict": str(self.verdict),
            "as_of": None if self.as_of is None else self.as_of.isoformat(),
            "sources": self.sources,
            "changes": {
                "standing": len(self.plan.standing),
                "new": len(self.plan.insert),
                "by_kind": {kind: by_kind.get(kind, 0) for kind in ("increase", "decrease", "unbilled", "vanished")},
            },
            "findings": len(self.findings),
            "since_last_run": self._moves(),
        }

    def _moves(self) -> dict[str, list[str]]:
        """Which changes of the month this run made, gave other numbers, or withdrew."""
        revised = {change.change_id for change in self.plan.supersede} & {
            change.change_id for change in self.plan.insert
        }
        return {
            "appeared": [change.change_id for change in self.plan.insert if change.change_id not in revised],
            "altered": sorted(revised),
            "withdrawn": [change.change_id for change in self.plan.supersede if change.change_id not in revised],
        }


class OutcomeLedger(MonthLedger, Protocol):
    """Where outcomes are published."""

    def latest_changes(self) -> list[Change]:
        """The latest revision of every change of the tenant, all months."""
        ...

    def sources_after(self, period: BillingPeriod, *, as_of: datetime | None = None) -> Sequence[Mapping[str, Any]]:
        """What was published of every source in later months, each month as it was last reconciled (by an instant)."""
        ...

    def publish(self, outcome: MonthOutcome) -> None:
        """Store proposals, findings and the verdict in one transaction."""
        ...


def publish_month(
    tenant: Tenant, period: BillingPeriod, ledger: OutcomeLedger, lake: MonthLake, *, run_id: str, now: datetime
) -> MonthOutcome:
    """Publish the month from the newest figures that were computed from exactly the present inputs.

    Raises ``InputsMovedError`` when none are kept: the inputs changed since, or a check of the figures was red.
    """
    view = month_view(period, ledger.read_month(period), now)
    try:
        figures = lake.read_figures(period.key, view.figures_key)
    except LookupError:
        # "from None": whoever decides about a rerun looks at the innermost cause.
        raise InputsMovedError(
            f"{period.key}: no sound figures stand for the present inputs. A file or a mapping arrived while the month "
            "was computed, or a check of it was red. Compute the whole month again (trueup run); if a check is red "
            "then, report it and approve nothing of this month"
        ) from None
    speakers = _speakers(view, heard_sources(ledger.sources_after(period)))
    figured = FiguredMonth(view, figures, psa_of(view, lake), _psa_before(view, lake))
    latest = ledger.latest_changes()
    outcome = month_outcome(tenant, period, figured, latest, speakers, run_id=run_id, now=now)
    if view.records.is_closed:
        outcome = replace(outcome, plan=nothing_proposed(period, latest))
    ledger.publish(outcome)
    return outcome


def recompute_month(
    tenant: Tenant,
    period: BillingPeriod,
    ledger: OutcomeLedger,
    lake: MonthLake,
    warehouse: Warehouse[Node],
    *,
    as_of: datetime,
) -> MonthOutcome:
    """What the month came to from what was known by an instant, as if nothing had been proposed before.

    Nothing is stored: its changes cannot be approved. Readings, mapping decisions and PSA copies are kept for ever, so
    the same instant gives the same answer whenever it is asked, while the tenant's calendar and currency stay.
    """
    view = month_view(period, ledger.read_month(period, as_of=as_of), as_of)
    later = heard_sources(ledger.sources_after(period, as_of=as_of))
    return computed_outcome(tenant, period, view, later, lake, warehouse)


def computed_outcome(
    tenant: Tenant,
    period: BillingPeriod,
    view: MonthView,
    later: frozenset[str],
    lake: MonthLake,
    warehouse: Warehouse[Node],
) -> MonthOutcome:
    """What a month comes to as it is seen, computed now and as if nothing had been proposed before. Nothing is stored.

    ``later`` are the sources that a newer month speaks for.
    """
    built = warehouse.build(month_inputs(tenant, period, view))
    try:
        figured = FiguredMonth(view, built.checked_figures(), psa_of(view, lake), _psa_before(view, lake))
    finally:
        built.close()
    return month_outcome(tenant, period, figured, (), _speakers(view, later), run_id="", now=view.at)


@dataclass(frozen=True)
class FiguredMonth:
    """A month with its figures, the PSA's records that they were compared with, and those of a month ago."""

    view: MonthView
    figures: MonthFigures
    psa: PsaRecords
    psa_before: PsaRecords = NO_RECORDS


def month_outcome(
    tenant: Tenant,
    period: BillingPeriod,
    figured: FiguredMonth,
    latest: Sequence[Change],
    speakers: Speakers,
    *,
    run_id: str,
    now: datetime,
) -> MonthOutcome:
    """What follows from a month's figures. ``latest`` are the changes of all months as they stand."""
    view = figured.view
    stopped = stopped_targets(figured.figures.deltas, figured.psa)
    held = {delta for delta, _ in stopped}
    deltas = [delta for delta in figured.figures.deltas if delta not in held]
    plan = plan_proposals(tenant.id, period, deltas, latest, speakers, tenant.holds_from(period, now), now)
    seen = replace(_seen(period, figured), overtaken=plan.overtaken, rolled_back=plan.rolled_back, stopped=stopped)
    return MonthOutcome(
        period=period.key,
        run_id=run_id,
        input_hash=view.input_hash,
        verdict=month_verdict(
            view.expected, is_psa_copied=view.is_psa_copied, is_file_unassigned=_is_file_unassigned(view)
        ),
        sources=sources_as_json(view.expected, _duplicates(view)),
        plan=plan,
        findings=month_findings(seen),
        is_psa_copied=view.is_psa_copied,
        figures_key=view.figures_key,
        at=now,
        as_of=view.records.as_of,
    )


def _duplicates(view: MonthView) -> list[Arrival]:
    return [arrival for arrival in view.records.arrivals if arrival.status is ArrivalStatus.DUPLICATE]


def _is_file_unassigned(view: MonthView) -> bool:
    return any(a.status is ArrivalStatus.QUARANTINED and a.source is None for a in view.records.arrivals)


def _speakers(view: MonthView, later: frozenset[str]) -> Speakers:
    states = source_states(view.expected, is_psa_copied=view.is_psa_copied)
    return Speakers(frozenset(state.source for state in states if state.is_complete), later, view.is_psa_copied)


def _psa_before(view: MonthView, lake: MonthLake) -> PsaRecords:
    """The PSA a month ago, where it was another copy."""
    copy, now = view.records.previous_psa_copy, view.records.psa_copy
    is_another = copy is not None and now is not None and copy.copy_id != now.copy_id
    return _records_of(copy if is_another else None, view, lake)


def psa_of(view: MonthView, lake: MonthLake) -> PsaRecords:
    """The PSA that a month is compared with; nothing where no copy may be."""
    return _records_of(view.records.psa_copy, view, lake)


def _records_of(copy: PsaCopy | None, view: MonthView, lake: MonthLake) -> PsaRecords:
    if not view.is_psa_copied or copy is None or copy.lake_path is None:
        return NO_RECORDS
    return lake.read_psa(copy.lake_path)


def _seen(period: BillingPeriod, figured: FiguredMonth) -> MonthSeen:
    view = figured.view
    return MonthSeen(
        period=period.key,
        expected=view.expected,
        rejected=view.records.rejected,
        arrivals=view.records.arrivals,
        psa_copy=view.records.psa_copy,
        is_psa_copied=view.is_psa_copied,
        psa=figured.psa,
        psa_before=figured.psa_before,
        accounts=view.live.accounts,
        services=view.live.services,
        figures=figured.figures,
        late_revisions=view.records.late_revisions,
        late_arrivals=view.records.late_arrivals,
        skipped=view.live.skipped,
    )
