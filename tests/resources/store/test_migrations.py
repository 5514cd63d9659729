"""Claims about the schema and how it comes about."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    CheckConstraint,
    Constraint,
    Engine,
    Index,
    Inspector,
    MetaData,
    Table,
    create_engine,
    insert,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.schema import ColumnCollectionMixin

from pipelines.review.changes import ChangeStatus
from resources.store import changes, copies, decisions, inbox, migrations, tables, usage, writes
from resources.store.engine import Store
from resources.store.errors import StoreError
from resources.store.tables import metadata
from tests.postgres import Server
from tests.resources.store import samples
from tests.resources.store.earlier import VERSION_TABLE, store_at
from tests.resources.store.samples import NOON


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without any table, once per kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bare.db'}"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


@pytest.fixture
def second_bare_url(request: pytest.FixtureRequest, bare_url: str, tmp_path: Path) -> Iterator[str]:
    """Another such database of the same kind."""
    if bare_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'second.db'}"
        return
    server: Server = request.getfixturevalue("postgres_server")
    name = server.create_database()
    yield server.url(name)
    server.drop_database(name)


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    return create_engine(parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed)


def _upgraded(url: str) -> Store:
    store = Store(url, "msp")
    store.upgrade()
    return store


def _schema_at(url: str, declared: MetaData | None = None) -> dict[str, Any]:
    """Everything the database itself says about its tables, in a form that can be compared."""
    engine = _engine(url)
    try:
        if declared:
            declared.create_all(engine)
        return _schema(inspect(engine))
    finally:
        engine.dispose()


def _schema(inspector: Inspector) -> dict[str, Any]:
    return {
        table: {
            "columns": [
                (column["name"], repr(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(table)
            ],
            "primary key": inspector.get_pk_constraint(table),
            "foreign keys": sorted(map(repr, inspector.get_foreign_keys(table))),
            "unique": sorted(map(repr, inspector.get_unique_constraints(table))),
            "indexes": sorted(repr(_index(index)) for index in inspector.get_indexes(table)),
            "checks": sorted(map(repr, inspector.get_check_constraints(table))),
        }
        for table in inspector.get_table_names()
        if table != VERSION_TABLE
    }


def _index(found: ReflectedIndex) -> dict[str, Any]:
    # The condition of a partial index comes back as an object; its words are what can be compared.
    options = {name: str(value) for name, value in found.get("dialect_options", {}).items()}
    return {**found, "dialect_options": options}


def test_the_migrated_schema_is_the_one_that_the_tables_declare(bare_url: str, second_bare_url: str) -> None:
    _upgraded(bare_url).close()
    migrated = _schema_at(bare_url)
    assert migrated == _schema_at(second_bare_url, declared=metadata)
    assert set(migrated) == set(metadata.tables)


def test_upgrading_again_changes_nothing_and_keeps_what_is_stored(bare_url: str) -> None:
    store = _upgraded(bare_url)
    samples.published(store, samples.revision())
    store.upgrade()
    with store.reading() as conn:
        assert len(inbox.arrivals(conn, store.tenant)) == 1
    store.close()


def _made_by_the_first_version(url: str) -> Store:
    """A store at its first step, with the rows that version 0.1 left in what the second step alters."""
    store = store_at(url, "0001")
    samples.published(store, samples.revision())
    added = {"change_revisions": "unit_cost", "psa_copies": "company"}
    with store.transaction() as conn:
        change = samples.change(batch_id="batch-1")
        identity = {"change_id": change.change_id, "period": change.period, "first_proposed_at": NOON}
        conn.execute(insert(tables.changes).values(tenant="msp", **identity))
        lists = {name: list(getattr(change, name)) for name in ("sources", "needs", "flags")}
        revision = vars(change) | lists | {"evidence": [item.as_json() for item in change.evidence]}
        del revision[added["change_revisions"]]
        conn.execute(insert(tables.change_revisions).values(tenant="msp", **revision))
        copy = {name: value for name, value in vars(samples.copy()).items() if name != added["psa_copies"]}
        conn.execute(insert(tables.psa_copies).values(tenant="msp", number=1, **copy))
    return store


def test_a_store_of_the_first_version_is_upgraded_and_keeps_what_it_holds(bare_url: str) -> None:
    store = _made_by_the_first_version(bare_url)
    store.upgrade()
    kept = samples.change(batch_id="batch-1", unit_cost=None)
    with store.reading() as conn:
        assert inbox.arrivals(conn, "msp") == [samples.arrival()]
        assert usage.current_revisions(conn, "msp", "2026-10") == [samples.revision()]
        assert changes.latest_changes(conn, "msp") == [kept]
        assert copies.newest_complete_copy(conn, "msp") == samples.copy()
    store.close()


def test_what_the_first_version_proposed_can_be_decided_and_written_after_the_upgrade(bare_url: str) -> None:
    store = _made_by_the_first_version(bare_url)
    store.upgrade()
    change = samples.change()
    with store.transaction() as conn:
        approval = samples.decision("approval-of-change-1")
        assert decisions.record_decision(conn, "msp", approval, samples.PROPOSED) is None
        writes.record_intent(conn, "msp", samples.LEASE, samples.intent(change))
        writes.record_outcome(conn, "msp", samples.outcome(change))
    with store.reading() as conn:
        assert [found.status for found in changes.latest_changes(conn, "msp")] == [ChangeStatus.WRITTEN]
    store.close()


def test_a_store_of_the_first_version_is_told_to_need_the_upgrade(bare_url: str) -> None:
    store = _made_by_the_first_version(bare_url)
    words = "has no tables of this version yet"
    with pytest.raises(StoreError, match=words), store.reading() as conn:
        changes.latest_changes(conn, "msp")
    with pytest.raises(StoreError, match=words), store.reading() as conn:
        decisions.decisions_of_period(conn, "msp", "2026-10")
    store.close()


def test_several_new_stores_may_be_upgraded_by_several_at_once(bare_url: str, second_bare_url: str) -> None:
    with ThreadPoolExecutor(4) as threads:
        stores = list(threads.map(_upgraded, [bare_url, second_bare_url] * 2))
    for store in stores:
        store.close()
    assert set(_schema_at(bare_url)) == set(_schema_at(second_bare_url)) == set(metadata.tables)


UPGRADE = "import sys; from resources.store.engine import Store; Store(sys.argv[1], 'msp').upgrade()"


def test_several_processes_may_upgrade_one_new_store_at_once(bare_url: str) -> None:
    processes = [subprocess.Popen([sys.executable, "-c", UPGRADE, bare_url]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert set(_schema_at(bare_url)) == set(metadata.tables)


def test_a_store_that_is_up_to_date_opens_while_a_writer_works(store: Store) -> None:
    with store.transaction():
        store.upgrade()


def test_the_newest_step_is_the_one_that_is_named_so() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert script.get_current_head() == migrations.NEWEST


def test_a_store_made_by_a_newer_version_is_not_touched(bare_url: str) -> None:
    store = _upgraded(bare_url)
    with store.transaction() as conn:
        conn.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = 'from-the-future'"))
    with pytest.raises(StoreError, match=r"made by a newer version of TrueUp\. Install that version") as refused:
        store.upgrade()
    assert not refused.value.would_retry_help
    store.close()


def test_the_schema_version_stands_beside_that_of_dagster_in_one_database(bare_url: str) -> None:
    engine = _engine(bare_url)
    with engine.begin() as conn:
        conn.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        conn.execute(text("INSERT INTO alembic_version VALUES ('of-dagster')"))
    _upgraded(bare_url).close()
    with engine.connect() as conn:
        assert conn.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "of-dagster"
        ours = MigrationContext.configure(conn, opts={"version_table": VERSION_TABLE})
        assert ours.get_current_revision() == migrations.NEWEST
    engine.dispose()


def _keys(table: Table) -> list[Constraint | Index]:
    return [*(item for item in table.constraints if not isinstance(item, CheckConstraint)), *table.indexes]


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_every_key_and_index_begins_with_the_tenant(table: Table) -> None:
    assert not table.c.tenant.nullable
    for key in _keys(table):
        assert isinstance(key, ColumnCollectionMixin)
        assert key.columns.keys()[0] == "tenant", key


def test_every_key_and_index_bears_a_name_of_its_own() -> None:
    names = [key.name for table in metadata.sorted_tables for key in _keys(table)]
    assert None not in names
    assert len(names) == len(set(names))
