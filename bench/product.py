"""The product on a made-up month, in a process of its own: a workspace, a sandbox PSA, the main job.

Belongs here: setting the workspace up, running the month as ``trueup run`` does, what each step took.
Does not belong here: the month (``months``), comparing with the limit (``__main__``).

Run as ``python -m bench.product MODE MONTH OUT URL``; it prints its seconds as JSON. URL is that of the sandbox PSA.
``fresh`` makes a new workspace; the other modes use the one that ``fresh`` left in OUT: ``again`` drops the same files
once more, ``idle`` drops none, ``floor`` only computes the month anew: the start of a process and one run of dbt.
"""

import json
import shutil
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import dagster as dg

from bench.months import PERIOD
from pipelines.mapping.document import read_mappings
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.month import compute_month
from resources.dagster_home import prepare_dagster_home
from resources.settings import create_workspace, environment, load_settings, set_setting
from resources.store import changes
from resources.warehouse.month import MonthWarehouse
from resources.workspace import DBT_PROJECT, Workspace
from trueup.cli.mappings import record_document
from trueup.orchestration import orchestrated

PSA_COPY = "agreement_lines"
"""The step that talks to the PSA over HTTP: its pace is the vendor's, and bare SQL has nothing like it."""


def main(mode: str, month: Path, out: Path, url: str) -> None:
    """Run a month and print how long it took."""
    if mode == "fresh":
        _make_workspace(month, out, url)
    set_setting(out, "psa.base_url", url)
    if mode in {"fresh", "again"}:
        _drop(month, out)
    opened = Workspace(load_settings(out, environment()))
    try:
        print(json.dumps(_floor(opened) if mode == "floor" else _run(opened)))
    finally:
        opened.close()


def _floor(opened: Workspace) -> dict[str, Any]:
    compute_month(
        opened.tenant,
        BillingPeriod.from_key(PERIOD),
        opened.month_ledger,
        MonthWarehouse(opened.lake, opened.settings.folder("scratch"), DBT_PROJECT),
        now=opened.clock(),
    )
    return {}


def _make_workspace(month: Path, out: Path, url: str) -> None:
    shutil.rmtree(out, ignore_errors=True)
    create_workspace(out, tenant="bench", created_at=datetime.now(UTC))
    set_setting(out, "psa.base_url", url)
    set_setting(out, "psa.allow_loopback", "true")
    shutil.copy(month / "profile.yaml", out / "profiles" / "meridian.yaml")
    opened = Workspace(load_settings(out, environment()))
    try:
        mappings = read_mappings((month / "mappings.yaml").read_text(encoding="utf-8"))
        record_document(opened, mappings, "bench", replace=False)
    finally:
        opened.close()


def _drop(month: Path, out: Path) -> None:
    folder = out / "inbox" / "meridian" / PERIOD
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted((month / "usage").iterdir()):
        shutil.copy(file, folder / file.name)


def _run(opened: Workspace) -> dict[str, Any]:
    import_module("dbt.cli.main")
    with orchestrated(opened) as orchestration:
        started, cpu = time.perf_counter(), time.process_time()
        orchestration.run(BillingPeriod.from_key(PERIOD), lambda _: None)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    steps = _steps(opened)
    inside = seconds - steps.get(PSA_COPY, 0.0)
    return {"seconds": seconds, "inside": inside, "cpu": cpu, "steps": steps, "changes": _proposed(opened)}


def _steps(opened: Workspace) -> dict[str, float]:
    """Seconds of each step, added over the runs of the Dagster instance."""
    steps: dict[str, float] = {}
    with dg.DagsterInstance.from_config(str(prepare_dagster_home(opened.settings))) as instance:
        for run in instance.get_runs():
            for step in instance.get_run_step_stats(run.run_id):
                took = (step.end_time or 0.0) - (step.start_time or 0.0)
                steps[step.step_key] = round(steps.get(step.step_key, 0.0) + took, 3)
    return steps


def _proposed(opened: Workspace) -> list[list[str | int | None]]:
    with opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=PERIOD)
    return sorted(
        [
            int(change.account_id),
            int(change.service_id),
            None if change.quantity_before is None else str(int(change.quantity_before)),
            str(int(change.quantity_after)),
        ]
        for change in latest
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
