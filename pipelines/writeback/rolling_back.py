"""Rolling a run of write-back back: for each change that it wrote, the opposite one, proposed like any other.

Belongs here: which written changes can be taken back, what the opposite change is, what cannot be reversed, the use
case with its Protocol.
Does not belong here: deciding about what is proposed (``pipelines.review``), writing it (``turn``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from pipelines.agreements.records import NO_RECORDS, AgreementLine, PsaRecords
from pipelines.audit import AuditAction, AuditEvent
from pipelines.identity import ChangeId
from pipelines.periods import BillingPeriod
from pipelines.quantities import rounded, text
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.reconciliation.month import Tenant
from pipelines.review.approval import Actor
from pipelines.review.changes import ROLL_BACK, Change, ChangeStatus, When
from pipelines.review.proposing import OPEN, target_of

_SETTLED = OPEN | {ChangeStatus.WRITTEN, ChangeStatus.DECLINED}
"""Where a roll-back stands when asking for it again changes nothing."""


class NothingWrittenError(Exception):
    """No run of write-back of that id wrote anything."""


@dataclass(frozen=True)
class Written:
    """A change that write-back concluded as written, with the agreement and the date that it was approved with.

    ``number`` counts conclusions in the order in which they came. ``was_sent``: a request of ours went out for it; a
    line that held the new quantity already was written by somebody else.
    """

    change: Change
    batch_id: str
    number: int
    at: datetime
    was_sent: bool


@dataclass(frozen=True)
class CopiedPsa:
    """The newest whole copy of the PSA, and when reading it began; None while there is none."""

    records: PsaRecords = NO_RECORDS
    started_at: datetime | None = None


@dataclass(frozen=True)
class LeftOut:
    """A written change that is not taken back, with the reason in an operator's words."""

    change: Change
    reason: str


@dataclass(frozen=True)
class RollBack:
    """What rolling a run back came to. ``already`` were proposed when it was asked for before."""

    batch_id: str
    proposed: tuple[Change, ...]
    already: tuple[Change, ...]
    left_out: tuple[LeftOut, ...]


class RollBackLedger(Protocol):
    """Where written changes are known and roll-backs are proposed."""

    def written_since(self, batch_id: str) -> Sequence[Written]:
        """Everything written from the first conclusion of a run on, its own and that of all later ones, in order."""
        ...

    def latest_changes(self) -> Sequence[Change]:
        """The latest revision of every change of the tenant, all months."""
        ...

    def propose(self, changes: Sequence[Change], event: AuditEvent) -> None:
        """Store proposals and the entry about them in one transaction."""
        ...


def irreversible(tenant: Tenant) -> list[str]:
    """What no roll-back takes back, in words for whoever is about to ask for one."""
    words = ["Invoices that were made since the write stay as they are: correct them in the PSA."]
    if tenant.takes_dates:
        words.append(
            "This PSA changes a line from a date on, and what it has invoiced for a part of a period (prorations) "
            "cannot be taken back: a roll-back holds from its own effective date on."
        )
    return words


def roll_back(
    batch_id: str, tenant: Tenant, ledger: RollBackLedger, psa: CopiedPsa, *, by: Actor, now: datetime
) -> RollBack:
    """Propose the opposite of everything that a run wrote; nothing is approved and nothing written by it.

    Raises ``NothingWrittenError`` for a run that wrote nothing. Asked twice, it proposes nothing new.
    """
    written = ledger.written_since(batch_id)
    meant = [each for each in written if each.batch_id == batch_id]
    if not meant:
        raise NothingWrittenError(f"no run of write-back {batch_id} wrote anything; trueup changes list --json has ids")
    sight = _Sight(tenant, ledger.latest_changes(), written, psa, now)
    known = [(each, sight.standing(each)) for each in meant]
    already = [change for _, change in known if change is not None and change.status in _SETTLED]
    asked = [sight.opposite(each, change) for each, change in known if change is None or change.status not in _SETTLED]
    proposed = [item for item in asked if isinstance(item, Change)]
    if proposed:
        ledger.propose(proposed, _event(batch_id, proposed, by, now))
    left_out = [item for item in asked if isinstance(item, LeftOut)]
    return RollBack(batch_id, tuple(proposed), tuple(already), tuple(left_out))


def roll_back_id(tenant: str, batch_id: str, change_id: ChangeId) -> ChangeId:
    """The stable id of taking back what a run wrote for a change."""
    return ChangeId(hashlib.sha256(f"{tenant}\x1froll back\x1f{batch_id}\x1f{change_id}".encode()).hexdigest()[:12])


@dataclass(frozen=True)
class _Sight:
    """What is known when a run is rolled back."""

    tenant: Tenant
    latest: Sequence[Change]
    written: Sequence[Written]
    psa: CopiedPsa
    now: datetime

    def standing(self, each: Written) -> Change | None:
        """The roll-back of a written change, if it was asked for before."""
        wanted = roll_back_id(self.tenant.id, each.batch_id, each.change.change_id)
        return next((change for change in self.latest if change.change_id == wanted), None)

    def opposite(self, each: Written, known: Change | None) -> Change | LeftOut:
        """The change that takes a written one back, or why none does. ``known`` is one that came to nothing."""
        if not each.was_sent:
            held = text(each.change.quantity_after)
            return LeftOut(each.change, f"the line held {held} before anything was sent: this run did not write it")
        target = self._target(each)
        if isinstance(target, str):
            return LeftOut(each.change, target)
        reason = self._taken(each, target)
        if reason is not None:
            return LeftOut(each.change, reason)
        return self._change(each, target, 1 if known is None else known.revision + 1)

    def _target(self, each: Written) -> Change | str:
        """The written change on the line that it wrote, at that line's price; or why the line is not known."""
        change = each.change
        if change.line_id is not None:
            line = next((line for line in self.psa.records.lines if str(line.id) == change.line_id), None)
            return change if line is None else _on(change, line)
        if self.psa.started_at is None or self.psa.started_at <= each.at:
            return f"it made a new line, and the PSA was not copied since: trueup run --period {change.period} first"
        made = [line for line in self.psa.records.lines if _is_made(line, change)]
        if len(made) != 1:
            return (
                f"it made a new line of {text(change.quantity_after)}, and agreement {change.agreement_id} has "
                f"{len(made)} such lines of service {change.service_id}: take it back in the PSA"
            )
        return _on(change, made[0])

    def _taken(self, each: Written, target: Change) -> str | None:
        """Why a line is not this run's to take back any more."""
        lines = {target_of(each.change), target_of(target)}
        newer = [one for one in self.written if one.number > each.number and target_of(one.change) in lines]
        if newer:
            return f"it was written again since, by run {newer[-1].batch_id}: roll that one back first"
        standing = next((one for one in self.latest if one.status in OPEN and target_of(one) in lines), None)
        if standing is None:
            return None
        return (
            f"another change of it is open, {standing.change_id}@{standing.revision} ({standing.status}): decide about "
            "that one"
        )

    def _change(self, each: Written, target: Change, revision: int) -> Change:
        written, before = target.quantity_after, target.quantity_before or Decimal(0)
        price, period = target.unit_price, BillingPeriod.from_key(target.period)
        return replace(
            target,
            change_id=roll_back_id(self.tenant.id, each.batch_id, each.change.change_id),
            revision=revision,
            kind=DeltaKind.INCREASE if before > written else DeltaKind.DECREASE,
            status=ChangeStatus.PROPOSED,
            quantity_before=written,
            quantity_after=before,
            amount_delta=None if price is None else rounded((before - written) * price),
            effective_date=self.tenant.holds_from(period, self.now),
            when=When.NOW,
            needs=("confirm_zero",) if before == 0 else (),
            flags=(ROLL_BACK,),
            proposed_at=self.now,
            batch_id=None,
        )


def _on(change: Change, line: AgreementLine) -> Change:
    return replace(
        change,
        agreement_id=str(line.agreement_id),
        line_id=str(line.id),
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
    )


def _is_made(line: AgreementLine, change: Change) -> bool:
    place = (str(line.agreement_id), str(line.service_id), line.quantity)
    return place == (change.agreement_id, change.service_id, change.quantity_after)


def _event(batch_id: str, proposed: Sequence[Change], by: Actor, now: datetime) -> AuditEvent:
    return AuditEvent(
        action=AuditAction.ROLL_BACK_PROPOSED,
        subject=batch_id,
        actor=by.name,
        is_asserted=by.is_asserted,
        at=now,
        details={"changes": [f"{change.change_id}@{change.revision}" for change in proposed]},
    )
