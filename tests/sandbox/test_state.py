"""The sandbox's own door and what it keeps: human edits, the state as a seed, the state file, the past.

Belongs here: the state, over HTTP and by the handle.
Does not belong here: the vendor's protocol.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandbox.seeds import ADDITION, KEYS, account, ask, line, replace_quantity, seed
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox
from trueup.sandbox.psa.seed import SeedError, seed_from
from trueup.sandbox.psa.state import MEMORY, State


def _door(running: SandboxHandle, document: Any = None, door: str = "state") -> httpx.Response:
    url = f"{running.url}/__sandbox/{door}"
    return httpx.get(url, trust_env=False) if document is None else httpx.post(url, json=document, trust_env=False)


def test_the_state_has_the_shape_of_the_seed_to_the_cent(sandbox: SandboxHandle) -> None:
    assert _door(sandbox).json() == {**seed(), "writes": []}


def test_the_state_of_one_sandbox_is_a_seed_for_another(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADDITION, method="PATCH", json=replace_quantity(12))
    document = _door(sandbox).json()
    with running_sandbox(document) as second:
        assert second.state() == document
        assert second.quantity("1") == "12"


def test_a_human_edit_changes_the_named_fields_and_adds_new_records(sandbox: SandboxHandle) -> None:
    edit = {"accounts": [account("251")], "lines": [{"id": "1", "quantity": "11"}, line("5", quantity="3")]}
    assert _door(sandbox, edit).status_code == 200
    state = sandbox.state()
    assert [each["id"] for each in state["accounts"]] == ["250", "251"]
    assert [(each["id"], each["quantity"], each["unit_price"]) for each in state["lines"]] == [
        ("1", "11", "22.00"),
        ("5", "3", "22.00"),
    ]
    assert state["writes"] == []
    assert ask(sandbox.url, ADDITION).json()["_info"]["updatedBy"] == "a person"


def test_a_record_that_is_marked_as_removed_goes(sandbox: SandboxHandle) -> None:
    sandbox.merge({"lines": [line("2")]})
    assert _door(sandbox, {"lines": [{"id": "1", "removed": True}, {"id": "7", "removed": True}]}).status_code == 200
    assert [each["id"] for each in sandbox.state()["lines"]] == ["2"]
    assert ask(sandbox.url, ADDITION).status_code == 404


def test_an_edit_that_changes_nothing_leaves_no_trace_on_the_line(sandbox: SandboxHandle) -> None:
    sandbox.merge(sandbox.state())
    assert ask(sandbox.url, ADDITION).json()["_info"] == {}


def test_an_edit_may_name_other_credentials(sandbox: SandboxHandle) -> None:
    sandbox.merge({"credentials": {**KEYS, "private_key": "other"}})
    assert ask(sandbox.url, ADDITION).status_code == 404


def test_an_edit_never_changes_the_list_of_writes(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADDITION, method="PATCH", json=replace_quantity(12))
    sandbox.merge({"writes": []})
    assert len(sandbox.writes()) == 1


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param({"lines": [{"id": "1", "agreement": "8"}]}, "line 1: there is no agreement 8", id="dangling"),
        pytest.param({"agreements": [{"id": "9001", "removed": True}]}, "there is no agreement 9001", id="in use"),
        pytest.param({"lines": [{"id": "1", "removed": "yes"}]}, "removed: Extra inputs", id="half removed"),
        pytest.param({"lines": [{"quantity": "8"}]}, "lines is a list of records, each with its id", id="no id"),
        pytest.param({"lines": [{"id": "9", "quantity": "8"}]}, "agreement: Field required", id="half a new line"),
        pytest.param({"lines": {"1": "8"}}, "lines is a list of records", id="no list"),
        pytest.param({"line": []}, "line: Extra inputs", id="a misspelt section"),
        pytest.param([], "an edit is a mapping", id="a list"),
    ],
)
def test_a_bad_edit_is_refused_with_words_and_changes_nothing(sandbox: SandboxHandle, edit: Any, words: str) -> None:
    answer = _door(sandbox, edit)
    assert answer.status_code == 400
    assert words in answer.json()["error"]
    assert sandbox.state() == {**seed(), "writes": []}


def test_an_edit_that_is_no_json_is_refused(sandbox: SandboxHandle) -> None:
    answer = httpx.post(f"{sandbox.url}/__sandbox/state", content=b"{", trust_env=False)
    assert (answer.status_code, "error" in answer.json()) == (400, True)


def test_faults_can_be_changed_while_it_runs(sandbox: SandboxHandle) -> None:
    assert _door(sandbox, {"rules": [{"match": "GET", "do": "500"}]}, "faults").status_code == 200
    assert ask(sandbox.url, ADDITION).status_code == 500
    assert _door(sandbox, {"rules": [{"match": "GET", "do": "tea"}]}, "faults").status_code == 400
    assert _door(sandbox, {}, "faults").status_code == 200
    assert ask(sandbox.url, ADDITION).status_code == 200


def test_a_sandbox_that_begins_anew_has_no_past(sandbox: SandboxHandle) -> None:
    ask(sandbox.url, ADDITION, method="PATCH", json=replace_quantity(12))
    sandbox.set_faults({"rules": [{"match": "GET", "nth": 2, "do": "stale_read:600s"}]})
    sandbox.reset(seed(lines=[line("1", quantity="7")]))
    assert sandbox.writes() == []
    assert [ask(sandbox.url, ADDITION).json()["quantity"] for _ in range(3)] == [7, 7, 7]


def test_a_sandbox_that_went_away_comes_back_at_the_same_address(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with running_sandbox(seed(), state_path=file) as running:
        ask(running.url, ADDITION, method="PATCH", json=replace_quantity(12))
        port = int(running.url.rpartition(":")[2])
    with running_sandbox(seed(), state_path=file, port=port) as again:
        assert (again.url, again.quantity("1")) == (running.url, "12")


def test_a_state_file_is_written_after_each_change_and_goes_before_the_seed(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with running_sandbox(seed(), state_path=file) as running:
        assert not file.exists()
        ask(running.url, ADDITION, method="PATCH", json=replace_quantity(12))
        assert json.loads(file.read_text(encoding="utf-8")) == running.state()
        running.merge({"lines": [line("2")]})
        kept = running.state()
    with running_sandbox(seed(), state_path=file) as again:
        assert again.state() == kept
        assert len(again.writes()) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_state_file_that_cannot_be_written_leaves_the_old_one_and_no_litter(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    with running_sandbox(seed(), state_path=folder / "state.json") as running:
        folder.rmdir()
        with pytest.raises(FileNotFoundError):
            running.merge({"lines": [{"id": "1", "quantity": "11"}]})
        assert running.quantity("1") == "10"


def test_a_state_that_cannot_take_its_place_leaves_no_half_file(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    with running_sandbox(seed(), state_path=file) as running:
        file.mkdir()
        with pytest.raises(IsADirectoryError):
            running.merge({"lines": [{"id": "1", "quantity": "11"}]})
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]


def test_a_state_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(SeedError, match=r"state\.json: psa is missing"), running_sandbox(seed(), state_path=file):
        pass


class _Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 3, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def test_the_past_can_be_read_as_it_was_for_a_while() -> None:
    clock = _Clock()
    state = State(seed_from(seed(), "seed"), clock)
    for quantity in ("11", "12"):
        clock.now += timedelta(seconds=60)
        state.merge({"lines": [{"id": "1", "quantity": quantity}]})

    def held(seconds: int) -> str:
        return str(state.as_of(timedelta(seconds=seconds)).lines["1"].quantity)

    assert [held(0), held(1), held(60), held(61), held(3600)] == ["12", "11", "11", "10", "10"]
    clock.now += MEMORY * 2
    state.merge({"lines": [{"id": "1", "quantity": "13"}]})
    assert held(3600 * 24) == "12"
