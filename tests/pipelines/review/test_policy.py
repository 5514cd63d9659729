"""Policies and money: what a rule never approves, who may not approve, and how many must."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from pipelines.identity import AgreementLineId, ChangeId, ServiceId
from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, Share, UnitRule
from pipelines.periods import BillingPeriod
from pipelines.policies.engine import PolicyOutcome
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.reconciliation.month import month_view
from pipelines.review.approval import Actor, ChangeFilter, Decided, DecisionAction, Wish, decide_matching, decide_named
from pipelines.review.automatic import Ruled, approve_by_policy
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.changes import ROLL_BACK, Change, ChangeStatus
from pipelines.review.policy import NO_POLICY, all_needs, change_facts, change_policy, judged
from pipelines.review.publishing import InputsMovedError
from resources.store import audit, changes, decisions, mappings, policies, reconciliations
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from resources.store.months import StoreMonthLedger
from tests.pipelines.months import NOW, OCTOBER, change

DANA, ERIN = Actor("dana", is_asserted=True), Actor("erin", is_asserted=True)
SMALL = '{name: small, do: auto_approve, when: {amount: {le: "50"}}}'
LARGE = "{name: large, do: second_approver, when: {amount: {gt: 40}}}"
HELD = '{name: Acme by hand, do: hold, when: {account: {in: ["250"]}}, reason: in dispute}'
MADE = change(change_id=ChangeId("c1"))


def policy_text(*rules: str, more: str = "") -> str:
    """A policy file."""
    return f"rules: [{', '.join(rules)}]\n{more}"


APART = policy_text(more="approver_is_not_editor: true\n")


class Desk:
    """A store with a policy and a reconciled month, and people who decide."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._ids = (f"decision-{number}" for number in itertools.count(1))

    def import_policy(self, content: str) -> None:
        with self.store.transaction() as conn:
            policies.record_policy(conn, self.store.tenant, content, DANA, NOW)

    def propose(self, *proposed: Change) -> None:
        with self.store.transaction() as conn:
            for each in proposed:
                changes.insert_changes(conn, self.store.tenant, [each])

    def map(self, by: str, *entries: MappingEntry) -> None:
        with self.store.transaction() as conn:
            for each in entries:
                mappings.record_entry(conn, self.store.tenant, next(self._ids), each, by, NOW)

    def ledger(self) -> StoreDecisionLedger:
        return StoreDecisionLedger(self.store, currency="USD")

    def decide(self, actor: Actor, action: DecisionAction = DecisionAction.APPROVED, **wish: Any) -> Decided:
        made = Wish(action, actor, **wish)
        return decide_named(self.ledger(), ["c1@1"], made, now=NOW, new_id=self._ids.__next__)

    def publish(self) -> None:
        """Record that the month was reconciled from what stands now."""
        view = month_view(OCTOBER, StoreMonthLedger(self.store).read_month(OCTOBER), NOW)
        with self.store.transaction() as conn:
            summary = {"is_psa_copied": True}
            reconciliations.record_reconciliation(
                conn, self.store.tenant, OCTOBER.key, "run", view.input_hash, "reconciled", [], summary, NOW
            )

    def rule(self, period: BillingPeriod = OCTOBER) -> Ruled:
        months = StoreMonthLedger(self.store)
        return approve_by_policy(period, self.ledger(), months, now=NOW, new_id=self._ids.__next__)

    def status(self) -> ChangeStatus:
        with self.store.reading() as conn:
            return changes.change_revisions(conn, self.store.tenant, ChangeId("c1"))[-1].status

    def actions(self) -> list[tuple[str, str]]:
        with self.store.reading() as conn:
            made = decisions.decisions_about(conn, self.store.tenant, [ChangeId("c1")])
        return [(str(each.action), each.actor.name) for each in made]


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Desk]:
    """A desk whose month was reconciled."""
    store = Store(sqlite_url, "msp")
    made = Desk(store)
    made.publish()
    yield made
    store.close()


def reason(decided: Decided) -> str:
    """Why the one change stays undecided."""
    [left] = decided.undecided
    assert decided.decisions == ()
    return left.reason


# --- what no rule approves ------------------------------------------------------------------------------------------

NEVER = [
    pytest.param(
        {"quantity_after": Decimal(0), "amount_delta": Decimal(-1), "needs": ("confirm_zero",)}, id="a fall to zero"
    ),
    pytest.param({"quantity_after": Decimal(0), "amount_delta": Decimal(-1)}, id="a fall to zero without its tick"),
    pytest.param({"kind": DeltaKind.VANISHED, "quantity_after": Decimal(5)}, id="a vanished line with a minimum"),
    pytest.param({"flags": (ROLL_BACK,)}, id="a roll-back"),
    pytest.param({"amount_delta": None}, id="no price"),
    pytest.param({"currency": None}, id="no currency"),
    pytest.param({"currency": "EUR"}, id="another currency"),
    pytest.param({"amount_delta": Decimal("50.01")}, id="too much money"),
    pytest.param({"amount_delta": Decimal("-50.01")}, id="too much money less"),
]


@pytest.mark.parametrize("fields", NEVER)
def test_no_rule_approves(desk: Desk, fields: dict[str, Any]) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(replace(MADE, **fields))
    assert desk.rule().decisions == ()
    assert desk.status() is ChangeStatus.PROPOSED


def test_a_rule_approves_in_its_own_name_bound_to_the_plan(desk: Desk) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(MADE)
    [decision] = desk.rule().decisions
    assert (decision.actor, decision.has_confirmed_zero) == (Actor("policy:small", is_asserted=False), False)
    assert decision.plan_hash == desk.ledger().plan_of(MADE).hash
    assert decision.plan is not None
    assert decision.plan["policy"] == desk.ledger().policy_of("2026-10").version
    assert desk.status() is ChangeStatus.APPROVED
    assert desk.rule().decisions == ()


def test_a_rule_may_name_another_currency(desk: Desk) -> None:
    euros = '{name: euros, do: auto_approve, when: {amount: {le: "50"}, currency: {eq: EUR}}}'
    desk.import_policy(policy_text(euros))
    desk.propose(replace(MADE, currency="EUR"), replace(MADE, change_id=ChangeId("c2")))
    assert [each.change_id for each in desk.rule().decisions] == ["c1"]


@pytest.mark.parametrize("rules", [(SMALL, HELD), (HELD, SMALL), (SMALL, LARGE)])
def test_the_stricter_rule_wins(desk: Desk, rules: tuple[str, ...]) -> None:
    desk.import_policy(policy_text(*rules))
    desk.propose(MADE)
    assert desk.rule().decisions == ()


@pytest.mark.parametrize("action", [DecisionAction.DECLINED, DecisionAction.REVOKED])
def test_a_rule_never_overrules_a_person(desk: Desk, action: DecisionAction) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(MADE)
    desk.rule()
    desk.decide(DANA, action)
    assert desk.rule().decisions == ()


def test_no_rule_approves_numbers_whose_inputs_moved_since(desk: Desk) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(MADE)
    desk.map("dana", ServiceMapping("Pax8", "M365-BP", (ServiceId("77"),)))
    with pytest.raises(InputsMovedError, match="run it again"):
        desk.rule()
    assert desk.status() is ChangeStatus.PROPOSED
    desk.publish()
    assert len(desk.rule().decisions) == 1


def test_no_rule_approves_in_a_month_that_was_never_published(desk: Desk) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(replace(MADE, period="2026-09"))
    with pytest.raises(InputsMovedError):
        desk.rule(OCTOBER.previous)


def test_what_a_rule_would_approve_and_something_forbids_is_told(desk: Desk) -> None:
    desk.import_policy(policy_text(SMALL))
    desk.propose(replace(MADE, kind=DeltaKind.UNBILLED, line_id=None, quantity_before=None, agreement_id=None))
    [left] = desk.rule().undecided
    assert "name the one that the new line shall stand on" in left.reason


# --- who may not ----------------------------------------------------------------------------------------------------


def test_what_a_rule_holds_nobody_approves_and_anybody_declines(desk: Desk) -> None:
    desk.import_policy(policy_text(HELD))
    desk.propose(MADE)
    assert reason(desk.decide(DANA)) == (
        'the policy holds it by "Acme by hand" (in dispute): decline it, or change the policy'
    )
    assert len(desk.decide(DANA, DecisionAction.DECLINED).decisions) == 1


ACCOUNT = AccountMapping("Pax8", "acme", (Share("250", Decimal(1)),))
SERVICE = ServiceMapping("Pax8", "M365-BP", (ServiceId("77"),))


@pytest.mark.parametrize(
    "mapped",
    [
        pytest.param([("dana", ACCOUNT), ("erin", SERVICE)], id="the account"),
        pytest.param([("erin", ACCOUNT), ("Dana ", SERVICE)], id="the service, her name spelled otherwise"),
        pytest.param([("dana", UnitRule(line=AgreementLineId("1"), included=Decimal(1)))], id="a unit rule"),
    ],
)
def test_who_edited_a_mapping_that_feeds_the_line_may_not_approve_it(
    desk: Desk, mapped: list[tuple[str, MappingEntry]]
) -> None:
    desk.import_policy(APART)
    desk.propose(MADE)
    for by, entry in mapped:
        desk.map(by, entry)
    assert reason(desk.decide(DANA)) == (
        "dana edited a mapping that feeds it, and the policy asks for another approver"
    )
    assert len(desk.decide(Actor("finn", is_asserted=True)).decisions) == 1


def test_who_gave_a_mapping_its_end_edited_it_as_well(desk: Desk) -> None:
    desk.import_policy(APART)
    desk.propose(MADE)
    desk.map("erin", SERVICE)
    with desk.store.transaction() as conn:
        mappings.record_entry(conn, "msp", "account", ACCOUNT, "erin", NOW)
        mappings.end_entry(conn, "msp", "account", OCTOBER.end_date + timedelta(90), "dana", NOW)
    assert "dana edited a mapping" in reason(desk.decide(DANA))


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        pytest.param(APART, replace(ACCOUNT, shares=(Share("251", Decimal(1)),)), id="a mapping of another account"),
        pytest.param(policy_text(), ACCOUNT, id="a policy that does not ask for it"),
    ],
)
def test_an_editor_of_something_else_may_approve(desk: Desk, content: str, entry: MappingEntry) -> None:
    desk.import_policy(content)
    desk.propose(MADE)
    desk.map("dana", SERVICE, entry)
    assert len(desk.decide(DANA).decisions) == 1


# --- two people -----------------------------------------------------------------------------------------------------


def test_a_second_person_is_needed_and_makes_it_approved(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    [first] = desk.decide(DANA).decisions
    assert (first.action, desk.status()) == (DecisionAction.FIRST_APPROVED, ChangeStatus.PROPOSED)
    [second] = desk.decide(ERIN).decisions
    assert (second.action, second.beside) == (DecisionAction.APPROVED, (first.decision_id,))
    assert second.plan_hash == first.plan_hash
    assert desk.status() is ChangeStatus.APPROVED


@pytest.mark.parametrize("name", ["dana", "Dana", " DANA "])
def test_the_first_approver_is_no_second_one(desk: Desk, name: str) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    desk.decide(DANA)
    told = reason(desk.decide(Actor(name, is_asserted=True)))
    assert told == f'{name} approved it already, and the policy asks for a second person by "large"'
    assert desk.actions() == [("first_approved", "dana")]
    assert desk.status() is ChangeStatus.PROPOSED


def test_a_first_approval_of_another_plan_does_not_count(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    desk.decide(DANA)
    desk.map("dana", ACCOUNT, SERVICE)
    [again] = desk.decide(ERIN).decisions
    assert again.action is DecisionAction.FIRST_APPROVED
    [second] = desk.decide(DANA).decisions
    assert second.action is DecisionAction.APPROVED


def test_a_policy_that_changed_in_between_asks_both_again(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    desk.decide(DANA)
    desk.import_policy(policy_text(LARGE, SMALL))
    assert [each.action for each in desk.decide(ERIN).decisions] == [DecisionAction.FIRST_APPROVED]


def test_where_people_have_tokens_a_name_that_was_only_given_does_not_count(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    desk.decide(DANA)
    assert [each.action for each in desk.decide(replace(ERIN, is_asserted=False)).decisions] == [
        DecisionAction.FIRST_APPROVED
    ]
    assert desk.status() is ChangeStatus.PROPOSED
    desk.decide(replace(DANA, is_asserted=False))
    assert desk.status() is ChangeStatus.APPROVED


@pytest.mark.parametrize("action", [DecisionAction.REVOKED, DecisionAction.DECLINED])
def test_a_first_approval_can_be_taken_back_and_counts_no_more(desk: Desk, action: DecisionAction) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    assert "only an approval or a refusal" in reason(desk.decide(DANA, DecisionAction.REVOKED))
    desk.decide(DANA)
    assert len(desk.decide(ERIN, action).decisions) == 1
    desk.decide(ERIN, DecisionAction.REVOKED)
    assert desk.status() is ChangeStatus.PROPOSED
    assert [each.action for each in desk.decide(ERIN).decisions] == [DecisionAction.FIRST_APPROVED]


def test_first_approvals_of_a_month_can_be_taken_back_by_a_filter(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE, replace(MADE, change_id=ChangeId("c2")))
    desk.decide(DANA)
    wish = Wish(DecisionAction.REVOKED, DANA)
    decided = decide_matching(
        desk.ledger(),
        ChangeFilter("2026-10"),
        wish,
        currency=BillingCurrency("USD"),
        now=NOW,
        new_id=lambda: "taken-back",
    )
    assert [each.change_id for each in decided.decisions] == ["c1"]


def test_of_two_first_approvals_at_once_one_is_asked_to_look_again(desk: Desk, store_url: str) -> None:
    store = Store(store_url, "msp")
    shared = Desk(store)
    shared.import_policy(policy_text(LARGE))
    shared.propose(MADE)

    class Overtaken(StoreDecisionLedger):
        def decide(self, wanted: Any) -> Any:
            shared.decide(ERIN)
            return super().decide(wanted)

    ledger = Overtaken(store, currency="USD")
    decided = decide_named(ledger, ["c1@1"], Wish(DecisionAction.APPROVED, DANA), now=NOW, new_id=lambda: "mine")
    assert "somebody else decided about it at the same moment" in reason(decided)
    assert shared.actions() == [("first_approved", "erin")]
    assert len(shared.decide(DANA).decisions) == 1
    assert shared.status() is ChangeStatus.APPROVED
    store.close()


def test_the_trail_names_both_and_verifies(desk: Desk) -> None:
    desk.import_policy(policy_text(LARGE))
    desk.propose(MADE)
    desk.decide(DANA)
    [second] = desk.decide(ERIN).decisions
    with desk.store.reading() as conn:
        told = [entry.content for entry in audit.chain(conn, "msp")]
    assert '"action":"first_approved"' in told[1]
    assert f'"beside":["{second.beside[0] if second.beside else ""}"]' in told[2]


# --- what is shown --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "needs"),
    [
        (ChangeStatus.PROPOSED, ("confirm_zero", "second_approver")),
        (ChangeStatus.APPROVED, ("confirm_zero", "second_approver")),
        (ChangeStatus.WRITTEN, ("confirm_zero",)),
    ],
)
def test_what_needs_two_says_so_while_it_can_be_decided_about(status: ChangeStatus, needs: tuple[str, ...]) -> None:
    made = replace(MADE, needs=("confirm_zero",), status=status)
    assert all_needs(made, judged(change_policy(policy_text(LARGE), "USD"), made)) == needs
    assert all_needs(made, judged(NO_POLICY, made)) == ("confirm_zero",)


def test_the_facts_of_a_change_are_sizes_and_ids() -> None:
    facts = change_facts(replace(MADE, quantity_after=Decimal(8), amount_delta=Decimal("-44.00")))
    assert facts == {
        "kind": "increase",
        "source": frozenset({"Pax8"}),
        "account": "250",
        "service": "77",
        "when": "now",
        "flags": frozenset(),
        "currency": "USD",
        "amount": Decimal("44.00"),
        "percent": Decimal(20),
    }


@pytest.mark.parametrize(
    ("before", "after", "percent"),
    [("3", "4", "33"), ("10", "12", "20"), ("0", "4", None), (None, "4", None)],
    ids=["a third is more than 33", "a fifth", "nothing was billed", "no line"],
)
def test_percent_is_of_what_is_billed_and_unknown_where_nothing_is(
    before: str | None, after: str, percent: str | None
) -> None:
    made = replace(MADE, quantity_before=None if before is None else Decimal(before), quantity_after=Decimal(after))
    rule = '{name: jump, do: hold, when: {percent: {gt: "33"}}}'
    verdict = judged(change_policy(policy_text(rule), "USD"), made)
    assert (change_facts(made)["percent"] is None) is (percent is None)
    assert (verdict.outcome is PolicyOutcome.HOLD) is (percent != "20")
