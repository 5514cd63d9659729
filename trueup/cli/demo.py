"""``trueup demo``: a month at an invented MSP, from files in the inbox to proposals.

Belongs here: playing the demo's world through the real product and telling what happens.
Does not belong here: the world's data (``trueup.demo``).
"""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
import yaml

from pipelines.mapping.document import read_mappings
from pipelines.periods import BillingPeriod
from resources.settings import create_workspace, environment, load_settings, set_setting
from resources.store import changes, findings, reconciliations
from resources.workspace import Workspace, utc_now
from trueup.cli.mappings import record_document
from trueup.cli.printing import CommandError, print_lines, print_table
from trueup.cli.review import print_explanation
from trueup.cli.run import print_month
from trueup.demo.world import DemoWorld, demo_world

MARK = ".trueup-demo"
"""Marks a folder as the demo's own, so that a demo never deletes a folder that is somebody's."""

MOST_TICKS = 12
"""Evaluations of the sensors after which a demo that never comes to rest is a fault."""


def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Folder of the demo's workspace, made anew.")] = Path(
        ".demo"
    ),
) -> None:
    """Make a workspace, start a sandbox PSA, drop three sources' files and reconcile the month through Dagster.

    Example: trueup demo
    """
    from trueup.orchestration import orchestrated  # noqa: PLC0415  Dagster's import costs seconds
    from trueup.sandbox.psa.running import running_sandbox  # noqa: PLC0415

    now = utc_now()
    period = BillingPeriod(now.year, now.month).previous
    world = demo_world(period)
    root = _new_folder(directory.absolute(), now)
    (root / "psa.yaml").write_text(yaml.safe_dump(world.seed, sort_keys=False, allow_unicode=True), encoding="utf-8")
    with running_sandbox(world.seed) as psa:
        _say(f"A sandbox PSA that speaks ConnectWise serves at {psa.url}")
        set_setting(root, "psa.base_url", psa.url)
        set_setting(root, "psa.allow_loopback", "true")
        opened = Workspace(load_settings(root, environment()))
        try:
            _set_up(opened, world)
            with orchestrated(opened) as orchestration:
                for month in (period.previous, period):
                    _drop(opened, world, month)
                    _run_until_quiet(orchestration.tick)
            _tell(opened, period)
        finally:
            opened.close()
    _last_words(directory, period, psa.url)


def _say(message: str) -> None:
    print(f"• {message}", flush=True)


def _new_folder(root: Path, now: datetime) -> Path:
    if root.exists() and any(root.iterdir()) and not (root / MARK).exists():
        raise CommandError(f"{root} exists and was not made by the demo: choose another folder with --dir")
    shutil.rmtree(root, ignore_errors=True)
    create_workspace(root, tenant="demo", created_at=now)
    (root / MARK).touch()
    _say(f"A workspace is made in {root}")
    return root


def _set_up(opened: Workspace, world: DemoWorld) -> None:
    for name, text in world.profiles.items():
        (opened.settings.folder("profiles") / f"{name}.yaml").write_text(text, encoding="utf-8")
    plan = record_document(opened, read_mappings(world.mappings), "demo", replace=False)
    (opened.settings.root / "mappings.yaml").write_text(world.mappings, encoding="utf-8")
    _say(f"{len(plan.add)} mapping decisions are recorded (mappings.yaml)")


def _drop(opened: Workspace, world: DemoWorld, month: BillingPeriod) -> None:
    dropped = {path: content for path, content in world.files.items() if month.key in path}
    for path, content in dropped.items():
        file = opened.settings.inbox / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    _say(f"{len(dropped)} files of {month.key} arrive in the inbox: {', '.join(dropped)}")


def _run_until_quiet(tick: Callable[[Callable[[str], None]], int]) -> None:
    # The first look at a file only notes it: a file is taken in when a second look finds it unchanged.
    quiet = 0
    for _ in range(MOST_TICKS):
        quiet = 0 if tick(_say) else quiet + 1
        if quiet == 2:
            return
    raise CommandError("the sensors keep asking for runs")


def _tell(opened: Workspace, period: BillingPeriod) -> None:
    tenant = opened.tenant.id
    with opened.store.reading() as conn:
        month = reconciliations.latest_reconciliation(conn, tenant, period.key)
        found = findings.standing_findings(conn, tenant, period.key)
        proposed = changes.latest_changes(conn, tenant, period=period.key)
    if month is None:
        raise CommandError(f"the month {period.key} was not reconciled")
    print_lines(["", "What the month came to"])
    print_month(opened, month.summary)
    print_lines(["", "What needs a person"])
    print_table(["kind", "source", "what"], [(finding.kind, finding.source, finding.message) for finding in found])
    best_shown = max(proposed, key=lambda change: change.evidence_count, default=None)
    if best_shown:
        print_lines(["", "Why one of them is proposed"])
        print_explanation(opened, best_shown.change_id)


def _last_words(directory: Path, period: BillingPeriod, url: str) -> None:
    port = url.rpartition(":")[2]
    print_lines(
        [
            "",
            "Nothing was written to the PSA: changes wait for a person's decision.",
            "",
            "Look around:",
            f"  make dev WORKSPACE={directory}                          the Dagster UI at http://127.0.0.1:3000",
            f"  .venv/bin/trueup changes list --period {period.key} --workspace {directory}",
            f"  .venv/bin/trueup findings --period {period.key} --workspace {directory}",
            f"  .venv/bin/trueup sandbox psa --seed {directory}/psa.yaml --port {port}   the PSA again",
        ]
    )
