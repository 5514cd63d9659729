"""The first tables: inbox, usage, mappings, PSA copies, periods, changes, findings, reconciliations.

Belongs here: the schema of version 0.1, in the words of that day.
Does not belong here: anything later.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_AMOUNT = sa.Numeric(38, 10).with_variant(sa.Text(), "sqlite")
_INSTANT = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")


def upgrade() -> None:
    """Create all tables of version 0.1."""
    _create_inbox()
    _create_usage()
    _create_row_decisions()
    _create_key_mappings()
    _create_unit_rules_and_endings()
    _create_copies_and_periods()
    _create_changes()
    _create_findings_and_reconciliations()


def _needed(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _create_inbox() -> None:
    op.create_table(
        "counters",
        _needed("tenant", _TEXT),
        _needed("name", _TEXT),
        _needed("value", sa.Integer()),
        sa.PrimaryKeyConstraint("tenant", "name", name="pk_counters"),
    )
    op.create_table(
        "arrivals",
        _needed("tenant", _TEXT),
        _needed("file_id", _TEXT),
        _needed("path", _TEXT),
        _needed("name", _TEXT),
        _needed("version", _TEXT),
        _needed("size_bytes", sa.BigInteger()),
        _needed("sha256", _TEXT),
        _needed("arrived_at", _INSTANT),
        _needed("status", _TEXT),
        sa.Column("source", _TEXT),
        sa.Column("profile", _TEXT),
        sa.Column("period", _TEXT),
        sa.Column("part", _TEXT),
        _needed("attempts", sa.Integer()),
        sa.Column("reason", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "file_id", name="pk_arrivals"),
    )
    op.create_index("ix_arrivals_object", "arrivals", ["tenant", "path", "version"])
    op.create_index("ix_arrivals_period", "arrivals", ["tenant", "period"])
    op.create_index("ix_arrivals_status", "arrivals", ["tenant", "status"])
    op.create_table(
        "attempts",
        _needed("tenant", _TEXT),
        _needed("file_id", _TEXT),
        _needed("attempt", sa.Integer()),
        _needed("started_at", _INSTANT),
        sa.Column("finished_at", _INSTANT),
        sa.Column("outcome", _TEXT),
        sa.Column("message", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "file_id", "attempt", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["tenant", "file_id"], ["arrivals.tenant", "arrivals.file_id"], name="fk_attempts_arrivals"
        ),
    )


def _create_usage() -> None:
    op.create_table(
        "drops",
        _needed("tenant", _TEXT),
        _needed("drop_id", _TEXT),
        _needed("source", _TEXT),
        _needed("profile", _TEXT),
        _needed("period", _TEXT),
        _needed("part", _TEXT),
        _needed("first_seen_at", _INSTANT),
        sa.Column("retired_at", _INSTANT),
        sa.Column("retired_by", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "drop_id", name="pk_drops"),
        sa.UniqueConstraint("tenant", "source", "profile", "period", "part", name="uq_drops_identity"),
    )
    op.create_index("ix_drops_period", "drops", ["tenant", "period"])
    op.create_table(
        "usage_revisions",
        _needed("tenant", _TEXT),
        _needed("revision_id", _TEXT),
        _needed("drop_id", _TEXT),
        _needed("revision", sa.Integer()),
        _needed("file_id", _TEXT),
        _needed("file_name", _TEXT),
        _needed("sha256", _TEXT),
        _needed("profile_version", _TEXT),
        _needed("basis", _TEXT),
        _needed("verdict", _TEXT),
        _needed("reasons", sa.JSON()),
        _needed("rows", sa.JSON()),
        _needed("quantity", _AMOUNT),
        sa.Column("lake_path", _TEXT),
        _needed("overlay_hash", _TEXT),
        _needed("created_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "revision_id", name="pk_usage_revisions"),
        sa.UniqueConstraint("tenant", "drop_id", "revision_id", name="uq_usage_revisions_drop"),
        sa.UniqueConstraint("tenant", "drop_id", "revision", name="uq_usage_revisions_number"),
        sa.ForeignKeyConstraint(
            ["tenant", "file_id"], ["arrivals.tenant", "arrivals.file_id"], name="fk_usage_revisions_arrivals"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "drop_id"], ["drops.tenant", "drops.drop_id"], name="fk_usage_revisions_drops"
        ),
    )
    op.create_index("ix_usage_revisions_file", "usage_revisions", ["tenant", "file_id"])
    op.create_table(
        "current_revisions",
        _needed("tenant", _TEXT),
        _needed("drop_id", _TEXT),
        _needed("revision_id", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "drop_id", name="pk_current_revisions"),
        sa.ForeignKeyConstraint(
            ["tenant", "drop_id", "revision_id"],
            ["usage_revisions.tenant", "usage_revisions.drop_id", "usage_revisions.revision_id"],
            name="fk_current_revisions_usage_revisions",
        ),
    )


def _create_row_decisions() -> None:
    op.create_table(
        "rejected_rows",
        _needed("tenant", _TEXT),
        _needed("revision_id", _TEXT),
        _needed("position", sa.Integer()),
        _needed("file", _TEXT),
        sa.Column("sheet", _TEXT),
        _needed("row", sa.BigInteger()),
        sa.Column("column", _TEXT),
        sa.Column("value", _TEXT),
        _needed("reason", _TEXT),
        _needed("remedy", _TEXT),
        sa.Column("account", _TEXT),
        sa.Column("service", _TEXT),
        _needed("record_hash", _TEXT),
        _needed("is_failure", sa.Boolean()),
        sa.PrimaryKeyConstraint("tenant", "revision_id", "position", name="pk_rejected_rows"),
        sa.ForeignKeyConstraint(
            ["tenant", "revision_id"],
            ["usage_revisions.tenant", "usage_revisions.revision_id"],
            name="fk_rejected_rows_usage_revisions",
        ),
    )
    op.create_table(
        "row_overlays",
        _needed("tenant", _TEXT),
        _needed("overlay_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("drop_id", _TEXT),
        _needed("row", sa.BigInteger()),
        _needed("record_hash", _TEXT),
        _needed("action", _TEXT),
        sa.Column("column", _TEXT),
        sa.Column("value", _TEXT),
        sa.Column("reason", _TEXT),
        _needed("decided_by", _TEXT),
        _needed("decided_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "overlay_id", name="pk_row_overlays"),
        sa.UniqueConstraint("tenant", "number", name="uq_row_overlays_number"),
        sa.ForeignKeyConstraint(["tenant", "drop_id"], ["drops.tenant", "drops.drop_id"], name="fk_row_overlays_drops"),
    )
    op.create_index("ix_row_overlays_drop", "row_overlays", ["tenant", "drop_id"])
    op.create_table(
        "profile_versions",
        _needed("tenant", _TEXT),
        _needed("profile", _TEXT),
        _needed("version", _TEXT),
        _needed("content", _TEXT),
        _needed("first_used_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "profile", "version", name="pk_profile_versions"),
    )


def _create_key_mappings() -> None:
    op.create_table(
        "account_mappings",
        _needed("tenant", _TEXT),
        _needed("entry_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("source", _TEXT),
        _needed("key", _TEXT),
        _needed("shares", sa.JSON()),
        sa.Column("exclude", _TEXT),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_until", sa.Date()),
        _needed("recorded_by", _TEXT),
        _needed("recorded_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name="pk_account_mappings"),
        sa.UniqueConstraint("tenant", "number", name="uq_account_mappings_number"),
    )
    op.create_index("ix_account_mappings_key", "account_mappings", ["tenant", "source", "key"])
    op.create_table(
        "service_mappings",
        _needed("tenant", _TEXT),
        _needed("entry_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("source", _TEXT),
        _needed("key", _TEXT),
        _needed("services", sa.JSON()),
        _needed("rule", _TEXT),
        _needed("shares", sa.JSON()),
        _needed("percent", _AMOUNT),
        sa.Column("exclude", _TEXT),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_until", sa.Date()),
        _needed("recorded_by", _TEXT),
        _needed("recorded_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name="pk_service_mappings"),
        sa.UniqueConstraint("tenant", "number", name="uq_service_mappings_number"),
    )
    op.create_index("ix_service_mappings_key", "service_mappings", ["tenant", "source", "key"])


def _create_unit_rules_and_endings() -> None:
    op.create_table(
        "unit_rules",
        _needed("tenant", _TEXT),
        _needed("entry_id", _TEXT),
        _needed("number", sa.Integer()),
        sa.Column("line_id", _TEXT),
        sa.Column("account_id", _TEXT),
        sa.Column("service_id", _TEXT),
        _needed("included", _AMOUNT),
        sa.Column("block", _AMOUNT),
        sa.Column("minimum", _AMOUNT),
        sa.Column("maximum", _AMOUNT),
        sa.Column("valid_from", sa.Date()),
        sa.Column("valid_until", sa.Date()),
        _needed("recorded_by", _TEXT),
        _needed("recorded_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "entry_id", name="pk_unit_rules"),
        sa.UniqueConstraint("tenant", "number", name="uq_unit_rules_number"),
    )
    op.create_table(
        "mapping_endings",
        _needed("tenant", _TEXT),
        _needed("number", sa.Integer()),
        _needed("entry_id", _TEXT),
        sa.Column("until", sa.Date()),
        _needed("decided_by", _TEXT),
        _needed("decided_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_mapping_endings"),
    )
    op.create_index("ix_mapping_endings_entry", "mapping_endings", ["tenant", "entry_id"])


def _create_copies_and_periods() -> None:
    op.create_table(
        "psa_copies",
        _needed("tenant", _TEXT),
        _needed("copy_id", _TEXT),
        _needed("number", sa.Integer()),
        _needed("kind", _TEXT),
        _needed("base_url", _TEXT),
        _needed("status", _TEXT),
        _needed("started_at", _INSTANT),
        _needed("finished_at", _INSTANT),
        sa.Column("lake_path", _TEXT),
        _needed("counts", sa.JSON()),
        sa.Column("message", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "copy_id", name="pk_psa_copies"),
        sa.UniqueConstraint("tenant", "number", name="uq_psa_copies_number"),
    )
    op.create_table(
        "periods",
        _needed("tenant", _TEXT),
        _needed("period", _TEXT),
        _needed("status", _TEXT),
        _needed("decided_at", _INSTANT),
        _needed("decided_by", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "period", name="pk_periods"),
    )


def _create_changes() -> None:
    op.create_table(
        "changes",
        _needed("tenant", _TEXT),
        _needed("change_id", _TEXT),
        _needed("period", _TEXT),
        _needed("first_proposed_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "change_id", name="pk_changes"),
        sa.UniqueConstraint("tenant", "change_id", "period", name="uq_changes_period"),
    )
    op.create_table(
        "change_revisions",
        _needed("tenant", _TEXT),
        _needed("change_id", _TEXT),
        _needed("revision", sa.Integer()),
        _needed("period", _TEXT),
        _needed("kind", _TEXT),
        _needed("status", _TEXT),
        _needed("sources", sa.JSON()),
        _needed("account_id", _TEXT),
        _needed("account_name", _TEXT),
        _needed("service_id", _TEXT),
        _needed("service_name", _TEXT),
        sa.Column("agreement_id", _TEXT),
        sa.Column("line_id", _TEXT),
        sa.Column("quantity_before", _AMOUNT),
        _needed("quantity_after", _AMOUNT),
        sa.Column("unit_price", _AMOUNT),
        sa.Column("amount_delta", _AMOUNT),
        sa.Column("currency", _TEXT),
        _needed("effective_date", sa.Date()),
        _needed("when", _TEXT),
        _needed("needs", sa.JSON()),
        _needed("flags", sa.JSON()),
        _needed("evidence_count", sa.BigInteger()),
        _needed("evidence", sa.JSON()),
        _needed("provenance_hash", _TEXT),
        _needed("proposed_at", _INSTANT),
        sa.Column("batch_id", _TEXT),
        sa.PrimaryKeyConstraint("tenant", "change_id", "revision", name="pk_change_revisions"),
        sa.ForeignKeyConstraint(
            ["tenant", "change_id", "period"],
            ["changes.tenant", "changes.change_id", "changes.period"],
            name="fk_change_revisions_changes",
        ),
    )
    op.create_index("ix_change_revisions_line", "change_revisions", ["tenant", "line_id"])
    op.create_index("ix_change_revisions_period_status", "change_revisions", ["tenant", "period", "status"])
    op.create_index("ix_change_revisions_status", "change_revisions", ["tenant", "status"])


def _create_findings_and_reconciliations() -> None:
    op.create_table(
        "findings",
        _needed("tenant", _TEXT),
        _needed("finding_id", _TEXT),
        _needed("period", _TEXT),
        _needed("kind", _TEXT),
        sa.Column("source", _TEXT),
        _needed("subject", _TEXT),
        _needed("message", _TEXT),
        _needed("remedy", _TEXT),
        sa.Column("quantity", _AMOUNT),
        sa.Column("amount", _AMOUNT),
        sa.Column("currency", _TEXT),
        _needed("evidence", sa.JSON()),
        _needed("first_seen_at", _INSTANT),
        _needed("last_seen_at", _INSTANT),
        sa.Column("resolved_at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "finding_id", name="pk_findings"),
    )
    op.create_index("ix_findings_period", "findings", ["tenant", "period", "resolved_at"])
    op.create_table(
        "reconciliations",
        _needed("tenant", _TEXT),
        _needed("number", sa.Integer()),
        _needed("period", _TEXT),
        _needed("run_id", _TEXT),
        _needed("input_hash", _TEXT),
        _needed("verdict", _TEXT),
        _needed("sources", sa.JSON()),
        _needed("summary", sa.JSON()),
        _needed("at", _INSTANT),
        sa.PrimaryKeyConstraint("tenant", "number", name="pk_reconciliations"),
    )
    op.create_index("ix_reconciliations_period", "reconciliations", ["tenant", "period", "number"])
