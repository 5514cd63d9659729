"""``trueup run``: take in what waits, copy the PSA, reconcile a month, propose; through Dagster, in this process.

Belongs here: the command, its printed summary, its exit code.
Does not belong here: the jobs.
"""

import sys
import time
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import typer

from pipelines.periods import BillingPeriod
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.changes import Change
from pipelines.review.proration import DayCount
from pipelines.review.publishing import MonthOutcome, recompute_month
from pipelines.review.summary import money_by_currency
from resources.bucket.inbox import InboxFolder
from resources.store import changes, reconciliations
from resources.workspace import DBT_PROJECT, Workspace
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.policies import policy_of_month
from trueup.cli.printing import CommandError, Exit, finish, note, print_json, print_lines, print_table
from trueup.cli.review import change_as_json, finding_as_json, print_changes

SETTLE_SECONDS = 1.0
"""How long a file must lie unchanged before it is read: less than a person's second try, more than a slow write."""


def run(
    period: PeriodOption,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", help="Recompute from what was known at this instant (ISO 8601); nothing is stored."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what waits in the inbox, copy the PSA, reconcile the month and propose changes.

    Exit code 3 when the month could not be reconciled; the findings say why.

    Example: trueup run --period 2026-10
    """
    month = period_of(period)
    with open_workspace(workspace) as opened:
        if as_of is None:
            summary = run_month(opened, month)
            shown = partial(print_month, opened, summary)
        else:
            outcome = recompute(opened, month, _instant(opened, as_of))
            summary = recomputed_as_json(outcome, opened.day_count)
            shown = partial(print_recomputed, outcome)
        if as_json:
            print_json(summary)
        else:
            shown()
    if summary["verdict"] == "could_not_reconcile":
        finish(Exit.NOT_RECONCILED)


def _instant(opened: Workspace, words: str) -> datetime:
    """An instant of the past; without an offset it is on the tenant's own clock."""
    try:
        told = datetime.fromisoformat(words)
    except ValueError as error:
        raise CommandError(
            f"--as-of {words!r} is no instant: write 2026-11-03T17:00 or ...+02:00", Exit.USAGE
        ) from error
    if "T" not in words and " " not in words.strip():
        raise CommandError(f"--as-of {words} names a day: say at what time of it, {words}T17:00", Exit.USAGE)
    instant = told if told.tzinfo else told.replace(tzinfo=opened.settings.zone)
    if instant > opened.clock():
        raise CommandError(f"--as-of {words} has not come yet: nothing is known as of it", Exit.USAGE)
    return instant


def recompute(opened: Workspace, month: BillingPeriod, as_of: datetime) -> MonthOutcome:
    """A month from what was known at an instant. Nothing is stored, and no Dagster run is recorded."""
    from resources.warehouse.month import MonthWarehouse  # noqa: PLC0415  dbt's import costs seconds

    warehouse = MonthWarehouse(opened.lake, opened.settings.folder("scratch"), DBT_PROJECT)
    return recompute_month(opened.tenant, month, opened.month_ledger, opened.lake, warehouse, as_of=as_of)


def recomputed_as_json(outcome: MonthOutcome, day_count: DayCount) -> dict[str, Any]:
    """The summary of a run with ``recomputed``: changes and findings as lists, which are stored nowhere."""
    recomputed = {
        "changes": [change_as_json(change, day_count) for change in outcome.plan.standing],
        "findings": [finding_as_json(finding) for finding in outcome.findings],
    }
    return outcome.as_json() | {"recomputed": recomputed}


def print_recomputed(outcome: MonthOutcome) -> None:
    """The recomputed month for people: it cannot be approved, and says so."""
    print_lines([f"{outcome.period} as of {outcome.as_of}: {outcome.verdict.replace('_', ' ')}", ""])
    _print_sources(outcome.sources)
    if outcome.plan.standing:
        print_changes(list(outcome.plan.standing))
    for finding in outcome.findings:
        print_lines([f"{finding.kind}: {finding.message}"])
    print_lines(["Recomputed from what was known then. Nothing was stored, and nothing of it can be approved."])


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
    told = ("period", "verdict", "as_of", "sources", "changes", "findings", "since_last_run")
    return {key: published.summary[key] for key in told}


def _silent(_message: str) -> None:
    """Nobody watches: say nothing."""


def print_month(opened: Workspace, summary: dict[str, Any]) -> None:
    """The month for people: verdict, sources with their row accounting, the standing changes."""
    closed = f" (closed, as of {summary['as_of']})" if summary["as_of"] else ""
    print_lines([f"{summary['period']}: {summary['verdict'].replace('_', ' ')}{closed}", ""])
    _print_sources(summary["sources"])
    with opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=summary["period"])
        policy = policy_of_month(opened, conn, summary["period"])
    standing = [change for change in latest if change.status != "superseded"]
    if standing:
        print_changes(standing, policy)
    counted, moves = summary["changes"], summary["since_last_run"]
    money = _money(standing, opened.settings.billing_currency)
    print_lines(
        [
            *([f"Money a month: {money}"] if money else []),
            f"{counted['standing']} changes stand; since the last run {len(moves['appeared'])} appeared, "
            f"{len(moves['altered'])} have other numbers, {len(moves['withdrawn'])} were withdrawn.",
            f"{summary['findings']} findings (trueup findings --period {summary['period']}).",
        ]
    )


def _money(standing: Sequence[Change], billing: BillingCurrency) -> str:
    """The money a month by currency, and together where there are several and every one has a rate."""
    sums = money_by_currency(standing)
    told = ", ".join(f"{Decimal(amount):+,.2f} {currency}" for currency, amount in sums.items())
    total = billing.total(standing)
    is_told = set(sums) <= {billing.code} or total is None
    return told if is_told else f"{told}; at the rates of billing.rates together {total:+,.2f} {billing.code}"


def _print_sources(sources: Sequence[dict[str, Any]]) -> None:
    print_table(
        ["source", "file", "verdict", "rows", "valid", "rejected", "ignored", "totals", "quantity", "reasons"],
        [_source_cells(source) for source in sources],
        right=["rows", "valid", "rejected", "ignored", "totals", "quantity"],
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
