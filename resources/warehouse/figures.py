"""A month's figures: what is asked of the built models, and the shapes it is answered in.

Belongs here: the queries over marts, and rows into the dataclasses of ``pipelines.reconciliation``.
Does not belong here: arithmetic (``dbt_project``); these queries pick, collect and sort.
"""

from collections.abc import Callable, Iterator, Mapping
from sys import intern
from typing import Any

import pyarrow as pa

from pipelines.findings import MOST_EVIDENCE, Evidence
from pipelines.quantities import text
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.inputs import (
    ClassedRows,
    CommitmentFall,
    CommitmentFalls,
    Conservation,
    CurrencyMismatch,
    KeyDrift,
    Likeness,
    MonthFigures,
    PriceChange,
    TermEnd,
    TermEnds,
    UnmappedUsage,
    VanishedSubscription,
    VanishedSubscriptions,
)

# min(..., n) keeps the n smallest in one pass: by file, sheet and record number, which is the order people read in.
_RECORDS = (
    'min(struct_pack(file := file_name, sheet := sheet, "row" := record_number, sha256 := sha256), '
    f"{MOST_EVIDENCE}) as evidence"
)

# All records, not only those that are shown: what an approval rests on must not move behind the first twenty. A list
# that is sorted afterwards: an ordered aggregate keeps a buffer for every group, and thousands fill the memory.
_DIGEST = """sha256(array_to_string(list_sort(list(
    concat_ws(':', sha256, coalesce(sheet, ''), record_number, quantity)
)), chr(31))) as rows_digest"""

QUERIES: Mapping[str, str] = {
    "deltas": f"""
        with records as (
            select account_id, service_id, {_RECORDS}, {_DIGEST}
            from delta_evidence
            semi join (select * from reconciliation_deltas where outcome <> 'settled') using (account_id, service_id)
            group by account_id, service_id
        ),
        speaking as (
            select account_id, service_id, list(source order by source) as sources
            from delta_sources group by account_id, service_id
        )
        select deltas.*, speaking.sources, records.evidence, coalesce(records.rows_digest, '') as rows_digest
        from reconciliation_deltas as deltas
        left join speaking using (account_id, service_id)
        left join records using (account_id, service_id)
        order by account_id, service_id, line_id nulls last
    """,
    "unmapped": f"""
        with records as (
            select source, match_account, match_service, coalesce(currency, '') as in_currency, {_RECORDS}
            from unmapped_evidence group by all
        )
        select unmapped_usage.*, records.evidence
        from unmapped_usage left join records
            on unmapped_usage.source = records.source
            and unmapped_usage.match_account = records.match_account
            and unmapped_usage.match_service = records.match_service
            and coalesce(unmapped_usage.currency, '') = records.in_currency
        order by unmapped_usage.source, account_key, service_key, currency
    """,
    "classed_rows": f"""
        with records as (
            select source, charge_class, charge_kind, coalesce(currency, '') as in_currency, {_RECORDS}
            from classed_evidence group by all
        )
        select classed_rows.*, records.evidence
        from classed_rows left join records
            on classed_rows.source = records.source
            and classed_rows.charge_class = records.charge_class
            and classed_rows.charge_kind = records.charge_kind
            and coalesce(classed_rows.currency, '') = records.in_currency
        order by classed_rows.source, classed_rows.charge_class, classed_rows.charge_kind, currency
    """,
    "key_drifts": """
        select * from key_drifts
        order by source, account_before, service_before, match_account, match_service
    """,
    "drifted_keys": f"""
        with drifts as (
            select
                source, likeness, seen_since, is_excluded, match_account, match_service, quantity_before,
                account_before = match_account as keeps_account,
                service_before = match_service as keeps_service,
                case when not keeps_account then account_before end as account_before,
                case when not keeps_account then match_account end as account_key,
                case when not keeps_service then service_before end as service_before,
                case when not keeps_service then match_service end as service_key
            from key_drifts
        ),
        records as (
            select
                source, account_before, drifts.account_key, service_before, drifts.service_key, likeness, seen_since,
                is_excluded, {_RECORDS}
            from drifts inner join stg_lake__usage_rows using (source, match_account, match_service)
            where is_quantity_row
            group by all
        ),
        grouped as (
            select
                source, account_before, account_key, service_before, service_key, likeness, seen_since, is_excluded,
                count(*) as pairs, cast(sum(quantity_before) as decimal(38, 10)) as quantity_before
            from drifts group by all
        )
        select grouped.*, records.evidence
        from grouped left join records
            on grouped.source = records.source
            and grouped.account_before is not distinct from records.account_before
            and grouped.account_key is not distinct from records.account_key
            and grouped.service_before is not distinct from records.service_before
            and grouped.service_key is not distinct from records.service_key
            and grouped.likeness = records.likeness
            and grouped.seen_since = records.seen_since
            and grouped.is_excluded = records.is_excluded
        order by all
    """,
    "vanished_subscriptions": f"""
        with records as (
            select source, match_account, {_RECORDS}
            from stg_lake__previous_usage_rows
            semi join vanished_subscriptions using (source, match_account, match_service, subscription_id)
            where is_quantity_row
            group by all
        ),
        grouped as (
            select
                source, match_account, count(*) as count,
                cast(sum(quantity) as decimal(38, 10)) as quantity,
                min(struct_pack(
                    subscription_id := subscription_id, service_key := match_service, quantity := quantity
                ), {MOST_EVIDENCE}) as named
            from vanished_subscriptions group by all
        )
        select source, match_account as account_key, count, quantity, named, evidence
        from grouped inner join records using (source, match_account)
        order by source, match_account
    """,
    "commitment_falls": f"""
        with records as (
            select falls.source, falls.account_key, {_RECORDS}
            from stg_lake__previous_usage_rows as rows
            inner join commitment_falls as falls
                on rows.source = falls.source and rows.subscription_id = falls.subscription_id
            where rows.is_quantity_row
            group by all
        ),
        grouped as (
            select
                source, account_key, count(*) as count,
                cast(sum(quantity_before - quantity_now) as decimal(38, 10)) as quantity,
                min(policy_source) as policy,
                min(struct_pack(
                    subscription_id := subscription_id, service_key := service_key,
                    quantity_before := quantity_before, quantity_now := quantity_now, term_end := term_end
                ), {MOST_EVIDENCE}) as named
            from commitment_falls group by all
        )
        select source, account_key, count, quantity, policy, named, evidence
        from grouped inner join records using (source, account_key)
        order by source, account_key
    """,
    "renewals": f"""
        select
            source, min(account_key) as account_key, count(*) as count,
            min(struct_pack(
                term_end := term_end, subscription_id := subscription_id, service_key := service_key,
                renewal_quantity := renewal_quantity
            ), {MOST_EVIDENCE}) as named
        from renewals group by source, match_account
        order by source, account_key
    """,
    "extended_terms": f"""
        select
            source, min(account_key) as account_key, count(*) as count,
            min(struct_pack(
                term_end := term_end, subscription_id := subscription_id, service_key := service_key
            ), {MOST_EVIDENCE}) as named
        from extended_terms group by source, match_account
        order by source, account_key
    """,
    "price_changes": f"""
        with records as (
            select
                changes.source, changes.match_service, changes.currency, changes.cost_before, changes.cost_now,
                {_RECORDS}
            from stg_lake__usage_rows as rows
            inner join price_changes as changes
                on rows.source = changes.source
                and rows.match_account = changes.match_account
                and rows.match_service = changes.match_service
                and rows.currency is not distinct from changes.currency
            where rows.charge_class = 'recurring' and rows.unit_cost is not null
            group by all
        ),
        grouped as (
            select
                source, match_service, min(service_key) as service_key, min(service_name) as service_name, currency,
                cost_before, cost_now, count(*) as accounts, cast(sum(quantity) as decimal(38, 10)) as quantity
            from price_changes group by source, match_service, currency, cost_before, cost_now
        )
        select grouped.* exclude (match_service), records.evidence
        from grouped inner join records
            on grouped.source = records.source
            and grouped.match_service = records.match_service
            and grouped.currency is not distinct from records.currency
            and grouped.cost_before = records.cost_before
            and grouped.cost_now = records.cost_now
        order by grouped.source, service_key, grouped.currency, grouped.cost_before, grouped.cost_now
    """,
    "currency_mismatches": "select * from currency_mismatches order by source, line_id, usage_currency",
    "conservation": "select * from usage_conservation order by source",
    "evidence": """
        select *
        from delta_evidence
        semi join (select * from reconciliation_deltas where outcome <> 'settled') using (account_id, service_id)
        order by account_id, service_id, file_name, sheet, record_number
    """,
}
"""Tables of a computed month by name. Settled differences keep the count of their evidence, not the records."""


def figures_from(table: Callable[[str], pa.Table]) -> MonthFigures:
    """The figures that the tables of ``QUERIES`` hold. ``table`` fetches one by name."""
    return MonthFigures(
        deltas=tuple(map(_delta, _rows(table("deltas")))),
        unmapped=tuple(map(_unmapped, _rows(table("unmapped")))),
        classed_rows=tuple(map(_classed, _rows(table("classed_rows")))),
        conservation=tuple(Conservation(**row) for row in _rows(table("conservation"))),
        key_drifts=tuple(map(_drift, _rows(table("drifted_keys")))),
        vanished_subscriptions=tuple(map(_vanished, _rows(table("vanished_subscriptions")))),
        commitment_falls=tuple(map(_fall, _rows(table("commitment_falls")))),
        renewals=tuple(map(_term_ends, _rows(table("renewals")))),
        extended_terms=tuple(map(_term_ends, _rows(table("extended_terms")))),
        currency_mismatches=tuple(CurrencyMismatch(**row) for row in _rows(table("currency_mismatches"))),
        price_changes=tuple(PriceChange(**{**row, "evidence": _records(row)}) for row in _rows(table("price_changes"))),
    )


def evidence_from(table: pa.Table) -> list[dict[str, Any]]:
    """Usage rows as the outside contract writes evidence, with what each says."""
    return [
        {
            **_evidence({**row, "file": row["file_name"], "row": row["record_number"]}).as_json(),
            "source": row["source"],
            "account_key": row["account_key"],
            "service_key": row["service_key"],
            "quantity": text(row["quantity"]),
        }
        for row in _rows(table)
    ]


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries, a thousand at a time: a big month has a million records of evidence."""
    for batch in table.to_batches(max_chunksize=1000):
        yield from batch.to_pylist()


def _delta(row: Mapping[str, Any]) -> Delta:
    return Delta(
        kind=DeltaKind(row["kind"]),
        outcome=DeltaOutcome(row["outcome"]),
        account_id=row["account_id"],
        account_name=row["account_name"],
        service_id=row["service_id"],
        service_name=row["service_name"],
        agreement_id=row["agreement_id"],
        line_id=row["line_id"],
        quantity_before=row["quantity_before"],
        quantity_used=row["quantity_used"],
        quantity_after=row["quantity_after"],
        unit_price=row["unit_price"],
        unit_cost=row["unit_cost"],
        currency=row["currency"],
        amount_delta=row["amount_delta"],
        sources=tuple(row["sources"]),
        evidence_count=row["evidence_count"],
        evidence=_records(row),
        rows_digest=row["rows_digest"],
        held_by=row["held_by"] and HoldReason(row["held_by"]),
        is_prepaid=row["is_prepaid"],
        due_on=row["due_on"],
    )


def _unmapped(row: Mapping[str, Any]) -> UnmappedUsage:
    return UnmappedUsage(
        source=row["source"],
        account_key=row["account_key"],
        account_name=row["account_name"],
        service_key=row["service_key"],
        service_name=row["service_name"],
        is_account_mapped=row["is_account_mapped"],
        is_service_mapped=row["is_service_mapped"],
        quantity=row["quantity"],
        amount=row["amount"],
        currency=row["currency"],
        evidence=_records(row),
    )


def _classed(row: Mapping[str, Any]) -> ClassedRows:
    return ClassedRows(
        source=row["source"],
        charge_class=row["charge_class"],
        charge_kind=row["charge_kind"],
        rows=row["row_count"],
        quantity=row["quantity"],
        amount=row["amount"],
        currency=row["currency"],
        evidence=_records(row),
    )


def _drift(row: Mapping[str, Any]) -> KeyDrift:
    return KeyDrift(**{**row, "likeness": Likeness(row["likeness"]), "evidence": _records(row)})


def _vanished(row: Mapping[str, Any]) -> VanishedSubscriptions:
    named = tuple(VanishedSubscription(**each) for each in row["named"])
    return VanishedSubscriptions(**{**row, "named": named, "evidence": _records(row)})


def _fall(row: Mapping[str, Any]) -> CommitmentFalls:
    named = tuple(CommitmentFall(**each) for each in row["named"])
    return CommitmentFalls(**{**row, "named": named, "evidence": _records(row)})


def _term_ends(row: Mapping[str, Any]) -> TermEnds:
    return TermEnds(**{**row, "named": tuple(TermEnd(**each) for each in row["named"])})


def _records(row: Mapping[str, Any]) -> tuple[Evidence, ...]:
    return tuple(map(_evidence, row["evidence"] or ()))


def _evidence(record: Mapping[str, Any]) -> Evidence:
    sheet = record["sheet"]
    # A month names a handful of files and a million records: the texts are shared.
    return Evidence(intern(record["file"]), intern(record["sha256"]), sheet and intern(sheet), record["row"])
