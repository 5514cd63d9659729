"""What a month's lines rest on just now, in the store's words: mapping decisions and current readings.

Belongs here: reading both at one instant, naming that state, plans made from it.
Does not belong here: what a plan holds (``pipelines.review.binding``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from pipelines.intake.drops import UsageRevision
from pipelines.mapping.live import LiveMappings, live_on
from pipelines.periods import BillingPeriod
from pipelines.review.binding import LinePlan, PsaIdentity, line_plan
from pipelines.review.changes import Change
from resources.store import mappings, periods, reconciliations, usage


@dataclass(frozen=True)
class MonthStanding:
    """A month's mappings and readings at one instant."""

    tenant: str
    live: LiveMappings
    readings: Sequence[UsageRevision]

    def plan(self, change: Change, psa: PsaIdentity) -> LinePlan:
        """The plan of one of the month's changes."""
        return line_plan(change, self.tenant, psa, self.live, self.readings)


def month_standing(conn: Connection, tenant: str, period: str) -> MonthStanding:
    """What a month's lines rest on now; a closed month's, what they rested on when it was frozen."""
    frozen = periods.frozen_at(conn, tenant, period)
    live = live_on(mappings.recorded_entries(conn, tenant, as_of=frozen), BillingPeriod.from_key(period).last_day)
    return MonthStanding(tenant, live, usage.current_revisions(conn, tenant, period, as_of=frozen))


def standing_token(conn: Connection, tenant: str, period: str) -> str:
    """Names what a month rests on without reading it all: the number of mapping decisions, the current readings.

    Nothing moves what a closed month rests on.
    """
    frozen = periods.frozen_at(conn, tenant, period)
    if frozen is not None:
        return f"closed as of {frozen.isoformat()}"
    readings = usage.current_revision_ids(conn, tenant, period)
    parts = [str(mappings.decisions_made(conn, tenant)), *readings]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def unread_sources(conn: Connection, tenant: str, period: str) -> frozenset[str]:
    """Sources with a reading that the month's last reconciliation has not seen: nobody knows what its rows say."""
    month = reconciliations.latest_reconciliation(conn, tenant, period)
    seen = {(each["file_id"], each["revision"]) for each in month.sources} if month else set()
    current = usage.current_revisions(conn, tenant, period, as_of=periods.frozen_at(conn, tenant, period))
    return frozenset(reading.drop.source for reading in current if (reading.file_id, reading.revision) not in seen)
