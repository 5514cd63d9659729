"""Statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart.

Belongs here: inserts that meet a row that is there already, numbers that grow in the order of commits.
Does not belong here: queries of a topic.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

from resources.store.tables import counters


def insert_into(conn: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows ``ON CONFLICT``, in the connection's own dialect."""
    return sqlite.insert(table) if conn.dialect.name == "sqlite" else postgresql.insert(table)


def insert_unless_present(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert each row unless one of its primary key is there; that one stays as it is."""
    key = [column.name for column in table.primary_key]
    conn.execute(insert_into(conn, table).on_conflict_do_nothing(index_elements=key), rows)


def insert_or_update(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], kept: set[str]) -> None:
    """Insert rows; where the primary key is there, overwrite all but the columns in ``kept``."""
    if not rows:
        return
    key = [column.name for column in table.primary_key]
    statement = insert_into(conn, table)
    fresh = {column.name: statement.excluded[column.name] for column in table.c if column.name not in {*key, *kept}}
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=fresh), rows)


def next_number(conn: Connection, tenant: str, name: str) -> int:
    """The next number of that name, from 1.

    Concurrent transactions wait for each other here, so a higher number was always committed later.
    """
    statement = insert_into(conn, counters).values(tenant=tenant, name=name, value=1)
    counted = statement.on_conflict_do_update(
        index_elements=["tenant", "name"], set_={"value": counters.c.value + 1}
    ).returning(counters.c.value)
    number: int = conn.execute(counted).scalar_one()
    return number
