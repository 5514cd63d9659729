"""``trueup rollback``: take back what a run of write-back wrote, as proposals to be reviewed.

Belongs here: the command, what it prints.
Does not belong here: what can be taken back (``pipelines.writeback.rolling_back``), deciding (``deciding``).
"""

from typing import Annotated, Any

import typer

from pipelines.review.changes import Change
from pipelines.writeback.rolling_back import CopiedPsa, NothingWrittenError, RollBack, irreversible, roll_back
from resources.store import copies
from resources.store.roll_back_ledger import StoreRollBackLedger
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, finish, note, print_json, print_lines
from trueup.cli.review import change_as_json, print_changes


def rollback(
    batch: Annotated[str, typer.Argument(help="Run of write-back: a batch_id of `changes list --json`.")],
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose the opposite of every change that a run of write-back wrote. Nothing is written by it.

    Exit code 3 when something that the run wrote is left out; the reason is printed.

    Example: trueup rollback 9f0c2a7be1d45c38 --by dana
    """
    with open_workspace(workspace) as opened:
        actor = acting(opened, by)
        stays = irreversible(opened.tenant)
        for words in stays:
            note(words)
        try:
            made = roll_back(
                batch,
                opened.tenant,
                StoreRollBackLedger(opened.store),
                _copied(opened),
                by=actor,
                now=opened.clock(),
            )
        except NothingWrittenError as error:
            raise CommandError(str(error), Exit.USAGE) from error
    if as_json:
        print_json(_as_json(made, stays, opened))
    else:
        _print(made)
    if made.left_out:
        finish(Exit.NOT_RECONCILED)


def _copied(opened: Workspace) -> CopiedPsa:
    with opened.store.reading() as conn:
        copy = copies.newest_complete_copy(conn, opened.tenant.id)
    if copy is None or copy.lake_path is None:
        return CopiedPsa()
    return CopiedPsa(opened.lake.read_psa(copy.lake_path), copy.started_at)


def _as_json(made: RollBack, stays: list[str], opened: Workspace) -> dict[str, Any]:
    return {
        "batch_id": made.batch_id,
        "cannot_be_reversed": stays,
        "proposed": [change_as_json(change, opened.day_count) for change in made.proposed],
        "already": [
            {"id": change.change_id, "revision": change.revision, "status": str(change.status)}
            for change in made.already
        ],
        "left_out": [
            {"id": item.change.change_id, "revision": item.change.revision, "reason": item.reason}
            for item in made.left_out
        ],
    }


def _print(made: RollBack) -> None:
    if made.proposed:
        print_changes(list(made.proposed))
        print_lines([f"{len(made.proposed)} proposed; nothing is written before they are approved."])
    print_lines(f"{_name(change)} is {change.status} already; nothing changed" for change in made.already)
    print_lines(f"{_name(item.change)} is left out: {item.reason}" for item in made.left_out)


def _name(change: Change) -> str:
    return f"{change.change_id}@{change.revision}"
