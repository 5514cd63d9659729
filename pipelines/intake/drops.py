"""Drops and revisions: which file speaks for which source, profile, period and part.

Belongs here: the identity of a drop, what is recorded of an arrival and of a revision.
Does not belong here: storing them (``resources.store``).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from pipelines.identity import DropId, FileId, RevisionId
from pipelines.intake.rows import RowAccounting


class SourceVerdict(StrEnum):
    """Whether a file may speak for its source. Stored and shown; never rename one."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    EMPTY = "empty"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


class ArrivalStatus(StrEnum):
    """Where an arrived file stands on its way in."""

    WAITING = "waiting"
    TAKEN = "taken"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    QUARANTINED = "quarantined"


READ = frozenset({ArrivalStatus.TAKEN, ArrivalStatus.DUPLICATE, ArrivalStatus.REFUSED})
"""Where a file stands that was read, whatever came of it."""


@dataclass(frozen=True)
class DropIdentity:
    """What a file speaks for. Files of one identity replace each other; parts add up."""

    source: str
    profile: str
    period: str
    part: str = ""

    def id_for(self, tenant: str) -> DropId:
        """A stable id of the drop within a tenant."""
        identity = "\x1f".join([tenant, self.source, self.profile, self.period, self.part])
        return DropId(hashlib.sha256(identity.encode()).hexdigest()[:16])


@dataclass(frozen=True)
class Arrival:
    """A file that was seen in the inbox or handed in by hand.

    ``path`` is relative to the inbox (or the plain name of a file handed in); ``version`` is the object's identity
    there (size and modification time, or an ETag), so that an overwritten file is a new arrival.
    ``period`` and ``part`` are None until known; ``profile`` and ``source`` are None while nothing fits.
    """

    file_id: FileId
    path: str
    name: str
    version: str
    size_bytes: int
    sha256: str
    arrived_at: datetime
    status: ArrivalStatus
    source: str | None = None
    profile: str | None = None
    period: str | None = None
    part: str | None = None
    attempts: int = 0
    reason: str | None = None


class Sighting(NamedTuple):
    """As much of an arrival as a look at the inbox needs to know of each file there."""

    file_id: FileId
    path: str
    version: str
    status: ArrivalStatus
    turn: int
    """Its place in the order of arrival; those of one instant share one."""


@dataclass(frozen=True)
class UsageRevision:
    """One accepted reading of one file for one drop. Immutable; a pointer says which revision is current.

    ``lake_path`` is the folder of its Parquet files relative to the lake, None when it has no rows to show
    (empty or refused). ``quantity`` is the sum over valid rows. ``overlay_hash`` names the row fixes it was read with.
    """

    revision_id: RevisionId
    drop: DropIdentity
    revision: int
    file_id: FileId
    file_name: str
    sha256: str
    profile_version: str
    basis: str
    verdict: SourceVerdict
    reasons: tuple[str, ...]
    rows: RowAccounting
    quantity: Decimal
    lake_path: str | None
    overlay_hash: str
    created_at: datetime
