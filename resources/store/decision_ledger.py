"""The store as deciding sees it.

Belongs here: the ledger of ``pipelines.review.approval``.
Does not belong here: rules, queries.
"""

from collections.abc import Sequence

from pipelines.identity import ChangeId
from pipelines.policies.engine import Policy
from pipelines.review.approval import Decision
from pipelines.review.binding import LinePlan, PsaIdentity
from pipelines.review.changes import Change, ChangeStatus
from pipelines.review.policy import NO_POLICY, change_policy
from pipelines.review.taking import PsaTakes
from resources.store import changes, copies, decisions
from resources.store.engine import Store
from resources.store.standing import MonthStanding, month_standing

NO_PSA = PsaIdentity("", "", "")
"""No PSA was ever copied, so nothing can have been proposed either."""


TAKES_ALL = PsaTakes()
"""A PSA that changes lines at once, makes them from a day on, and takes any number."""


class StoreDecisionLedger:
    """One decision command's view of the store: what a plan is made from is read once per month.

    ``takes`` says how the PSA takes a change; ``currency`` is the one that a policy's amounts are in where a rule names
    none.
    """

    def __init__(self, store: Store, *, takes: PsaTakes = TAKES_ALL, currency: str | None = None) -> None:
        self._store = store
        self._currency = currency
        self._policies: dict[str, Policy] = {}
        self.takes = takes
        self._standings: dict[str, MonthStanding] = {}

    def revisions_of(self, change_id: ChangeId) -> Sequence[Change]:
        """All revisions of a change, the first first; none when there is no such change."""
        with self._store.reading() as conn:
            return changes.change_revisions(conn, self._store.tenant, change_id)

    def latest_of(self, period: str) -> Sequence[Change]:
        """The latest revision of every change of a month."""
        with self._store.reading() as conn:
            return changes.latest_changes(conn, self._store.tenant, period=period)

    def psa(self) -> PsaIdentity:
        """The PSA tenant whose copy the proposals were made from."""
        with self._store.reading() as conn:
            copy = copies.newest_complete_copy(conn, self._store.tenant)
        return NO_PSA if copy is None else PsaIdentity(copy.kind, copy.base_url, copy.company or "")

    def plan_of(self, change: Change) -> LinePlan:
        """The plan of a change as things stand."""
        return self._standing(change.period).plan(change, self.psa())

    def policy_of(self, period: str) -> Policy:
        """The policy that the plans of a month are bound to."""
        if period not in self._policies:
            policy = self._standing(period).policy
            self._policies[period] = change_policy(policy.content, self._currency) if policy else NO_POLICY
        return self._policies[period]

    def editors_of(self, change: Change) -> frozenset[str]:
        """Who edited a mapping or unit entry that feeds a change's line."""
        return self._standing(change.period).editors_of(change)

    def decisions_of(self, change: Change) -> Sequence[Decision]:
        """What was decided about a revision so far, in order."""
        with self._store.reading() as conn:
            about = decisions.decisions_about(conn, self._store.tenant, [change.change_id])
        return [each for each in about if each.revision == change.revision]

    def _standing(self, period: str) -> MonthStanding:
        if period not in self._standings:
            with self._store.reading() as conn:
                self._standings[period] = month_standing(conn, self._store.tenant, period)
        return self._standings[period]

    def decide(
        self, wanted: Sequence[tuple[Decision, frozenset[ChangeStatus]]]
    ) -> Sequence[tuple[Decision, ChangeStatus]]:
        """Record decisions in one transaction; the answer names those whose change stood otherwise, with where."""
        lost = []
        with self._store.transaction() as conn:
            for decision, possible in wanted:
                stands = decisions.record_decision(conn, self._store.tenant, decision, possible)
                if stands is not None:
                    lost.append((decision, stands))
        return lost
