"""One workspace opened: its store, lake, archive, inbox and PSA, each a plain client.

Belongs here: making the clients from settings, once each.
Does not belong here: Dagster (``wiring``) and rules.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from pipelines.agreements.copy import PsaUnavailable
from pipelines.agreements.records import PsaRecords
from pipelines.intake.ports import IntakePorts
from pipelines.intake.profile import ImportProfile
from pipelines.reconciliation.month import Tenant
from pipelines.review.binding import PsaIdentity
from pipelines.review.proration import DayCount
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import Grouping, grouping_of
from pipelines.writeback.pace import Pace, pace_of, quiet_period
from resources.bucket.archive import Archive
from resources.bucket.inbox import InboxFolder
from resources.profiles import known_profiles
from resources.psa.http import Patience, Timeouts
from resources.psa.kinds import KINDS, Connection, OpenPsa, PsaKind
from resources.settings import Settings, SettingsError
from resources.store.arrival_ledger import StoreArrivalLedger
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from resources.store.ledgers import StoreCopyLedger, StoreUsageLedger
from resources.store.months import StoreMonthLedger
from resources.store.write_ledger import StoreWriteLedger
from resources.warehouse.lake import Lake
from resources.warehouse.reading import DuckDbFileReader
from resources.witness import WitnessFile

DBT_PROJECT = Path(__file__).resolve().parent.parent / "dbt_project"


def utc_now() -> datetime:
    """The clock of production: the present instant in UTC. Rules get it passed in."""
    return datetime.now(UTC)


def random_id() -> str:
    """A fresh id: 16 hex digits."""
    return secrets.token_hex(8)


class ConfiguredPsa:
    """The PSA that a workspace's settings name, opened for one read."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace

    def read_records(self, today: date) -> PsaRecords:
        """Everything there is now. Raises ``PsaUnavailable`` when no PSA is configured or it cannot be read whole."""
        try:
            with self._workspace.psa() as psa:
                return psa.client.read_records(today)
        except SettingsError as error:
            raise PsaUnavailable(str(error)) from error


class Workspace:
    """The clients of one workspace. Cheap to make: each client opens on first use."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], datetime] = utc_now,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.new_id = new_id

    @property
    def tenant(self) -> Tenant:
        """Whose workspace it is."""
        return Tenant(self.settings.tenant, self.settings.currency, self.settings.zone, self.psa_kind.takes.dates)

    @property
    def today(self) -> date:
        """The day on the tenant's own calendar."""
        return self.tenant.day_of(self.clock())

    @cached_property
    def store(self) -> Store:
        """The operational store, migrated to the present schema."""
        store = Store(self.settings.store_url, self.settings.tenant)
        store.upgrade()
        return store

    @cached_property
    def lake(self) -> Lake:
        """Immutable usage rows, PSA copies and computed months."""
        return Lake(self.settings.folder("lake"), self.settings.tenant)

    @cached_property
    def archive(self) -> Archive:
        """Every byte ever received."""
        return Archive(self.settings.folder("archive"))

    @cached_property
    def intake(self) -> IntakePorts:
        """Everything intake reaches the world with."""
        return IntakePorts(
            inbox=InboxFolder(self.settings.inbox),
            archive=self.archive,
            arrivals=StoreArrivalLedger(self.store),
            usage=StoreUsageLedger(self.store),
            reader=DuckDbFileReader(self.settings.folder("scratch")),
            lake=self.lake,
            profiles=self.profiles,
            clock=self.clock,
            new_id=self.new_id,
            zone=self.settings.zone,
        )

    @property
    def psa_source(self) -> ConfiguredPsa:
        """The PSA as copying it sees it."""
        return ConfiguredPsa(self)

    @property
    def copy_ledger(self) -> StoreCopyLedger:
        """What copying the PSA asks of the store."""
        return StoreCopyLedger(self.store)

    @property
    def month_ledger(self) -> StoreMonthLedger:
        """What reconciling a month asks of the store."""
        return StoreMonthLedger(self.store)

    @cached_property
    def profiles(self) -> dict[str, ImportProfile]:
        """All import profiles by name; one of the workspace's own replaces a shipped one of its name.

        Raises ``ProfileError`` for the first that is wrong.
        """
        known = known_profiles(self.settings.folder("profiles"))
        return {name: item.profile for name, item in known.items()}

    @property
    def psa_kind(self) -> PsaKind:
        """Which kind of PSA is billed from."""
        return KINDS[str(self.settings.values["psa.kind"])]

    @property
    def psa_company(self) -> str | None:
        """The PSA tenant that the credentials belong to; None while they are not known here."""
        return self._secret(self.psa_kind.secrets[0])

    @property
    def _is_sandbox(self) -> bool:
        return bool(self.settings.values["psa.allow_loopback"])

    @contextmanager
    def psa(self) -> Iterator[OpenPsa]:
        """The PSA, connected.

        Raises ``SettingsError`` naming the setting or the environment variable that is missing.
        """
        # A server on this machine gains nothing from long waits; a vendor's does.
        patience = Patience(attempts=3, first_wait=0.1, max_wait=0.5) if self._is_sandbox else Patience()
        kind, base_url, secrets = self.psa_kind, self._psa_base_url(), self._credentials()
        identity = PsaIdentity(kind.name, base_url, secrets[kind.secrets[0]])
        asked = self.settings.values["psa.requests_per_minute"]
        # Nor is the sandbox waited for, unless a rate is asked for.
        rate = asked or (None if self._is_sandbox else kind.requests_per_minute)
        turns = self.settings.folder("pace") / f"{self.settings.tenant}.turn"
        opened = kind.open(Connection(identity, secrets, self._is_sandbox, patience, rate, turns=turns))
        try:
            yield opened
        finally:
            opened.client.close()

    @property
    def pace(self) -> Pace:
        """How long write-back waits for what. Raises ``SettingsError`` for a quiet period that is not safe here."""
        wanted = self.settings.values["writeback.quiet_period_seconds"]
        timeout, longest_run = timedelta(seconds=Timeouts().read), self.psa_kind.traits.longest_run
        least = quiet_period(timeout, longest_run)
        quiet = None if wanted is None else timedelta(seconds=wanted)
        if quiet is not None and quiet < least and not self._is_sandbox:
            raise SettingsError(
                f"writeback.quiet_period_seconds is {wanted}, and less than {least.total_seconds():g} is safe only "
                "with the sandbox (psa.allow_loopback): trueup config set writeback.quiet_period_seconds null"
            )
        return pace_of(quiet, timeout, longest_run)

    @property
    def grouping(self) -> Grouping:
        """How many lines are looked at together before they are written."""
        return grouping_of(timedelta(seconds=self.settings.values["writeback.look_seconds"]))

    @property
    def day_count(self) -> DayCount:
        """How many days a month has when a part of it is shown."""
        return DayCount(self.settings.values["billing.day_count"])

    @property
    def bounds(self) -> Bounds:
        """How much one run of write-back may change."""
        values = self.settings.values
        return Bounds(
            currency=self.settings.billing_currency,
            line_quantity=values["bounds.line_quantity"],
            lines_per_run=values["bounds.lines_per_run"],
            account_amount=values["bounds.account_amount"],
            run_amount=values["bounds.run_amount"],
        )

    @property
    def decision_ledger(self) -> StoreDecisionLedger:
        """What deciding asks of the store."""
        return StoreDecisionLedger(self.store, takes=self.psa_kind.takes, currency=self.settings.currency)

    @property
    def write_ledger(self) -> StoreWriteLedger:
        """What write-back asks of the store."""
        return StoreWriteLedger(self.store)

    @property
    def witness(self) -> WitnessFile:
        """How far the audit trail had come when this machine last wrote."""
        return WitnessFile(self.settings.folder("witness"), self.settings.tenant)

    def write_clock(self) -> datetime:
        """The instant that leases and quiet periods are measured by: the database's own where several machines share
        it, unless another clock was passed in."""
        return self.store.clock() if self.clock is utc_now else self.clock()

    def _psa_base_url(self) -> str:
        base_url = self.settings.psa_base_url
        if base_url is None:
            raise SettingsError("no PSA is configured: trueup config set psa.base_url URL")
        return base_url

    def _credentials(self) -> dict[str, str]:
        values = {name: self._secret(name) for name in self.psa_kind.secrets}
        missing = [f"TRUEUP_PSA_{name}" for name, value in values.items() if value is None]
        if missing:
            raise SettingsError(f"the PSA's credentials are missing in the environment: {', '.join(missing)}")
        return {name: value for name, value in values.items() if value is not None}

    def _secret(self, name: str) -> str | None:
        # The sandbox takes any credentials; a real host never sees these placeholders.
        return self.settings.secret(f"TRUEUP_PSA_{name}") or ("sandbox" if self._is_sandbox else None)

    def close(self) -> None:
        """Release the store's connections."""
        if "store" in self.__dict__:
            self.store.close()
