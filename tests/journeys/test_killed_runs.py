"""A process that dies with its run: Dagster shows the run as started for good, and nobody waits for it.

Belongs here: commands killed from outside in the midst of a run, and the command after them.
Does not belong here: at which step of a write (``tests/crash``).
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from resources.dagster_home import prepare_dagster_home
from resources.settings import environment, load_settings
from tests.journeys.desk import USAGE, Desk

LIMIT_SECONDS = 120


def killed(desk: Desk, *command: str, when: Callable[[], bool]) -> None:
    """Start a command in a process of its own, and end it at once when something is so."""
    trueup = str(Path(sys.executable).parent / "trueup")
    started = [trueup, *command, "--workspace", str(desk.root)]
    with subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + LIMIT_SECONDS
        while not when():
            assert process.poll() is None, "it had come to its end"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()


def unfinished_runs(desk: Desk) -> int:
    """Runs that Dagster takes for started."""
    settings = load_settings(desk.root, environment())
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(settings))) as instance:
        return len(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])))


def test_write_back_that_was_killed_is_finished_by_the_next_command(month: Desk) -> None:
    lines = [line for line in month.every_change() if line is not None]
    month.approve(*lines)
    month.psa.set_faults({"rules": [{"match": "PATCH", "do": "delay:0.3s"}]})
    killed(month, "apply", when=lambda: len(month.psa.writes()) > 0)
    assert unfinished_runs(month) == 1

    month.psa.set_faults(None)
    month.apply_until(lambda _: set(month.statuses(*lines)) == {"written"})
    assert sorted(line for line, _, _ in month.wrote()) == sorted(lines)


def test_a_month_whose_run_was_killed_is_reconciled_by_the_next_command(desk: Desk) -> None:
    desk.drop("generic/2026-10/usage.csv", USAGE)
    killed(desk, "run", "--period", "2026-10", when=lambda: any((desk.root / "lake").rglob("*.parquet")))
    assert unfinished_runs(desk) == 1
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals() == {"1": "12"}
