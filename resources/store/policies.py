"""Approval policies as they were imported: versions that are only ever added, the newest in force.

Belongs here: recording a version with its audit entry, finding the one that holds.
Does not belong here: what a policy says (``pipelines.policies``, ``pipelines.review.policy``).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, insert, select

from pipelines.audit import AuditAction, AuditEvent
from pipelines.policies.document import policy_version
from pipelines.review.approval import Actor
from resources.store.audit import record_event
from resources.store.statements import next_number
from resources.store.tables import policy_versions


@dataclass(frozen=True)
class PolicyVersion:
    """One imported policy file. ``number`` counts the tenant's imports from 1, ``version`` names the content."""

    number: int
    version: str
    content: str
    imported_at: datetime
    imported_by: str
    is_asserted: bool


def record_policy(conn: Connection, tenant: str, content: str, by: Actor, at: datetime) -> PolicyVersion | None:
    """Let a policy be in force from now on; None, and nothing recorded, when its very content is already."""
    version, standing = policy_version(content), policy_in_force(conn, tenant)
    if standing is not None and standing.version == version:
        return None
    number = next_number(conn, tenant, policy_versions.name)
    imported = PolicyVersion(number, version, content, at, by.name, by.is_asserted)
    conn.execute(insert(policy_versions).values(tenant=tenant, **vars(imported)))
    details = {"number": number, "version": version}
    event = AuditEvent(AuditAction.POLICY_IMPORTED, f"policy {number}", by.name, by.is_asserted, at, details)
    record_event(conn, tenant, event)
    return imported


def policy_in_force(conn: Connection, tenant: str, *, as_of: datetime | None = None) -> PolicyVersion | None:
    """The policy that holds, or held at an instant; None while there was none."""
    query = _versions(tenant).order_by(policy_versions.c.number.desc()).limit(1)
    if as_of is not None:
        query = query.where(policy_versions.c.imported_at <= as_of)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else PolicyVersion(**row)


def all_policies(conn: Connection, tenant: str) -> list[PolicyVersion]:
    """Every policy that ever was in force, the first first."""
    rows = conn.execute(_versions(tenant).order_by(policy_versions.c.number)).mappings()
    return [PolicyVersion(**row) for row in rows]


def _versions(tenant: str) -> Select[tuple[object, ...]]:
    table = policy_versions.c
    columns = (table.number, table.version, table.content, table.imported_at, table.imported_by, table.is_asserted)
    return select(*columns).where(table.tenant == tenant)
