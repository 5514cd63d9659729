"""The PSA's records in our words.

Belongs here: accounts, services, agreements, lines and a copy of them.
Does not belong here: how a vendor spells them.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId


@dataclass(frozen=True)
class Account:
    """A customer in the PSA."""

    id: AccountId
    name: str
    is_active: bool


@dataclass(frozen=True)
class Service:
    """A sellable thing in the PSA's catalogue. Prices are per unit, in the PSA's own currency."""

    id: ServiceId
    code: str
    name: str
    is_active: bool
    unit_cost: Decimal | None
    unit_price: Decimal | None


@dataclass(frozen=True)
class Agreement:
    """A recurring contract of an account. ``end_date`` is exclusive; None never ends."""

    id: AgreementId
    account_id: AccountId
    name: str
    is_active: bool
    prorates: bool
    start_date: date | None
    end_date: date | None
    currency: str | None


@dataclass(frozen=True)
class AgreementLine:
    """One billed quantity of a service on an agreement: the thing a change writes to.

    ``quantity`` is the raw value of the PSA's own field. ``psa_included`` is an allowance that the PSA subtracts by
    itself: shown, never subtracted again. ``end_date`` is exclusive.
    """

    id: AgreementLineId
    agreement_id: AgreementId
    account_id: AccountId
    service_id: ServiceId
    quantity: Decimal
    psa_included: Decimal
    unit_price: Decimal | None
    unit_cost: Decimal | None
    start_date: date | None
    end_date: date | None


@dataclass(frozen=True)
class PsaRecords:
    """Everything read from the PSA in one go."""

    accounts: tuple[Account, ...]
    services: tuple[Service, ...]
    agreements: tuple[Agreement, ...]
    lines: tuple[AgreementLine, ...]


NO_RECORDS = PsaRecords((), (), (), ())
"""What is known of a PSA that was never copied whole."""


class CopyStatus(StrEnum):
    """Whether a PSA copy may be compared with."""

    COMPLETE = "complete"
    FAILED = "failed"


@dataclass(frozen=True)
class PsaCopy:
    """What is recorded of one attempt to copy the PSA. A failed attempt has no records and says why.

    ``company`` is the PSA tenant that answered: with kind and base URL it says which bills were copied.
    """

    copy_id: str
    kind: str
    base_url: str
    status: CopyStatus
    started_at: datetime
    finished_at: datetime
    lake_path: str | None
    counts: dict[str, int]
    message: str | None = None
    company: str | None = None
