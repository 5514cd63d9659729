"""The store as write-back sees it: one method, one transaction, each under the tenant's lease.

Belongs here: the ledger of ``pipelines.writeback``.
Does not belong here: rules, queries.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pipelines.audit import ChainPoint
from pipelines.review.binding import LinePlan, PsaIdentity
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import WRITE_BACK, Approved, Intent, Lease, NotTaken, Outcome, Standing, Stop, Unsettled
from resources.store import audit, writes
from resources.store.engine import Store
from resources.store.standing import MonthStanding, month_standing, standing_token, unread_sources


class StoreWriteLedger:
    """The ledger of one tenant's write-back."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[str, MonthStanding]] = {}

    def take_lease(self, holder: str, now: datetime, until: datetime) -> int | None:
        """The fence of a new lease, None while another holder's has not lapsed."""
        with self._store.transaction() as conn:
            return writes.take_lease(conn, self._store.tenant, holder, now, until)

    def keep(self, lease: Lease) -> None:
        """Make the lease last longer."""
        with self._store.transaction() as conn:
            writes.keep_lease(conn, self._store.tenant, lease)

    def give_back(self, lease: Lease, now: datetime) -> None:
        """Let the next run begin at once."""
        with self._store.transaction() as conn:
            writes.give_back_lease(conn, self._store.tenant, lease, now)

    def stop(self) -> Stop | None:
        """Why write-back stands still; None when it does not."""
        with self._store.reading() as conn:
            return writes.standing_stop(conn, self._store.tenant)

    def halt(self, lease: Lease, stop: Stop) -> None:
        """Stand still until a person, or a mended cause, lets it go on."""
        with self._store.transaction() as conn:
            writes.keep_lease(conn, self._store.tenant, lease)
            writes.record_stop(conn, self._store.tenant, stop)

    def lift(self, lease: Lease, words: str, now: datetime) -> None:
        """Go on: what write-back itself had stopped for is mended."""
        with self._store.transaction() as conn:
            writes.keep_lease(conn, self._store.tenant, lease)
            writes.lift_stop(conn, self._store.tenant, words, WRITE_BACK, now)

    def approved(self, now: datetime, period: str | None) -> Sequence[Approved]:
        """Approved changes whose turn has come, the earliest approval first."""
        with self._store.reading() as conn:
            return writes.approved_changes(conn, self._store.tenant, now, period)

    def next_turn(self, after: datetime, period: str | None) -> datetime | None:
        """When the next approved change has its turn that waits for one after that instant."""
        with self._store.reading() as conn:
            return writes.next_turn(conn, self._store.tenant, after, period)

    def unsettled(self, period: str | None) -> Sequence[Unsettled]:
        """Every change that is sending or unknown."""
        with self._store.reading() as conn:
            return writes.unsettled_changes(conn, self._store.tenant, period)

    def open_matters(self) -> Mapping[ChangeStatus, int]:
        """How many changes wait for a person or for their answer, by status."""
        with self._store.reading() as conn:
            return writes.open_matters(conn, self._store.tenant)

    def standing(self, period: str) -> Standing:
        """What a month's lines rest on just now. What plans are made from is read anew only when it moved."""
        with self._store.reading() as conn:
            tenant = self._store.tenant
            token = standing_token(conn, tenant, period)
            if self._known.get(period, ("",))[0] != token:
                self._known[period] = (token, month_standing(conn, tenant, period))
            return Standing(token, unread_sources(conn, tenant, period))

    def plan(self, change: Change, psa: PsaIdentity) -> LinePlan:
        """The plan of a change from its month's standing as it was last asked for."""
        return self._known[change.period][1].plan(change, psa)

    def trail_head(self) -> ChainPoint:
        """How far the tenant's audit trail comes."""
        with self._store.reading() as conn:
            return audit.chain_head(conn, self._store.tenant)

    def trail_hash(self, sequence: int) -> str | None:
        """The hash of an entry of the audit trail; None when there is no such entry."""
        with self._store.reading() as conn:
            return audit.hash_at(conn, self._store.tenant, sequence)

    def record_intents(self, lease: Lease, intents: Sequence[Intent], token: str) -> ChainPoint:
        """Commit the intents of one request, all of one month, or raise ``NotTaken`` or ``Fenced`` and commit none.

        The answer is the last one's entry: the head is locked from it until the commit.
        """
        tenant, (period,) = self._store.tenant, {intent.change.period for intent in intents}
        with self._store.transaction() as conn:
            writes.keep_lease(conn, tenant, lease)
            if writes.standing_stop(conn, tenant) is not None:
                raise NotTaken("write-back was stopped meanwhile; the approval is kept")
            if standing_token(conn, tenant, period) != token:
                raise NotTaken("a mapping, a file or the policy moved meanwhile; the approval is looked at again")
            for intent in intents:
                writes.record_intent(conn, tenant, lease, intent)
            return audit.chain_head(conn, tenant)

    def record_outcome(self, lease: Lease, outcome: Outcome) -> None:
        """Commit an outcome and its status."""
        with self._store.transaction() as conn:
            writes.keep_lease(conn, self._store.tenant, lease)
            writes.record_outcome(conn, self._store.tenant, outcome)
