"""Scenarios played for real: a workspace, files in its inbox, a sandbox PSA over HTTP, the command line.

Belongs here: driving the product through one scenario and collecting what it says.
Does not belong here: translating a scenario (``world``), judging it (``judge``), printing.
"""

import io
import json
import tempfile
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.quantities import text
from trueup.cli.main import run_command
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox
from trueup.traps.schema import Scenario, WriteFault
from trueup.traps.world import World, build_world


class PlayError(Exception):
    """The product did not do what a scenario needs before it could be judged; the text holds its words."""


QUIET_SECONDS = 1
"""The quiet period of a played scenario: the sandbox finishes a request before its client can look again."""

MOST_APPLIES = 5
"""Runs of write-back after which a lost answer that never settles is a fault."""


@dataclass(frozen=True)
class Played:
    """What the product said about a scenario, as its own JSON documents; ``psa_after`` is each line's quantity."""

    run: dict[str, Any]
    changes: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    psa_after: dict[str, str]


def play(scenario: Scenario) -> Played:
    """Play a scenario through the real product and answer what it says.

    Raises ``PlayError`` when a command failed, or did not do what the scenario needs.
    """
    world = build_world(scenario)
    with tempfile.TemporaryDirectory(prefix="trueup-trap-") as folder, running_sandbox(world.seed) as psa:
        desk = _Desk(Path(folder) / "workspace")
        desk.set_up(world, psa.url)
        run = _proposed(desk, world)
        if scenario.phase == "rerun":
            return _rerun(desk, world, psa)
        if scenario.phase == "write":
            _write(scenario, world, desk, psa)
        return Played(
            run=run,
            changes=desk.say("changes", "list", "--period", world.period.key),
            findings=desk.say("findings", "--period", world.period.key),
            psa_after=_quantities(psa),
        )


def _quantities(psa: SandboxHandle) -> dict[str, str]:
    return {line["id"]: line["quantity"] for line in psa.state()["lines"]}


def _rerun(desk: "_Desk", world: World, psa: SandboxHandle) -> Played:
    """The PSA becomes what it is today and is copied again; then the month is asked for as it was known before."""
    known_at = datetime.now(UTC)
    psa.merge({"lines": world.lines_today})
    desk.say("run", "--period", world.period.key)
    run = desk.say("run", "--period", world.period.key, "--as-of", known_at.isoformat())
    recomputed = run["recomputed"]
    return Played(run, recomputed["changes"], recomputed["findings"], _quantities(psa))


def _proposed(desk: "_Desk", world: World) -> dict[str, Any]:
    for period in (world.previous, world.period):
        files = [file for file in world.files if file.period == period]
        for file in files:
            desk.drop(file.inbox_path, file.content)
        if files or period == world.period:
            run: dict[str, Any] = desk.say("run", "--period", period.key)
    return run


def _write(scenario: Scenario, world: World, desk: "_Desk", psa: SandboxHandle) -> None:
    """What was approved, what moved in the PSA since, and write-back with the faults it meets."""
    proposed = {change["line_id"]: change for change in desk.say("changes", "list", "--period", world.period.key)}
    for approved in scenario.approved:
        change = proposed.get(approved.line)
        seen = change and (Decimal(change["quantity_before"]), Decimal(change["quantity_after"]))
        if change is None or seen != (approved.before, approved.after):
            raise PlayError(
                f"line {approved.line} is to be approved from {approved.before} to {approved.after}: {seen}"
            )
        zero = ["--confirm-zero"] if change["needs"] else []
        desk.say("approve", f"{change['id']}@{change['revision']}", "--by", "trap", *zero)
    moved = [
        {"id": line.line, "quantity": text(q)} for line in scenario.psa_lines if (q := line.live_quantity) is not None
    ]
    psa.merge({"lines": moved})
    psa.set_faults({"rules": [_fault(scenario, fault) for fault in scenario.write_faults]})
    for _ in range(MOST_APPLIES):
        batch = desk.say("apply")
        if not _is_open(batch):
            return
        time.sleep(QUIET_SECONDS)
    raise PlayError("a lost answer never settles")


def _fault(scenario: Scenario, fault: WriteFault) -> dict[str, Any]:
    """The first write of the line loses its answer. A delta's address names no line; only one is approved then."""
    write = f"PATCH .*additions/{fault.line}$" if scenario.api == "set" else "POST .*/ContractServiceAdjustments$"
    return {"match": write, "nth": 1, "do": "commit_then_drop" if fault.landed else "drop"}


def _is_open(batch: dict[str, Any]) -> bool:
    return any(each["status"] in {"unknown", "approved"} for each in [*batch["changes"], *batch["waiting"]])


class _Desk:
    """A fresh workspace and its command line."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def set_up(self, world: World, psa_url: str) -> None:
        _command("init", str(self._root), "--tenant", "trap", "--json")
        self.say("config", "set", "psa.kind", world.psa_kind)
        self.say("config", "set", "psa.base_url", psa_url)
        self.say("config", "set", "psa.allow_loopback", "true")
        self.say("config", "set", "writeback.quiet_period_seconds", str(QUIET_SECONDS))
        for name, profile in world.profiles.items():
            (self._root / "profiles" / f"{name}.yaml").write_text(profile, encoding="utf-8")
        mappings = self._root / "mappings.yaml"
        mappings.write_text(world.mappings, encoding="utf-8")
        self.say("mappings", "import", str(mappings), "--by", "trap")

    def drop(self, path: str, content: bytes) -> None:
        file = self._root / "inbox" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def say(self, *arguments: str) -> Any:
        return _command(*arguments, "--workspace", str(self._root), "--json")


def _command(*arguments: str) -> Any:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run_command(list(arguments))
    if code not in {0, 3}:
        raise PlayError(f"trueup {' '.join(arguments)} ended with {code}: {err.getvalue().strip()}")
    return json.loads(out.getvalue())
