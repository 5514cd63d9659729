"""Dagster's view of the resources: ten lines of configuration around plain clients.

Belongs here: ConfigurableResource classes; the only module of ``resources`` that imports Dagster.
Does not belong here: behaviour.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from resources.settings import Settings, environment, load_settings
from resources.workspace import Workspace


class Workspaces(dg.ConfigurableResource):  # type: ignore[type-arg]  # generic only for Dagster's own typing
    """The workspaces that a deployment serves, opened by tenant."""

    folders: list[str]

    def settings(self) -> list[Settings]:
        """The settings of every workspace, read anew each time."""
        environ = environment()
        return [load_settings(Path(folder), environ) for folder in self.folders]

    @contextmanager
    def open(self, tenant: str) -> Iterator[Workspace]:
        """The workspace of one tenant, closed at the end. Raises ``LookupError`` for a tenant nobody configured."""
        found = [settings for settings in self.settings() if settings.tenant == tenant]
        if not found:
            raise LookupError(f"no workspace of tenant {tenant!r} among {', '.join(self.folders)}")
        workspace = Workspace(found[0])
        try:
            yield workspace
        finally:
            workspace.close()
