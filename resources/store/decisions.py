"""Decisions about changes: events that are only ever added.

Belongs here: recording a decision with the change's new status and its audit entry; finding the approvals that hold.
Does not belong here: whether a decision is allowed (``pipelines.review.approval``).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from pipelines.audit import AuditAction, AuditEvent
from pipelines.identity import ChangeId
from pipelines.review.approval import BECOMES, Actor, Decision, DecisionAction, approvals_that_hold
from pipelines.review.changes import ChangeStatus
from resources.store.audit import record_event
from resources.store.errors import NotInStore
from resources.store.statements import next_number
from resources.store.tables import change_revisions, decisions

_AUDITED = {
    DecisionAction.APPROVED: AuditAction.APPROVED,
    DecisionAction.FIRST_APPROVED: AuditAction.FIRST_APPROVED,
    DecisionAction.DECLINED: AuditAction.DECLINED,
    DecisionAction.REVOKED: AuditAction.REVOKED,
}


def record_decision(
    conn: Connection, tenant: str, decision: Decision, possible: frozenset[ChangeStatus]
) -> ChangeStatus | None:
    """Record a decision if its change still stands as one of ``possible``; the answer is where it stood otherwise.

    Of several that decide at once one wins; the others find the change decided. Raises ``NotInStore`` for a revision
    that never was.
    """
    table = change_revisions.c
    is_meant = (
        (table.tenant == tenant) & (table.change_id == decision.change_id) & (table.revision == decision.revision)
    )
    if decision.beside is not None:
        # Holds the row, so that of two first approvals given at once the later one sees the earlier.
        stands = conn.execute(select(table.status).where(is_meant).with_for_update()).scalar_one_or_none()
        known = {each.decision_id for each in _first_approvals(conn, tenant, decision)}
        if stands is not None and known != set(decision.beside):
            return ChangeStatus(stands)
    becomes = BECOMES[decision.action]
    moved = update(change_revisions).where(is_meant, table.status.in_(possible)).values(status=becomes)
    if not conn.execute(moved).rowcount:
        stands = conn.execute(select(table.status).where(is_meant)).scalar_one_or_none()
        if stands is None:
            raise NotInStore(f"change {decision.change_id}@{decision.revision}")
        return ChangeStatus(stands)
    number = next_number(conn, tenant, decisions.name)
    conn.execute(insert(decisions).values(tenant=tenant, number=number, **_values(decision)))
    record_event(conn, tenant, _event(decision))
    return None


def _first_approvals(conn: Connection, tenant: str, decision: Decision) -> list[Decision]:
    about = decisions_about(conn, tenant, [decision.change_id])
    return approvals_that_hold(each for each in about if each.revision == decision.revision)


def decisions_about(conn: Connection, tenant: str, change_ids: Sequence[ChangeId]) -> list[Decision]:
    """Every decision about these changes, in the order in which they were made. Notes stay in the audit trail."""
    query = _decisions(tenant).where(decisions.c.change_id.in_(change_ids)).order_by(decisions.c.number)
    return [_decision(row) for row in conn.execute(query).mappings()]


def decisions_of_period(conn: Connection, tenant: str, period: str) -> list[Decision]:
    """Every decision about the changes of a month, in the order in which they were made."""
    of_period = change_revisions.c
    query = _decisions(tenant).join(
        change_revisions,
        (of_period.tenant == decisions.c.tenant)
        & (of_period.change_id == decisions.c.change_id)
        & (of_period.revision == decisions.c.revision),
    )
    rows = conn.execute(query.where(of_period.period == period).order_by(decisions.c.number)).mappings()
    return [_decision(row) for row in rows]


def holding_approvals() -> Select[tuple[str, int, int]]:
    """A query of the latest approval's number per (tenant, change, revision), for joins."""
    table = decisions.c
    return (
        select(table.tenant, table.change_id, table.revision, func.max(table.number).label("number"))
        .where(table.action == DecisionAction.APPROVED)
        .group_by(table.tenant, table.change_id, table.revision)
    )


def _decisions(tenant: str) -> Select[tuple[object, ...]]:
    return select(decisions).where(decisions.c.tenant == tenant)


def _values(decision: Decision) -> dict[str, object]:
    own = {name: value for name, value in vars(decision).items() if name not in {"actor", "note", "beside"}}
    return own | {"actor": decision.actor.name, "is_asserted": decision.actor.is_asserted}


def _decision(row: RowMapping) -> Decision:
    own = {name: row[name] for name in ("decision_id", "change_id", "revision", "at", "plan_hash", "plan")}
    return Decision(
        **own,
        action=DecisionAction(row["action"]),
        actor=Actor(row["actor"], row["is_asserted"]),
        has_confirmed_zero=row["has_confirmed_zero"],
    )


def _event(decision: Decision) -> AuditEvent:
    plan = decision.plan or {}
    details = {
        "decision": decision.decision_id,
        "plan_hash": decision.plan_hash,
        "has_confirmed_zero": decision.has_confirmed_zero,
    } | ({"beside": list(decision.beside)} if decision.beside else {})
    shown = ("period", "agreement", "line", "before", "after", "effective_date", "policy")
    return AuditEvent(
        action=_AUDITED[decision.action],
        subject=f"{decision.change_id}@{decision.revision}",
        actor=decision.actor.name,
        is_asserted=decision.actor.is_asserted,
        at=decision.at,
        details=details | {name: plan[name] for name in shown if name in plan},
        words=decision.note,
    )
