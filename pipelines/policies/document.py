"""The policy file: YAML in, rules out; refused as a whole, with every problem named, when anything is wrong.

Belongs here: the file's fields, which facts and operators a condition may name, the version of a file.
Does not belong here: what rules say about facts (``engine``), which facts there are (whoever has them judged).
"""

import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.mapping.fields import EntryFields
from pipelines.mapping.problems import MappingProblem
from pipelines.mapping.strict_yaml import Listing, Node, Scalar, ScalarKind, Table, is_readable, read_yaml
from pipelines.policies.engine import Condition, Operator, Policy, PolicyOutcome, Rule, Unit

LARGEST = 1024 * 1024
"""Bytes of a policy file; bounds the time spent on hostile input."""

LONGEST_NAME = 60
"""Characters of a rule's name: it stands in the trail in the place of a person's."""

_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_DOCUMENT_FIELDS = ("rules", "approver_is_not_editor")
_RULE_FIELDS = ("name", "do", "when", "reason")
_DOES = (PolicyOutcome.HOLD, PolicyOutcome.SECOND_APPROVER, PolicyOutcome.AUTO_APPROVE)
_OF_NUMBERS = (Operator.LT, Operator.LE, Operator.GT, Operator.GE)
_OF_TEXTS = (Operator.EQ, Operator.NE, Operator.IN, Operator.NOT_IN)
_UPPER_BOUNDS = {Operator.LT, Operator.LE}
_SAME = {Operator.EQ, Operator.IN}


@dataclass(frozen=True)
class Fact:
    """What a document may say about a fact.

    ``words`` are all the values it can have; empty where there is no list. ``pattern`` is the shape of its values, as
    in ``example``. ``unit`` is the fact that says what a number is counted in.
    """

    is_number: bool = False
    words: tuple[str, ...] = ()
    pattern: str | None = None
    example: str = ""
    unit: str | None = None


@dataclass(frozen=True)
class PolicyTerms:
    """The facts that rules of one kind may name; every rule that approves must bound ``must_bound`` from above."""

    facts: Mapping[str, Fact]
    must_bound: str


class PolicyError(Exception):
    """A policy file is refused as a whole: nothing of it holds. Lists every problem."""

    def __init__(self, problems: Sequence[MappingProblem]) -> None:
        """Carry the problems, in the order of the file."""
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the policy file has {count}:", *(f"  {problem}" for problem in self.problems)]))


def policy_version(text: str) -> str:
    """The version of a policy file: 64 hexadecimal digits of its whole content, comments included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_policy(text: str, terms: PolicyTerms, *, unit: str | None = None) -> Policy:
    """The rules of a policy file. ``unit`` is what numbers are counted in where a rule does not say it.

    Raises ``PolicyError`` with every problem of the file, in its order.
    """
    problems: list[MappingProblem] = []
    fields = _fields(text, problems)
    rules = _rules(fields.get("rules"), terms, unit, problems)
    is_apart = _flag(fields.get("approver_is_not_editor"), problems)
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.line or 0))
    return Policy(rules, policy_version(text), is_apart)


def _fields(text: str, problems: list[MappingProblem]) -> dict[str, Node]:
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        problems.append(_of_file(None, f"it is larger than {LARGEST} bytes", "Write fewer rules"))
        return {}
    root, syntax = read_yaml(text)
    problems += [_of_file(found.line, found.problem, found.remedy) for found in syntax]
    fields = root.fields if isinstance(root, Table) else {}
    problems += [_unknown(name, node) for name, node in fields.items() if name not in _DOCUMENT_FIELDS]
    if "rules" not in fields and not syntax:
        remedy = "Begin with rules: and a list; rules: [] leaves every change to a person"
        problems.append(_of_file(root.line if root else None, "it has no rules", remedy))
    return fields


def _of_file(line: int | None, problem: str, remedy: str) -> MappingProblem:
    return MappingProblem("file", None, None, problem, remedy, line)


def _unknown(name: str, node: Node) -> MappingProblem:
    near = difflib.get_close_matches(name, _DOCUMENT_FIELDS, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return _of_file(node.line, f"there is no field {name}", f"{hint}A file has {', '.join(_DOCUMENT_FIELDS)}")


def _flag(node: Node | None, problems: list[MappingProblem]) -> bool:
    if node is None:
        return False
    if isinstance(node, Scalar) and node.kind is ScalarKind.AMBIGUOUS and node.text in {"true", "false"}:
        return node.text == "true"
    problems.append(_of_file(node.line, "approver_is_not_editor is neither true nor false", "Write true or false"))
    return False


def _rules(node: Node | None, terms: PolicyTerms, unit: str | None, problems: list[MappingProblem]) -> tuple[Rule, ...]:
    if node is None:
        return ()
    if not isinstance(node, Listing):
        problems.append(
            _of_file(node.line, "rules is no list", "Write one rule a line, each after a dash, or rules: []")
        )
        return ()
    rules = []
    for number, item in enumerate(node.items, start=1):
        if isinstance(item, Table) and is_readable(item):
            rules.append(_rule(EntryFields("rules", number, item, _RULE_FIELDS, problems), terms, unit))
        elif is_readable(item):
            remedy = "Write its fields in braces: {name: ..., do: ..., when: {...}}"
            problems.append(MappingProblem("rules", number, None, "it has no fields", remedy, item.line))
    doubled = [name for name, count in Counter(rule.name for rule in rules).items() if name and count > 1]
    problems += [_of_file(node.line, f'two rules are called "{name}"', "Give each its own name") for name in doubled]
    return tuple(rules)


def _rule(fields: EntryFields, terms: PolicyTerms, unit: str | None) -> Rule:
    name = fields.identifier("name")
    if name and (len(name) > LONGEST_NAME or not _NAME.fullmatch(name)):
        remedy = f"Write at most {LONGEST_NAME} characters on one line"
        fields.note("name", "the name cannot stand in the trail", remedy)
    does = fields.word("do", _DOES)
    conditions = _conditions(fields, terms, unit)
    if does == PolicyOutcome.AUTO_APPROVE and not _is_bounded(conditions, terms.must_bound):
        bound = terms.must_bound
        remedy = f'Write when: {{{bound}: {{le: "..."}}}}, so that nothing of unknown size is approved unseen'
        fields.note("when", f"a rule that approves must bound {bound} from above", remedy)
    reason = fields.text("reason") if fields.has("reason") else None
    return Rule(name, PolicyOutcome(does), conditions, reason)


def _is_bounded(conditions: Sequence[Condition], fact: str) -> bool:
    return any(each.fact == fact and each.operator in _UPPER_BOUNDS for each in conditions)


def _conditions(fields: EntryFields, terms: PolicyTerms, unit: str | None) -> tuple[Condition, ...]:
    when = _said(fields, "when", tuple(terms.facts))
    if when is None:
        return ()
    found = [each for name in terms.facts for each in _of_fact(when, name, terms.facts[name])]
    return tuple(_measured(each, terms.facts[each.fact], found, unit) for each in found)


def _of_fact(when: EntryFields, name: str, fact: Fact) -> list[Condition]:
    operators = _OF_NUMBERS if fact.is_number else _OF_TEXTS
    compared = _said(when, name, operators)
    if compared is None:
        return []
    given = [operator for operator in operators if _is_said(compared, operator)]
    if not given:
        when.note(name, f"{name} is compared with nothing", f"Write one of {', '.join(operators)}")
    if fact.is_number:
        numbers = [(operator, compared.number(operator)) for operator in given]
        return [Condition(name, operator, number) for operator, number in numbers if number is not None]
    return [Condition(name, operator, _texts(compared, operator, name, fact)) for operator in given]


def _said(fields: EntryFields, name: str, known: Sequence[str]) -> EntryFields | None:
    return fields.inner(name, known) if _is_said(fields, name) else None


def _is_said(fields: EntryFields, name: str) -> bool:
    """Whether a field is given. One that is left empty is refused: without it the rule would mean more, unseen."""
    if fields.says_null(name):
        fields.note(name, f"{name} is empty", "Write what is meant, or leave it out")
    return fields.has(name)


def _texts(compared: EntryFields, operator: Operator, name: str, fact: Fact) -> frozenset[str]:
    is_one = operator in {Operator.EQ, Operator.NE}
    texts = (compared.identifier(operator),) if is_one else compared.identifiers(operator)
    for text in texts:
        if text and fact.words and text not in fact.words:
            compared.note(operator, f'"{text}" is no {name}', f"Write {', '.join(fact.words)}")
        elif text and fact.pattern and not re.fullmatch(fact.pattern, text):
            compared.note(operator, f'"{text}" is no {name}', f"Write it like {fact.example}")
    return frozenset(texts)


def _measured(condition: Condition, fact: Fact, all_of_rule: Sequence[Condition], unit: str | None) -> Condition:
    """The condition with its unit: what the rule says that is counted in, else what the file's reader counts in."""
    if fact.unit is None:
        return condition
    said = [each.bound for each in all_of_rule if each.fact == fact.unit and each.operator in _SAME]
    named = frozenset().union(*(bound for bound in said if isinstance(bound, frozenset)))
    units = named or (frozenset() if unit is None else frozenset({unit}))
    return Condition(condition.fact, condition.operator, condition.bound, Unit(fact.unit, units))
