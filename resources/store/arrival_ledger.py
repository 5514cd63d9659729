"""Arrivals as the inbox use cases see them: one method, one transaction.

Belongs here: the ledger of ``pipelines.intake.waiting``.
Does not belong here: queries (``inbox``, ``usage``) and rules.
"""

from datetime import datetime

from pipelines.identity import FileId
from pipelines.intake.drops import Arrival, ArrivalStatus, Sighting, UsageRevision
from resources.store import inbox, usage
from resources.store.engine import Store


class StoreArrivalLedger:
    """What taking in the inbox asks of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def sightings(self) -> list[Sighting]:
        """Every arrival, oldest first."""
        with self._store.reading() as conn:
            return inbox.sightings(conn, self._store.tenant)

    def read_after(self, arrival: Arrival) -> list[Arrival]:
        """Arrivals for the same profile that came later and were read, oldest first."""
        with self._store.reading() as conn:
            return inbox.read_after(conn, self._store.tenant, arrival)

    def attempts_made(self) -> dict[FileId, int]:
        """How often each file was ever tried, over all releases."""
        with self._store.reading() as conn:
            return inbox.attempts_made(conn, self._store.tenant)

    def waiting(self) -> list[Arrival]:
        """Archived arrivals that nobody has read yet, oldest first."""
        with self._store.reading() as conn:
            return inbox.arrivals(conn, self._store.tenant, status=ArrivalStatus.WAITING)

    def arrival(self, file_id: FileId) -> Arrival | None:
        """One arrival."""
        with self._store.reading() as conn:
            return inbox.arrival(conn, self._store.tenant, file_id)

    def record(self, arrival: Arrival) -> None:
        """Remember an arrival, or what is now known of it."""
        with self._store.transaction() as conn:
            inbox.record_or_update_arrival(conn, self._store.tenant, arrival)

    def start_attempt(self, file_id: FileId, at: datetime) -> int:
        """Begin a try to read it; the number of the try."""
        with self._store.transaction() as conn:
            return inbox.start_attempt(conn, self._store.tenant, file_id, at)

    def finish_attempt(self, file_id: FileId, attempt: int, at: datetime, outcome: str, message: str | None) -> None:
        """Remember how the try ended."""
        with self._store.transaction() as conn:
            inbox.finish_attempt(conn, self._store.tenant, file_id, attempt, at, outcome, message)

    def withdraw_attempt(self, file_id: FileId, attempt: int) -> None:
        """Forget the latest try."""
        with self._store.transaction() as conn:
            inbox.withdraw_attempt(conn, self._store.tenant, file_id, attempt)

    def settle(self, file_id: FileId, status: ArrivalStatus, reason: str | None) -> None:
        """Remember where the file stands."""
        with self._store.transaction() as conn:
            inbox.settle_arrival(conn, self._store.tenant, file_id, status=status, reason=reason)

    def current_revisions(self, period: str) -> list[UsageRevision]:
        """The current readings of a month."""
        with self._store.reading() as conn:
            return usage.current_revisions(conn, self._store.tenant, period)
