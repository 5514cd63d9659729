"""What an approval policy says about a change: the facts that rules may name, and what follows from a verdict.

Belongs here: a change's facts, what no rule may approve, a verdict in an operator's words.
Does not belong here: rules and operators (``pipelines.policies``), deciding (``approval``).
"""

from decimal import Context, Decimal

from pipelines.policies.document import Fact, PolicyTerms, read_policy
from pipelines.policies.engine import Facts, Policy, PolicyOutcome, Verdict, judge
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.binding import MANUAL_POLICY
from pipelines.review.changes import ROLL_BACK, Change, ChangeStatus, When
from pipelines.review.proposing import FLAGS

NO_POLICY = Policy((), MANUAL_POLICY)
"""No rule speaks: a person decides on every change."""

SECOND_APPROVER = "second_approver"
"""What such a change needs, beside what it needs by itself."""

CHANGE_TERMS = PolicyTerms(
    {
        "kind": Fact(words=tuple(kind for kind in DeltaKind if kind is not DeltaKind.MATCHED)),
        "source": Fact(),
        "account": Fact(),
        "service": Fact(),
        "when": Fact(words=(When.NOW, When.AT_RENEWAL)),
        "flags": Fact(words=(*FLAGS, ROLL_BACK)),
        "currency": Fact(pattern="[A-Z]{3}", example="USD"),
        "amount": Fact(is_number=True, unit="currency"),
        "percent": Fact(is_number=True),
    },
    must_bound="amount",
)
"""The facts of a change. An amount is compared only in a currency that is said: by the rule, or by the tenant."""

_OPEN = frozenset({ChangeStatus.PROPOSED, ChangeStatus.APPROVED})
# Numbers have up to 38 digits, so a quotient that differs from a bound of ten places does so within 60 digits.
_EXACT_ENOUGH = Context(prec=120)


def change_policy(text: str, currency: str | None) -> Policy:
    """The policy of a file about changes. ``currency`` is the tenant's, in which amounts are meant.

    Raises ``PolicyError`` for a file that says something else.
    """
    return read_policy(text, CHANGE_TERMS, unit=currency)


def change_facts(change: Change) -> Facts:
    """What rules may know of a change. Of money and percent the size counts, up or down alike."""
    is_priced = change.amount_delta is not None and change.currency is not None
    return {
        "kind": str(change.kind),
        "source": frozenset(change.sources) or None,
        "account": change.account_id,
        "service": change.service_id,
        "when": str(change.when),
        "flags": frozenset(change.flags),
        "currency": change.currency,
        "amount": abs(change.amount_delta) if change.amount_delta is not None and is_priced else None,
        "percent": _percent(change),
    }


def _percent(change: Change) -> Decimal | None:
    """By how much of what is billed the quantity moves; unknown where nothing is."""
    if not change.quantity_before:
        return None
    moved = abs(change.quantity_after - change.quantity_before)
    return _EXACT_ENOUGH.divide(_EXACT_ENOUGH.multiply(moved, Decimal(100)), abs(change.quantity_before))


def needs_a_person(change: Change) -> bool:
    """Whether no rule may approve a change: it ends at nothing, has vanished, or nobody knows its money.

    Nor may one approve a roll-back: somebody asked for it, and another look at it is what was asked for.
    """
    is_gone = change.quantity_after == 0 or change.kind is DeltaKind.VANISHED or "confirm_zero" in change.needs
    return is_gone or change.is_roll_back or change.amount_delta is None or change.currency is None


def judged(policy: Policy, change: Change) -> Verdict:
    """What a policy says about a change."""
    return judge(policy, change_facts(change), may_approve=not needs_a_person(change))


def all_needs(change: Change, verdict: Verdict) -> tuple[str, ...]:
    """What a change needs by itself, and by the policy while it can still be decided about."""
    is_for_two = verdict.outcome is PolicyOutcome.SECOND_APPROVER and change.status in _OPEN
    return (*change.needs, SECOND_APPROVER) if is_for_two else change.needs


def named_rules(verdict: Verdict) -> str:
    """The rules that decided, with their reasons."""
    return ", ".join(f'"{rule.name}"' + (f" ({rule.reason})" if rule.reason else "") for rule in verdict.deciding)
