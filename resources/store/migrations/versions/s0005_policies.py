"""What policies need: every version of the document that says who may approve what.

Belongs here: the table of policy versions, which is only added to.
Does not belong here: anything later.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_INSTANT = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def upgrade() -> None:
    """Add what policies need. No earlier version knew one, so there is no row to fill."""
    op.create_table(
        "policy_versions",
        _needed("tenant", _TEXT),
        _needed("number", sa.Integer()),
        _needed("version", _TEXT),
        _needed("content", _TEXT),
        _needed("imported_at", _INSTANT),
        _needed("imported_by", _TEXT),
        _needed("is_asserted", sa.Boolean()),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_policy_versions"),
    )
    _forbid_changes("policy_versions")


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM CURRENT_USER, PUBLIC")
