"""The kinds of PSA that TrueUp speaks to, each by name: what it needs to connect, how it takes a quantity.

Belongs here: the table of kinds and what every kind offers.
Does not belong here: a vendor's protocol (its own modules), where settings and secrets come from (``workspace``).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import httpx

from pipelines.agreements.records import PsaRecords
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.review.taking import PsaTakes
from pipelines.writeback.ports import BilledPsa, HoldsFrom, VendorRequest, WriteTraits
from resources.psa import autotask_writing, connectwise_writing, halopsa_writing, syncro_writing
from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.halopsa import HaloPsa
from resources.psa.halopsa_token import HaloPsaCredentials
from resources.psa.http import Patience
from resources.psa.pacing import PacedTransport, SharedTurns
from resources.psa.syncro import Syncro, SyncroCredentials

SLACK_SECONDS = 2
"""For how long requests that came late may follow one another at once; the rates leave more room than that."""


@dataclass(frozen=True)
class Connection:
    """What a connection is made from. ``secrets`` are by the names that the kind asks for, none of them empty."""

    identity: PsaIdentity
    secrets: Mapping[str, str]
    allow_loopback: bool
    patience: Patience
    requests_per_minute: int | None = None
    """None: as fast as they are answered."""
    transport: httpx.BaseTransport | None = None
    """What requests travel by, once it is their turn; None for the usual one."""
    turns: Path | None = None
    """The file by which all connections of a tenant take turns on this machine; None: this one keeps to itself."""


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
    identity. ``preview`` is the request of a change as it would be if the line stands as the change saw it. So many
    ``requests_per_minute`` are sent at most unless a tenant sets another number; None where no bound is known.
    ``objection_to`` says why a change could never be written, whatever its line holds.
    """

    name: str
    secrets: tuple[str, ...]
    traits: WriteTraits
    open: Callable[[Connection], OpenPsa]
    preview: Callable[[Change], VendorRequest]
    requests_per_minute: int | None = None
    objection_to: Callable[[Change], str | None] = lambda _: None

    @property
    def takes(self) -> PsaTakes:
        """How it takes a change, for whoever decides about one."""
        return PsaTakes(
            dates=self.traits.holds_from is HoldsFrom.EFFECTIVE_DATE,
            dates_of_new_lines=self.traits.made_from is HoldsFrom.EFFECTIVE_DATE,
            objection_to=self.objection_to,
        )


def _opening(
    client_of: Callable[..., Any],
    credentials_of: Callable[..., Any],
    billing_of: Callable[[Any, PsaIdentity], BilledPsa],
    *,
    is_one_in_flight: bool = False,
) -> Callable[[Connection], OpenPsa]:
    """How a kind is connected to: its credentials from the secrets, in their order, its client, its billing side.

    Where ``is_one_in_flight``, a request that has its turn is answered before the next is sent.
    """

    def opened(connection: Connection) -> OpenPsa:
        client = client_of(
            connection.identity.base_url,
            credentials_of(*connection.secrets.values()),
            allow_loopback=connection.allow_loopback,
            patience=connection.patience,
            transport=_paced(connection, is_one_in_flight=is_one_in_flight),
        )
        return OpenPsa(client, billing_of(client, connection.identity))

    return opened


def _paced(connection: Connection, *, is_one_in_flight: bool) -> httpx.BaseTransport | None:
    if connection.requests_per_minute is None:
        return connection.transport
    transport = connection.transport or httpx.HTTPTransport(trust_env=False)
    interval = 60 / connection.requests_per_minute
    turns = SharedTurns(connection.turns, is_one_in_flight=is_one_in_flight) if connection.turns else None
    # Other processes must read the same clock, also after this machine was started anew.
    return PacedTransport(transport, interval, clock=time.time, sleep=time.sleep, slack=SLACK_SECONDS, turns=turns)


CONNECTWISE = PsaKind(
    name="connectwise",
    secrets=("COMPANY_ID", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID"),
    traits=connectwise_writing.TRAITS,
    open=_opening(ConnectWise, ConnectWiseCredentials, connectwise_writing.ConnectWiseBilling),
    preview=connectwise_writing.request_of,
)


AUTOTASK = PsaKind(
    name="autotask",
    secrets=("COMPANY_ID", "USERNAME", "SECRET", "INTEGRATION_CODE"),
    traits=autotask_writing.TRAITS,
    # Three requests may be under way at a time; the others are left to whoever else uses the tenant.
    open=_opening(Autotask, AutotaskCredentials, autotask_writing.AutotaskBilling, is_one_in_flight=True),
    preview=autotask_writing.adjustment_preview,
    objection_to=autotask_writing.objection_to,
    # Half of the 10,000 an hour that all integrations of a database share, less 5 %: above it each call is delayed.
    requests_per_minute=79,
)


HALOPSA = PsaKind(
    name="halopsa",
    secrets=("TENANT", "CLIENT_ID", "CLIENT_SECRET"),
    traits=halopsa_writing.TRAITS,
    open=_opening(HaloPsa, HaloPsaCredentials, halopsa_writing.HaloPsaBilling),
    preview=halopsa_writing.preview,
)


SYNCRO = PsaKind(
    name="syncro",
    secrets=("SUBDOMAIN", "API_KEY"),
    traits=syncro_writing.TRAITS,
    open=_opening(Syncro, SyncroCredentials, syncro_writing.SyncroBilling),
    preview=syncro_writing.request_of,
    # 180 by address, less 5 %: what public code takes for the vendor's limit, unverified.
    requests_per_minute=171,
)

KINDS: Mapping[str, PsaKind] = {kind.name: kind for kind in (CONNECTWISE, AUTOTASK, HALOPSA, SYNCRO)}
"""Every kind of PSA, by the name that settings and seeds use."""
