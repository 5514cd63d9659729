"""Mapping decisions: recorded once, never changed, ended or superseded by later decisions.

Belongs here: recording entries and their endings, reading all of them.
Does not belong here: which entry holds on a day (``pipelines.mapping.live``).
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, RowMapping, Select, Table, insert, select, union_all

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    MappingEntry,
    RecordedEntry,
    ServiceMapping,
    ServiceRule,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)
from resources.store.errors import NotInStore
from resources.store.statements import next_number
from resources.store.tables import (
    account_mappings,
    counters,
    mapping_endings,
    service_mappings,
    skipped_keys,
    unit_rules,
)

_TABLES = (account_mappings, service_mappings, skipped_keys, unit_rules)
_Query = Select[tuple[object, ...]]
_COUNTER = "mapping_decisions"
"""One count for entries and endings of all four tables: the order in which people decided."""


@dataclass(frozen=True)
class _Ending:
    """What later decisions did to an entry: the last day given, by whom, and when it was superseded."""

    until: date | None = None
    by: str | None = None
    superseded_at: datetime | None = None


def recorded_entries(conn: Connection, tenant: str, *, as_of: datetime | None = None) -> list[RecordedEntry]:
    """Every entry ever recorded, in the order of recording, each with the validity that holds for it now.

    With ``as_of``, what was recorded by that instant, with the endings that were known then.
    """
    endings = _endings(conn, tenant, as_of)
    found = [
        (row["number"], _recorded(table, row, endings.get(row["entry_id"], _Ending())))
        for table in _TABLES
        for row in conn.execute(_entries(table, tenant, as_of)).mappings()
    ]
    return [recorded for _, recorded in sorted(found, key=lambda item: item[0])]


def decisions_made(conn: Connection, tenant: str) -> int:
    """How many mapping decisions were ever recorded, endings included: it grows with every edit."""
    query = select(counters.c.value).where(counters.c.tenant == tenant, counters.c.name == _COUNTER)
    return conn.execute(query).scalar_one_or_none() or 0


def record_entry(conn: Connection, tenant: str, entry_id: str, entry: MappingEntry, by: str, at: datetime) -> None:
    """Record a decision. Raises ``StoreConflict`` for an id that is there already."""
    table, values = _row(entry)
    conn.execute(
        insert(table).values(
            tenant=tenant,
            entry_id=entry_id,
            number=next_number(conn, tenant, _COUNTER),
            valid_from=entry.validity.valid_from,
            valid_until=entry.validity.valid_until,
            recorded_by=by,
            recorded_at=at,
            **values,
        )
    )


def end_entry(conn: Connection, tenant: str, entry_id: str, until: date, by: str, at: datetime) -> None:
    """Let an entry hold up to a day (exclusive); of several such decisions the last one counts.

    Raises ``NotInStore`` for an entry that was never recorded.
    """
    _decide(conn, tenant, entry_id, until, by, at)


def supersede_entry(conn: Connection, tenant: str, entry_id: str, by: str, at: datetime) -> None:
    """Let an entry be live on no day, past ones included, and never again. It is kept.

    Raises ``NotInStore`` for an entry that was never recorded.
    """
    _decide(conn, tenant, entry_id, None, by, at)


def _decide(conn: Connection, tenant: str, entry_id: str, until: date | None, by: str, at: datetime) -> None:
    holders = [
        select(table.c.entry_id).where(table.c.tenant == tenant, table.c.entry_id == entry_id) for table in _TABLES
    ]
    if conn.execute(union_all(*holders)).first() is None:
        raise NotInStore(f"mapping entry {entry_id}")
    number = next_number(conn, tenant, _COUNTER)
    conn.execute(
        insert(mapping_endings).values(
            tenant=tenant, number=number, entry_id=entry_id, until=until, decided_by=by, decided_at=at
        )
    )


def _entries(table: Table, tenant: str, as_of: datetime | None) -> _Query:
    query = select(table).where(table.c.tenant == tenant)
    return query if as_of is None else query.where(table.c.recorded_at <= as_of)


def _endings(conn: Connection, tenant: str, as_of: datetime | None) -> dict[str, _Ending]:
    table = mapping_endings.c
    query = select(mapping_endings).where(table.tenant == tenant).order_by(table.number)
    if as_of is not None:
        query = query.where(table.decided_at <= as_of)
    endings: dict[str, _Ending] = {}
    for row in conn.execute(query):
        known = endings.get(row.entry_id, _Ending())
        is_end = row.until is not None
        endings[row.entry_id] = (
            replace(known, until=row.until, by=row.decided_by)
            if is_end
            else replace(known, superseded_at=known.superseded_at or row.decided_at)
        )
    return endings


def _recorded(table: Table, row: RowMapping, ending: _Ending) -> RecordedEntry:
    validity = Validity(row["valid_from"], ending.until or row["valid_until"])
    return RecordedEntry(
        row["entry_id"],
        _entry(table, row, validity),
        row["recorded_by"],
        row["recorded_at"],
        superseded_at=ending.superseded_at,
        ended_by=ending.by,
    )


def _row(entry: MappingEntry) -> tuple[Table, dict[str, object]]:
    match entry:
        case AccountMapping():
            return account_mappings, _account_row(entry)
        case ServiceMapping():
            return service_mappings, _service_row(entry)
        case SkippedKey():
            return skipped_keys, {"kind": entry.kind, "source": entry.source, "key": entry.key, "reason": entry.reason}
        case UnitRule():
            return unit_rules, _unit_row(entry)


def _entry(table: Table, row: RowMapping, validity: Validity) -> MappingEntry:
    if table is account_mappings:
        return _account_entry(row, validity)
    if table is skipped_keys:
        return SkippedKey(KeyKind(row["kind"]), row["source"], row["key"], row["reason"], validity)
    return _service_entry(row, validity) if table is service_mappings else _unit_entry(row, validity)


def _account_row(entry: AccountMapping) -> dict[str, object]:
    # Shares as text in JSON: 1/3 written with more than ten places stays what the person wrote.
    shares = [{"target": share.target, "share": str(share.share)} for share in entry.shares]
    return {"source": entry.source, "key": entry.key, "shares": shares, "exclude": entry.exclude}


def _account_entry(row: RowMapping, validity: Validity) -> AccountMapping:
    shares = tuple(Share(share["target"], Decimal(share["share"])) for share in row["shares"])
    return AccountMapping(row["source"], row["key"], shares, row["exclude"], validity)


def _service_row(entry: ServiceMapping) -> dict[str, object]:
    return {
        "source": entry.source,
        "key": entry.key,
        "services": list(entry.services),
        "rule": entry.rule,
        "shares": [str(share) for share in entry.shares],
        "percent": entry.percent,
        "exclude": entry.exclude,
    }


def _service_entry(row: RowMapping, validity: Validity) -> ServiceMapping:
    return ServiceMapping(
        source=row["source"],
        key=row["key"],
        services=tuple(ServiceId(service) for service in row["services"]),
        rule=ServiceRule(row["rule"]),
        shares=tuple(Decimal(share) for share in row["shares"]),
        percent=row["percent"],
        exclude=row["exclude"],
        validity=validity,
    )


def _unit_row(entry: UnitRule) -> dict[str, object]:
    return {
        "line_id": entry.line,
        "account_id": entry.account,
        "service_id": entry.service,
        "included": entry.included,
        "block": entry.block,
        "minimum": entry.minimum,
        "maximum": entry.maximum,
    }


def _unit_entry(row: RowMapping, validity: Validity) -> UnitRule:
    return UnitRule(
        line=None if row["line_id"] is None else AgreementLineId(row["line_id"]),
        account=None if row["account_id"] is None else AccountId(row["account_id"]),
        service=None if row["service_id"] is None else ServiceId(row["service_id"]),
        included=row["included"],
        block=row["block"],
        minimum=row["minimum"],
        maximum=row["maximum"],
        validity=validity,
    )
