"""When something was approved, or a lost answer can be settled: ask for a run of write-back.

Belongs here: the sensor and the comparison it rests on.
Does not belong here: writing; nothing here changes the store or the PSA.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime

import dagster as dg

from assets.jobs import write_back
from assets.partitions import TENANTS
from pipelines.writeback.judging import look_due
from pipelines.writeback.ports import Approved, Unsettled
from resources.wiring import Workspaces
from resources.workspace import Workspace

AGAIN_AFTER_MINUTES = 10
"""How long the same work waits before it is asked for again: a run that could not reach the PSA changed nothing."""


def write_back_request(
    tenant: str, approved: Iterable[Approved], unsettled: Iterable[Unsettled], now: datetime
) -> dg.RunRequest | None:
    """The run that the tenant's open work asks for; None when there is none.

    The run key names the work and its tries, so what was taken up and is due again is asked for under a new key.
    """
    names = [f"{a.change.change_id}@{a.change.revision}:{a.decision_id}:{a.tries}" for a in approved]
    names += [f"{u.change.change_id}@{u.change.revision}:{u.sent_at.isoformat()}:{u.looks}" for u in unsettled]
    if not names:
        return None
    digest = hashlib.sha256("\x1f".join(sorted(names)).encode()).hexdigest()[:16]
    turn = f"{now:%Y-%m-%dT%H}:{now.minute // AGAIN_AFTER_MINUTES}"
    return dg.RunRequest(run_key=f"{tenant}|{digest}|{turn}", partition_key=tenant)


@dg.sensor(
    name="approved_changes",
    job=write_back,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Compares what is approved with what is written and asks for a run per tenant with something to do.",
)
def approved_changes(workspaces: Workspaces) -> dg.SensorResult:
    """Level-triggered on the store: an approval is asked for until it ended, whatever became of earlier runs."""
    requests = []
    tenants = []
    for settings in workspaces.settings():
        with workspaces.open(settings.tenant) as workspace:
            request = _request(workspace)
        tenants.append(settings.tenant)
        requests += [request] if request else []
    return dg.SensorResult(
        run_requests=requests, dynamic_partitions_requests=[TENANTS.build_add_request(tenants)] if requests else []
    )


def _request(workspace: Workspace) -> dg.RunRequest | None:
    ledger, now = workspace.write_ledger, workspace.write_clock()
    quiet = workspace.pace.quiet
    unsettled = [each for each in ledger.unsettled(None) if look_due(each, quiet) <= now]
    # While write-back stands still lost answers are settled all the same: that only reads.
    today = workspace.today
    approved = [] if ledger.stop() else [each for each in ledger.approved(now, None) if each.change.is_due(today)]
    unread = {period: ledger.standing(period).unread for period in {each.change.period for each in approved}}
    ready = [each for each in approved if not unread[each.change.period].intersection(each.change.sources)]
    return write_back_request(workspace.tenant.id, ready, unsettled, now)
