"""``trueup explain``: where a change comes from, what was decided about it, what was done.

Belongs here: the trail of one change, from its rows to its write.
Does not belong here: lists of changes and findings (``review``).
"""

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipelines.agreements.allowances import shown_allowance
from pipelines.identity import ChangeId
from pipelines.mapping.writing import entry_as_document
from pipelines.periods import BillingPeriod
from pipelines.quantities import text
from pipelines.review.approval import Actor, as_meant
from pipelines.review.binding import feeding_entries
from pipelines.review.changes import Change, When
from pipelines.review.people import is_a_rule
from pipelines.writeback.ports import WRITE_BACK
from resources.store import changes, decisions, reconciliations, writes
from resources.store.standing import month_standing
from resources.workspace import Workspace
from trueup.cli.absence import Asked, absence
from trueup.cli.allowances import psa_allowances
from trueup.cli.options import JsonOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.policies import policy_of_month
from trueup.cli.printing import CommandError, Exit, print_json, print_lines
from trueup.cli.review import change_as_json, holding_approvals


def explain(
    change: Annotated[str | None, typer.Argument(help="Change id, with or without @revision.")] = None,
    period: Annotated[str | None, typer.Option("--period", help="Month of what is asked about, YYYY-MM.")] = None,
    line: Annotated[str | None, typer.Option("--line", help="An agreement line: why it has no change.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Source of the keys.")] = None,
    account_key: Annotated[str | None, typer.Option("--account-key", help="Account key, as in the file.")] = None,
    service_key: Annotated[str | None, typer.Option("--service-key", help="Service key, as in the file.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Where a change comes from, or why there is none for a line or for a key of a file.

    Example: trueup explain 4be1c09a77d2
    """
    with open_workspace(workspace) as opened:
        if change is not None:
            explained = _explained(opened, change.partition("@")[0])
            words = _in_words(explained)
        else:
            explained = absence(opened, _asked_month(period), Asked(line, source, account_key, service_key))
            words = explained["reasons"]
    if as_json:
        print_json(explained)
    else:
        print_lines(words)


def _asked_month(period: str | None) -> BillingPeriod:
    if period is None:
        raise CommandError("name a change, or a month with --period and what is asked about in it", Exit.USAGE)
    return period_of(period)


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
        standing = month_standing(conn, tenant, latest.period)
        month = reconciliations.latest_reconciliation(conn, tenant, latest.period)
        policy = policy_of_month(opened, conn, latest.period)
        history = _history(conn, tenant, latest.change_id)
        approvals = holding_approvals(decisions.decisions_about(conn, tenant, [latest.change_id]))
    holding = approvals.get((latest.change_id, latest.revision), ())
    meant = as_meant(latest, holding[-1].plan if holding else None, opened.psa_kind.takes)
    live = standing.live
    used, rows = _basis(opened, latest, str(month.summary["figures"]) if month else "")
    shown = [
        change_as_json(each, opened.day_count, approvals.get((each.change_id, each.revision), ()), policy)
        for each in revisions
    ]
    return {
        "change": shown[-1],
        "revisions": shown,
        "rule": _rule(latest),
        "psa_included": shown_allowance(psa_allowances(opened, latest.period).get(latest.line_id or "")),
        "request": opened.psa_kind.preview(meant).as_document() if meant.agreement_id else None,
        "effective_date": meant.effective_date.isoformat(),
        "when": str(meant.when),
        "plan_hash": opened.decision_ledger.plan_of(meant).hash,
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
            for reading in standing.readings
            if reading.drop.source in latest.sources
        ],
        "quantity_used": used,
        "rows": rows,
        "history": history,
    }


def _basis(opened: Workspace, change: Change, figures: str) -> tuple[str | None, list[dict[str, Any]]]:
    """What is used in all and the rows that say so, as the month was last reconciled.

    Once a change is written its line agrees, and the month keeps no rows for it any more: those that the change itself
    keeps stand here then, of which there are at most twenty.
    """
    rows = opened.lake.read_evidence(change.period, figures, change.account_id, change.service_id)
    deltas = opened.lake.read_figures(change.period, figures).deltas if rows else ()
    place = (change.account_id, change.service_id, change.line_id)
    used = [each.quantity_used for each in deltas if (each.account_id, each.service_id, each.line_id) == place]
    return text(used[0]) if used else None, rows or [item.as_json() for item in change.evidence]


def _proof(actor: Actor) -> str:
    if is_a_rule(actor.name):
        return "by a rule of the policy"
    return "by name only" if actor.is_asserted else "by token"


def _history(conn: Connection, tenant: str, change_id: ChangeId) -> list[dict[str, Any]]:
    """What people decided and write-back did about a change, in the order of time."""
    decided = [
        {
            "at": decision.at.isoformat(),
            "revision": decision.revision,
            "event": str(decision.action),
            "by": decision.actor.name,
            "words": _proof(decision.actor),
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
    rule = "somebody asked to take a written change back" if change.is_roll_back else _RULES[change.kind]
    return f"{rule}: {before}, should be {text(change.quantity_after)}"


_WHEN = {
    When.NOW: "written once it is approved",
    When.AT_RENEWAL: "written at the renewal",
    When.ON_DATE: "written on that day",
}


def _money(change: dict[str, Any]) -> str:
    amount = f"{change['amount_delta'] or 'no price known'} {change['currency'] or ''}".rstrip()
    earned = f" (cost {change['cost_delta']}, margin {change['margin_delta']})"
    return amount if change["margin_delta"] is None else f"{amount}{earned}"


def _policy_in_words(policy: dict[str, Any] | None) -> list[str]:
    if policy is None or not policy["rules"]:
        return []
    rules = ", ".join(f"{rule['name']} ({rule['do']})" for rule in policy["rules"])
    return [f"  policy    {policy['outcome']}, by {rules}"]


def _row_in_words(row: dict[str, Any]) -> str:
    sheet = f" sheet {row['sheet']}" if row["sheet"] else ""
    said = f": {row['account_key']} · {row['service_key']} = {row['quantity']}" if "quantity" in row else ""
    return f"{row['file']}{sheet} row {row['row']}{said}"


def _in_words(explained: dict[str, Any]) -> list[str]:
    change, request = explained["change"], explained["request"]
    kept, count = len(explained["rows"]), change["evidence_count"]
    lines = [
        f"Change {change['id']}@{change['revision']} ({change['status']}): {change['account']['name']}, "
        f"{change['service']['name']}",
        f"  rule      {explained['rule']}",
        *([f"  included  {explained['psa_included']['words']}"] if explained["psa_included"] else []),
        f"  from      {explained['effective_date']} ({_WHEN[explained['when']]})",
        f"  money     {_money(change)}",
        *([f"  part      {change['proration']['formula']}"] if change["proration"] else []),
        *([f"  request   {request['method']} {request['path']} {request['body']}"] if request else []),
        *([f"  used      {explained['quantity_used']}, in all rows below"] if explained["quantity_used"] else []),
        *_policy_in_words(change["policy"]),
        f"  mappings  version {explained['mapping_version']}",
    ]
    lines += [f"            {entry}" for entry in explained["mappings"]]
    lines += [
        f"  read      {reading['file']} (revision {reading['revision']}, {reading['verdict']}) "
        f"with {reading['profile']}"
        for reading in explained["readings"]
    ]
    lines += [f"  row       {_row_in_words(row)}" for row in explained["rows"]]
    lines += [f"            (the first {kept} of {count} rows)"] if kept < count else []
    lines += [
        f"  {event['at'][:19].replace('T', ' ')} revision {event['revision']} {event['event']} by {event['by']}: "
        f"{event['words']}"
        for event in explained["history"]
    ]
    return lines
