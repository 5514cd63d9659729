"""Desks for the journeys."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.journeys.desk import (
    MAPPINGS,
    SEED,
    USAGE,
    WIDE_DROP,
    WIDE_MAPPINGS,
    WIDE_SEED,
    WIDE_USAGE,
    Desk,
    new_desk,
)
from tests.journeys.reconciled import ReconciledMonths
from trueup.sandbox.psa.running import running_sandbox


@pytest.fixture(autouse=True)
def nobody_writes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file lies in these inboxes whole before a command begins: the second look may follow the first at once."""
    monkeypatch.setattr("trueup.cli.run.SETTLE_SECONDS", 0.01)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A workspace with a sandbox PSA and the mappings of the generic source."""
    with running_sandbox(SEED) as psa:
        made = new_desk(tmp_path / "workspace", psa)
        assert made.map(**MAPPINGS).code == 0
        yield made


@pytest.fixture(scope="session")
def reconciled_months(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReconciledMonths]:
    """Months by what they are made of."""
    with ExitStack() as running:
        yield ReconciledMonths(tmp_path_factory, running)


@pytest.fixture
def month(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A desk before the wide month, reconciled."""
    wide = reconciled_months.month(WIDE_SEED, mappings=WIDE_MAPPINGS, drop=WIDE_DROP, usage=WIDE_USAGE)
    return wide.desk(tmp_path)


@pytest.fixture
def october(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A desk before the generic source's October, reconciled: Acme uses two more than it is billed for."""
    drop = "generic/2026-10/usage.csv"
    return reconciled_months.month(SEED, mappings=MAPPINGS, drop=drop, usage=USAGE).desk(tmp_path)
