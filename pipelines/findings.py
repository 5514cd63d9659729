"""Findings: everything that needs a person and is not a change.

Belongs here: what a finding is, its kinds, and the evidence that findings and changes carry.
Does not belong here: deciding that something is wrong; each rule says so where it lives.
"""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

MOST_EVIDENCE = 20
"""Records named inline with a finding or a change, the bound of the outside contract; the rest is counted."""


class FindingKind(StrEnum):
    """What sort of attention is asked for. The values are stored and shown; never rename one."""

    INCOMPLETE_SOURCE = "incomplete_source"
    REJECTED_ROW = "rejected_row"
    UNMAPPED_ACCOUNT = "unmapped_account"
    UNMAPPED_SERVICE = "unmapped_service"
    AMBIGUOUS_TARGET = "ambiguous_target"
    MIXED_BASIS = "mixed_basis"
    HELD = "held"
    INACTIVE_TARGET = "inactive_target"
    RENAMED_TARGET = "renamed_target"
    PRORATION = "proration"
    AMOUNT_ONLY = "amount_only"
    CURRENCY_MISMATCH = "currency_mismatch"
    KEY_DRIFT = "key_drift"
    COMMITMENT = "commitment"
    RENEWAL = "renewal"
    EXTENDED_TERM = "extended_term"
    PRICE_CHANGE = "price_change"
    VANISHED_SUBSCRIPTION = "vanished_subscription"
    DUPLICATE_FILE = "duplicate_file"
    UNKNOWN_CHARGE = "unknown_charge"
    PSA_UNAVAILABLE = "psa_unavailable"
    QUARANTINED_FILE = "quarantined_file"
    FLAGGED_ROW = "flagged_row"
    CLOSED_PERIOD = "closed_period"
    STALE_APPROVAL = "stale_approval"
    REFUSED_WRITE = "refused_write"
    UNSETTLED_WRITE = "unsettled_write"
    WRITE_BACK_STOPPED = "write_back_stopped"


@dataclass(frozen=True)
class Evidence:
    """One physical record that a number rests on. ``row`` counts from 1 at the first record of the file."""

    file: str
    sha256: str
    sheet: str | None
    row: int

    def as_json(self) -> dict[str, str | int | None]:
        """The shape of the outside contract."""
        return {"file": self.file, "sha256": self.sha256, "sheet": self.sheet, "row": self.row}


@dataclass(frozen=True)
class Finding:
    """One thing for a person to look at in one period, with what to do about it.

    ``subject`` tells findings of one kind and source apart (a key, a line, a row); it is part of the identity,
    so a rerun finds the same finding again instead of adding another.
    """

    period: str
    kind: FindingKind
    source: str | None
    subject: str
    message: str
    remedy: str
    quantity: Decimal | None = None
    amount: Decimal | None = None
    currency: str | None = None
    evidence: tuple[Evidence, ...] = ()

    @property
    def id(self) -> str:
        """Stable over reruns: the same subject in the same period is the same finding."""
        identity = "\x1f".join([self.period, self.kind, self.source or "", self.subject])
        return hashlib.sha256(identity.encode()).hexdigest()[:16]
