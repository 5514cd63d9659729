"""Claims about transactions, readers beside writers, and what an operator reads when the database fails."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from pipelines.identity import FileId
from pipelines.intake.drops import ArrivalStatus
from resources.store import inbox
from resources.store.engine import Store
from resources.store.errors import StoreError, StoreUnavailable
from tests.postgres import Server, find_programs
from tests.resources.store import samples

FILE = samples.arrival().file_id


def _arrivals(store: Store) -> list[str]:
    with store.reading() as conn:
        return [arrival.file_id for arrival in inbox.arrivals(conn, store.tenant)]


def _record_and_stumble(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        raise RuntimeError("in the middle")


def test_a_transaction_that_raises_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        _record_and_stumble(store)
    assert _arrivals(store) == []


def test_a_reader_is_not_blocked_by_a_writer_and_sees_what_was_committed(store: Store) -> None:
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        assert _arrivals(store) == []
    assert _arrivals(store) == [FILE]


def test_a_writer_is_not_blocked_by_a_reader_who_goes_on_seeing_one_instant(store: Store) -> None:
    with store.reading() as conn:
        assert inbox.arrivals(conn, store.tenant) == []
        with store.transaction() as writing:
            inbox.record_arrival(writing, store.tenant, samples.arrival())
        assert inbox.arrivals(conn, store.tenant) == []
    assert _arrivals(store) == [FILE]


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="may only be read") as refused, store.reading() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
    assert not refused.value.would_retry_help
    with store.transaction() as conn:  # the same pooled connection may be a writer's next
        inbox.record_arrival(conn, store.tenant, samples.arrival())
    assert _arrivals(store) == [FILE]


def test_writers_take_turns_and_none_is_lost(store: Store) -> None:
    def record(number: int) -> None:
        with store.transaction() as conn:
            seen = len(inbox.arrivals(conn, store.tenant))
            inbox.record_arrival(conn, store.tenant, samples.arrival(file_id=f"file-{number}", size_bytes=seen))

    threads = [threading.Thread(target=record, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(_arrivals(store)) == 8


def test_a_sqlite_file_keeps_a_log_that_readers_read_beside_and_commits_to_the_disk(sqlite_url: str) -> None:
    store = Store(sqlite_url, "msp")
    with store.reading() as conn:
        pragmas = {
            name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


def test_a_postgresql_url_is_taken_as_people_write_it(postgres_url: str) -> None:
    for url in (postgres_url, postgres_url.replace("postgresql://", "postgresql+psycopg2://")):
        store = Store(url, "msp")
        with store.reading() as conn:
            assert conn.dialect.driver == "psycopg"
        store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        pytest.param("workspace/trueup.db", "store.url is no database URL: write sqlite:///FILE", id="a path"),
        pytest.param("mysql://localhost/trueup", "store.url names 'mysql'", id="a database we do not speak"),
        pytest.param("sqlite://", "store.url names 'sqlite' without a place we can keep", id="memory"),
    ],
)
def test_a_url_that_names_no_store_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(StoreError, match=words) as refused:
        Store(url, "msp")
    assert not refused.value.would_retry_help


def _record(conn: Connection) -> None:
    inbox.record_arrival(conn, "msp", samples.arrival())


def _refusal(store: Store, write: Callable[[Connection], None] = _record) -> StoreUnavailable:
    """What an operator reads when a write does not succeed."""
    with pytest.raises(StoreUnavailable) as refused, store.transaction() as conn:
        write(conn)
    store.close()
    message = str(refused.value)
    assert "Traceback" not in message
    assert "INSERT" not in message
    assert "sqlalche" not in message
    return refused.value


def test_a_locked_sqlite_file_is_named_and_a_rerun_helps(sqlite_url: str) -> None:
    holder = Store(sqlite_url, "msp")
    with holder.transaction():
        refused = _refusal(Store(f"{sqlite_url}?timeout=0.05", "msp"))
    holder.close()
    assert "store.db" in str(refused)
    assert "is locked: another process has been writing" in str(refused)
    assert refused.would_retry_help


def test_a_locked_postgresql_row_is_named_and_a_rerun_helps(postgres_url: str) -> None:
    holder, waiter = Store(postgres_url, "msp"), Store(postgres_url, "msp")
    with holder.transaction() as conn:
        inbox.record_arrival(conn, "msp", samples.arrival())
    with holder.transaction() as held:
        inbox.settle_arrival(held, "msp", FILE, status=ArrivalStatus.TAKEN)
        refused = _refusal(waiter, _settle_without_patience)
    holder.close()
    assert "is locked: another process has been writing" in str(refused)
    assert refused.would_retry_help


def _settle_without_patience(conn: Connection) -> None:
    conn.execute(text("SET LOCAL lock_timeout = '50ms'"))
    inbox.settle_arrival(conn, "msp", FILE, status=ArrivalStatus.REFUSED)


def test_a_database_that_is_not_there_is_named_without_its_password_and_a_rerun_helps() -> None:
    refused = _refusal(Store("postgresql://trueup:s3cret@127.0.0.1:1/trueup", "msp"))
    assert "127.0.0.1:1/trueup" in str(refused)
    assert "cannot be reached. Check that the database runs" in str(refused)
    assert "s3cret" not in str(refused)
    assert refused.would_retry_help


@pytest.mark.parametrize(
    ("database", "user"),
    [pytest.param("never_made", "trueup", id="database"), pytest.param("postgres", "nobody", id="user")],
)
def test_a_missing_database_or_user_is_said_and_a_rerun_does_not_help(
    postgres_server: Server, database: str, user: str
) -> None:
    refused = _refusal(Store(postgres_server.url(database).replace("trueup@", f"{user}@"), "msp"))
    assert "does not exist. Check the database and user in store.url" in str(refused)
    assert not refused.would_retry_help


def test_a_server_that_went_away_is_said_and_the_next_try_connects_anew(
    postgres_server: Server, postgres_url: str
) -> None:
    def record_while_the_server_goes(conn: Connection) -> None:
        process = conn.execute(text("SELECT pg_backend_pid()")).scalar_one()
        with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as administrator:
            administrator.execute("SELECT pg_terminate_backend(%s)", [process])
        _record(conn)

    store = Store(postgres_url, "msp")
    refused = _refusal(store, record_while_the_server_goes)
    assert "cannot be reached" in str(refused)
    assert refused.would_retry_help
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
    assert _arrivals(store) == [FILE]
    store.close()


def test_two_transactions_that_wait_for_each_other_end_with_one_told_to_rerun(postgres_url: str) -> None:
    store = Store(postgres_url, "msp")
    with store.transaction() as conn:
        for name in ("a", "b"):
            inbox.record_arrival(conn, "msp", samples.arrival(file_id=name))
    meeting = threading.Barrier(2)
    refusals: list[StoreError] = []

    def settle(first: str, second: str) -> None:
        try:
            with store.transaction() as conn:
                inbox.settle_arrival(conn, "msp", FileId(first), status=ArrivalStatus.TAKEN)
                meeting.wait()
                inbox.settle_arrival(conn, "msp", FileId(second), status=ArrivalStatus.TAKEN)
        except StoreError as error:
            refusals.append(error)

    threads = [threading.Thread(target=settle, args=names) for names in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    assert [refused.would_retry_help for refused in refusals] == [True]
    assert "was changed by another process at the same moment. Run it again" in str(refusals[0])


def test_a_store_without_tables_is_said(bare_postgres_url: str, tmp_path: Path) -> None:
    for url in (bare_postgres_url, f"sqlite:///{tmp_path / 'bare.db'}"):
        refused = _refusal(Store(url, "msp"))
        assert "has no tables of this version yet" in str(refused)
        assert not refused.would_retry_help


def test_a_sqlite_file_in_a_missing_folder_is_said(tmp_path: Path) -> None:
    refused = _refusal(Store(f"sqlite:///{tmp_path / 'missing' / 'store.db'}", "msp"))
    assert "cannot be opened. Check that its folder exists" in str(refused)
    assert not refused.would_retry_help


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("Account,Service,Quantity\n" * 100)
    refused = _refusal(Store(f"sqlite:///{tmp_path / 'store.db'}", "msp"))
    assert "is damaged or is no store of ours" in str(refused)
    assert not refused.would_retry_help


def test_a_full_disk_is_said(sqlite_url: str) -> None:
    def record_beyond_the_last_page(conn: Connection) -> None:
        pages = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
        conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        inbox.record_arrival(conn, "msp", samples.arrival(path="x" * 100_000))

    refused = _refusal(Store(sqlite_url, "msp"), record_beyond_the_last_page)
    assert "has no room left on its disk. Free some" in str(refused)
    assert not refused.would_retry_help


def test_without_postgresql_the_suite_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="install the Debian package postgresql"):
        find_programs([tmp_path])


def test_a_sqlite_store_is_an_ordinary_file_that_other_tools_can_read(sqlite_url: str) -> None:
    store = Store(sqlite_url, "msp")
    samples.published(store, samples.revision())
    store.close()
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as conn:
        assert conn.execute("SELECT quantity FROM usage_revisions").fetchall() == [("48211.5",)]
    conn.close()
