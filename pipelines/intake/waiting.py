"""Files on their way in: what waits in the inbox, taking it into the archive, reading it.

Belongs here: the use cases of the inbox, by hand and unattended, and their Protocols.
Does not belong here: which profile fits a path (``arrivals``), reading one file (``take``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from pipelines.identity import FileId
from pipelines.intake.arrivals import Assignment, InboxFile, Unassigned, assign, is_temporary, period_of_arrival
from pipelines.intake.drops import Arrival, ArrivalStatus, SourceVerdict, UsageRevision
from pipelines.intake.profile import ImportProfile
from pipelines.intake.take import FileReader, TakenFile, UsageLake, UsageLedger, overlay_hash, take_in
from pipelines.periods import BillingPeriod

MOST_ATTEMPTS = 3
"""Tries before a file that cannot be read is quarantined for a person (contract: quarantine after N failed tries)."""

UNRECOGNISED = "unrecognised"
"""The source under which files that fit no profile are put into quarantine."""


class Inbox(Protocol):
    """Where files arrive."""

    def look(self) -> Sequence[InboxFile]:
        """Every file that lies there now."""
        ...

    def path(self, relative: str) -> Path:
        """Where a file of the inbox can be read."""
        ...


class Archive(Protocol):
    """Where raw bytes are kept by their hash."""

    def store(self, source: Path) -> str:
        """Keep a file's bytes; its SHA-256."""
        ...

    def path(self, sha256: str) -> Path:
        """Where the bytes of a hash lie."""
        ...


class ArrivalLedger(Protocol):
    """What is remembered of arrivals."""

    def known(self) -> Mapping[tuple[str, str], Arrival]:
        """Every arrival by path and version; the newest of each."""
        ...

    def attempts_made(self) -> Mapping[FileId, int]:
        """How often each file was ever tried, over all releases."""
        ...

    def waiting(self) -> list[Arrival]:
        """Archived arrivals that nobody has read yet, oldest first."""
        ...

    def arrival(self, file_id: FileId) -> Arrival | None:
        """One arrival."""
        ...

    def record(self, arrival: Arrival) -> None:
        """Remember an arrival, or what is now known of it."""
        ...

    def start_attempt(self, file_id: FileId, at: datetime) -> int:
        """Begin a try to read it; the number of the try."""
        ...

    def finish_attempt(self, file_id: FileId, attempt: int, at: datetime, outcome: str, message: str | None) -> None:
        """Remember how the try ended."""
        ...

    def settle(self, file_id: FileId, status: ArrivalStatus, reason: str | None) -> None:
        """Remember where the file stands."""
        ...

    def current_revisions(self, period: str) -> list[UsageRevision]:
        """The current readings of a month."""
        ...


@dataclass(frozen=True)
class IntakePorts:
    """Everything intake reaches the world with."""

    inbox: Inbox
    archive: Archive
    arrivals: ArrivalLedger
    usage: UsageLedger
    reader: FileReader
    lake: UsageLake
    profiles: Mapping[str, ImportProfile]
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    zone: ZoneInfo


@dataclass(frozen=True)
class WaitingFile:
    """A file that is to be taken in, and the partition it belongs to."""

    file: InboxFile
    period: BillingPeriod
    source: str
    attempts: int
    assigned: Assignment | Unassigned


def waiting_files(ports: IntakePorts) -> list[WaitingFile]:
    """Everything that is to be taken in now: files of the inbox nobody took, and released ones.

    A file that fits no profile belongs to the source ``UNRECOGNISED`` of its month of arrival, where it is put into
    quarantine.
    """
    known = ports.arrivals.known()
    tries = ports.arrivals.attempts_made()
    waiting = []
    for file in ports.inbox.look():
        arrival = known.get((file.path, file.version))
        if is_temporary(file.path) or (arrival and arrival.status is not ArrivalStatus.WAITING):
            continue
        attempts = tries.get(arrival.file_id, 0) if arrival else 0
        waiting.append(_waiting(ports, file, attempts))
    return waiting


def _waiting(ports: IntakePorts, file: InboxFile, attempts: int) -> WaitingFile:
    now = ports.clock()
    path = ports.inbox.path(file.path)
    assigned = assign(file.path, ports.profiles.values(), now, ports.zone, lambda p: ports.reader.fits(path, p))
    month = BillingPeriod.containing(now, ports.zone)
    if isinstance(assigned, Unassigned):
        return WaitingFile(file, month, UNRECOGNISED, attempts, assigned)
    return WaitingFile(file, assigned.period or month, assigned.source, attempts, assigned)


def archive_waiting(ports: IntakePorts, period: BillingPeriod, source: str) -> list[Arrival]:
    """Keep the bytes of every waiting file of a month and source, and remember its arrival.

    Nothing is read yet. A file that no profile fits is quarantined with its reason.
    """
    mine = [file for file in waiting_files(ports) if file.period == period and file.source == source]
    return [_archived(ports, waiting) for waiting in mine]


def _archived(ports: IntakePorts, waiting: WaitingFile) -> Arrival:
    file, assigned = waiting.file, waiting.assigned
    earlier = ports.arrivals.known().get((file.path, file.version))
    arrival = Arrival(
        file_id=earlier.file_id if earlier else FileId(ports.new_id()),
        path=file.path,
        name=file.path.rpartition("/")[2],
        version=file.version,
        size_bytes=file.size_bytes,
        sha256=ports.archive.store(ports.inbox.path(file.path)),
        arrived_at=earlier.arrived_at if earlier else ports.clock(),
        status=ArrivalStatus.WAITING,
        attempts=earlier.attempts if earlier else 0,
    )
    if isinstance(assigned, Unassigned):
        arrival = replace(arrival, status=ArrivalStatus.QUARANTINED, reason=assigned.reason)
    else:
        arrival = replace(
            arrival,
            source=assigned.source,
            profile=assigned.profile,
            period=assigned.period.key if assigned.period else waiting.period.key,
            part=assigned.part,
        )
    ports.arrivals.record(arrival)
    return arrival


def take_waiting(ports: IntakePorts, period: BillingPeriod, source: str) -> list[TakenFile]:
    """Read every archived file of a month and source that waits, oldest first, then what is outdated.

    A file whose reading fails for another reason than its data is tried again by the next run and quarantined after
    ``MOST_ATTEMPTS``; the others go on, and the first such failure is raised at the end.
    """
    taken: list[TakenFile] = []
    failures: list[Exception] = []
    for arrival in ports.arrivals.waiting():
        if (arrival.period, arrival.source) != (period.key, source):
            continue
        try:
            taken.append(_taken(ports, arrival))
        except Exception as error:
            # Whatever went wrong with one file must not keep the others out; it is raised when they are in.
            failures.append(error)
    taken += [_read_again(ports, revision) for revision, _ in outdated_readings(ports, [period.key], source)]
    if failures:
        raise failures[0]
    return taken


def _taken(ports: IntakePorts, arrival: Arrival) -> TakenFile:
    attempt = ports.arrivals.start_attempt(arrival.file_id, ports.clock())
    try:
        profile = ports.profiles[arrival.profile or ""]
        is_by_row = profile.period_column is not None
        taken = _take_in(ports, arrival, profile, None if is_by_row else arrival.period)
    except Exception as error:
        words = f"{type(error).__name__}: {error}"
        ports.arrivals.finish_attempt(arrival.file_id, attempt, ports.clock(), "failed", words)
        if arrival.attempts + 1 >= MOST_ATTEMPTS:
            ports.arrivals.settle(arrival.file_id, ArrivalStatus.QUARANTINED, f"tried {MOST_ATTEMPTS} times: {words}")
        raise
    ports.arrivals.finish_attempt(arrival.file_id, attempt, ports.clock(), str(taken.verdict), None)
    ports.arrivals.settle(arrival.file_id, _SETTLED[taken.verdict], "; ".join(taken.reasons) or None)
    return taken


_SETTLED = {
    SourceVerdict.COMPLETE: ArrivalStatus.TAKEN,
    SourceVerdict.INCOMPLETE: ArrivalStatus.TAKEN,
    SourceVerdict.EMPTY: ArrivalStatus.TAKEN,
    SourceVerdict.DUPLICATE: ArrivalStatus.DUPLICATE,
    SourceVerdict.REFUSED: ArrivalStatus.REFUSED,
}


def _take_in(ports: IntakePorts, arrival: Arrival, profile: ImportProfile, period: str | None) -> TakenFile:
    return take_in(
        arrival,
        profile,
        ports.archive.path(arrival.sha256),
        period=period,
        reader=ports.reader,
        lake=ports.lake,
        ledger=ports.usage,
        clock=ports.clock,
        new_id=ports.new_id,
        zone=ports.zone,
    )


def outdated_readings(
    ports: IntakePorts, months: Iterable[str], source: str | None = None
) -> list[tuple[UsageRevision, str]]:
    """Current readings that no longer say what reading the file now would say, each with what it should rest on.

    That is so when a person decided about a row since, or when the profile was changed.
    """
    outdated = []
    for month in months:
        for revision in ports.arrivals.current_revisions(month):
            if source not in {None, revision.drop.source}:
                continue
            profile = ports.profiles.get(revision.drop.profile)
            wanted = overlay_hash(ports.usage.overlays(revision.drop))
            version = profile.version if profile else revision.profile_version
            if (wanted, version) != (revision.overlay_hash, revision.profile_version):
                outdated.append((revision, f"{wanted}|{version}"))
    return outdated


def _read_again(ports: IntakePorts, revision: UsageRevision) -> TakenFile:
    arrival = ports.arrivals.arrival(revision.file_id)
    if arrival is None:
        raise LookupError(f"the arrival {revision.file_id} of {revision.file_name} is not recorded")
    profile = ports.profiles[revision.drop.profile]
    period = None if profile.period_column is not None else revision.drop.period
    return _take_in(ports, arrival, profile, period)


class PeriodNeededError(ValueError):
    """Nothing says which month a file handed in by hand is for."""


def take_by_hand(ports: IntakePorts, file: Path, profile: ImportProfile, period: str | None) -> TakenFile:
    """Take one file in that a person named, for the month they named or the one the profile reads from it.

    Raises ``PeriodNeededError`` when neither says which month it is for.
    """
    now = ports.clock()
    if period is None and profile.period_column is None:
        arrived = profile.arrives and period_of_arrival(profile.arrives, now, ports.zone)
        if not arrived:
            raise PeriodNeededError(f"say which month {file.name} is for: --period YYYY-MM")
        period = arrived.key
    sha256 = ports.archive.store(file)
    arrival = Arrival(
        file_id=FileId(ports.new_id()),
        path=file.name,
        name=file.name,
        version=f"by hand, {sha256}",
        size_bytes=file.stat().st_size,
        sha256=sha256,
        arrived_at=now,
        status=ArrivalStatus.WAITING,
        source=profile.source,
        profile=profile.name,
        period=period or BillingPeriod.containing(now, ports.zone).key,
        part="",
    )
    ports.arrivals.record(arrival)
    return _taken(replace(ports, profiles={**ports.profiles, profile.name: profile}), arrival)
