"""Deciding: what may be approved, declined or taken back, told in an operator's words where it may not."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import (
    Actor,
    ChangeFilter,
    Decided,
    DecisionAction,
    Wish,
    decide_matching,
    decide_named,
)
from pipelines.review.billing_currency import BillingCurrency, read_rates
from pipelines.review.binding import as_bound
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.review.people import Role, is_a_rule, may_manage_people, rule_name, token_hash, token_of
from pipelines.review.taking import PsaTakes
from resources.store import changes, decisions
from resources.store.decision_ledger import TAKES_ALL, StoreDecisionLedger
from resources.store.engine import Store
from tests.pipelines.months import NOW, change

DANA = Actor("dana", is_asserted=True)
MADE = change(change_id=ChangeId("c1"))
ZERO = change(
    change_id=ChangeId("c0"),
    line_id="2",
    quantity_after=Decimal(0),
    amount_delta=Decimal(-220),
    needs=("confirm_zero",),
)
UNBILLED = change(change_id=ChangeId("cn"), kind=DeltaKind.UNBILLED, line_id=None, quantity_before=None)


class Desk:
    """A store with changes, and somebody who decides on them."""

    def __init__(self, store: Store, takes: PsaTakes = TAKES_ALL) -> None:
        self._store = store
        self._takes = takes
        self.currency = BillingCurrency("USD")
        self._ids = (f"decision-{number}" for number in itertools.count(1))

    def propose(self, *proposed: Change) -> None:
        with self._store.transaction() as conn:
            for each in proposed:
                changes.insert_changes(conn, self._store.tenant, [each])

    def decide(self, *names: str, action: DecisionAction = DecisionAction.APPROVED, **wish: Any) -> Decided:
        ledger = StoreDecisionLedger(self._store, takes=self._takes)
        return decide_named(ledger, names, Wish(action, DANA, **wish), now=NOW, new_id=self._ids.__next__)

    def decide_all(self, action: DecisionAction = DecisionAction.APPROVED, **wanted: Any) -> Decided:
        return decide_matching(
            StoreDecisionLedger(self._store),
            ChangeFilter("2026-10", **wanted),
            Wish(action, DANA),
            currency=self.currency,
            now=NOW,
            new_id=self._ids.__next__,
        )

    def status(self, change_id: str = "c1") -> ChangeStatus:
        with self._store.reading() as conn:
            return changes.change_revisions(conn, self._store.tenant, ChangeId(change_id))[-1].status

    def recorded(self, change_id: str = "c1") -> list[DecisionAction]:
        with self._store.reading() as conn:
            made = decisions.decisions_about(conn, self._store.tenant, [ChangeId(change_id)])
        return [decision.action for decision in made]


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    """A desk on a store without any change."""
    store = Store(sqlite_url, "msp")
    yield Desk(store)
    store.close()


@pytest.fixture
def dated(sqlite_url: str) -> Iterator[Desk]:
    """The same, with a PSA that is told from which day a quantity holds."""
    store = Store(sqlite_url, "msp")
    yield Desk(store, PsaTakes(dates=True))
    store.close()


def names(decided: Decided) -> list[str]:
    """What was decided, as ``id@revision``."""
    return [f"{decision.change_id}@{decision.revision}" for decision in decided.decisions]


def reason(decided: Decided) -> str:
    """Why the one change that stays undecided does."""
    [left] = decided.undecided
    assert decided.decisions == ()
    return left.reason


def test_an_approval_names_the_plan_that_was_seen(desk: Desk) -> None:
    desk.propose(MADE)
    decided = desk.decide("c1@1", note="agreed on the phone")
    assert names(decided) == ["c1@1"]
    [decision] = decided.decisions
    assert decision.plan is not None
    assert (decision.plan["line"], decision.plan["before"], decision.plan["after"]) == ("1", "10", "12")
    assert decision.plan_hash is not None
    assert len(decision.plan_hash) == 64
    assert desk.status() is ChangeStatus.APPROVED


def test_a_second_click_changes_nothing(desk: Desk) -> None:
    desk.propose(MADE)
    desk.decide("c1@1")
    again = desk.decide("c1@1", "c1")
    assert (names(again), [each.change_id for each in again.already]) == ([], ["c1"])
    assert desk.recorded() == [DecisionAction.APPROVED]


@pytest.mark.parametrize("status", [ChangeStatus.SENDING, ChangeStatus.UNKNOWN, ChangeStatus.WRITTEN])
def test_what_is_on_its_way_was_approved_already(desk: Desk, status: ChangeStatus) -> None:
    desk.propose(replace(MADE, status=status))
    assert [each.status for each in desk.decide("c1@1").already] == [status]


@pytest.mark.parametrize(
    "status", [ChangeStatus.DECLINED, ChangeStatus.SUPERSEDED, ChangeStatus.STALE, ChangeStatus.REFUSED]
)
def test_only_what_is_proposed_can_be_approved(desk: Desk, status: ChangeStatus) -> None:
    desk.propose(replace(MADE, status=status))
    assert reason(desk.decide("c1@1")) == f"it is {status}: only what is proposed can be approved"


def test_a_bare_id_is_taken_only_while_there_is_one_revision(desk: Desk) -> None:
    desk.propose(replace(MADE, status=ChangeStatus.SUPERSEDED), replace(MADE, revision=2))
    assert reason(desk.decide("c1")) == "it has 2 revisions: name the one you saw, c1@2"


def test_an_approval_of_an_older_revision_is_refused_and_the_latest_is_shown(desk: Desk) -> None:
    desk.propose(replace(MADE, status=ChangeStatus.SUPERSEDED), replace(MADE, revision=2, quantity_after=Decimal(13)))
    assert reason(desk.decide("c1@1")) == "revision 1 is not the latest: c1@2 is (10 → 13, proposed)"
    assert "revision x is not the latest" in reason(desk.decide("c1@x"))


def test_a_change_that_does_not_exist_is_told(desk: Desk) -> None:
    assert "there is no such change" in reason(desk.decide("nothing@1"))


def test_a_change_to_nothing_needs_its_own_tick(desk: Desk) -> None:
    desk.propose(ZERO)
    assert "confirm that (--confirm-zero)" in reason(desk.decide("c0@1"))
    [decision] = desk.decide("c0@1", has_confirmed_zero=True).decisions
    assert decision.has_confirmed_zero


def test_new_found_revenue_goes_to_the_suggested_agreement_or_to_one_that_is_named(desk: Desk) -> None:
    desk.propose(UNBILLED, replace(UNBILLED, change_id=ChangeId("cm"), service_id="78", agreement_id=None))
    [suggested] = desk.decide("cn@1").decisions
    assert "name the one that the new line shall stand on (--agreement)" in reason(desk.decide("cm@1"))
    [named] = desk.decide("cm@1", agreement_id="9002").decisions
    assert [made.plan and made.plan["agreement"] for made in (suggested, named)] == ["9001", "9002"]


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"effective_date": date(2026, 10, 30)}, "2026-10-30 is over, and this PSA changes a line at once"),
        ({"agreement_id": "9001"}, "an agreement is named only for new found revenue"),
    ],
)
def test_what_the_psa_cannot_do_is_refused_with_its_reason(desk: Desk, wish: dict[str, Any], words: str) -> None:
    desk.propose(MADE)
    assert words in reason(desk.decide("c1@1", **wish))
    assert desk.status() is ChangeStatus.PROPOSED


@pytest.mark.parametrize(
    ("made", "day", "words"),
    [
        (
            MADE,
            date(2026, 9, 30),
            "2026-09-30 lies before the month that the files speak for: pick a day from 2026-10-01",
        ),
        (replace(MADE, when=When.AT_RENEWAL), date(2026, 11, 2), "it is due at the renewal, on 2026-11-01"),
    ],
)
def test_a_day_that_makes_no_sense_is_refused(dated: Desk, made: Change, day: date, words: str) -> None:
    dated.propose(made)
    assert words in reason(dated.decide("c1@1", effective_date=day))


def test_an_approval_is_bound_to_the_day_that_was_picked(dated: Desk) -> None:
    dated.propose(MADE, UNBILLED)
    [picked] = dated.decide("c1@1", effective_date=date(2026, 11, 20)).decisions
    [proposed] = dated.decide("cn@1").decisions
    assert [made.plan and made.plan["effective_date"] for made in (picked, proposed)] == ["2026-11-20", "2026-11-01"]


def test_a_psa_that_changes_lines_at_once_is_written_to_on_the_day_that_was_picked(desk: Desk) -> None:
    desk.propose(MADE)
    [picked] = desk.decide("c1@1", effective_date=date(2026, 12, 1)).decisions
    assert picked.plan is not None
    bound = as_bound(MADE, picked.plan)
    assert (picked.plan["when"], bound.effective_date) == ("on_date", date(2026, 12, 1))
    assert [bound.is_due(day) for day in (date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 2))] == [
        False,
        True,
        True,
    ]


def test_an_approval_without_a_picked_day_has_the_plan_that_it_always_had(desk: Desk) -> None:
    """A word more in the plan of every approval would make all that stand stale."""
    desk.propose(MADE)
    [decision] = desk.decide("c1@1").decisions
    assert decision.plan is not None
    assert "when" not in decision.plan
    assert as_bound(replace(MADE, when=When.AT_RENEWAL), decision.plan).when is When.AT_RENEWAL


def test_who_picks_otherwise_after_an_approval_is_told_to_take_it_back_first(desk: Desk) -> None:
    desk.propose(MADE, UNBILLED)
    desk.decide("c1@1", "cn@1")
    assert "it is approved for agreement 9001 from 2026-11-01 on: take that approval back first (revoke)" in reason(
        desk.decide("c1@1", effective_date=date(2026, 12, 1))
    )
    assert "take that approval back first" in reason(desk.decide("cn@1", agreement_id="9002"))
    same = desk.decide("cn@1", agreement_id="9001", effective_date=date(2026, 11, 1))
    assert [each.change_id for each in same.already] == ["cn"]


def test_a_new_line_may_begin_on_any_day_whatever_the_psa_does_with_lines_that_stand(desk: Desk) -> None:
    desk.propose(UNBILLED)
    [picked] = desk.decide("cn@1", effective_date=date(2026, 11, 20)).decisions
    assert picked.plan is not None
    assert picked.plan["effective_date"] == "2026-11-20"


def test_a_decision_can_be_taken_back_until_write_back_began(desk: Desk) -> None:
    desk.propose(MADE)
    desk.decide("c1@1")
    desk.decide("c1@1", action=DecisionAction.REVOKED)
    assert desk.status() is ChangeStatus.PROPOSED
    desk.decide("c1@1", action=DecisionAction.DECLINED)
    assert desk.status() is ChangeStatus.DECLINED
    assert [each.change_id for each in desk.decide("c1@1", action=DecisionAction.DECLINED).already] == ["c1"]
    desk.decide("c1@1", action=DecisionAction.REVOKED)
    assert desk.recorded() == [
        DecisionAction.APPROVED,
        DecisionAction.REVOKED,
        DecisionAction.DECLINED,
        DecisionAction.REVOKED,
    ]
    assert "nobody acted on can be taken back" in reason(desk.decide("c1@1", action=DecisionAction.REVOKED))


@pytest.mark.parametrize("action", [DecisionAction.DECLINED, DecisionAction.REVOKED])
def test_what_is_being_sent_is_beyond_recall(desk: Desk, action: DecisionAction) -> None:
    desk.propose(replace(MADE, status=ChangeStatus.SENDING))
    assert reason(desk.decide("c1@1", action=action)).startswith("it is sending")


def overtaken(desk: Desk, url: str, quicker: DecisionAction) -> Decided:
    """An approval of c1@1 between whose look and decision somebody else decides."""
    desk.propose(MADE)
    store = Store(url, "msp")

    class Overtaken(StoreDecisionLedger):
        def decide(self, wanted: Any) -> Any:
            desk.decide("c1@1", action=quicker)
            return super().decide(wanted)

    wish = Wish(DecisionAction.APPROVED, DANA)
    decided = decide_named(Overtaken(store), ["c1@1"], wish, now=NOW, new_id=lambda: "mine")
    store.close()
    return decided


def test_of_two_that_read_the_same_proposal_the_later_is_told(desk: Desk, sqlite_url: str) -> None:
    decided = overtaken(desk, sqlite_url, DecisionAction.DECLINED)
    assert reason(decided) == "it is declined by now; nothing was decided"
    assert desk.recorded() == [DecisionAction.DECLINED]


def test_of_two_that_approve_at_once_the_later_finds_it_done(desk: Desk, sqlite_url: str) -> None:
    decided = overtaken(desk, sqlite_url, DecisionAction.APPROVED)
    assert (decided.decisions, decided.undecided) == ((), ())
    assert [(change.change_id, change.status) for change in decided.already] == [("c1", ChangeStatus.APPROVED)]
    assert desk.recorded() == [DecisionAction.APPROVED]


@pytest.mark.parametrize(
    ("wanted", "approved"),
    [
        ({}, ["c1@1", "c2@1", "c3@1", "c4@1"]),
        ({"kind": DeltaKind.DECREASE}, ["c2@1"]),
        ({"source": "Webroot"}, ["c3@1"]),
        ({"account_id": "251"}, ["c2@1"]),
        ({"max_amount": Decimal(44)}, ["c1@1"]),
        ({"max_amount": Decimal(100)}, ["c1@1", "c2@1"]),
        ({"max_amount": Decimal(43)}, []),
    ],
    ids=["all", "kind", "source", "account", "amount", "larger amount", "nothing so small"],
)
def test_a_filter_means_what_it_says(desk: Desk, wanted: dict[str, Any], approved: list[str]) -> None:
    desk.propose(
        MADE,
        change(change_id=ChangeId("c2"), kind=DeltaKind.DECREASE, account_id="251", amount_delta=Decimal(-90)),
        change(change_id=ChangeId("c3"), sources=("Pax8", "Webroot"), amount_delta=None),
        change(change_id=ChangeId("c4"), currency="EUR", amount_delta=Decimal(1)),
    )
    assert sorted(names(desk.decide_all(**wanted))) == approved


def test_an_amount_in_another_currency_is_within_a_filter_at_the_rate_of_its_day(desk: Desk) -> None:
    in_euro = change(change_id=ChangeId("c4"), currency="EUR", amount_delta=Decimal(100))
    desk.propose(MADE, in_euro, replace(in_euro, change_id=ChangeId("c5"), currency="GBP"))
    desk.currency = BillingCurrency("USD", read_rates("EUR 0.4 from 2026-01-01"))
    assert names(desk.decide_all(max_amount=Decimal(40))) == ["c4@1"]


def test_a_filter_leaves_what_it_may_not_decide_and_says_so(desk: Desk) -> None:
    desk.propose(MADE, ZERO, UNBILLED, replace(MADE, change_id=ChangeId("done"), status=ChangeStatus.WRITTEN))
    decided = desk.decide_all()
    assert sorted(names(decided)) == ["c1@1", "cn@1"]
    assert {left.change_id for left in decided.undecided} == {"c0"}
    assert decided.already == ()


def test_admins_manage_people_and_reviewers_do_not() -> None:
    assert may_manage_people(Role.ADMIN)
    assert not may_manage_people(Role.REVIEWER)


def test_a_rule_is_told_from_a_person_by_its_name() -> None:
    assert is_a_rule(rule_name("small"))
    assert is_a_rule(" Policy:small")
    assert not is_a_rule("dana")


def test_of_a_token_only_its_hash_is_kept() -> None:
    token = token_of("randomness")
    assert token.startswith("trueup_")
    assert "randomness" not in token_hash(token)
    assert token_hash(token) != token_hash(token_of("other"))
