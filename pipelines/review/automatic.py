"""Approvals by rule: what the policy lets be approved without a person, bound to its plan as a person's approval is.

Belongs here: which changes a rule approves after a month was published, when it must not.
Does not belong here: what rules say (``policy``), what any approval must fulfil (``approval``).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipelines.periods import BillingPeriod
from pipelines.policies.engine import PolicyOutcome
from pipelines.reconciliation.month import MonthLedger, ReconciledAs, month_view
from pipelines.review.approval import (
    Actor,
    Decision,
    DecisionAction,
    DecisionLedger,
    Undecided,
    Wish,
    decide_on,
)
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.people import rule_name
from pipelines.review.policy import judged
from pipelines.review.publishing import InputsMovedError


class PublishedMonths(MonthLedger, Protocol):
    """Where months are read, and what they were published from."""

    def reconciled_as(self) -> Mapping[str, ReconciledAs]:
        """What each month was last reconciled from."""
        ...


@dataclass(frozen=True)
class Ruled:
    """What rules approved in a month, and what they would have if something had not spoken against it."""

    period: str
    version: str
    decisions: tuple[Decision, ...] = ()
    undecided: tuple[Undecided, ...] = ()


def approve_by_policy(
    period: BillingPeriod,
    ledger: DecisionLedger,
    months: PublishedMonths,
    *,
    now: datetime,
    new_id: Callable[[], str],
) -> Ruled:
    """Approve what a rule of the policy in force approves, each in the rule's name.

    A rule has its say on a revision once and before anybody else: what a person approved, declined or took back is
    theirs. Raises ``InputsMovedError`` when the month's inputs changed since it was published: the numbers are old
    ones then, and a rerun makes fresh ones.
    """
    policy = ledger.policy_of(period.key)
    approved: list[Decision] = []
    undecided: list[Undecided] = []
    for rule, chosen in _by_rule(period, ledger).items():
        _refuse_moved(period, months, now)
        wish = Wish(DecisionAction.APPROVED, Actor(rule_name(rule), is_asserted=False))
        decided = decide_on(ledger, chosen, wish, now=now, new_id=new_id)
        approved += decided.decisions
        undecided += decided.undecided
    return Ruled(period.key, policy.version, tuple(approved), tuple(undecided))


def _by_rule(period: BillingPeriod, ledger: DecisionLedger) -> dict[str, Sequence[Change]]:
    policy = ledger.policy_of(period.key)
    chosen: dict[str, list[Change]] = defaultdict(list)
    for change in ledger.latest_of(period.key):
        verdict = judged(policy, change)
        is_ruled = change.status is ChangeStatus.PROPOSED and verdict.outcome is PolicyOutcome.AUTO_APPROVE
        if is_ruled and not ledger.decisions_of(change):
            chosen[verdict.deciding[0].name].append(change)
    return dict(chosen)


def _refuse_moved(period: BillingPeriod, months: PublishedMonths, now: datetime) -> None:
    """Plans are made from what the ledger read before this look: what moves after it moves their hashes."""
    published = months.reconciled_as().get(period.key)
    present = month_view(period, months.read_month(period), now)
    if published is None or published.input_hash != present.input_hash:
        raise InputsMovedError(f"a file or a mapping arrived since {period.key} was published; run it again")
