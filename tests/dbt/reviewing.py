"""A built month as people see it: what is proposed, and what is asked of them.

Belongs here: the month's figures led through the rules of review, without a store.
Does not belong here: what must come out; each test says that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from pipelines.findings import Finding, FindingKind
from pipelines.mapping.live import LiveMappings
from pipelines.reconciliation.expected import ExpectedDrop
from pipelines.reconciliation.inputs import MonthFigures, MonthInputs
from pipelines.reconciliation.month import MonthRecords, MonthView, Tenant
from pipelines.review.changes import Change
from pipelines.review.proposing import ProposalPlan, Speakers
from pipelines.review.publishing import FiguredMonth, month_outcome
from tests.dbt.builder import NOON, PERIOD, TENANT, Month, Workbench


@dataclass(frozen=True)
class Reviewed:
    """What a month comes to: what is proposed, what is asked of people, and where its units went."""

    plan: ProposalPlan
    findings: Sequence[Finding]
    figures: MonthFigures

    def asked(self) -> dict[str, tuple[str, str]]:
        """Kind and new quantity of what stands proposed, by line, or by ``account/service`` where there is none."""
        return {
            change.line_id or f"{change.account_id}/{change.service_id}": (
                str(change.kind),
                f"{change.quantity_after.normalize():f}",
            )
            for change in self.plan.standing
        }

    def found(self, kind: FindingKind) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind is kind]


def reviewed(workbench: Workbench, month: Month, latest: Sequence[Change] = ()) -> Reviewed:
    """The month built and led through review. ``latest`` are the changes that stood before."""
    figures = workbench.figures(month)
    assert all(balance.holds for balance in figures.conservation)
    inputs = month.inputs(workbench.lake)
    outcome = month_outcome(
        Tenant(TENANT, inputs.currency, UTC),
        PERIOD,
        FiguredMonth(_view(inputs), figures, month.psa()),
        latest,
        Speakers(frozenset(state.source for state in inputs.source_states if state.is_complete)),
        run_id="run",
        now=NOON,
    )
    return Reviewed(outcome.plan, outcome.findings, figures)


def _view(inputs: MonthInputs) -> MonthView:
    revisions = inputs.revisions
    return MonthView(
        records=MonthRecords(revisions, (), (), (), (), inputs.psa),
        at=NOON,
        expected=[ExpectedDrop(r.drop.source, r.drop.profile, r.drop.part, r) for r in revisions],
        live=LiveMappings(inputs.accounts, inputs.services, inputs.units, ""),
        is_psa_copied=inputs.psa is not None,
        input_hash="",
    )
