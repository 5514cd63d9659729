"""Kills at random moments, and writers that must fail the same judgement: otherwise it would prove nothing."""

import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from pipelines.review.changes import ChangeStatus
from pipelines.writeback.means import Step
from pipelines.writeback.pace import Pace
from tests.crash.judgement import judged
from tests.crash.models import ABSOLUTE, CREATED_LINE, DELTA, MODELS, REPLACE_LINES, Model
from tests.crash.scene import PACE, Scene, staged
from tests.crash.writer import IN_FLIGHT
from tests.torture import figure

KILLS = figure(38, 1250)
"""Per write model and kind of database: 304 of all eight together, and 10,000 in the long run."""

LIVES_PER_SCENE = 38
"""As many as a scene has work for."""

LINES = 150
"""More than these short lives can write, so that every one of them dies at work."""

LONGEST = 0.3
"""Seconds that a writer lives after its first step, or after its start: time for a few lines."""

ENDS = {ChangeStatus.WRITTEN, ChangeStatus.REFUSED}
"""Refused: killed twice between intent and answer, so that a person decides."""


NAIVELY_WRITTEN = [ABSOLUTE, DELTA, CREATED_LINE]
"""Where a request can be made without a look, as a naive writer does."""


def kill_at_random(scene: Scene, dice: random.Random) -> bool:
    """Start a writer and kill it after a while, most of them at work; whether it was still alive.

    It looks at lines together as early as it may, so that it dies in the midst of groups too.
    """
    with scene.writer("--alone=1") as writer:
        if dice.random() < 0.9:
            writer.next_line()
        time.sleep(dice.uniform(0, LONGEST))
        was_alive = writer.is_alive
        writer.kill()
    return was_alive


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("turn", range(-(-KILLS // LIVES_PER_SCENE)))
def test_random_kills_lose_nothing_and_double_nothing(store_url: str, model: Model, turn: int) -> None:
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    slow = {"rules": [{"match": model.write, "do": "delay:0.05s"}]}
    with staged(store_url, LINES, faults=slow, model=model) as scene:
        sending = 0
        for life in range(min(LIVES_PER_SCENE, KILLS - turn * LIVES_PER_SCENE)):
            assert kill_at_random(scene, dice), f"seed {seed}: writer {life} had come to its end"
            sending += ChangeStatus.SENDING in scene.statuses().values()
            assert judged(scene).faults() == {}, f"seed {seed}"
        assert sending, f"seed {seed}: no writer died between its intent and its outcome"
        scene.psa.set_faults(None)
        scene.run_until_quiet()
        assert judged(scene).faults() == {}, f"seed {seed}"
        statuses = scene.statuses()
        assert set(statuses.values()) <= ENDS, f"seed {seed}: {statuses}"
        written = [name for name, status in statuses.items() if status is ChangeStatus.WRITTEN]
        assert set(written) == set(scene.steps_written()), f"seed {seed}"


@pytest.mark.parametrize("model", NAIVELY_WRITTEN, ids=lambda model: model.name)
def test_the_naive_writer_doubles_what_it_was_killed_over(store_url: str, model: Model) -> None:
    with staged(store_url, model=model) as scene:
        scene.killed_after(Step.SENT, "--naive", nth=2)
        with scene.writer("--naive") as writer:
            writer.told()
        assert judged(scene).faults()["doubled"] == ["2"]
        assert ("2" in judged(scene).astray) == (model is not ABSOLUTE)


@pytest.mark.parametrize("model", [ABSOLUTE, DELTA], ids=lambda model: model.name)
def test_the_naive_writer_overwrites_what_a_person_set(store_url: str, model: Model) -> None:
    with staged(store_url, model=model) as scene:
        scene.edit_by_hand("2", "99")
        with scene.writer("--naive") as writer:
            writer.told()
        assert "2" in judged(scene, {"2": "99"}).faults()["overwritten"]


def test_a_line_set_by_a_person_survives_killed_writers(store_url: str) -> None:
    with staged(store_url) as scene:
        scene.killed_after(Step.SENT, nth=1)
        scene.edit_by_hand("2", "99")
        scene.run_until_quiet()
        assert scene.statuses()["2"] is ChangeStatus.STALE
        assert judged(scene, {"2": "99"}).faults() == {}


def test_a_frozen_writer_that_wakes_up_neither_sends_nor_records(store_url: str) -> None:
    pace = type(PACE)(PACE.quiet, PACE.lease, PACE.quiet)
    with staged(store_url, 1) as scene, scene.writer("--end-after=intended", "--freeze", pace=pace) as frozen:
        deadline = time.monotonic() + 60
        while scene.statuses()["1"] is not ChangeStatus.SENDING:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(2 * PACE.lease.total_seconds())
        scene.run_until_quiet()
        frozen.signal(signal.SIGCONT)
        frozen.told()
        assert scene.statuses() == {"1": ChangeStatus.WRITTEN}
        assert judged(scene).faults() == {}


def killed_with_its_request_in_flight(scene: Scene, pace: Pace) -> None:
    """A writer dies while the PSA has its first write and has not answered yet."""
    with scene.writer(pace=pace) as writer:
        while writer.next_line() != IN_FLIGHT:
            assert writer.is_alive
        writer.kill()


def quiet_for(seconds: float) -> Pace:
    """The usual pace with another quiet period."""
    return Pace(timedelta(seconds=seconds), PACE.lease, PACE.hesitation)


@pytest.mark.parametrize("model", NAIVELY_WRITTEN, ids=lambda model: model.name)
@pytest.mark.parametrize(("quiet", "writes"), [(0.0, 2), (3.0, 1)], ids=["no quiet period", "a quiet period"])
def test_only_a_quiet_period_keeps_a_request_in_flight_from_being_doubled(
    sqlite_url: str, model: Model, quiet: float, writes: int
) -> None:
    late = {"rules": [{"match": model.write, "nth": 1, "do": "delay:2s"}]}
    with staged(sqlite_url, 1, faults=late, model=model) as scene:
        killed_with_its_request_in_flight(scene, quiet_for(quiet))
        scene.run_until_quiet(quiet_for(quiet))
        settle_down(lambda: len(scene.psa.writes()) >= writes)
        assert len(scene.psa.writes()) == writes
        assert ("1" in judged(scene).doubled) == (writes == 2)


@pytest.mark.parametrize(("quiet", "undone"), [(0.0, ["2"]), (3.0, [])], ids=["no quiet period", "a quiet period"])
def test_only_a_quiet_period_keeps_a_late_list_of_lines_from_undoing_its_neighbours(
    sqlite_url: str, quiet: float, undone: list[str]
) -> None:
    late = {"rules": [{"match": REPLACE_LINES.write, "nth": 1, "do": "delay:2s"}]}
    with staged(sqlite_url, 2, faults=late, model=REPLACE_LINES) as scene:
        killed_with_its_request_in_flight(scene, quiet_for(quiet))
        scene.run_until_quiet(quiet_for(quiet))
        settle_down(lambda: bool(judged(scene).wrong))
        assert judged(scene).wrong == undone


def settle_down(is_seen: Callable[[], bool]) -> None:
    """Wait until the late request has landed, which every request does within a few seconds."""
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline and not is_seen():
        time.sleep(0.1)
