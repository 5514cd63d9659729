"""A file that no disk has room for: nothing half is kept, no try is counted, and later it is taken in whole."""

import random

import pytest

from pipelines.intake.drops import ArrivalStatus, SourceVerdict
from pipelines.intake.tries import MOST_ATTEMPTS
from tests.pipelines.intake.office import HEADER, Office
from tests.small_disk import SmallDisk, small_disk

__all__ = ["small_disk"]

ROWS = 30_000
DICE = random.Random(1)
CONTENT = HEADER + "".join(f"account {DICE.getrandbits(64)},M365,1\n" for _ in range(ROWS))
"""More than the room that the tests leave, as it arrives and as Parquet."""


def on_disk(office: Office, disk: SmallDisk, folder: str) -> None:
    """Let one folder of the office lie on the disk."""
    (disk.folder / folder).mkdir()
    (office.folder / folder).symlink_to(disk.folder / folder)


@pytest.mark.parametrize(
    ("folder", "stands"),
    [("archive", []), ("lake", [ArrivalStatus.WAITING]), ("scratch", [ArrivalStatus.WAITING])],
)
def test_a_file_waits_for_room_however_often_it_finds_none(
    office: Office, small_disk: SmallDisk, folder: str, stands: list[ArrivalStatus]
) -> None:
    on_disk(office, small_disk, folder)
    office.drop("in/2026-07/a.csv", CONTENT)
    small_disk.fill(leaving=40_960)
    for _ in range(MOST_ATTEMPTS + 1):
        with pytest.raises(OSError, match="No space left on device"):
            office.tick()
        assert [(file.status, file.attempts) for file in office.arrivals.by_id.values()] == [(s, 0) for s in stands]
        assert office.usage.published == []
        assert [file for file in (office.folder / "lake").rglob("*") if file.is_file()] == []

    small_disk.free()
    [taken] = office.tick()
    assert (taken.verdict, taken.rows.valid) == (SourceVerdict.COMPLETE, ROWS)
    assert [file.status for file in office.arrivals.by_id.values()] == [ArrivalStatus.TAKEN]
