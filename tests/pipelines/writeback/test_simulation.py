"""Months of bad luck in seconds: whatever fails, nothing is lost, doubled or overwritten."""

import random
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from pipelines.agreements.copy import PsaUnavailable
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.groups import ONE_BY_ONE, Grouping
from pipelines.writeback.means import Step
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import Answer, Heard, WriteModel
from resources.store.engine import Store
from tests.pipelines.writeback.office import (
    PACE,
    TENANT,
    Clock,
    InventedPsa,
    Office,
    Trouble,
    says,
    takes_and_loses,
)
from tests.pipelines.writeback.vendors import (
    LINES,
    VENDORS,
    AddingPsa,
    CarefulPsa,
    MakingPsa,
    ReplacingPsa,
    after,
    lands_late,
)
from tests.torture import figure

SEEDS = figure(1_000, 100_000)
"""Of all write models together: each has every fourth."""

GROUPINGS = (ONE_BY_ONE, Grouping(alone=1))
"""Every other seed of a write model looks at lines together from the second on."""

SEEDS_PER_TEST = 50
ROUNDS = 8
ENDS = frozenset({ChangeStatus.WRITTEN, ChangeStatus.STALE, ChangeStatus.REFUSED})


class Killed(Exception):  # noqa: N818  what happened to the process
    """The process died here."""


def takes_and_answers_an_error(line: str) -> Trouble:
    """The PSA carries the write out and answers with an error all the same."""

    def trouble(psa: InventedPsa, quantity: str) -> Answer:
        psa.take(line, quantity)
        return Answer(Heard.UNKNOWN, "HTTP 502")

    return trouble


class Luck:
    """What goes wrong, by a seed."""

    def __init__(self, office: Office, psa: CarefulPsa, seed: int) -> None:
        self._dice = random.Random(seed)
        self._office = office
        self._psa = psa
        office.on_step = self._maybe_die

    def before_a_run(self) -> None:
        """Troubles for the next run, a person's edit, a PSA that is away for a while."""
        psa, dice = self._psa, self._dice
        psa.troubles = {line: self._troubles(line) for line in LINES}
        psa.is_away = dice.random() < 0.1
        psa.takes_credentials = dice.random() > 0.1
        self._office.clock.pass_(seconds=dice.choice([1, 30, 120, 121, 4000]))
        if dice.random() < 0.15:
            psa.edit(dice.choice(LINES), dice.randint(20, 30))

    def ends(self) -> None:
        """From now on nothing goes wrong any more."""
        self._office.psa.troubles = {}
        self._office.psa.is_away, self._office.psa.takes_credentials = False, True
        self._office.on_step = lambda _step, _change: None

    def _troubles(self, line: str) -> list[Trouble]:
        possible = [
            takes_and_loses(line),
            takes_and_answers_an_error(line),
            lands_late(line, timedelta(seconds=self._dice.choice([1, 30, 119]))),
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
    assert all(Decimal(quantity) == after(line) for line, quantity in accepted), accepted
    assert office.trail().faults == ()


def live_through(office: Office, psa: CarefulPsa, seed: int) -> None:
    """Rounds of bad luck, then better days, until every change has come to an end."""
    luck = Luck(office, psa, seed)
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
    assert written <= {line for line, _ in psa.accepted}, "written, and the PSA knows nothing of it"


def office_of(store: Store, vendor: type[CarefulPsa], grouping: Grouping = ONE_BY_ONE) -> tuple[Office, CarefulPsa]:
    """An office that writes to a PSA of a write model."""
    clock = Clock()
    office, psa = Office(store, clock=clock), vendor.stocked(clock)
    office.psa, office.model, office.grouping = psa, vendor.model, grouping
    return office, psa


@pytest.fixture(scope="module")
def templates(sqlite_template: Path) -> Iterator[dict[type[CarefulPsa], Path]]:
    """A store of each write model whose changes are all approved, in memory where the machine has such a folder."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        made = {vendor: Path(folder) / f"{vendor.__name__}.db" for vendor in VENDORS}
        for vendor, file in made.items():
            store = Store(f"sqlite:///{shutil.copy(sqlite_template, file)}", TENANT)
            office, psa = office_of(store, vendor)
            for line in LINES:
                office.propose(line, **psa.proposal(line))
            office.decide(*LINES)
            store.close()
        yield made


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_nothing_is_lost_doubled_or_overwritten(templates: dict[type[CarefulPsa], Path], first: int) -> None:
    for seed in range(first, first + SEEDS_PER_TEST):
        vendor = VENDORS[seed % len(VENDORS)]
        grouping = GROUPINGS[seed // len(VENDORS) % len(GROUPINGS)]
        copy = templates[vendor].with_name(f"{seed}.db")
        store = Store(f"sqlite:///{shutil.copy(templates[vendor], copy)}", TENANT)
        try:
            live_through(*office_of(store, vendor, grouping), seed)
        except BaseException as error:
            error.add_note(f"seed {seed}: {vendor.__name__}, {grouping}")
            raise
        finally:
            store.close()
            copy.unlink()


def first_failure(template: Path, vendor: type[CarefulPsa], prepare: Callable[[Office], None]) -> str:
    """What the first seed that fails says, when something that write-back needs is taken away."""
    for seed in range(100):
        copy = template.with_name(f"control-{seed}.db")
        store = Store(f"sqlite:///{shutil.copy(template, copy)}", TENANT)
        try:
            office, psa = office_of(store, vendor)
            prepare(office)
            live_through(office, psa, seed)
        except AssertionError as error:
            return str(error)
        finally:
            store.close()
            copy.unlink()
    return "nothing failed"


def without_quiet(office: Office) -> None:
    """Look at a line at once, though its request may be in flight."""
    office.pace = Pace(timedelta(0), PACE.lease, PACE.hesitation)


def as_if_it_set_one_line(office: Office) -> None:
    """Write two lines of an agreement at a time, though each request holds both."""
    office.model = WriteModel.ABSOLUTE


@pytest.mark.parametrize(
    ("vendor", "prepare", "words"),
    [
        pytest.param(AddingPsa, without_quiet, "held ", id="deltas without a quiet period"),
        pytest.param(MakingPsa, without_quiet, "made twice", id="new lines without a quiet period"),
        pytest.param(ReplacingPsa, as_if_it_set_one_line, " undid ", id="two lists of lines at a time"),
    ],
)
def test_the_storm_finds_what_is_taken_away(
    templates: dict[type[CarefulPsa], Path],
    vendor: type[CarefulPsa],
    prepare: Callable[[Office], None],
    words: str,
) -> None:
    assert words in first_failure(templates[vendor], vendor, prepare)
