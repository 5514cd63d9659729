"""The road of a change to the PSA as users see it: what was approved is written once, or it is said why not.

Belongs here: plan, approve, apply, and everything that may come between, through the command line.
Does not belong here: faults of the PSA (``test_writing_faults``), people and secrets (``test_writing_people``).
"""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.desk import SEED, USAGE, WIDE_DROP, WIDE_USAGE, Desk, new_desk
from trueup.sandbox.psa.running import running_sandbox

PERIOD = ("--period", "2026-10")
BY = ("--by", "dana")


def outcome(desk: Desk, code: int) -> dict[str, dict[str, Any]]:
    """Write back, ending in that code; the outcome of each line."""
    said = desk.apply()
    assert said.code == code, said.out
    return {each["line_id"]: each for each in said.json["changes"]}


# --- the road -------------------------------------------------------------------------------------------------------


def test_what_is_planned_is_approved_and_written_once_and_never_again(month: Desk, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert month.say("plan", *PERIOD, "--out", str(file)).code == 0
    plan = json.loads(file.read_text())
    assert plan["plan_hash"] == month.say("plan", *PERIOD, "--json").json["plan_hash"]
    planned = {each["line_id"]: each for each in plan["changes"]}
    assert planned["1"]["request"] == {
        "method": "PATCH",
        "path": "/v4_6_release/apis/3.0/finance/agreements/901/additions/1",
        "body": '[{"op":"replace","path":"quantity","value":11}]',
    }
    assert (planned["1"]["quantity_before"], planned["1"]["quantity_after"]) == ("10", "11")
    assert plan["amounts"] == {"USD": "548.00"}
    assert month.wrote() == []
    names = month.approve("1", "9")
    assert month.wrote() == []
    approved = month.every_change()["1"]
    assert [each["plan_hash"] for each in approved["approvals"]] == [planned["1"]["plan_hash"]]
    bound = [(each["agreement_id"], each["effective_date"]) for each in approved["approvals"]]
    assert bound == [("901", "2026-11-01")]
    done = outcome(month, 0)
    assert {line: (each["status"], each["cause"]) for line, each in done.items()} == {
        "1": ("written", "verified"),
        "9": ("written", "verified"),
    }
    assert month.wrote() == [("1", "10", "11"), ("9", "10", "4")]
    again = month.apply()
    assert (again.code, again.json["changes"], again.json["waiting"]) == (0, [], [])
    assert len(month.wrote()) == 2
    assert month.events() == [
        *(("approved", name) for name in names),
        *((action, name) for name in names for action in ("intended", "concluded")),
    ]


def test_a_written_change_shows_who_approved_it_which_run_wrote_it_and_its_whole_history(month: Desk) -> None:
    (name,) = month.approve("1")
    batch = month.apply().json["batch_id"]
    written = month.every_change()["1"]
    assert (written["status"], written["batch_id"], written["revision"]) == ("written", batch, 1)
    assert [(each["by"], each["asserted"]) for each in written["approvals"]] == [("dana", True)]
    explained = month.say("explain", name, "--json").json
    assert [(event["event"], event["by"]) for event in explained["history"]] == [
        ("approved", "dana"),
        ("sending", "write-back"),
        ("written", "write-back"),
    ]
    assert [(row["file"], row["row"]) for row in explained["rows"]] == [("usage.csv", 2)]
    said = month.say("explain", name).out
    for words in ("usage.csv row 2", "approved by dana: by name only", "PATCH /v4_6", "written and read back"):
        assert words in said
    month.run()
    settled = month.say("explain", name, "--json").json
    assert [(row["file"], row["row"]) for row in settled["rows"]] == [("usage.csv", 2)]
    assert (explained["quantity_used"], settled["quantity_used"]) == ("11", None)


def test_after_writing_a_run_proposes_nothing_more_for_the_line(month: Desk) -> None:
    month.approve("1", "9", "10")
    month.apply()
    summary = month.run()
    assert summary["changes"]["new"] == 0
    assert month.statuses("1", "9", "10") == ["written"] * 3
    assert {"1", "9", "10"}.isdisjoint(month.proposals())
    assert month.apply().json["changes"] == []
    assert month.wrote() == [("1", "10", "11"), ("9", "10", "4"), ("10", "10", "0")]


def test_one_month_can_be_written_while_others_wait(month: Desk) -> None:
    month.approve("1")
    said = month.say("apply", "--period", "2026-09", "--json")
    assert (said.code, said.json["changes"], month.wrote()) == (0, [], [])
    assert month.say("apply", *PERIOD).code == 0
    assert month.wrote() == [("1", "10", "11")]


def test_the_table_of_a_run_says_what_happened_to_each_line(month: Desk) -> None:
    assert "Nothing approved was due." in month.say("apply").out
    month.approve("1", "2")
    month.psa.merge({"lines": [{"id": "2", "quantity": "15"}]})
    said = month.say("apply")
    assert said.code == 3
    for words in ("written and read back", "approved was 10 → 12, and the line holds 15", "1 written, 1 stale"):
        assert words in said.out


# --- what moved since ------------------------------------------------------------------------------------------------


def test_a_line_edited_by_hand_is_never_overwritten_and_comes_back_with_the_new_number(month: Desk) -> None:
    first, _ = month.approve("1", "2")
    change_id = first.partition("@")[0]
    month.psa.merge({"lines": [{"id": "1", "quantity": "15"}]})
    done = outcome(month, 3)
    assert (done["1"]["status"], done["1"]["cause"], done["1"]["quantity_seen"]) == ("stale", "line_moved", "15")
    assert done["1"]["message"] == "approved was 10 → 11, and the line holds 15; nothing was sent"
    assert month.wrote() == [("2", "10", "12")]
    found = month.findings()["stale_approval"]
    assert "line 1, 10 → 11" in found["message"]
    assert "the line holds 15" in found["message"]
    assert "run the month again" in found["remedy"]
    month.run()
    proposed = month.every_change()["1"]
    assert (proposed["id"], proposed["revision"], proposed["status"]) == (change_id, 2, "proposed")
    assert (proposed["quantity_before"], proposed["quantity_after"]) == ("15", "11")
    assert "stale_approval" not in month.findings()
    refused = month.say("approve", first, *BY, "--json")
    assert refused.code == 3
    assert refused.json["undecided"][0]["reason"] == (
        f"revision 1 is not the latest: {change_id}@2 is (15 → 11, proposed)"
    )
    bare = month.say("approve", change_id, *BY)
    assert (bare.code, f"it has 2 revisions: name the one you saw, {change_id}@2" in bare.out) == (3, True)
    assert month.apply().json["changes"] == []
    month.approve("1")
    assert outcome(month, 0)["1"]["status"] == "written"
    assert month.wrote() == [("2", "10", "12"), ("1", "15", "11")]
    assert [each["status"] for each in month.say("explain", change_id, "--json").json["revisions"]] == [
        "stale",
        "written",
    ]
    month.trail()


def test_a_line_that_holds_the_approved_number_already_is_written_and_nothing_is_sent(month: Desk) -> None:
    (name,) = month.approve("1")
    month.psa.merge({"lines": [{"id": "1", "quantity": "11"}]})
    done = outcome(month, 0)
    assert (done["1"]["status"], done["1"]["message"]) == ("written", "the line holds 11 already; nothing was sent")
    assert month.wrote() == []
    assert month.events() == [("approved", name), ("concluded", name)]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param(
            {"agreements": [{"id": "901", "active": False}]},
            "agreement 901 is cancelled, expired or ended",
            id="agreement cancelled",
        ),
        pytest.param(
            {"agreements": [{"id": "901", "end": "2026-01-01"}]},
            "agreement 901 is cancelled, expired or ended",
            id="agreement ended",
        ),
        pytest.param(
            {"accounts": [{"id": "201", "active": False}]}, "account 201 is inactive in the PSA", id="account inactive"
        ),
        pytest.param({"lines": [{"id": "1", "end": "2026-01-01"}]}, "line 1 ended on 2026-01-01", id="line ended"),
        pytest.param({"lines": [{"id": "1", "removed": True}]}, "it is not in the PSA any more", id="line gone"),
        pytest.param(
            {"agreements": [{"id": "901", "account": "202"}]},
            "agreement 901 belongs to account 202, not to 201",
            id="agreement of another account",
        ),
    ],
)
def test_a_target_that_is_billed_no_more_is_refused_with_the_reason(
    month: Desk, edit: dict[str, Any], words: str
) -> None:
    month.approve("1", "2")
    month.psa.merge(edit)
    done = outcome(month, 3)
    assert (done["1"]["status"], done["1"]["cause"]) == ("refused", "inactive_target")
    assert words in done["1"]["message"]
    found = month.findings()["inactive_target"]
    assert words in found["message"]
    assert "decide in the PSA" in found["remedy"]
    assert month.wrote() == [("2", "10", "12")]
    assert month.apply().json["changes"] == []
    month.trail()


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        pytest.param({"unit_price": "23.00"}, "unit price was 22 when it was approved, and is 23", id="price"),
        pytest.param({"unit_cost": "19.00"}, "unit cost was 18 when it was approved, and is 19", id="cost"),
        pytest.param({"unit_price": None}, "unit price was 22 when it was approved, and is nothing", id="no price"),
        pytest.param({"service": "78"}, "the line bills service 78, and approved was service 77", id="service"),
    ],
)
def test_money_or_a_service_that_moved_makes_an_approval_stale(month: Desk, edit: dict[str, Any], words: str) -> None:
    month.approve("1", "2")
    month.psa.merge({"lines": [{"id": "1", **edit}]})
    done = outcome(month, 3)
    assert done["1"]["status"] == "stale"
    assert words in done["1"]["message"]
    assert words in month.findings()["stale_approval"]["message"]
    assert month.wrote() == [("2", "10", "12")]


def test_an_approval_for_one_psa_is_never_carried_out_on_another(month: Desk) -> None:
    month.approve("1")
    with running_sandbox(month.psa.state() | {"writes": []}) as other:
        month.say("config", "set", "psa.base_url", other.url)
        done = outcome(month, 3)
        assert other.writes() == []
    assert "psa moved since; nothing was sent" in done["1"]["message"]


# --- deciding --------------------------------------------------------------------------------------------------------


def test_many_clicks_at_once_make_one_approval(month: Desk) -> None:
    (name,) = month.names("1")
    trueup = str(Path(sys.executable).parent / "trueup")
    command = [trueup, "approve", name, *BY, "--json", "--workspace", str(month.root)]
    clicks = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ended = [(*click.communicate(timeout=120), click.returncode) for click in clicks]
    assert [(err.decode(), code) for _, err, code in ended] == [("", 0)] * 3
    answers = [json.loads(out) for out, _, _ in ended]
    assert sum(len(answer["decided"]) for answer in answers) == 1
    assert sum(len(answer["already"]) for answer in answers) == 2
    assert month.events() == [("approved", name)]
    month.apply()
    assert month.wrote() == [("1", "10", "11")]


def test_a_second_click_says_that_nothing_changed(month: Desk) -> None:
    (name,) = month.approve("1")
    said = month.say("approve", name, *BY)
    assert (said.code, f"{name} is approved already; nothing changed" in said.out) == (0, True)
    month.apply()
    said = month.say("approve", name, "--by", "erin")
    assert (said.code, f"{name} is written already; nothing changed" in said.out) == (0, True)
    assert [action for action, _ in month.events()] == ["approved", "intended", "concluded"]


def test_a_bare_id_is_enough_while_there_is_one_revision(month: Desk) -> None:
    (name,) = month.names("1")
    assert month.say("approve", name.partition("@")[0], *BY).code == 0
    assert month.statuses("1") == ["approved"]


def test_an_approval_that_is_taken_back_in_time_is_never_written(month: Desk) -> None:
    (name,) = month.approve("1")
    assert month.say("revoke", name, "--by", "erin", "--note", "wrong month").code == 0
    assert month.apply().json["changes"] == []
    assert month.wrote() == []
    taken_back = month.every_change()["1"]
    assert (taken_back["status"], taken_back["approvals"]) == ("proposed", [])
    assert month.events() == [("approved", name), ("revoked", name)]
    assert month.trail()[-1]["words"] == "wrong month"
    month.approve("1")
    month.apply()
    assert month.wrote() == [("1", "10", "11")]
    late = month.say("revoke", name, *BY)
    assert (late.code, "it is written: only an approval or a refusal that nobody acted on" in late.out) == (3, True)


def test_a_declined_change_is_not_written_and_not_proposed_again(month: Desk) -> None:
    (name,) = month.names("1")
    assert month.say("decline", name, *BY).code == 2
    assert month.say("decline", name, *BY, "--reason", "they leave in December").code == 0
    month.approve("2")
    month.run()
    month.apply()
    assert month.statuses("1", "2") == ["declined", "written"]
    assert month.wrote() == [("2", "10", "12")]
    assert "they leave in December" in [entry["words"] for entry in month.trail()]
    refused = month.say("approve", name, *BY)
    assert (refused.code, "it is declined: only what is proposed can be approved" in refused.out) == (3, True)
    month.say("revoke", name, *BY)
    assert month.statuses("1") == ["proposed"]


def test_a_change_to_zero_is_approved_only_with_its_own_tick(month: Desk) -> None:
    (name,) = month.names("10")
    refused = month.say("approve", name, *BY)
    assert refused.code == 3
    assert "it would go to 0 because nothing is used any more: confirm that (--confirm-zero)" in refused.out
    everything = month.say("approve", *PERIOD, *BY, "--kind", "vanished", "--json")
    assert (everything.code, everything.json["decided"]) == (0, [])
    assert month.apply().json["changes"] == []
    assert month.say("approve", name, *BY, "--confirm-zero").code == 0
    month.apply()
    assert month.wrote() == [("10", "10", "0")]
    (approved,) = [entry for entry in month.trail() if entry["action"] == "approved"]
    assert approved["details"]["has_confirmed_zero"] is True


def test_what_the_psa_cannot_do_is_refused_with_the_reason(month: Desk) -> None:
    (name,) = month.names("1")
    for arguments, words in (
        (("--effective-date", "2026-10-01"), "2026-10-01 is over, and this PSA changes a line at once"),
        (("--agreement", "901"), "it has its line already"),
    ):
        said = month.say("approve", name, *arguments, *BY)
        assert (said.code, words in said.out) == (3, True), said.out
    assert month.apply().json["changes"] == []
    assert month.wrote() == []


def test_a_line_that_the_psa_changes_at_once_is_written_on_the_day_that_was_picked(month: Desk) -> None:
    (name,) = month.names("1")
    said = month.say("approve", name, *BY, "--effective-date", "2099-12-01")
    assert said.out.strip() == f"{name} is approved: line 1, 10 → 11, to be written on 2099-12-01"
    batch = month.apply().json
    (waiting,) = batch["waiting"]
    assert waiting["reason"] == "it is due on 2099-12-01, the day from which it was approved"
    assert month.wrote() == []
    again = month.say("approve", name, *BY, "--effective-date", "2099-11-01")
    assert (again.code, "take that approval back first (revoke)" in again.out) == (3, True)
    assert month.say("revoke", name, *BY).code == 0
    today = datetime.now(UTC).date().isoformat()
    assert month.say("approve", name, *BY, "--effective-date", today).code == 0
    month.apply()
    assert month.wrote() == [("1", "10", "11")]


def test_a_new_line_stands_on_the_agreement_and_from_the_day_that_were_picked(month: Desk) -> None:
    line = month.every_change()[None]
    picked = ("--agreement", "901", "--effective-date", "2026-11-15")
    said = month.say("approve", f"{line['id']}@1", *picked, *BY)
    assert said.out.strip() == f"{line['id']}@1 is approved: a new line on agreement 901 from 2026-11-15, 3"
    (approval,) = month.every_change()[None]["approvals"]
    assert (approval["agreement_id"], approval["effective_date"]) == ("901", "2026-11-15")
    assert month.apply().json["outcomes"] == {"written": 1}


@pytest.mark.parametrize(
    ("filters", "lines"),
    [
        (("--max-amount", "66.00"), {"1", "2", "3"}),
        (("--max-amount", "65.99"), {"1", "2"}),
        (("--max-amount", "132"), {"1", "2", "3", "4", "5", "6", "9", None}),
        (("--max-amount", "132", "--kind", "decrease"), {"9"}),
        (("--account", "204"), {"4"}),
        (("--source", "generic", "--max-amount", "22"), {"1"}),
        (("--source", "Pax8"), set()),
        (("--max-amount", "0"), set()),
    ],
)
def test_a_filter_approves_what_it_means_and_nothing_else(
    month: Desk, filters: tuple[str, ...], lines: set[str | None]
) -> None:
    said = month.say("approve", *PERIOD, *filters, *BY, "--json")
    assert (said.code, len(said.json["decided"])) == (0, len(lines))
    assert {line for line, each in month.every_change().items() if each["status"] == "approved"} == lines
    month.apply()
    # A line that was made had none before, and no change knows its id.
    assert {line if before else None for line, before, _ in month.wrote()} == lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((*PERIOD, "--max-amount", "much"), "--max-amount much is no amount, for example 100.00"),
        ((*PERIOD, "--max-amount", "-1"), "--max-amount -1 is no amount"),
        ((*PERIOD, "--max-amount", "NaN"), "--max-amount NaN is no amount"),
        (("--max-amount", "5"), "choose them with --period"),
        (("a@1", *PERIOD), "not both"),
        (("a@1", "--account", "204"), "not both"),
        (("a@1", "--effective-date", "tomorrow"), "is no date, for example 2026-11-01"),
        ((), "name changes as ID@REVISION"),
        (("--period", "October"), "October"),
    ],
)
def test_a_wish_that_is_not_understood_decides_nothing(month: Desk, arguments: tuple[str, ...], words: str) -> None:
    said = month.say("approve", *arguments, *BY, "--json")
    assert (said.code, words in said.json["error"]) == (2, True), said.out
    assert month.trail() == []


def test_nothing_is_decided_without_a_name_and_unknown_changes_are_told(month: Desk) -> None:
    (name,) = month.names("1")
    assert "say who decides: --by NAME" in month.say("approve", name).err
    assert month.say("approve", name).code == 2
    said = month.say("approve", "0123456789ab@1", f"{name.partition('@')[0]}@7", f"{name}x", name, *BY, "--json")
    assert said.code == 3
    assert [each["reason"].split(";")[0].split(":")[0] for each in said.json["undecided"]] == [
        "there is no such change",
        "revision 7 is not the latest",
        "revision 1x is not the latest",
    ]
    assert month.events() == [("approved", name)]


# --- what the number rests on ----------------------------------------------------------------------------------------


def test_a_mapping_edited_after_approval_makes_its_own_line_stale_and_no_other(month: Desk) -> None:
    month.approve("1", "2", "3")
    assert (
        month.map(
            accounts=[{"source": "generic", "key": "c1", "exclude": "our own"}],
            units=[{"line": "2", "included": "1"}, {"line": "7", "included": "1"}],
        ).code
        == 0
    )
    done = outcome(month, 3)
    assert {line: each["status"] for line, each in done.items()} == {"1": "stale", "2": "stale", "3": "written"}
    for line in ("1", "2"):
        assert done[line]["message"] == ("what was approved is not what stands: mappings moved since; nothing was sent")
    assert month.wrote() == [("3", "10", "13")]
    month.run()
    assert month.proposals()["2"] == "11"
    month.approve("2")
    month.apply()
    assert month.wrote() == [("3", "10", "13"), ("2", "10", "11")]


def take_in(month: Desk, content: str) -> str:
    file = month.root / "usage.csv"
    file.write_text(content)
    return str(month.say("intake", str(file), "--profile", "generic", *PERIOD, "--json").json["verdict"])


def test_a_file_sent_again_with_other_content_makes_what_rests_on_it_stale(month: Desk) -> None:
    first, second = month.approve("1", "2")
    assert take_in(month, WIDE_USAGE.replace("c1,M365 BP,11", "c1,M365 BP,15")) == "complete"
    done = outcome(month, 3)
    assert {line: each["status"] for line, each in done.items()} == {"1": "stale", "2": "stale"}
    assert "readings moved since" in done["1"]["message"]
    assert month.wrote() == []
    month.run()
    assert [each.partition("@")[2] for each in month.names("1", "2")] == ["2", "2"]
    assert month.say("approve", first, second, *BY).code == 3
    month.approve("1", "2")
    month.apply()
    assert month.wrote() == [("1", "10", "15"), ("2", "10", "12")]


def test_a_file_sent_again_with_the_same_bytes_changes_nothing(month: Desk) -> None:
    month.approve("1")
    assert take_in(month, WIDE_USAGE) == "duplicate"
    outcome(month, 0)
    assert month.wrote() == [("1", "10", "11")]


def test_a_row_that_is_fixed_elsewhere_leaves_an_approval_standing(month: Desk) -> None:
    month.drop(WIDE_DROP, WIDE_USAGE.replace("c7,M365 BP,17", "c7,M365 BP,1.2.3"))
    file_id = month.run()["sources"][0]["file_id"]
    (name,) = month.approve("1")
    fix = ("rows", "fix", "--file", file_id, "--row", "8", "--column", "Quantity", "--value", "20")
    assert month.say(*fix, *BY).code == 0
    month.run()
    assert (month.names("1"), month.statuses("1")) == ([name], ["approved"])
    assert month.proposals()["7"] == "20"
    outcome(month, 0)
    assert month.wrote() == [("1", "10", "11")]


# --- bounds and the switch -------------------------------------------------------------------------------------------


def test_a_line_that_would_change_too_much_is_refused_and_the_others_are_written(month: Desk) -> None:
    month.say("config", "set", "bounds.line_quantity", "4")
    month.approve("4", "5", "9")
    done = outcome(month, 3)
    assert {line: each["status"] for line, each in done.items()} == {"4": "written", "5": "refused", "9": "refused"}
    assert done["9"]["message"] == "it changes the line by 6, and bounds.line_quantity is 4"
    found = month.findings()["refused_write"]
    assert "raise the bound (trueup config set)" in found["remedy"]
    assert month.wrote() == [("4", "10", "14")]


@pytest.mark.parametrize(
    ("key", "bound", "enough", "words"),
    [
        ("bounds.lines_per_run", "2", "3", "3 lines would be written, and bounds.lines_per_run is 2"),
        ("bounds.run_amount", "131.99", "132", "132.00 USD would change for one run, and bounds.run_amount is 131.99"),
        (
            "bounds.account_amount",
            "65.00",
            "66.00",
            "66.00 USD would change for account 203, and bounds.account_amount is 65.00",
        ),
    ],
)
def test_a_run_that_would_change_too_much_writes_nothing_until_the_bound_is_raised(
    month: Desk, key: str, bound: str, enough: str, words: str
) -> None:
    month.say("config", "set", key, bound)
    month.approve("1", "2", "3")
    for _ in range(2):
        said = month.apply()
        assert (said.code, said.json["stopped"]["kind"], said.json["stopped"]["reason"]) == (1, "bounds", words)
    assert (month.wrote(), month.statuses("1", "2", "3")) == ([], ["approved"] * 3)
    found = month.findings()["write_back_stopped"]
    assert words in found["message"]
    assert "revoke approvals or raise the bound" in found["remedy"]
    month.say("config", "set", key, enough)
    outcome(month, 0)
    assert month.wrote() == [("1", "10", "11"), ("2", "10", "12"), ("3", "10", "13")]
    assert "write_back_stopped" not in month.findings()
    assert [action for action, _ in month.events()].count("halted") == 1


def test_a_run_within_its_bounds_again_after_a_revocation_goes_on_by_itself(month: Desk) -> None:
    month.say("config", "set", "bounds.lines_per_run", "1")
    first, _ = month.approve("1", "2")
    assert month.apply().code == 1
    month.say("revoke", first, *BY)
    outcome(month, 0)
    assert month.wrote() == [("2", "10", "12")]


def test_a_person_stops_write_back_and_lets_it_go_on(month: Desk) -> None:
    month.approve("1")
    assert "Write-back goes on. 1 approved and due, 0 unsettled." in month.say("writeback", "status").out
    assert month.say("writeback", "stop", *BY).code == 2
    assert month.say("writeback", "stop", *BY, "--reason", "invoices are being printed").code == 0
    said = month.apply()
    assert (said.code, said.json["stopped"]["kind"], said.json["stopped"]["by"]) == (1, "by_a_person", "dana")
    status = month.say("writeback", "status", "--json").json
    assert (status["stopped"]["reason"], status["approved"]) == ("invoices are being printed", 1)
    found = month.findings()["write_back_stopped"]
    assert "invoices are being printed" in found["message"]
    assert "trueup writeback resume" in found["remedy"]
    month.approve("2")
    assert month.wrote() == []
    assert month.say("writeback", "resume", *BY, "--reason", "they are printed").code == 0
    assert "was not stopped" in month.say("writeback", "resume", *BY, "--reason", "again").out
    outcome(month, 0)
    assert month.wrote() == [("1", "10", "11"), ("2", "10", "12")]
    assert [action for action, _ in month.events()][:4] == ["approved", "stopped", "approved", "resumed"]


def test_a_quiet_period_that_is_too_short_is_taken_only_with_the_sandbox(
    month: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("COMPANY_ID", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID"):
        monkeypatch.setenv(f"TRUEUP_PSA_{name}", "sandbox")
    month.approve("1")
    month.say("config", "set", "psa.base_url", "https://psa.example")
    month.say("config", "set", "psa.allow_loopback", "false")
    said = month.apply()
    assert said.code == 1
    assert "writeback.quiet_period_seconds is 1, and less than 120 is safe only with the sandbox" in said.json["error"]
    assert month.wrote() == []


# --- the other database ----------------------------------------------------------------------------------------------


def test_the_same_road_on_postgresql(tmp_path: Path, bare_postgres_url: str) -> None:
    with running_sandbox(SEED) as psa:
        desk = new_desk(tmp_path / "workspace", psa)
        desk.say("config", "set", "store.url", bare_postgres_url)
        desk.map(
            accounts=[
                {"source": "generic", "key": "acme", "account": "250"},
                {"source": "generic", "key": "beta", "account": "251"},
            ],
            services=[{"source": "generic", "key": "M365 BP", "services": ["77"]}],
        )
        desk.drop("generic/2026-10/usage.csv", USAGE.replace("beta,M365 BP,8", "beta,M365 BP,9"))
        desk.run()
        names = desk.approve("1", "2")
        psa.merge({"lines": [{"id": "2", "quantity": "20"}]})
        done = outcome(desk, 3)
        assert {line: each["status"] for line, each in done.items()} == {"1": "written", "2": "stale"}
        assert desk.apply().json["changes"] == []
        assert desk.wrote() == [("1", "10", "12")]
        assert [event for event in desk.events() if event[1] == names[0]] == [
            ("approved", names[0]),
            ("intended", names[0]),
            ("concluded", names[0]),
        ]
        history = desk.say("explain", names[0], "--json").json["history"]
        assert [event["event"] for event in history] == ["approved", "sending", "written"]
