"""Arrivals and the attempts to take them in.

Belongs here: what was seen in the inbox or handed in, where it stands, how often it was tried.
Does not belong here: what a file said (``usage``).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from pipelines.identity import FileId
from pipelines.intake.drops import READ, Arrival, ArrivalStatus, Sighting
from resources.store.errors import NotInStore, StoreError
from resources.store.tables import arrivals as arrivals_table
from resources.store.tables import attempts as attempts_table

_RELEASABLE = frozenset({ArrivalStatus.QUARANTINED, ArrivalStatus.REFUSED})


@dataclass(frozen=True)
class Attempt:
    """One try to take a file in; without ``finished_at`` it is under way or was killed."""

    file_id: FileId
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    outcome: str | None
    message: str | None


def record_arrival(conn: Connection, tenant: str, arrival: Arrival) -> None:
    """Record a file that was seen for the first time, or handed in again."""
    conn.execute(insert(arrivals_table).values(tenant=tenant, **vars(arrival)))


def record_or_update_arrival(conn: Connection, tenant: str, arrival: Arrival) -> None:
    """Record a file, or what is now known of one that was recorded before (a released one that fits a profile now)."""
    table = arrivals_table.c
    found = update(arrivals_table).where(table.tenant == tenant, table.file_id == arrival.file_id)
    if conn.execute(found.values(**vars(arrival))).rowcount == 0:
        record_arrival(conn, tenant, arrival)


def arrivals(
    conn: Connection, tenant: str, *, status: ArrivalStatus | None = None, period: str | None = None
) -> list[Arrival]:
    """What arrived, oldest first; files of one instant by path, so that every reader takes them in one order."""
    table = arrivals_table.c
    query = select(arrivals_table).where(table.tenant == tenant)
    if status is not None:
        query = query.where(table.status == status)
    if period is not None:
        query = query.where(table.period == period)
    found = conn.execute(query.order_by(table.arrived_at, table.path, table.file_id)).mappings()
    return [_arrival(row) for row in found]


def sightings(conn: Connection, tenant: str) -> list[Sighting]:
    """What a look at the inbox is compared with, in the order of ``arrivals``."""
    table = arrivals_table.c
    turn = func.dense_rank().over(order_by=table.arrived_at)
    query = select(table.file_id, table.path, table.version, table.status, turn).where(table.tenant == tenant)
    found = conn.execute(query.order_by(table.arrived_at, table.path, table.file_id))
    return [Sighting(FileId(row[0]), row[1], row[2], ArrivalStatus(row[3]), row[4]) for row in found]


def read_after(conn: Connection, tenant: str, arrival: Arrival) -> list[Arrival]:
    """What arrived later for the same profile and was read, whatever came of it, in the order of ``arrivals``."""
    table = arrivals_table.c
    query = select(arrivals_table).where(
        table.tenant == tenant,
        table.profile == arrival.profile,
        table.arrived_at > arrival.arrived_at,
        table.status.in_(READ),
    )
    found = conn.execute(query.order_by(table.arrived_at, table.path, table.file_id)).mappings()
    return [_arrival(row) for row in found]


def arrival(conn: Connection, tenant: str, file_id: FileId) -> Arrival | None:
    """The file of that id, if it arrived."""
    table = arrivals_table.c
    query = select(arrivals_table).where(table.tenant == tenant, table.file_id == file_id)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _arrival(row)


def arrival_of_object(conn: Connection, tenant: str, path: str, version: str) -> Arrival | None:
    """The newest arrival of exactly this object: the same path, and not written again since."""
    table = arrivals_table.c
    query = (
        select(arrivals_table)
        .where(table.tenant == tenant, table.path == path, table.version == version)
        .order_by(table.arrived_at.desc(), table.file_id.desc())
        .limit(1)
    )
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _arrival(row)


def settle_arrival(
    conn: Connection, tenant: str, file_id: FileId, *, status: ArrivalStatus, reason: str | None = None
) -> None:
    """Say where the file stands now, and why. Raises ``NotInStore`` when it never arrived."""
    _change(conn, tenant, file_id, status=status, reason=reason)


def release(conn: Connection, tenant: str, file_id: FileId) -> None:
    """Let a quarantined or refused file be tried again, with all its tries before it.

    Raises ``StoreError`` for a file in any other status: taking it in again would not be a release.
    """
    found = arrival(conn, tenant, file_id)
    if found is None:
        raise NotInStore(f"file {file_id}")
    if found.status not in _RELEASABLE:
        raise StoreError(
            f"{found.path} is {found.status}; only a quarantined or refused file can be released.",
            would_retry_help=False,
        )
    _change(conn, tenant, file_id, status=ArrivalStatus.WAITING, reason=None, attempts=0)


def start_attempt(conn: Connection, tenant: str, file_id: FileId, at: datetime) -> int:
    """Note that the file is being tried; the number of the attempt.

    The number grows over the life of the file; only ``Arrival.attempts`` starts again with a release.
    """
    _change(conn, tenant, file_id, attempts=arrivals_table.c.attempts + 1)
    number = _attempts_made(conn, tenant, file_id) + 1
    conn.execute(insert(attempts_table).values(tenant=tenant, file_id=file_id, attempt=number, started_at=at))
    return number


def _attempts_made(conn: Connection, tenant: str, file_id: FileId) -> int:
    table = attempts_table.c
    query = select(func.max(table.attempt)).where(table.tenant == tenant, table.file_id == file_id)
    return conn.execute(query).scalar() or 0


def finish_attempt(
    conn: Connection, tenant: str, file_id: FileId, attempt: int, at: datetime, outcome: str, message: str | None
) -> None:
    """Note how an attempt ended. Raises ``NotInStore`` when it never started."""
    table = attempts_table.c
    statement = (
        update(attempts_table)
        .where(table.tenant == tenant, table.file_id == file_id, table.attempt == attempt)
        .values(finished_at=at, outcome=outcome, message=message)
    )
    if conn.execute(statement).rowcount == 0:
        raise NotInStore(f"attempt {attempt} of file {file_id}")


def withdraw_attempt(conn: Connection, tenant: str, file_id: FileId, attempt: int) -> None:
    """Forget an attempt that says nothing of the file. Raises ``NotInStore`` when it never started."""
    table = attempts_table.c
    statement = delete(attempts_table).where(table.tenant == tenant, table.file_id == file_id, table.attempt == attempt)
    if conn.execute(statement).rowcount == 0:
        raise NotInStore(f"attempt {attempt} of file {file_id}")
    _change(conn, tenant, file_id, attempts=arrivals_table.c.attempts - 1)


def attempts(conn: Connection, tenant: str, file_id: FileId) -> list[Attempt]:
    """Every try of a file, the first first."""
    table = attempts_table.c
    query = select(attempts_table).where(table.tenant == tenant, table.file_id == file_id).order_by(table.attempt)
    return [
        Attempt(FileId(row.file_id), row.attempt, row.started_at, row.finished_at, row.outcome, row.message)
        for row in conn.execute(query)
    ]


def attempts_made(conn: Connection, tenant: str) -> dict[FileId, int]:
    """How often each file was ever tried, over all releases; files that never were are left out.

    A run key for the next try is made of this and not of ``Arrival.attempts``, which a release sets back: a run key
    that was used once never starts a run again.
    """
    table = attempts_table.c
    query = select(table.file_id, func.max(table.attempt)).where(table.tenant == tenant).group_by(table.file_id)
    return {FileId(file_id): number for file_id, number in conn.execute(query)}


def _change(conn: Connection, tenant: str, file_id: FileId, **values: object) -> None:
    table = arrivals_table.c
    statement = update(arrivals_table).where(table.tenant == tenant, table.file_id == file_id).values(**values)
    if conn.execute(statement).rowcount == 0:
        raise NotInStore(f"file {file_id}")


def _arrival(row: RowMapping) -> Arrival:
    values = {name: value for name, value in row.items() if name != "tenant"}
    return Arrival(**values | {"status": ArrivalStatus(row["status"])})
