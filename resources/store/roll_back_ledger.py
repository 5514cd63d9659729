"""The store as rolling back sees it.

Belongs here: the ledger of ``pipelines.writeback.rolling_back``.
Does not belong here: rules, queries.
"""

from collections.abc import Sequence

from pipelines.audit import AuditEvent
from pipelines.review.changes import Change
from pipelines.writeback.rolling_back import Written
from resources.store import audit, changes, writes
from resources.store.engine import Store


class StoreRollBackLedger:
    """The ledger of one tenant's roll-backs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def written_since(self, batch_id: str) -> Sequence[Written]:
        """Everything written from a run's first conclusion on, in order."""
        with self._store.reading() as conn:
            return writes.written_since(conn, self._store.tenant, batch_id)

    def latest_changes(self) -> Sequence[Change]:
        """The latest revision of every change of the tenant, all months."""
        with self._store.reading() as conn:
            return changes.latest_changes(conn, self._store.tenant)

    def propose(self, proposed: Sequence[Change], event: AuditEvent) -> None:
        """Store proposals and the entry about them. Raises ``StoreConflict`` when somebody else proposed one."""
        with self._store.transaction() as conn:
            changes.insert_changes(conn, self._store.tenant, proposed)
            audit.record_event(conn, self._store.tenant, event)
