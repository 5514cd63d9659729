"""``trueup run``: take in what waits, copy the PSA, reconcile a month, propose; through Dagster, in this process.

Belongs here: the command, its printed summary, its exit code.
Does not belong here: the jobs.
"""

import sys
import time
from decimal import Decimal
from typing import Any

from pipelines.periods import BillingPeriod
from pipelines.review.summary import money_by_currency
from resources.bucket.inbox import InboxFolder
from resources.store import changes, reconciliations
from resources.workspace import Workspace
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import Exit, finish, note, print_json, print_lines, print_table
from trueup.cli.review import print_changes

SETTLE_SECONDS = 1.0
"""How long a file must lie unchanged before it is read: less than a person's second try, more than a slow write."""


def run(period: PeriodOption, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Take in what waits in the inbox, copy the PSA, reconcile the month and propose changes.

    Exit code 3 when the month could not be reconciled; the findings say why.

    Example: trueup run --period 2026-10
    """
    month = period_of(period)
    with open_workspace(workspace) as opened:
        summary = run_month(opened, month)
        if as_json:
            print_json(summary)
        else:
            print_month(opened, summary)
    if summary["verdict"] == "could_not_reconcile":
        finish(Exit.NOT_RECONCILED)


def run_month(opened: Workspace, month: BillingPeriod) -> dict[str, Any]:
    """Run the main job for a month and return its summary in the shape of the outside contract."""
    from trueup.orchestration import orchestrated  # noqa: PLC0415  Dagster's import costs seconds

    InboxFolder(opened.settings.inbox).wait_until_settled(SETTLE_SECONDS, time.sleep)
    with orchestrated(opened) as orchestration:
        orchestration.run(month, note if sys.stderr.isatty() else _silent)
    with opened.store.reading() as conn:
        published = reconciliations.latest_reconciliation(conn, opened.tenant.id, month.key)
    if published is None:
        raise LookupError(f"{month.key}: the run ended without publishing a verdict")
    return {key: published.summary[key] for key in ("period", "verdict", "sources", "changes", "findings")}


def _silent(_message: str) -> None:
    """Nobody watches: say nothing."""


def print_month(opened: Workspace, summary: dict[str, Any]) -> None:
    """The month for people: verdict, sources with their row accounting, the standing changes."""
    print_lines([f"{summary['period']}: {summary['verdict'].replace('_', ' ')}", ""])
    print_table(
        ["source", "file", "verdict", "rows", "valid", "rejected", "ignored", "totals", "quantity", "reasons"],
        [_source_cells(source) for source in summary["sources"]],
        right=["rows", "valid", "rejected", "ignored", "totals", "quantity"],
    )
    with opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=summary["period"])
    standing = [change for change in latest if change.status != "superseded"]
    if standing:
        print_changes(standing)
    counted = summary["changes"]
    money = ", ".join(f"{Decimal(amount):+,.2f} {currency}" for currency, amount in money_by_currency(standing).items())
    print_lines(
        [
            *([f"Money a month: {money}"] if money else []),
            f"{counted['standing']} changes stand, {counted['new']} of them new; {summary['findings']} findings "
            f"(trueup findings --period {summary['period']}).",
        ]
    )


def _source_cells(source: dict[str, Any]) -> tuple[object, ...]:
    rows = source["rows"]
    return (
        source["source"],
        source["file"] or "not arrived",
        source["verdict"],
        rows["in"],
        rows["valid"],
        rows["rejected"],
        rows["ignored"],
        rows["totals"],
        source["quantity"],
        "; ".join(source["reasons"]),
    )
