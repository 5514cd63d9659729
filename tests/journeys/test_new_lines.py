"""New found revenue, from the command line: a line that did not exist is made once, at the approved number.

Belongs here: making lines in every kind of PSA, and what a lost answer does to one.
Does not belong here: the road of a change to a line that stands (``test_writing`` and the journeys of each kind).
"""

from pathlib import Path

import pytest

from resources.settings import PSA_KINDS
from tests.journeys.desk import MAPPINGS, SEED, Desk
from tests.journeys.reconciled import ReconciledMonths

USAGE = "Account,Service,Quantity\nacme,M365 BP,10\nbeta,M365 BP,8\nacme,M365 E3,3\n"
"""Everything is billed as it is used, but for three units that stand on no line."""

MAKES = "(POST .*/additions$|POST .*ContractServiceAdjustments|POST .*RecurringInvoice|POST .*add_line_item)"
"""The request that makes a line, in the words of each vendor."""


@pytest.fixture(params=PSA_KINDS)
def month(request: pytest.FixtureRequest, reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A reconciled month of each kind of PSA, in which one service stands on no line."""
    drop = "generic/2026-10/usage.csv"
    desk = reconciled_months.month(SEED, request.param, mappings=MAPPINGS, drop=drop, usage=USAGE).desk(tmp_path)
    assert desk.proposals() == {None: "3"}
    return desk


def _approve(desk: Desk, *more: str) -> None:
    (change,) = desk.changes()
    assert change["agreement_id"] == "9001"
    said = desk.say("approve", f"{change['id']}@1", "--by", "dana", *more)
    assert said.code == 0, said.out


def _standing(desk: Desk) -> list[tuple[str, str, str]]:
    new = [line for line in desk.psa.state()["lines"] if line["id"] not in {"1", "2"}]
    return [(line["agreement"], line["service"], line["quantity"]) for line in new]


def test_a_line_is_made_as_approved_and_proposed_no_more(month: Desk) -> None:
    (change,) = month.changes()
    planned = month.say("plan", "--period", "2026-10", "--json").json["changes"]
    assert [each["cannot_be_written"] for each in planned] == [None]
    assert month.say("explain", change["id"], "--json").json["request"] == planned[0]["request"]
    _approve(month)
    assert month.apply().json["outcomes"] == {"written": 1}
    assert _standing(month) == [("9001", "78", "3")]
    assert [(write["before"], write["after"]) for write in month.psa.writes()] == [(None, "3")]
    again = month.run()
    assert (again["changes"]["new"], month.proposals()) == (0, {})
    assert month.apply().json["changes"] == []
    month.trail()


def test_a_line_waits_for_its_day_where_it_would_be_billed_from_the_moment_it_is_made(month: Desk) -> None:
    """Syncro alone has no day for a line: the others are told it, and bill from then on."""
    (change,) = month.changes()
    is_told = month.psa.state()["psa"] != "syncro"
    (planned,) = month.say("plan", "--period", "2026-10", "--json").json["changes"]
    expected = ("now", "effective_date") if is_told else ("on_date", "at_once")
    assert (planned["when"], planned["holds_from"]) == expected
    _approve(month, "--effective-date", "2099-12-01")
    (planned,) = month.say("plan", "--period", "2026-10", "--json").json["changes"]
    assert (planned["effective_date"], planned["plan_hash"]) == ("2099-12-01", planned["approved_hash"])
    if is_told:
        assert "2099-12-01" in planned["request"]["body"]
        return
    (waiting,) = month.apply().json["waiting"]
    assert waiting["reason"] == "it is due on 2099-12-01, the day from which it was approved"
    assert (waiting["id"], month.psa.writes()) == (change["id"], [])


@pytest.mark.parametrize("month", ["connectwise", "autotask"], indirect=True)
def test_a_line_whose_answer_was_lost_is_found_and_not_made_twice(month: Desk) -> None:
    _approve(month)
    month.psa.set_faults({"rules": [{"match": MAKES, "nth": 1, "do": "commit_then_drop"}]})
    assert month.apply().json["outcomes"] == {"unknown": 1}
    month.apply_until(lambda batch: batch["outcomes"] == {"written": 1})
    assert _standing(month) == [("9001", "78", "3")]
    assert len(month.psa.writes()) == 1
