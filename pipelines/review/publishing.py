"""A month's figures become proposals, findings and a verdict, published at once or not at all.

Belongs here: the use case from figures to what people see, its Protocols.
Does not belong here: computing figures and storing what is published.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pipelines.agreements.records import PsaRecords
from pipelines.findings import Finding
from pipelines.intake.drops import Arrival, ArrivalStatus
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.attention import MonthSeen, month_findings
from pipelines.reconciliation.expected import MonthVerdict, month_verdict, sources_as_json
from pipelines.reconciliation.inputs import MonthFigures
from pipelines.reconciliation.month import MonthLake, MonthLedger, MonthView, Tenant, month_view
from pipelines.review.changes import Change
from pipelines.review.proposing import ProposalPlan, plan_proposals


class InputsMovedError(Exception):
    """A file or a mapping arrived while the month was computed. A rerun helps."""


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

    def as_json(self) -> dict[str, Any]:
        """``trueup run --json`` of the outside contract."""
        by_kind = Counter(str(change.kind) for change in self.plan.standing)
        return {
            "period": self.period,
            "verdict": str(self.verdict),
            "sources": self.sources,
            "changes": {
                "standing": len(self.plan.standing),
                "new": len(self.plan.insert),
                "by_kind": {kind: by_kind.get(kind, 0) for kind in ("increase", "decrease", "unbilled", "vanished")},
            },
            "findings": len(self.findings),
        }


class OutcomeLedger(MonthLedger, Protocol):
    """Where outcomes are published."""

    def latest_changes(self) -> list[Change]:
        """The latest revision of every change of the tenant, all months."""
        ...

    def publish(self, outcome: MonthOutcome) -> None:
        """Store proposals, findings and the verdict in one transaction."""
        ...


def publish_month(
    tenant: Tenant, period: BillingPeriod, ledger: OutcomeLedger, lake: MonthLake, *, run_id: str, now: datetime
) -> MonthOutcome:
    """Publish the month from the newest figures that were computed from exactly the present inputs.

    Raises ``InputsMovedError`` when the inputs changed since the figures were computed: a rerun computes them anew.
    """
    view = month_view(period, ledger.read_month(period), now)
    try:
        figures = lake.read_figures(period.key, view.figures_key)
    except LookupError:
        # "from None": whoever decides about a rerun looks at the innermost cause.
        raise InputsMovedError(
            f"{period.key}: a file or a mapping arrived while the month was computed; run it again"
        ) from None
    plan = plan_proposals(tenant.id, period, figures.deltas, ledger.latest_changes(), now)
    findings = month_findings(_seen(period, view, lake, figures, plan))
    outcome = MonthOutcome(
        period=period.key,
        run_id=run_id,
        input_hash=view.input_hash,
        verdict=month_verdict(view.expected, is_psa_copied=view.is_psa_copied),
        sources=sources_as_json(view.expected, _duplicates(view)),
        plan=plan,
        findings=findings,
        is_psa_copied=view.is_psa_copied,
        figures_key=view.figures_key,
        at=now,
    )
    ledger.publish(outcome)
    return outcome


def _duplicates(view: MonthView) -> list[Arrival]:
    return [arrival for arrival in view.records.arrivals if arrival.status is ArrivalStatus.DUPLICATE]


def _seen(
    period: BillingPeriod, view: MonthView, lake: MonthLake, figures: MonthFigures, plan: ProposalPlan
) -> MonthSeen:
    copy = view.records.psa_copy
    psa = (
        lake.read_psa(copy.lake_path) if view.is_psa_copied and copy and copy.lake_path else PsaRecords((), (), (), ())
    )
    return MonthSeen(
        period=period.key,
        expected=view.expected,
        rejected=view.records.rejected,
        arrivals=view.records.arrivals,
        psa_copy=copy,
        is_psa_copied=view.is_psa_copied,
        psa=psa,
        accounts=view.live.accounts,
        services=view.live.services,
        figures=figures,
        overtaken=plan.overtaken,
    )
