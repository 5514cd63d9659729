"""One of each thing the store keeps, to be varied by a test.

Belongs here: builders whose defaults are valid.
Does not belong here: claims.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from pipelines.agreements.records import CopyStatus, PsaCopy
from pipelines.audit import AuditAction, AuditEvent
from pipelines.findings import Evidence, Finding, FindingKind
from pipelines.identity import ChangeId, FileId, RevisionId
from pipelines.intake.drops import Arrival, ArrivalStatus, DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.rows import RowAccounting, RowError
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import Actor, Decision, DecisionAction
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.writeback.ports import Cause, Intent, Lease, Outcome, Stop, StopKind, VendorRequest
from resources.store import changes, decisions, inbox, usage
from resources.store.engine import Store

NOON = datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
DROP = DropIdentity("Pax8", "pax8-subscriptions", "2026-10", "")
EVIDENCE = (Evidence("pax8.csv", "ab" * 32, None, 17), Evidence("pax8.xlsx", "cd" * 32, "Seats", 3))


def arrival(**given: Any) -> Arrival:
    """A file that waits."""
    values: dict[str, Any] = {
        "file_id": FileId("file-1"),
        "path": "pax8/2026-10/pax8.csv",
        "name": "pax8.csv",
        "version": "1024-17",
        "size_bytes": 1024,
        "sha256": "ab" * 32,
        "arrived_at": NOON,
        "status": ArrivalStatus.WAITING,
        "source": "Pax8",
        "profile": "pax8-subscriptions",
        "period": "2026-10",
        "part": "",
    }
    return Arrival(**values | given)


def revision(number: int = 1, **given: Any) -> UsageRevision:
    """A complete reading of ``file-1``."""
    values: dict[str, Any] = {
        "revision_id": RevisionId(f"revision-{number}"),
        "drop": DROP,
        "revision": number,
        "file_id": FileId("file-1"),
        "file_name": "pax8.csv",
        "sha256": "ab" * 32,
        "profile_version": "3f2a9c0d11aa",
        "basis": "subscription",
        "verdict": SourceVerdict.COMPLETE,
        "reasons": ("fewer rows than last month", "still enough"),
        "rows": RowAccounting(preamble=4, header=1, rejected=1, valid=20),
        "quantity": Decimal("48211.5"),
        "lake_path": f"usage/revision-{number}",
        "overlay_hash": "none",
        "created_at": NOON,
    }
    return UsageRevision(**values | given)


def row_error(row: int = 17, **given: Any) -> RowError:
    """A rejected record."""
    values: dict[str, Any] = {
        "file": "pax8.csv",
        "sheet": None,
        "row": row,
        "column": "Quantity",
        "value": "1.2.3",
        "reason": "is no number",
        "remedy": "write 1.23",
        "account": "acme-001",
        "service": None,
        "record_hash": f"hash-{row}",
    }
    return RowError(**values | given)


def copy(copy_id: str = "copy-1", **given: Any) -> PsaCopy:
    """A complete copy of the PSA."""
    values: dict[str, Any] = {
        "copy_id": copy_id,
        "kind": "connectwise",
        "base_url": "https://psa.example",
        "status": CopyStatus.COMPLETE,
        "started_at": NOON,
        "finished_at": LATER,
        "lake_path": f"psa/{copy_id}",
        "counts": {"accounts": 3, "lines": 80},
    }
    return PsaCopy(**values | given)


def finding(subject: str = "acme-001", **given: Any) -> Finding:
    """An unmapped account."""
    values: dict[str, Any] = {
        "period": "2026-10",
        "kind": FindingKind.UNMAPPED_ACCOUNT,
        "source": "Pax8",
        "subject": subject,
        "message": f"{subject} leads to no account",
        "remedy": "map it",
        "quantity": Decimal(12),
        "amount": Decimal("264.0000000001"),
        "currency": "USD",
        "evidence": EVIDENCE,
    }
    return Finding(**values | given)


def change(change_id: str = "change-1", number: int = 1, **given: Any) -> Change:
    """A proposed increase of a line."""
    values: dict[str, Any] = {
        "change_id": ChangeId(change_id),
        "revision": number,
        "period": "2026-10",
        "kind": DeltaKind.INCREASE,
        "status": ChangeStatus.PROPOSED,
        "sources": ("Pax8", "Webroot"),
        "account_id": "250",
        "account_name": "Acme",
        "service_id": "77",
        "service_name": "M365 BP",
        "agreement_id": "9001",
        "line_id": "1",
        "quantity_before": Decimal(10),
        "quantity_after": Decimal(12),
        "unit_price": Decimal("22.0000000001"),
        "unit_cost": Decimal(18),
        "amount_delta": Decimal("44.0000000002"),
        "currency": "USD",
        "effective_date": date(2026, 11, 1),
        "when": When.NOW,
        "needs": ("confirm_zero",),
        "flags": ("proration",),
        "evidence_count": 2,
        "evidence": EVIDENCE,
        "provenance_hash": "0011",
        "proposed_at": NOON,
    }
    return Change(**values | given)


LEASE = Lease(1, LATER)
PLAN = {
    "period": "2026-10",
    "agreement": "9001",
    "line": "1",
    "before": "10",
    "after": "12",
    "effective_date": "2026-11-01",
}
PROPOSED = frozenset({ChangeStatus.PROPOSED})


def event(subject: str = "change-1@1", **given: Any) -> AuditEvent:
    """An approval, as the audit trail keeps it."""
    values: dict[str, Any] = {
        "action": AuditAction.APPROVED,
        "subject": subject,
        "actor": "dana",
        "is_asserted": False,
        "at": NOON,
        "details": {"before": "10", "after": "12"},
    }
    return AuditEvent(**values | given)


def decision(decision_id: str = "decision-1", **given: Any) -> Decision:
    """An approval of ``change-1@1``."""
    values: dict[str, Any] = {
        "decision_id": decision_id,
        "change_id": ChangeId("change-1"),
        "revision": 1,
        "action": DecisionAction.APPROVED,
        "actor": Actor("dana", is_asserted=False),
        "at": NOON,
        "plan_hash": "ab" * 32,
        "plan": PLAN,
    }
    return Decision(**values | given)


def revocation(decision_id: str = "decision-2", **given: Any) -> Decision:
    """The approval taken back."""
    return decision(decision_id, action=DecisionAction.REVOKED, plan_hash=None, plan=None, **given)


def intent(meant: Change, **given: Any) -> Intent:
    """A request that is about to be sent for a change, as ``insert_approved`` approves it."""
    body = f'[{{"op": "replace", "path": "quantity", "value": {meant.quantity_after}}}]'
    values: dict[str, Any] = {
        "change": meant,
        "batch_id": "batch-1",
        "decision_id": f"approval-of-{meant.change_id}",
        "plan_hash": "ab" * 32,
        "request": VendorRequest("PATCH", f"/finance/agreements/9001/additions/{meant.line_id}", body),
        "sent_at": NOON,
    }
    return Intent(**values | given)


def outcome(meant: Change, **given: Any) -> Outcome:
    """A write that was read back."""
    values: dict[str, Any] = {
        "change": meant,
        "batch_id": "batch-1",
        "status": ChangeStatus.WRITTEN,
        "cause": Cause.VERIFIED,
        "words": "written and read back",
        "at": LATER,
    }
    return Outcome(**values | given)


def stop(kind: StopKind = StopKind.BY_A_PERSON, **given: Any) -> Stop:
    """A stop by a person, or by write-back itself."""
    by = "dana" if kind is StopKind.BY_A_PERSON else "write-back"
    values: dict[str, Any] = {"kind": kind, "words": "a look is needed", "by": by, "at": NOON}
    return Stop(**values | given)


def insert_approved(conn: Connection, tenant: str, *meant: Change) -> None:
    """Insert proposed changes and approve them, one after the other."""
    for each in meant:
        changes.insert_changes(conn, tenant, [each])
        approval = decision(f"approval-of-{each.change_id}", change_id=each.change_id, revision=each.revision)
        decisions.record_decision(conn, tenant, approval, PROPOSED)


def publish(conn: Connection, tenant: str, reading: UsageRevision, rejected: Sequence[RowError] = ()) -> None:
    """Publish a reading, its file recorded before."""
    if inbox.arrival(conn, tenant, reading.file_id) is None:
        inbox.record_arrival(conn, tenant, arrival(file_id=reading.file_id))
    usage.publish_revision(conn, tenant, reading, rejected)


def published(store: Store, *readings: UsageRevision) -> None:
    """Publish readings, each in its own transaction."""
    for reading in readings:
        with store.transaction() as conn:
            publish(conn, store.tenant, reading)
