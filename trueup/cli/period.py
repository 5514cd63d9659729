"""``trueup period``: months frozen and opened again.

Belongs here: the commands and what they print.
Does not belong here: when a month may be closed (``pipelines.review.closing``).
"""

from typing import Annotated, Any

import typer

from pipelines.review.closing import Reopening, close_month
from resources.store import periods
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, print_json, print_table

app = typer.Typer(help="Months: freeze one, open it again.", no_args_is_help=True)

MonthArgument = Annotated[str, typer.Argument(help="Billing period, YYYY-MM.")]


@app.command("close")
def close(
    month: MonthArgument,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a month as it was last reconciled: readings, mapping decisions, PSA copy, approval policy.

    Exit code 3 when something arrived since, or the month was never reconciled.

    Example: trueup period close 2026-10 --by dana
    """
    period = period_of(month)
    with open_workspace(workspace) as opened:
        closing = close_month(opened.month_ledger, period, by=acting(opened, by), now=opened.clock())
    if as_json:
        print_json({"period": closing.period, "status": "closed", "as_of": closing.as_of.isoformat()})
    else:
        print(f"{closing.period} is closed as of {closing.as_of.isoformat()}. What arrives for it becomes a finding.")


@app.command("reopen")
def reopen(
    month: MonthArgument,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a closed month follow its newest files, mappings and PSA copy again.

    Example: trueup period reopen 2026-10 --by dana
    """
    period = period_of(month)
    with open_workspace(workspace) as opened:
        reopening = Reopening(period.key, acting(opened, by), opened.clock())
        if not opened.month_ledger.reopen(reopening):
            raise CommandError(f"{period.key} is not closed", Exit.NOT_RECONCILED)
    if as_json:
        print_json({"period": period.key, "status": "open", "as_of": None})
    else:
        print(f"{period.key} is open again: trueup run --period {period.key}")


@app.command("list")
def list_months(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every month with usage: open, or closed as of when and by whom.

    Example: trueup period list
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        decided = periods.period_decisions(conn, opened.tenant.id)
        open_months = periods.open_periods(conn, opened.tenant.id)
    closed = [_closed(each) for each in decided if each.as_of is not None]
    months = sorted([*closed, *map(_open, open_months)], key=lambda each: str(each["period"]))
    if as_json:
        print_json(months)
    else:
        print_table(["period", "status", "as_of", "by", "at"], [tuple(month.values()) for month in months])


def _open(period: str) -> dict[str, Any]:
    return {"period": period, "status": "open", "as_of": None, "by": None, "at": None}


def _closed(decision: periods.PeriodDecision) -> dict[str, Any]:
    return {
        "period": decision.period,
        "status": "closed",
        "as_of": decision.as_of and decision.as_of.isoformat(),
        "by": decision.decided_by,
        "at": decision.decided_at.isoformat(),
    }
