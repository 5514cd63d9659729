"""``trueup dev``: the Dagster UI and daemon on a workspace.

Belongs here: starting ``dagster dev`` with the workspace's own Dagster home, on loopback.
Does not belong here: what Dagster shows.
"""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from resources.dagster_home import prepare_dagster_home
from resources.settings import environment, load_settings, workspace_folder
from resources.workspace import Workspace
from trueup.cli.options import WorkspaceOption
from trueup.cli.printing import note

CODE_LOCATION = Path(__file__).resolve().parents[2] / "workspace.yaml"


def dev(
    workspace: WorkspaceOption = None,
    port: Annotated[int, typer.Option(help="Port of the UI on 127.0.0.1.")] = 3000,
) -> None:
    """Start the Dagster UI with its daemon: sensors and schedules run, files in the inbox are taken in.

    The UI has no sign-in: it binds to loopback, and approvals are never made there.

    Example: trueup dev --workspace acme --port 3000
    """
    environ = environment()
    root = workspace_folder(workspace, environ)
    settings = load_settings(root, environ)
    opened = Workspace(settings)
    _ = opened.store
    opened.close()
    home = prepare_dagster_home(settings)
    dagster = Path(sys.executable).parent / "dagster"
    note(f"Dagster UI at http://127.0.0.1:{port} (stop with Ctrl-C)")
    os.chdir(CODE_LOCATION.parent)
    os.execve(  # noqa: S606  replaces this process, so that Ctrl-C reaches Dagster
        dagster,
        [str(dagster), "dev", "-w", str(CODE_LOCATION), "-h", "127.0.0.1", "-p", str(port)],
        environ | {"DAGSTER_HOME": str(home), "TRUEUP_WORKSPACE": str(root)},
    )
