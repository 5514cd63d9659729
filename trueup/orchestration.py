"""Dagster's jobs run in this process: what ``trueup run``, ``trueup apply`` and the trap scenarios drive.

Belongs here: launching the jobs on a workspace's own Dagster instance, so that the UI shows these runs as well.
Does not belong here: what the jobs do; printing.
"""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from assets.jobs import reconcile_month, take_in_usage, write_back
from assets.partitions import MONTHS, SOURCES, TENANTS, UsageKey, is_known_month, month_partition
from pipelines.intake.waiting import outdated_readings, waiting_files
from pipelines.periods import BillingPeriod
from pipelines.review.publishing import InputsMovedError
from resources.dagster_home import prepare_dagster_home
from resources.store.errors import StoreConflict
from resources.wiring import Workspaces
from resources.workspace import Workspace
from sensors.approvals import approved_changes
from sensors.arrivals import arrived_files
from sensors.inputs import changed_inputs
from trueup.definitions import definitions

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_ONLY_JOB = {arrived_files.name: take_in_usage.name, approved_changes.name: write_back.name}
"""The job of a sensor that has but one, which its requests leave out."""

_TRIES = 3
"""How often a job starts over when files or mappings keep arriving, or another process takes them in, meanwhile."""


class RunFailedError(Exception):
    """A job failed; the text carries the step and the cause in its own words."""


@contextmanager
def orchestrated(workspace: Workspace) -> Iterator["Orchestration"]:
    """The jobs of one workspace, on its own Dagster instance."""
    home = prepare_dagster_home(workspace.settings)
    with ExitStack() as stack:
        with _alone(home / ".opening"):
            instance = stack.enter_context(dg.DagsterInstance.from_config(str(home)))
            instance.add_dynamic_partitions(str(TENANTS.name), [workspace.tenant.id])
            instance.get_runs_count()
        yield Orchestration(workspace, instance)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Dagster makes its SQLite tables on first use, and two processes that do so at once fail."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


class Orchestration:
    """Runs jobs in this process, one after the other."""

    def __init__(self, workspace: Workspace, instance: dg.DagsterInstance) -> None:
        self._workspace = workspace
        self._instance = instance
        self._definitions = definitions([str(workspace.settings.root)])
        self._cursors: dict[str, str | None] = {}
        self._started: set[str | None] = set()

    def run(self, period: BillingPeriod, say: Callable[[str], None]) -> None:
        """Take in every waiting file of any month, re-read what a person corrected, then reconcile the month.

        Raises ``RunFailedError`` when a job failed for another reason than data, or the month is out of range.
        """
        if not is_known_month(period):
            raise RunFailedError(f"{period.key} is out of range: {MONTHS.get_first_partition_key()} to two years ahead")
        for key in sorted(self._asked_for(period), key=lambda key: key.partition_key):
            say(f"taking in {key.source}, {key.period.key}")
            self._take_in(key)
        say(f"reconciling {period.key}")
        self._reconcile(period)

    def write_back(self, period: BillingPeriod | None) -> dict[str, Any]:
        """Write what is approved, of one month or of all; the answer is what the run came to, as plain JSON.

        Raises ``RunFailedError`` when the PSA or the store could not be reached: approvals are kept.
        """
        config = {"ops": {"agreement_updates": {"config": {"period": None if period is None else period.key}}}}
        result = self._execute(write_back.name, self._workspace.tenant.id, config)
        [materialized] = result.asset_materializations_for_node("agreement_updates")
        batch = materialized.metadata["batch"].value
        if not isinstance(batch, dict):
            raise TypeError(f"the run of write-back came to {batch!r}")
        return batch

    def tick(self, say: Callable[[str], None]) -> int:
        """Evaluate all sensors once, as the daemon does, and run what they ask for; the number of runs.

        Raises ``RunFailedError`` when a run failed.
        """
        return sum(
            self._run_asked(sensor.name, self._evaluated(sensor), say)
            for sensor in (arrived_files, changed_inputs, approved_changes)
        )

    def _run_asked(self, sensor: str, asked: dg.SensorResult, say: Callable[[str], None]) -> int:
        for added in asked.dynamic_partitions_requests or ():
            self._instance.add_dynamic_partitions(added.partitions_def_name, list(added.partition_keys))
        fresh = [request for request in asked.run_requests or () if request.run_key not in self._started]
        for request in fresh:
            self._started.add(request.run_key)
            job = request.job_name or _ONLY_JOB[sensor]
            say(f"sensor {sensor} asks for {job} of {request.partition_key}")
            self._execute(job, str(request.partition_key))
        return len(fresh)

    def _evaluated(self, sensor: dg.SensorDefinition) -> dg.SensorResult:
        context = dg.build_sensor_context(
            instance=self._instance,
            cursor=self._cursors.get(sensor.name),
            resources={"workspaces": Workspaces(folders=[str(self._workspace.settings.root)])},
        )
        asked = sensor(context)
        if not isinstance(asked, dg.SensorResult):
            raise TypeError(f"the sensor {sensor.name} answers {asked!r}, not a SensorResult")
        self._cursors[sensor.name] = asked.cursor
        return asked

    def _asked_for(self, period: BillingPeriod) -> set[UsageKey]:
        tenant, intake = self._workspace.tenant.id, self._workspace.intake
        waiting = {UsageKey(file.period, tenant, file.source) for file in waiting_files(intake)}
        outdated = {UsageKey(period, tenant, item.drop.source) for item, _ in outdated_readings(intake, [period.key])}
        return waiting | outdated

    def _take_in(self, key: UsageKey) -> None:
        self._instance.add_dynamic_partitions(str(SOURCES.name), [key.source_key])
        # Another process may take the same file in: whoever comes second finds it taken when it looks again.
        self._until_alone((StoreConflict,), take_in_usage.name, key.partition_key)

    def _reconcile(self, period: BillingPeriod) -> None:
        # Likewise for a month, whose inputs may move besides.
        self._until_alone(
            (InputsMovedError, StoreConflict), reconcile_month.name, month_partition(period, self._workspace.tenant.id)
        )

    def _until_alone(self, overtaken: tuple[type[Exception], ...], job: str, partition_key: str) -> None:
        """Run a job, and again while somebody else was quicker; a few times, then the error is told."""
        for attempt in range(_TRIES):
            try:
                self._execute(job, partition_key)
                return
            except RunFailedError as error:
                is_overtaken = any(kind.__name__ in str(error) for kind in overtaken)
                if not is_overtaken or attempt == _TRIES - 1:
                    raise

    def _execute(
        self, job: str, partition_key: str, config: Mapping[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        result = self._definitions.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            partition_key=partition_key,
            raise_on_error=False,
            run_config={**_QUIET, **(config or {})},
        )
        if not result.success:
            raise RunFailedError("; ".join(_failures(result.all_events)))
        return result


def _failures(events: Iterable[dg.DagsterEvent]) -> Iterator[str]:
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error and error.cause:
                error = error.cause
            words = error.message.strip() if error else "no reason given"
            yield f"{event.step_key}: {words}"
