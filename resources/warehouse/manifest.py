"""dbt's manifest for Dagster.

Belongs here: that the manifest exists and is not older than the project.
Does not belong here: what Dagster makes of it (``assets``), building (``building``).
"""

from pathlib import Path

from resources.warehouse.building import is_fresh, parse


def prepared_manifest(project_dir: Path) -> Path:
    """The path of an up-to-date ``manifest.json``. dbt is imported and the project parsed only when it is not.

    Raises ``WarehouseError`` with dbt's words when the project is wrong.
    """
    manifest = project_dir / "target" / "manifest.json"
    if not is_fresh(project_dir, manifest):
        parse(project_dir)
    return manifest
