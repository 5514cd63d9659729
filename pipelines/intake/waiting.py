"""Files on their way in: what waits in the inbox, taking it into the archive, reading it unattended.

Belongs here: the use cases of the inbox.
Does not belong here: which profile fits a path (``arrivals``), one try to read a file (``tries``), files handed in by a
person (``by_hand``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from pipelines.identity import FileId
from pipelines.intake.arrivals import Assignment, InboxFile, Unassigned, assign, is_temporary
from pipelines.intake.drops import Arrival, ArrivalStatus, DropIdentity, UsageRevision
from pipelines.intake.ports import IntakePorts
from pipelines.intake.profile import ImportProfile
from pipelines.intake.take import Renewal, TakenFile, overlay_hash
from pipelines.intake.tries import is_by_hand, read_for, read_once
from pipelines.periods import BillingPeriod

UNRECOGNISED = "unrecognised"
"""The source under which files that fit no profile are put into quarantine."""


@dataclass(frozen=True)
class WaitingFile:
    """A file that is to be taken in, and the partition it belongs to. ``earlier`` is what is recorded of it."""

    file: InboxFile
    period: BillingPeriod
    source: str
    attempts: int
    assigned: Assignment | Unassigned
    earlier: Arrival | None = None


def waiting_files(ports: IntakePorts) -> list[WaitingFile]:
    """Everything that is to be taken in now: files of the inbox nobody took, released ones, and archived ones unread.

    An archived file waits whether or not it still lies in the inbox. A file that fits no profile belongs to the source
    ``UNRECOGNISED`` of its month of arrival, where it is put into quarantine.
    """
    tries = ports.arrivals.attempts_made()
    lying = list(_lying(ports))
    files = {arrival.file_id for _, arrival in lying if arrival}
    archived = [arrival for arrival in _unread(ports, tries) if arrival.file_id not in files]
    found = [(InboxFile(gone.path, gone.size_bytes, gone.version), gone) for gone in archived] + lying
    return [_waiting(ports, file, arrival, tries) for file, arrival in found]


def _lying(ports: IntakePorts) -> Iterator[tuple[InboxFile, Arrival | None]]:
    """The files of the inbox that are to be taken in, with what is recorded of them.

    An older content that is put back with its old time has a version that is known, after a newer one was. It is a new
    arrival: what lies in the inbox speaks last.
    """
    seen = [sighting for sighting in ports.arrivals.sightings() if not is_by_hand(sighting)]
    known = {(sighting.path, sighting.version): sighting for sighting in seen}
    newest = {sighting.path: sighting.turn for sighting in seen}
    for file in ports.inbox.look():
        earlier = known.get((file.path, file.version))
        if earlier and newest[file.path] > earlier.turn:
            earlier = None
        if (earlier is None or earlier.status is ArrivalStatus.WAITING) and not is_temporary(file.path):
            yield file, ports.arrivals.arrival(earlier.file_id) if earlier else None


def _unread(ports: IntakePorts, tries: Mapping[FileId, int]) -> list[Arrival]:
    """Archived files that a run is to read, oldest first.

    A file handed in by hand is its own command's affair, until it failed and a person released it.
    """
    return [
        arrival
        for arrival in ports.arrivals.waiting()
        if not is_by_hand(arrival) or tries.get(arrival.file_id, 0) > arrival.attempts
    ]


def _waiting(ports: IntakePorts, file: InboxFile, earlier: Arrival | None, tries: Mapping[FileId, int]) -> WaitingFile:
    # What arrived in one month and is looked at again in the next still belongs to the first.
    arrived_at = earlier.arrived_at if earlier else ports.clock()
    month = BillingPeriod.containing(arrived_at, ports.zone)
    attempts = tries.get(earlier.file_id, 0) if earlier else 0
    assigned = _assigned(ports, file, earlier, arrived_at)
    if isinstance(assigned, Unassigned):
        return WaitingFile(file, month, UNRECOGNISED, attempts, assigned, earlier)
    return WaitingFile(file, assigned.period or month, assigned.source, attempts, assigned, earlier)


def _assigned(
    ports: IntakePorts, file: InboxFile, earlier: Arrival | None, arrived_at: datetime
) -> Assignment | Unassigned:
    if earlier and is_by_hand(earlier):
        # A person said what it is for; its name says nothing.
        month = BillingPeriod.from_key(str(earlier.period))
        return Assignment(str(earlier.profile), str(earlier.source), month, earlier.part or "")
    content = ports.archive.path(earlier.sha256) if earlier else ports.inbox.path(file.path)
    profiles = ports.profiles.values()
    return assign(file.path, profiles, arrived_at, ports.zone, lambda profile: ports.reader.fits(content, profile))


def archive_waiting(ports: IntakePorts, period: BillingPeriod, source: str) -> list[Arrival]:
    """Keep the bytes of every waiting file of a month and source, and remember its arrival, oldest file first.

    Nothing is read yet. A file that no profile fits is quarantined with its reason.
    """
    mine = [file for file in waiting_files(ports) if file.period == period and file.source == source]
    return [_archived(ports, waiting) for waiting in sorted(mine, key=lambda w: (w.file.written_ns, w.file.path))]


def _archived(ports: IntakePorts, waiting: WaitingFile) -> Arrival:
    earlier, assigned = waiting.earlier, waiting.assigned
    arrival = replace(earlier or _arrived(ports, waiting.file), source=None, profile=None, period=None, part=None)
    if isinstance(assigned, Unassigned):
        arrival = replace(arrival, status=ArrivalStatus.QUARANTINED, reason=assigned.reason)
    else:
        arrival = replace(
            arrival,
            source=assigned.source,
            profile=assigned.profile,
            period=waiting.period.key,
            part=assigned.part,
        )
    if arrival != earlier:
        ports.arrivals.record(arrival)
    return arrival


def _arrived(ports: IntakePorts, file: InboxFile) -> Arrival:
    return Arrival(
        file_id=FileId(ports.new_id()),
        path=file.path,
        name=file.path.rpartition("/")[2],
        version=file.version,
        size_bytes=file.size_bytes,
        sha256=ports.archive.store(ports.inbox.path(file.path)),
        arrived_at=ports.clock(),
        status=ArrivalStatus.WAITING,
    )


def take_waiting(ports: IntakePorts, period: BillingPeriod, source: str) -> list[TakenFile]:
    """Read every archived file of a month and source that waits, oldest first, then what is outdated.

    A file whose reading fails for another reason than its data is tried again by the next run and quarantined after
    ``MOST_ATTEMPTS``; the others go on, and the first such failure is raised at the end.
    """
    unread = _unread(ports, ports.arrivals.attempts_made())
    mine = [arrival for arrival in unread if (arrival.period, arrival.source) == (period.key, source)]
    taken, failures = _each(partial(read_once, ports, arrival) for arrival in mine)
    # The latest file first: it speaks for what several name.
    outdated = sorted(outdated_readings(ports, [period.key], source), key=lambda one: one[0].created_at, reverse=True)
    again, failed_again = _each(partial(_read_again, ports, revision) for revision, _ in outdated)
    for failure in [*failures, *failed_again]:
        raise failure
    return [*taken, *again]


def _each(actions: Iterable[Callable[[], TakenFile]]) -> tuple[list[TakenFile], list[Exception]]:
    """What each action gave, and what went wrong: trouble with one file must not keep the others out."""
    taken: list[TakenFile] = []
    failures: list[Exception] = []
    for action in actions:
        try:
            taken.append(action())
        except Exception as error:
            failures.append(error)
    return taken, failures


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
            profile = profile_of(ports, revision)
            wanted = overlay_hash(ports.usage.overlays(revision.drop))
            version = profile.version if profile else revision.profile_version
            if (wanted, version) != (revision.overlay_hash, revision.profile_version):
                outdated.append((revision, f"{wanted}|{version}"))
    return outdated


def profile_of(ports: IntakePorts, revision: UsageRevision) -> ImportProfile | None:
    """The profile that speaks for a reading's drop now; None when it is gone, or names another source now.

    A file that a person handed in may have come with a profile of its own, which the workspace never knew: that one is
    kept as it was then.
    """
    drop = revision.drop
    known = ports.profiles.get(drop.profile)
    if known is not None:
        return known if known.source == drop.source else None
    arrival = ports.arrivals.arrival(revision.file_id)
    if arrival is None or not is_by_hand(arrival):
        return None
    return ports.usage.recorded_profile(drop.profile, revision.profile_version)


def _read_again(ports: IntakePorts, revision: UsageRevision) -> TakenFile:
    drop = revision.drop
    arrival, profile = ports.arrivals.arrival(revision.file_id), profile_of(ports, revision)
    if arrival is None:
        raise LookupError(f"the arrival {revision.file_id} of {revision.file_name} is not recorded")
    if profile is None:
        raise LookupError(
            f"{revision.file_name} cannot be read again: no import profile {drop.profile!r} of {drop.source} is there"
        )
    renewal = Renewal(drop, partial(_is_free, ports, revision))
    return read_for(ports, arrival, profile, None if profile.period_column else drop.period, renewal)


def _is_free(ports: IntakePorts, revision: UsageRevision, drop: DropIdentity) -> bool:
    """Whether a file that is read again may speak for a drop: it does already, or no other file has a claim on it.

    What nobody speaks for yet in the reading's own month is his who comes first, and later files are read again first.
    In another month the readings of other files may be outdated too, and their claim is not known before that is read.
    """
    of_profile = (drop.source, drop.profile)
    current = ports.arrivals.current_revisions(drop.period)
    spoken = {r.drop: r.file_id for r in current if (r.drop.source, r.drop.profile) == of_profile}
    if drop in spoken:
        return spoken[drop] == revision.file_id
    return drop.period == revision.drop.period or set(spoken.values()) <= {revision.file_id}
