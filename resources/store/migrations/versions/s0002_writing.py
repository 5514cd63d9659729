"""What writing needs: decisions, people, intents and outcomes, the lease, the audit chain.

Belongs here: the tables of version 0.2, and the triggers that keep append-only tables as they are.
Does not belong here: anything later.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_AMOUNT = sa.Numeric(38, 10).with_variant(sa.Text(), "sqlite")
_INSTANT = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
_APPEND_ONLY = ("audit_events", "decisions", "write_intents", "write_outcomes")


def upgrade() -> None:
    """Add what version 0.2 needs. Rows of version 0.1 stay as they are."""
    op.add_column("psa_copies", sa.Column("company", _TEXT))
    op.add_column("change_revisions", sa.Column("unit_cost", _AMOUNT))
    _create_unique_where("uq_change_revisions_in_flight", "change_revisions", ["tenant", "line_id"], _IN_FLIGHT)
    _create_people()
    _create_lease_and_stop()
    _create_intents()
    _create_outcomes()
    _create_audit()
    for table in _APPEND_ONLY:
        _forbid_changes(table)


_IN_FLIGHT = "status IN ('sending', 'unknown')"


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _create_unique_where(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=True, sqlite_where=where, postgresql_where=where)


def _of_revision(table: str) -> sa.ForeignKeyConstraint:
    names = ["tenant", "change_id", "revision"]
    return sa.ForeignKeyConstraint(
        names, [f"change_revisions.{name}" for name in names], name=f"fk_{table}_change_revisions"
    )


def _create_people() -> None:
    op.create_table(
        "decisions",
        _needed("tenant", _TEXT),
        _needed("decision_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("change_id", _TEXT),
        _needed("revision", sa.Integer()),
        _needed("action", _TEXT),
        _needed("actor", _TEXT),
        _needed("is_asserted", sa.Boolean()),
        _needed("at", _INSTANT),
        sa.Column("plan_hash", _TEXT),
        sa.Column("plan", sa.JSON(none_as_null=True)),
        _needed("has_confirmed_zero", sa.Boolean()),
        sa.PrimaryKeyConstraint("tenant", "decision_id", name="pk_decisions"),
        sa.UniqueConstraint("tenant", "number", name="uq_decisions_number"),
        _of_revision("decisions"),
    )
    op.create_index("ix_decisions_change", "decisions", ["tenant", "change_id", "revision"])
    op.create_table(
        "users",
        _needed("tenant", _TEXT),
        _needed("name", _TEXT),
        _needed("role", _TEXT),
        _needed("token_hash", _TEXT),
        _needed("added_at", _INSTANT),
        _needed("token_issued_at", _INSTANT),
        sa.Column("removed_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_users"),
        sa.UniqueConstraint("tenant", "token_hash", name="uq_users_token"),
    )


def _create_lease_and_stop() -> None:
    op.create_table(
        "write_leases",
        _needed("tenant", _TEXT),
        _needed("holder", _TEXT),
        _needed("fence", sa.Integer()),
        _needed("until", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", name="pk_write_leases"),
    )
    op.create_table(
        "write_stops",
        _needed("tenant", _TEXT),
        _needed("kind", _TEXT),
        _needed("words", _TEXT),
        _needed("by", _TEXT),
        _needed("at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", name="pk_write_stops"),
    )


def _create_intents() -> None:
    op.create_table(
        "write_intents",
        _needed("tenant", _TEXT),
        _needed("number", sa.Integer()),
        _needed("change_id", _TEXT),
        _needed("revision", sa.Integer()),
        _needed("batch_id", _TEXT),
        _needed("decision_id", _TEXT),
        _needed("plan_hash", _TEXT),
        _needed("method", _TEXT),
        _needed("path", _TEXT),
        _needed("body", _TEXT),
        _needed("request_hash", _TEXT),
        _needed("fence", sa.Integer()),
        _needed("sent_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_write_intents"),
        _of_revision("write_intents"),
    )
    op.create_index("ix_write_intents_change", "write_intents", ["tenant", "change_id", "revision"])


def _create_outcomes() -> None:
    op.create_table(
        "write_outcomes",
        _needed("tenant", _TEXT),
        _needed("number", sa.Integer()),
        _needed("change_id", _TEXT),
        _needed("revision", sa.Integer()),
        _needed("batch_id", _TEXT),
        _needed("status", _TEXT),
        _needed("cause", _TEXT),
        _needed("words", _TEXT),
        sa.Column("quantity_seen", _AMOUNT),
        _needed("at", _INSTANT),
        sa.Column("retry_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_write_outcomes"),
        _of_revision("write_outcomes"),
    )
    op.create_index("ix_write_outcomes_change", "write_outcomes", ["tenant", "change_id", "revision"])
    _create_unique_where(
        "uq_write_outcomes_written", "write_outcomes", ["tenant", "change_id", "revision"], "status = 'written'"
    )


def _create_audit() -> None:
    op.create_table(
        "audit_events",
        _needed("tenant", _TEXT),
        _needed("sequence", sa.Integer()),
        _needed("content", _TEXT),
        _needed("previous_hash", _TEXT),
        _needed("entry_hash", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "sequence", name="pk_audit_events"),
    )
    op.create_table(
        "audit_heads",
        _needed("tenant", _TEXT),
        _needed("sequence", sa.Integer()),
        _needed("entry_hash", _TEXT),
        sa.PrimaryKeyConstraint("tenant", name="pk_audit_heads"),
    )
    op.create_table(
        "audit_words",
        _needed("tenant", _TEXT),
        _needed("sequence", sa.Integer()),
        _needed("salt", _TEXT),
        _needed("words", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "sequence", name="pk_audit_words"),
    )


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
    # The statement's trigger sees TRUNCATE as well; the right is taken away even from the owner.
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
    op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM CURRENT_USER, PUBLIC")
