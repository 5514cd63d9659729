"""What a PSA answers, lost and refused writes included, ends as it must, and later runs finish what can be finished."""

import pytest

from tests.journeys.desk import Desk, Said


def faulty(desk: Desk, line: str, do: str) -> Said:
    """Approve a line and write back while its first write meets a fault."""
    desk.approve(line)
    desk.psa.set_faults({"rules": [{"match": f"PATCH .*additions/{line}$", "nth": 1, "do": do}]})
    return desk.apply()


@pytest.mark.parametrize("do", ["429:1s", "409"])
def test_what_was_surely_not_executed_is_finished_by_the_same_run(month: Desk, do: str) -> None:
    said = faulty(month, "1", do)
    assert (said.code, said.json["outcomes"]) == (0, {"written": 1})
    assert month.wrote() == [("1", "10", "11")]
    assert month.events()[-1][0] == "concluded"


@pytest.mark.parametrize(
    ("do", "times_sent"), [("500", 2), ("drop", 2), ("502_after_commit", 1), ("commit_then_drop", 1), ("truncated", 1)]
)
def test_a_lost_answer_is_settled_by_reading_back_and_written_once(month: Desk, do: str, times_sent: int) -> None:
    said = faulty(month, "1", do)
    assert (said.code, said.json["outcomes"]) == (3, {"unknown": 1})
    assert month.findings()["unsettled_write"]["remedy"].startswith("wait")
    month.apply_until(lambda batch: batch["outcomes"] == {"written": 1})
    assert month.wrote() == [("1", "10", "11")]
    intended = [action for action, _ in month.events() if action == "intended"]
    assert len(intended) == times_sent


def test_wrong_credentials_halt_everything_and_keep_the_approvals(month: Desk) -> None:
    month.approve("2")
    said = faulty(month, "1", "401")
    assert said.json["stopped"]["kind"] == "credentials"
    assert said.code in {0, 1}
    assert "approved" in month.statuses("1", "2")
    assert "write_back_stopped" in month.findings()
    month.psa.set_faults(None)
    assert month.apply().code == 0
    assert sorted(month.wrote()) == [("1", "10", "11"), ("2", "10", "12")]
    assert "write_back_stopped" not in month.findings()


def test_a_refusal_is_told_in_the_psas_words_and_leaves_the_other_lines_alone(month: Desk) -> None:
    month.approve("2", "3")
    said = faulty(month, "1", "400")
    assert (said.code, said.json["outcomes"]) == (3, {"written": 2, "refused": 1})
    assert "Fault 400 on request." in month.findings()["refused_write"]["message"]
    assert sorted(line for line, _, _ in month.wrote()) == ["2", "3"]


def test_a_psa_that_is_away_keeps_the_approvals_and_the_next_run_writes_them(month: Desk) -> None:
    month.approve("1", "2")
    month.psa.set_faults({"rules": [{"match": "GET", "do": "500"}]})
    said = month.apply()
    assert said.code == 1
    assert month.statuses("1", "2") == ["approved", "approved"]
    month.psa.set_faults(None)
    assert month.apply().code == 0
    assert sorted(line for line, _, _ in month.wrote()) == ["1", "2"]
