"""An upgrade with changes under way: today's code settles what an earlier version left, and writes what it approved.

The samples were written by the code of their step: a writer whose answer to line 2 was lost was killed when it had sent
line 3. What the PSA did with the two requests is told by each test.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.ports import Cause
from resources.store import copies, writes
from resources.store.engine import Store
from tests.pipelines.writeback.office import TENANT, InventedPsa, Office
from tests.resources.store.earlier import SAMPLES, store_written_at

STEPS = sorted(file.stem for file in SAMPLES.glob("*.json"))
BEFORE, AFTER = {"2": "2", "3": "3"}, {"2": "4.5", "3": "5.5"}
WRITTEN = ChangeStatus.WRITTEN
FOUND = [(WRITTEN, Cause.FOUND_WRITTEN)]
AGAIN = [(ChangeStatus.APPROVED, Cause.SEND_AGAIN), (WRITTEN, Cause.VERIFIED)]
LOST = [(ChangeStatus.UNKNOWN, Cause.ANSWER_LOST)]


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database without any table, once per kind."""
    if request.param == "sqlite":
        return f"sqlite:///{request.getfixturevalue('tmp_path') / 'bare.db'}"
    url: str = request.getfixturevalue("bare_postgres_url")
    return url


def upgraded(url: str, step: str, lines: dict[str, str]) -> Office:
    """The office of such a store after its upgrade, ten minutes after the last request; the PSA holds these lines."""
    store = store_written_at(url, step)
    store.upgrade()
    office = Office(store)
    holds = {"1": "3.5", "4": "4", **lines}
    office.psa = InventedPsa({line: Decimal(quantity) for line, quantity in holds.items()}, identity=_identity(store))
    with store.reading() as conn:
        last = max(each.sent_at for each in writes.unsettled_changes(conn, TENANT))
    office.clock.now = last + timedelta(minutes=10)
    return office


def _identity(store: Store) -> PsaIdentity:
    with store.reading() as conn:
        copy = copies.newest_complete_copy(conn, TENANT)
    assert copy is not None
    return PsaIdentity(copy.kind, copy.base_url, str(copy.company))


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("lines", "accepted", "outcomes"),
    [
        (AFTER, [("4", "6.5")], FOUND),
        (BEFORE, [("2", "4.5"), ("3", "5.5"), ("4", "6.5")], AGAIN),
    ],
    ids=["executed", "not executed"],
)
def test_what_was_under_way_is_settled_after_the_upgrade_and_written_once(
    bare_url: str,
    step: str,
    lines: dict[str, str],
    accepted: list[tuple[str, str]],
    outcomes: list[tuple[str, str]],
) -> None:
    office = upgraded(bare_url, step, lines)
    assert [str(status) for status in office.statuses().values()] == ["written", "unknown", "sending", "approved"]

    batch = office.run()
    assert (batch.stop, batch.waiting) == (None, [])
    assert set(office.statuses().values()) == {WRITTEN}
    assert sorted(office.psa.accepted) == accepted
    assert office.causes("0002") == [*LOST, *outcomes]
    assert office.causes("0003") == outcomes
    assert office.trail().faults == ()
    office.store.close()


@pytest.mark.parametrize("step", STEPS)
def test_a_line_that_moved_during_the_upgrade_is_left_to_a_person(bare_url: str, step: str) -> None:
    office = upgraded(bare_url, step, {"2": "99", "3": "5.5"})
    office.run()
    assert office.statuses() == {"1": WRITTEN, "2": ChangeStatus.STALE, "3": WRITTEN, "4": WRITTEN}
    assert office.psa.accepted == [("4", "6.5")]
    office.store.close()
