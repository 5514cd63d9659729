"""``trueup findings`` and ``trueup changes list``: what a month came to.

Belongs here: showing findings and changes, in tables and in the shapes of the outside contract.
Does not belong here: the trail of one change (``explaining``), deciding (``deciding``).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipelines.findings import Finding
from pipelines.policies.engine import Policy, PolicyOutcome
from pipelines.quantities import money_text, price_text, text
from pipelines.review.approval import Decision, approvals_that_hold
from pipelines.review.binding import as_bound
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.policy import NO_POLICY, all_needs, judged, named_rules
from pipelines.review.proposing import DECIDABLE
from pipelines.review.proration import DayCount, prorated
from pipelines.writeback.attention import Ending, write_back_findings
from pipelines.writeback.ports import Cause
from resources.store import changes, decisions, findings, reconciliations, writes
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.policies import policy_of_month, verdict_as_json
from trueup.cli.printing import print_json, print_lines, print_table

app = typer.Typer(help="Proposed, approved and written changes.", no_args_is_help=True)


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding in the shape of the outside contract."""
    return {
        "id": finding.id,
        "kind": str(finding.kind),
        "period": finding.period,
        "source": finding.source,
        "message": finding.message,
        "remedy": finding.remedy,
        "quantity": None if finding.quantity is None else text(finding.quantity),
        "amount": None if finding.amount is None else money_text(finding.amount),
        "currency": finding.currency,
        "evidence": [item.as_json() for item in finding.evidence],
    }


def change_as_json(
    change: Change, day_count: DayCount, approvals: Sequence[Decision] = (), policy: Policy | None = None
) -> dict[str, Any]:
    """A change in the shape of the outside contract. ``approvals`` are those that hold.

    ``policy`` is that of its month; None for changes that nobody can decide about. The proration is that of the day
    that an approval is bound to.
    """
    bound = approvals[-1].plan if approvals else None
    before, part = change.quantity_before, prorated(as_bound(change, bound) if bound else change, day_count)
    verdict = judged(policy or NO_POLICY, change)
    is_judged = policy is not None and change.status in DECIDABLE
    return {
        "id": change.change_id,
        "revision": change.revision,
        "batch_id": change.batch_id,
        "period": change.period,
        "kind": str(change.kind),
        "status": str(change.status),
        "source": list(change.sources),
        "account": {"id": change.account_id, "name": change.account_name},
        "service": {"id": change.service_id, "name": change.service_name},
        "agreement_id": change.agreement_id,
        "line_id": change.line_id,
        "quantity_before": None if before is None else text(before),
        "quantity_after": text(change.quantity_after),
        "delta": text(change.step),
        "effective_date": change.effective_date.isoformat(),
        "when": str(change.when),
        "amount_delta": None if change.amount_delta is None else money_text(change.amount_delta),
        "unit_price": None if change.unit_price is None else price_text(change.unit_price),
        "unit_cost": None if change.unit_cost is None else price_text(change.unit_cost),
        "cost_delta": None if change.cost_delta is None else money_text(change.cost_delta),
        "margin_delta": None if change.margin_delta is None else money_text(change.margin_delta),
        "proration": None if part is None else part.as_json(),
        "currency": change.currency,
        "needs": list(all_needs(change, verdict)),
        "policy": verdict_as_json(verdict, policy.version) if policy and is_judged else None,
        "flags": list(change.flags),
        "approvals": [_approval_as_json(approval) for approval in approvals],
        "evidence_count": change.evidence_count,
        "evidence": [item.as_json() for item in change.evidence],
    }


def _approval_as_json(approval: Decision) -> dict[str, Any]:
    """An approval, with the agreement and the day that it is bound to: the reviewer may have picked them."""
    plan = approval.plan or {}
    return {
        "by": approval.actor.name,
        "at": approval.at.isoformat(),
        "asserted": approval.actor.is_asserted,
        "plan_hash": approval.plan_hash,
        "agreement_id": plan.get("agreement"),
        "effective_date": plan.get("effective_date"),
    }


def list_findings(period: PeriodOption, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Everything of a month that needs a person and is not a change.

    Example: trueup findings --period 2026-10
    """
    key = period_of(period).key
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        found = all_findings(conn, opened.tenant.id, key)
    if as_json:
        print_json([finding_as_json(finding) for finding in found])
        return
    print_table(
        ["kind", "source", "what", "remedy"],
        [(finding.kind, finding.source, finding.message, finding.remedy) for finding in found],
    )


def all_findings(conn: Connection, tenant: str, period: str) -> list[Finding]:
    """What needs a person in a month: what its reconciliation found, and where write-back stands."""
    latest = changes.latest_changes(conn, tenant, period=period)
    month = reconciliations.latest_reconciliation(conn, tenant, period)
    endings = {
        (row["change_id"], row["revision"]): Ending(Cause(row["cause"]), row["words"], row["at"])
        for row in writes.latest_outcomes(conn, tenant, period)
    }
    stop = writes.standing_stop(conn, tenant)
    of_writing = write_back_findings(period, latest, endings, stop, month.at if month else None)
    return [*of_writing, *findings.standing_findings(conn, tenant, period)]


def holding_approvals(decided: Iterable[Decision]) -> dict[tuple[str, int], list[Decision]]:
    """The approvals that were not taken back, by (change, revision)."""
    of_revision: dict[tuple[str, int], list[Decision]] = defaultdict(list)
    for decision in decided:
        of_revision[decision.change_id, decision.revision].append(decision)
    return {key: approvals_that_hold(about) for key, about in of_revision.items()}


@app.command("list")
def list_changes(
    period: PeriodOption,
    status: Annotated[ChangeStatus | None, typer.Option(help="Only changes in this status.")] = None,
    source: Annotated[str | None, typer.Option(help="Only changes that this source feeds.")] = None,
    account: Annotated[str | None, typer.Option(help="Only this PSA account id.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """The changes of a month, each in its latest revision.

    Example: trueup changes list --period 2026-10 --status proposed
    """
    key = period_of(period).key
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=key, status=status)
        approvals = holding_approvals(decisions.decisions_of_period(conn, opened.tenant.id, key))
        policy = policy_of_month(opened, conn, key)
    chosen = [
        change
        for change in latest
        if (source is None or source in change.sources) and (account is None or account == change.account_id)
    ]
    if as_json:
        day_count = opened.day_count
        print_json(
            [
                change_as_json(change, day_count, approvals.get((change.change_id, change.revision), ()), policy)
                for change in chosen
            ]
        )
    else:
        print_changes(chosen, policy)
        held = [(change, approvals.get((change.change_id, change.revision))) for change in chosen]
        print_lines(
            f"{change.change_id}@{change.revision} approved by {_names(given)}" for change, given in held if given
        )


def print_changes(chosen: Iterable[Change], policy: Policy = NO_POLICY) -> None:
    """The changes as a table, money at the right."""
    print_table(
        ["id", "kind", "account", "service", "line", "before", "after", "from", "money", "source", "status", "needs"],
        [_cells(change, policy) for change in chosen],
        right=["before", "after", "money"],
    )


def _cells(change: Change, policy: Policy) -> tuple[object, ...]:
    money = "" if change.amount_delta is None else f"{change.amount_delta:+,.2f} {change.currency}"
    return (
        f"{change.change_id}@{change.revision}",
        change.kind,
        f"{change.account_name} ({change.account_id})",
        f"{change.service_name} ({change.service_id})",
        change.line_id or "new",
        "" if change.quantity_before is None else text(change.quantity_before),
        text(change.quantity_after),
        change.effective_date,
        money,
        ", ".join(change.sources),
        change.status,
        ", ".join(_needed(change, policy)),
    )


def _names(approvals: Sequence[Decision]) -> str:
    return " and ".join(
        f"{each.actor.name} (asserted)" if each.actor.is_asserted else each.actor.name for each in approvals
    )


def _needed(change: Change, policy: Policy) -> list[str]:
    verdict = judged(policy, change)
    is_held = verdict.outcome is PolicyOutcome.HOLD and change.status in DECIDABLE
    return [*all_needs(change, verdict), *([f"held by {named_rules(verdict)}"] if is_held else [])]
