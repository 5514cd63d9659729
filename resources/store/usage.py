"""Drops, their revisions, the pointer to the current one, and the rows that were rejected.

Belongs here: publishing a reading of a file, finding readings by drop, period and file.
Does not belong here: usage rows themselves (the lake) and row decisions (``overlays``).
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.identity import DropId, FileId, RevisionId
from pipelines.intake.drops import DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.rows import RowAccounting, RowError
from resources.store.errors import NotInStore, StoreConflict, is_already_recorded
from resources.store.statements import insert_or_update, insert_unless_present
from resources.store.tables import current_revisions as pointers
from resources.store.tables import drops
from resources.store.tables import rejected_rows as rejected_table
from resources.store.tables import usage_revisions as revisions_table

_ROWS_AT_ONCE = 5_000
"""Rejected rows sent per statement: a million of them never stand in memory twice."""

_IDENTITY = ("source", "profile", "period", "part")


def publish_revision(conn: Connection, tenant: str, revision: UsageRevision, rejected: Sequence[RowError]) -> None:
    """Record a reading with its rejected rows and let it speak for its drop from now on.

    Raises ``StoreConflict`` when its number is not the next one of the drop: somebody published in between. The
    reading that stands is then theirs, whole.
    """
    drop_id = ensure_drop(conn, tenant, revision.drop, revision.created_at)
    _check_next(conn, tenant, drop_id, revision)
    try:
        conn.execute(insert(revisions_table).values(tenant=tenant, drop_id=drop_id, **_revision_values(revision)))
    except IntegrityError as error:
        if not is_already_recorded(error):
            raise
        raise _overtaken(revision) from None
    _insert_rejected(conn, tenant, revision.revision_id, rejected)
    pointer = {"tenant": tenant, "drop_id": drop_id, "revision_id": revision.revision_id}
    insert_or_update(conn, pointers, [pointer], kept=set())


def ensure_drop(conn: Connection, tenant: str, drop: DropIdentity, at: datetime) -> DropId:
    """The id of a drop, which is recorded when nothing spoke of it before."""
    drop_id = drop.id_for(tenant)
    insert_unless_present(conn, drops, [{"tenant": tenant, "drop_id": drop_id, "first_seen_at": at, **vars(drop)}])
    return drop_id


def _check_next(conn: Connection, tenant: str, drop_id: DropId, revision: UsageRevision) -> None:
    # Locking the drop puts its publishers in line on PostgreSQL; on SQLite the transaction does.
    conn.execute(select(drops.c.drop_id).where(drops.c.tenant == tenant, drops.c.drop_id == drop_id).with_for_update())
    if revision.revision != _newest_number(conn, tenant, drop_id) + 1:
        raise _overtaken(revision)


def _newest_number(conn: Connection, tenant: str, drop_id: DropId) -> int:
    table = revisions_table.c
    query = select(func.max(table.revision)).where(table.tenant == tenant, table.drop_id == drop_id)
    return conn.execute(query).scalar() or 0


def _overtaken(revision: UsageRevision) -> StoreConflict:
    drop = revision.drop
    part = f", part {drop.part}" if drop.part else ""
    return StoreConflict(
        f"Another run published a file of {drop.source} ({drop.profile}{part}) for {drop.period} "
        f"while {revision.file_name} was read, so revision {revision.revision} was not stored."
    )


def _revision_values(revision: UsageRevision) -> dict[str, object]:
    values = {name: value for name, value in vars(revision).items() if name != "drop"}
    return values | {"reasons": list(revision.reasons), "rows": revision.rows.as_json()}


def _insert_rejected(conn: Connection, tenant: str, revision_id: RevisionId, rejected: Sequence[RowError]) -> None:
    numbered = enumerate(rejected)
    while batch := list(islice(numbered, _ROWS_AT_ONCE)):
        conn.execute(
            insert(rejected_table),
            [
                {"tenant": tenant, "revision_id": revision_id, "position": position, **vars(error)}
                for position, error in batch
            ],
        )


def current_revision(conn: Connection, tenant: str, drop: DropIdentity) -> UsageRevision | None:
    """The reading that speaks for a drop now, if there is one."""
    query = _current(tenant).where(drops.c.drop_id == drop.id_for(tenant))
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else _revision(row)


def current_revisions(
    conn: Connection, tenant: str, period: str, *, as_of: datetime | None = None
) -> list[UsageRevision]:
    """The readings that speak for a period now, or spoke for it at an instant, by source, profile and part."""
    speaking = _current(tenant) if as_of is None else _newest_by(tenant, as_of)
    query = speaking.where(drops.c.period == period).order_by(*(drops.c[name] for name in _IDENTITY))
    return [_revision(row) for row in conn.execute(query).mappings()]


def invoices_between(
    conn: Connection, tenant: str, first: str, end: str, *, as_of: datetime | None = None
) -> list[UsageRevision]:
    """The readings of invoices that speak (or spoke at an instant) for the periods from ``first`` until ``end``.

    ``end`` is exclusive; drops that somebody retired are left out. By period, source, profile and part.
    """
    speaking = _current(tenant) if as_of is None else _newest_by(tenant, as_of)
    table = drops.c
    query = speaking.where(
        table.period >= first,
        table.period < end,
        revisions_table.c.basis == "invoice",
        revisions_table.c.lake_path.is_not(None),
    )
    is_retired = table.retired_at.is_not(None) if as_of is None else table.retired_at <= as_of
    ordered = query.where(~func.coalesce(is_retired, False)).order_by(
        table.period, *(table[name] for name in _IDENTITY)
    )
    return [_revision(row) for row in conn.execute(ordered).mappings()]


def speaking_revisions(conn: Connection, tenant: str) -> list[UsageRevision]:
    """The readings that speak for any period now, the earliest period first."""
    query = _current(tenant).order_by(drops.c.period, *(drops.c[name] for name in _IDENTITY))
    return [_revision(row) for row in conn.execute(query).mappings()]


def current_revision_ids(conn: Connection, tenant: str, period: str) -> list[str]:
    """The ids of the readings that speak for a period now, in order."""
    query = select(pointers.c.revision_id).join(
        drops,
        (drops.c.tenant == pointers.c.tenant) & (drops.c.drop_id == pointers.c.drop_id),
    )
    of_period = query.where(pointers.c.tenant == tenant, drops.c.period == period)
    return sorted(conn.execute(of_period).scalars())


def revisions(conn: Connection, tenant: str, drop: DropIdentity) -> list[UsageRevision]:
    """Every reading that ever spoke for a drop, the first first."""
    query = _all(tenant).where(drops.c.drop_id == drop.id_for(tenant)).order_by(revisions_table.c.revision)
    return [_revision(row) for row in conn.execute(query).mappings()]


def revision_of_file(conn: Connection, tenant: str, file_id: FileId) -> list[UsageRevision]:
    """Every reading of a file: several where it holds several months or parts, or was read again with row fixes."""
    query = _all(tenant).where(revisions_table.c.file_id == file_id)
    ordered = query.order_by(*(drops.c[name] for name in _IDENTITY), revisions_table.c.revision)
    return [_revision(row) for row in conn.execute(ordered).mappings()]


def rejected_rows(
    conn: Connection, tenant: str, revision_ids: Sequence[RevisionId]
) -> list[tuple[RevisionId, RowError]]:
    """The rejected rows of these readings, each in the order of its file."""
    table = rejected_table.c
    query = (
        select(rejected_table)
        .where(table.tenant == tenant, table.revision_id.in_(list(revision_ids)))
        .order_by(table.revision_id, table.position)
    )
    return [_rejected(row) for row in conn.execute(query).mappings()]


def known_drops(conn: Connection, tenant: str, period: str, *, as_of: datetime | None = None) -> list[DropIdentity]:
    """What had a file in a period and was not retired: the following month waits for the same."""
    table = drops.c
    query = (
        select(*(table[name] for name in _IDENTITY))
        .where(table.tenant == tenant, table.period == period)
        .order_by(*(table[name] for name in _IDENTITY))
    )
    if as_of is None:
        query = query.where(table.retired_at.is_(None))
    else:
        query = query.where(table.first_seen_at <= as_of, table.retired_at.is_(None) | (table.retired_at > as_of))
    return [DropIdentity(**row) for row in conn.execute(query).mappings()]


def retire_drop(conn: Connection, tenant: str, drop: DropIdentity, by: str, at: datetime) -> None:
    """Note that nobody waits for this drop's like any more. Raises ``NotInStore`` for a drop that never was."""
    table = drops.c
    statement = (
        update(drops)
        .where(table.tenant == tenant, table.drop_id == drop.id_for(tenant))
        .values(retired_at=at, retired_by=by)
    )
    if conn.execute(statement).rowcount == 0:
        raise NotInStore(f"file of {drop.source} ({drop.profile}) for {drop.period}")


def _all(tenant: str) -> Select[tuple[object, ...]]:
    of_drop = (drops.c.tenant == revisions_table.c.tenant) & (drops.c.drop_id == revisions_table.c.drop_id)
    identity = [drops.c[name] for name in _IDENTITY]
    return select(revisions_table, *identity).join(drops, of_drop).where(revisions_table.c.tenant == tenant)


def _current(tenant: str) -> Select[tuple[object, ...]]:
    pointed_at = (pointers.c.tenant == revisions_table.c.tenant) & (
        pointers.c.revision_id == revisions_table.c.revision_id
    )
    return _all(tenant).join(pointers, pointed_at)


def _newest_by(tenant: str, as_of: datetime) -> Select[tuple[object, ...]]:
    """The newest reading that each drop had at an instant: every new reading takes over from the one before."""
    table, later = revisions_table.c, revisions_table.alias("later")
    is_overtaken = (
        select(later.c.revision)
        .where(
            later.c.tenant == table.tenant,
            later.c.drop_id == table.drop_id,
            later.c.revision > table.revision,
            later.c.created_at <= as_of,
        )
        .exists()
    )
    return _all(tenant).where(table.created_at <= as_of, ~is_overtaken)


def _revision(row: RowMapping) -> UsageRevision:
    values = {name: value for name, value in row.items() if name not in {"tenant", "drop_id", *_IDENTITY}}
    return UsageRevision(
        **values
        | {
            "drop": DropIdentity(**{name: row[name] for name in _IDENTITY}),
            "verdict": SourceVerdict(row["verdict"]),
            "reasons": tuple(row["reasons"]),
            "rows": RowAccounting.from_json(row["rows"]),
        }
    )


def _rejected(row: RowMapping) -> tuple[RevisionId, RowError]:
    values = {name: value for name, value in row.items() if name not in {"tenant", "revision_id", "position"}}
    return RevisionId(row["revision_id"]), RowError(**values)
