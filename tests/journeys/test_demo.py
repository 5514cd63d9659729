"""The demo shows what was worked out by hand for it, and works a second time."""

import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.periods import BillingPeriod
from tests.trueup.demo import expected
from trueup.cli.main import run_command


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command lists, as its JSON."""
    capsys.readouterr()
    assert run_command([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_demo_comes_to_what_was_worked_out_by_hand(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "demo"
    assert run_command(["demo", "--dir", str(folder)]) == 0
    assert run_command(["demo", "--dir", str(folder)]) == 0
    told = capsys.readouterr().out
    assert "reconciled" in told
    assert "exactly what was approved, each once" in told
    assert "The audit trail is whole" in told
    now = datetime.now(UTC)
    month = BillingPeriod(now.year, now.month).previous.key
    changes = listed(capsys, "changes", "list", "--period", month, "--workspace", str(folder))
    lines = {change["line_id"]: change for change in changes if change["line_id"]}
    assert {
        line: (change["kind"], Decimal(change["quantity_before"]), Decimal(change["quantity_after"]))
        for line, change in lines.items()
    } == {line: tuple(figures) for line, figures in expected.CHANGES.items()}
    assert {line: Decimal(change["amount_delta"]) for line, change in lines.items()} == expected.AMOUNTS
    assert {line for line, change in lines.items() if change["needs"] == ["confirm_zero"]} == expected.CONFIRM_ZERO
    unbilled = {
        (change["account"]["id"], change["service"]["id"]): Decimal(change["quantity_after"])
        for change in changes
        if change["line_id"] is None
    }
    assert unbilled == expected.UNBILLED
    assert {line: change["status"] for line, change in lines.items()} == expected.STATUSES
    found = listed(capsys, "findings", "--period", month, "--workspace", str(folder))
    assert Counter(finding["kind"] for finding in found) == expected.FINDINGS
    state = json.loads((folder / "psa-state.json").read_text(encoding="utf-8"))
    changed = [write for write in state["writes"] if write["before"] is not None]
    assert {write["line_id"]: Decimal(write["after"]) for write in changed} == expected.WRITTEN
    accounts = {agreement["id"]: agreement["account"] for agreement in state["agreements"]}
    lines_made = {write["line_id"] for write in state["writes"]} - {write["line_id"] for write in changed}
    made = [line for line in state["lines"] if line["id"] in lines_made]
    assert {(accounts[line["agreement"]], line["service"]): Decimal(line["quantity"]) for line in made} == unbilled
    assert len(state["writes"]) == len(expected.WRITTEN) + len(made)
    quantities = {line["id"]: Decimal(line["quantity"]) for line in state["lines"]}
    assert quantities[expected.EDITED_LINE] == expected.EDITED_TO
    capsys.readouterr()
    assert run_command(["audit", "verify", "--workspace", str(folder)]) == 0


def test_the_demo_deletes_no_folder_that_is_somebodys(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert run_command(["demo", "--dir", str(tmp_path)]) == 1
    assert "was not made by the demo" in capsys.readouterr().err
    assert (tmp_path / "precious.txt").exists()
