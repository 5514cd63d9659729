"""Desks for the journeys."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.desk import MAPPINGS, SEED, Desk
from trueup.cli.main import run_command
from trueup.sandbox.psa.running import running_sandbox


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A workspace with a sandbox PSA and the mappings of the generic source."""
    with running_sandbox(SEED) as psa:
        made = Desk(tmp_path / "workspace", psa)
        assert run_command(["init", str(made.root), "--tenant", "acme"]) == 0
        made.say("config", "set", "psa.base_url", psa.url)
        made.say("config", "set", "psa.allow_loopback", "true")
        assert made.map(**MAPPINGS).code == 0
        yield made
