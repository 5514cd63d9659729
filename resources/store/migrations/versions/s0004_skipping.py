"""What skipping needs: keys about which a decision is put off.

Belongs here: the table of skipped keys.
Does not belong here: anything later.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INSTANT = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Add what skipping needs. No earlier version could skip a key, so there is no row to fill."""
    op.create_table(
        "skipped_keys",
        _needed("tenant", _TEXT),
        _needed("entry_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("kind", _TEXT),
        _needed("source", _TEXT),
        _needed("key", _TEXT),
        _needed("reason", _TEXT),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_until", sa.Date()),
        _needed("recorded_by", _TEXT),
        _needed("recorded_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name="pk_skipped_keys"),
        sa.UniqueConstraint("tenant", "number", name="uq_skipped_keys_number"),
    )
