"""Dagster that has forgotten: its runs were deleted, or a sensor bears another name. What counts stands in the store.

Belongs here: sensors evaluated as the daemon does, over a real workspace, after the daemon lost its memory.
Does not belong here: what the sensors compare (``tests/sensors``).
"""

import dagster as dg
import pytest

from resources.dagster_home import prepare_dagster_home
from resources.settings import environment, load_settings
from resources.workspace import Workspace
from tests.journeys.desk import USAGE, Desk
from trueup.orchestration import RunFailedError, orchestrated

LOOKS = 4
"""A file is asked for when two looks agree, its month after that; more looks than that find nothing."""


def looked(desk: Desk, looks: int = LOOKS) -> list[str]:
    """What sensors without a memory ask for in so many looks; a renamed sensor is one without a memory."""
    said: list[str] = []
    workspace = Workspace(load_settings(desk.root, environment()))
    try:
        with orchestrated(workspace) as orchestration:
            for _ in range(looks):
                orchestration.tick(said.append)
    finally:
        workspace.close()
    return said


def forget_runs(desk: Desk) -> int:
    """Delete every run that Dagster knows of; how many there were."""
    settings = load_settings(desk.root, environment())
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(settings))) as instance:
        runs = instance.get_run_records()
        for each in runs:
            instance.delete_run(each.dagster_run.run_id)
    return len(runs)


def test_no_file_is_taken_in_twice_when_runs_are_deleted_or_sensors_renamed(desk: Desk) -> None:
    desk.drop("generic/2026-10/usage.csv", USAGE)
    asked = looked(desk)
    assert [line.split(" asks for ")[0] for line in asked] == ["sensor arrived_files", "sensor changed_inputs"]
    proposed = desk.changes()

    assert forget_runs(desk) == len(asked)
    assert looked(desk) == []
    assert desk.changes() == proposed


def test_a_file_whose_run_died_and_was_deleted_is_asked_for_again(desk: Desk) -> None:
    lake = desk.root / "lake"
    aside = lake.rename(desk.root / "lake-aside")
    lake.write_text("a file where a folder belongs: every run fails that writes there")
    desk.drop("generic/2026-10/usage.csv", USAGE)
    for _ in range(2):
        with pytest.raises(RunFailedError):
            looked(desk)
        assert forget_runs(desk) > 0

    lake.unlink()
    aside.rename(lake)
    assert any("take_in_usage" in line for line in looked(desk))
    assert desk.proposals() == {"1": "12"}
