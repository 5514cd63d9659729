"""A PSA that fails every now and then, whatever it is asked: write-back comes to an end, each line written once.

Belongs here: storms thrown by dice over HTTP, through the real adapters.
Does not belong here: faults at a named request (each adapter's own tests), invented PSAs (``tests/pipelines``).
"""

import pytest

from pipelines.review.changes import ChangeStatus
from tests.crash.judgement import judged
from tests.crash.models import MODELS, Model
from tests.crash.scene import staged
from tests.torture import figure

LINES = figure(30, 300)
STORM = {"429:0s": 0.05, "500": 0.03, "commit_then_drop": 0.03}
"""Of all requests: too many, a fault of the server's, and an answer that is lost although the request was executed."""

SEED = 20261104


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_storm_of_faults_loses_nothing_and_doubles_nothing(sqlite_url: str, model: Model) -> None:
    with staged(sqlite_url, LINES, faults={"seed": SEED, "rate": STORM}, model=model) as scene:
        runs = scene.run_until_quiet()
        assert judged(scene).faults() == {}
        statuses = list(scene.statuses().values())
        # One that failed twice without effect waits for a person.
        assert set(statuses) <= {ChangeStatus.WRITTEN, ChangeStatus.REFUSED}
        assert statuses.count(ChangeStatus.WRITTEN) > 0.9 * LINES
        assert len(runs) > 1, "the storm passed without a fault"
