"""A month settles: once everything that is due stands in the PSA, it proposes nothing but what waits for a renewal.

Belongs here: the property over invented months, and what it once found.
Does not belong here: inventing months (``inventing``); what a proposal says (``test_months``).
"""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from pipelines.findings import Finding, FindingKind
from pipelines.reconciliation.deltas import DeltaOutcome
from pipelines.review.changes import Change, ChangeStatus, When
from tests.dbt.builder import Line, Month, Workbench
from tests.dbt.inventing import months
from tests.dbt.reviewing import Reviewed, reviewed


def written(month: Month, changes: Iterable[Change]) -> Month:
    """The month with every change in the PSA: a line's new quantity, or a new line on the account's agreement."""
    known = {change.line_id: change.quantity_after for change in changes if change.line_id}
    lines = [replace(line, quantity=known.get(line.id, line.quantity)) for line in month.lines]
    return replace(month, lines=lines + [_new_line(change) for change in changes if change.line_id is None])


def _new_line(change: Change) -> Line:
    line_id = f"new {change.account_id} {change.service_id}"
    return Line(line_id, change.account_id, change.service_id, change.quantity_after, change.agreement_id, price="20")


def held_at_renewal(month: Reviewed) -> set[Finding]:
    """Findings about falls that wait for a renewal: a line tells of them once nothing is wrong with it now."""
    lines = {delta.line_id for delta in month.figures.deltas if delta.due_on and delta.outcome is DeltaOutcome.HELD}
    return {finding for finding in month.found(FindingKind.HELD) if finding.subject in lines}


def test_a_month_whose_proposals_all_stand_in_the_psa_proposes_falls_at_renewals_alone_and_finds_nothing_new(
    workbench: Workbench,
) -> None:
    waiting: list[Change] = []

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(month=months())
    def settles(month: Month) -> None:
        before = reviewed(workbench, month)
        assert len(before.asked()) == len(before.plan.standing)
        due = [change for change in before.plan.standing if change.when is When.NOW]
        done = [replace(change, status=ChangeStatus.WRITTEN) for change in due]
        after = reviewed(workbench, written(month, done), done)
        assert {change.when for change in after.plan.standing} <= {When.AT_RENEWAL}
        assert set(after.findings) - held_at_renewal(after) <= set(before.findings)
        assert after.figures.conservation == before.figures.conservation
        assert after.figures.unmapped == before.figures.unmapped
        waiting.extend(after.plan.standing)

    settles()
    assert waiting
