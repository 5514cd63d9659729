"""The audit trail of a tenant: recording events at the end of its chain, reading the chain.

Belongs here: the chain's head and its lock, the events, a person's words and the facts that are kept beside them.
Does not belong here: hashing and verifying (``pipelines.audit``).
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, update

from pipelines.audit import (
    GENESIS,
    START,
    AuditEntry,
    AuditEvent,
    ChainPoint,
    Purge,
    content_of,
    decision_fact,
    digest_of,
    intent_fact,
    next_entry,
    outcome_fact,
    policy_fact,
    purge_event,
)
from pipelines.policies.document import policy_version
from resources.store.statements import insert_unless_present
from resources.store.tables import (
    audit_events,
    audit_heads,
    audit_words,
    decisions,
    policy_versions,
    write_intents,
    write_outcomes,
)

_AT_ONCE = 1000


def record_event(conn: Connection, tenant: str, event: AuditEvent) -> int:
    """Put an event at the end of the tenant's chain; the answer is its sequence number.

    Concurrent writers wait for each other at the chain's head.
    """
    salt = secrets.token_hex(16)
    digest = None if event.words is None else digest_of(event.words, salt)
    entry = next_entry(tenant, _locked_head(conn, tenant), content_of(event, digest))
    conn.execute(insert(audit_events).values(tenant=tenant, **vars(entry)))
    head = {"sequence": entry.sequence, "entry_hash": entry.entry_hash}
    conn.execute(update(audit_heads).where(audit_heads.c.tenant == tenant).values(**head))
    if event.words is not None:
        words = {"tenant": tenant, "sequence": entry.sequence, "salt": salt, "words": event.words}
        conn.execute(insert(audit_words).values(**words))
    return entry.sequence


def chain_head(conn: Connection, tenant: str) -> ChainPoint:
    """The end of the chain."""
    head = audit_heads.c
    row = conn.execute(select(head.sequence, head.entry_hash).where(head.tenant == tenant)).one_or_none()
    return START if row is None else ChainPoint(row.sequence, row.entry_hash)


def hash_at(conn: Connection, tenant: str, sequence: int) -> str | None:
    """The hash of one entry of the chain; None when there is no such entry."""
    events = audit_events.c
    query = select(events.entry_hash).where(events.tenant == tenant, events.sequence == sequence)
    found: str | None = conn.execute(query).scalar_one_or_none()
    return found


def chain(conn: Connection, tenant: str) -> Iterator[AuditEntry]:
    """The chain from its first entry on, a thousand at a time."""
    events = audit_events.c
    query = select(events.sequence, events.content, events.previous_hash, events.entry_hash)
    last = None
    while rows := _page(conn, query.where(events.tenant == tenant), last):
        yield from rows
        last = rows[-1].sequence


def kept_facts(conn: Connection, tenant: str) -> Iterator[str]:
    """Every decision, intent, outcome and policy that the store holds, in the words of the chain."""
    table: Any = decisions.c
    query = select(table.action, table.change_id, table.revision, table.decision_id, table.plan_hash)
    for row in conn.execute(query.where(table.tenant == tenant)):
        yield decision_fact(row.action, f"{row.change_id}@{row.revision}", row.decision_id, row.plan_hash)
    table = write_intents.c
    query = select(table.change_id, table.revision, table.decision_id, table.request_hash)
    for row in conn.execute(query.where(table.tenant == tenant)):
        yield intent_fact(f"{row.change_id}@{row.revision}", row.decision_id, row.request_hash)
    table = write_outcomes.c
    query = select(table.change_id, table.revision, table.status, table.cause)
    for row in conn.execute(query.where(table.tenant == tenant)):
        yield outcome_fact(f"{row.change_id}@{row.revision}", row.status, row.cause)
    table = policy_versions.c
    for row in conn.execute(select(table.number, table.content).where(table.tenant == tenant)):
        # The name is made anew from the content: a file that was altered beside its name is found out as well.
        yield policy_fact(row.number, policy_version(row.content))


def words_beside(conn: Connection, tenant: str, sequences: Sequence[int]) -> dict[int, str]:
    """What people wrote beside these entries, by sequence number; a purged text is not among them."""
    table = audit_words.c
    query = select(table.sequence, table.words).where(table.tenant == tenant, table.sequence.in_(sequences))
    return {row.sequence: row.words for row in conn.execute(query)}


def words_meant(conn: Connection, tenant: str, purge: Purge) -> list[int]:
    """The sequence numbers of entries whose words a purge would remove; what is gone already is not among them."""
    beside, events = audit_words.c, audit_events.c
    is_same = (beside.tenant == events.tenant) & (beside.sequence == events.sequence)
    query = select(events.sequence, events.content).join(audit_words, is_same).where(events.tenant == tenant)
    rows = conn.execute(query.order_by(events.sequence))
    return [row.sequence for row in rows if purge.means(row.content)]


def purge_words(
    conn: Connection, tenant: str, purge: Purge, actor: str, *, is_asserted: bool, at: datetime
) -> list[int]:
    """Remove what people wrote beside entries, for ever, and record who did; the answer names the entries.

    The chain holds digests and stays whole. Nothing is recorded where nothing was there to remove.
    """
    # The head's lock first: words that are being recorded are waited for, and two purges do not both count them.
    _locked_head(conn, tenant)
    sequences = words_meant(conn, tenant, purge)
    if not sequences:
        return []
    if conn.dialect.name == "sqlite":
        # Else the bytes would stay in the file until something is written over them.
        conn.exec_driver_sql("PRAGMA secure_delete = ON")
    table = audit_words.c
    for start in range(0, len(sequences), _AT_ONCE):
        some = sequences[start : start + _AT_ONCE]
        conn.execute(delete(audit_words).where(table.tenant == tenant, table.sequence.in_(some)))
    record_event(conn, tenant, purge_event(purge, sequences, actor, is_asserted=is_asserted, at=at))
    return sequences


def _page(conn: Connection, query: Select[Any], last: int | None) -> list[AuditEntry]:
    following = query if last is None else query.where(audit_events.c.sequence > last)
    rows = conn.execute(following.order_by(audit_events.c.sequence).limit(_AT_ONCE))
    return [AuditEntry(*row) for row in rows]


def _locked_head(conn: Connection, tenant: str) -> ChainPoint:
    insert_unless_present(conn, audit_heads, [{"tenant": tenant, "sequence": 0, "entry_hash": GENESIS}])
    head = audit_heads.c
    # FOR UPDATE is nothing on SQLite, whose transactions that write are alone anyway.
    query = select(head.sequence, head.entry_hash).where(head.tenant == tenant).with_for_update()
    row = conn.execute(query).one()
    return ChainPoint(row.sequence, row.entry_hash)
