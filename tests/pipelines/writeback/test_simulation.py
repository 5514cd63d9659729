"""Months of bad luck in seconds: whatever fails, nothing is lost, doubled or overwritten."""

import random
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.agreements.copy import PsaUnavailable
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import Answer, Heard
from pipelines.writeback.protocol import Step
from resources.store.engine import Store
from tests.pipelines.writeback.office import TENANT, InventedPsa, Office, Trouble, says, takes_and_loses

SEEDS = 120
LINES = 4
ROUNDS = 8
BEFORE = Decimal(10)
ENDS = frozenset({ChangeStatus.WRITTEN, ChangeStatus.STALE, ChangeStatus.REFUSED})


class Killed(Exception):  # noqa: N818  what happened to the process
    """The process died here."""


class CarefulPsa(InventedPsa):
    """A PSA that notices at once when a write overwrites what a person set."""

    def take(self, line: str, quantity: str) -> None:
        assert self.lines[line] == BEFORE, f"line {line} held {self.lines[line]} and was set to {quantity}"
        super().take(line, quantity)


def takes_and_answers_an_error(line: str) -> Trouble:
    """The PSA carries the write out and answers with an error all the same."""

    def trouble(psa: InventedPsa, quantity: str) -> Answer:
        psa.take(line, quantity)
        return Answer(Heard.UNKNOWN, "HTTP 502")

    return trouble


class Luck:
    """What goes wrong, by a seed."""

    def __init__(self, office: Office, seed: int) -> None:
        self._dice = random.Random(seed)
        self._office = office
        office.on_step = self._maybe_die

    def before_a_run(self) -> None:
        """Troubles for the next run, a person's edit, a PSA that is away for a while."""
        psa, dice = self._office.psa, self._dice
        psa.troubles = {line: self._troubles(line) for line in psa.lines}
        psa.is_away = dice.random() < 0.1
        psa.takes_credentials = dice.random() > 0.1
        self._office.clock.pass_(seconds=dice.choice([1, 30, 120, 121, 4000]))
        if dice.random() < 0.15:
            psa.lines[dice.choice(list(psa.lines))] = Decimal(dice.randint(20, 30))

    def ends(self) -> None:
        """From now on nothing goes wrong any more."""
        self._office.psa.troubles = {}
        self._office.psa.is_away, self._office.psa.takes_credentials = False, True
        self._office.on_step = lambda _step, _change: None

    def _troubles(self, line: str) -> list[Trouble]:
        possible = [
            takes_and_loses(line),
            takes_and_answers_an_error(line),
            says(Heard.UNKNOWN, "the connection broke"),
            says(Heard.THROTTLED, "429", retry_after=self._dice.choice([0, 1, 600])),
            says(Heard.NOT_EXECUTED, "409"),
            says(Heard.FORBIDDEN, "401"),
        ]
        return self._dice.sample(possible, self._dice.choice([0, 0, 1, 2]))

    def _maybe_die(self, step: Step, _: Change) -> None:
        if self._dice.random() < 0.04:
            raise Killed(step)


def one_run(office: Office) -> None:
    """A run that may die or find the PSA away; its lease is left behind as it was."""
    try:
        office.run()
    except (Killed, PsaUnavailable):
        return


def hold_what_must_hold(office: Office) -> None:
    """The invariants of the write protocol, after every run."""
    accepted = office.psa.accepted
    assert len({line for line, _ in accepted}) == len(accepted), f"written twice: {accepted}"
    assert all(Decimal(quantity) == BEFORE + int(line) for line, quantity in accepted), accepted
    assert office.trail().faults == ()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_overwritten(sqlite_template: Path, tmp_path: Path, seed: int) -> None:
    store = Store(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'store.db')}", TENANT)
    try:
        office = Office(store, LINES)
        office.psa = CarefulPsa({str(number): BEFORE for number in range(1, LINES + 1)})
        office.approve(*office.psa.lines)
        luck = Luck(office, seed)
        for _ in range(ROUNDS):
            luck.before_a_run()
            one_run(office)
            hold_what_must_hold(office)
        luck.ends()
        for _ in range(4):
            office.clock.pass_(hours=2)
            one_run(office)
            hold_what_must_hold(office)
        statuses = office.statuses()
        assert set(statuses.values()) <= ENDS, statuses
        written = {line for line, status in statuses.items() if status is ChangeStatus.WRITTEN}
        assert written <= {line for line, _ in office.psa.accepted}, "written, and the PSA knows nothing of it"
    finally:
        store.close()
