"""``trueup demo``: a month at an invented MSP, from files in the inbox to lines written in its PSA.

Belongs here: playing the demo's world through the real product and telling what happens.
Does not belong here: the world's data (``trueup.demo``).
"""

import shutil
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml

from pipelines.findings import FindingKind
from pipelines.mapping.document import read_mappings
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import Actor, ChangeFilter, Decided, DecisionAction, Wish, decide_matching
from pipelines.review.changes import ChangeStatus
from resources.settings import create_workspace, environment, load_settings, set_setting
from resources.store import changes, findings, reconciliations
from resources.workspace import Workspace, utc_now
from trueup.cli.audit import verified
from trueup.cli.deciding import in_words
from trueup.cli.explaining import print_explanation
from trueup.cli.mappings import record_document
from trueup.cli.printing import CommandError, print_lines, print_table
from trueup.cli.review import all_findings, print_changes
from trueup.cli.run import print_month
from trueup.demo.world import DemoWorld, demo_world

if TYPE_CHECKING:
    from trueup.sandbox.psa.running import SandboxHandle

MARK = ".trueup-demo"
"""Marks a folder as the demo's own, so that a demo never deletes a folder that is somebody's."""

REVIEWER = "demo reviewer"
ENDED_ACCOUNT = "254"
"""The account whose only change goes to zero: its subscription was cancelled, and the reviewer says so."""

LOST_LINE, EDITED_LINE, EDITED_TO = "251501", "256514", "750"
QUIET_SECONDS = 1
"""Safe with a sandbox, whose requests end before their client can look again."""

OF_WRITING = frozenset(
    {
        FindingKind.STALE_APPROVAL,
        FindingKind.REFUSED_WRITE,
        FindingKind.UNSETTLED_WRITE,
        FindingKind.WRITE_BACK_STOPPED,
    }
)

MOST_TICKS = 12
"""Evaluations of the sensors after which a demo that never comes to rest is a fault."""


def demo(
    directory: Annotated[Path, typer.Option("--dir", help="Folder of the demo's workspace, made anew.")] = Path(
        ".demo"
    ),
) -> None:
    """Make a workspace, start a sandbox PSA, drop three sources' files, reconcile, approve some, write them.

    Example: trueup demo
    """
    from trueup.orchestration import orchestrated  # noqa: PLC0415  Dagster's import costs seconds
    from trueup.sandbox.psa.running import running_sandbox  # noqa: PLC0415

    now = utc_now()
    period = BillingPeriod(now.year, now.month).previous
    world = demo_world(period)
    root = _new_folder(directory.absolute(), now)
    (root / "psa.yaml").write_text(yaml.safe_dump(world.seed, sort_keys=False, allow_unicode=True), encoding="utf-8")
    with running_sandbox(world.seed, state_path=root / "psa-state.json") as psa:
        _say(f"A sandbox PSA that speaks ConnectWise serves at {psa.url}")
        set_setting(root, "psa.base_url", psa.url)
        set_setting(root, "psa.allow_loopback", "true")
        set_setting(root, "writeback.quiet_period_seconds", str(QUIET_SECONDS))
        opened = Workspace(load_settings(root, environment()))
        try:
            _set_up(opened, world)
            with orchestrated(opened) as orchestration:
                for month in (period.previous, period):
                    _drop(opened, world, month)
                    _run_until_quiet(orchestration.tick)
                _tell(opened, period)
                approved = _review(opened, period)
                _disturb(psa)
                _write(opened, orchestration.tick)
            _tell_writes(opened, period, psa, approved)
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


def _review(opened: Workspace, period: BillingPeriod) -> dict[str, str]:
    """A reviewer decides on some changes; the answer is what was approved, line or place of a new one to quantity."""
    print_lines(["", f"What {REVIEWER} decides"])
    said = [
        _approved(opened, ChangeFilter(period.key, kind=DeltaKind.INCREASE), confirm_zero=False),
        _approved(opened, ChangeFilter(period.key, account_id=ENDED_ACCOUNT), confirm_zero=True),
        _approved(opened, ChangeFilter(period.key, kind=DeltaKind.UNBILLED), confirm_zero=False),
    ]
    for decided in said:
        print_lines(in_words(decided, DecisionAction.APPROVED))
    plans = [decision.plan or {} for decided in said for decision in decided.decisions]
    return {str(plan["line"] or f"{plan['agreement']}/{plan['service']}"): str(plan["after"]) for plan in plans}


def _approved(opened: Workspace, wanted: ChangeFilter, *, confirm_zero: bool) -> Decided:
    actor = Actor(REVIEWER, is_asserted=True)
    wish = Wish(DecisionAction.APPROVED, actor, "agreed in the demo", has_confirmed_zero=confirm_zero)
    currency, now = opened.settings.billing_currency, opened.clock()
    return decide_matching(opened.decision_ledger, wanted, wish, currency=currency, now=now, new_id=opened.new_id)


def _disturb(psa: "SandboxHandle") -> None:
    """What happens in real life between an approval and its write."""
    psa.merge({"lines": [{"id": EDITED_LINE, "quantity": EDITED_TO}]})
    _say(f"Meanwhile somebody sets line {EDITED_LINE} to {EDITED_TO} in the PSA by hand")
    psa.set_faults({"rules": [{"match": f"PATCH .*additions/{LOST_LINE}$", "nth": 1, "do": "commit_then_drop"}]})
    _say(f"The PSA will take the write of line {LOST_LINE}, and its answer will be lost")


def _write(opened: Workspace, tick: Callable[[Callable[[str], None]], int]) -> None:
    """The approval sensor asks for write-back until nothing is left open."""
    print_lines([""])
    _run_until_quiet(tick)
    for _ in range(MOST_TICKS):
        if not opened.write_ledger.unsettled(None):
            return
        _say(f"An answer was lost: the line is read back after the quiet period of {QUIET_SECONDS} s")
        time.sleep(QUIET_SECONDS)
        _run_until_quiet(tick)
    raise CommandError("a lost answer never settles")


def _tell_writes(opened: Workspace, period: BillingPeriod, psa: "SandboxHandle", approved: dict[str, str]) -> None:
    tenant = opened.tenant.id
    with opened.store.reading() as conn:
        latest = changes.latest_changes(conn, tenant, period=period.key)
        found = [item for item in all_findings(conn, tenant, period.key) if item.kind in OF_WRITING]
        verdict = verified(conn, tenant, [])
    print_lines(["", "What became of what was approved"])
    print_changes([change for change in latest if change.status is not ChangeStatus.PROPOSED])
    print_table(["kind", "what", "remedy"], [(item.kind, item.message, item.remedy) for item in found])
    wanted = {line: after for line, after in approved.items() if line != EDITED_LINE}
    written = _written(psa)
    if written != wanted or len(psa.writes()) != len(wanted) or not verdict.is_whole:
        raise CommandError("the PSA was not written as approved, or the trail is broken: please report this")
    print_lines(
        [
            f"The PSA lists {len(wanted)} writes: exactly what was approved, each once. The line that somebody edited "
            "was left alone.",
            f"The audit trail is whole: {verdict.entries} entries.",
        ]
    )


def _written(psa: "SandboxHandle") -> dict[str, str]:
    """Every write that the PSA lists, by its line; by agreement and service for a line that it made."""
    state = psa.state()
    made = {line["id"]: f"{line['agreement']}/{line['service']}" for line in state["lines"]}
    return {
        write["line_id"] if write["before"] is not None else made[write["line_id"]]: write["after"]
        for write in state["writes"]
    }


def _last_words(directory: Path, period: BillingPeriod, url: str) -> None:
    port = url.rpartition(":")[2]
    print_lines(
        [
            "",
            "What was not approved waits for a person's decision; nothing else was written.",
            "",
            "Look around:",
            f"  make dev WORKSPACE={directory}                          the Dagster UI at http://127.0.0.1:3000",
            f"  .venv/bin/trueup changes list --period {period.key} --workspace {directory}",
            f"  .venv/bin/trueup findings --period {period.key} --workspace {directory}",
            f"  .venv/bin/trueup audit export --workspace {directory}",
            "",
            "Go on where the demo stopped, with the PSA as it stands now beside you:",
            f"  .venv/bin/trueup sandbox psa --seed {directory}/psa.yaml --state {directory}/psa-state.json "
            f"--port {port}",
            f"  .venv/bin/trueup approve ID@REVISION --by you --workspace {directory}",
            f"  .venv/bin/trueup apply --workspace {directory}",
        ]
    )
