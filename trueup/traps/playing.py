"""Scenarios played for real: a workspace, files in its inbox, a sandbox PSA over HTTP, the command line.

Belongs here: driving the product through one scenario and collecting what it says.
Does not belong here: translating a scenario (``world``), judging it (``judge``), printing.
"""

import io
import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trueup.cli.main import run_command
from trueup.sandbox.psa.running import running_sandbox
from trueup.traps.schema import Scenario
from trueup.traps.world import World, build_world


class PlayError(Exception):
    """The product did not do what a scenario needs before it could be judged; the text holds its words."""


@dataclass(frozen=True)
class Played:
    """What the product said about a scenario, as its own JSON documents."""

    run: dict[str, Any]
    changes: list[dict[str, Any]]
    findings: list[dict[str, Any]]


def play(scenario: Scenario) -> Played:
    """Play a scenario from files to proposals and answer what the product says.

    Raises ``PlayError`` for a phase that this version cannot play, and when a command failed.
    """
    if scenario.phase != "propose":
        raise PlayError(f"the phase {scenario.phase} needs writing or a frozen month, which this version has not")
    world = build_world(scenario)
    with tempfile.TemporaryDirectory(prefix="trueup-trap-") as folder, running_sandbox(world.seed) as psa:
        desk = _Desk(Path(folder) / "workspace")
        desk.set_up(world, psa.url)
        for period in (world.previous, world.period):
            files = [file for file in world.files if file.period == period]
            for file in files:
                desk.drop(file.inbox_path, file.content)
            if files or period == world.period:
                run = desk.say("run", "--period", period.key)
        return Played(
            run=run,
            changes=desk.say("changes", "list", "--period", world.period.key),
            findings=desk.say("findings", "--period", world.period.key),
        )


class _Desk:
    """A fresh workspace and its command line."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def set_up(self, world: World, psa_url: str) -> None:
        _command("init", str(self._root), "--tenant", "trap", "--json")
        self.say("config", "set", "psa.base_url", psa_url)
        self.say("config", "set", "psa.allow_loopback", "true")
        for name, text in world.profiles.items():
            (self._root / "profiles" / f"{name}.yaml").write_text(text, encoding="utf-8")
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
