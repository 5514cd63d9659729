"""When inputs changed: a mapping, a new reading or a row fix recomputes just what it touches.

Belongs here: the sensor, the schedule of the month's end, the comparisons they rest on.
Does not belong here: computing; nothing here changes the store.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

import dagster as dg

from assets.jobs import reconcile_month, take_in_usage
from assets.partitions import SOURCES, TENANTS, UsageKey, month_partition, sources_asked_for
from pipelines.intake.waiting import outdated_readings
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.month import ReconciledAs, month_view
from resources.wiring import Workspaces
from resources.workspace import Workspace

RETRY_AFTER = timedelta(hours=1)
"""How long a month waits before the same inputs are tried again after a failure."""


def months_to_reconcile(
    present: Mapping[str, str], reconciled: Mapping[str, ReconciledAs], now: datetime
) -> list[tuple[str, str]]:
    """The months whose inputs are not those of their last reconciliation, with a run key each.

    ``present`` and ``reconciled`` are by month. A month that had no PSA to compare with is tried again hourly. The
    run key holds the hour, so a run that failed is asked for again, at most once an hour for the same inputs.
    """
    asked = []
    for month, input_hash in sorted(present.items()):
        last = reconciled.get(month)
        is_done = last is not None and last.input_hash == input_hash
        if is_done and last and (last.is_psa_copied or now - last.at < RETRY_AFTER):
            continue
        asked.append((month, f"{month}|{input_hash}|{now:%Y-%m-%dT%H}"))
    return asked


def is_month_end_due(today: date, billing_day: int, reconciled: Iterable[str]) -> BillingPeriod | None:
    """The past month, once the billing day has come and nobody has reconciled it yet."""
    past = BillingPeriod(today.year, today.month).previous
    return past if today.day >= billing_day and past.key not in set(reconciled) else None


def _month_requests(workspace: Workspace) -> list[dg.RunRequest]:
    now, ledger, tenant = workspace.clock(), workspace.month_ledger, workspace.tenant.id
    months = [BillingPeriod.from_key(key) for key in [*ledger.open_months(), *ledger.late_months()]]
    present = {month.key: month_view(month, ledger.read_month(month), now).input_hash for month in months}
    return [
        dg.RunRequest(
            run_key=f"{tenant}|{run_key}",
            job_name=reconcile_month.name,
            partition_key=month_partition(BillingPeriod.from_key(key), tenant),
        )
        for key, run_key in months_to_reconcile(present, ledger.reconciled_as(), now)
    ]


def _reading_requests(workspace: Workspace) -> list[dg.RunRequest]:
    hour = f"{workspace.clock():%Y-%m-%dT%H}"
    return [
        dg.RunRequest(
            run_key=f"{revision.revision_id}|{wanted}|{hour}",
            job_name=take_in_usage.name,
            partition_key=UsageKey(
                BillingPeriod.from_key(revision.drop.period), workspace.tenant.id, revision.drop.source
            ).partition_key,
        )
        for revision, wanted in outdated_readings(workspace.intake, workspace.month_ledger.open_months())
    ]


@dg.sensor(
    name="changed_inputs",
    jobs=[take_in_usage, reconcile_month],
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description=(
        "Compares every open month's readings and mappings with those it was last reconciled from; a closed month that "
        "a file came for late is computed once more, so that its findings tell of it."
    ),
)
def changed_inputs(context: dg.SensorEvaluationContext, workspaces: Workspaces) -> dg.SensorResult:
    """Level-triggered on the store. A row fix asks for that source's reading, which then asks for its month."""
    requests: list[dg.RunRequest] = []
    tenants: list[str] = []
    sources: list[str] = []
    for settings in workspaces.settings():
        with workspaces.open(settings.tenant) as workspace:
            readings = _reading_requests(workspace)
            requests += readings + _month_requests(workspace)
        tenants.append(settings.tenant)
        sources += sources_asked_for(readings)
    context.log.debug(f"{len(requests)} runs asked for")
    adds = [TENANTS.build_add_request(tenants)] + ([SOURCES.build_add_request(sources)] if sources else [])
    return dg.SensorResult(run_requests=requests, dynamic_partitions_requests=adds)


@dg.schedule(
    name="month_end",
    job=reconcile_month,
    cron_schedule="0 * * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="From the billing day on, reconciles the past month of every tenant once, whether files came or not.",
)
def month_end(workspaces: Workspaces) -> list[dg.RunRequest]:
    """Looks hourly and asks monthly: a daemon that slept on the billing day catches up."""
    requests = []
    for settings in workspaces.settings():
        with workspaces.open(settings.tenant) as workspace:
            reconciled = workspace.month_ledger.reconciled_as()
            due = is_month_end_due(workspace.today, int(settings.values["billing.day"]), reconciled)
        if due:
            requests.append(
                dg.RunRequest(
                    run_key=f"{settings.tenant}|month end {due.key}",
                    partition_key=month_partition(due, settings.tenant),
                )
            )
    return requests
