"""Billing periods that people closed or reopened.

Belongs here: whether a period is open, the instant that a closed one is frozen at, which have something to reconcile.
Does not belong here: what may be closed (``pipelines.review.closing``), reading as of an instant (each topic).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, select

from pipelines.audit import AuditAction, AuditEvent
from pipelines.review.closing import Closing, Reopening
from resources.store import audit
from resources.store.errors import StoreConflict
from resources.store.statements import insert_or_update
from resources.store.tables import current_revisions, drops, periods, usage_revisions


@dataclass(frozen=True)
class PeriodDecision:
    """The last decision about a period: closed as of an instant, or (``as_of`` None) open again."""

    period: str
    as_of: datetime | None
    decided_by: str
    decided_at: datetime


def frozen_at(conn: Connection, tenant: str, period: str) -> datetime | None:
    """The instant that a closed period is known up to; None for an open one, as is one that nobody decided about."""
    query = select(periods.c.as_of).where(periods.c.tenant == tenant, periods.c.period == period)
    return conn.execute(query).scalar_one_or_none()


def period_decisions(conn: Connection, tenant: str) -> list[PeriodDecision]:
    """The last decision about every period that somebody decided about, the earliest period first."""
    table = periods.c
    columns = (table.period, table.as_of, table.decided_by, table.decided_at)
    query = select(*columns).where(table.tenant == tenant).order_by(table.period)
    return [PeriodDecision(**row) for row in conn.execute(query).mappings()]


def close_period(conn: Connection, tenant: str, closing: Closing) -> None:
    """Freeze a period, and record it in the trail. Raises ``StoreConflict`` when it is frozen already."""
    if frozen_at(conn, tenant, closing.period) is not None:
        raise StoreConflict(f"Somebody else closed {closing.period} meanwhile.")
    _decide(conn, tenant, closing.period, closing.as_of, closing)
    _tell(conn, tenant, AuditAction.PERIOD_CLOSED, closing, {"as_of": closing.as_of.isoformat()})


def reopen_period(conn: Connection, tenant: str, reopening: Reopening) -> bool:
    """Let a closed period follow its newest inputs again, and record it; False when it was open."""
    if frozen_at(conn, tenant, reopening.period) is None:
        return False
    _decide(conn, tenant, reopening.period, None, reopening)
    _tell(conn, tenant, AuditAction.PERIOD_REOPENED, reopening, {})
    return True


def _decide(conn: Connection, tenant: str, period: str, as_of: datetime | None, decision: Closing | Reopening) -> None:
    row = {
        "tenant": tenant,
        "period": period,
        "status": "open" if as_of is None else "closed",
        "as_of": as_of,
        "decided_at": decision.at,
        "decided_by": decision.by.name,
    }
    insert_or_update(conn, periods, [row], kept=set())


def _tell(
    conn: Connection,
    tenant: str,
    action: AuditAction,
    decision: Closing | Reopening,
    details: Mapping[str, str],
) -> None:
    by = decision.by
    audit.record_event(conn, tenant, AuditEvent(action, decision.period, by.name, by.is_asserted, decision.at, details))


def open_periods(conn: Connection, tenant: str) -> list[str]:
    """Every period that some file speaks for and that is not closed, the earliest first."""
    is_closed = exists().where(
        periods.c.tenant == drops.c.tenant, periods.c.period == drops.c.period, periods.c.as_of.is_not(None)
    )
    has_usage = exists().where(
        current_revisions.c.tenant == drops.c.tenant, current_revisions.c.drop_id == drops.c.drop_id
    )
    query = (
        select(drops.c.period)
        .distinct()
        .where(drops.c.tenant == tenant, has_usage, ~is_closed)
        .order_by(drops.c.period)
    )
    return list(conn.execute(query).scalars())


def late_periods(conn: Connection, tenant: str) -> list[str]:
    """Every closed period that a file spoke for after it was frozen, the earliest first."""
    of_drop = (drops.c.tenant == periods.c.tenant) & (drops.c.period == periods.c.period)
    of_revision = (usage_revisions.c.tenant == drops.c.tenant) & (usage_revisions.c.drop_id == drops.c.drop_id)
    query = (
        select(periods.c.period)
        .distinct()
        .join(drops, of_drop)
        .join(usage_revisions, of_revision)
        .where(periods.c.tenant == tenant, usage_revisions.c.created_at > periods.c.as_of)
        .order_by(periods.c.period)
    )
    return list(conn.execute(query).scalars())
