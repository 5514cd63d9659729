"""A user's desk: a workspace, a sandbox PSA, and the command line, as a journey sees them.

Belongs here: running commands and reading what they print.
Does not belong here: any claim; the tests make those.
"""

import io
import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trueup.cli.main import run_command
from trueup.sandbox.psa.running import SandboxHandle


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """One workspace beside one PSA."""

    root: Path
    psa: SandboxHandle

    def say(self, *arguments: str) -> Said:
        """Run a command in this workspace, in this process, as ``trueup`` would."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = run_command([*arguments, "--workspace", str(self.root)])
        if code not in {0, 3, 4}:
            print(err.getvalue(), file=sys.stderr)
        return Said(code, out.getvalue(), err.getvalue())

    def drop(self, path: str, text: str | bytes) -> Path:
        """Put a file into the inbox."""
        file = self.root / "inbox" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def profile(self, **document: Any) -> None:
        """Add an import profile to the workspace."""
        (self.root / "profiles" / f"{document['profile']}.yaml").write_text(yaml.safe_dump(document))

    def map(self, **document: Any) -> Said:
        """Import mapping entries."""
        file = self.root / "mappings.yaml"
        file.write_text(yaml.safe_dump(document))
        return self.say("mappings", "import", str(file), "--by", "dana", "--json")

    def run(self, period: str = "2026-10") -> Any:
        """Reconcile a month and return its summary."""
        return self.say("run", "--period", period, "--json").json

    def changes(self, period: str = "2026-10", *filters: str) -> list[dict[str, Any]]:
        """The changes of a month that are proposed."""
        listed = self.say("changes", "list", "--period", period, "--status", "proposed", *filters, "--json").json
        return list(listed)

    def proposals(self, period: str = "2026-10") -> dict[str | None, str]:
        """Line id to proposed quantity."""
        return {change["line_id"]: change["quantity_after"] for change in self.changes(period)}

    def findings(self, period: str = "2026-10") -> dict[str, dict[str, Any]]:
        """The findings of a month by kind; the last of a kind wins."""
        listed = self.say("findings", "--period", period, "--json").json
        return {finding["kind"]: finding for finding in listed}

    def every_change(self, period: str = "2026-10") -> dict[str | None, dict[str, Any]]:
        """Line id to the latest revision of its change, whatever its status."""
        listed = self.say("changes", "list", "--period", period, "--json").json
        return {change["line_id"]: change for change in listed}

    def statuses(self, *lines: str) -> list[str]:
        """Where the changes of these lines stand."""
        known = self.every_change()
        return [known[line]["status"] for line in lines]

    def names(self, *lines: str) -> list[str]:
        """The changes of these lines, as ``id@revision``."""
        known = self.every_change()
        return [f"{known[line]['id']}@{known[line]['revision']}" for line in lines]

    def approve(self, *lines: str) -> list[str]:
        """Approve the changes of these lines as dana; the answer is their names."""
        names = self.names(*lines)
        said = self.say("approve", *names, "--by", "dana", "--confirm-zero")
        assert said.code == 0, said.out
        return names

    def apply(self) -> Said:
        """Write back now."""
        return self.say("apply", "--json")

    def apply_until(self, is_done: Callable[[dict[str, Any]], bool], seconds: float = 90) -> Said:
        """Write back again and again until a run's outcome is the wanted one."""
        until = time.monotonic() + seconds
        said = self.apply()
        while not is_done(said.json):
            assert time.monotonic() < until, said.out
            time.sleep(0.2)
            said = self.apply()
        return said

    def wrote(self) -> list[tuple[str, str, str]]:
        """Every write that the PSA accepted: line, before, after."""
        return [(write["line_id"], write["before"], write["after"]) for write in self.psa.writes()]

    def trail(self) -> list[dict[str, Any]]:
        """The audit trail; it must be whole."""
        verified = self.say("audit", "verify", "--json")
        assert (verified.code, verified.json["faults"]) == (0, [])
        entries = list(self.say("audit", "export", "--json").json)
        assert len(entries) == verified.json["entries"]
        return entries

    def events(self) -> list[tuple[str, str]]:
        """What the audit trail says, in short: action and subject."""
        return [(entry["action"], entry["subject"]) for entry in self.trail()]


def new_desk(root: Path, psa: SandboxHandle, kind: str = "connectwise") -> Desk:
    """A fresh workspace that bills from a sandbox PSA of a kind."""
    assert run_command(["init", str(root), "--tenant", "acme"]) == 0
    desk = Desk(root, psa)
    desk.say("config", "set", "psa.kind", kind)
    desk.say("config", "set", "psa.base_url", psa.url)
    desk.say("config", "set", "psa.allow_loopback", "true")
    return desk


SEED: dict[str, Any] = {
    "psa": "connectwise",
    "accounts": [
        {"id": "250", "name": "Acme", "active": True},
        {"id": "251", "name": "Beta", "active": True},
    ],
    "services": [
        {
            "id": "77",
            "code": "M365-BP",
            "name": "M365 Business Premium",
            "active": True,
            "unit_cost": "18.00",
            "unit_price": "22.00",
        },
        {
            "id": "78",
            "code": "M365-E3",
            "name": "M365 E3",
            "active": True,
            "unit_cost": "30.00",
            "unit_price": "36.00",
        },
        {"id": "79", "code": "SERVER", "name": "Managed Server", "active": True, "unit_price": "90.00"},
    ],
    "agreements": [
        {
            "id": "9001",
            "account": "250",
            "name": "Managed",
            "active": True,
            "prorate": True,
            "start": "2025-01-01",
            "end": None,
            "currency": "USD",
        },
        {
            "id": "9002",
            "account": "251",
            "name": "Managed",
            "active": True,
            "prorate": True,
            "start": "2025-01-01",
            "end": None,
            "currency": "USD",
        },
    ],
    "lines": [
        {
            "id": "1",
            "agreement": "9001",
            "service": "77",
            "quantity": "10",
            "psa_included": "0",
            "start": "2025-01-01",
            "end": None,
            "unit_price": "22.00",
            "unit_cost": "18.00",
        },
        {
            "id": "2",
            "agreement": "9002",
            "service": "77",
            "quantity": "8",
            "psa_included": "0",
            "start": "2025-01-01",
            "end": None,
            "unit_price": "21.00",
            "unit_cost": "18.00",
        },
    ],
    "credentials": None,
}
"""Acme is billed for ten, Beta for eight."""

MAPPINGS: dict[str, Any] = {
    "accounts": [
        {"source": "generic", "key": "acme", "account": "250"},
        {"source": "generic", "key": "beta", "account": "251"},
    ],
    "services": [
        {"source": "generic", "key": "M365 BP", "services": ["77"]},
        {"source": "generic", "key": "M365 E3", "services": ["78"]},
    ],
}

USAGE = "Account,Service,Quantity\nacme,M365 BP,12\nbeta,M365 BP,8\n"
"""Acme uses twelve, Beta eight."""


LINES = 10


def _wide_seed() -> dict[str, Any]:
    numbers = [str(number) for number in range(1, LINES + 1)]
    return SEED | {
        "accounts": [{"id": f"20{n}", "name": f"Customer {n}", "active": True} for n in numbers],
        "agreements": [SEED["agreements"][0] | {"id": f"90{n}", "account": f"20{n}"} for n in numbers],
        "lines": [SEED["lines"][0] | {"id": n, "agreement": f"90{n}"} for n in numbers],
    }


WIDE_SEED: dict[str, Any] = _wide_seed()
"""Ten customers, each with one line of ten at 22.00: customer 1 is account 201, agreement 901, line 1."""

WIDE_MAPPINGS: dict[str, Any] = {
    "accounts": [{"source": "generic", "key": f"c{n}", "account": f"20{n}"} for n in range(1, LINES + 1)],
    "services": MAPPINGS["services"],
}

WIDE_USAGE = "\n".join(
    [
        "Account,Service,Quantity",
        *(f"c{n},M365 BP,{10 + n}" for n in range(1, LINES - 1)),
        f"c{LINES - 1},M365 BP,4",
        "c1,M365 E3,3",
        "",
    ]
)
"""Line n goes to 10 + n; line 9 goes to 4; line 10 is used no more; customer 1 uses a service that is not billed."""

WIDE_DROP = "generic/2026-10/usage.csv"
