"""A disk that is full: the run says so, nothing half stands anywhere, and the next run takes the file in whole."""

import random
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.journeys.desk import MAPPINGS, SEED, USAGE, Desk, new_desk
from tests.small_disk import SmallDisk, small_disk
from trueup.cli.room import NO_ROOM
from trueup.sandbox.psa.running import running_sandbox

__all__ = ["small_disk"]

NOISE = 5_000
"""Rows of unknown accounts."""


def usage() -> str:
    dice = random.Random(1)
    return USAGE + "".join(f"{dice.getrandbits(64):x},M365 BP,1\n" for _ in range(NOISE))


def files_in(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()]


def fails_for_want_of_room(desk: Desk) -> None:
    said = desk.say("run", "--period", "2026-10", "--json")
    assert said.code == 1
    assert NO_ROOM in said.json["error"]
    assert NO_ROOM in said.err


def takes_it_in_whole(desk: Desk) -> None:
    summary = desk.run()
    assert summary["verdict"] == "reconciled"
    [source] = summary["sources"]
    assert (source["verdict"], source["revision"], source["rows"]["valid"]) == ("complete", 1, NOISE + 2)
    assert desk.proposals() == {"1": "12"}


@pytest.fixture
def small_desk(small_disk: SmallDisk) -> Iterator[Desk]:
    """A workspace that lies on the small disk with everything that it has."""
    with running_sandbox(SEED) as psa:
        desk = new_desk(small_disk.folder / "workspace", psa)
        assert desk.map(**MAPPINGS).code == 0
        yield desk


def test_a_workspace_whose_disk_is_full_goes_on_when_there_is_room(small_desk: Desk, small_disk: SmallDisk) -> None:
    small_desk.drop("generic/2026-10/usage.csv", usage())
    for room in (0, 3_000_000):
        small_disk.fill(leaving=room)
        fails_for_want_of_room(small_desk)
        small_disk.free()
        # Neither half a Parquet file nor half a file of Dagster's settings.
        assert all(pq.read_table(file).num_rows for file in files_in(small_desk.root / "lake"))
        assert all(file.stat().st_size for file in small_desk.root.rglob("*.yaml"))
    takes_it_in_whole(small_desk)
