"""Changes that share a request, since it holds all lines of their agreement: each with an outcome of its own.

Belongs here: which changes share one, and what becomes of each when something befalls one of them or their request.
Does not belong here: groups whose changes have a request each (``test_groups``), a vendor's request (its adapter).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from pipelines.identity import AgreementId, AgreementLineId, ChangeId, ServiceId
from pipelines.review.approval import DecisionAction
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.groups import USUAL, Grouping, Queue
from pipelines.writeback.means import Step
from pipelines.writeback.ports import Approved, Cause, Heard, StopKind, WriteModel
from resources.store import writes
from tests.pipelines.writeback.office import TENANT, Office, opened, says, takes_and_loses
from tests.pipelines.writeback.vendors import ReplacingPsa
from tests.resources.store import samples

LINES = [str(number) for number in range(1, 8)]
AGREEMENT = "9001"
WRITTEN, APPROVED = ChangeStatus.WRITTEN, ChangeStatus.APPROVED


@pytest.fixture
def psa() -> ReplacingPsa:
    """A PSA with one agreement of seven lines."""
    return ReplacingPsa(dict.fromkeys(LINES, Decimal(10)), agreements=dict.fromkeys(LINES, AGREEMENT))


@pytest.fixture
def office(sqlite_url: str, psa: ReplacingPsa) -> Iterator[Office]:
    """An office that sends line 1, then 2 and 3, then 4 to 7."""
    with opened(sqlite_url) as made:
        made.psa, made.model, made.grouping = psa, psa.model, Grouping(alone=1)
        psa.clock = made.clock
        for line in LINES:
            made.propose(line, agreement_id=AGREEMENT)
        made.decide(*LINES)
        yield made
        assert made.trail().faults == ()


def approved(*places: tuple[str, str | None, str], service_id: str = "77", goes_alone: bool = False) -> list[Approved]:
    """Approved changes of these agreements, lines and months."""
    made = samples.change("c")
    return [
        Approved(
            replace(
                made,
                agreement_id=AgreementId(agreement),
                line_id=None if line is None else AgreementLineId(line),
                period=period,
                service_id=ServiceId(service_id),
            ),
            "d",
            "dana",
            "hash",
            {},
            goes_alone=goes_alone,
        )
        for agreement, line, period in places
    ]


def sizes(queue: Queue) -> list[int]:
    """The sizes of all groups to the end."""
    found = []
    while group := queue.next_group():
        found.append(len(group))
    return found


# --- which changes share a request ----------------------------------------------------------------------------------


def test_after_the_first_ten_the_lines_of_an_agreement_share_a_request() -> None:
    due = approved(*((str(number // 20), str(number), "2026-10") for number in range(60)))
    assert sizes(Queue(due, USUAL, WriteModel.REPLACE_LINES)) == [*[1] * 10, 2, 4, 4, 16, 4, 20]


@pytest.mark.parametrize(
    "others",
    [
        pytest.param(approved(("2", "b", "2026-10")), id="another agreement"),
        pytest.param(approved(("1", "b", "2026-11")), id="another month"),
        pytest.param(approved(("1", None, "2026-10"), service_id="78"), id="a line that is to be made"),
        pytest.param(approved(("1", "b", "2026-10"), goes_alone=True), id="one that was sent in vain"),
    ],
)
def test_what_has_another_place_month_or_past_goes_by_itself(others: list[Approved]) -> None:
    first = approved(("1", "z", "2026-10"))
    due = [*first, *approved(("1", "a", "2026-10")), *others]
    assert sizes(Queue(due, Grouping(alone=1), WriteModel.REPLACE_LINES)) == [1, 1, 1]


# --- the usual way ---------------------------------------------------------------------------------------------------


def test_each_request_is_looked_at_right_before_and_read_back_once(office: Office, psa: ReplacingPsa) -> None:
    office.run()
    assert psa.asked == [
        *("see 1", "set 1", "see 1"),
        *("see 2, 3", "set 2", "see 2, 3"),
        *("see 4, 5, 6, 7", "set 4", "see 4, 5, 6, 7"),
    ]
    assert set(office.statuses().values()) == {WRITTEN}
    assert {cause for line in LINES for cause in office.causes(line)} == {(WRITTEN, Cause.VERIFIED)}
    assert psa.lines == {line: Decimal(10 + int(line)) for line in LINES}


def test_every_change_has_an_intent_of_its_own_with_the_request_that_it_shares(office: Office) -> None:
    office.run()
    with office.store.reading() as conn:
        intents = {line: writes.intents_of(conn, TENANT, [ChangeId(f"change-{line}")]) for line in LINES}
    assert {len(each) for each in intents.values()} == {1}
    requests = {line: each[0]["request_hash"] for line, each in intents.items()}
    assert [len({requests[line] for line in group}) for group in ("1", "23", "4567")] == [1, 1, 1]
    assert len(set(requests.values())) == 3
    assert json.loads(intents["5"][0]["body"])["for"] == ["4", "5", "6", "7"]
    for line in LINES:
        steps = [step for step, each in office.steps if each == line]
        assert steps == [Step.CLAIMED, Step.READ, Step.INTENDED, Step.SENT, Step.READ_BACK, Step.RECORDED]


def test_the_intents_of_a_request_stand_before_it_is_sent(office: Office, psa: ReplacingPsa) -> None:
    def look(step: Step, change: Change) -> None:
        if step is Step.INTENDED and change.line_id == "4":
            assert {office.statuses()[line] for line in "4567"} == {ChangeStatus.SENDING}
            assert psa.lines["4"] == Decimal(10)
            looked.append(change)

    looked: list[Change] = []
    office.on_step = look
    office.run()
    assert looked


# --- something befalls one of them -----------------------------------------------------------------------------------


def test_a_line_edited_by_hand_goes_back_as_it_was_edited(office: Office, psa: ReplacingPsa) -> None:
    psa.lines["5"] = Decimal(99)
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE}
    assert psa.lines["5"] == Decimal(99)


def test_what_is_revoked_on_the_way_is_in_no_request(office: Office, psa: ReplacingPsa) -> None:
    """The others are not held up by it: each is sent, those before it by themselves."""

    def revoke(step: Step, change: Change) -> None:
        if step is Step.READ and change.line_id == "7" and office.statuses()["6"] is APPROVED:
            office.decide("6", action=DecisionAction.REVOKED)

    office.on_step = revoke
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"6": ChangeStatus.PROPOSED}
    assert psa.lines["6"] == Decimal(10)
    assert [line for line, _ in psa.accepted] == ["1", "2", "3", "4", "5", "7"]


def test_one_that_a_look_at_many_does_not_show_is_asked_for_by_itself(office: Office, psa: ReplacingPsa) -> None:
    psa.left_out = {"5"}
    office.run()
    assert psa.asked.count("see 5") == 2
    assert set(office.statuses().values()) == {WRITTEN}


def test_a_refusal_may_be_for_the_sake_of_one_so_each_is_sent_by_itself(office: Office, psa: ReplacingPsa) -> None:
    psa.troubles = {"4": [says(Heard.REFUSED, "line 5 is locked")], "5": [says(Heard.REFUSED, "line 5 is locked")]}
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.REFUSED}
    assert office.causes("5") == [
        (APPROVED, Cause.REFUSED_TOGETHER),
        (ChangeStatus.REFUSED, Cause.REFUSED_BY_PSA),
    ]
    assert office.causes("4") == [(APPROVED, Cause.REFUSED_TOGETHER), (WRITTEN, Cause.VERIFIED)]


def test_a_third_value_halts_the_tenant_and_each_is_told_as_it_stands(office: Office, psa: ReplacingPsa) -> None:
    psa.shown["5"] = [Decimal(10), Decimal(77)]
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.UNEXPECTED_VALUE
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE}


def test_one_line_that_breaks_every_request_takes_no_other_with_it(office: Office, psa: ReplacingPsa) -> None:
    """An error without effect, twice: the second time each was sent by itself, so only its own change ends."""
    error = says(Heard.UNKNOWN, "HTTP 500")
    psa.troubles = {"4": [error], "5": [error]}
    office.run()
    for _ in range(3):
        office.clock.pass_(seconds=121)
        office.run()
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.REFUSED}
    assert office.causes("5")[-1] == (ChangeStatus.REFUSED, Cause.NEEDS_A_PERSON)
    assert office.causes("6")[-2:] == [(APPROVED, Cause.SEND_AGAIN), (WRITTEN, Cause.VERIFIED)]


def test_what_else_is_seen_to_have_moved_halts_and_each_line_is_told_as_it_stands(
    office: Office, psa: ReplacingPsa
) -> None:
    def damage(step: Step, change: Change) -> None:
        if step is Step.SENT and change.line_id == "7":
            psa.damage, psa.lines["5"] = "line 5 has quantity 77", Decimal(77)

    office.on_step = damage
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.UNEXPECTED_VALUE
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE}


# --- something befalls their request ---------------------------------------------------------------------------------


def test_a_lost_answer_is_settled_line_by_line_and_sent_no_second_time(office: Office, psa: ReplacingPsa) -> None:
    psa.troubles = {"2": [takes_and_loses("2")]}
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | {
        "1": WRITTEN,
        "2": ChangeStatus.UNKNOWN,
        "3": ChangeStatus.UNKNOWN,
    }
    office.clock.pass_(seconds=121)
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert office.causes("3") == [(ChangeStatus.UNKNOWN, Cause.ANSWER_LOST), (WRITTEN, Cause.FOUND_WRITTEN)]
    assert sorted(psa.accepted) == [(line, str(10 + int(line))) for line in LINES]


def test_a_writer_that_dies_between_intents_and_request_is_made_good(office: Office, psa: ReplacingPsa) -> None:
    def die(step: Step, change: Change) -> None:
        if step is Step.INTENDED and change.line_id == "5":
            raise SystemExit("killed")

    office.on_step = die
    with pytest.raises(SystemExit):
        office.run()
    assert {office.statuses()[line] for line in "4567"} == {ChangeStatus.SENDING}
    office.on_step = lambda _step, _change: None
    office.clock.pass_(seconds=300)
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert office.causes("6") == [(APPROVED, Cause.SEND_AGAIN), (WRITTEN, Cause.VERIFIED)]
    assert len(psa.accepted) == len(LINES)


def test_a_writer_that_was_frozen_after_its_intents_does_not_send(office: Office, psa: ReplacingPsa) -> None:
    def freeze(step: Step, change: Change) -> None:
        if step is Step.INTENDED and change.line_id == "7" and not frozen:
            frozen.append(change)
            office.clock.pass_(seconds=61)

    frozen: list[Change] = []
    office.on_step = freeze
    office.run()
    assert office.causes("4") == [(APPROVED, Cause.NOT_EXECUTED), (WRITTEN, Cause.VERIFIED)]
    assert len(psa.accepted) == len(LINES)


def test_lines_that_were_looked_at_too_long_ago_are_not_sent_back(office: Office, psa: ReplacingPsa) -> None:
    """Whatever a person edited meanwhile would be taken back, in any line of the agreement."""

    def slowly(step: Step, change: Change) -> None:
        if step is Step.READ and change.line_id == "7" and not slow:
            slow.append(change)
            office.clock.pass_(seconds=11)
            psa.lines["5"] = Decimal(99)

    slow: list[Change] = []
    office.on_step = slowly
    office.run()
    assert psa.lines["5"] == Decimal(99)
    assert office.statuses() == dict.fromkeys(LINES, WRITTEN) | {"5": ChangeStatus.STALE}


def test_a_psa_that_asks_to_wait_keeps_every_approval_and_gets_no_more(office: Office, psa: ReplacingPsa) -> None:
    psa.troubles = {"2": [says(Heard.THROTTLED, "429", retry_after=3600)]}
    office.run()
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | {"1": WRITTEN}
    assert psa.asked[-1] == "set 2"
    assert [office.causes(line) for line in "23"] == [[(APPROVED, Cause.THROTTLED)]] * 2


def test_credentials_that_fail_keep_every_approval(office: Office, psa: ReplacingPsa) -> None:
    psa.troubles = {"4": [says(Heard.FORBIDDEN, "401")]}
    batch = office.run()
    assert batch.stop is not None
    assert batch.stop.kind is StopKind.CREDENTIALS
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys("123", WRITTEN)


def test_a_psa_that_goes_away_before_a_look_keeps_every_approval(office: Office, psa: ReplacingPsa) -> None:
    def goes_away(step: Step, change: Change) -> None:
        psa.is_away = step is Step.CLAIMED and change.line_id == "7"

    office.on_step = goes_away
    with pytest.raises(Exception, match="the PSA is away"):
        office.run()
    assert office.statuses() == dict.fromkeys(LINES, APPROVED) | dict.fromkeys("123", WRITTEN)


def test_one_change_at_a_time_where_a_tenant_wants_no_old_looks(office: Office, psa: ReplacingPsa) -> None:
    office.grouping = Grouping(alone=1, most=1)
    office.run()
    assert set(office.statuses().values()) == {WRITTEN}
    assert psa.asked == [word for line in LINES for word in (f"see {line}", f"set {line}", f"see {line}")]
