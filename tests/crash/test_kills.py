"""Kills at random moments, and writers that must fail the same judgement: otherwise it would prove nothing."""

import random
import signal
import time

import pytest

from pipelines.review.changes import ChangeStatus
from pipelines.writeback.protocol import Step
from tests.crash.judgement import judged
from tests.crash.scene import PACE, Scene, staged

KILLS = 50
"""Per kind of database."""

LINES = 300
"""More than fifty short lives can write, so that every one of them dies at work."""

SHORTEST, LONGEST = 0.25, 1.1
"""Seconds that a writer lives: from before its first step to well into its work."""

ENDS = {ChangeStatus.WRITTEN, ChangeStatus.REFUSED}
"""Refused: killed twice between intent and answer, so that a person decides."""


def kill_at_random(scene: Scene, dice: random.Random, longest: float = LONGEST) -> bool:
    """Start a writer and kill it after a while; whether it was still alive."""
    with scene.writer() as writer:
        time.sleep(dice.uniform(SHORTEST, longest))
        was_alive = writer.poll() is None
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
    return was_alive


def test_fifty_random_kills_lose_nothing_and_double_nothing(store_url: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    slow = {"rules": [{"match": "PATCH", "do": "delay:0.1s"}]}
    with staged(store_url, LINES, faults=slow) as scene:
        for turn in range(KILLS):
            assert kill_at_random(scene, dice), f"seed {seed}: writer {turn} had come to its end"
            assert judged(scene).faults() == {}, f"seed {seed}"
        scene.psa.set_faults(None)
        scene.run_until_quiet()
        assert judged(scene).faults() == {}, f"seed {seed}"
        statuses = scene.statuses()
        assert set(statuses.values()) <= ENDS, f"seed {seed}: {statuses}"
        written = [line for line, status in statuses.items() if status is ChangeStatus.WRITTEN]
        assert set(written) == set(scene.steps_written()), f"seed {seed}"


def test_random_kills_double_no_adjustment_though_each_would_be_added(store_url: str) -> None:
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    slow = {"rules": [{"match": "Adjustments", "do": "delay:0.2s"}]}
    with staged(store_url, LINES // 5, faults=slow, kind="autotask") as scene:
        killed_while_sending = 0
        for _ in range(KILLS // 4):
            # An Autotask connection asks more before its first line, so its writers live longer.
            kill_at_random(scene, dice, 3 * LONGEST)
            killed_while_sending += ChangeStatus.SENDING in scene.statuses().values()
            assert judged(scene).faults() == {}, f"seed {seed}"
        assert killed_while_sending, f"seed {seed}: no writer died between its intent and its outcome"
        scene.psa.set_faults(None)
        scene.run_until_quiet()
        assert judged(scene).faults() == {}, f"seed {seed}"
        assert set(scene.statuses().values()) <= ENDS, f"seed {seed}"


def test_the_naive_writer_doubles_what_it_was_killed_over(store_url: str) -> None:
    with staged(store_url) as scene:
        scene.killed_after(Step.SENT, "--naive", nth=2)
        with scene.writer("--naive") as writer:
            writer.told()
        assert judged(scene).faults()["doubled"] == ["2"]


def test_the_naive_writer_overwrites_what_a_person_set(store_url: str) -> None:
    with staged(store_url) as scene:
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
        frozen.send_signal(signal.SIGCONT)
        frozen.told()
        assert scene.statuses() == {"1": ChangeStatus.WRITTEN}
        assert judged(scene).faults() == {}


@pytest.mark.parametrize(("quiet", "writes"), [(0.0, 2), (3.0, 1)], ids=["no quiet period", "a quiet period"])
def test_only_a_quiet_period_keeps_a_request_in_flight_from_being_doubled(
    store_url: str, quiet: float, writes: int
) -> None:
    late = {"rules": [{"match": "PATCH", "nth": 1, "do": "delay:2s"}]}
    pace = type(PACE)(PACE.quiet * (quiet / PACE.quiet.total_seconds()), PACE.lease, PACE.hesitation)
    with staged(store_url, 1, faults=late) as scene:
        with scene.writer(pace=pace) as writer:
            deadline = time.monotonic() + 60
            while scene.statuses()["1"] is not ChangeStatus.SENDING:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            time.sleep(0.3)
            writer.send_signal(signal.SIGKILL)
            writer.communicate()
        scene.run_until_quiet(pace)
        deadline = time.monotonic() + 30
        while len(scene.psa.writes()) < writes and time.monotonic() < deadline:
            time.sleep(0.1)
        assert len(scene.psa.writes()) == writes
