"""A month billed from HaloPSA, from the file to the written line, as users see it."""

import json
from pathlib import Path
from typing import Any

import pytest

from resources.psa.halopsa_writing import OTHER_LINES
from tests.journeys.desk import MAPPINGS, SEED, Desk
from tests.journeys.reconciled import ReconciledMonths

PERIOD = ("--period", "2026-10")
DROP = "generic/2026-10/usage.csv"
USAGE = "Account,Service,Quantity\nacme,M365 BP,12\nacme,M365 E3,5\nbeta,M365 BP,7\n"
COUNTED = {"quantity_licences": [{"id": 3}]}
HALO: dict[str, Any] = SEED | {
    "psa": "halopsa",
    "lines": [
        *SEED["lines"],
        SEED["lines"][0] | {"id": "3", "service": "78", "quantity": "4", "unit_price": "36.00", "unit_cost": "30.00"},
        SEED["lines"][0] | {"id": "4", "service": "79", "quantity": "1.5", "unit_price": "90.00", "unit_cost": None},
    ],
}
"""Acme's recurring invoice has lines of ten, four and one and a half, Beta's one of eight."""


@pytest.fixture
def halo(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A workspace whose month was reconciled with HaloPSA."""
    return reconciled_months.month(HALO, "halopsa", mappings=MAPPINGS, drop=DROP, usage=USAGE).desk(tmp_path)


def test_what_is_approved_is_written_once_and_the_other_lines_stay(halo: Desk) -> None:
    assert halo.proposals() == {"1": "12", "2": "7", "3": "5"}
    plan = {each["line_id"]: each for each in halo.say("plan", *PERIOD, "--json").json["changes"]}
    assert plan["1"]["request"] == {
        "method": "POST",
        "path": "/api/RecurringInvoice",
        "body": f'[{{"id":9001,"lines":["{OTHER_LINES}",{{"id":1,"qty_order":12}}]}}]',
    }
    assert plan["1"]["holds_from"] == "at_once"
    before = {each["id"]: each for each in halo.psa.state()["lines"]}
    halo.approve("1", "2", "3")
    said = halo.apply()
    assert (said.code, said.json["outcomes"]) == (0, {"written": 3})
    assert sorted(halo.wrote()) == [("1", "10", "12"), ("2", "8", "7"), ("3", "4", "5")]
    after = {each["id"]: each for each in halo.psa.state()["lines"]}
    assert {line: each["quantity"] for line, each in after.items()} == {"1": "12", "2": "7", "3": "5", "4": "1.5"}
    for line, each in before.items():
        told = ("unit_price", "unit_cost", "start", "service", "agreement")
        assert [after[line][name] for name in told] == [each[name] for name in told]
    again = halo.run()
    assert (again["changes"]["new"], halo.proposals()) == (0, {})
    assert halo.apply().json["changes"] == []
    assert "all other lines" not in json.dumps([entry for entry in halo.trail() if entry["action"] == "intended"])


@pytest.mark.parametrize(("do", "sends"), [("commit_then_drop", 1), ("drop", 2)])
def test_a_lost_answer_ends_written_once_and_the_invoice_s_other_line_waits_for_it(
    halo: Desk, do: str, sends: int
) -> None:
    halo.approve("1", "3")
    halo.psa.set_faults({"rules": [{"match": "POST /api/RecurringInvoice", "nth": 1, "do": do}]})
    said = halo.apply()
    assert (said.code, said.json["outcomes"]) == (3, {"unknown": 1})
    (waiting,) = said.json["waiting"]
    assert waiting["reason"].startswith("the answer to another change of its agreement is awaited")
    halo.apply_until(lambda batch: halo.statuses("1", "3") == ["written", "written"])
    assert sorted(halo.wrote()) == [("1", "10", "12"), ("3", "4", "5")]
    assert sum(action == "intended" for action, _ in halo.events()) == sends + 1


def test_a_line_that_halopsa_counts_is_refused_and_never_sent(halo: Desk) -> None:
    halo.approve("1", "3")
    halo.psa.merge({"lines": [{"id": "1", "vendor_fields": COUNTED}]})
    said = halo.apply()
    assert (said.code, said.json["outcomes"]) == (3, {"refused": 1, "written": 1})
    assert "line 1 is counted by the PSA" in said.out
    assert halo.wrote() == [("3", "4", "5")]
