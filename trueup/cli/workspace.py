"""``trueup init`` and ``trueup config``: a workspace and its settings.

Belongs here: making a workspace, reading and changing settings.
Does not belong here: what a setting means (``resources.settings``).
"""

from pathlib import Path
from typing import Annotated

import typer

from resources.settings import (
    create_workspace,
    environment,
    get_setting,
    load_settings,
    set_setting,
    workspace_folder,
)
from resources.workspace import Workspace, utc_now
from trueup.cli.options import JsonOption, WorkspaceOption
from trueup.cli.printing import print_json

config = typer.Typer(help="Read and change the settings of a workspace.", no_args_is_help=True)


def init(
    directory: Annotated[Path, typer.Argument(help="Folder to make a workspace of.")],
    tenant: Annotated[str, typer.Option(help="Short id of the MSP.")] = "main",
    as_json: JsonOption = False,
) -> None:
    """Make a workspace: settings file, folders and the SQLite store.

    Example: trueup init acme --tenant acme
    """
    root = directory.absolute()
    create_workspace(root, tenant=tenant, created_at=utc_now())
    workspace = Workspace(load_settings(root, environment()))
    _ = workspace.store
    workspace.close()
    if as_json:
        print_json({"workspace": str(root), "tenant": workspace.settings.tenant})
    else:
        print(f"Workspace {root} is ready. Next: trueup config set psa.base_url URL --workspace {directory}")


@config.command("get")
def config_get(
    key: Annotated[str, typer.Argument(help="For example psa.base_url.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one setting.

    Example: trueup config get billing.currency
    """
    environ = environment()
    value = get_setting(load_settings(workspace_folder(workspace, environ), environ), key)
    shown = str(value) if not isinstance(value, bool | int | None) else value
    if as_json:
        print_json({"key": key, "value": shown})
    else:
        print("" if shown is None else str(shown).lower() if isinstance(shown, bool) else shown)


@config.command("set")
def config_set(
    key: Annotated[str, typer.Argument(help="For example psa.base_url.")],
    value: Annotated[str, typer.Argument(help="The new value; null or an empty text takes it away.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change one setting.

    Example: trueup config set psa.base_url https://api-na.myconnectwise.net
    """
    set_setting(workspace_folder(workspace, environment()), key, value)
    if as_json:
        print_json({"key": key, "value": value})
    else:
        print(f"{key} = {value}")
