"""Stores as earlier versions left them.

Belongs here: bringing a bare database to an earlier step of the schema, filling it with what that version had written.
Does not belong here: what becomes of them.
"""

import json
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from resources.store import migrations
from resources.store.engine import Store

VERSION_TABLE = "trueup_schema"
SAMPLES = Path(__file__).parents[2] / "samples" / "stores"
"""Stores of earlier versions, one for each step that it was written at, each row as SQLite keeps it."""


def store_at(url: str, step: str) -> Store:
    """A store whose tables are those of a step, without a row."""
    store = Store(url, "msp")
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    with store.transaction() as conn:
        config.attributes.update(connection=conn, version_table=VERSION_TABLE)
        command.upgrade(config, step)
    return store


def store_written_at(url: str, step: str) -> Store:
    """A store as the code of that step left it: line 1 written, 2 unknown, 3 sending, 4 approved, its writer killed."""
    store = store_at(url, step)
    dump = json.loads((SAMPLES / f"{step}.json").read_text(encoding="utf-8"))
    with store.transaction() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for table, rows in dump["tables"].items():
            for row in rows:
                _insert(conn, table, row)
    return store


def _insert(conn: Connection, table: str, row: dict[str, Any]) -> None:
    quote = conn.dialect.identifier_preparer.quote
    if conn.dialect.name == "postgresql":
        # Text without a type of its own, which the server reads as what the column holds.
        row = {name: None if value is None else str(value) for name, value in row.items()}
    names, places = ", ".join(map(quote, row)), ", ".join(f":{name}" for name in row)
    conn.execute(text(f"INSERT INTO {quote(table)} ({names}) VALUES ({places})"), row)
