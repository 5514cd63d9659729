"""Mapping entries: one recorded decision each.

Belongs here: the shapes of account, service and unit entries, and of what was put off.
Does not belong here: reading them from YAML (``pipelines.mapping.document``).
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pipelines.identity import AccountId, AgreementLineId, ServiceId


class KeyKind(StrEnum):
    """What a key names in its source."""

    ACCOUNT = "account"
    SERVICE = "service"


class ServiceRule(StrEnum):
    """How one source key reaches several services."""

    ONE = "one"
    FIRST_PRESENT = "first_present"
    REPLICATE = "replicate"
    SPLIT = "split"


@dataclass(frozen=True)
class Share:
    """A part of a whole that goes to one target: an account or a service."""

    target: str
    share: Decimal


@dataclass(frozen=True)
class Validity:
    """From when (inclusive) until when (exclusive) a decision holds; None is without bound."""

    valid_from: date | None = None
    valid_until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the decision holds on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day < self.valid_until
        )


@dataclass(frozen=True)
class AccountMapping:
    """A source's account key leads to PSA accounts by shares that sum to 1, or is excluded with a reason.

    Grain: one entry per (source, key, validity). ``shares`` is empty exactly when ``exclude`` is given.
    """

    source: str
    key: str
    shares: tuple[Share, ...] = ()
    exclude: str | None = None
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True)
class ServiceMapping:
    """A source's service key leads to PSA services by a rule, or is excluded with a reason.

    Grain: one entry per (source, key, validity). ``shares`` is given for rule ``split`` only, in the order of
    ``services``. ``percent`` scales the quantity before anything else (100 = as it is).
    """

    source: str
    key: str
    services: tuple[ServiceId, ...] = ()
    rule: ServiceRule = ServiceRule.ONE
    shares: tuple[Decimal, ...] = ()
    percent: Decimal = Decimal(100)
    exclude: str | None = None
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True)
class SkippedKey:
    """A person looked at a source's key and put the decision off: it leads nowhere and is not excluded either.

    In every sum its usage counts as unmapped, and holds what unmapped usage holds; ``reason`` is what people are told.
    Grain: one entry per (kind, source, key, validity).
    """

    kind: KeyKind
    source: str
    key: str
    reason: str
    validity: Validity = field(default_factory=Validity)


@dataclass(frozen=True)
class UnitRule:
    """How used units become billed units on a line, an account's service, or a service (most specific wins).

    Applied once per line to the sum of all sources, in this order: included, block, minimum, maximum.
    """

    line: AgreementLineId | None = None
    account: AccountId | None = None
    service: ServiceId | None = None
    included: Decimal = Decimal(0)
    block: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    validity: Validity = field(default_factory=Validity)


KeyEntry = AccountMapping | ServiceMapping | SkippedKey
"""A decision about a source's key."""

MappingEntry = KeyEntry | UnitRule


@dataclass(frozen=True)
class RecordedEntry:
    """An entry as the store keeps it: who decided it, when, and under which stable id.

    Its validity is the one that holds now, an ending included. A superseded entry is kept for the trail and is live
    on no day any more, whatever its validity says. ``ended_by`` gave it its end last; None while nobody did.
    """

    entry_id: str
    entry: MappingEntry
    recorded_by: str
    recorded_at: datetime
    superseded_at: datetime | None = None
    ended_by: str | None = None

    @property
    def editors(self) -> frozenset[str]:
        """Who made the entry what it is: who recorded it, and who gave it its end."""
        return frozenset({self.recorded_by} if self.ended_by is None else {self.recorded_by, self.ended_by})
