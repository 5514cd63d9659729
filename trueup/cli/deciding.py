"""``trueup approve``, ``decline`` and ``revoke``: decisions about changes.

Belongs here: from the command line to a wish, and what became of it.
Does not belong here: what may be decided (``pipelines.review.approval``).
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import typer

from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import (
    BECOMES,
    ChangeFilter,
    Decided,
    Decision,
    DecisionAction,
    Wish,
    decide_matching,
    decide_named,
)
from resources.workspace import Workspace
from trueup.cli.acting import acting
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, finish, print_json, print_lines

ChangesArgument = Annotated[list[str] | None, typer.Argument(help="Changes as ID@REVISION; or choose with --period.")]
MonthOption = Annotated[str | None, typer.Option("--period", help="All changes of this billing period, YYYY-MM.")]
KindOption = Annotated[DeltaKind | None, typer.Option("--kind", help="Only changes of this kind.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only changes that this source feeds.")]
AccountOption = Annotated[str | None, typer.Option("--account", help="Only this PSA account id.")]
AmountOption = Annotated[
    str | None,
    typer.Option("--max-amount", help="Only changes of at most this much money, up or down, in billing.currency."),
]


@dataclass(frozen=True)
class _Choice:
    """Which changes a command is about: those that are named, or those of a month that a filter means."""

    named: list[str]
    period: str | None
    kind: DeltaKind | None
    source: str | None
    account: str | None
    max_amount: str | None

    def wanted(self) -> ChangeFilter | None:
        """The filter; None when changes are named. Anything in between is a usage error."""
        narrowed = any((self.kind, self.source, self.account, self.max_amount))
        if self.named and (self.period or narrowed):
            raise CommandError("name changes, or choose them with --period and filters: not both", Exit.USAGE)
        if not self.named and self.period is None:
            raise CommandError("name changes as ID@REVISION, or choose them with --period YYYY-MM", Exit.USAGE)
        if self.period is None:
            return None
        return ChangeFilter(period_of(self.period).key, self.kind, self.source, self.account, self._bound())

    def _bound(self) -> Decimal | None:
        if self.max_amount is None:
            return None
        try:
            bound = Decimal(self.max_amount)
        except InvalidOperation:
            bound = Decimal("NaN")
        if not bound.is_finite() or bound < 0:
            raise CommandError(f"--max-amount {self.max_amount} is no amount, for example 100.00", Exit.USAGE)
        return bound


def approve(
    changes: ChangesArgument = None,
    period: MonthOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    account: AccountOption = None,
    max_amount: AmountOption = None,
    effective_date: Annotated[
        str | None, typer.Option("--effective-date", help="From which day it shall hold, YYYY-MM-DD.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", help="Your words; kept beside the trail.")] = None,
    confirm_zero: Annotated[bool, typer.Option("--confirm-zero", help="Also changes that end at nothing.")] = False,
    agreement: Annotated[str | None, typer.Option("--agreement", help="Where an unbilled service goes.")] = None,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say yes to exactly these numbers. Write-back carries them out, once, if nothing moved meanwhile.

    Exit code 3 when a change that was named stays undecided; the reason is printed.

    Example: trueup approve 4be1c09a77d2@1 --by dana --note "agreed with Acme on the phone"
    """
    choice = _Choice(changes or [], period, kind, source, account, max_amount)
    with open_workspace(workspace) as opened:
        wish = Wish(
            action=DecisionAction.APPROVED,
            actor=acting(opened, by),
            note=note,
            has_confirmed_zero=confirm_zero,
            effective_date=_day(effective_date),
            agreement_id=agreement,
        )
        decided = _decide(opened, choice, wish)
    _report(decided, wish, choice, as_json)


def decline(
    reason: Annotated[str, typer.Option("--reason", help="Why not; kept beside the trail.")],
    changes: ChangesArgument = None,
    period: MonthOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    account: AccountOption = None,
    max_amount: AmountOption = None,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say no. A declined change comes back only with other numbers.

    Example: trueup decline 4be1c09a77d2@1 --by dana --reason "they leave in December"
    """
    choice = _Choice(changes or [], period, kind, source, account, max_amount)
    with open_workspace(workspace) as opened:
        wish = Wish(DecisionAction.DECLINED, acting(opened, by), reason)
        decided = _decide(opened, choice, wish)
    _report(decided, wish, choice, as_json)


def revoke(
    changes: ChangesArgument = None,
    period: MonthOption = None,
    kind: KindOption = None,
    source: SourceOption = None,
    account: AccountOption = None,
    max_amount: AmountOption = None,
    note: Annotated[str | None, typer.Option("--note", help="Your words; kept beside the trail.")] = None,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a decision back, as long as write-back has not begun with the change.

    Example: trueup revoke 4be1c09a77d2@1 --by dana
    """
    choice = _Choice(changes or [], period, kind, source, account, max_amount)
    with open_workspace(workspace) as opened:
        wish = Wish(DecisionAction.REVOKED, acting(opened, by), note)
        decided = _decide(opened, choice, wish)
    _report(decided, wish, choice, as_json)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--effective-date {text} is no date, for example 2026-11-01", Exit.USAGE) from error


def _decide(opened: Workspace, choice: _Choice, wish: Wish) -> Decided:
    ledger, now, new_id = opened.decision_ledger, opened.clock(), opened.new_id
    wanted = choice.wanted()
    if wanted is None:
        return decide_named(ledger, choice.named, wish, now=now, new_id=new_id)
    return decide_matching(ledger, wanted, wish, currency=opened.settings.billing_currency, now=now, new_id=new_id)


def _report(decided: Decided, wish: Wish, choice: _Choice, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(decided))
    else:
        print_lines(in_words(decided, wish.action))
    if decided.undecided and choice.named:
        finish(Exit.NOT_RECONCILED)


def _as_json(decided: Decided) -> dict[str, Any]:
    return {
        "decided": [
            {
                "id": decision.change_id,
                "revision": decision.revision,
                "status": str(BECOMES[decision.action]),
                "by": decision.actor.name,
                "at": decision.at.isoformat(),
                "plan_hash": decision.plan_hash,
            }
            for decision in decided.decisions
        ],
        "already": [
            {"id": change.change_id, "revision": change.revision, "status": str(change.status)}
            for change in decided.already
        ],
        "undecided": [
            {"id": item.change_id, "revision": item.revision, "reason": item.reason} for item in decided.undecided
        ],
    }


def in_words(decided: Decided, action: DecisionAction) -> list[str]:
    """What became of a wish, for people."""
    done = [f"{d.change_id}@{d.revision} {_stands(d)}{_what(d)}" for d in decided.decisions]
    already = [f"{c.change_id}@{c.revision} is {c.status} already; nothing changed" for c in decided.already]
    left = [
        f"{item.change_id}{'' if item.revision is None else f'@{item.revision}'} stays undecided: {item.reason}"
        for item in decided.undecided
    ]
    return [*done, *already, *left] or [f"No change is there that could be {action}."]


def _stands(decision: Decision) -> str:
    if decision.action is DecisionAction.FIRST_APPROVED:
        return "has the first of two approvals, and waits for another person"
    return f"is {BECOMES[decision.action]}"


def _what(decision: Decision) -> str:
    plan = decision.plan
    if plan is None:
        return ""
    if plan["line"] is None:
        return f": a new line on agreement {plan['agreement']} from {plan['effective_date']}, {plan['after']}"
    # A day that waits is told; the others' is the one that the change was listed with.
    day = f", to be written on {plan['effective_date']}" if "when" in plan else ""
    return f": line {plan['line']}, {plan['before']} → {plan['after']}{day}"
