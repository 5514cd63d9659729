"""An office in which files arrive: a real inbox, archive, lake and reader, and ledgers that remember in memory.

Belongs here: what tests of the inbox start from, and the ways in which an office can fail.
Does not belong here: assertions.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from pipelines.identity import FileId
from pipelines.intake.drops import READ, Arrival, ArrivalStatus, DropIdentity, Sighting, UsageRevision
from pipelines.intake.ports import IntakePorts
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.readings import ReadFile
from pipelines.intake.rows import RowError, RowOverlay
from pipelines.intake.take import TakenFile
from pipelines.intake.waiting import archive_waiting, take_waiting, waiting_files
from pipelines.periods import BillingPeriod
from resources.bucket.archive import Archive
from resources.bucket.inbox import InboxFolder
from resources.warehouse.lake import Lake
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of

BERLIN = ZoneInfo("Europe/Berlin")
JULY, AUGUST = BillingPeriod(2026, 7), BillingPeriod(2026, 8)
SOURCE = "Acme Distribution"
HEADER = "Account,Service,Quantity\n"
TEN, TWELVE = HEADER + "Acme,M365,10\n", HEADER + "Acme,M365,12\n"

BY_PATH = profile_of(profile="monthly", arrives='{pattern: "in/{period}/*.csv", period: from_path}')
ARRIVING = profile_of(profile="arriving", arrives='{pattern: "now/*", period: from_arrival}')
HUBS = profile_of(profile="hubs", arrives='{pattern: "hub/{period}/{part}.csv", period: from_path, part: from_path}')
BY_ROW = profile_of(
    profile="rows",
    columns="{account_key: Account, service_key: Service, quantity: Quantity, period: Month}",
    arrives='{pattern: "rows/*", period: from_column}',
)
ROW_HEADER = "Account,Service,Quantity,Month\n"


def changed(profile: ImportProfile) -> ImportProfile:
    """The same profile after an edit that changes no figure."""
    return load_profile(f"{profile.content}dates: ['%Y-%m-%d']\n")


class Killed(BaseException):
    """The process ended: nothing after it is executed, as after a SIGKILL."""


@dataclass
class Clock:
    """A clock that goes on by a second with each look, and that a test may set."""

    now: datetime = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Usage:
    """Drops, revisions and decisions, in memory."""

    published: list[UsageRevision] = field(default_factory=list)
    decided: dict[DropIdentity, tuple[RowOverlay, ...]] = field(default_factory=dict)
    profiles: dict[tuple[str, str], ImportProfile] = field(default_factory=dict)

    def current_revision(self, drop: DropIdentity) -> UsageRevision | None:
        return next((revision for revision in reversed(self.published) if revision.drop == drop), None)

    def overlays(self, drop: DropIdentity) -> tuple[RowOverlay, ...]:
        return self.decided.get(drop, ())

    def publish(self, revision: UsageRevision, rejected: Sequence[RowError]) -> None:
        self.published.append(revision)

    def record_profile(self, profile: ImportProfile, at: datetime) -> None:
        self.profiles[(profile.name, profile.version)] = profile

    def recorded_profile(self, name: str, version: str) -> ImportProfile | None:
        return self.profiles.get((name, version))


@dataclass
class Arrivals:
    """Arrivals and tries, in memory: the newest fact of each, as the store keeps them."""

    usage: Usage
    by_id: dict[FileId, Arrival] = field(default_factory=dict)
    tries: dict[FileId, list[str | None]] = field(default_factory=dict)
    dies_before_settling: bool = False

    def _ordered(self) -> list[Arrival]:
        return sorted(self.by_id.values(), key=lambda a: (a.arrived_at, a.path, a.file_id))

    def sightings(self) -> list[Sighting]:
        times = sorted({arrival.arrived_at for arrival in self.by_id.values()})
        turns = {at: turn for turn, at in enumerate(times, 1)}
        return [Sighting(a.file_id, a.path, a.version, a.status, turns[a.arrived_at]) for a in self._ordered()]

    def read_after(self, arrival: Arrival) -> list[Arrival]:
        later = (other for other in self._ordered() if other.arrived_at > arrival.arrived_at and other.status in READ)
        return [other for other in later if other.profile == arrival.profile]

    def attempts_made(self) -> dict[FileId, int]:
        return {file_id: len(tries) for file_id, tries in self.tries.items()}

    def waiting(self) -> list[Arrival]:
        return [arrival for arrival in self._ordered() if arrival.status is ArrivalStatus.WAITING]

    def arrival(self, file_id: FileId) -> Arrival | None:
        return self.by_id.get(file_id)

    def record(self, arrival: Arrival) -> None:
        self.by_id[arrival.file_id] = arrival

    def start_attempt(self, file_id: FileId, at: datetime) -> int:
        arrival = self.by_id[file_id]
        self.by_id[file_id] = replace(arrival, attempts=arrival.attempts + 1)
        self.tries.setdefault(file_id, []).append(None)
        return len(self.tries[file_id])

    def finish_attempt(self, file_id: FileId, attempt: int, at: datetime, outcome: str, message: str | None) -> None:
        if self.dies_before_settling:
            raise Killed
        self.tries[file_id][attempt - 1] = outcome

    def withdraw_attempt(self, file_id: FileId, attempt: int) -> None:
        arrival = self.by_id[file_id]
        self.by_id[file_id] = replace(arrival, attempts=arrival.attempts - 1)
        del self.tries[file_id][attempt - 1]

    def settle(self, file_id: FileId, status: ArrivalStatus, reason: str | None) -> None:
        self.by_id[file_id] = replace(self.by_id[file_id], status=status, reason=reason)

    def release(self, file_id: FileId) -> None:
        waiting = ArrivalStatus.WAITING
        self.by_id[file_id] = replace(self.by_id[file_id], status=waiting, reason=None, attempts=0)

    def current_revisions(self, period: str) -> list[UsageRevision]:
        current = {revision.drop: revision for revision in self.usage.published}
        return [revision for drop, revision in current.items() if drop.period == period]


@dataclass
class Reader:
    """The real reader on a machine where files can be out of reach, or end the process that reads them."""

    broken: set[str] = field(default_factory=set)
    deadly: set[str] = field(default_factory=set)
    real: DuckDbFileReader = field(default_factory=DuckDbFileReader)

    def read(
        self,
        raw: Path,
        profile: ImportProfile,
        *,
        file_name: str,
        overlays: Sequence[RowOverlay],
        as_of: date | None = None,
    ) -> ReadFile:
        if file_name in self.deadly:
            raise Killed
        if file_name in self.broken:
            raise OSError(f"input/output error on {file_name}")
        return self.real.read(raw, profile, file_name=file_name, overlays=overlays, as_of=as_of)

    def fits(self, raw: Path, profile: ImportProfile) -> bool:
        return self.real.fits(raw, profile)


class Office:
    """One inbox with everything behind it. ``ticks`` below are what sensor and run do together."""

    def __init__(self, folder: Path, *profiles: ImportProfile) -> None:
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.folder, self.clock = folder, Clock()
        self.reader = Reader(real=DuckDbFileReader(folder / "scratch"))
        self.usage = Usage()
        self.arrivals = Arrivals(self.usage)
        self._numbers = count(1)
        self._archive = Archive(folder / "archive")
        self._lake = Lake(folder / "lake", "msp")
        self.profiles = {profile.name: profile for profile in profiles}

    @property
    def ports(self) -> IntakePorts:
        return IntakePorts(
            inbox=InboxFolder(self.inbox),
            archive=self._archive,
            arrivals=self.arrivals,
            usage=self.usage,
            reader=self.reader,
            lake=self._lake,
            profiles=self.profiles,
            clock=self.clock,
            new_id=self._new_id,
            zone=BERLIN,
        )

    def _new_id(self) -> str:
        return f"id{next(self._numbers):04d}"

    def drop(self, path: str, content: str, *, written: int | None = None) -> Path:
        """Put a file into the inbox, as if written in that second."""
        file = self.inbox / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, newline="")
        seconds = self.clock.now.timestamp() if written is None else written
        os.utime(file, ns=(int(seconds * 10**9), int(seconds * 10**9)))
        self.clock()
        return file

    def archive(self) -> list[Arrival]:
        """Archive everything that waits, partition by partition."""
        partitions = dict.fromkeys((file.period, file.source) for file in waiting_files(self.ports))
        return [arrival for period, source in partitions for arrival in archive_waiting(self.ports, period, source)]

    def tick(self) -> list[TakenFile]:
        """What happens when a sensor has looked: each partition that waits is archived and read.

        A run that fails does not keep the others from running; the first failure is raised at the end.
        """
        taken: list[TakenFile] = []
        failures: list[Exception] = []
        partitions = dict.fromkeys((file.period, file.source) for file in waiting_files(self.ports))
        for period, source in partitions:
            archive_waiting(self.ports, period, source)
            try:
                taken += take_waiting(self.ports, period, source)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
        return taken

    def arrival(self, path: str) -> Arrival:
        """The newest arrival of a path."""
        return max((a for a in self.arrivals.by_id.values() if a.path == path), key=lambda a: a.arrived_at)

    def figures(self, period: str) -> dict[tuple[str, str], str]:
        """The quantity that speaks now, by file name and part."""
        return {
            (revision.file_name, revision.drop.part): f"{revision.quantity:f}".rstrip("0").rstrip(".")
            for revision in self.arrivals.current_revisions(period)
        }


def dies(action: Callable[[], object]) -> None:
    """Do something in a process that ends while it does it."""
    try:
        action()
    except Killed:
        return
    raise AssertionError("the process was to end")
