"""Attempts to copy the PSA.

Belongs here: recording an attempt, finding the newest.
Does not belong here: the copied records (the lake).
"""

from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, insert, select

from pipelines.agreements.records import CopyStatus, PsaCopy
from resources.store.statements import next_number
from resources.store.tables import psa_copies


def record_copy(conn: Connection, tenant: str, copy: PsaCopy) -> None:
    """Record an attempt, failed or not. Raises ``StoreConflict`` for an id that is there already."""
    number = next_number(conn, tenant, psa_copies.name)
    conn.execute(insert(psa_copies).values(tenant=tenant, number=number, **vars(copy)))


def newest_copy(conn: Connection, tenant: str, *, as_of: datetime | None = None) -> PsaCopy | None:
    """The attempt that was recorded last, even a failed one: an older success must not hide it.

    With ``as_of``, the last of those that had ended by that instant.
    """
    return _newest(conn, _copies(tenant, as_of))


def newest_complete_copy(conn: Connection, tenant: str, *, as_of: datetime | None = None) -> PsaCopy | None:
    """The last attempt that copied everything; with ``as_of``, of those that had ended by that instant."""
    return _newest(conn, _copies(tenant, as_of).where(psa_copies.c.status == CopyStatus.COMPLETE))


def _copies(tenant: str, as_of: datetime | None) -> Select[tuple[object, ...]]:
    query = select(psa_copies).where(psa_copies.c.tenant == tenant).order_by(psa_copies.c.number.desc()).limit(1)
    return query if as_of is None else query.where(psa_copies.c.finished_at <= as_of)


def _newest(conn: Connection, query: Select[tuple[object, ...]]) -> PsaCopy | None:
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _copy(row)


def _copy(row: RowMapping) -> PsaCopy:
    values = {name: value for name, value in row.items() if name not in {"tenant", "number"}}
    return PsaCopy(**values | {"status": CopyStatus(row["status"])})
