"""Months that many journeys begin with: reconciled once by a process, copied for each test.

Belongs here: making such a month, giving a test a desk of its own before it.
Does not belong here: claims.
"""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.desk import Desk, new_desk
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


@dataclass(frozen=True)
class ReconciledMonth:
    """A workspace whose month was reconciled, and the PSA at whose address it stays: approvals are bound to that."""

    root: Path
    psa: SandboxHandle
    seed: dict[str, Any]

    def desk(self, folder: Path) -> Desk:
        """A desk of a test's own: nothing is decided, nothing written."""
        self.psa.reset(self.seed)
        shutil.copytree(self.root, folder / "workspace")
        return Desk(folder / "workspace", self.psa)


@dataclass
class ReconciledMonths:
    """Months that several tests begin with, each reconciled once by a process."""

    _folders: pytest.TempPathFactory
    _running: ExitStack
    _made: dict[str, ReconciledMonth] = field(default_factory=dict)

    def month(
        self, seed: dict[str, Any], kind: str = "connectwise", *, mappings: dict[str, Any], drop: str, usage: str
    ) -> ReconciledMonth:
        """The month of a seed for a kind of PSA."""
        name = json.dumps([seed, kind, mappings, drop, usage])
        if name not in self._made:
            psa = self._running.enter_context(running_sandbox(seed | {"psa": kind}))
            desk = new_desk(self._folders.mktemp("month") / "workspace", psa, kind)
            desk.say("config", "set", "writeback.quiet_period_seconds", "1")
            assert desk.map(**mappings).code == 0
            desk.drop(drop, usage)
            assert desk.run()["verdict"] == "reconciled"
            self._made[name] = ReconciledMonth(desk.root, psa, seed | {"psa": kind})
        return self._made[name]
