"""Dagster's event log with its databases kept open: Dagster's own files, only a few of them open, nothing lost."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from resources.dagster_events import MOST_OPEN
from resources.dagster_home import prepare_dagster_home
from resources.settings import create_workspace, load_settings

RUNS = MOST_OPEN + 2


@dg.asset
def number() -> None:
    """Something made."""


@dg.asset_check(asset=number)
def is_made() -> dg.AssetCheckResult:
    """Something looked at."""
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create_workspace(tmp_path, tenant="acme", created_at=datetime(2026, 1, 31, tzinfo=UTC))
    return prepare_dagster_home(load_settings(tmp_path, {}))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as opened:
        yield opened


def runs(instance: dg.DagsterInstance, count: int) -> list[str]:
    return [dg.materialize([number, is_made], instance=instance).run_id for _ in range(count)]


def open_databases(home: Path) -> set[str]:
    targets = {os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()}
    return {target for target in targets if target.startswith(str(home.resolve())) and target.endswith(".db")}


def test_dagster_itself_reads_what_was_written(home: Path, instance: dg.DagsterInstance) -> None:
    ids = runs(instance, RUNS)
    [folder] = {file.parent for file in home.rglob("index.db")}
    of_dagster = SqliteEventLogStorage(str(folder))
    for run in ids:
        written = [entry.message for entry in instance.all_logs(run)]
        assert [entry.message for entry in of_dagster.get_logs_for_run(run)] == written
        assert len(written) > RUNS
    latest = of_dagster.get_asset_records([dg.AssetKey("number")])
    assert [record.asset_entry.last_run_id for record in latest] == [ids[-1]]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not tell which files are open")
def test_only_the_databases_last_used_are_kept_open(home: Path) -> None:
    with dg.DagsterInstance.from_config(str(home)) as instance:
        ids = runs(instance, RUNS)
        kept = open_databases(home)
        assert 1 < len(kept) <= MOST_OPEN
        assert [entry for entry in instance.all_logs(ids[0]) if entry.is_dagster_event]
    assert open_databases(home) == set()


def test_a_run_recorded_by_another_process_is_seen(home: Path, instance: dg.DagsterInstance) -> None:
    [first] = runs(instance, 1)
    with dg.DagsterInstance.from_config(str(home)) as other:
        [second] = runs(other, 1)
    [record] = instance.get_asset_records([dg.AssetKey("number")])
    assert record.asset_entry.last_run_id == second != first


def test_runs_can_be_wiped_and_recorded_again(instance: dg.DagsterInstance) -> None:
    [before] = runs(instance, 1)
    instance.wipe()
    assert instance.all_logs(before) == []
    [after] = runs(instance, 1)
    assert instance.all_logs(after)
