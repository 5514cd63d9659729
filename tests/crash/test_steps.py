"""A writer that is killed at any step loses nothing and doubles nothing."""

import time
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pipelines.review.changes import ChangeStatus
from pipelines.writeback.means import Step
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import Cause
from tests.crash.judgement import judged
from tests.crash.models import ABSOLUTE, CREATED_LINE, DELTA, MODELS, REPLACE_LINES, Model, name_of
from tests.crash.scene import PACE, Scene, staged
from tests.crash.writer import IN_FLIGHT
from tests.torture import IS_LONG

ALL_WRITTEN = {"1": ChangeStatus.WRITTEN, "2": ChangeStatus.WRITTEN, "3": ChangeStatus.WRITTEN}
COMBINATIONS = [
    (model, store)
    for model in MODELS.values()
    for store in ("sqlite_url", "postgres_url")
    if IS_LONG or store == "sqlite_url" or model is ABSOLUTE
]
"""Every write model on SQLite, one of them on PostgreSQL; in the long run all on both."""

LONG_QUIET = Pace(quiet=timedelta(minutes=10), lease=PACE.lease, hesitation=PACE.hesitation)


@dataclass(frozen=True)
class Stage:
    """Where a scene is set."""

    store_url: str
    model: Model


@pytest.fixture(params=COMBINATIONS, ids=lambda pair: f"{pair[0].name}-{pair[1].removesuffix('_url')}")
def stage(request: pytest.FixtureRequest) -> Stage:
    """A write model and the URL of a migrated, empty database."""
    model, store = request.param
    return Stage(str(request.getfixturevalue(store)), model)


def causes(scene: Scene) -> dict[str, list[Cause]]:
    """Every outcome after this, run by run, by line."""
    found: dict[str, list[Cause]] = {}
    for batch in scene.run_until_quiet():
        for outcome in batch.outcomes:
            found.setdefault(name_of(outcome.change), []).append(outcome.cause)
    return found


@pytest.mark.parametrize(
    ("moment", "left", "settled"),
    [
        (Step.CLAIMED, ChangeStatus.APPROVED, [Cause.VERIFIED]),
        (Step.READ, ChangeStatus.APPROVED, [Cause.VERIFIED]),
        (Step.INTENDED, ChangeStatus.SENDING, [Cause.SEND_AGAIN, Cause.VERIFIED]),
        (IN_FLIGHT, ChangeStatus.SENDING, [Cause.FOUND_WRITTEN]),
        (Step.SENT, ChangeStatus.SENDING, [Cause.FOUND_WRITTEN]),
        (Step.READ_BACK, ChangeStatus.SENDING, [Cause.FOUND_WRITTEN]),
        (Step.RECORDED, ChangeStatus.WRITTEN, []),
    ],
)
def test_a_writer_killed_while_it_writes_is_made_good(
    stage: Stage, moment: str, left: ChangeStatus, settled: list[Cause]
) -> None:
    with staged(stage.store_url, model=stage.model) as scene:
        scene.killed_after(moment, nth=2)
        assert scene.statuses() == {"1": ChangeStatus.WRITTEN, "2": left, "3": ChangeStatus.APPROVED}
        assert judged(scene).faults() == {}

        assert causes(scene).get("2", []) == settled
        assert scene.statuses() == ALL_WRITTEN
        assert scene.steps_written() == scene.once_each()
        assert judged(scene).faults() == {}


SENDING, APPROVED, WRITTEN = ChangeStatus.SENDING, ChangeStatus.APPROVED, ChangeStatus.WRITTEN
IN_A_GROUP = [
    (Step.SENT, 2, [SENDING, APPROVED]),
    (Step.SENT, 3, [SENDING, SENDING]),
    (Step.READ_BACK, 2, [SENDING, SENDING]),
    (Step.RECORDED, 2, [WRITTEN, SENDING]),
]
"""Moments among lines 2 and 3, which are looked at together: where both stand then."""

IN_A_SHARED_REQUEST = [
    (Step.CLAIMED, 3, [APPROVED, APPROVED]),
    (Step.READ, 3, [APPROVED, APPROVED]),
    (Step.INTENDED, 2, [SENDING, SENDING]),
    (IN_FLIGHT, 2, [SENDING, SENDING]),
    (Step.SENT, 2, [SENDING, SENDING]),
    (Step.READ_BACK, 2, [SENDING, SENDING]),
    (Step.RECORDED, 2, [WRITTEN, SENDING]),
]


@pytest.mark.parametrize("store", ["sqlite_url", "postgres_url"] if IS_LONG else ["sqlite_url"])
@pytest.mark.parametrize(
    ("model", "moment", "nth", "left"),
    [
        *((model, *each) for model in (ABSOLUTE, DELTA, CREATED_LINE) for each in IN_A_GROUP),
        *((REPLACE_LINES, *each) for each in IN_A_SHARED_REQUEST),
    ],
    ids=lambda each: each.name if isinstance(each, Model) else None,
)
def test_a_writer_killed_in_the_midst_of_several_lines_is_made_good(
    request: pytest.FixtureRequest, store: str, model: Model, moment: str, nth: int, left: list[ChangeStatus]
) -> None:
    with staged(request.getfixturevalue(store), model=model) as scene:
        scene.killed_after(moment, "--alone=1", nth=nth)
        statuses = scene.statuses()
        assert [statuses["1"], statuses["2"], statuses["3"]] == [WRITTEN, *left]
        assert judged(scene).faults() == {}

        scene.run_until_quiet()
        assert scene.statuses() == ALL_WRITTEN
        assert scene.steps_written() == scene.once_each()
        assert judged(scene).faults() == {}


@pytest.mark.parametrize("moment", [Step.LOOKED, Step.SETTLED])
@pytest.mark.parametrize("before", [Step.INTENDED, Step.SENT])
def test_a_writer_killed_while_it_settles_is_made_good(stage: Stage, before: Step, moment: Step) -> None:
    with staged(stage.store_url, model=stage.model) as scene:
        scene.killed_after(before, nth=2)
        time.sleep(PACE.quiet.total_seconds())
        told = scene.killed_after(moment)
        assert Step.INTENDED not in told

        scene.run_until_quiet()
        assert scene.statuses() == ALL_WRITTEN
        assert scene.steps_written() == scene.once_each()
        assert judged(scene).faults() == {}


def test_a_killed_writers_line_is_left_alone_until_its_request_cannot_be_in_flight(store_url: str) -> None:
    with staged(store_url) as scene:
        scene.killed_after(Step.INTENDED, nth=2)
        batch = scene.run(LONG_QUIET)

        [(change, words)] = batch.waiting
        assert change.line_id == "2"
        assert words.startswith("its answer was lost; the line is looked at from ")
        assert scene.statuses() == ALL_WRITTEN | {"2": ChangeStatus.SENDING}
        assert scene.steps_written() == {"1": scene.once_each()["1"], "3": scene.once_each()["3"]}


def test_a_change_whose_writer_was_killed_twice_before_it_sent_waits_for_a_person(store_url: str) -> None:
    with staged(store_url, count=1) as scene:
        scene.killed_after(Step.INTENDED)
        time.sleep(PACE.quiet.total_seconds())
        scene.killed_after(Step.INTENDED)

        [last] = [outcome for batch in scene.run_until_quiet() for outcome in batch.outcomes]
        assert (last.status, last.cause) == (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON)
        assert last.words.startswith("it was sent 2 times without effect")
        assert scene.psa.quantity("1") == "1"
        assert scene.steps_written() == {}
        assert judged(scene).faults() == {}


def test_a_line_that_a_person_set_after_a_crash_is_never_overwritten(store_url: str) -> None:
    with staged(store_url) as scene:
        scene.killed_after(Step.SENT, nth=2)
        scene.edit_by_hand("2", "99")

        assert causes(scene)["2"] == [Cause.LINE_MOVED]
        assert scene.statuses() == ALL_WRITTEN | {"2": ChangeStatus.STALE}
        assert scene.psa.quantity("2") == "99"
        assert scene.steps_written() == scene.once_each()
        assert judged(scene, {"2": "99"}).faults() == {}
