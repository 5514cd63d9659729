"""Small builders of a month's records, so that a test states only what its claim is about."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from pipelines.findings import Evidence
from pipelines.identity import ChangeId, FileId, RevisionId
from pipelines.intake.drops import Arrival, ArrivalStatus, DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.rows import RowAccounting
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import Delta, DeltaKind, DeltaOutcome
from pipelines.review.changes import Change
from pipelines.review.proposing import proposed_change

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
OCTOBER = BillingPeriod(2026, 10)
ROW = Evidence("pax8.csv", "ab" * 32, None, 17)


def revision(source: str = "Pax8", *, profile: str = "pax8-subscriptions", **fields: Any) -> UsageRevision:
    """A complete current revision of October."""
    made = UsageRevision(
        revision_id=RevisionId(f"rev-{source}-{profile}"),
        drop=DropIdentity(source, profile, OCTOBER.key),
        revision=1,
        file_id=FileId(f"file-{source}"),
        file_name=f"{source.lower()}.csv",
        sha256="ab" * 32,
        profile_version="3f2a9c0d11aa",
        basis="subscription",
        verdict=SourceVerdict.COMPLETE,
        reasons=(),
        rows=RowAccounting(header=1, valid=2),
        quantity=Decimal(12),
        lake_path="usage/x",
        overlay_hash="",
        created_at=NOW,
    )
    return replace(made, **fields)


def arrival(status: ArrivalStatus, **fields: Any) -> Arrival:
    """An arrived file of October."""
    made = Arrival(
        file_id=FileId("file-1"),
        path="pax8/2026-10/pax8.csv",
        name="pax8.csv",
        version="10-1",
        size_bytes=10,
        sha256="ab" * 32,
        arrived_at=NOW,
        status=status,
        source="Pax8",
        profile="pax8-subscriptions",
        period=OCTOBER.key,
        part="",
    )
    return replace(made, **fields)


def delta(kind: DeltaKind = DeltaKind.INCREASE, **fields: Any) -> Delta:
    """Line 1 bills 10 and 12 are used."""
    made = Delta(
        kind=kind,
        outcome=DeltaOutcome.PROPOSED,
        account_id="250",
        account_name="Acme",
        service_id="77",
        service_name="M365 BP",
        agreement_id="9001",
        line_id="1",
        quantity_before=Decimal(10),
        quantity_used=Decimal(12),
        quantity_after=Decimal(12),
        unit_price=Decimal(22),
        unit_cost=Decimal(18),
        currency="USD",
        amount_delta=Decimal(44),
        sources=("Pax8",),
        evidence_count=1,
        evidence=(ROW,),
        rows_digest="rows",
    )
    return replace(made, **fields)


def change(period: BillingPeriod = OCTOBER, of: Delta | None = None, **fields: Any) -> Change:
    """The change that a delta asks for."""
    return replace(proposed_change("acme", period, of or delta(), period.end_date, NOW), **fields)


def ids(changes: tuple[Change, ...]) -> list[tuple[ChangeId, int]]:
    """Which revisions of which changes."""
    return [(item.change_id, item.revision) for item in changes]


TODAY = date(2026, 11, 2)
