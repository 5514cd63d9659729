"""The tables of the operational store, as they stand after the newest migration.

Belongs here: tables, keys, indexes, each with its explicit name; the tenant first in every key.
Does not belong here: how they came about (``migrations``) and queries.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from resources.store.columns import ExactDecimal, Instant, OutsideText

metadata = MetaData()


def _text(name: str) -> Column[str]:
    return Column(name, OutsideText, nullable=False)


def _optional_text(name: str) -> Column[str]:
    return Column(name, OutsideText)


# JSON and not JSONB: JSONB refuses the NULs that cells of a file may hold.
def _json(name: str) -> Column[object]:
    return Column(name, JSON, nullable=False)


counters = Table(
    "counters",
    metadata,
    _text("tenant"),
    _text("name"),
    Column("value", Integer, nullable=False),
    PrimaryKeyConstraint("tenant", "name", name="pk_counters"),
)
"""The last number given out per tenant and name. Its row lock puts concurrent writers in line, so numbers grow in
the order of commits, where instants may tie."""

arrivals = Table(
    "arrivals",
    metadata,
    _text("tenant"),
    _text("file_id"),
    _text("path"),
    _text("name"),
    _text("version"),
    Column("size_bytes", BigInteger, nullable=False),
    _text("sha256"),
    Column("arrived_at", Instant, nullable=False),
    _text("status"),
    _optional_text("source"),
    _optional_text("profile"),
    _optional_text("period"),
    _optional_text("part"),
    Column("attempts", Integer, nullable=False),
    _optional_text("reason"),
    PrimaryKeyConstraint("tenant", "file_id", name="pk_arrivals"),
    Index("ix_arrivals_object", "tenant", "path", "version"),
    Index("ix_arrivals_status", "tenant", "status"),
    Index("ix_arrivals_period", "tenant", "period"),
)
"""Grain: a file that was seen. ``attempts`` counts tries since it was last released."""

attempts = Table(
    "attempts",
    metadata,
    _text("tenant"),
    _text("file_id"),
    Column("attempt", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    _optional_text("outcome"),
    _optional_text("message"),
    PrimaryKeyConstraint("tenant", "file_id", "attempt", name="pk_attempts"),
    ForeignKeyConstraint(["tenant", "file_id"], ["arrivals.tenant", "arrivals.file_id"], name="fk_attempts_arrivals"),
)
"""Grain: a try to take a file in. ``attempt`` never starts again, a release included."""

drops = Table(
    "drops",
    metadata,
    _text("tenant"),
    _text("drop_id"),
    _text("source"),
    _text("profile"),
    _text("period"),
    _text("part"),
    Column("first_seen_at", Instant, nullable=False),
    Column("retired_at", Instant),
    _optional_text("retired_by"),
    PrimaryKeyConstraint("tenant", "drop_id", name="pk_drops"),
    UniqueConstraint("tenant", "source", "profile", "period", "part", name="uq_drops_identity"),
    Index("ix_drops_period", "tenant", "period"),
)
"""Grain: what a file speaks for."""

usage_revisions = Table(
    "usage_revisions",
    metadata,
    _text("tenant"),
    _text("revision_id"),
    _text("drop_id"),
    Column("revision", Integer, nullable=False),
    _text("file_id"),
    _text("file_name"),
    _text("sha256"),
    _text("profile_version"),
    _text("basis"),
    _text("verdict"),
    _json("reasons"),
    _json("rows"),
    Column("quantity", ExactDecimal, nullable=False),
    _optional_text("lake_path"),
    _text("overlay_hash"),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "revision_id", name="pk_usage_revisions"),
    UniqueConstraint("tenant", "drop_id", "revision", name="uq_usage_revisions_number"),
    UniqueConstraint("tenant", "drop_id", "revision_id", name="uq_usage_revisions_drop"),
    ForeignKeyConstraint(["tenant", "drop_id"], ["drops.tenant", "drops.drop_id"], name="fk_usage_revisions_drops"),
    ForeignKeyConstraint(
        ["tenant", "file_id"], ["arrivals.tenant", "arrivals.file_id"], name="fk_usage_revisions_arrivals"
    ),
    Index("ix_usage_revisions_file", "tenant", "file_id"),
)
"""Grain: one accepted reading of one file for one drop. Never changed."""

current_revisions = Table(
    "current_revisions",
    metadata,
    _text("tenant"),
    _text("drop_id"),
    _text("revision_id"),
    PrimaryKeyConstraint("tenant", "drop_id", name="pk_current_revisions"),
    ForeignKeyConstraint(
        ["tenant", "drop_id", "revision_id"],
        ["usage_revisions.tenant", "usage_revisions.drop_id", "usage_revisions.revision_id"],
        name="fk_current_revisions_usage_revisions",
    ),
)
"""The pointer: which revision speaks for a drop. Readers follow it; publishing moves it."""

rejected_rows = Table(
    "rejected_rows",
    metadata,
    _text("tenant"),
    _text("revision_id"),
    Column("position", Integer, nullable=False),
    _text("file"),
    _optional_text("sheet"),
    Column("row", BigInteger, nullable=False),
    _optional_text("column"),
    _optional_text("value"),
    _text("reason"),
    _text("remedy"),
    _optional_text("account"),
    _optional_text("service"),
    _text("record_hash"),
    Column("is_failure", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "revision_id", "position", name="pk_rejected_rows"),
    ForeignKeyConstraint(
        ["tenant", "revision_id"],
        ["usage_revisions.tenant", "usage_revisions.revision_id"],
        name="fk_rejected_rows_usage_revisions",
    ),
)
"""Grain: a record of a revision that was not understood, in the order of the file."""

row_overlays = Table(
    "row_overlays",
    metadata,
    _text("tenant"),
    _text("overlay_id"),
    Column("number", Integer, nullable=False),
    _text("drop_id"),
    Column("row", BigInteger, nullable=False),
    _text("record_hash"),
    _text("action"),
    _optional_text("column"),
    _optional_text("value"),
    _optional_text("reason"),
    _text("decided_by"),
    Column("decided_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "overlay_id", name="pk_row_overlays"),
    UniqueConstraint("tenant", "number", name="uq_row_overlays_number"),
    ForeignKeyConstraint(["tenant", "drop_id"], ["drops.tenant", "drops.drop_id"], name="fk_row_overlays_drops"),
    Index("ix_row_overlays_drop", "tenant", "drop_id"),
)
"""Grain: a person's decision about one record. Never changed; a later one of the same cell wins."""

profile_versions = Table(
    "profile_versions",
    metadata,
    _text("tenant"),
    _text("profile"),
    _text("version"),
    _text("content"),
    Column("first_used_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "profile", "version", name="pk_profile_versions"),
)
"""Grain: a content of an import profile that a file was read with."""

account_mappings = Table(
    "account_mappings",
    metadata,
    _text("tenant"),
    _text("entry_id"),
    Column("number", Integer, nullable=False),
    _text("source"),
    _text("key"),
    _json("shares"),
    _optional_text("exclude"),
    Column("valid_from", Date),
    Column("valid_until", Date),
    _text("recorded_by"),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "entry_id", name="pk_account_mappings"),
    UniqueConstraint("tenant", "number", name="uq_account_mappings_number"),
    Index("ix_account_mappings_key", "tenant", "source", "key"),
)
"""Grain: a recorded decision about a source's account key. Never changed; endings stand in ``mapping_endings``."""

service_mappings = Table(
    "service_mappings",
    metadata,
    _text("tenant"),
    _text("entry_id"),
    Column("number", Integer, nullable=False),
    _text("source"),
    _text("key"),
    _json("services"),
    _text("rule"),
    _json("shares"),
    Column("percent", ExactDecimal, nullable=False),
    _optional_text("exclude"),
    Column("valid_from", Date),
    Column("valid_until", Date),
    _text("recorded_by"),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "entry_id", name="pk_service_mappings"),
    UniqueConstraint("tenant", "number", name="uq_service_mappings_number"),
    Index("ix_service_mappings_key", "tenant", "source", "key"),
)
"""Grain: a recorded decision about a source's service key. Never changed."""

skipped_keys = Table(
    "skipped_keys",
    metadata,
    _text("tenant"),
    _text("entry_id"),
    Column("number", Integer, nullable=False),
    _text("kind"),
    _text("source"),
    _text("key"),
    _text("reason"),
    Column("valid_from", Date),
    Column("valid_until", Date),
    _text("recorded_by"),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "entry_id", name="pk_skipped_keys"),
    UniqueConstraint("tenant", "number", name="uq_skipped_keys_number"),
)
"""Grain: a recorded decision to put off what an account or service key of a source leads to. Never changed. It stands
in no table of mappings, so that nothing that reads those can take it for one."""

unit_rules = Table(
    "unit_rules",
    metadata,
    _text("tenant"),
    _text("entry_id"),
    Column("number", Integer, nullable=False),
    _optional_text("line_id"),
    _optional_text("account_id"),
    _optional_text("service_id"),
    Column("included", ExactDecimal, nullable=False),
    Column("block", ExactDecimal),
    Column("minimum", ExactDecimal),
    Column("maximum", ExactDecimal),
    Column("valid_from", Date),
    Column("valid_until", Date),
    _text("recorded_by"),
    Column("recorded_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "entry_id", name="pk_unit_rules"),
    UniqueConstraint("tenant", "number", name="uq_unit_rules_number"),
)
"""Grain: a recorded decision about how used units become billed units. Never changed."""

mapping_endings = Table(
    "mapping_endings",
    metadata,
    _text("tenant"),
    Column("number", Integer, nullable=False),
    _text("entry_id"),
    Column("until", Date),
    _text("decided_by"),
    Column("decided_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "number", name="pk_mapping_endings"),
    Index("ix_mapping_endings_entry", "tenant", "entry_id"),
)
"""Grain: a decision that an entry of any of the four tables ends on a day, or (``until`` null) was superseded and is
live on no day. Never changed, so that what was known at an earlier instant can be told."""

psa_copies = Table(
    "psa_copies",
    metadata,
    _text("tenant"),
    _text("copy_id"),
    Column("number", Integer, nullable=False),
    _text("kind"),
    _text("base_url"),
    _text("status"),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant, nullable=False),
    _optional_text("lake_path"),
    _json("counts"),
    _optional_text("message"),
    _optional_text("company"),
    PrimaryKeyConstraint("tenant", "copy_id", name="pk_psa_copies"),
    UniqueConstraint("tenant", "number", name="uq_psa_copies_number"),
)
"""Grain: an attempt to copy the PSA, failed ones included."""

periods = Table(
    "periods",
    metadata,
    _text("tenant"),
    _text("period"),
    _text("status"),
    Column("decided_at", Instant, nullable=False),
    _text("decided_by"),
    Column("as_of", Instant),
    PrimaryKeyConstraint("tenant", "period", name="pk_periods"),
)
"""Grain: a billing period that somebody closed or reopened; one that is not here is open. ``as_of`` is the instant that
a closed one is frozen at."""

changes = Table(
    "changes",
    metadata,
    _text("tenant"),
    _text("change_id"),
    _text("period"),
    Column("first_proposed_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "change_id", name="pk_changes"),
    UniqueConstraint("tenant", "change_id", "period", name="uq_changes_period"),
)
"""Grain: the identity of a change, which its revisions share."""

change_revisions = Table(
    "change_revisions",
    metadata,
    _text("tenant"),
    _text("change_id"),
    Column("revision", Integer, nullable=False),
    _text("period"),
    _text("kind"),
    _text("status"),
    _json("sources"),
    _text("account_id"),
    _text("account_name"),
    _text("service_id"),
    _text("service_name"),
    _optional_text("agreement_id"),
    _optional_text("line_id"),
    Column("quantity_before", ExactDecimal),
    Column("quantity_after", ExactDecimal, nullable=False),
    Column("unit_price", ExactDecimal),
    Column("amount_delta", ExactDecimal),
    _optional_text("currency"),
    Column("effective_date", Date, nullable=False),
    _text("when"),
    _json("needs"),
    _json("flags"),
    Column("evidence_count", BigInteger, nullable=False),
    _json("evidence"),
    _text("provenance_hash"),
    Column("proposed_at", Instant, nullable=False),
    _optional_text("batch_id"),
    Column("unit_cost", ExactDecimal),
    PrimaryKeyConstraint("tenant", "change_id", "revision", name="pk_change_revisions"),
    ForeignKeyConstraint(
        ["tenant", "change_id", "period"],
        ["changes.tenant", "changes.change_id", "changes.period"],
        name="fk_change_revisions_changes",
    ),
    Index("ix_change_revisions_period_status", "tenant", "period", "status"),
    Index("ix_change_revisions_status", "tenant", "status"),
    Index("ix_change_revisions_line", "tenant", "line_id"),
    Index(
        "uq_change_revisions_in_flight",
        "tenant",
        "line_id",
        unique=True,
        sqlite_where=text("status IN ('sending', 'unknown')"),
        postgresql_where=text("status IN ('sending', 'unknown')"),
    ),
)
"""Grain: one set of numbers of a change. A line has at most one that is on its way to the PSA."""

decisions = Table(
    "decisions",
    metadata,
    _text("tenant"),
    _text("decision_id"),
    Column("number", Integer, nullable=False),
    _text("change_id"),
    Column("revision", Integer, nullable=False),
    _text("action"),
    _text("actor"),
    Column("is_asserted", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    _optional_text("plan_hash"),
    Column("plan", JSON(none_as_null=True)),
    Column("has_confirmed_zero", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "decision_id", name="pk_decisions"),
    UniqueConstraint("tenant", "number", name="uq_decisions_number"),
    ForeignKeyConstraint(
        ["tenant", "change_id", "revision"],
        ["change_revisions.tenant", "change_revisions.change_id", "change_revisions.revision"],
        name="fk_decisions_change_revisions",
    ),
    Index("ix_decisions_change", "tenant", "change_id", "revision"),
)
"""Grain: a person's decision about one revision of a change. Never changed: triggers refuse it."""

policy_versions = Table(
    "policy_versions",
    metadata,
    _text("tenant"),
    Column("number", Integer, nullable=False),
    _text("version"),
    _text("content"),
    Column("imported_at", Instant, nullable=False),
    _text("imported_by"),
    Column("is_asserted", Boolean, nullable=False),
    PrimaryKeyConstraint("tenant", "number", name="pk_policy_versions"),
)
"""Grain: an import of an approval policy; the newest is in force. Never changed: triggers refuse it."""

users = Table(
    "users",
    metadata,
    _text("tenant"),
    _text("name"),
    _text("role"),
    _text("token_hash"),
    Column("added_at", Instant, nullable=False),
    Column("token_issued_at", Instant, nullable=False),
    Column("removed_at", Instant),
    PrimaryKeyConstraint("tenant", "name", name="pk_users"),
    UniqueConstraint("tenant", "token_hash", name="uq_users_token"),
)
"""Grain: a person who may decide, removed ones included, so that a name in the trail is never somebody else's."""

write_leases = Table(
    "write_leases",
    metadata,
    _text("tenant"),
    _text("holder"),
    Column("fence", Integer, nullable=False),
    Column("until", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", name="pk_write_leases"),
)
"""Grain: a tenant. Who may write to its PSA, and until when; the fence grows with every new holder."""

write_stops = Table(
    "write_stops",
    metadata,
    _text("tenant"),
    _text("kind"),
    _text("words"),
    _text("by"),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", name="pk_write_stops"),
)
"""Grain: a tenant whose write-back stands still."""

write_intents = Table(
    "write_intents",
    metadata,
    _text("tenant"),
    Column("number", Integer, nullable=False),
    _text("change_id"),
    Column("revision", Integer, nullable=False),
    _text("batch_id"),
    _text("decision_id"),
    _text("plan_hash"),
    _text("method"),
    _text("path"),
    _text("body"),
    _text("request_hash"),
    Column("fence", Integer, nullable=False),
    Column("sent_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "number", name="pk_write_intents"),
    ForeignKeyConstraint(
        ["tenant", "change_id", "revision"],
        ["change_revisions.tenant", "change_revisions.change_id", "change_revisions.revision"],
        name="fk_write_intents_change_revisions",
    ),
    Index("ix_write_intents_change", "tenant", "change_id", "revision"),
)
"""Grain: a request that was about to be sent, committed before its first byte. Never changed: triggers refuse it."""

write_outcomes = Table(
    "write_outcomes",
    metadata,
    _text("tenant"),
    Column("number", Integer, nullable=False),
    _text("change_id"),
    Column("revision", Integer, nullable=False),
    _text("batch_id"),
    _text("status"),
    _text("cause"),
    _text("words"),
    Column("quantity_seen", ExactDecimal),
    Column("at", Instant, nullable=False),
    Column("retry_at", Instant),
    PrimaryKeyConstraint("tenant", "number", name="pk_write_outcomes"),
    ForeignKeyConstraint(
        ["tenant", "change_id", "revision"],
        ["change_revisions.tenant", "change_revisions.change_id", "change_revisions.revision"],
        name="fk_write_outcomes_change_revisions",
    ),
    Index("ix_write_outcomes_change", "tenant", "change_id", "revision"),
    Index(
        "uq_write_outcomes_written",
        "tenant",
        "change_id",
        "revision",
        unique=True,
        sqlite_where=text("status = 'written'"),
        postgresql_where=text("status = 'written'"),
    ),
)
"""Grain: what one step of write-back came to. Never changed; a revision is written at most once. A revision stands for
one (line, field, before, after, effective date)."""

audit_events = Table(
    "audit_events",
    metadata,
    _text("tenant"),
    Column("sequence", Integer, nullable=False),
    _text("content"),
    _text("previous_hash"),
    _text("entry_hash"),
    PrimaryKeyConstraint("tenant", "sequence", name="pk_audit_events"),
)
"""Grain: an entry of a tenant's audit chain. Never changed: triggers refuse it."""

audit_heads = Table(
    "audit_heads",
    metadata,
    _text("tenant"),
    Column("sequence", Integer, nullable=False),
    _text("entry_hash"),
    PrimaryKeyConstraint("tenant", name="pk_audit_heads"),
)
"""Grain: a tenant. The end of its chain; its row lock puts writers in line."""

audit_words = Table(
    "audit_words",
    metadata,
    _text("tenant"),
    Column("sequence", Integer, nullable=False),
    _text("salt"),
    _text("words"),
    PrimaryKeyConstraint("tenant", "sequence", name="pk_audit_words"),
)
"""Grain: what a person wrote beside an entry. The chain holds only its digest, so that a row here may be purged."""

APPEND_ONLY = ("audit_events", "decisions", "write_intents", "write_outcomes")
"""Tables whose rows are never changed or removed; the database itself refuses to."""

findings = Table(
    "findings",
    metadata,
    _text("tenant"),
    _text("finding_id"),
    _text("period"),
    _text("kind"),
    _optional_text("source"),
    _text("subject"),
    _text("message"),
    _text("remedy"),
    Column("quantity", ExactDecimal),
    Column("amount", ExactDecimal),
    _optional_text("currency"),
    _json("evidence"),
    Column("first_seen_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("resolved_at", Instant),
    PrimaryKeyConstraint("tenant", "finding_id", name="pk_findings"),
    Index("ix_findings_period", "tenant", "period", "resolved_at"),
)
"""Grain: one thing for a person to look at, over all its sightings. It stands while ``resolved_at`` is null."""

reconciliations = Table(
    "reconciliations",
    metadata,
    _text("tenant"),
    Column("number", Integer, nullable=False),
    _text("period"),
    _text("run_id"),
    _text("input_hash"),
    _text("verdict"),
    _json("sources"),
    _json("summary"),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant", "number", name="pk_reconciliations"),
    Index("ix_reconciliations_period", "tenant", "period", "number"),
)
"""Grain: one published reconciliation of a period."""
