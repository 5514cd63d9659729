"""Billing periods that people closed or reopened.

Belongs here: whether a period is open, which open ones have something to reconcile.
Does not belong here: what closing freezes.
"""

from typing import Literal

from sqlalchemy import Connection, exists, select

from resources.store.tables import current_revisions, drops, periods

PeriodStatus = Literal["open", "closed"]


def period_status(conn: Connection, tenant: str, period: str) -> PeriodStatus:
    """Whether a period is frozen. One that nobody decided about is open."""
    query = select(periods.c.status).where(periods.c.tenant == tenant, periods.c.period == period)
    return "closed" if conn.execute(query).scalar_one_or_none() == "closed" else "open"


def open_periods(conn: Connection, tenant: str) -> list[str]:
    """Every period that some file speaks for and that is not closed, the earliest first."""
    is_closed = exists().where(
        periods.c.tenant == drops.c.tenant, periods.c.period == drops.c.period, periods.c.status == "closed"
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
