"""Lines looked at together: still once, at the approved number, whatever happens in the midst of a group.

Belongs here: the order and size of groups, what an old look, a trouble or a person's word does to the rest of one.
Does not belong here: one line's way through the protocol (``test_protocol``).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from pipelines.identity import AgreementId, AgreementLineId, ServiceId
from pipelines.review.approval import DecisionAction
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.groups import ONE_BY_ONE, USUAL, Grouping, Queue, grouping_of
from pipelines.writeback.means import Step
from pipelines.writeback.ports import Approved, Cause, Heard, Stop, StopKind, WriteModel
from resources.store import writes
from tests.pipelines.writeback.office import TENANT, Office, opened, says, takes_and_loses
from tests.resources.store import samples

LINES = [str(number) for number in range(1, 9)]
WRITTEN, APPROVED = ChangeStatus.WRITTEN, ChangeStatus.APPROVED
FROM_THE_START = Grouping(alone=1)
"""Groups of one, two, four and eight."""


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    """An office whose lines 1 to 8 are approved; 1, then 2 and 3, then 4 to 7, then 8 are looked at together."""
    with opened(sqlite_url, lines=8) as made:
        made.grouping = FROM_THE_START
        made.approve(*LINES)
        yield made
        assert made.trail().faults == ()


def approved(*places: tuple[str, str | None, str]) -> list[Approved]:
    """Approved changes of these agreements, lines and services."""
    made = samples.change("c")
    changes = [
        replace(
            made,
            agreement_id=AgreementId(agreement),
            line_id=None if line is None else AgreementLineId(line),
            service_id=ServiceId(service),
        )
        for agreement, line, service in places
    ]
    return [Approved(change, "d", "dana", "hash", {}) for change in changes]


def groups(queue: Queue) -> list[list[Change]]:
    """All groups to the end."""
    found = []
    while group := queue.next_group():
        found.append([each.change for each in group])
    return found


def sizes(queue: Queue) -> list[int]:
    """The sizes of all groups to the end."""
    return [len(group) for group in groups(queue)]


# --- which lines make a group ---------------------------------------------------------------------------------------


def test_the_first_ten_go_alone_and_then_groups_double_to_a_hundred() -> None:
    due = approved(*(("1", str(number), "77") for number in range(300)))
    assert sizes(Queue(due, USUAL, WriteModel.ABSOLUTE)) == [*[1] * 10, 2, 4, 8, 16, 32, 64, 100, 64]


def test_nothing_is_looked_at_together_where_a_tenant_forbids_it() -> None:
    due = approved(*(("1", str(number), "77") for number in range(30)))
    assert set(sizes(Queue(due, ONE_BY_ONE, WriteModel.DELTA))) == {1}


def test_without_an_age_there_are_no_groups() -> None:
    assert grouping_of(timedelta(0)) == ONE_BY_ONE
    assert grouping_of(timedelta(seconds=30)) == USUAL


def test_lines_of_an_agreement_follow_one_another_in_the_order_of_their_approval() -> None:
    due = approved(("2", "a", "77"), ("1", "b", "77"), ("2", "c", "77"), ("1", "d", "77"))
    order = [change.line_id for group in groups(Queue(due, ONE_BY_ONE, WriteModel.ABSOLUTE)) for change in group]
    assert order == ["a", "c", "b", "d"]


@pytest.mark.parametrize(
    ("second", "is_apart"),
    [
        pytest.param(("1", "a", "77"), True, id="the same line, for another month"),
        pytest.param(("1", None, "77"), True, id="a new line of a service that stands"),
        pytest.param(("1", "b", "77"), False, id="another line of the same service"),
        pytest.param(("1", None, "78"), False, id="a new line of another service"),
        pytest.param(("2", None, "77"), False, id="a new line on another agreement"),
    ],
)
def test_what_moves_the_same_place_is_never_looked_at_together(
    second: tuple[str, str | None, str], is_apart: bool
) -> None:
    queue = Queue(approved(("1", "z", "99"), ("1", "a", "77"), second), Grouping(alone=1), WriteModel.ABSOLUTE)
    assert sizes(queue) == ([1, 1, 1] if is_apart else [1, 2])


def test_two_new_lines_of_one_service_are_apart_and_keep_their_order_behind_others() -> None:
    due = approved(("1", "z", "99"), ("1", None, "77"), ("1", None, "77"), ("1", "77-standing", "77"), ("1", "y", "98"))
    found = groups(Queue(due, Grouping(alone=1), WriteModel.ABSOLUTE))
    lines = [[(change.line_id, change.service_id) for change in group] for group in found]
    assert lines == [[("z", "99")], [(None, "77"), ("y", "98")], [(None, "77")], [("77-standing", "77")]]


def test_what_was_put_back_comes_next_and_the_groups_grow_from_what_was_done() -> None:
    queue = Queue(approved(*(("1", str(number), "77") for number in range(40))), Grouping(alone=1), WriteModel.ABSOLUTE)
    group = [queue.next_group() for _ in range(4)][-1]
    queue.put_back(group[3:], 3)
    rest = groups(queue)
    assert [change.line_id for change in rest[0]] == [each.change.line_id for each in group[3:6]]
    assert [len(each) for each in rest] == [3, 6, 12, 9]


# --- a group's way --------------------------------------------------------------------------------------------------


def test_a_look_reads_back_one_group_and_shows_the_next(office: Office) -> None:
    office.run()
    assert office.psa.asked == [
        *("see 1", "set 1", "see 1, 2, 3", "set 2", "set 3", "see 2, 3, 4, 5, 6, 7"),
        *("set 4", "set 5", "set 6", "set 7", "see 4, 5, 6, 7, 8", "set 8", "see 8"),
    ]
    assert set(office.statuses().values()) == {WRITTEN}
    assert {cause for line in LINES for cause in office.causes(line)} == {(WRITTEN, Cause.VERIFIED)}


def test_every_change_of_a_group_goes_through_every_step(office: Office) -> None:
    office.run()
    for line in LINES:
        steps = [step for step, each in office.steps if each == line]
        assert steps == [Step.CLAIMED, Step.READ, Step.INTENDED, Step.SENT, Step.READ_BACK, Step.RECORDED]


def test_a_line_edited_by_hand_is_left_alone_in_the_midst_of_its_group(office: Office) -> None:
    office.psa.lines["5"] = Decimal(99)
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE}
    assert office.psa.lines["5"] == Decimal(99)


def test_what_a_look_left_out_is_asked_for_by_itself(office: Office) -> None:
    office.psa.left_out = {"5"}
    office.run()
    assert office.psa.asked.count("see 5") == 2
    assert set(office.statuses().values()) == {WRITTEN}


def test_a_look_that_has_become_too_old_is_taken_anew(office: Office) -> None:
    """A person's edit while the first lines of the group were slow is seen, and not overwritten."""

    def slowly(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "5":
            office.clock.pass_(seconds=31)
            office.psa.lines["6"] = Decimal(99)

    office.on_step = slowly
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"6": ChangeStatus.STALE}
    assert office.psa.asked[8:12] == ["see 4, 5, 6, 7", "set 7", "see 7", "see 8"]


def test_a_psa_so_slow_that_every_look_is_too_old_is_written_to_all_the_same(office: Office) -> None:
    def slowly(step: Step, _: Change) -> None:
        if step is Step.READ_BACK:
            office.clock.pass_(seconds=31)

    office.on_step = slowly
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert sorted(office.psa.accepted) == [(line, str(10 + int(line))) for line in LINES]


# --- trouble in the midst of a group ----------------------------------------------------------------------------------


def test_a_third_value_halts_the_tenant_and_all_that_was_sent_is_recorded(office: Office) -> None:
    office.psa.shown["5"] = [Decimal(10), Decimal(77)]
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.UNEXPECTED_VALUE
    statuses = office.statuses()
    assert statuses == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE, "8": APPROVED}
    assert [line for line, _ in office.psa.accepted] == LINES[:7]


def test_a_lost_answer_waits_for_its_quiet_period_and_the_others_of_its_group_do_not(office: Office) -> None:
    office.psa.troubles = {"5": [takes_and_loses("5")]}
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.UNKNOWN}
    office.clock.pass_(seconds=121)
    office.run()
    assert office.causes("5")[-1] == (WRITTEN, Cause.FOUND_WRITTEN)
    assert len(office.psa.accepted) == len(LINES)


def test_a_psa_that_asks_to_wait_gets_no_more_of_the_group_and_what_it_took_is_recorded(office: Office) -> None:
    office.psa.troubles = {"5": [says(Heard.THROTTLED, "429", retry_after=3600)]}
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys(LINES[:4], WRITTEN)


def test_credentials_that_fail_in_the_midst_keep_the_approvals_of_the_rest(office: Office) -> None:
    office.psa.troubles = {"5": [says(Heard.FORBIDDEN, "401")]}
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.CREDENTIALS
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys(LINES[:4], WRITTEN)


def test_a_psa_that_is_away_when_a_group_is_read_back_is_not_asked_about_each_line(office: Office) -> None:
    def goes_away(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "7":
            office.psa.is_away = True

    office.on_step = goes_away
    with pytest.raises(Exception, match="the PSA is away"):
        office.run()
    assert office.psa.asked[-4:] == ["see 4, 5, 6, 7, 8", "see 4", "see 5", "see 8"]
    statuses = office.statuses()
    assert statuses == dict.fromkeys(LINES, ChangeStatus.UNKNOWN) | dict.fromkeys(LINES[:3], WRITTEN) | {"8": APPROVED}

    office.psa.is_away = False
    office.clock.pass_(seconds=121)
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert len(office.psa.accepted) == len(LINES)


def test_a_person_can_stop_a_run_in_the_midst_of_a_group(office: Office) -> None:
    def stop(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "5":
            with office.store.transaction() as conn:
                writes.record_stop(conn, TENANT, Stop(StopKind.BY_A_PERSON, "wait", "dana", office.clock()))

    office.on_step = stop
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.BY_A_PERSON
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys(LINES[:5], WRITTEN)


def test_what_is_revoked_after_its_group_was_looked_at_is_not_sent(office: Office) -> None:
    def revoke(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "4":
            office.decide("6", action=DecisionAction.REVOKED)

    office.on_step = revoke
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"6": ChangeStatus.PROPOSED}


def test_what_a_killed_writer_had_sent_of_a_group_is_found_written(office: Office) -> None:
    def die(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "6":
            raise SystemExit("killed")

    office.on_step = die
    with pytest.raises(SystemExit):
        office.run()
    sent = dict.fromkeys(["4", "5", "6"], ChangeStatus.SENDING)
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys(LINES[:3], WRITTEN) | sent

    office.on_step = lambda _step, _change: None
    office.clock.pass_(seconds=300)
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert len(office.psa.accepted) == len(LINES)
