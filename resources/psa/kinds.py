"""The kinds of PSA that TrueUp speaks to, each by name: what it needs to connect, how it takes a quantity.

Belongs here: the table of kinds and what every kind offers.
Does not belong here: a vendor's protocol (its own modules), where settings and secrets come from (``workspace``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pipelines.agreements.records import PsaRecords
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import BilledPsa, VendorRequest, WriteTraits
from resources.psa import autotask_writing, connectwise_writing
from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.http import Patience


@dataclass(frozen=True)
class Connection:
    """What a connection is made from. ``secrets`` are by the names that the kind asks for, none of them empty."""

    identity: PsaIdentity
    secrets: Mapping[str, str]
    allow_loopback: bool
    patience: Patience


class PsaClient(Protocol):
    """An open connection, for reading."""

    def read_records(self, today: date) -> PsaRecords:
        """Everything the PSA bills and could bill. Raises ``PsaUnavailable``: never a part."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


@dataclass(frozen=True)
class OpenPsa:
    """One PSA tenant, connected: to be read whole, and to be written to line by line."""

    client: PsaClient
    billing: BilledPsa


@dataclass(frozen=True)
class PsaKind:
    """A kind of PSA.

    ``secrets`` are the environment names without ``TRUEUP_PSA_``; the first names the PSA tenant, and is part of its
    identity. ``preview`` is the request of a change as it would be if the line stands as the change saw it.
    """

    name: str
    secrets: tuple[str, ...]
    traits: WriteTraits
    open: Callable[[Connection], OpenPsa]
    preview: Callable[[Change], VendorRequest]


def _connectwise(connection: Connection) -> OpenPsa:
    client = ConnectWise(
        connection.identity.base_url,
        ConnectWiseCredentials(*connection.secrets.values()),
        allow_loopback=connection.allow_loopback,
        patience=connection.patience,
    )
    return OpenPsa(client, connectwise_writing.ConnectWiseBilling(client, connection.identity))


CONNECTWISE = PsaKind(
    name="connectwise",
    secrets=("COMPANY_ID", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID"),
    traits=connectwise_writing.TRAITS,
    open=_connectwise,
    preview=connectwise_writing.quantity_patch,
)


def _autotask(connection: Connection) -> OpenPsa:
    client = Autotask(
        connection.identity.base_url,
        AutotaskCredentials(*connection.secrets.values()),
        allow_loopback=connection.allow_loopback,
        patience=connection.patience,
    )
    return OpenPsa(client, autotask_writing.AutotaskBilling(client, connection.identity))


AUTOTASK = PsaKind(
    name="autotask",
    secrets=("COMPANY_ID", "USERNAME", "SECRET", "INTEGRATION_CODE"),
    traits=autotask_writing.TRAITS,
    open=_autotask,
    preview=autotask_writing.adjustment_preview,
)

KINDS: Mapping[str, PsaKind] = {kind.name: kind for kind in (CONNECTWISE, AUTOTASK)}
"""Every kind of PSA, by the name that settings and seeds use."""
