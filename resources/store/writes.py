"""What write-back leaves behind: the lease, stops, intents and outcomes.

Belongs here: statements on them, each inside the caller's transaction; the fence.
Does not belong here: the order in which they are used (``pipelines.writeback``).
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, exists, func, insert, select, update

from pipelines.audit import AuditAction, AuditEvent, canonical_json
from pipelines.identity import ChangeId
from pipelines.quantities import text
from pipelines.review.approval import DecisionAction
from pipelines.review.binding import as_bound
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.attention import is_unreviewed
from pipelines.writeback.ports import (
    WRITE_BACK,
    Approved,
    Cause,
    Fenced,
    Intent,
    Lease,
    NotTaken,
    Outcome,
    Stop,
    StopKind,
    Unsettled,
)
from pipelines.writeback.rolling_back import Written
from resources.store.audit import record_event
from resources.store.changes import change_from, latest_changes
from resources.store.decisions import holding_approvals
from resources.store.errors import NotInStore
from resources.store.reconciliations import latest_by_period
from resources.store.statements import insert_into, next_number
from resources.store.tables import (
    change_revisions,
    decisions,
    write_intents,
    write_leases,
    write_outcomes,
    write_stops,
)

_ENDED_BADLY = (ChangeStatus.STALE, ChangeStatus.REFUSED)
_IN_FLIGHT = (ChangeStatus.SENDING, ChangeStatus.UNKNOWN)
_MAY_BECOME = (ChangeStatus.APPROVED, *_IN_FLIGHT)
"""Where a change may stand when an outcome is recorded: anything else was decided by somebody meanwhile."""


# --- the lease ------------------------------------------------------------------------------------------------------


def take_lease(conn: Connection, tenant: str, holder: str, now: datetime, until: datetime) -> int | None:
    """The fence of a new lease; None while another holder's has not lapsed."""
    table = write_leases.c
    statement = insert_into(conn, write_leases).values(tenant=tenant, holder=holder, fence=1, until=until)
    taken = statement.on_conflict_do_update(
        index_elements=["tenant"],
        set_={"holder": holder, "fence": table.fence + 1, "until": until},
        where=table.until <= now,
    ).returning(table.fence)
    fence: int | None = conn.execute(taken).scalar_one_or_none()
    return fence


def keep_lease(conn: Connection, tenant: str, lease: Lease) -> None:
    """Make the lease last; its row stays locked until the transaction ends.

    Raises ``Fenced`` when another holder took it: whatever this transaction did is undone.
    """
    table = write_leases.c
    mine = update(write_leases).where(table.tenant == tenant, table.fence == lease.fence)
    if not conn.execute(mine.values(until=lease.until)).rowcount:
        raise Fenced(f"another run writes for {tenant} by now")


def give_back_lease(conn: Connection, tenant: str, lease: Lease, now: datetime) -> None:
    """Let the next run begin at once; nothing when another one holds the lease by now."""
    table = write_leases.c
    mine = update(write_leases).where(table.tenant == tenant, table.fence == lease.fence, table.until > now)
    conn.execute(mine.values(until=now))


# --- stops ----------------------------------------------------------------------------------------------------------


def standing_stop(conn: Connection, tenant: str) -> Stop | None:
    """Why write-back stands still; None when it does not."""
    query = select(write_stops).where(write_stops.c.tenant == tenant)
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else Stop(StopKind(row["kind"]), row["words"], row["by"], row["at"])


def record_stop(conn: Connection, tenant: str, stop: Stop, *, is_asserted: bool = False) -> None:
    """Stand still. A stop that stands already stays, unless the new one asks for more before it is lifted."""
    # Waits for an intent that is being committed under the lease: none is committed once a stop is recorded.
    conn.execute(select(write_leases.c.fence).where(write_leases.c.tenant == tenant).with_for_update())
    standing = standing_stop(conn, tenant)
    if standing is not None and _asks_for(standing.kind) >= _asks_for(stop.kind):
        return
    conn.execute(delete(write_stops).where(write_stops.c.tenant == tenant))
    conn.execute(insert(write_stops).values(tenant=tenant, **vars(stop)))
    is_a_persons = stop.kind is StopKind.BY_A_PERSON or stop.by != WRITE_BACK
    action = AuditAction.STOPPED if is_a_persons else AuditAction.HALTED
    event = AuditEvent(action, tenant, stop.by, is_asserted, stop.at, {"kind": str(stop.kind), "words": stop.words})
    record_event(conn, tenant, event)


def _asks_for(kind: StopKind) -> int:
    """A restored store is looked at by a person, and approvals end with it; the switch asks for a person's word."""
    return {StopKind.RESTORED_STORE: 2, StopKind.BY_A_PERSON: 1}.get(kind, 0)


def lift_stop(conn: Connection, tenant: str, words: str, by: str, at: datetime, *, is_asserted: bool = False) -> bool:
    """Go on; the answer is whether there was anything to lift."""
    stop = standing_stop(conn, tenant)
    if stop is None:
        return False
    conn.execute(delete(write_stops).where(write_stops.c.tenant == tenant))
    details = {"kind": str(stop.kind), "words": words}
    record_event(conn, tenant, AuditEvent(AuditAction.RESUMED, tenant, by, is_asserted, at, details))
    return True


# --- whose turn it is -----------------------------------------------------------------------------------------------


def approved_changes(conn: Connection, tenant: str, now: datetime, period: str | None = None) -> list[Approved]:
    """Approved changes whose turn has come, the earliest approval first.

    None while the PSA has asked for fewer requests: that is asked of the tenant, not of one line.
    """
    if conn.execute(select(_is_throttled(tenant, now))).scalar_one():
        return []
    rows = conn.execute(_approved(tenant, period)).mappings()
    return [_approved_from(row) for row in rows if row["retry_at"] is None or row["retry_at"] <= now]


def next_turn(conn: Connection, tenant: str, after: datetime, period: str | None = None) -> datetime | None:
    """When the next approved change has its turn that waits for one after that instant."""
    rows = conn.execute(_approved(tenant, period)).mappings()
    return min((row["retry_at"] for row in rows if row["retry_at"] and row["retry_at"] > after), default=None)


def unsettled_changes(conn: Connection, tenant: str, period: str | None = None) -> list[Unsettled]:
    """Every change that is sending or unknown, with what its last intent left behind."""
    table = change_revisions.c
    query = select(change_revisions).where(table.tenant == tenant, table.status.in_(_IN_FLIGHT))
    if period is not None:
        query = query.where(table.period == period)
    rows = conn.execute(query.order_by(table.change_id, table.revision)).mappings().all()
    return [_unsettled(conn, tenant, change_from(row)) for row in rows]


def outcomes_of(conn: Connection, tenant: str, change_ids: Sequence[ChangeId]) -> list[RowMapping]:
    """What write-back left behind about these changes, in order."""
    table = write_outcomes.c
    query = select(write_outcomes).where(table.tenant == tenant, table.change_id.in_(change_ids))
    return list(conn.execute(query.order_by(table.number)).mappings())


def intents_of(conn: Connection, tenant: str, change_ids: Sequence[ChangeId]) -> list[RowMapping]:
    """The requests that were about to be sent for these changes, in order."""
    table = write_intents.c
    query = select(write_intents).where(table.tenant == tenant, table.change_id.in_(change_ids))
    return list(conn.execute(query.order_by(table.number)).mappings())


def latest_outcomes(conn: Connection, tenant: str, period: str) -> list[RowMapping]:
    """The last outcome of every revision of a month's changes."""
    table, later, of = write_outcomes.c, write_outcomes.alias("later"), change_revisions.c
    is_overtaken = select(later.c.number).where(_same_revision(later.c, table), later.c.number > table.number).exists()
    query = select(write_outcomes).join(change_revisions, _same_revision(of, table))
    query = query.where(table.tenant == tenant, of.period == period, ~is_overtaken)
    return list(conn.execute(query.order_by(table.number)).mappings())


def written_since(conn: Connection, tenant: str, batch_id: str) -> list[Written]:
    """Everything written from a run's first conclusion on, in order, as approved; none for an unknown run."""
    table, sent = write_outcomes.c, write_intents.c
    first = select(func.min(table.number)).where(table.tenant == tenant, table.batch_id == batch_id).scalar_subquery()
    holding = holding_approvals().subquery()
    query = (
        select(
            change_revisions,
            decisions.c.plan,
            table.batch_id.label("run"),
            table.number,
            table.at,
            exists().where(_same_revision(sent, change_revisions.c)).label("was_sent"),
        )
        .join(change_revisions, _same_revision(change_revisions.c, table))
        .join(holding, _same_revision(holding.c, table))
        .join(decisions, (decisions.c.tenant == holding.c.tenant) & (decisions.c.number == holding.c.number))
        .where(table.tenant == tenant, table.status == ChangeStatus.WRITTEN, table.number >= first)
    )
    return [_written(row) for row in conn.execute(query.order_by(table.number)).mappings()]


def _written(row: RowMapping) -> Written:
    change = change_from({name: row[name] for name in change_revisions.c.keys()})  # noqa: SIM118  a collection
    return Written(as_bound(change, row["plan"]), row["run"], row["number"], row["at"], row["was_sent"])


def open_matters(conn: Connection, tenant: str) -> dict[ChangeStatus, int]:
    """How many changes wait for a person or for their answer, by status (``WriteLedger.open_matters``)."""
    reconciled = {period: found.at for period, found in latest_by_period(conn, tenant).items()}
    counts: Counter[ChangeStatus] = Counter()
    for status in _ENDED_BADLY:
        for change in latest_changes(conn, tenant, status=status):
            own = [row for row in outcomes_of(conn, tenant, [change.change_id]) if row["revision"] == change.revision]
            counts[status] += bool(own) and is_unreviewed(own[-1]["at"], reconciled.get(change.period))
    for unsettled in unsettled_changes(conn, tenant):
        counts[unsettled.change.status] += 1
    return dict(counts)


def _same_revision(one: Any, other: Any) -> Any:
    return (one.tenant == other.tenant) & (one.change_id == other.change_id) & (one.revision == other.revision)


def _is_throttled(tenant: str, now: datetime) -> Any:
    table, of = write_outcomes.c, change_revisions.c
    return exists().where(
        table.tenant == tenant,
        table.cause == Cause.THROTTLED,
        table.retry_at > now,
        _same_revision(of, table),
        of.status == ChangeStatus.APPROVED,
    )


@lru_cache(maxsize=64)
def _approved(tenant: str, period: str | None) -> Select[Any]:
    """Kept, since putting the statement together takes longer than running it, and write-back asks for it all along."""
    table = change_revisions.c
    holding = holding_approvals().subquery()
    query = (
        select(
            change_revisions,
            decisions.c.decision_id,
            decisions.c.actor,
            decisions.c.plan_hash,
            decisions.c.plan,
            _tries().label("tries"),
            _turn().label("retry_at"),
            _goes_alone().label("goes_alone"),
        )
        .join(holding, _same_revision(holding.c, table))
        .join(decisions, (decisions.c.tenant == holding.c.tenant) & (decisions.c.number == holding.c.number))
        .where(table.tenant == tenant, table.status == ChangeStatus.APPROVED)
        .order_by(holding.c.number)
    )
    return query if period is None else query.where(table.period == period)


def _tries() -> Any:
    table = write_outcomes.c
    surely_not = (Cause.NOT_EXECUTED, Cause.THROTTLED)
    return (
        select(func.count())
        .where(_same_revision(table, change_revisions.c), table.cause.in_(surely_not))
        .correlate(change_revisions)
        .scalar_subquery()
    )


def _goes_alone() -> Any:
    table = write_outcomes.c
    in_vain = (Cause.REFUSED_TOGETHER, Cause.SEND_AGAIN)
    return (
        exists().where(_same_revision(table, change_revisions.c), table.cause.in_(in_vain)).correlate(change_revisions)
    )


def _turn() -> Any:
    table = write_outcomes.c
    return (
        select(table.retry_at)
        .where(_same_revision(table, change_revisions.c))
        .order_by(table.number.desc())
        .limit(1)
        .correlate(change_revisions)
        .scalar_subquery()
    )


def _approved_from(row: RowMapping) -> Approved:
    change = change_from({name: row[name] for name in change_revisions.c.keys()})  # noqa: SIM118  a collection
    return Approved(
        change=as_bound(change, row["plan"]),
        decision_id=row["decision_id"],
        approved_by=row["actor"],
        plan_hash=row["plan_hash"],
        plan=row["plan"],
        tries=row["tries"],
        goes_alone=bool(row["goes_alone"]),
    )


def _unsettled(conn: Connection, tenant: str, change: Change) -> Unsettled:
    intents, outcomes = intents_of(conn, tenant, [change.change_id]), outcomes_of(conn, tenant, [change.change_id])
    sent = [row for row in intents if row["revision"] == change.revision][-1]
    sent_at = sent["sent_at"]
    own = [row for row in outcomes if row["revision"] == change.revision]
    since = [row for row in own if row["at"] >= sent_at and row["status"] == ChangeStatus.UNKNOWN]
    return Unsettled(
        change=_as_sent(conn, tenant, change, sent["decision_id"]),
        sends=1 + sum(row["cause"] == Cause.SEND_AGAIN for row in own),
        sent_at=sent_at,
        lost_at=since[0]["at"] if since else sent_at,
        looks=sum(row["cause"] == Cause.CANNOT_READ_BACK for row in since),
        look_at=since[-1]["retry_at"] if since else None,
    )


def _as_sent(conn: Connection, tenant: str, change: Change, decision_id: str) -> Change:
    table = decisions.c
    query = select(table.plan).where(table.tenant == tenant, table.decision_id == decision_id)
    plan = conn.execute(query).scalar_one_or_none()
    return change if plan is None else as_bound(change, plan)


# --- intents and outcomes -------------------------------------------------------------------------------------------


def record_intent(conn: Connection, tenant: str, lease: Lease, intent: Intent) -> None:
    """Record an intent and the status ``sending``.

    Raises ``NotTaken`` when the change is not approved any more, or by another decision: it may be for another day.
    """
    change = intent.change
    _refuse_second_in_flight(conn, tenant, change)
    _move(conn, tenant, change, ChangeStatus.SENDING, (ChangeStatus.APPROVED,), intent.batch_id)
    _refuse_another_approval(conn, tenant, intent)
    request = intent.request
    request_hash = hashlib.sha256(canonical_json(request.as_document()).encode()).hexdigest()
    conn.execute(
        insert(write_intents).values(
            tenant=tenant,
            number=next_number(conn, tenant, write_intents.name),
            change_id=change.change_id,
            revision=change.revision,
            batch_id=intent.batch_id,
            decision_id=intent.decision_id,
            plan_hash=intent.plan_hash,
            method=request.method,
            path=request.path,
            body=request.body,
            request_hash=request_hash,
            fence=lease.fence,
            sent_at=intent.sent_at,
        )
    )
    details = {
        "batch": intent.batch_id,
        "decision": intent.decision_id,
        "plan_hash": intent.plan_hash,
        "request": request.as_document(),
        "request_hash": request_hash,
        "fence": lease.fence,
    }
    record_event(conn, tenant, _event(AuditAction.INTENDED, change, intent.sent_at, details))


def record_outcome(conn: Connection, tenant: str, outcome: Outcome) -> None:
    """Record an outcome and its status. Raises ``NotTaken`` when the change was taken back meanwhile."""
    change = outcome.change
    _move(conn, tenant, change, outcome.status, _MAY_BECOME, outcome.batch_id)
    values = {name: value for name, value in vars(outcome).items() if name != "change"}
    number = next_number(conn, tenant, write_outcomes.name)
    key = {"tenant": tenant, "number": number, "change_id": change.change_id, "revision": change.revision}
    conn.execute(insert(write_outcomes).values(**key, **values))
    seen = outcome.quantity_seen
    details = {
        "batch": outcome.batch_id,
        "status": str(outcome.status),
        "cause": str(outcome.cause),
        "words": outcome.words,
        "quantity_seen": None if seen is None else text(seen),
    }
    record_event(conn, tenant, _event(AuditAction.CONCLUDED, change, outcome.at, details))


def _move(
    conn: Connection,
    tenant: str,
    change: Change,
    status: ChangeStatus,
    possible: Sequence[ChangeStatus],
    batch_id: str,
) -> None:
    table = change_revisions.c
    is_meant = _is_revision(table, tenant, change)
    moved = update(change_revisions).where(is_meant, table.status.in_(possible))
    if not conn.execute(moved.values(status=status, batch_id=batch_id)).rowcount:
        stands = conn.execute(select(table.status).where(is_meant)).scalar_one_or_none()
        if stands is None:
            raise NotInStore(f"change {change.change_id}@{change.revision}")
        raise NotTaken(f"{change.change_id}@{change.revision} is {stands} by now and was left as it is")


def _is_revision(table: Any, tenant: str, change: Change) -> Any:
    return (table.tenant == tenant) & (table.change_id == change.change_id) & (table.revision == change.revision)


def _refuse_second_in_flight(conn: Connection, tenant: str, change: Change) -> None:
    table = change_revisions.c
    is_same = table.line_id == change.line_id
    if change.line_id is None:
        is_same = table.line_id.is_(None) & (table.account_id == change.account_id)
        is_same &= table.service_id == change.service_id
    query = select(table.change_id, table.revision).where(table.tenant == tenant, is_same, table.status.in_(_IN_FLIGHT))
    other = conn.execute(query).first()
    if other is not None:
        what = f"line {change.line_id}" if change.line_id else f"service {change.service_id} of this account"
        raise NotTaken(f"{what} has another change in flight: {other.change_id}@{other.revision}")


def _refuse_another_approval(conn: Connection, tenant: str, intent: Intent) -> None:
    table, change = decisions.c, intent.change
    is_meant = _is_revision(table, tenant, change)
    approvals = select(table.decision_id).where(is_meant, table.action == DecisionAction.APPROVED)
    newest = conn.execute(approvals.order_by(table.number.desc()).limit(1)).scalar_one_or_none()
    if newest != intent.decision_id:
        name = f"{change.change_id}@{change.revision}"
        raise NotTaken(f"{name} was approved anew meanwhile; that approval has a turn of its own")


def _event(action: AuditAction, change: Change, at: datetime, details: dict[str, Any]) -> AuditEvent:
    return AuditEvent(
        action, f"{change.change_id}@{change.revision}", WRITE_BACK, is_asserted=False, at=at, details=details
    )
