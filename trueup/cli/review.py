"""``trueup findings``, ``trueup changes list`` and ``trueup explain``: what a month came to, and why.

Belongs here: showing findings and changes; the trail from a change to its rows.
Does not belong here: deciding on changes.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipelines.findings import Finding
from pipelines.identity import ChangeId
from pipelines.mapping.live import live_on
from pipelines.mapping.writing import entry_as_document
from pipelines.periods import BillingPeriod
from pipelines.quantities import money_text, text
from pipelines.review.approval import Decision, DecisionAction
from pipelines.review.binding import feeding_entries
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.attention import Ending, write_back_findings
from pipelines.writeback.ports import WRITE_BACK, Cause
from resources.psa.connectwise_writing import quantity_patch
from resources.store import changes, decisions, findings, mappings, reconciliations, usage, writes
from resources.workspace import Workspace
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, print_json, print_lines, print_table

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


def change_as_json(change: Change, approvals: Sequence[Decision] = ()) -> dict[str, Any]:
    """A change in the shape of the outside contract. ``approvals`` are those that hold."""
    before = change.quantity_before
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
        "delta": text(change.quantity_after - (before or 0)),
        "effective_date": change.effective_date.isoformat(),
        "when": str(change.when),
        "amount_delta": None if change.amount_delta is None else money_text(change.amount_delta),
        "currency": change.currency,
        "needs": list(change.needs),
        "flags": list(change.flags),
        "approvals": [
            {
                "by": approval.actor.name,
                "at": approval.at.isoformat(),
                "asserted": approval.actor.is_asserted,
                "plan_hash": approval.plan_hash,
            }
            for approval in approvals
        ],
        "evidence_count": change.evidence_count,
        "evidence": [item.as_json() for item in change.evidence],
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
    holding: dict[tuple[str, int], list[Decision]] = defaultdict(list)
    for decision in decided:
        key = (decision.change_id, decision.revision)
        if decision.action is DecisionAction.APPROVED:
            holding[key].append(decision)
        else:
            holding.pop(key, None)
    return holding


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
    chosen = [
        change
        for change in latest
        if (source is None or source in change.sources) and (account is None or account == change.account_id)
    ]
    if as_json:
        print_json(
            [change_as_json(change, approvals.get((change.change_id, change.revision), ())) for change in chosen]
        )
    else:
        print_changes(chosen)


def print_changes(chosen: list[Change]) -> None:
    """The changes as a table, money at the right."""
    print_table(
        ["id", "kind", "account", "service", "line", "before", "after", "money", "source", "status", "needs"],
        [_cells(change) for change in chosen],
        right=["before", "after", "money"],
    )


def _cells(change: Change) -> tuple[object, ...]:
    money = "" if change.amount_delta is None else f"{change.amount_delta:+,.2f} {change.currency}"
    return (
        f"{change.change_id}@{change.revision}",
        change.kind,
        f"{change.account_name} ({change.account_id})",
        f"{change.service_name} ({change.service_id})",
        change.line_id or "new",
        "" if change.quantity_before is None else text(change.quantity_before),
        text(change.quantity_after),
        money,
        ", ".join(change.sources),
        change.status,
        ", ".join(change.needs),
    )


def explain(
    change: Annotated[str, typer.Argument(help="Change id, with or without @revision.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a change comes from: rule, mapping entries, profile version, files and rows; all its revisions.

    Example: trueup explain 4be1c09a77d2
    """
    with open_workspace(workspace) as opened:
        explained = _explained(opened, change.partition("@")[0])
    if as_json:
        print_json(explained)
    else:
        print_lines(_in_words(explained))


def print_explanation(opened: Workspace, change_id: str) -> None:
    """The trail of a change, for people."""
    print_lines(_in_words(_explained(opened, change_id)))


def _explained(opened: Workspace, change_id: str) -> dict[str, Any]:
    tenant = opened.tenant.id
    with opened.store.reading() as conn:
        revisions = changes.change_revisions(conn, tenant, ChangeId(change_id))
        if not revisions:
            raise CommandError(f"there is no change {change_id}; trueup changes list shows the ids", Exit.USAGE)
        latest = revisions[-1]
        recorded = mappings.recorded_entries(conn, tenant)
        readings = usage.current_revisions(conn, tenant, latest.period)
        month = reconciliations.latest_reconciliation(conn, tenant, latest.period)
        history = _history(conn, tenant, latest.change_id)
        approvals = holding_approvals(decisions.decisions_about(conn, tenant, [latest.change_id]))
    live = live_on(recorded, BillingPeriod.from_key(latest.period).last_day)
    figures = str(month.summary["figures"]) if month else ""
    rows = opened.lake.read_evidence(latest.period, figures, latest.account_id, latest.service_id)
    return {
        "change": change_as_json(latest, approvals.get((latest.change_id, latest.revision), ())),
        "revisions": [change_as_json(each, approvals.get((each.change_id, each.revision), ())) for each in revisions],
        "rule": _rule(latest),
        "request": quantity_patch(latest).as_document() if latest.line_id else None,
        "plan_hash": opened.decision_ledger.plan_of(latest).hash,
        "mapping_version": live.version,
        "mappings": [entry_as_document(entry) for entry in feeding_entries(latest, live)],
        "readings": [
            {
                "source": reading.drop.source,
                "profile": f"{reading.drop.profile}@{reading.profile_version}",
                "file": reading.file_name,
                "file_id": reading.file_id,
                "sha256": reading.sha256,
                "revision": reading.revision,
                "verdict": str(reading.verdict),
            }
            for reading in readings
            if reading.drop.source in latest.sources
        ],
        "rows": rows,
        "history": history,
    }


def _history(conn: Connection, tenant: str, change_id: ChangeId) -> list[dict[str, Any]]:
    """What people decided and write-back did about a change, in the order of time."""
    decided = [
        {
            "at": decision.at.isoformat(),
            "revision": decision.revision,
            "event": str(decision.action),
            "by": decision.actor.name,
            "words": "by name only" if decision.actor.is_asserted else "by token",
        }
        for decision in decisions.decisions_about(conn, tenant, [change_id])
    ]
    sent = [
        {
            "at": row["sent_at"].isoformat(),
            "revision": row["revision"],
            "event": "sending",
            "by": WRITE_BACK,
            "words": f"{row['method']} {row['path']} {row['body']}",
        }
        for row in writes.intents_of(conn, tenant, [change_id])
    ]
    ended = [
        {
            "at": row["at"].isoformat(),
            "revision": row["revision"],
            "event": row["status"],
            "by": WRITE_BACK,
            "words": row["words"],
        }
        for row in writes.outcomes_of(conn, tenant, [change_id])
    ]
    return sorted([*decided, *sent, *ended], key=lambda event: str(event["at"]))


_RULES = {
    "increase": "more is used than the line bills",
    "decrease": "less is used than the line bills",
    "unbilled": "it is used and mapped, and stands on no agreement line (new found revenue)",
    "vanished": "the line is billed, and complete files of its sources no longer name it",
}


def _rule(change: Change) -> str:
    before = "no line" if change.quantity_before is None else f"line {change.line_id} at {text(change.quantity_before)}"
    return f"{_RULES[change.kind]}: {before}, should be {text(change.quantity_after)}"


def _in_words(explained: dict[str, Any]) -> list[str]:
    change, request = explained["change"], explained["request"]
    lines = [
        f"Change {change['id']}@{change['revision']} ({change['status']}): {change['account']['name']}, "
        f"{change['service']['name']}",
        f"  rule      {explained['rule']}",
        f"  money     {change['amount_delta'] or 'no price known'} {change['currency'] or ''}".rstrip(),
        *([f"  request   {request['method']} {request['path']} {request['body']}"] if request else []),
        f"  mappings  version {explained['mapping_version']}",
    ]
    lines += [f"            {entry}" for entry in explained["mappings"]]
    lines += [
        f"  read      {reading['file']} (revision {reading['revision']}, {reading['verdict']}) "
        f"with {reading['profile']}"
        for reading in explained["readings"]
    ]
    lines += [
        f"  row       {row['file']} row {row['row']}: {row['account_key']} · {row['service_key']} = {row['quantity']}"
        for row in explained["rows"]
    ]
    lines += [
        f"  {event['at'][:19].replace('T', ' ')} revision {event['revision']} {event['event']} by {event['by']}: "
        f"{event['words']}"
        for event in explained["history"]
    ]
    return lines
