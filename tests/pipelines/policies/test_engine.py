"""What rules say about facts: every doubt goes to the person, and any refusal wins."""

from decimal import Decimal

import pytest

from pipelines.policies.engine import (
    Condition,
    Facts,
    FactValue,
    Operator,
    Policy,
    PolicyOutcome,
    Rule,
    Unit,
    Verdict,
    judge,
)

USD = Unit("currency", frozenset({"USD"}))
FIFTY = Decimal(50)
SMALL = Rule("small", PolicyOutcome.AUTO_APPROVE, (Condition("amount", Operator.LE, FIFTY, USD),))
LARGE = Rule("large", PolicyOutcome.SECOND_APPROVER, (Condition("amount", Operator.GT, FIFTY, USD),))
ACME = Rule("acme", PolicyOutcome.HOLD, (Condition("account", Operator.IN, frozenset({"250"})),))


def outcome(rules: list[Rule], facts: Facts, *, may_approve: bool = True) -> PolicyOutcome:
    """What follows."""
    return judge(Policy(tuple(rules), "v"), facts, may_approve=may_approve).outcome


def speaks(does: PolicyOutcome, operator: Operator, bound: Decimal | frozenset[str], value: FactValue) -> bool:
    """Whether a rule with this one condition speaks about a fact."""
    return bool(judge(Policy((Rule("r", does, (Condition("f", operator, bound),)),), "v"), {"f": value}).spoke)


def test_what_no_rule_speaks_of_is_for_a_person() -> None:
    assert judge(Policy((), "v"), {}) == Verdict(PolicyOutcome.MANUAL)
    assert outcome([SMALL], {"amount": Decimal(51), "currency": "USD"}) is PolicyOutcome.MANUAL


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([SMALL], PolicyOutcome.AUTO_APPROVE),
        ([SMALL, ACME], PolicyOutcome.HOLD),
        ([ACME, SMALL], PolicyOutcome.HOLD),
        ([SMALL, Rule("all", PolicyOutcome.SECOND_APPROVER)], PolicyOutcome.SECOND_APPROVER),
        ([Rule("all", PolicyOutcome.SECOND_APPROVER), ACME, SMALL], PolicyOutcome.HOLD),
    ],
)
def test_of_two_rules_the_stricter_wins_wherever_it_stands(rules: list[Rule], expected: PolicyOutcome) -> None:
    verdict = judge(Policy(tuple(rules), "v"), {"amount": FIFTY, "currency": "USD", "account": "250"})
    assert verdict.outcome is expected
    assert verdict.spoke == tuple(rules)
    assert {rule.does for rule in verdict.deciding} == {expected}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"amount": None, "currency": "USD"}, id="no price"),
        pytest.param({"currency": "USD"}, id="a fact that is not there at all"),
        pytest.param({"amount": Decimal(1), "currency": "EUR"}, id="another currency"),
        pytest.param({"amount": Decimal(1), "currency": None}, id="no currency"),
    ],
)
def test_unknown_money_is_never_approved_by_a_rule_and_always_needs_two(facts: Facts) -> None:
    assert outcome([SMALL], facts) is PolicyOutcome.MANUAL
    assert outcome([LARGE], facts) is PolicyOutcome.SECOND_APPROVER


def test_no_rule_approves_what_needs_a_person_and_refusals_are_still_heard() -> None:
    facts: Facts = {"amount": Decimal(1), "currency": "USD", "account": "250"}
    assert outcome([SMALL], facts, may_approve=False) is PolicyOutcome.MANUAL
    assert outcome([SMALL, ACME], facts, may_approve=False) is PolicyOutcome.HOLD


@pytest.mark.parametrize("does", [PolicyOutcome.AUTO_APPROVE, PolicyOutcome.HOLD])
@pytest.mark.parametrize(
    ("operator", "below", "at", "above"),
    [
        (Operator.LT, True, False, False),
        (Operator.LE, True, True, False),
        (Operator.GT, False, False, True),
        (Operator.GE, False, True, True),
        (Operator.EQ, False, True, False),
        (Operator.NE, True, False, True),
    ],
)
def test_a_number_is_compared_exactly(
    does: PolicyOutcome, operator: Operator, below: bool, at: bool, above: bool
) -> None:
    step = Decimal("0.0000000001")
    values = (FIFTY - step, FIFTY, FIFTY + step)
    assert [speaks(does, operator, FIFTY, value) for value in values] == [below, at, above]


APPROVES, HOLDS = PolicyOutcome.AUTO_APPROVE, PolicyOutcome.HOLD
LISTED = frozenset({"Pax8", "Webroot"})


@pytest.mark.parametrize(
    ("operator", "value", "approves", "holds"),
    [
        pytest.param(Operator.IN, "Pax8", True, True, id="listed"),
        pytest.param(Operator.IN, "Adobe", False, False, id="not listed"),
        pytest.param(Operator.NOT_IN, "Pax8", False, False, id="listed, and should not be"),
        pytest.param(Operator.NOT_IN, "Adobe", True, True, id="not listed, as it should be"),
        pytest.param(Operator.IN, frozenset({"Pax8", "Webroot"}), True, True, id="all listed"),
        pytest.param(Operator.IN, frozenset({"Pax8", "Adobe"}), False, True, id="one of two listed"),
        pytest.param(Operator.NOT_IN, frozenset({"Pax8", "Adobe"}), False, True, id="one of two not listed"),
        pytest.param(Operator.IN, frozenset({"Adobe"}), False, False, id="none listed"),
        pytest.param(Operator.IN, frozenset(), False, False, id="nothing there to be listed"),
        pytest.param(Operator.NOT_IN, frozenset(), True, True, id="nothing there that should not be"),
        pytest.param(Operator.IN, None, False, True, id="unknown"),
        pytest.param(Operator.NOT_IN, None, False, True, id="unknown, and should not be listed"),
    ],
)
def test_a_rule_that_approves_wants_all_values_and_one_that_refuses_takes_any(
    operator: Operator, value: FactValue, approves: bool, holds: bool
) -> None:
    assert speaks(APPROVES, operator, LISTED, value) is approves
    assert speaks(HOLDS, operator, LISTED, value) is holds


@pytest.mark.parametrize("value", [None, Decimal(1), "text"])
@pytest.mark.parametrize("operator", [Operator.LT, Operator.GE, Operator.IN])
def test_what_cannot_be_compared_is_treated_as_unknown(operator: Operator, value: FactValue) -> None:
    bound = LISTED if isinstance(value, Decimal) else FIFTY
    assert speaks(APPROVES, operator, bound, value) is False
    assert speaks(HOLDS, operator, bound, value) is True


def test_all_conditions_of_a_rule_must_hold() -> None:
    both = Rule("both", PolicyOutcome.HOLD, (*ACME.conditions, *LARGE.conditions))
    assert outcome([both], {"account": "250", "amount": Decimal(51), "currency": "USD"}) is PolicyOutcome.HOLD
    assert outcome([both], {"account": "250", "amount": Decimal(49), "currency": "USD"}) is PolicyOutcome.MANUAL
    assert outcome([both], {"account": "251", "amount": None, "currency": "USD"}) is PolicyOutcome.MANUAL
