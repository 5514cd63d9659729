"""The store: one database, one tenant, transactions that commit whole or not at all.

Belongs here: opening SQLite or PostgreSQL rightly, transactions, bringing the schema up to date.
Does not belong here: tables and queries.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Connection,
    DateTime,
    Engine,
    create_engine,
    event,
    exc,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from resources.store.errors import StoreError, in_operator_words
from resources.store.migrations import NEWEST

WAIT_SECONDS = 30
"""How long a writer waits for another one before it says that the store is locked. Our transactions last
milliseconds, so half a minute means that something is wrong."""

CONNECT_SECONDS = 10
_READING = "trueup_reading"
_MIGRATION_LOCK = 7_283_551_120
_ONE_UPGRADE = threading.Lock()
"""Alembic keeps the migration under way in module state: two threads of a process must not upgrade at once."""

_VERSION_TABLE = "trueup_schema"
"""Dagster may live in the same PostgreSQL database and keeps ``alembic_version`` for itself."""


class Store:
    """The operational store of one tenant. Threads may share it; each transaction has a connection of its own.

    ``url`` is ``sqlite:///FILE`` or ``postgresql://…``; several tenants may share one.
    Every method raises ``StoreError`` when the database does not do its part.
    """

    def __init__(self, url: str, tenant: str) -> None:
        parsed = _parsed(url)
        self.tenant = tenant
        self._place = parsed.render_as_string(hide_password=True)
        self._writer = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
        self._reader = self._writer.execution_options(**_reading_options(parsed))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that may write: committed when the block ends, rolled back when it raises.

        On SQLite it holds the write lock from its first moment, so what it reads cannot change before it writes.
        """
        with in_operator_words(self._place), self._writer.begin() as conn:
            yield conn

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A look at one instant: every query inside sees the same state. It waits for no writer and cannot write."""
        with in_operator_words(self._place), self._reader.connect() as conn:
            yield conn

    def clock(self) -> datetime:
        """The present instant by the clock that every user of this store shares."""
        if self._writer.dialect.name == "sqlite":
            return datetime.now(UTC)
        with self.reading() as conn:
            now: datetime = conn.execute(select(func.clock_timestamp(type_=DateTime(timezone=True)))).scalar_one()
            return now.astimezone(UTC)

    def upgrade(self) -> None:
        """Bring the schema to the present version. Safe to call at every start, from several processes at once.

        A store that is up to date is only looked at, so a start waits for no writer.
        Raises ``StoreError`` when the store was made by a newer TrueUp: an older one must not touch it.
        """
        with _ONE_UPGRADE:
            if self._version() != NEWEST:
                self._migrate()

    def _version(self) -> str | None:
        with self.reading() as conn:
            if not inspect(conn).has_table(_VERSION_TABLE):
                return None
            version: str | None = conn.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar_one_or_none()
            return version

    def _migrate(self) -> None:
        from alembic import command  # noqa: PLC0415  slow to import, and needed once in a store's life
        from alembic.config import Config  # noqa: PLC0415
        from alembic.util import CommandError  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        try:
            with self.transaction() as conn:
                if conn.dialect.name == "postgresql":
                    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
                config.attributes.update(connection=conn, version_table=_VERSION_TABLE)
                command.upgrade(config, "head")
        except CommandError as error:
            raise StoreError(
                f"The store ({self._place}) was made by a newer version of TrueUp. Install that version; "
                "nothing was changed.",
                would_retry_help=False,
            ) from error

    def close(self) -> None:
        """Let go of all connections."""
        self._writer.dispose()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise StoreError(f"store.url is no database URL: {_KINDS}", would_retry_help=False) from error
    backend = parsed.get_backend_name()
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if backend == "sqlite" and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise StoreError(f"store.url names {backend!r} without a place we can keep: {_KINDS}", would_retry_help=False)


_KINDS = "write sqlite:///FILE or postgresql://USER@HOST/DATABASE."


def _reading_options(url: URL) -> dict[str, Any]:
    if url.get_backend_name() == "sqlite":
        return {_READING: True}
    return {_READING: True, "isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _postgresql(url: URL) -> Engine:
    options = f"-c lock_timeout={WAIT_SECONDS}s"
    # pool_pre_ping: a restarted server costs a reconnect, not a failed run.
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_SECONDS, "options": options})


def _sqlite(url: URL) -> Engine:
    waits = {} if "timeout" in url.query else {"timeout": WAIT_SECONDS}
    engine = create_engine(url, connect_args=waits)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """A log that readers can read beside, keys that bind, commits that are on the disk when they return."""
    connection.isolation_level = None  # we say BEGIN ourselves, below
    cursor = connection.cursor()
    # recursive_triggers: without it a REPLACE removes rows unseen by the triggers that forbid it.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(conn: Connection) -> None:
    is_reading = bool(conn.get_execution_options().get(_READING))
    conn.exec_driver_sql(f"PRAGMA query_only={'ON' if is_reading else 'OFF'}")
    # IMMEDIATE: taking the write lock later, after a read, could fail with work already done.
    conn.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")
