"""Proposed changes and their revisions.

Belongs here: storing revisions, moving their status, finding the latest of each change.
Does not belong here: which status may follow which, approvals, write intents.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipelines.findings import Evidence
from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.changes import Change, ChangeStatus, When
from resources.store.errors import NotInStore, StoreConflict, is_already_recorded
from resources.store.statements import insert_unless_present
from resources.store.tables import change_revisions as revisions_table
from resources.store.tables import changes


def latest_changes(
    conn: Connection, tenant: str, *, period: str | None = None, status: ChangeStatus | None = None
) -> list[Change]:
    """The latest revision of every change, by period and id. ``status`` is that of the latest revision."""
    return [change_from(row) for row in conn.execute(_latest(tenant, period, status)).mappings()]


@lru_cache(maxsize=64)
def _latest(tenant: str, period: str | None, status: ChangeStatus | None) -> Select[Any]:
    """Kept, since putting the statement together takes longer than running it."""
    table, later = revisions_table.c, revisions_table.alias("later")
    is_overtaken = (
        select(later.c.revision)
        .where(
            later.c.tenant == table.tenant,
            later.c.change_id == table.change_id,
            later.c.revision > table.revision,
        )
        .exists()
    )
    query = select(revisions_table).where(table.tenant == tenant, ~is_overtaken)
    if period is not None:
        query = query.where(table.period == period)
    if status is not None:
        query = query.where(table.status == status)
    return query.order_by(table.period, table.change_id)


def change_revisions(conn: Connection, tenant: str, change_id: ChangeId) -> list[Change]:
    """All revisions of a change, the first first; none when there is no such change."""
    table = revisions_table.c
    query = select(revisions_table).where(table.tenant == tenant, table.change_id == change_id)
    return [change_from(row) for row in conn.execute(query.order_by(table.revision)).mappings()]


def insert_changes(conn: Connection, tenant: str, proposed: Sequence[Change]) -> None:
    """Store new revisions, and with a first one the change itself; all of them or none.

    Raises ``StoreConflict`` when one is there already: another run proposed in between.
    """
    if not proposed:
        return
    insert_unless_present(conn, changes, [_first_proposal(tenant, change) for change in proposed])
    try:
        conn.execute(insert(revisions_table), [{"tenant": tenant, **_values(change)} for change in proposed])
    except IntegrityError as error:
        if not is_already_recorded(error):
            raise
        names = [f"{change.change_id}@{change.revision}" for change in proposed]
        which = names[0] if len(names) == 1 else f"one of {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}"
        # "from None", here and elsewhere: whoever decides about a rerun looks at the innermost cause.
        raise StoreConflict(f"Another run proposed {which} already.") from None


def refresh_change(conn: Connection, tenant: str, change: Change) -> None:
    """Give a proposed revision fresh names and evidence; its status stays.

    Raises ``StoreConflict`` when it is proposed no longer: what somebody decided about is never rewritten.
    """
    fresh = {name: value for name, value in _values(change).items() if name not in {"status", "batch_id"}}
    _update(conn, tenant, change.change_id, change.revision, ChangeStatus.PROPOSED, fresh)


def set_status(
    conn: Connection,
    tenant: str,
    change_id: ChangeId,
    revision: int,
    status: ChangeStatus,
    *,
    expected: ChangeStatus | None = None,
) -> None:
    """Move a revision to a status, when it still stands as ``expected`` (None: however it stands).

    Raises ``NotInStore`` for an unknown revision and ``StoreConflict`` when it stands otherwise by now.
    """
    _update(conn, tenant, change_id, revision, expected, {"status": status})


def _update(
    conn: Connection,
    tenant: str,
    change_id: ChangeId,
    revision: int,
    expected: ChangeStatus | None,
    values: dict[str, object],
) -> None:
    table = revisions_table.c
    is_meant = (table.tenant == tenant) & (table.change_id == change_id) & (table.revision == revision)
    statement = update(revisions_table).where(is_meant).values(**values)
    if expected is not None:
        statement = statement.where(table.status == expected)
    if conn.execute(statement).rowcount:
        return
    stands = conn.execute(select(table.status).where(is_meant)).scalar_one_or_none()
    if stands is None:
        raise NotInStore(f"change {change_id}@{revision}")
    raise StoreConflict(f"Change {change_id}@{revision} is {stands} by now and was left as it is.")


def _first_proposal(tenant: str, change: Change) -> dict[str, object]:
    return {
        "tenant": tenant,
        "change_id": change.change_id,
        "period": change.period,
        "first_proposed_at": change.proposed_at,
    }


def _values(change: Change) -> dict[str, object]:
    lists = {name: list(getattr(change, name)) for name in ("sources", "needs", "flags")}
    return vars(change) | lists | {"evidence": [item.as_json() for item in change.evidence]}


def change_from(row: RowMapping | Mapping[str, Any]) -> Change:
    """A change from the columns of its revision."""
    values = {name: value for name, value in row.items() if name != "tenant"}
    return Change(
        **values
        | {name: tuple(row[name]) for name in ("sources", "needs", "flags")}
        | {
            "kind": DeltaKind(row["kind"]),
            "status": ChangeStatus(row["status"]),
            "when": When(row["when"]),
            "evidence": tuple(Evidence(**item) for item in row["evidence"]),
        }
    )
