"""Desks for the journeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.desk import MAPPINGS, SEED, Desk, new_desk
from trueup.sandbox.psa.running import running_sandbox


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A workspace with a sandbox PSA and the mappings of the generic source."""
    with running_sandbox(SEED) as psa:
        made = new_desk(tmp_path / "workspace", psa)
        assert made.map(**MAPPINGS).code == 0
        yield made
