"""A month billed from Syncro, from the command line: what was approved is written, once, and nothing else.

Belongs here: the road of a month through the adapter of this kind.
Does not belong here: the rules of the road itself (``test_writing``), the adapter by itself.
"""

from pathlib import Path

import pytest

from tests.journeys.desk import WIDE_DROP, WIDE_MAPPINGS, WIDE_SEED, WIDE_USAGE, Desk
from tests.journeys.reconciled import ReconciledMonths


@pytest.fixture
def month(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A desk before the wide month, reconciled against a PSA that speaks Syncro."""
    made = reconciled_months.month(WIDE_SEED, "syncro", mappings=WIDE_MAPPINGS, drop=WIDE_DROP, usage=WIDE_USAGE)
    return made.desk(tmp_path)


def test_a_month_is_proposed_planned_approved_written_and_proposed_no_more(month: Desk) -> None:
    proposed = month.proposals()
    expected: dict[str | None, str] = {"9": "4", "10": "0", None: "3"}
    assert proposed == expected | {str(n): str(10 + n) for n in range(1, 9)}
    plan = month.say("plan", "--period", "2026-10", "--json").json
    assert plan["psa"]["kind"] == "syncro"
    requests = {each["line_id"]: each["request"] for each in plan["changes"]}
    assert requests["1"] == {
        "method": "PUT",
        "path": "/api/v1/schedules/901/line_items/1",
        "body": '{"quantity":"11"}',
    }
    lines = [str(n) for n in range(1, 11)]
    month.approve(*lines)
    assert month.wrote() == []
    said = month.apply()
    assert (said.code, said.json["outcomes"]) == (0, {"written": 10})
    assert sorted(month.wrote()) == sorted((line, "10", proposed[line]) for line in lines)
    assert {line["id"]: line["quantity"] for line in month.psa.state()["lines"]} == {
        line: proposed[line] for line in lines
    }
    again = month.run()
    assert again["changes"]["new"] == 0
    assert month.proposals() == {None: "3"}
    assert month.apply().json["changes"] == []
    assert len(month.wrote()) == 10
    month.trail()


def test_a_write_whose_answer_was_lost_is_found_written_and_sent_once(month: Desk) -> None:
    month.approve("1")
    month.psa.set_faults({"rules": [{"match": "PUT .*line_items/1$", "nth": 1, "do": "commit_then_drop"}]})
    said = month.apply()
    assert (said.code, said.json["outcomes"]) == (3, {"unknown": 1})
    month.apply_until(lambda batch: batch["outcomes"] == {"written": 1})
    assert month.wrote() == [("1", "10", "11")]
    assert [action for action, _ in month.events() if action == "intended"] == ["intended"]


def test_a_line_that_a_person_moved_is_never_overwritten(month: Desk) -> None:
    month.approve("1", "2")
    month.psa.merge({"lines": [{"id": "1", "quantity": "15"}]})
    said = month.apply()
    assert said.code == 3
    assert month.statuses("1", "2") == ["stale", "written"]
    assert month.wrote() == [("2", "10", "12")]


def test_a_token_that_is_not_taken_halts_everything_and_keeps_the_approvals(month: Desk) -> None:
    month.approve("1")
    month.psa.merge({"credentials": {"subdomain": "acme", "api_key": "another"}})
    said = month.apply()
    assert said.code == 1
    assert month.statuses("1") == ["approved"]
    month.psa.merge({"credentials": None})
    assert month.apply().code == 0
    assert month.wrote() == [("1", "10", "11")]
