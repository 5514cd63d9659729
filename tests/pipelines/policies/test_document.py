"""Policy files: what they may say, and how each mistake is told."""

from decimal import Decimal

import pytest

from pipelines.policies.document import LARGEST, Fact, PolicyError, PolicyTerms, policy_version, read_policy
from pipelines.policies.engine import Condition, Operator, Policy, PolicyOutcome, Rule, Unit

TERMS = PolicyTerms(
    {
        "kind": Fact(words=("increase", "decrease")),
        "account": Fact(),
        "amount": Fact(is_number=True, unit="currency"),
        "currency": Fact(pattern="[A-Z]{3}", example="USD"),
    },
    must_bound="amount",
)
BOUNDED = 'when: {amount: {le: "1"}}'


def read(text: str) -> Policy:
    """The rules of a file."""
    return read_policy(text, TERMS, unit="USD")


def rule(fields: str) -> Rule:
    """The one rule of a file."""
    [only] = read(f"rules:\n  - {{{fields}}}\n").rules
    return only


def refused(text: str) -> str:
    """How a file is refused."""
    with pytest.raises(PolicyError) as caught:
        read(text)
    return str(caught.value)


def test_a_file_is_read_as_written() -> None:
    text = """
rules:
  - {name: small, do: auto_approve, when: {kind: {in: [increase]}, amount: {le: "50.00"}, currency: {eq: EUR}}}
  - {name: Acme by hand, do: hold, when: {account: {in: ["250", 251]}}, reason: in dispute}
  - {name: large, do: second_approver, when: {amount: {gt: 500, lt: "1000"}}}
approver_is_not_editor: true
"""
    euro, dollar = Unit("currency", frozenset({"EUR"})), Unit("currency", frozenset({"USD"}))
    assert read(text) == Policy(
        (
            Rule(
                "small",
                PolicyOutcome.AUTO_APPROVE,
                (
                    Condition("kind", Operator.IN, frozenset({"increase"})),
                    Condition("amount", Operator.LE, Decimal(50), euro),
                    Condition("currency", Operator.EQ, frozenset({"EUR"})),
                ),
            ),
            Rule(
                "Acme by hand",
                PolicyOutcome.HOLD,
                (Condition("account", Operator.IN, frozenset({"250", "251"})),),
                "in dispute",
            ),
            Rule(
                "large",
                PolicyOutcome.SECOND_APPROVER,
                (
                    Condition("amount", Operator.LT, Decimal(1000), dollar),
                    Condition("amount", Operator.GT, Decimal(500), dollar),
                ),
            ),
        ),
        policy_version(text),
        is_approver_not_editor=True,
    )


def test_a_file_without_rules_leaves_everything_to_people() -> None:
    assert read("rules: []\napprover_is_not_editor: false").rules == ()


def test_a_rule_without_conditions_speaks_of_everything() -> None:
    assert rule("name: freeze, do: hold").conditions == ()


def test_without_a_currency_of_the_reader_or_the_rule_no_amount_can_be_compared() -> None:
    [made] = read_policy(f"rules: [{{name: a, do: auto_approve, {BOUNDED}}}]", TERMS).rules
    assert made.conditions[0].unit == Unit("currency", frozenset())


def test_the_version_names_every_character() -> None:
    assert policy_version("rules: []") != policy_version("rules: []  # nothing yet")
    assert len(policy_version("")) == 64


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "file: it has no rules. Begin with rules: and a list"),
        ("- a", "it has no rules"),
        ("rules: [", "this is no YAML"),
        ("rules: []\nrule: []", "file (line 2): there is no field rule. Did you mean rules?"),
        ("rules: []\nzzz: 1", "there is no field zzz. A file has rules, approver_is_not_editor"),
        ("rules:", "rules is no list"),
        ("rules: {}", "rules is no list"),
        ("rules: [hold]", "rules, entry 1 (line 1): it has no fields"),
        ("rules: [&a {name: a, do: hold}, *a]", "the alias *a is not allowed"),
        ("rules: []\napprover_is_not_editor: yes", "neither true nor false"),
        ('rules: []\napprover_is_not_editor: "true"', "neither true nor false"),
        ("rules: []\napprover_is_not_editor: []", "neither true nor false"),
        ("#" * (LARGEST + 1), "it is larger than"),
    ],
)
def test_a_file_that_says_something_else_is_refused_whole(text: str, words: str) -> None:
    assert words in refused(text)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("do: hold", "name is missing"),
        (f"name: {'n' * 61}, do: hold", "the name cannot stand in the trail"),
        ('name: "a\\nb", do: hold', "the name cannot stand in the trail"),
        ("name: a", "do is missing"),
        ("name: a, do: manual", '"manual" is not known here. Write one of hold, second_approver, auto_approve'),
        ("name: a, do: hold, wen: {}", "there is no field wen. Did you mean when?"),
        ("name: a, do: hold, when: ", "when is empty"),
        ("name: a, do: hold, when: [kind]", "when has the wrong shape"),
        ("name: a, do: hold, when: {kid: {in: [increase]}}", "there is no field kid. Did you mean kind?"),
        ("name: a, do: hold, when: {kind: }", "kind is empty. Write what is meant, or leave it out"),
        ("name: a, do: hold, when: {kind: increase}", "kind has the wrong shape"),
        ("name: a, do: hold, when: {kind: {}}", "kind is compared with nothing. Write one of eq, ne, in, not_in"),
        ("name: a, do: hold, when: {kind: {gt: increase}}", "there is no field gt"),
        ("name: a, do: hold, when: {kind: {in: [incrase]}}", '"incrase" is no kind. Write increase, decrease'),
        ("name: a, do: hold, when: {kind: {in: []}}", "in is an empty list"),
        ("name: a, do: hold, when: {currency: {eq: usd}}", '"usd" is no currency. Write it like USD'),
        ("name: a, do: hold, when: {amount: {eq: 5}}", "there is no field eq"),
        ("name: a, do: hold, when: {amount: {gt: 5.0}}", 'Put it in quotes: "5.0"'),
        ("name: a, do: hold, when: {amount: {gt: much}}", '"much" is no number'),
        ("name: a, do: auto_approve", "a rule that approves must bound amount from above"),
        ("name: a, do: auto_approve, when: {amount: {gt: 5}}", "a rule that approves must bound amount from above"),
        ("name: a, do: auto_approve, when: {amount: {le: 5, gt: }}", "gt is empty"),
    ],
)
def test_a_rule_that_says_something_else_is_refused_with_its_line(fields: str, words: str) -> None:
    told = refused(f"rules:\n  - {{{fields}}}\n")
    assert words in told
    assert "(line 2)" in told


def test_two_rules_of_one_name_are_refused() -> None:
    assert 'two rules are called "a"' in refused("rules: [{name: a, do: hold}, {name: a, do: hold}]")


def test_every_problem_is_told_at_once() -> None:
    assert refused("rules: [{do: hold}, {name: a}]").startswith("the policy file has 2 problems:")
