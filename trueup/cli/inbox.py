"""``trueup inbox``: what arrived, what is quarantined and why.

Belongs here: listing arrivals, releasing a quarantined file, retiring a file that will not come again.
Does not belong here: taking files in.
"""

from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from pipelines.identity import FileId
from pipelines.intake.drops import Arrival, ArrivalStatus, DropIdentity
from resources.store import inbox, usage
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, print_json, print_table

app = typer.Typer(help="Files that arrived.", no_args_is_help=True)


@app.command("list")
def list_arrivals(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Every file that arrived, newest last.

    Example: trueup inbox list
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        arrivals = inbox.arrivals(conn, opened.tenant.id)
    if as_json:
        print_json([_as_json(arrival) for arrival in arrivals])
        return
    print_table(
        ["id", "arrived", "file", "source", "profile", "month", "status", "reason"],
        [
            (a.file_id, f"{a.arrived_at:%Y-%m-%d %H:%M}", a.path, a.source, a.profile, a.period, a.status, a.reason)
            for a in arrivals
        ],
    )


def _as_json(arrival: Arrival) -> dict[str, Any]:
    return {
        "id": arrival.file_id,
        "path": arrival.path,
        "file": arrival.name,
        "sha256": arrival.sha256,
        "size_bytes": arrival.size_bytes,
        "arrived_at": arrival.arrived_at.isoformat(),
        "status": str(arrival.status),
        "source": arrival.source,
        "profile": arrival.profile,
        "period": arrival.period,
        "part": arrival.part or None,
        "attempts": arrival.attempts,
        "reason": arrival.reason,
    }


@app.command("release")
def release(
    file: Annotated[str, typer.Argument(help="File id, as `inbox list` shows it.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a quarantined or refused file be tried again.

    Example: trueup inbox release 3f2a9c0d11aa22bb
    """
    with open_workspace(workspace) as opened, opened.store.transaction() as conn:
        arrival = inbox.arrival(conn, opened.tenant.id, FileId(file))
        if arrival is None:
            raise CommandError(f"no file {file} has arrived; trueup inbox list shows the ids", Exit.USAGE)
        if arrival.status not in {ArrivalStatus.QUARANTINED, ArrivalStatus.REFUSED}:
            raise CommandError(f"{arrival.path} is {arrival.status}, neither quarantined nor refused", Exit.USAGE)
        inbox.release(conn, opened.tenant.id, FileId(file))
    if as_json:
        print_json({"released": file})
    else:
        print(f"{arrival.path} is tried again by the next run.")


@app.command("retire")
def retire(
    source: Annotated[str, typer.Option(help="The source, for example Pax8.")],
    profile: Annotated[str, typer.Option(help="The profile its file was read with.")],
    period: PeriodOption,
    by: ByOption = None,
    part: Annotated[str, typer.Option(help="The part, where a month comes in several files.")] = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that a file which that month had will not come again; later months no longer wait for it.

    Example: trueup inbox retire --source Pax8 --profile pax8-subscriptions --period 2026-09 --by dana
    """
    drop = DropIdentity(source, profile, period_of(period).key, part)
    with open_workspace(workspace) as opened:
        actor = acting(opened, by)
        with opened.store.transaction() as conn:
            _retire(conn, opened, drop, actor.name)
    if as_json:
        print_json({"retired": {"source": source, "profile": profile, "period": drop.period, "part": part or None}})
    else:
        print(f"Months after {drop.period} no longer wait for {source} ({profile}).")


def _retire(conn: Connection, opened: Workspace, drop: DropIdentity, by: str) -> None:
    if drop not in usage.known_drops(conn, opened.tenant.id, drop.period):
        raise CommandError(f"{drop.period} has no file of {drop.source} read with {drop.profile}", Exit.USAGE)
    usage.retire_drop(conn, opened.tenant.id, drop, by, opened.clock())
