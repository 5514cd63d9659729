"""``trueup apply`` and ``trueup plan``: carry out what was approved, or say what would be.

Belongs here: the commands, their printed outcome, their exit codes.
Does not belong here: the protocol (``pipelines.writeback``).
"""

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.identity import ChangeId
from pipelines.review.approval import UNPICKED, Decision, DecisionAction, as_meant, objection_of_policy, objection_to
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.policy import judged
from pipelines.review.proration import DayCount, prorated
from pipelines.writeback.plan import PlannedChange, plan_document
from resources.psa.kinds import PsaKind
from resources.store import changes, decisions
from resources.store.decision_ledger import StoreDecisionLedger
from resources.workspace import Workspace
from trueup.cli.allowances import psa_allowances
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, finish, print_json, print_lines, print_table

_NEEDS_A_PERSON = {"stale", "refused", "unknown"}
_OPEN = (ChangeStatus.PROPOSED, ChangeStatus.APPROVED)


def apply(
    period: Annotated[str | None, typer.Option("--period", help="Only this billing period, YYYY-MM.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write what is approved to the PSA, once each, and settle every lost answer whose quiet period has passed.

    Exit code 3 when some change ended stale, refused or unknown; 1 when write-back stands still or the PSA is away.

    Example: trueup apply --period 2026-10
    """
    from trueup.orchestration import orchestrated  # noqa: PLC0415  Dagster's import costs seconds

    month = None if period is None else period_of(period)
    with open_workspace(workspace) as opened, orchestrated(opened) as orchestration:
        batch = orchestration.write_back(month)
    if as_json:
        print_json(batch)
    else:
        print_batch(batch)
    ended = {each["status"] for each in batch["changes"] + batch["waiting"]}
    if ended & _NEEDS_A_PERSON:
        finish(Exit.NOT_RECONCILED)
    if batch["stopped"] or batch["is_busy"]:
        finish(Exit.FAULT)


def print_batch(batch: dict[str, Any]) -> None:
    """What a run came to, for people."""
    if batch["changes"]:
        print_table(
            ["change", "line", "before", "after", "status", "what happened"],
            [
                (
                    f"{each['id']}@{each['revision']}",
                    each["line_id"],
                    each["quantity_before"],
                    each["quantity_after"],
                    each["status"],
                    each["message"],
                )
                for each in batch["changes"]
            ],
            right=["before", "after"],
        )
    counted = ", ".join(f"{count} {status}" for status, count in batch["outcomes"].items())
    lines = [counted or "Nothing approved was due."]
    lines += [f"{each['id']}@{each['revision']} waits: {each['reason']}" for each in batch["waiting"]]
    if batch["stopped"]:
        lines.append(f"Write-back stands still ({batch['stopped']['kind']}): {batch['stopped']['reason']}")
    if batch["is_busy"]:
        lines.append("Another run of write-back is at work, or took over; it does what is left.")
    print_lines(lines)


def plan(
    period: PeriodOption,
    out: Annotated[Path | None, typer.Option("--out", help="File to write the plan to (JSON).")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What would be written for a month: every request, what it rests on, and its hash. Nothing is written.

    Example: trueup plan --period 2026-10 --out october.json
    """
    key = period_of(period).key
    with open_workspace(workspace) as opened:
        document = _plan(opened, key)
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    if out is not None:
        _write(out, text)
    if as_json or out is None:
        sys.stdout.write(text)
    else:
        print(f"{len(document['changes'])} changes, plan {document['plan_hash'][:12]}: {out}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error


def _plan(opened: Workspace, period: str) -> Any:
    with opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=period)
        decided = decisions.decisions_of_period(conn, opened.tenant.id, period)
    approvals = {(d.change_id, d.revision): d for d in decided if d.action is DecisionAction.APPROVED}
    ledger, now = opened.decision_ledger, opened.clock()
    included = psa_allowances(opened, period)
    planned = [
        replace(
            _planned(opened.psa_kind, opened.day_count, ledger, change, approvals, now),
            psa_included=included.get(change.line_id or ""),
        )
        for change in latest
        if change.status in _OPEN
    ]
    return plan_document(period, opened.tenant.id, ledger.psa(), planned, now)


def _planned(
    psa: PsaKind,
    day_count: DayCount,
    ledger: StoreDecisionLedger,
    change: Change,
    approvals: dict[tuple[ChangeId, int], Decision],
    now: datetime,
) -> PlannedChange:
    approval = approvals.get((change.change_id, change.revision)) if change.status is ChangeStatus.APPROVED else None
    verdict = judged(ledger.policy_of(change.period), change)
    obstacle = objection_to(change, UNPICKED, ledger.takes, now=now) or objection_of_policy(verdict)
    obstacle = None if approval else obstacle
    meant = as_meant(change, approval.plan if approval else None, ledger.takes)
    return PlannedChange(
        change=meant,
        plan=ledger.plan_of(meant),
        request=psa.preview(meant) if obstacle is None else None,
        obstacle=obstacle,
        approved_hash=approval.plan_hash if approval else None,
        holds_from=psa.traits.holds_from if meant.line_id is not None else psa.traits.made_from,
        part=prorated(meant, day_count),
    )
