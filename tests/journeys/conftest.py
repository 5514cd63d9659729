"""Desks for the journeys."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.journeys.desk import MAPPINGS, SEED, WIDE_DROP, WIDE_MAPPINGS, WIDE_SEED, WIDE_USAGE, Desk, new_desk
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A workspace with a sandbox PSA and the mappings of the generic source."""
    with running_sandbox(SEED) as psa:
        made = new_desk(tmp_path / "workspace", psa)
        assert made.map(**MAPPINGS).code == 0
        yield made


@dataclass(frozen=True)
class ReconciledMonth:
    """A workspace whose month was reconciled, and the address at which its PSA answers."""

    root: Path
    psa: SandboxHandle


@pytest.fixture(scope="session")
def reconciled_month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReconciledMonth]:
    """The wide month, reconciled once: an approval is bound to the PSA's address, so that stays the same for all."""
    with running_sandbox(WIDE_SEED) as psa:
        desk = new_desk(tmp_path_factory.mktemp("month") / "workspace", psa)
        desk.say("config", "set", "writeback.quiet_period_seconds", "1")
        assert desk.map(**WIDE_MAPPINGS).code == 0
        desk.drop(WIDE_DROP, WIDE_USAGE)
        assert desk.run()["verdict"] == "reconciled"
        yield ReconciledMonth(desk.root, psa)


@pytest.fixture
def month(reconciled_month: ReconciledMonth, tmp_path: Path) -> Desk:
    """A desk of the test's own before the reconciled month: nothing is decided, nothing written."""
    reconciled_month.psa.reset(WIDE_SEED)
    shutil.copytree(reconciled_month.root, tmp_path / "workspace")
    return Desk(tmp_path / "workspace", reconciled_month.psa)
