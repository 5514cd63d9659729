"""``trueup mappings``: mapping decisions as a file, both ways.

Belongs here: reading a mapping file, recording what it changes, writing all entries out.
Does not belong here: what an entry means (``pipelines.mapping``).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.agreements.records import PsaRecords
from pipelines.mapping.checking import check_against_psa
from pipelines.mapping.document import MappingDocument, read_mappings
from pipelines.mapping.importing import ImportPlan, plan_import
from pipelines.mapping.writing import write_mappings
from resources.store import copies, mappings
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, note, print_json

app = typer.Typer(help="Account, service and unit mappings as YAML.", no_args_is_help=True)


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Mapping file (YAML).")],
    by: ByOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="End every entry the file does not name.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record the decisions of a mapping file. Importing the same file again changes nothing.

    Example: trueup mappings import mappings.yaml --by dana
    """
    document = read_mappings(_text_of(file))
    with open_workspace(workspace) as opened:
        warnings = _checked(opened, document)
        plan = record_document(opened, document, acting(opened, by).name, replace=replace)
    for warning in warnings:
        note(f"Note: {warning}")
    counts = {
        "added": len(plan.add),
        "ended": len(plan.end),
        "superseded": len(plan.supersede),
        "unchanged": plan.unchanged,
    }
    if as_json:
        print_json(counts | {"warnings": warnings})
    else:
        print(", ".join(f"{count} {what}" for what, count in counts.items()))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read as UTF-8 text: {error}", Exit.REFUSED) from error


def _checked(opened: Workspace, document: MappingDocument) -> list[str]:
    """Refuse ids that the newest PSA copy does not know; warn of inactive ones. Without a copy nothing is known."""
    with opened.store.reading() as conn:
        copy = copies.newest_complete_copy(conn, opened.tenant.id)
    records = opened.lake.read_psa(copy.lake_path) if copy and copy.lake_path else PsaRecords((), (), (), ())
    if copy is None:
        return ["the PSA has not been copied yet, so the ids could not be checked; trueup run copies it"]
    report = check_against_psa(document, records.accounts, records.services, records.lines, today=opened.today)
    if report.refused:
        raise CommandError("\n".join(str(problem) for problem in report.refused), Exit.REFUSED)
    return [str(problem) for problem in report.warnings]


def record_document(opened: Workspace, document: MappingDocument, by: str, *, replace: bool) -> ImportPlan:
    """Record what a document adds, changes and ends, in one transaction."""
    tenant, now = opened.tenant.id, opened.clock()
    with opened.store.transaction() as conn:
        plan = plan_import(document, mappings.recorded_entries(conn, tenant), replace=replace, today=opened.today)
        for entry_id in plan.supersede:
            mappings.supersede_entry(conn, tenant, entry_id, by, now)
        for entry_id, until in plan.end:
            mappings.end_entry(conn, tenant, entry_id, until, by, now)
        for entry in plan.add:
            mappings.record_entry(conn, tenant, opened.new_id(), entry, by, now)
    return plan


@app.command("export")
def export(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """Print all entries that were not superseded, as a mapping file; ended ones keep their dates.

    Example: trueup mappings export > mappings.yaml
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        recorded = mappings.recorded_entries(conn, opened.tenant.id)
    text = write_mappings([item.entry for item in recorded if item.superseded_at is None])
    if as_json:
        print_json({"mappings": text})
    else:
        print(text, end="")
