"""Findings: which stand, which were resolved, since when.

Belongs here: replacing a period's findings by those of the latest look, reading the standing ones.
Does not belong here: finding anything.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, Select, bindparam, select, update

from pipelines.findings import Evidence, Finding, FindingKind
from resources.store.statements import insert_or_update
from resources.store.tables import findings as findings_table

_OWN_COLUMNS = frozenset({"tenant", "finding_id", "first_seen_at", "last_seen_at", "resolved_at"})


def replace_findings(conn: Connection, tenant: str, period: str, findings: Sequence[Finding], at: datetime) -> None:
    """Let exactly these findings stand for the period.

    One that stands already keeps its ``first_seen_at``; one that is not among them is resolved and kept; one that
    comes back stands again. Raises ``ValueError`` for a finding of another period, and for two that say different
    things under one identity: one of them would be lost without a word.
    """
    by_id = _distinct(period, findings)
    standing = set(conn.execute(_standing_ids(tenant, period)).scalars())
    table = findings_table.c
    gone = [{"gone": finding_id} for finding_id in sorted(standing - set(by_id))]
    if gone:
        is_gone = (table.tenant == tenant) & (table.finding_id == bindparam("gone"))
        conn.execute(update(findings_table).where(is_gone).values(resolved_at=at), gone)
    rows = [_values(tenant, finding, at) for finding in by_id.values()]
    insert_or_update(conn, findings_table, rows, kept={"first_seen_at"})


def standing_findings(conn: Connection, tenant: str, period: str) -> list[Finding]:
    """The findings of a period that are not resolved, by kind, source and subject."""
    table = findings_table.c
    query = (
        select(findings_table)
        .where(table.tenant == tenant, table.period == period, table.resolved_at.is_(None))
        .order_by(table.kind, table.source, table.subject)
    )
    return [_finding(row) for row in conn.execute(query).mappings()]


def _distinct(period: str, findings: Sequence[Finding]) -> dict[str, Finding]:
    by_id: dict[str, Finding] = {}
    for finding in findings:
        if finding.period != period:
            raise ValueError(f"a finding of {finding.period} was published for {period}: {finding.message}")
        if by_id.setdefault(finding.id, finding) != finding:
            raise ValueError(f"two findings {finding.kind} of {finding.source} have one subject: {finding.subject}")
    return by_id


def _standing_ids(tenant: str, period: str) -> Select[tuple[str]]:
    table = findings_table.c
    return select(table.finding_id).where(table.tenant == tenant, table.period == period, table.resolved_at.is_(None))


def _values(tenant: str, finding: Finding, at: datetime) -> dict[str, object]:
    return {
        "tenant": tenant,
        "finding_id": finding.id,
        **vars(finding),
        "evidence": [item.as_json() for item in finding.evidence],
        "first_seen_at": at,
        "last_seen_at": at,
        "resolved_at": None,
    }


def _finding(row: RowMapping) -> Finding:
    values = {name: value for name, value in row.items() if name not in _OWN_COLUMNS}
    return Finding(
        **values
        | {
            "kind": FindingKind(row["kind"]),
            "evidence": tuple(Evidence(**item) for item in row["evidence"]),
        }
    )
