"""Options that many commands share, and opening the workspace they mean.

Belongs here: annotated option types; from ``--workspace`` to an open workspace.
Does not belong here: options of one command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pipelines.periods import BillingPeriod
from resources.settings import environment, load_settings, workspace_folder
from resources.workspace import Workspace
from trueup.cli.printing import CommandError, Exit

WorkspaceOption = Annotated[
    Path | None,
    typer.Option("--workspace", help="Folder of the workspace (else TRUEUP_WORKSPACE, else ./workspace)."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, for machines.")]
PeriodOption = Annotated[str, typer.Option("--period", help="Billing period, YYYY-MM.")]
NewestPeriodOption = Annotated[
    str | None,
    typer.Option("--period", help="Billing period, YYYY-MM; else the newest open one with usage."),
]
ByOption = Annotated[
    str | None,
    typer.Option("--by", help="Who decides this; kept in the trail. With tokens (TRUEUP_TOKEN) it is left out."),
]


@contextmanager
def open_workspace(folder: Path | None) -> Iterator[Workspace]:
    """The workspace a command works in, closed at its end."""
    environ = environment()
    workspace = Workspace(load_settings(workspace_folder(folder, environ), environ))
    try:
        yield workspace
    finally:
        workspace.close()


def period_of(key: str) -> BillingPeriod:
    """The month an option names. An impossible one is a usage error (exit code 2)."""
    try:
        return BillingPeriod.from_key(key)
    except ValueError as error:
        raise CommandError(str(error), Exit.USAGE) from error


def month_or_newest_open(opened: Workspace, key: str | None) -> BillingPeriod | None:
    """The month an option names, else the newest open one with usage; None where there is none."""
    if key is not None:
        return period_of(key)
    open_months = opened.month_ledger.open_months()
    return BillingPeriod.from_key(open_months[-1]) if open_months else None
