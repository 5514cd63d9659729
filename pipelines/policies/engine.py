"""What a policy says about facts: every doubt goes to the person, and any refusal wins.

Belongs here: rules, conditions, the closed set of operators, the verdict.
Does not belong here: reading rules from a file (``document``), what the facts are about.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

FactValue = Decimal | str | frozenset[str] | None
"""None is what nobody knows. A set is a fact with several values, such as the sources of a line."""

Facts = Mapping[str, FactValue]


class PolicyOutcome(StrEnum):
    """What follows for what was judged, the strictest last. Written in documents and shown; never rename one."""

    AUTO_APPROVE = "auto_approve"
    MANUAL = "manual"
    SECOND_APPROVER = "second_approver"
    HOLD = "hold"


STRENGTH = tuple(PolicyOutcome)
"""Of several rules that speak the one that comes last here wins; ``manual`` is what no rule says."""


class Operator(StrEnum):
    """How a fact is compared. The set is closed."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"


_NEGATION = {
    Operator.EQ: Operator.NE,
    Operator.IN: Operator.NOT_IN,
    Operator.LT: Operator.GE,
    Operator.LE: Operator.GT,
}
_NEGATION |= {no: yes for yes, no in _NEGATION.items()}


@dataclass(frozen=True)
class Unit:
    """What a number must be counted in to be compared: another fact, and the values of it that will do."""

    fact: str
    values: frozenset[str]


@dataclass(frozen=True)
class Condition:
    """One comparison of one fact. A number in another unit counts as unknown."""

    fact: str
    operator: Operator
    bound: Decimal | frozenset[str]
    unit: Unit | None = None


@dataclass(frozen=True)
class Rule:
    """What a rule asks for when all of its conditions hold. ``reason`` is shown to whoever is refused."""

    name: str
    does: PolicyOutcome
    conditions: tuple[Condition, ...] = ()
    reason: str | None = None


@dataclass(frozen=True)
class Policy:
    """The rules of one document. ``version`` names its content.

    ``is_approver_not_editor``: who edited a mapping that feeds a line may not approve what becomes of the line.
    """

    rules: tuple[Rule, ...]
    version: str
    is_approver_not_editor: bool = False


@dataclass(frozen=True)
class Verdict:
    """What follows, and the rules that spoke, in the order of the document."""

    outcome: PolicyOutcome
    spoke: tuple[Rule, ...] = ()

    @property
    def deciding(self) -> tuple[Rule, ...]:
        """The rules that made it so; those that were overruled are left out."""
        return tuple(rule for rule in self.spoke if rule.does is self.outcome)


def judge(policy: Policy, facts: Facts, *, may_approve: bool = True) -> Verdict:
    """What a policy says about facts. With ``may_approve`` False no rule that would approve is heard."""
    spoke = tuple(
        rule
        for rule in policy.rules
        if (may_approve or rule.does is not PolicyOutcome.AUTO_APPROVE) and _speaks(rule, facts)
    )
    if not spoke:
        return Verdict(PolicyOutcome.MANUAL)
    return Verdict(max((rule.does for rule in spoke), key=STRENGTH.index), spoke)


def _speaks(rule: Rule, facts: Facts) -> bool:
    """Whether a rule speaks: to approve, all it asks for must be sure; to refuse, it is enough that it may be so."""
    if rule.does is PolicyOutcome.AUTO_APPROVE:
        return all(_is_sure(condition, condition.operator, facts) for condition in rule.conditions)
    return not any(_is_sure(condition, _NEGATION[condition.operator], facts) for condition in rule.conditions)


def _is_sure(condition: Condition, compared: Operator, facts: Facts) -> bool:
    """Whether a comparison surely holds. Nothing is sure of a fact that is unknown."""
    value = _known(condition, facts)
    if isinstance(value, Decimal) and isinstance(condition.bound, Decimal):
        return compared in _ORDER and _ORDER[compared](value, condition.bound)
    if value is None or isinstance(value, Decimal) or isinstance(condition.bound, Decimal):
        return False
    values = frozenset({value}) if isinstance(value, str) else value
    if compared in {Operator.EQ, Operator.IN}:
        return bool(values) and values <= condition.bound
    return compared in {Operator.NE, Operator.NOT_IN} and values.isdisjoint(condition.bound)


_ORDER: dict[Operator, Callable[[Decimal, Decimal], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}
"""A number is in no list, so the operators of lists are not among them."""


def _known(condition: Condition, facts: Facts) -> FactValue:
    unit = condition.unit
    if unit is not None and facts.get(unit.fact) not in unit.values:
        return None
    return facts.get(condition.fact)
