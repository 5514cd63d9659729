"""``trueup mappings``: mapping decisions as a file, both ways.

Belongs here: recording what a mapping file changes, writing all entries out.
Does not belong here: what an entry means (``pipelines.mapping``), looking before one decides (``previewing``,
``suggesting``), carrying them over from another PSA (``translating``).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.mapping.document import MappingDocument
from pipelines.mapping.importing import ImportPlan, plan_import
from pipelines.mapping.naming import names_of
from pipelines.mapping.writing import write_mappings, write_named_mappings
from resources.store import mappings
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.keys import keys
from trueup.cli.mapping_files import checked_document, mapping_file, newest_names
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.previewing import diff
from trueup.cli.printing import note, print_json
from trueup.cli.suggesting import suggest
from trueup.cli.translating import translate

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
    document = mapping_file(file)
    with open_workspace(workspace) as opened:
        warnings = checked_document(opened, document)
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
def export(
    names: Annotated[
        bool, typer.Option("--names", help="With the PSA's names and codes, for mappings translate in another PSA.")
    ] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print all entries that were not superseded, as a mapping file; ended ones keep their dates.

    Example: trueup mappings export > mappings.yaml
    """
    with open_workspace(workspace) as opened:
        with opened.store.reading() as conn:
            recorded = mappings.recorded_entries(conn, opened.tenant.id)
        entries = [item.entry for item in recorded if item.superseded_at is None]
        called = names_of(entries, newest_names(opened)) if names else None
    text = write_mappings(entries) if called is None else write_named_mappings(entries, called)
    if as_json:
        print_json({"mappings": text})
    else:
        print(text, end="")


app.command("keys")(keys)
app.command("diff")(diff)
app.command("suggest")(suggest)
app.command("translate")(translate)
