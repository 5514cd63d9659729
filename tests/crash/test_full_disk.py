"""A store whose disk is full: nothing is sent that was not committed, and once there is room each is written once."""

import shutil
from pathlib import Path

import pytest

from pipelines.review.changes import ChangeStatus
from pipelines.writeback.means import Step
from resources.store.errors import StoreUnavailable
from tests.crash.judgement import judged
from tests.crash.models import ABSOLUTE, DELTA, Model
from tests.crash.scene import PACE, Scene, staged
from tests.crash.writer import write_back
from tests.small_disk import SmallDisk, small_disk

__all__ = ["small_disk"]

NO_ROOM = "has no room left on its disk. Free some, then run it again."
WRITTEN, SENDING, APPROVED = ChangeStatus.WRITTEN, ChangeStatus.SENDING, ChangeStatus.APPROVED


@pytest.fixture
def store_on_disk(small_disk: SmallDisk, sqlite_template: Path) -> str:
    """The URL of a migrated, empty SQLite file on the small disk."""
    return f"sqlite:///{shutil.copy(sqlite_template, small_disk.folder / 'store.db')}"


def run_until_full(scene: Scene, disk: SmallDisk, moment: Step) -> str:
    """A run whose disk fills up when it comes to a moment for the second time; the words that it ends with."""
    seen: list[str] = []

    def came_to(now: str) -> None:
        seen.append(now)
        if now == moment and seen.count(now) == 2:
            disk.fill()

    with pytest.raises(StoreUnavailable) as raised:
        write_back(scene.store, scene.witness, scene.psa.url, PACE, came_to, scene.model.kind)
    return str(raised.value)


@pytest.mark.parametrize("model", [ABSOLUTE, DELTA], ids=lambda model: model.name)
@pytest.mark.parametrize(
    ("moment", "second", "sent"),
    [
        (Step.CLAIMED, APPROVED, ["1"]),
        (Step.READ, APPROVED, ["1"]),
        (Step.INTENDED, SENDING, ["1", "2"]),
        (Step.SENT, SENDING, ["1", "2"]),
        (Step.READ_BACK, SENDING, ["1", "2"]),
        (Step.RECORDED, WRITTEN, ["1", "2"]),
    ],
)
def test_what_a_full_disk_did_not_commit_is_not_sent_and_is_written_once_when_there_is_room(
    small_disk: SmallDisk, store_on_disk: str, model: Model, moment: Step, second: ChangeStatus, sent: list[str]
) -> None:
    with staged(store_on_disk, model=model) as scene:
        assert NO_ROOM in run_until_full(scene, small_disk, moment)
        assert scene.statuses() == {"1": WRITTEN, "2": second, "3": APPROVED}
        assert list(scene.steps_written()) == sent
        assert judged(scene).faults() == {}

        small_disk.free()
        scene.run_until_quiet()
        assert set(scene.statuses().values()) == {WRITTEN}
        assert scene.steps_written() == scene.once_each()
        assert judged(scene).faults() == {}


def test_a_run_that_starts_on_a_full_disk_says_so_and_sends_nothing(small_disk: SmallDisk, store_on_disk: str) -> None:
    with staged(store_on_disk) as scene:
        scene.store.close()
        small_disk.fill()
        with pytest.raises(StoreUnavailable, match=NO_ROOM):
            scene.run()
        assert scene.steps_written() == {}

        small_disk.free()
        scene.run_until_quiet()
        assert scene.steps_written() == scene.once_each()
        assert judged(scene).faults() == {}
