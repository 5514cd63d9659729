"""When files arrive: look at the inbox, compare with the store, ask for what is not taken in yet.

Belongs here: the sensor and the comparison it rests on.
Does not belong here: taking files in; nothing here changes the store or the inbox.
"""

import json
from collections.abc import Mapping
from datetime import datetime

import dagster as dg

from assets.jobs import take_in_usage
from assets.partitions import SOURCES, UsageKey, sources_asked_for
from pipelines.intake.arrivals import changes
from pipelines.intake.waiting import WaitingFile, waiting_files
from resources.wiring import Workspaces


def requests_for(tenant: str, waiting: list[WaitingFile], now: datetime) -> list[dg.RunRequest]:
    """One run per (month, source) that has waiting files.

    The run key names files, versions, tries and the hour: a run that failed is asked for again under a new key, one
    that finished never is, since its files no longer wait.
    """
    grouped: dict[UsageKey, list[str]] = {}
    for item in waiting:
        key = UsageKey(item.period, tenant, item.source)
        grouped.setdefault(key, []).append(f"{item.file.path}@{item.file.version}:{item.attempts}")
    return [
        dg.RunRequest(
            run_key=f"{key.partition_key}|{'|'.join(sorted(names))}|{now:%Y-%m-%dT%H}", partition_key=key.partition_key
        )
        for key, names in sorted(grouped.items(), key=lambda item: item[0].partition_key)
    ]


def settled(looked_before: Mapping[str, str], waiting: list[WaitingFile]) -> list[WaitingFile]:
    """The files that did not change since the look before: a file still being uploaded is left for the next look."""
    moving = {file.path for file in changes(looked_before, [item.file for item in waiting])}
    return [item for item in waiting if item.file.path not in moving]


@dg.sensor(
    name="arrived_files",
    job=take_in_usage,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Looks at the inbox of every workspace and asks for a run per month and source with waiting files.",
)
def arrived_files(context: dg.SensorEvaluationContext, workspaces: Workspaces) -> dg.SensorResult:
    """Level-triggered: what counts is what the store has not taken in, never the cursor.

    The cursor remembers the look before, only to leave files alone whose size or time still changes.
    """
    before: dict[str, dict[str, str]] = json.loads(context.cursor or "{}")
    looked: dict[str, dict[str, str]] = {}
    requests: list[dg.RunRequest] = []
    for settings in workspaces.settings():
        with workspaces.open(settings.tenant) as workspace:
            waiting = waiting_files(workspace.intake)
            now = workspace.clock()
        looked[settings.tenant] = {item.file.path: item.file.version for item in waiting}
        requests += requests_for(settings.tenant, settled(before.get(settings.tenant, {}), waiting), now)
    keys = sources_asked_for(requests)
    return dg.SensorResult(
        run_requests=requests,
        dynamic_partitions_requests=[SOURCES.build_add_request(keys)] if keys else [],
        cursor=json.dumps(looked),
    )
