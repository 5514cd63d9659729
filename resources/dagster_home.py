"""The Dagster home of a workspace: its instance file, written from the workspace's settings.

Belongs here: which storage Dagster uses, how runs are watched and retried, telemetry off.
Does not belong here: Dagster itself; this module only writes a file that Dagster reads.
"""

import os
from pathlib import Path
from typing import Any

import yaml

from resources.settings import Settings

_WATCHING: dict[str, Any] = {
    # Without free_slots_after_run_end_seconds a killed run holds its slot for ever (docs/decisions/0004).
    "run_monitoring": {
        "enabled": True,
        "start_timeout_seconds": 300,
        "cancel_timeout_seconds": 180,
        "max_runtime_seconds": 3600,
        "free_slots_after_run_end_seconds": 60,
        "poll_interval_seconds": 30,
    },
    # A step that fails says itself whether a rerun helps; only a crashed worker is retried by Dagster.
    "run_retries": {"enabled": True, "max_retries": 2, "retry_on_asset_or_op_failure": False},
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
}


def prepare_dagster_home(settings: Settings) -> Path:
    """Write ``dagster.yaml`` for this workspace and return its folder.

    Dagster keeps its runs in SQLite beside a SQLite store, and in PostgreSQL when the store is PostgreSQL.
    """
    home = settings.folder("dagster")
    home.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_dump({**_storage(settings), **_WATCHING}, sort_keys=False)
    file = home / "dagster.yaml"
    if not file.exists() or file.read_text(encoding="utf-8") != content:
        _replace(file, content)
    return home


def _replace(file: Path, content: str) -> None:
    """Half a file, on a full disk, would be read by Dagster as one that leaves everything to its defaults."""
    new = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        new.write_text(content, encoding="utf-8")
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _storage(settings: Settings) -> dict[str, Any]:
    if not settings.store_url.startswith("postgresql://"):
        # By name, since whoever only writes this file need not wait for Dagster's imports.
        storage = {"module": "resources.dagster_events", "class": "OpenSqliteStorage"}
        return {"storage": {"custom": {**storage, "config": {"base_dir": str(settings.folder("dagster") / "storage")}}}}
    # dagster-postgres speaks psycopg2; without the explicit driver a newer SQLAlchemy would pick psycopg 3.
    url = settings.store_url.replace("postgresql://", "postgresql+psycopg2://", 1)
    return {"storage": {"postgres": {"postgres_url": url}}}
