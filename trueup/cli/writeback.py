"""``trueup writeback``: whether write-back goes on, the switch that stops it, letting it go on.

Belongs here: the switch as a person uses it.
Does not belong here: writing (``apply``), stops that write-back makes by itself (``pipelines.writeback``).
"""

from typing import Annotated, Any

import typer

from pipelines.review.approval import Actor
from pipelines.writeback.ports import Stop, StopKind
from pipelines.writeback.restored import objection_to_resuming, take_back_approvals
from resources.store import audit, changes, copies, writes
from resources.workspace import Workspace
from trueup.cli.acting import acting, acting_as_admin
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, print_json, print_lines

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
    restored: Annotated[
        bool, typer.Option("--restored", help="A backup was restored: approvals end before it goes on.")
    ] = False,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write nothing more from now on; a run that is at work stops before its next line. Approvals are kept.

    Example: trueup writeback stop --by dana --reason "invoices are being printed"
    """
    with open_workspace(workspace) as opened:
        actor = acting(opened, by)
        kind = StopKind.RESTORED_STORE if restored else StopKind.BY_A_PERSON
        made = Stop(kind, reason, actor.name, opened.clock())
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

    After a restored store every approval that stands is taken back first: approve anew what is still right.

    Example: trueup writeback resume --by dana --reason "the line was mended in the PSA"
    """
    with open_workspace(workspace) as opened:
        actor = acting_as_admin(opened, by)
        taken_back = _prepared(opened, actor)
        with opened.store.transaction() as conn:
            is_lifted = writes.lift_stop(
                conn, opened.tenant.id, reason, actor.name, opened.clock(), is_asserted=actor.is_asserted
            )
    if as_json:
        print_json({"resumed": is_lifted, "taken_back": taken_back})
        return
    lines = ["Write-back goes on." if is_lifted else "Write-back was not stopped."]
    if taken_back:
        lines.append(f"Approvals taken back, to be given anew: {', '.join(taken_back)}")
    print_lines(lines)


def _prepared(opened: Workspace, actor: Actor) -> list[str]:
    """What a stop asks for before it is lifted; the answer names the changes whose approvals were taken back."""
    with opened.store.reading() as conn:
        stop = writes.standing_stop(conn, opened.tenant.id)
        if stop is None or stop.kind is not StopKind.RESTORED_STORE:
            return []
        copy = copies.newest_complete_copy(conn, opened.tenant.id)
        unsettled = writes.unsettled_changes(conn, opened.tenant.id)
        latest = changes.latest_changes(conn, opened.tenant.id)
    objection = objection_to_resuming(stop, None if copy is None else copy.started_at, len(unsettled))
    if objection is not None:
        raise CommandError(objection)
    ledger = opened.decision_ledger
    decided = take_back_approvals(ledger, latest, actor, now=opened.clock(), new_id=opened.new_id)
    if decided.undecided:
        raise CommandError("somebody decided about changes at the same moment; resume it again")
    _begin_witness_anew(opened)
    return [f"{each.change_id}@{each.revision}" for each in decided.decisions]


def _begin_witness_anew(opened: Workspace) -> None:
    """Before the stop is lifted: dying in between leaves one that is lifted again, and not one that comes back."""
    with opened.store.reading() as conn:
        head = audit.chain_head(conn, opened.tenant.id)
    try:
        opened.witness.begin_anew(head)
    except OSError as error:
        raise CommandError(f"the witness cannot be written: {error}") from error
