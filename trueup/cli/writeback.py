"""``trueup writeback``: whether write-back goes on, the switch that stops it, letting it go on.

Belongs here: the switch as a person uses it.
Does not belong here: writing (``apply``), stops that write-back makes by itself (``pipelines.writeback``).
"""

from typing import Annotated, Any

import typer

from pipelines.writeback.ports import Stop, StopKind
from resources.store import writes
from resources.workspace import Workspace
from trueup.cli.acting import acting, acting_as_admin
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import print_json

app = typer.Typer(help="Whether write-back goes on; stop it, let it go on.", no_args_is_help=True)


@app.command("status")
def status(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Whether write-back goes on or stands still, and how much is approved and unsettled.

    Example: trueup writeback status
    """
    with open_workspace(workspace) as opened:
        document = _status(opened)
    if as_json:
        print_json(document)
        return
    stopped = document["stopped"]
    state = f"stands still ({stopped['kind']}) since {stopped['at']}: {stopped['reason']}" if stopped else "goes on"
    print(f"Write-back {state}. {document['approved']} approved and due, {document['unsettled']} unsettled.")


def _status(opened: Workspace) -> dict[str, Any]:
    with opened.store.reading() as conn:
        stop = writes.standing_stop(conn, opened.tenant.id)
        due = writes.approved_changes(conn, opened.tenant.id, opened.clock())
        unsettled = writes.unsettled_changes(conn, opened.tenant.id)
    return {"stopped": stop and stop.as_json(), "approved": len(due), "unsettled": len(unsettled)}


@app.command("stop")
def stop(
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to everybody until it goes on.")],
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write nothing more from now on; a run that is at work stops before its next line. Approvals are kept.

    Example: trueup writeback stop --by dana --reason "invoices are being printed"
    """
    with open_workspace(workspace) as opened:
        actor = acting(opened, by)
        made = Stop(StopKind.BY_A_PERSON, reason, actor.name, opened.clock())
        with opened.store.transaction() as conn:
            writes.record_stop(conn, opened.tenant.id, made, is_asserted=actor.is_asserted)
    if as_json:
        print_json(made.as_json())
    else:
        print("Nothing is written any more until: trueup writeback resume --by NAME --reason WHY")


@app.command("resume")
def resume(
    reason: Annotated[str, typer.Option("--reason", help="Why it may go on; kept in the trail.")],
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let write-back go on, whoever or whatever stopped it. With tokens this is for admins.

    Example: trueup writeback resume --by dana --reason "the line was mended in the PSA"
    """
    with open_workspace(workspace) as opened:
        actor = acting_as_admin(opened, by)
        with opened.store.transaction() as conn:
            is_lifted = writes.lift_stop(
                conn, opened.tenant.id, reason, actor.name, opened.clock(), is_asserted=actor.is_asserted
            )
    if as_json:
        print_json({"resumed": is_lifted})
    else:
        print("Write-back goes on." if is_lifted else "Write-back was not stopped.")
