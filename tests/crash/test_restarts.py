"""PostgreSQL that is restarted at once, as a crash would, while a writer writes: nothing is lost, nothing doubled."""

import random
import time
from collections.abc import Iterator

import pytest

from pipelines.review.changes import ChangeStatus
from resources.store.engine import Store
from tests.crash.judgement import judged
from tests.crash.models import MODELS, Model
from tests.crash.scene import staged
from tests.postgres import Server, find_programs, program_folders
from tests.torture import figure

RESTARTS = figure(10, 200)
"""Of all write models together."""

LINES = 40
RESTARTS_PER_SCENE = 5
LONGEST = 0.3
"""Seconds from a writer's first step to the restart."""


@pytest.fixture(scope="module")
def durable_server() -> Iterator[Server]:
    """A server that has written down what it acknowledged: the usual one of the tests may forget it."""
    server = Server(find_programs(program_folders()), settings=("fsync=off", "max_connections=20"))
    yield server
    server.stop()


@pytest.mark.parametrize("turn", range(RESTARTS // RESTARTS_PER_SCENE))
def test_restarts_of_the_database_lose_nothing_and_double_nothing(durable_server: Server, turn: int) -> None:
    model = _model_of(turn)
    seed = random.SystemRandom().randrange(10**6)
    dice = random.Random(seed)
    slow = {"rules": [{"match": model.write, "do": "delay:0.1s"}]}
    with staged(_new_store(durable_server), LINES, faults=slow, model=model) as scene:
        for _ in range(RESTARTS_PER_SCENE):
            with scene.writer() as writer:
                writer.next_line()
                time.sleep(dice.uniform(0, LONGEST))
                durable_server.restart_at_once()
                # Some writers find the server back, some are dead before they notice anything.
                time.sleep(dice.choice([0, 0.5]))
                writer.kill()
            scene.store.close()
            assert judged(scene).faults() == {}, f"seed {seed}"
        scene.psa.set_faults(None)
        scene.run_until_quiet()
        assert judged(scene).faults() == {}, f"seed {seed}"
        assert set(scene.statuses().values()) <= {ChangeStatus.WRITTEN, ChangeStatus.REFUSED}, f"seed {seed}"


def _model_of(turn: int) -> Model:
    return list(MODELS.values())[(1 + turn) % len(MODELS)]


def _new_store(server: Server) -> str:
    store_url = server.url(server.create_database())
    store = Store(store_url, "template")
    store.upgrade()
    store.close()
    return store_url
