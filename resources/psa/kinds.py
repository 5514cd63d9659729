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
from resources.psa import autotask_writing, connectwise_writing, halopsa_writing, syncro_writing
from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.halopsa import HaloPsa
from resources.psa.halopsa_token import HaloPsaCredentials
from resources.psa.http import Patience
from resources.psa.syncro import Syncro, SyncroCredentials


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
    preview=connectwise_writing.request_of,
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


def _halopsa(connection: Connection) -> OpenPsa:
    client = HaloPsa(
        connection.identity.base_url,
        HaloPsaCredentials(*connection.secrets.values()),
        allow_loopback=connection.allow_loopback,
        patience=connection.patience,
    )
    return OpenPsa(client, halopsa_writing.HaloPsaBilling(client, connection.identity))


HALOPSA = PsaKind(
    name="halopsa",
    secrets=("TENANT", "CLIENT_ID", "CLIENT_SECRET"),
    traits=halopsa_writing.TRAITS,
    open=_halopsa,
    preview=halopsa_writing.preview,
)


def _syncro(connection: Connection) -> OpenPsa:
    client = Syncro(
        connection.identity.base_url,
        SyncroCredentials(*connection.secrets.values()),
        allow_loopback=connection.allow_loopback,
        patience=connection.patience,
    )
    return OpenPsa(client, syncro_writing.SyncroBilling(client, connection.identity))


SYNCRO = PsaKind(
    name="syncro",
    secrets=("SUBDOMAIN", "API_KEY"),
    traits=syncro_writing.TRAITS,
    open=_syncro,
    preview=syncro_writing.request_of,
)

KINDS: Mapping[str, PsaKind] = {kind.name: kind for kind in (CONNECTWISE, AUTOTASK, HALOPSA, SYNCRO)}
"""Every kind of PSA, by the name that settings and seeds use."""
