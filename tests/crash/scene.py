"""A store with approved changes beside a sandbox PSA with their lines, and writers that come and die.

Belongs here: building both, starting writers, looking at what stands.
Does not belong here: judging it (``judgement``).
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.agreements.copy import PsaUnavailable
from pipelines.review.approval import Actor, ChangeFilter, DecisionAction, Wish, decide_matching
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.pace import Pace
from pipelines.writeback.protocol import BatchOutcome
from resources.psa.kinds import KINDS
from resources.store import changes, copies
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from tests.crash.writer import COMPANY, TENANT, write_back
from tests.resources.store import samples
from tests.sandbox import seeds
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

ROOT = Path(__file__).parents[2]
PERIOD = "2026-10"
PACE = Pace(*(timedelta(seconds=seconds) for seconds in (0.5, 0.5, 5)))
"""Short waits, all longer than anything here takes; hesitation is for frozen writers only."""

LIMIT_SECONDS = 120
"""How long anything is waited for: far more than it takes."""

OPEN = frozenset({ChangeStatus.APPROVED, ChangeStatus.SENDING, ChangeStatus.UNKNOWN})
_LINES_PER_AGREEMENT = 10


class WriterProcess(subprocess.Popen[str]):
    """A writer under way. ``told`` are the moments it had come to, once it has ended."""

    def told(self) -> list[str]:
        """The moments in order, all of them; the last line is the run's outcome when it came to its end."""
        out, errors = self.communicate(timeout=LIMIT_SECONDS)
        assert not errors, errors
        return out.splitlines()


@dataclass(frozen=True)
class Scene:
    """One tenant's store and its PSA. ``approved`` are the changes as they were approved."""

    store: Store
    url: str
    psa: SandboxHandle
    approved: tuple[Change, ...]
    kind: str

    def writer(self, *options: str, pace: Pace = PACE) -> WriterProcess:
        """Start a writer process."""
        waits = [f"--{name}={getattr(pace, name).total_seconds()}" for name in ("quiet", "lease", "hesitation")]
        command = [
            sys.executable,
            "-m",
            "tests.crash.writer",
            self.url,
            self.psa.url,
            f"--kind={self.kind}",
            *waits,
            *options,
        ]
        return WriterProcess(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def killed_after(self, moment: str, *options: str, nth: int = 1, pace: Pace = PACE) -> list[str]:
        """Let a writer work until it kills itself at a moment; the moments that it came to."""
        with self.writer(f"--end-after={moment}", f"--nth={nth}", *options, pace=pace) as writer:
            told = writer.told()
        assert writer.returncode == -9, f"it ended by itself with {writer.returncode}: {told}"
        assert told[-1] == moment
        return told

    def run(self, pace: Pace = PACE) -> BatchOutcome:
        """One run of write-back in this process."""
        return write_back(self.store, self.psa.url, pace, lambda _: None, self.kind)

    def run_until_quiet(self, pace: Pace = PACE) -> list[BatchOutcome]:
        """Runs of write-back until nothing is approved or open any more."""
        batches: list[BatchOutcome] = []
        deadline = time.monotonic() + LIMIT_SECONDS
        while self.open():
            assert time.monotonic() < deadline, f"these do not come to an end: {self.open()}"
            try:
                batches.append(self.run(pace))
            except PsaUnavailable:
                continue
            time.sleep(0.05)
        return batches

    def statuses(self) -> dict[str, ChangeStatus]:
        """Where each change stands, by its line."""
        with self.store.reading() as conn:
            return {str(each.line_id): each.status for each in changes.latest_changes(conn, TENANT, period=PERIOD)}

    def open(self) -> list[str]:
        """The lines whose changes have no end yet."""
        return [line for line, status in self.statuses().items() if status in OPEN]

    def edit_by_hand(self, line: str, quantity: str) -> None:
        """A person sets a line in the PSA."""
        self.psa.merge({"lines": [{"id": line, "quantity": quantity}]})

    def steps_written(self) -> dict[str, list[tuple[str, str]]]:
        """Every accepted write, before and after, by line."""
        found: dict[str, list[tuple[str, str]]] = {}
        for write in self.psa.writes():
            found.setdefault(write["line_id"], []).append((write["before"], write["after"]))
        return found


def outcome_of(told: Sequence[str]) -> Any:
    """The outcome that a writer process told in its last line."""
    return json.loads(told[-1])


@contextmanager
def staged(
    store_url: str, count: int = 3, faults: Mapping[str, Any] | None = None, kind: str = "connectwise"
) -> Iterator[Scene]:
    """A scene with that many approved changes, each on a line of its own, numbered from 1."""
    changed = tuple(_change(number, KINDS[kind].traits.is_integer_only) for number in range(1, count + 1))
    store = Store(store_url, TENANT)
    try:
        with running_sandbox(_seed(changed) | {"psa": kind}, faults=faults) as psa:
            _approve(store, psa.url, changed, kind)
            yield Scene(store, store_url, psa, changed, kind)
    finally:
        store.close()


def _change(number: int, is_whole: bool) -> Change:
    """From the line's number to two and a half more, or two: every line has numbers of its own."""
    agreement = 9000 + (number - 1) // _LINES_PER_AGREEMENT
    return samples.change(
        f"change-{number:04}",
        agreement_id=str(agreement),
        line_id=str(number),
        quantity_before=Decimal(number),
        quantity_after=number + Decimal("2" if is_whole else "2.5"),
        unit_price=Decimal(22),
        unit_cost=Decimal(18),
        amount_delta=Decimal(55),
        needs=(),
    )


def _seed(changed: Sequence[Change]) -> dict[str, Any]:
    agreements = dict.fromkeys(str(change.agreement_id) for change in changed)
    return seeds.seed(
        agreements=[seeds.agreement(number) for number in agreements],
        lines=[
            seeds.line(str(change.line_id), agreement=change.agreement_id, quantity=str(change.quantity_before))
            for change in changed
        ],
    )


def _approve(store: Store, psa_url: str, changed: Sequence[Change], kind: str) -> None:
    with store.transaction() as conn:
        copies.record_copy(conn, TENANT, samples.copy(kind=kind, base_url=psa_url, company=COMPANY))
        for change in changed:
            changes.insert_changes(conn, TENANT, [change])
    numbers = itertools.count(1)
    decided = decide_matching(
        StoreDecisionLedger(store),
        ChangeFilter(PERIOD),
        Wish(DecisionAction.APPROVED, Actor("dana", is_asserted=True)),
        currency="USD",
        now=store.clock(),
        new_id=lambda: f"decision-{next(numbers)}",
    )
    assert len(decided.decisions) == len(changed), decided.undecided
