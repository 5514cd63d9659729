"""``trueup policies``: the rules of approving as a file, put in force, shown, tried out.

Belongs here: the commands and what they print; the policy that a month is judged by.
Does not belong here: what rules say about a change (``pipelines.review.policy``).
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipelines.policies.document import policy_version
from pipelines.policies.engine import Policy, Verdict
from pipelines.quantities import money_text
from pipelines.review.binding import MANUAL_POLICY
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.policy import NO_POLICY, change_policy, judged
from resources.store import changes, periods, policies
from resources.store.policies import PolicyVersion
from resources.workspace import Workspace
from trueup.cli.acting import acting_as_admin
from trueup.cli.options import ByOption, JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, note, print_json, print_lines, print_table

app = typer.Typer(help="Rules of approving: who may approve what, and what needs nobody.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(help="Policy file (YAML).")]
_OPEN = (ChangeStatus.PROPOSED, ChangeStatus.APPROVED)
_SHOWN = 12
"""Digits of a version that people are shown."""


def policy_of_month(opened: Workspace, conn: Connection, period: str) -> Policy:
    """The policy in force for a month; a closed one keeps that of the instant it was frozen at."""
    found = policies.policy_in_force(conn, opened.tenant.id, as_of=periods.frozen_at(conn, opened.tenant.id, period))
    return change_policy(found.content, opened.settings.currency) if found else NO_POLICY


def verdict_as_json(verdict: Verdict, version: str) -> dict[str, Any]:
    """What a policy says about a change: the outcome, and every rule that spoke."""
    rules = [{"name": rule.name, "do": str(rule.does), "reason": rule.reason} for rule in verdict.spoke]
    return {"version": version, "outcome": str(verdict.outcome), "rules": rules}


@app.command("import")
def import_file(
    file: FileArgument, by: ByOption = None, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """Let a policy be in force from now on. Approvals that were not written yet become stale.

    Importing the policy in force again changes nothing. With tokens this is for admins.

    Example: trueup policies import policy.yaml --by dana
    """
    content = _content(file)
    with open_workspace(workspace) as opened:
        change_policy(content, opened.settings.currency)
        actor = acting_as_admin(opened, by)
        with opened.store.transaction() as conn:
            imported = policies.record_policy(conn, opened.tenant.id, content, actor, opened.clock())
            standing = policies.policy_in_force(conn, opened.tenant.id)
            stale = _approved(opened, conn) if imported else 0
    number = standing.number if standing else 0
    document = {"number": number, "version": policy_version(content), "is_new": bool(imported), "stale": stale}
    if as_json:
        print_json(document)
        return
    print(f"Policy {number} ({policy_version(content)[:_SHOWN]}) is in force{'' if imported else ' already'}.")
    if stale:
        note(f"Note: {stale} approved changes were approved under another policy and become stale; run the month again")


def _approved(opened: Workspace, conn: Connection) -> int:
    """Approved changes of open months: those of closed ones keep their policy."""
    approved = changes.latest_changes(conn, opened.tenant.id, status=ChangeStatus.APPROVED)
    by_month = Counter(change.period for change in approved)
    return sum(n for period, n in by_month.items() if periods.frozen_at(conn, opened.tenant.id, period) is None)


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as UTF-8 text: {error}", Exit.REFUSED) from error


@app.command("show")
def show(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The policy in force, who imported it, and the versions before it.

    Example: trueup policies show
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        known = policies.all_policies(conn, opened.tenant.id)
    newest = known[-1] if known else None
    if as_json:
        in_force = {"number": None, "version": MANUAL_POLICY, "content": None}
        if newest is not None:
            in_force = _as_json(newest) | {"content": newest.content}
        print_json(in_force | {"versions": [_as_json(each) for each in known]})
    elif newest is None:
        print("There is no policy: a person decides on every change.")
    else:
        print_lines([*newest.content.splitlines(), ""])
        print_table(
            ["policy", "version", "imported at", "by"],
            [(each.number, each.version[:_SHOWN], each.imported_at.isoformat(), _by(each)) for each in reversed(known)],
        )


def _as_json(version: PolicyVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "version": version.version,
        "imported_at": version.imported_at.isoformat(),
        "imported_by": version.imported_by,
        "asserted": version.is_asserted,
    }


def _by(version: PolicyVersion) -> str:
    return f"{version.imported_by} (asserted)" if version.is_asserted else version.imported_by


@app.command("check")
def check(
    file: FileArgument, period: PeriodOption, workspace: WorkspaceOption = None, as_json: JsonOption = False
) -> None:
    """What a policy file would do to the open changes of a month, beside what holds now. Nothing is stored.

    Example: trueup policies check policy.yaml --period 2026-10
    """
    key, content = period_of(period).key, _content(file)
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        tried = change_policy(content, opened.settings.currency)
        in_force = policy_of_month(opened, conn, key)
        latest = changes.latest_changes(conn, opened.tenant.id, period=key)
    meant = [change for change in latest if change.status in _OPEN]
    document = _checked(key, tried, in_force, meant)
    if as_json:
        print_json(document)
    else:
        _print_checked(document)


def _checked(period: str, tried: Policy, in_force: Policy, meant: Iterable[Change]) -> dict[str, Any]:
    shown = [_compared(change, tried, in_force) for change in meant]
    is_other = tried.version != in_force.version
    return {
        "period": period,
        "version": tried.version,
        "in_force": in_force.version,
        "outcomes": dict(Counter(each["with_file"]["outcome"] for each in shown)),
        "stale": sum(each["status"] == ChangeStatus.APPROVED for each in shown) if is_other else 0,
        "changes": shown,
    }


def _compared(change: Change, tried: Policy, in_force: Policy) -> dict[str, Any]:
    return {
        "id": change.change_id,
        "revision": change.revision,
        "status": str(change.status),
        "kind": str(change.kind),
        "account": {"id": change.account_id, "name": change.account_name},
        "service": {"id": change.service_id, "name": change.service_name},
        "amount_delta": None if change.amount_delta is None else money_text(change.amount_delta),
        "currency": change.currency,
        "with_file": verdict_as_json(judged(tried, change), tried.version),
        "in_force": verdict_as_json(judged(in_force, change), in_force.version),
    }


def _print_checked(document: dict[str, Any]) -> None:
    print_table(
        ["change", "kind", "account", "service", "money", "now", "with the file", "rules"],
        [_cells(each) for each in document["changes"]],
        right=["money"],
    )
    counted = ", ".join(f"{count} {outcome}" for outcome, count in document["outcomes"].items())
    lines = [f"{counted or 'No change is open'}. Nothing was stored."]
    if document["stale"]:
        lines.append(f"{document['stale']} changes are approved and would become stale.")
    print_lines(lines)


def _cells(each: dict[str, Any]) -> tuple[object, ...]:
    return (
        f"{each['id']}@{each['revision']}",
        each["kind"],
        f"{each['account']['name']} ({each['account']['id']})",
        f"{each['service']['name']} ({each['service']['id']})",
        "" if each["amount_delta"] is None else f"{each['amount_delta']} {each['currency'] or ''}",
        each["in_force"]["outcome"],
        each["with_file"]["outcome"],
        ", ".join(rule["name"] for rule in each["with_file"]["rules"]),
    )
