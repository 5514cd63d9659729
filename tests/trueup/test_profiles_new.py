"""``trueup profiles new``: what it writes can be checked, and nothing is written over."""

from pathlib import Path

import pytest

from trueup.cli.main import run_command


def new(folder: Path, text: str) -> int:
    (folder / "usage.csv").write_text(text, encoding="utf-8")
    given = ["--name", "mine", "--source", "Kontor", "--basis", "subscription", "--output", str(folder / "mine.yaml")]
    return run_command(["profiles", "new", str(folder / "usage.csv"), *given])


def test_a_proposal_reads_its_own_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new(tmp_path, "Kunde;Artikel;Menge\nBeck;A1;1.234,5\nMai;A1;3\nSumme;;1.237,5\n") == 0
    assert "A person must confirm this proposal. Next:" in capsys.readouterr().out
    following = [str(tmp_path / "usage.csv"), "--profile", str(tmp_path / "mine.yaml")]
    assert run_command(["profiles", "check", *following]) == 0
    assert "2 valid; quantity 1237.5" in capsys.readouterr().out


def test_a_proposal_with_a_choice_left_ends_with_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new(tmp_path, "Customer,Amount,Qty\nA,X,1\n") == 3
    assert "columns.service_key" in capsys.readouterr().out


def test_an_existing_profile_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("kept", encoding="utf-8")
    assert new(tmp_path, "Customer,SKU,Qty\nA,X,1\n") == 4
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "kept"
