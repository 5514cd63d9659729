"""The store as the use cases see it: one method, one transaction.

Belongs here: the ledgers of intake and of copying the PSA.
Does not belong here: queries (one module per topic) and rules.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from pipelines.agreements.records import PsaCopy
from pipelines.intake.drops import DropIdentity, UsageRevision
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.rows import RowError, RowOverlay
from resources.store import copies, overlays, profiles, usage
from resources.store.engine import Store


class NamedContent(Protocol):
    """What is kept of an import profile: its name, the version that names its content, the content."""

    @property
    def name(self) -> str:
        """The profile's name."""
        ...

    @property
    def version(self) -> str:
        """Names the content."""
        ...

    @property
    def content(self) -> str:
        """The text that the version names."""
        ...


class StoreUsageLedger:
    """What taking a file in asks of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def current_revision(self, drop: DropIdentity) -> UsageRevision | None:
        """The reading that speaks for a drop now, if there is one."""
        with self._store.reading() as conn:
            return usage.current_revision(conn, self._store.tenant, drop)

    def overlays(self, drop: DropIdentity) -> tuple[RowOverlay, ...]:
        """The decisions about a drop's records that hold."""
        with self._store.reading() as conn:
            return overlays.overlays(conn, self._store.tenant, drop)

    def publish(self, revision: UsageRevision, rejected: Sequence[RowError]) -> None:
        """Let a reading speak for its drop. Raises ``StoreConflict`` when another run published in between."""
        with self._store.transaction() as conn:
            usage.publish_revision(conn, self._store.tenant, revision, rejected)

    def record_profile(self, profile: NamedContent, at: datetime) -> None:
        """Keep the content that a file is read with."""
        with self._store.transaction() as conn:
            profiles.record_profile_version(
                conn, self._store.tenant, profile.name, profile.version, profile.content, at
            )

    def recorded_profile(self, name: str, version: str) -> ImportProfile | None:
        """The profile that a file was read with, as it was then; None when no file was."""
        with self._store.reading() as conn:
            content = profiles.profile_content(conn, self._store.tenant, name, version)
        return None if content is None else load_profile(content)


class StoreCopyLedger:
    """What copying the PSA asks of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def newest_complete_copy(self) -> PsaCopy | None:
        """The newest copy that may be compared with."""
        with self._store.reading() as conn:
            return copies.newest_complete_copy(conn, self._store.tenant)

    def record(self, copy: PsaCopy) -> None:
        """Record an attempt, failed or not."""
        with self._store.transaction() as conn:
            copies.record_copy(conn, self._store.tenant, copy)
