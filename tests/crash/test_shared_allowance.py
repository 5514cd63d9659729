"""Autotask's calls of an hour, which all integrations of a tenant share: a storm of theirs is waited out.

Belongs here: write-back against a PSA that counts everybody's calls, on a clock that is set.
Does not belong here: when the count is asked for (``tests/resources/psa/test_autotask.py``).
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx

from pipelines.agreements.copy import PsaUnavailable
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import ONE_BY_ONE
from pipelines.writeback.means import Means
from pipelines.writeback.pace import pace_of
from pipelines.writeback.protocol import write_back
from resources.psa.http import Patience
from resources.psa.kinds import AUTOTASK, Connection
from resources.psa.pacing import PacedTransport
from resources.store.write_ledger import StoreWriteLedger
from resources.witness import WitnessFile
from tests.crash.models import DELTA
from tests.crash.scene import Scene, staged
from tests.crash.writer import COMPANY, TENANT

HOUR = timedelta(hours=1)
ALLOWED, STOP_AT = 10_000, 7_500
CALLS_BETWEEN_LOOKS = 200
CHANGES = 60


@dataclass
class Time:
    """A clock that is set; its seconds are those of the pace."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        """As a monotonic clock."""
        return self.now.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class SharedAllowance(httpx.BaseTransport):
    """Counts the calls of the last hour, ``others`` beside ours until ``quiet_from``, and refuses what is too much."""

    time: Time
    others: int
    quiet_from: datetime
    inner: httpx.HTTPTransport = field(default_factory=lambda: httpx.HTTPTransport(trust_env=False))
    ours: deque[datetime] = field(default_factory=deque)
    refused: int = 0
    most_used: int = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count, then answer what is asked about the count, and pass all else on."""
        self.ours.append(self.time())
        while self.ours[0] <= self.time() - HOUR:
            self.ours.popleft()
        used = len(self.ours) + (self.others if self.time() < self.quiet_from else 0)
        self.most_used = max(self.most_used, used)
        if used > ALLOWED:
            self.refused += 1
            return httpx.Response(429)
        if request.url.path.endswith("/ThresholdInformation"):
            return httpx.Response(200, json={"externalRequestThreshold": ALLOWED, "currentTimeframeRequestCount": used})
        return self.inner.handle_request(request)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self.inner.close()
        self.inner = httpx.HTTPTransport(trust_env=False)


def one_run(scene: Scene, shared: SharedAllowance, number: int) -> str | None:
    """A run of write-back at Autotask's pace; why it stopped, None when it came to its end."""
    time = shared.time
    paced = PacedTransport(shared, 60 / (AUTOTASK.requests_per_minute or 1), clock=time.seconds, sleep=time.sleep)
    identity = PsaIdentity("autotask", scene.psa.url, COMPANY)
    patience = Patience(attempts=1)
    secrets = dict.fromkeys(AUTOTASK.secrets, COMPANY)
    psa = AUTOTASK.open(Connection(identity, secrets, allow_loopback=True, patience=patience, transport=paced))
    means = Means(
        ledger=StoreWriteLedger(scene.store),
        witness=WitnessFile(scene.witness, TENANT),
        psa=psa.billing,
        pace=pace_of(None, timedelta(seconds=60), AUTOTASK.traits.longest_run),
        bounds=Bounds(BillingCurrency("USD")),
        batch_id=f"batch-{number}",
        today=time().date(),
        clock=time,
        sleep=lambda wait: time.sleep(wait.total_seconds()),
        watch=lambda _step, _change: None,
        model=AUTOTASK.traits.model,
        grouping=ONE_BY_ONE,
    )
    try:
        write_back(means)
    except PsaUnavailable as unavailable:
        return str(unavailable)
    finally:
        psa.client.close()
    return None


def test_everything_is_written_in_the_end_and_the_others_calls_are_never_taken(sqlite_url: str) -> None:
    with staged(sqlite_url, CHANGES, model=DELTA) as scene:
        time = Time(scene.store.clock())
        shared = SharedAllowance(time, others=STOP_AT - CALLS_BETWEEN_LOOKS, quiet_from=time() + HOUR)
        assert "TrueUp stops at 75 %" in str(one_run(scene, shared, 1))
        written = [name for name, status in scene.statuses().items() if status is ChangeStatus.WRITTEN]
        assert 0 < len(written) < CHANGES
        for number in range(2, 20):
            time.sleep(600)
            one_run(scene, shared, number)
        assert set(scene.statuses().values()) == {ChangeStatus.WRITTEN}
        assert scene.steps_written() == scene.once_each()
        assert shared.refused == 0
        # Between two looks at the count nobody knows what the others did: what is left above is there for that.
        assert shared.most_used <= STOP_AT + CALLS_BETWEEN_LOOKS
