"""Published reconciliations of a period.

Belongs here: what each run concluded, and from which inputs.
Does not belong here: the changes and findings it published (``changes``, ``findings``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select

from resources.store.statements import next_number
from resources.store.tables import reconciliations


@dataclass(frozen=True)
class Reconciliation:
    """What one run concluded about a period. ``sources`` and ``summary`` are in the shapes of the outside contract."""

    period: str
    run_id: str
    input_hash: str
    verdict: str
    sources: list[dict[str, Any]]
    summary: dict[str, Any]
    at: datetime


def record_reconciliation(
    conn: Connection,
    tenant: str,
    period: str,
    run_id: str,
    input_hash: str,
    verdict: str,
    sources: Sequence[dict[str, Any]],
    summary: dict[str, Any],
    at: datetime,
) -> None:
    """Record what a run concluded; it is the period's latest from now on."""
    concluded = Reconciliation(period, run_id, input_hash, verdict, list(sources), summary, at)
    number = next_number(conn, tenant, reconciliations.name)
    conn.execute(insert(reconciliations).values(tenant=tenant, number=number, **vars(concluded)))


def latest_reconciliation(
    conn: Connection, tenant: str, period: str, *, as_of: datetime | None = None
) -> Reconciliation | None:
    """What the last run concluded about a period, or had concluded by an instant; None while there was none."""
    return _latest(conn, _recorded(tenant, as_of).where(reconciliations.c.period == period)).get(period)


def reconciliation_count(conn: Connection, tenant: str, period: str) -> int:
    """How many runs concluded about a period so far."""
    table = reconciliations.c
    query = select(func.count()).where(table.tenant == tenant, table.period == period)
    return conn.execute(query).scalar_one()


def latest_by_period(conn: Connection, tenant: str, *, as_of: datetime | None = None) -> dict[str, Reconciliation]:
    """What the last run concluded about each period that was ever reconciled, or was by an instant."""
    return _latest(conn, _recorded(tenant, as_of))


def _recorded(tenant: str, as_of: datetime | None) -> Select[tuple[object, ...]]:
    table, later = reconciliations.c, reconciliations.alias("later")
    overtaking = select(later.c.number).where(
        later.c.tenant == table.tenant, later.c.period == table.period, later.c.number > table.number
    )
    query = select(reconciliations).where(table.tenant == tenant).order_by(table.period)
    if as_of is not None:
        overtaking = overtaking.where(later.c.at <= as_of)
        query = query.where(table.at <= as_of)
    return query.where(~overtaking.exists())


def _latest(conn: Connection, query: Select[tuple[object, ...]]) -> dict[str, Reconciliation]:
    return {row["period"]: _reconciliation(row) for row in conn.execute(query).mappings()}


def _reconciliation(row: RowMapping) -> Reconciliation:
    return Reconciliation(**{name: value for name, value in row.items() if name not in {"tenant", "number"}})
