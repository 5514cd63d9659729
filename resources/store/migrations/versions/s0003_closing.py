"""What closing needs: the instant that a closed period is frozen at.

Belongs here: the columns of version 0.3.
Does not belong here: anything later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INSTANT = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")


def upgrade() -> None:
    """Add what version 0.3 needs. No earlier version could close a period, so there is no row to fill."""
    op.add_column("periods", sa.Column("as_of", _INSTANT))
