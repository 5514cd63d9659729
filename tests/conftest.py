"""Fixtures for all tests.

Belongs here: what tests of several rooms stand on: the store, on both databases.
Does not belong here: what one room alone needs; that stands in its own conftest.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from resources.store.engine import Store
from tests.postgres import bare_postgres_url, postgres_server, postgres_template, postgres_url

# A busy machine is no reason for a claim to be false.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

__all__ = ["bare_postgres_url", "postgres_server", "postgres_template", "postgres_url"]

TENANT = "msp"

LONG = ("test_fuzz", "test_dagster_ui", "test_writing_daemon", "test_demo", "test_random_kills", "test_settling")
"""Tests of a minute or more, by a part of their names."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests: one that came last would have a process to itself while the others have nothing."""
    items.sort(key=lambda item: not any(name in item.nodeid for name in LONG))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file that was migrated once; tests get copies of it."""
    file = tmp_path_factory.mktemp("store") / "template.db"
    store = Store(f"sqlite:///{file}", "template")
    store.upgrade()
    store.close()
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated, empty SQLite file of the test's own."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'store.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated, empty database, once per kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """The store of tenant ``msp``, once per kind of database."""
    opened = Store(store_url, TENANT)
    yield opened
    opened.close()
