"""The approval sensor asks for a run while there is something to do, and not again for the same work at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pipelines.identity import ChangeId
from pipelines.writeback.ports import Approved, Unsettled
from sensors.approvals import write_back_request
from tests.pipelines.months import change

NOW = datetime(2026, 11, 2, 9, 31, tzinfo=UTC)


def approved(change_id: str = "c1", **fields: object) -> Approved:
    """An approval whose turn has come."""
    made = Approved(change(change_id=ChangeId(change_id)), f"decision-{change_id}", "dana", "hash", {})
    return replace(made, **fields)  # type: ignore[arg-type]


def unsettled(looks: int = 0) -> Unsettled:
    """A change whose answer was lost."""
    return Unsettled(change(), sends=1, sent_at=NOW, lost_at=NOW, looks=looks, look_at=None)


def key(items: list[Approved], lost: list[Unsettled], now: datetime = NOW) -> str | None:
    """The run key that is asked under; None when nothing is asked for."""
    request = write_back_request("acme", items, lost, now)
    return None if request is None else request.run_key


def test_nothing_is_asked_for_when_nothing_is_open() -> None:
    assert write_back_request("acme", [], [], NOW) is None


def test_what_is_approved_is_asked_for_in_the_tenants_partition() -> None:
    request = write_back_request("acme", [approved()], [], NOW)
    assert request is not None
    assert request.partition_key == "acme"


def test_the_same_work_is_asked_for_once_in_ten_minutes_and_then_again() -> None:
    assert key([approved()], []) == key([approved()], [], NOW + timedelta(minutes=8))
    assert key([approved()], []) != key([approved()], [], NOW + timedelta(minutes=10))


def test_another_approval_another_try_and_another_look_are_new_work() -> None:
    keys = [
        key([approved()], []),
        key([approved(), approved("c2")], []),
        key([approved(tries=1)], []),
        key([approved(decision_id="again")], []),
        key([], [unsettled()]),
        key([], [unsettled(looks=1)]),
    ]
    assert len(set(keys)) == len(keys)


def test_the_order_in_which_work_is_found_makes_no_difference() -> None:
    assert key([approved("c1"), approved("c2")], []) == key([approved("c2"), approved("c1")], [])
