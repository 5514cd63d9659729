"""Dagster's runs and events in SQLite, with the databases of the event log kept open.

Belongs here: how connections to Dagster's own SQLite files are held.
Does not belong here: which storage a workspace has (``dagster_home``), what Dagster writes into it.

A month's run records some 270 events. Dagster opens a database and compiles its SQL anew up to six times for each of
them, which takes longer than computing the month of an ordinary file (docs/decisions/0014).
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

MOST_OPEN = 8
"""Databases kept open: the index of all runs, and the runs that are being written or looked at."""


class OpenEventLog(SqliteEventLogStorage):
    """Dagster's event log, file for file as Dagster lays it out, with the databases last used kept open."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """``base_dir`` is the folder of the databases: one for each run, and the index of all."""
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    def has_table(self, table_name: str) -> bool:
        """Whether the index has a table; one that is there is not looked for again."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        """Remove every run and its events."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close the databases."""
        self._close()
        super().dispose()

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> sa.Engine:
        engine = self._engines.get(shard) or self._opened(shard)
        self._engines[shard] = engine
        self._engines.move_to_end(shard)
        while len(self._engines) > MOST_OPEN:
            self._engines.popitem(last=False)[1].dispose()
        return engine

    def _opened(self, shard: str) -> sa.Engine:
        waiting = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        engine = sa.create_engine(self.conn_string_for_shard(shard), connect_args=waiting)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        return engine

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class OpenSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, in the folders and files that Dagster gives it, with an ``OpenEventLog``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """``base_dir`` is the folder of runs, events and schedules."""
        super().__init__(base_dir, inst_data)
        of_dagster = self._event_log_storage
        self._event_log_storage = OpenEventLog(of_dagster._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "OpenSqliteStorage":
        """The storage that ``dagster.yaml`` asks for."""
        return cls.from_local(inst_data=inst_data, **config_value)
