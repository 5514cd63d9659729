"""What a month's lines rest on just now, in the store's words: mapping decisions, current readings, the policy.

Belongs here: reading both at one instant, naming that state, plans made from it.
Does not belong here: what a plan holds (``pipelines.review.binding``).
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection

from pipelines.intake.drops import UsageRevision
from pipelines.mapping.entries import MappingEntry, RecordedEntry
from pipelines.mapping.live import LiveMappings, live_on
from pipelines.periods import BillingPeriod
from pipelines.review.binding import MANUAL_POLICY, LinePlan, PsaIdentity, feeding_entries, line_plan
from pipelines.review.changes import Change
from resources.store import mappings, periods, policies, reconciliations, usage
from resources.store.policies import PolicyVersion


@dataclass(frozen=True)
class MonthStanding:
    """A month's mappings, readings and policy at one instant. ``policy`` is None while a person decides on all."""

    tenant: str
    live: LiveMappings
    readings: Sequence[UsageRevision]
    policy: PolicyVersion | None = None
    recorded: Sequence[RecordedEntry] = ()

    def plan(self, change: Change, psa: PsaIdentity) -> LinePlan:
        """The plan of one of the month's changes."""
        version = self.policy.version if self.policy else MANUAL_POLICY
        return line_plan(change, self.tenant, psa, self.live, self.readings, version)

    def editors_of(self, change: Change) -> frozenset[str]:
        """Who recorded, or gave an end to, a mapping or unit entry that feeds a change's line."""
        return frozenset().union(*(self._editors[entry] for entry in feeding_entries(change, self.live)))

    @cached_property
    def _editors(self) -> Mapping[MappingEntry, frozenset[str]]:
        editors: dict[MappingEntry, frozenset[str]] = defaultdict(frozenset)
        for each in self.recorded:
            if each.superseded_at is None:
                editors[each.entry] |= each.editors
        return editors


def month_standing(conn: Connection, tenant: str, period: str) -> MonthStanding:
    """What a month's lines rest on now; a closed month's, what they rested on when it was frozen."""
    frozen = periods.frozen_at(conn, tenant, period)
    recorded = mappings.recorded_entries(conn, tenant, as_of=frozen)
    live = live_on(recorded, BillingPeriod.from_key(period).last_day)
    readings = usage.current_revisions(conn, tenant, period, as_of=frozen)
    return MonthStanding(tenant, live, readings, policies.policy_in_force(conn, tenant, as_of=frozen), recorded)


def standing_token(conn: Connection, tenant: str, period: str) -> str:
    """Names what a month rests on without reading it all: the number of mapping decisions, the current readings, the
    policy in force.

    Nothing moves what a closed month rests on.
    """
    frozen = periods.frozen_at(conn, tenant, period)
    if frozen is not None:
        return f"closed as of {frozen.isoformat()}"
    readings = usage.current_revision_ids(conn, tenant, period)
    policy = policies.policy_in_force(conn, tenant)
    parts = [str(mappings.decisions_made(conn, tenant)), policy.version if policy else MANUAL_POLICY, *readings]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def unread_sources(conn: Connection, tenant: str, period: str) -> frozenset[str]:
    """Sources with a reading that the month's last reconciliation has not seen: nobody knows what its rows say."""
    month = reconciliations.latest_reconciliation(conn, tenant, period)
    seen = {(each["file_id"], each["revision"]) for each in month.sources} if month else set()
    current = usage.current_revisions(conn, tenant, period, as_of=periods.frozen_at(conn, tenant, period))
    return frozenset(reading.drop.source for reading in current if (reading.file_id, reading.revision) not in seen)
