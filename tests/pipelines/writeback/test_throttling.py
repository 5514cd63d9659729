"""A storm of 429: everything is written in the end, and the PSA is never asked while it wants to be left alone."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from pipelines.review.changes import ChangeStatus
from pipelines.writeback.ports import Answer, Heard, VendorRequest
from tests.pipelines.writeback.office import Clock, InventedPsa, Office, opened
from tests.torture import figure

LINES = figure(60, 300)
"""At ten writes a minute: six simulated minutes, or thirty."""

WRITES, WINDOW = 10, timedelta(minutes=1)


@dataclass
class BudgetedPsa(InventedPsa):
    """A PSA that takes ten writes in any minute and answers 429 beyond, with the seconds until the next is free."""

    clock: Clock = field(default_factory=Clock)
    taken_at: deque[datetime] = field(default_factory=deque)
    told_to_wait: list[datetime] = field(default_factory=list)
    wanted_peace_until: datetime | None = None

    def send(self, request: VendorRequest) -> Answer:
        now = self.clock()
        assert self.wanted_peace_until is None or now >= self.wanted_peace_until, f"asked at {now} all the same"
        while self.taken_at and self.taken_at[0] <= now - WINDOW:
            self.taken_at.popleft()
        if len(self.taken_at) >= WRITES:
            wait = self.taken_at[0] + WINDOW - now
            self.wanted_peace_until = now + wait
            self.told_to_wait.append(now)
            return Answer(Heard.THROTTLED, "429", wait)
        self.taken_at.append(now)
        return super().send(request)


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    """An office of many lines whose PSA has a budget."""
    with opened(sqlite_url) as made:
        lines = [str(number) for number in range(1, LINES + 1)]
        made.psa = BudgetedPsa(dict.fromkeys(lines, Decimal(10)), clock=made.clock)
        made.approve(*lines)
        yield made


def test_a_storm_of_429_ends_with_everything_written_within_the_budget(office: Office) -> None:
    psa = office.psa
    assert isinstance(psa, BudgetedPsa)
    for _ in range(LINES):
        office.run()
        if set(office.statuses().values()) == {ChangeStatus.WRITTEN}:
            break
        office.clock.pass_(seconds=1)
    assert set(office.statuses().values()) == {ChangeStatus.WRITTEN}
    assert sorted(line for line, _ in psa.accepted) == sorted(psa.lines)
    assert len(psa.told_to_wait) <= LINES // WRITES, "one 429 for each full minute at most"
