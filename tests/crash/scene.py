"""A store with approved changes beside a sandbox PSA with their lines, and writers that come and die.

Belongs here: building both, starting writers, looking at what stands.
Does not belong here: judging it (``judgement``).
"""

import itertools
import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from pipelines.agreements.copy import PsaUnavailable
from pipelines.quantities import text
from pipelines.review.approval import Actor, ChangeFilter, DecisionAction, Wish, decide_matching
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.pace import Pace
from resources.store import changes, copies
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from tests.crash.models import ABSOLUTE, Model, name_of
from tests.crash.writer import COMPANY, TENANT, live, write_back
from tests.resources.store import samples
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox

PERIOD = "2026-10"
PACE = Pace(*(timedelta(seconds=seconds) for seconds in (0.5, 0.5, 5)))
"""Short waits, all longer than anything here takes; hesitation is for frozen writers only."""

LIMIT_SECONDS = 120
"""How long anything is waited for: far more than it takes."""

OPEN = frozenset({ChangeStatus.APPROVED, ChangeStatus.SENDING, ChangeStatus.UNKNOWN})


_NURSERY = multiprocessing.get_context("forkserver")
_NURSERY.set_forkserver_preload(["tests.crash.writer"])
"""Writers are forked from a process that has everything imported: a life of tenths of a second is a life at work."""


class WriterProcess:
    """A writer under way, in a process of its own, which is killed when the block around it ends."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._out, out = multiprocessing.Pipe(duplex=False)
        self._errors, errors = multiprocessing.Pipe(duplex=False)
        self._process = _NURSERY.Process(target=live, args=(list(arguments), out, errors))
        self._process.start()
        # The only ends that are left to write to are the child's: reading ends when it does.
        out.close()
        errors.close()
        self._lines = os.fdopen(os.dup(self._out.fileno()))

    def next_line(self) -> str:
        """The next moment that it comes to, waited for; nothing once it has ended."""
        return self._lines.readline().rstrip("\n")

    def told(self) -> list[str]:
        """The moments in order, all that are left; the last line is the run's outcome when it came to its end."""
        lines = self._lines.read().splitlines()
        with os.fdopen(os.dup(self._errors.fileno())) as errors:
            said = errors.read()
        self._process.join(LIMIT_SECONDS)
        assert not said, said
        return lines

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.is_alive()

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it lives."""
        return self._process.exitcode

    def signal(self, by: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process.pid is not None
        os.kill(self._process.pid, by)

    def kill(self) -> None:
        """End it at once, wherever it is."""
        self._process.kill()
        self._process.join(LIMIT_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for each in (self._lines, self._out, self._errors, self._process):
            each.close()


@dataclass(frozen=True)
class Scene:
    """One tenant's store and its PSA.

    ``witness`` is the folder of its trail's witness; ``approved`` are the changes as they were approved.
    """

    store: Store
    url: str
    witness: Path
    psa: SandboxHandle
    approved: tuple[Change, ...]
    model: Model

    def writer(self, *options: str, pace: Pace = PACE) -> WriterProcess:
        """Start a writer process."""
        waits = [f"--{name}={getattr(pace, name).total_seconds()}" for name in ("quiet", "lease", "hesitation")]
        given = [self.url, self.psa.url, f"--kind={self.model.kind}", f"--witness={self.witness}"]
        return WriterProcess([*given, *waits, *options])

    def killed_after(self, moment: str, *options: str, nth: int = 1, pace: Pace = PACE) -> list[str]:
        """Let a writer work until it kills itself at a moment; the moments that it came to."""
        with self.writer(f"--end-after={moment}", f"--nth={nth}", *options, pace=pace) as writer:
            told = writer.told()
            assert writer.exit_code == -signal.SIGKILL, f"it ended by itself with {writer.exit_code}: {told}"
        assert told[-1] == moment
        return told

    def run(self, pace: Pace = PACE) -> BatchOutcome:
        """One run of write-back in this process."""
        return write_back(self.store, self.witness, self.psa.url, pace, lambda _: None, self.model.kind)

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
        """Where each change stands, by its name."""
        with self.store.reading() as conn:
            return {name_of(each): each.status for each in changes.latest_changes(conn, TENANT, period=PERIOD)}

    def open(self) -> list[str]:
        """The names of the changes that have no end yet."""
        return [line for line, status in self.statuses().items() if status in OPEN]

    def edit_by_hand(self, line: str, quantity: str) -> None:
        """A person sets a line in the PSA."""
        self.psa.merge({"lines": [{"id": line, "quantity": quantity}]})

    def steps_written(self) -> dict[str, list[tuple[str | None, str]]]:
        """Every accepted write, before and after, by the name of its change; before is None for a line that came."""
        state = self.psa.state()
        names = {line["id"]: self.model.name_of(line) for line in state["lines"]}
        found: dict[str, list[tuple[str | None, str]]] = {}
        for write in state["writes"]:
            found.setdefault(names[write["line_id"]], []).append((write["before"], write["after"]))
        return found

    def once_each(self) -> dict[str, list[tuple[str | None, str]]]:
        """What ``steps_written`` is when every change was written once."""
        return {name_of(each): [(_text(each.quantity_before), text(each.quantity_after))] for each in self.approved}


def outcome_of(told: Sequence[str]) -> Any:
    """The outcome that a writer process told in its last line."""
    return json.loads(told[-1])


def _text(quantity: Decimal | None) -> str | None:
    return None if quantity is None else text(quantity)


@contextmanager
def staged(
    store_url: str, count: int = 3, faults: Mapping[str, Any] | None = None, model: Model = ABSOLUTE
) -> Iterator[Scene]:
    """A scene with that many approved changes, each on a line of its own, named by number from 1."""
    changed = tuple(model.change(number) for number in range(1, count + 1))
    store = Store(store_url, TENANT)
    try:
        with TemporaryDirectory() as witness, running_sandbox(model.seed(changed), faults=faults) as psa:
            _approve(store, psa.url, changed, model.kind)
            yield Scene(store, store_url, Path(witness), psa, changed, model)
    finally:
        store.close()


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
        currency=BillingCurrency("USD"),
        now=store.clock(),
        new_id=lambda: f"decision-{next(numbers)}",
    )
    assert len(decided.decisions) == len(changed), decided.undecided
