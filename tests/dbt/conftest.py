"""Fixtures for tests of the dbt project.

Belongs here: one workbench for all, since dbt's imports and its parsed project are paid once per process.
Does not belong here: months; each test builds its own.
"""

import pytest

from tests.dbt.builder import Workbench


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """A lake and a warehouse. Months do not see each other: each build reads what its inputs name."""
    return Workbench(tmp_path_factory.mktemp("warehouse"))
