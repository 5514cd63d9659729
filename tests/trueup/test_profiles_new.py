"""``trueup profiles new``: a draft that can be checked, that nothing reads by itself, and that overwrites nothing."""

import json
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from trueup.cli.main import run_command

SAMPLES = Path(__file__).parents[1] / "samples" / "intake"
ELSEWHERE = Path(os.environ.get("TRUEUP_SAMPLES_DIR", "/nowhere")) / "distributors"
FILES = sorted([*SAMPLES.iterdir(), *ELSEWHERE.rglob("*.csv*"), *ELSEWHERE.rglob("*.xlsx")])
GIVEN = ("--name", "mine", "--source", "Kontor", "--basis", "subscription")


def new(folder: Path, text: str, *more: str) -> int:
    (folder / "usage.csv").write_text(text, encoding="utf-8")
    return run_command(
        ["profiles", "new", str(folder / "usage.csv"), *GIVEN, "--output", str(folder / "mine.yaml"), *more]
    )


def new_as_json(file: Path, folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = run_command(
        ["profiles", "new", str(file), *GIVEN, "--output", str(folder / "mine.yaml"), "--force", "--json", *more]
    )
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def test_a_proposal_reads_its_own_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new(tmp_path, "Kunde;Artikel;Menge\nBeck;A1;1.234,5\nMai;A1;3\nSumme;;1.237,5\n") == 0
    assert "A person must confirm this proposal. Next:" in capsys.readouterr().out
    following = [str(tmp_path / "usage.csv"), "--profile", str(tmp_path / "mine.yaml")]
    assert run_command(["profiles", "check", *following]) == 0
    assert "2 valid; quantity 1237.5" in capsys.readouterr().out


def test_a_proposal_with_a_choice_left_ends_with_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert new(tmp_path, "Customer,Amount,Qty\nA,X,1\n") == 3
    assert "Left to choose:\n  columns.service_key: no header of the file is a known name" in capsys.readouterr().out
    following = [str(tmp_path / "usage.csv"), "--profile", str(tmp_path / "mine.yaml")]
    assert run_command(["profiles", "check", *following]) == 4


def test_rows_of_one_key_are_shown_beside_what_each_method_makes_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Customer,SKU,Qty\nA,X,18\nA,X,23\nB,X,4\n"
    assert new(tmp_path, text) == 3
    printed = capsys.readouterr().out
    assert "2 = 18, 3 = 23" in printed
    assert "The methods disagree on 1 of 2 keys." in printed
    code, document = new_as_json(tmp_path / "usage.csv", tmp_path, capsys)
    assert code == 3
    assert document["left_to_choose"] == ["aggregate.method"]
    assert document["aggregation"]["keys"][0] == {
        "account_key": "A",
        "service_key": "X",
        "commitment_term": None,
        "before": [{"row": 2, "quantity": "18"}, {"row": 3, "quantity": "23"}],
        "after": {"sum": "41", "max": "23", "last": "23"},
        "differs": True,
    }
    code, document = new_as_json(tmp_path / "usage.csv", tmp_path, capsys, "--method", "max")
    assert (code, document["left_to_choose"]) == (0, [])


def test_each_choice_says_why_and_what_else_it_could_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, document = new_as_json(SAMPLES / "climb.csv", tmp_path, capsys)
    assert code == 0
    choices = {choice["key"]: choice for choice in document["choices"]}
    assert choices["columns.account_key"] == {
        "key": "columns.account_key",
        "value": "Customer ID",
        "reason": "by its header; blank in 1 of 6 rows, which are rejected",
        "alternatives": ["Customer Name"],
        "needs": "confirm",
    }
    assert "climb" in document["fitting_profiles"]
    assert document["to_confirm"] == ["arrives", "columns.account_key", "columns.currency", "aggregate.method"]
    assert "which is what the rows add up to" in choices["rows.totals"]["reason"]


def test_an_existing_file_is_written_over_only_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.yaml").write_text("kept", encoding="utf-8")
    assert new(tmp_path, "Customer,SKU,Qty\nA,X,1\n") == 4
    assert "exists already; --force writes over it" in capsys.readouterr().err
    assert (tmp_path / "mine.yaml").read_text(encoding="utf-8") == "kept"
    assert new(tmp_path, "Customer,SKU,Qty\nA,X,1\n", "--force") == 0
    assert "profile: mine" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")


def test_a_draft_is_known_to_check_and_to_nothing_that_runs_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = ["--workspace", str(tmp_path / "acme")]
    run_command(["init", str(tmp_path / "acme"), "--tenant", "acme"])
    file = tmp_path / "October list 2026-10-05.csv"
    file.write_text("Customer,SKU,Qty\nA,X,1\n", encoding="utf-8")
    assert run_command(["profiles", "new", str(file), *workspace]) == 3  # who sends it and what it counts is not said
    draft = tmp_path / "acme" / "profiles" / "drafts" / "october-list.yaml"
    assert draft.is_file()
    assert run_command(["profiles", "list", *workspace]) == 0
    assert "october-list " not in capsys.readouterr().out.partition("Next:")[2].partition("\n\n")[2]
    assert (
        run_command(["profiles", "new", str(file), "--force", "--source", "S", "--basis", "devices", *workspace]) == 0
    )
    assert f"mv {draft} {draft.parent.parent / draft.name}" in capsys.readouterr().out
    assert run_command(["profiles", "check", str(file), "--profile", "october-list", *workspace]) == 0
    assert run_command(["intake", str(file), "--profile", "october-list", "--period", "2026-10", *workspace]) == 4
    draft.rename(draft.parent.parent / draft.name)
    assert run_command(["intake", str(file), "--profile", "october-list", "--period", "2026-10", *workspace]) == 0


def test_the_sheet_with_known_columns_is_proposed_and_the_others_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Cover", 0).append(["Report", "for", "you"])
    usage = book.create_sheet("Usage")
    for cells in (["Customer", "SKU", "Qty", "Period Start"], ["A", "X", 3, "2026-10-01"], ["B", "X", 4, "2026-10-01"]):
        usage.append(cells)
    book.save(tmp_path / "usage.xlsx")
    code, document = new_as_json(tmp_path / "usage.xlsx", tmp_path, capsys)
    assert code == 0
    file = next(choice for choice in document["choices"] if choice["key"] == "file")
    assert (file["value"], file["alternatives"]) == (
        {"format": "xlsx", "sheet": "Usage"},
        ["sheet: Cover", "sheet: Sheet"],
    )
    assert document["aggregation"]["quantity"] == "7"
    code, document = new_as_json(tmp_path / "usage.xlsx", tmp_path, capsys, "--sheet", "Nowhere")
    assert (code, "there is no sheet 'Nowhere'" in document["error"]) == (4, True)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "no comma, semicolon, tab or bar", id="an empty file"),
        pytest.param(b"\x00\x01\x02\x03" * 99, "no profile is written", id="bytes"),
        pytest.param(b"PK\x03\x04" + b"x" * 99, "no profile is written", id="an archive that is none"),
        pytest.param(b"\x1f\x8b" + b"x" * 99, "the archive is damaged", id="a damaged archive"),
        pytest.param(b"\xd0\xcf\x11\xe0" + b"x" * 99, "no profile is written", id="an old workbook that is none"),
        pytest.param(b"Customer,SKU,Qty\n", "nothing stands below the header", id="a header alone"),
        pytest.param(b'Customer,SKU,Qty\n"' + b"x" * 31_000_000, "has a line of more than", id="an endless cell"),
    ],
)
def test_a_file_that_is_no_sample_ends_with_four_and_a_reason(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "usage.csv").write_bytes(content)
    code, document = new_as_json(tmp_path / "usage.csv", tmp_path, capsys)
    assert (code, document["exit_code"]) == (4, 4)
    assert words in document["error"]
    assert not (tmp_path / "mine.yaml").exists()


def test_nothing_in_a_file_reaches_the_terminal_as_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "Customer\x1b[2J,Customer,SKU,Qty,\u202eNote: {x}\nq,=cmd()|'x'\x1b]0;t\x07,X,1,#\nq,A\x9b1m,X,2,--- \n"
    assert new(tmp_path, text) == 0
    run_command(["profiles", "check", str(tmp_path / "usage.csv"), "--profile", str(tmp_path / "mine.yaml")])
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(printed)
    assert "\\u001b" in printed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_proposal_for_any_sample_accounts_for_every_record_of_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = new_as_json(file, tmp_path, capsys)
    assert code in {0, 3, 4}
    if code == 4:
        assert "nothing stands below the header" in document["error"]
        return
    assert document["is_complete"] == (code == 0)
    assert all(choice["reason"] for choice in document["choices"])
    checked = run_command(["profiles", "check", str(file), "--profile", str(tmp_path / "mine.yaml"), "--json"])
    read = json.loads(capsys.readouterr().out)
    if code == 3:
        assert checked == 4
        return
    rows = read["rows"]
    assert rows["in"] == sum(count for name, count in rows.items() if name != "in")
    assert rows["valid"] > 0
    assert (checked, read["verdict"]) == (0, "complete")
    assert document["aggregation"]["rows"] == rows
