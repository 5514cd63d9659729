"""What tests of the inbox are given.

Belongs here: fixtures of several modules.
Does not belong here: assertions.
"""

from pathlib import Path

import pytest

from tests.pipelines.intake.office import ARRIVING, BY_PATH, BY_ROW, HUBS, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office that knows a profile of each kind of month."""
    return Office(tmp_path, BY_PATH, ARRIVING, HUBS, BY_ROW)
