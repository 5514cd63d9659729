"""``trueup profiles``: import profiles, shipped and own, and what one would make of a file.

Belongs here: listing, showing, checking without changing anything.
Does not belong here: the profile language (``pipelines.intake.profile``).
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.intake.completeness import judge_file
from pipelines.intake.drops import SourceVerdict
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.quantities import text
from resources.profiles import KnownProfile, known_profiles
from resources.settings import FILE_NAME, environment, load_settings, workspace_folder
from resources.workspace import DBT_PROJECT, utc_now
from trueup.cli.options import JsonOption, WorkspaceOption
from trueup.cli.printing import CommandError, Exit, finish, print_json, print_lines, print_table
from trueup.cli.proposing import drafts_folder, new

app = typer.Typer(help="Import profiles: how a distributor's file is read.", no_args_is_help=True)

ProfileOption = Annotated[str, typer.Option("--profile", help="Name of a profile, or the path of a YAML file.")]


def _named_profiles(workspace: Path | None) -> dict[str, KnownProfile]:
    """Every profile that can be named here; outside a workspace these are the shipped ones."""
    environ = environment()
    root = workspace_folder(workspace, environ)
    is_workspace = (root / FILE_NAME).exists()
    return known_profiles(load_settings(root, environ).folder("profiles") if is_workspace else None)


def profile_text(name: str, workspace: Path | None, *, with_drafts: bool = False) -> str:
    """The YAML of a profile by name or by path; of a draft only ``with_drafts``, because nobody has confirmed it.

    Raises ``CommandError`` (input refused) when there is none.
    """
    if name.endswith((".yaml", ".yml")):
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"the profile file {name} cannot be read: {error}", Exit.REFUSED) from error
    known = _named_profiles(workspace)
    if name not in known and with_drafts and (draft := _draft(name, workspace)) is not None:
        return draft
    if name not in known:
        raise CommandError(f"there is no profile {name!r}; known are {', '.join(sorted(known))}", Exit.REFUSED)
    return known[name].text


def _draft(name: str, workspace: Path | None) -> str | None:
    folder = drafts_folder(workspace)
    files = {file.stem: file for file in folder.glob("*.yaml")} if folder else {}
    return files[name].read_text(encoding="utf-8") if name in files else None


def chosen_profile(name: str, workspace: Path | None, *, with_drafts: bool = False) -> ImportProfile:
    """The profile of a name or path. Raises ``ProfileError`` when its YAML is wrong."""
    return load_profile(profile_text(name, workspace, with_drafts=with_drafts))


@app.command("list")
def list_profiles(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """All import profiles that can be named.

    Example: trueup profiles list
    """
    rows = [_row(known) for _, known in sorted(_named_profiles(workspace).items())]
    if as_json:
        print_json(rows)
    else:
        print_table(["profile", "source", "basis", "version", "origin"], [tuple(row.values()) for row in rows])


def _row(known: KnownProfile) -> dict[str, str]:
    return {
        "profile": known.profile.name,
        "source": known.profile.source,
        "basis": str(known.profile.basis),
        "version": known.profile.version,
        "origin": known.origin,
    }


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of a profile, or the path of a YAML file.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a profile as YAML, to copy and change.

    Example: trueup profiles show pax8-subscriptions > acme/profiles/my-pax8.yaml
    """
    content = profile_text(name, workspace, with_drafts=True)
    if as_json:
        profile = load_profile(content)
        print_json({"profile": profile.name, "source": profile.source, "version": profile.version, "yaml": content})
    else:
        print(content, end="")


app.command("new")(new)


@app.command("check")
def check(
    file: Annotated[Path, typer.Argument(help="A usage file.")],
    profile: ProfileOption,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a file and say what would be done with it; nothing is changed.

    Exit code 3 when the file would be incomplete, 4 when it would be refused.

    Example: trueup profiles check usage.csv --profile pax8-subscriptions
    """
    chosen = chosen_profile(profile, workspace, with_drafts=True)
    document, verdict = checked(file, chosen)
    if as_json:
        print_json(document)
    else:
        _print_check(document)
    if verdict is not SourceVerdict.COMPLETE:
        finish(Exit.REFUSED if verdict is SourceVerdict.REFUSED else Exit.NOT_RECONCILED)


def checked(file: Path, profile: ImportProfile) -> tuple[dict[str, Any], SourceVerdict]:
    """What the profile makes of the file, in the shape of the outside contract, and the verdict it would get."""
    from resources.warehouse.reading import DuckDbFileReader  # noqa: PLC0415  DuckDB is needed by this command alone

    if not file.is_file():
        raise CommandError(f"{file} cannot be read: there is no such file", Exit.REFUSED)
    read = DuckDbFileReader().read(file, profile, file_name=file.name, overlays=(), as_of=utc_now().date())
    verdict, reasons = judge_file(profile, read, previous_rows=None)
    document = {
        "profile": profile.label,
        "verdict": str(verdict),
        "reasons": list(reasons),
        "header_row": read.header_row,
        "columns": read.columns,
        "unused_columns": list(read.unused_columns),
        "rows": read.rows.as_json(),
        "quantity": text(read.quantity),
        "rejected": [
            {
                "row": error.row,
                "column": error.column,
                "value": error.value,
                "reason": error.reason,
                "remedy": error.remedy,
            }
            for error in read.rejected
        ],
        "preview": list(read.preview),
        "aggregated": _aggregated(read.table) if verdict is not SourceVerdict.REFUSED else [],
    }
    return document, verdict


def _aggregated(table: Any) -> list[dict[str, Any]]:
    """What the file's rows come to, by the same models that reconcile a month, on a scratch lake."""
    from resources.warehouse.lake import Lake  # noqa: PLC0415
    from resources.warehouse.month import MonthWarehouse  # noqa: PLC0415  dbt's import costs a second

    if table is None or table.num_rows == 0:
        return []
    with tempfile.TemporaryDirectory(prefix="trueup-check-") as scratch:
        root = Path(scratch)
        return MonthWarehouse(Lake(root / "lake", "check"), root / "scratch", DBT_PROJECT).aggregate_preview(table)


def _print_check(document: dict[str, Any]) -> None:
    rows = document["rows"]
    print_lines(
        [
            f"{document['profile']}: {document['verdict']}" + "".join(f"\n  {r}" for r in document["reasons"]),
            f"header in record {document['header_row']}",
            f"unused columns: {', '.join(document['unused_columns']) or 'none'}",
            ", ".join(f"{count} {name}" for name, count in rows.items() if count)
            + f"; quantity {document['quantity']}",
        ]
    )
    print_table(["field", "column"], document["columns"].items())
    if document["rejected"]:
        print_table(
            ["row", "column", "value", "reason", "remedy"],
            [tuple(item.values()) for item in document["rejected"]],
            right=["row"],
        )
    if document["aggregated"]:
        print_table(
            ["account", "service", "term", "quantity", "rows"],
            [
                (
                    item["account_key"],
                    item["service_key"],
                    item.get("commitment_term"),
                    item["quantity"],
                    ", ".join(map(str, item["rows"][:8])),
                )
                for item in document["aggregated"]
            ],
            right=["quantity"],
        )
