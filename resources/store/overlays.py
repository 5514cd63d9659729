"""What people decided about single records of a drop.

Belongs here: recording a decision and telling which ones hold.
Does not belong here: applying them (``pipelines.intake``).
"""

from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from pipelines.intake.drops import DropIdentity
from pipelines.intake.rows import OverlayAction, RowOverlay
from resources.store.statements import next_number
from resources.store.tables import row_overlays
from resources.store.usage import ensure_drop


def record_overlay(
    conn: Connection, tenant: str, overlay_id: str, drop: DropIdentity, overlay: RowOverlay, at: datetime
) -> None:
    """Record a decision. It takes the place of an earlier one about the same cell; that one is kept."""
    drop_id = ensure_drop(conn, tenant, drop, at)
    conn.execute(
        insert(row_overlays).values(
            tenant=tenant,
            overlay_id=overlay_id,
            number=next_number(conn, tenant, row_overlays.name),
            drop_id=drop_id,
            decided_at=at,
            **vars(overlay),
        )
    )


def overlays(conn: Connection, tenant: str, drop: DropIdentity) -> tuple[RowOverlay, ...]:
    """The decisions that hold, in the order they were made: the latest per (row, record, column)."""
    table = row_overlays.c
    cell = (table.row, table.record_hash, table.column)
    latest = (
        select(row_overlays, func.row_number().over(partition_by=cell, order_by=table.number.desc()).label("age"))
        .where(table.tenant == tenant, table.drop_id == drop.id_for(tenant))
        .subquery()
    )
    query = select(latest).where(latest.c.age == 1).order_by(latest.c.number)
    return tuple(
        RowOverlay(
            row=row["row"],
            record_hash=row["record_hash"],
            action=OverlayAction(row["action"]),
            column=row["column"],
            value=row["value"],
            reason=row["reason"],
            decided_by=row["decided_by"],
        )
        for row in conn.execute(query).mappings()
    )
