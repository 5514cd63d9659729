"""The outcome table of the write protocol, row by row."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.review.binding import LinePlan
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.judging import (
    LOOKS_AFTER,
    MOST_TRIES,
    NOT_SENT,
    Judgement,
    after_answer,
    after_read_back,
    before_sending,
    look_due,
    plan_judgement,
    settled,
    unreadable,
)
from pipelines.writeback.ports import Answer, Approved, Cause, Heard, LineSeen, StopKind, Unsettled
from tests.pipelines.months import NOW, change

CHANGE = change()
"""Line 1 from 10 to 12, at a price of 22 and a cost of 18."""


def seen(quantity: int | None = 10, **fields: Any) -> LineSeen:
    """The line as the approval saw it, but for the fields."""
    made: dict[str, Any] = {"service_id": "77", "unit_price": Decimal(22), "unit_cost": Decimal(18)}
    return LineSeen(None if quantity is None else Decimal(quantity), **made | fields)


def lost(**fields: Any) -> Unsettled:
    """A write whose answer was lost just now, for the first time."""
    made: dict[str, Any] = {"sends": 1, "sent_at": NOW, "lost_at": NOW, "looks": 0, "look_at": None}
    return Unsettled(CHANGE, **made | fields)


def ended(judgement: Judgement | None) -> tuple[ChangeStatus, Cause] | None:
    """A judgement in two words."""
    return None if judgement is None else (judgement.status, judgement.cause)


@pytest.mark.parametrize(
    ("line", "expected", "words"),
    [
        (seen(10), None, ""),
        (seen(12), (ChangeStatus.WRITTEN, Cause.ALREADY_THERE), "the line holds 12 already; nothing was sent"),
        (seen(15), (ChangeStatus.STALE, Cause.LINE_MOVED), "approved was 10 → 12, and the line holds 15"),
        (seen(10, service_id="78"), (ChangeStatus.STALE, Cause.LINE_MOVED), "the line bills service 78"),
        (seen(10, unit_price=Decimal(25)), (ChangeStatus.STALE, Cause.LINE_MOVED), "price was 22 when it was approved"),
        (seen(10, unit_price=None), (ChangeStatus.STALE, Cause.LINE_MOVED), "and is nothing"),
        (seen(10, unit_cost=Decimal(19)), (ChangeStatus.STALE, Cause.LINE_MOVED), "cost was 18 when it was approved"),
        (seen(12, obstacle="it ended"), (ChangeStatus.REFUSED, Cause.INACTIVE_TARGET), "it ended"),
        (seen(None, obstacle="it is gone"), (ChangeStatus.REFUSED, Cause.INACTIVE_TARGET), "it is gone"),
        (seen(10, damage="line 2 is gone"), (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE), "line 2 is gone; nothing"),
    ],
    ids=[
        "as approved",
        "there already",
        "edited",
        "other service",
        "price",
        "no price",
        "cost",
        "ended",
        "gone",
        "damage beside it",
    ],
)
def test_before_sending(line: LineSeen, expected: tuple[ChangeStatus, Cause] | None, words: str) -> None:
    judgement = before_sending(CHANGE, line)
    assert ended(judgement) == expected
    assert judgement is None or words in judgement.words


def test_a_plan_that_moved_makes_the_approval_stale_and_names_what_moved() -> None:
    plan = LinePlan({"rows": "a", "mappings": ["x"], "after": "12"})
    approved = Approved(CHANGE, "d", "dana", plan.hash, plan.document)
    assert plan_judgement(approved, plan) is None
    moved = plan_judgement(approved, LinePlan({"rows": "b", "mappings": ["y"], "after": "12"}))
    assert ended(moved) == (ChangeStatus.STALE, Cause.PLAN_MOVED)
    assert moved
    assert "mappings, rows moved since" in moved.words


def test_an_approval_whose_own_hash_was_altered_is_void() -> None:
    plan = LinePlan({"after": "12"})
    forged = plan_judgement(Approved(CHANGE, "d", "dana", "another", plan.document), plan)
    assert forged
    assert "the approval itself moved since" in forged.words


@pytest.mark.parametrize(
    ("heard", "expected", "halts"),
    [
        (Heard.ACCEPTED, None, None),
        (Heard.NOT_EXECUTED, (ChangeStatus.APPROVED, Cause.NOT_EXECUTED), None),
        (Heard.THROTTLED, (ChangeStatus.APPROVED, Cause.THROTTLED), None),
        (Heard.FORBIDDEN, (ChangeStatus.APPROVED, Cause.CREDENTIALS), StopKind.CREDENTIALS),
        (Heard.REFUSED, (ChangeStatus.REFUSED, Cause.REFUSED_BY_PSA), None),
        (Heard.GONE, (ChangeStatus.REFUSED, Cause.INACTIVE_TARGET), None),
        (Heard.UNKNOWN, (ChangeStatus.UNKNOWN, Cause.ANSWER_LOST), None),
    ],
)
def test_after_an_answer(heard: Heard, expected: tuple[ChangeStatus, Cause] | None, halts: StopKind | None) -> None:
    judgement = after_answer(Answer(heard, "the vendor's words"), 0)
    assert ended(judgement) == expected
    assert judgement is None or (judgement.words, judgement.halts) == ("the vendor's words", halts)


def test_retry_after_is_obeyed_and_else_the_wait_grows_to_an_hour() -> None:
    throttled = after_answer(Answer(Heard.THROTTLED, "slow", retry_after=timedelta(seconds=7.5)), 0)
    assert throttled
    assert throttled.retry_after == timedelta(seconds=7.5)
    waits = [after_answer(Answer(Heard.THROTTLED, "slow"), tries) for tries in (0, 1, 2, 40)]
    assert [wait.retry_after for wait in waits if wait] == [
        timedelta(seconds=2),
        timedelta(seconds=4),
        timedelta(seconds=8),
        timedelta(hours=1),
    ]


@pytest.mark.parametrize("heard", [Heard.REFUSED, Heard.GONE])
def test_what_was_refused_with_others_is_tried_by_itself(heard: Heard) -> None:
    judgement = after_answer(Answer(heard, "line 5 is locked"), 0, shared_by=3)
    assert judgement
    assert ended(judgement) == (ChangeStatus.APPROVED, Cause.REFUSED_TOGETHER)
    assert judgement.words == "refused in one request with 2 more, so it is sent by itself: line 5 is locked"


@pytest.mark.parametrize("heard", [Heard.NOT_EXECUTED, Heard.THROTTLED])
def test_tries_are_bounded_and_then_a_person_decides(heard: Heard) -> None:
    last = MOST_TRIES[heard] - 1
    assert ended(after_answer(Answer(heard, "in use"), last - 1)) != ended(after_answer(Answer(heard, "in use"), last))
    judgement = after_answer(Answer(heard, "in use"), last)
    assert ended(judgement) == (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON)
    assert judgement
    assert f"in {MOST_TRIES[heard]} tries, the last time: in use" in judgement.words


def test_a_writer_that_was_frozen_before_it_sent_counts_as_a_try() -> None:
    assert ended(after_answer(NOT_SENT, 0)) == (ChangeStatus.APPROVED, Cause.NOT_EXECUTED)
    assert ended(after_answer(NOT_SENT, MOST_TRIES[Heard.NOT_EXECUTED])) == (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON)


@pytest.mark.parametrize(
    ("line", "expected", "halts"),
    [
        (seen(12), (ChangeStatus.WRITTEN, Cause.VERIFIED), None),
        (seen(10), (ChangeStatus.UNKNOWN, Cause.NOT_VERIFIED), None),
        (None, (ChangeStatus.UNKNOWN, Cause.NOT_VERIFIED), None),
        (seen(11), (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE), StopKind.UNEXPECTED_VALUE),
        (seen(None, obstacle="gone"), (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE), StopKind.UNEXPECTED_VALUE),
        (seen(12, damage="line 2"), (ChangeStatus.WRITTEN, Cause.VERIFIED), StopKind.UNEXPECTED_VALUE),
        (seen(10, damage="line 2"), (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE), StopKind.UNEXPECTED_VALUE),
        (seen(12, obstacle="ended"), (ChangeStatus.WRITTEN, Cause.VERIFIED), None),
    ],
    ids=[
        "after",
        "before",
        "unreadable",
        "a third value",
        "gone",
        "damage beside it",
        "damage instead",
        "ended meanwhile",
    ],
)
def test_after_the_read_back(
    line: LineSeen | None, expected: tuple[ChangeStatus, Cause], halts: StopKind | None
) -> None:
    judgement = after_read_back(CHANGE, line)
    assert ended(judgement) == expected
    assert judgement.halts is halts


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([seen(12), seen(12)], (ChangeStatus.WRITTEN, Cause.FOUND_WRITTEN)),
        ([seen(10), seen(10)], (ChangeStatus.APPROVED, Cause.SEND_AGAIN)),
        ([seen(15), seen(15)], (ChangeStatus.STALE, Cause.LINE_MOVED)),
        ([seen(None), seen(None)], (ChangeStatus.STALE, Cause.LINE_MOVED)),
        ([seen(10), seen(12)], (ChangeStatus.UNKNOWN, Cause.CANNOT_READ_BACK)),
        ([seen(12), seen(12, damage="line 2")], (ChangeStatus.WRITTEN, Cause.FOUND_WRITTEN)),
        ([seen(10), seen(10, damage="line 2")], (ChangeStatus.STALE, Cause.UNEXPECTED_VALUE)),
    ],
    ids=[
        "after",
        "before",
        "a third value",
        "gone",
        "the looks disagree",
        "damage beside it",
        "damage instead",
    ],
)
def test_a_lost_answer_is_settled_by_two_looks(looks: list[LineSeen], expected: tuple[ChangeStatus, Cause]) -> None:
    assert ended(settled(lost(), looks, NOW + timedelta(minutes=3))) == expected


@pytest.mark.parametrize(
    ("unsettled", "later"),
    [(lost(sends=2), timedelta(minutes=3)), (lost(), timedelta(hours=24, seconds=1))],
    ids=["the second time", "after a day"],
)
def test_a_write_without_effect_is_not_sent_again_without_a_person(unsettled: Unsettled, later: timedelta) -> None:
    judgement = settled(unsettled, [seen(10), seen(10)], NOW + later)
    assert ended(judgement) == (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON)
    assert "a person decides" in judgement.words


def test_a_line_that_cannot_be_read_back_is_looked_at_ever_more_rarely() -> None:
    waits = [unreadable(lost(looks=looks), "the PSA is away").retry_after for looks in range(6)]
    assert waits == [*LOOKS_AFTER, LOOKS_AFTER[-1], LOOKS_AFTER[-1]]


def test_nobody_looks_before_the_quiet_period_has_passed_since_the_answer_was_given_up() -> None:
    given_up, quiet = NOW + timedelta(seconds=60), timedelta(seconds=120)
    assert look_due(lost(lost_at=given_up), quiet) == given_up + quiet
    assert look_due(lost(look_at=NOW + timedelta(hours=1)), quiet) == NOW + timedelta(hours=1)
    assert look_due(lost(look_at=NOW), quiet) == NOW + quiet
