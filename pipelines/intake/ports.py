"""What the use cases of the inbox reach the world with.

Belongs here: their Protocols, and the bundle in which a front door hands them over.
Does not belong here: anything that is done with them (``waiting``, ``tries``, ``by_hand``).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from pipelines.identity import FileId
from pipelines.intake.arrivals import InboxFile
from pipelines.intake.drops import Arrival, ArrivalStatus, Sighting, UsageRevision
from pipelines.intake.profile import ImportProfile
from pipelines.intake.take import FileReader, UsageLake, UsageLedger


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

    def sightings(self) -> Sequence[Sighting]:
        """Every arrival, oldest first."""
        ...

    def read_after(self, arrival: Arrival) -> list[Arrival]:
        """Arrivals for the same profile that came later and were read, oldest first."""
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

    def withdraw_attempt(self, file_id: FileId, attempt: int) -> None:
        """Forget the latest try: it says nothing of the file."""
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
