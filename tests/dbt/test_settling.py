"""A month settles: once everything that it proposes stands in the PSA, it proposes nothing more.

Belongs here: the property over invented months, and what it once found.
Does not belong here: inventing months (``inventing``); what a proposal says (``test_months``).
"""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import HealthCheck, given, settings

from pipelines.review.changes import Change, ChangeStatus
from tests.dbt.builder import Line, Month, Workbench
from tests.dbt.inventing import months
from tests.dbt.reviewing import reviewed


def written(month: Month, changes: Iterable[Change]) -> Month:
    """The month with every change in the PSA: a line's new quantity, or a new line on the account's agreement."""
    known = {change.line_id: change.quantity_after for change in changes if change.line_id}
    lines = [replace(line, quantity=known.get(line.id, line.quantity)) for line in month.lines]
    return replace(month, lines=lines + [_new_line(change) for change in changes if change.line_id is None])


def _new_line(change: Change) -> Line:
    line_id = f"new {change.account_id} {change.service_id}"
    return Line(line_id, change.account_id, change.service_id, change.quantity_after, change.agreement_id, price="20")


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(month=months())
def test_a_month_whose_proposals_all_stand_in_the_psa_proposes_nothing_and_finds_nothing_new(
    workbench: Workbench, month: Month
) -> None:
    before = reviewed(workbench, month)
    assert len(before.asked()) == len(before.plan.standing)
    done = [replace(change, status=ChangeStatus.WRITTEN) for change in before.plan.standing]
    after = reviewed(workbench, written(month, done), done)
    assert after.asked() == {}
    assert set(after.findings) <= set(before.findings)
    assert after.figures.conservation == before.figures.conservation
    assert after.figures.unmapped == before.figures.unmapped
