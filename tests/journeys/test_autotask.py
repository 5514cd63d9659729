"""A month billed from Autotask, from the command line as a user.

Belongs here: what is approved is what stands in the units, what is refused and why, a lost answer.
Does not belong here: the road of a change in general (``test_writing``), the adapter in detail.
"""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.journeys.desk import MAPPINGS, SEED, Desk
from tests.journeys.reconciled import ReconciledMonths

DROP = "generic/2026-10/usage.csv"
USAGE = "Account,Service,Quantity\nacme,M365 BP,12\nbeta,M365 BP,5\n"
"""Acme uses twelve and is billed for ten, Beta five and eight."""


@pytest.fixture
def autotask(reconciled_months: ReconciledMonths, tmp_path: Path) -> Desk:
    """A workspace beside an Autotask sandbox, its month reconciled."""
    return reconciled_months.month(SEED, "autotask", mappings=MAPPINGS, drop=DROP, usage=USAGE).desk(tmp_path)


def _begins(desk: Desk) -> date:
    """From when what is proposed shall hold: the first day of the next month on today's calendar."""
    (day,) = {date.fromisoformat(change["effective_date"]) for change in desk.changes()}
    today = datetime.now(UTC).date()
    assert day.day == 1
    assert 0 < (day - today).days <= 31
    return day


def _quantities(desk: Desk) -> dict[str, str]:
    return {line["id"]: line["quantity"] for line in desk.psa.state()["lines"]}


def test_what_is_approved_is_adjusted_from_its_day_on_and_never_again(autotask: Desk) -> None:
    assert autotask.proposals() == {"1": "12", "2": "5"}
    begins = _begins(autotask)
    planned = {each["line_id"]: each for each in autotask.say("plan", "--period", "2026-10", "--json").json["changes"]}
    assert planned["1"]["holds_from"] == "effective_date"
    assert planned["1"]["request"] == {
        "method": "POST",
        "path": "/ATServicesRest/V1.0/ContractServiceAdjustments",
        "body": f'{{"contractID":9001,"contractServiceID":1,"unitChange":2,"effectiveDate":"{begins}T00:00:00Z"}}',
    }
    assert '"unitChange":-3,' in planned["2"]["request"]["body"]
    autotask.approve("1", "2")
    assert autotask.wrote() == []
    done = autotask.apply()
    assert (done.code, autotask.statuses("1", "2")) == (0, ["written", "written"])
    assert autotask.wrote() == [("1", "10", "12"), ("2", "8", "5")]
    assert {write["effective_date"] for write in autotask.psa.writes()} == {f"{begins}"}
    assert _quantities(autotask) == {"1": "12", "2": "5"}
    held = [line["earlier_units"] for line in autotask.psa.state()["lines"]]
    assert held == [[{"until": f"{begins}", "units": "10"}], [{"until": f"{begins}", "units": "8"}]]
    assert autotask.run()["changes"]["new"] == 0
    assert autotask.proposals() == {}
    assert autotask.apply().json["changes"] == []
    assert len(autotask.wrote()) == 2
    autotask.trail()


def test_a_day_that_the_reviewer_picked_is_the_day_that_the_psa_is_told(autotask: Desk) -> None:
    (name,) = autotask.names("1")
    early = autotask.say("approve", name, "--by", "dana", "--effective-date", "2026-09-30")
    assert (early.code, "lies before the month that the files speak for" in early.out) == (3, True)
    assert autotask.say("approve", name, "--by", "dana", "--effective-date", "2026-11-16").code == 0
    planned = {each["line_id"]: each for each in autotask.say("plan", "--period", "2026-10", "--json").json["changes"]}
    assert '"effectiveDate":"2026-11-16T00:00:00Z"' in planned["1"]["request"]["body"]
    assert planned["1"]["plan_hash"] == planned["1"]["approved_hash"]
    assert (planned["1"]["when"], planned["1"]["holds_from"]) == ("now", "effective_date")
    # The part of November that the picked day leaves: 2 units at 22.00 for 15 of its 30 days.
    formula = "2 × 22.00 × 15/30 days of 2026-11 (actual) = 22.00 USD"
    part = {"days": 15, "of_days": 30, "amount": "22.00", "formula": formula}
    explained = autotask.say("explain", name, "--json").json
    assert [planned["1"]["proration"], explained["change"]["proration"]] == [part, part]
    told = autotask.say("explain", name).out
    assert "from      2026-11-16 (written once it is approved)" in told
    assert formula in told
    assert autotask.apply().json["outcomes"] == {"written": 1}
    assert [write["effective_date"] for write in autotask.psa.writes()] == ["2026-11-16"]
    assert autotask.psa.state()["lines"][0]["earlier_units"] == [{"until": "2026-11-16", "units": "10"}]
    assert autotask.run()["changes"]["new"] == 0


def test_an_adjustment_whose_answer_is_lost_is_added_once(autotask: Desk) -> None:
    autotask.approve("1")
    autotask.psa.set_faults({"rules": [{"match": "Adjustments", "nth": 1, "do": "commit_then_drop"}]})
    assert [each["status"] for each in autotask.apply().json["changes"]] == ["unknown"]
    autotask.apply_until(lambda said: bool(said["changes"]))
    assert autotask.statuses("1") == ["written"]
    assert autotask.wrote() == [("1", "10", "12")]
    assert _quantities(autotask)["1"] == "12"
    assert [words for words, _ in autotask.events()] == ["approved", "intended", "concluded", "concluded"]


def test_an_adjustment_that_never_arrived_is_sent_once_more(autotask: Desk) -> None:
    autotask.approve("1")
    autotask.psa.set_faults({"rules": [{"match": "Adjustments", "nth": 1, "do": "drop"}]})
    autotask.apply()
    autotask.apply_until(lambda said: said["outcomes"] == {"written": 1})
    assert autotask.wrote() == [("1", "10", "12")]


def test_what_autotask_never_takes_is_told_before_anybody_approves_it(autotask: Desk) -> None:
    autotask.drop(DROP, USAGE.replace("acme,M365 BP,12", "acme,M365 BP,12.5"))
    autotask.run()
    planned = {each["line_id"]: each for each in autotask.say("plan", "--period", "2026-10", "--json").json["changes"]}
    assert (planned["1"]["request"] is None, planned["2"]["cannot_be_written"]) == (True, None)
    assert (
        planned["1"]["cannot_be_written"]
        == "Autotask takes whole numbers only, and 12.5 is due: a unit rule can round it"
    )
    (name,) = autotask.names("1")
    said = autotask.say("approve", name, "--by", "dana")
    assert (said.code, "a unit rule can round it" in said.out) == (3, True)
    assert autotask.apply().json["changes"] == []


def test_a_posted_period_is_refused_with_the_reason(autotask: Desk) -> None:
    posted_until = _begins(autotask) + timedelta(days=31)
    autotask.approve("2")
    autotask.psa.merge({"lines": [{"id": "2", "posted_until": f"{posted_until}"}]})
    (done,) = autotask.apply().json["changes"]
    assert done["status"] == "refused"
    assert "line 2 is approved and posted" in done["message"]
    assert (autotask.wrote(), _quantities(autotask)) == ([], {"1": "10", "2": "8"})


def test_units_that_a_person_adjusted_meanwhile_are_never_adjusted_on_top(autotask: Desk) -> None:
    autotask.approve("1")
    autotask.psa.merge({"lines": [{"id": "1", "quantity": "11"}]})
    done = autotask.apply()
    assert done.json["changes"][0]["message"] == "approved was 10 → 12, and the line holds 11; nothing was sent"
    assert autotask.wrote() == []


def test_a_run_is_taken_back_by_the_opposite_adjustment_from_a_period_that_has_not_begun(autotask: Desk) -> None:
    autotask.approve("1")
    batch = autotask.apply().json["batch_id"]
    said = autotask.say("rollback", batch, "--by", "dana", "--json")
    assert "prorations" in said.err
    (rolled,) = said.json["proposed"]
    today = datetime.now(UTC).date()
    begins = date(today.year + today.month // 12, today.month % 12 + 1, 1)
    assert rolled["effective_date"] == max(date(2026, 11, 1), begins).isoformat()
    assert autotask.say("approve", f"{rolled['id']}@1", "--by", "dana").code == 0
    assert autotask.apply().json["outcomes"] == {"written": 1}
    assert autotask.wrote() == [("1", "10", "12"), ("1", "12", "10")]
