"""``trueup rows``: rejected rows, corrected or disregarded in an overlay; the raw file is never touched.

Belongs here: listing rejected rows, recording what a person decided about them.
Does not belong here: applying the decision (``pipelines.intake``; the next run does it).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.identity import FileId
from pipelines.intake.drops import UsageRevision
from pipelines.intake.rows import OverlayAction, RowError, RowOverlay
from pipelines.intake.waiting import profile_of
from resources.store import overlays, usage
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, print_json, print_table

app = typer.Typer(help="Rejected rows of a file: list, fix, ignore.", no_args_is_help=True)

FileOption = Annotated[str, typer.Option("--file", help="File id, as `trueup inbox list` shows it.")]


@app.command("list")
def list_rows(file: FileOption, workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """The rejected rows of a file, with reason and remedy.

    Example: trueup rows list --file 3f2a9c0d11aa22bb
    """
    with open_workspace(workspace) as opened:
        rejected = _rejected(opened, file)
    if as_json:
        print_json([_as_json(revision, error) for revision, error in rejected])
        return
    print_table(
        ["row", "column", "value", "reason", "remedy"],
        # A row that names no part of its month is rejected in each of them.
        dict.fromkeys((e.row, e.column, e.value, e.reason, e.remedy) for _, e in rejected),
        right=["row"],
    )


def _as_json(revision: UsageRevision, error: RowError) -> dict[str, object]:
    return {
        "file": error.file,
        "sheet": error.sheet,
        "row": error.row,
        "column": error.column,
        "value": error.value,
        "reason": error.reason,
        "remedy": error.remedy,
        "period": revision.drop.period,
        "part": revision.drop.part or None,
        "revision": revision.revision,
    }


def _rejected(opened: Workspace, file: str) -> list[tuple[UsageRevision, RowError]]:
    """Rejected rows of the latest reading of the file in each of its months."""
    tenant = opened.tenant.id
    with opened.store.reading() as conn:
        revisions = usage.revision_of_file(conn, tenant, FileId(file))
        latest = {revision.drop: revision for revision in sorted(revisions, key=lambda r: r.revision)}
        if not latest:
            raise CommandError(f"no file {file} was taken in; trueup inbox list shows the ids", Exit.USAGE)
        by_id = {revision.revision_id: revision for revision in latest.values()}
        return [(by_id[rid], error) for rid, error in usage.rejected_rows(conn, tenant, list(by_id))]


@app.command("fix")
def fix(
    file: FileOption,
    row: Annotated[int, typer.Option(help="Physical record number, as `rows list` shows it.")],
    column: Annotated[str, typer.Option(help="The file's own column header.")],
    value: Annotated[str, typer.Option(help="What the cell should have said.")],
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Correct one cell of a rejected row. The next run reads the row anew.

    Example: trueup rows fix --file 3f2a9c0d11aa22bb --row 17 --column Quantity --value 12 --by dana
    """
    with open_workspace(workspace) as opened:
        chosen = _chosen(_rejected(opened, file), [row], file)
        _check_header(opened, chosen[0][0], column)
        _decide(opened, chosen, OverlayAction.FIX, acting(opened, by).name, column=column, value=value)
    _report(len({error.row for _, error in chosen}), "fixed", as_json)


@app.command("ignore")
def ignore(
    file: FileOption,
    reason: Annotated[str, typer.Option(help="Why the rows do not count.")],
    by: ByOption = None,
    row: Annotated[list[int] | None, typer.Option(help="Record number; may be given several times.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All rejected rows of the file.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disregard rejected rows, one or all. They no longer hold decreases.

    Example: trueup rows ignore --file 3f2a9c0d11aa22bb --all --reason "test accounts" --by dana
    """
    if bool(row) == every:
        raise CommandError("name the rows with --row N, or take --all", Exit.USAGE)
    with open_workspace(workspace) as opened:
        rejected = _rejected(opened, file)
        chosen = rejected if every else _chosen(rejected, row or [], file)
        _decide(opened, chosen, OverlayAction.IGNORE, acting(opened, by).name, reason=reason)
    _report(len({error.row for _, error in chosen}), "ignored", as_json)


def _chosen(
    rejected: list[tuple[UsageRevision, RowError]], rows: list[int], file: str
) -> list[tuple[UsageRevision, RowError]]:
    chosen = [item for item in rejected if item[1].row in rows]
    missing = sorted(set(rows) - {error.row for _, error in chosen})
    if missing:
        raise CommandError(f"row {missing[0]} of file {file} is not among its rejected rows", Exit.USAGE)
    return chosen


def _check_header(opened: Workspace, revision: UsageRevision, column: str) -> None:
    from resources.warehouse.reading import DuckDbFileReader  # noqa: PLC0415  DuckDB is needed for this check alone

    profile = profile_of(opened.intake, revision)
    if profile is None:
        raise CommandError(f"no import profile {revision.drop.profile!r} of {revision.drop.source} is there any more")
    read = DuckDbFileReader().read(
        Path(opened.archive.path(revision.sha256)), profile, file_name=revision.file_name, overlays=()
    )
    if column not in read.headers:
        known = ", ".join(read.headers)
        raise CommandError(f"{revision.file_name} has no column {column!r}; it has {known}", Exit.USAGE)


def _decide(
    opened: Workspace,
    chosen: list[tuple[UsageRevision, RowError]],
    action: OverlayAction,
    by: str,
    *,
    column: str | None = None,
    value: str | None = None,
    reason: str | None = None,
) -> None:
    with opened.store.transaction() as conn:
        for revision, error in chosen:
            overlay = RowOverlay(error.row, error.record_hash, action, column, value, reason, by)
            overlays.record_overlay(conn, opened.tenant.id, opened.new_id(), revision.drop, overlay, opened.clock())


def _report(count: int, what: str, as_json: bool) -> None:
    if as_json:
        print_json({what: count})
    else:
        print(f"{count} row{'s' if count != 1 else ''} {what}; the next run reads the file with this decision.")
