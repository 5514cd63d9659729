"""Approval policies from file to write: tried out, in force, at work, and changed underneath an approval."""

from pathlib import Path
from typing import Any

import pytest

from tests.journeys.desk import Desk

SMALL = '{name: small, do: auto_approve, when: {kind: {in: [increase]}, amount: {le: "66.00"}, percent: {le: "20"}}}'
LARGE = '{name: large, do: second_approver, when: {amount: {gt: "150.00"}}}'
HELD = '{name: customer 3 by hand, do: hold, when: {account: {in: ["203"]}}, reason: in dispute}'


def policy(desk: Desk, *rules: str, more: str = "") -> Path:
    """A policy file."""
    file = desk.root / "policy.yaml"
    file.write_text(f"rules: [{', '.join(rules)}]\n{more}")
    return file


def imported(desk: Desk, *rules: str, more: str = "") -> Any:
    """What importing a policy printed."""
    return desk.say("policies", "import", str(policy(desk, *rules, more=more)), "--by", "erin", "--json").json


def test_a_policy_is_tried_out_without_storing_anything(month: Desk) -> None:
    file = policy(month, SMALL, LARGE, HELD)
    checked = month.say("policies", "check", str(file), "--period", "2026-10", "--json").json
    of_lines = {change["account"]["id"]: change["with_file"] for change in checked["changes"]}
    assert {account: of_lines[account]["outcome"] for account in ("202", "203", "204", "207", "2010")} == {
        "202": "auto_approve",
        "203": "hold",
        "204": "manual",
        "207": "second_approver",
        "2010": "second_approver",
    }
    assert [rule["name"] for rule in of_lines["202"]["rules"]] == ["small"]
    assert (checked["in_force"], checked["stale"]) == ("manual", 0)
    assert "Nothing was stored." in month.say("policies", "check", str(file), "--period", "2026-10").out
    assert month.say("policies", "show", "--json").json["version"] == "manual"
    assert "a person decides on every change" in month.say("policies", "show").out


def test_a_file_that_says_something_else_is_refused_with_its_line(month: Desk) -> None:
    file = policy(month, "{name: a, do: approve}")
    said = month.say("policies", "import", str(file), "--by", "erin")
    assert said.code == 4
    assert "rules, entry 1, field do (line 1)" in said.err
    assert month.say("policies", "check", str(month.root / "nothing.yaml"), "--period", "2026-10").code == 4


def test_a_rule_approves_and_what_it_approved_is_written(month: Desk) -> None:
    assert imported(month, SMALL, HELD)["is_new"]
    assert not imported(month, SMALL, HELD)["is_new"]
    assert month.statuses("1", "2") == ["proposed", "proposed"]
    month.run()
    assert month.statuses("1", "2", "3", "4", "9", "10") == ["approved", "approved", *["proposed"] * 4]
    shown = month.every_change()["1"]
    [approval] = shown["approvals"]
    assert (approval["by"], approval["asserted"]) == ("policy:small", False)
    assert (shown["policy"]["outcome"], shown["policy"]["rules"][0]["name"]) == ("auto_approve", "small")
    assert "approved by policy:small" in month.say("changes", "list", "--period", "2026-10").out
    told = month.say("explain", shown["id"]).out
    assert "policy    auto_approve, by small (auto_approve)" in told
    assert "approved by policy:small: by a rule of the policy" in told
    assert month.apply().code == 0
    assert month.wrote() == [("1", "10", "11"), ("2", "10", "12")]
    assert {entry["action"] for entry in month.trail()} >= {"policy_imported", "approved", "intended", "concluded"}


def test_what_a_rule_holds_is_refused_by_its_name(month: Desk) -> None:
    imported(month, HELD)
    said = month.say("approve", *month.names("3"), "--by", "dana")
    assert said.code == 3
    assert '"customer 3 by hand" (in dispute)' in said.out
    [planned] = [each for each in month.say("plan", "--period", "2026-10").json["changes"] if each["line_id"] == "3"]
    assert planned["request"] is None
    assert "customer 3 by hand" in planned["cannot_be_written"]
    assert "held by" in month.say("changes", "list", "--period", "2026-10", "--account", "203").out


def test_two_people_approve_what_needs_two(month: Desk) -> None:
    imported(month, LARGE)
    [name] = month.names("8")
    assert month.every_change()["8"]["needs"] == ["second_approver"]
    assert "has the first of two approvals" in month.say("approve", name, "--by", "dana").out
    assert month.say("approve", name, "--by", "Dana").code == 3
    first = month.every_change()["8"]
    assert (first["status"], first["needs"]) == ("proposed", ["second_approver"])
    assert [(each["by"], each["asserted"]) for each in first["approvals"]] == [("dana", True)]
    assert month.apply().json["changes"] == []
    assert month.say("approve", name, "--by", "erin").code == 0
    assert [each["by"] for each in month.every_change()["8"]["approvals"]] == ["dana", "erin"]
    assert month.apply().code == 0
    assert month.wrote() == [("8", "10", "18")]
    assert [action for action, subject in month.events() if subject == name][:2] == ["first_approved", "approved"]


def test_a_policy_that_changed_after_an_approval_makes_it_stale_and_it_comes_back(month: Desk) -> None:
    month.approve("1")
    assert imported(month, LARGE)["stale"] == 1
    said = month.apply()
    assert said.code == 3
    [ended] = said.json["changes"]
    assert (ended["status"], ended["cause"]) == ("stale", "plan_moved")
    assert "policy moved since" in ended["message"]
    assert month.wrote() == []
    month.run()
    assert (month.every_change()["1"]["revision"], month.statuses("1")) == (2, ["proposed"])


def test_who_mapped_what_feeds_a_line_does_not_approve_it(month: Desk) -> None:
    imported(month, more="approver_is_not_editor: true\n")
    said = month.say("approve", *month.names("1"), "--by", "dana")
    assert (said.code, "dana edited a mapping that feeds it" in said.out) == (3, True)
    assert month.say("approve", *month.names("1"), "--by", "erin").code == 0


@pytest.mark.parametrize("name", ["policy:small", "Policy:small"])
def test_nobody_speaks_in_a_rules_name(month: Desk, name: str) -> None:
    assert month.say("approve", *month.names("1"), "--by", name).code == 2
    assert month.say("users", "add", name, "--by", "erin").code == 2


def test_with_tokens_a_policy_is_imported_by_admins(month: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = {
        name: month.say("users", "add", name, "--by", "erin", "--json").json["token"] for name in ("erin", "dana")
    }
    month.say("config", "set", "review.single_person", "false")
    file = policy(month, HELD)
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["dana"])
    assert month.say("policies", "import", str(file)).code == 1
    monkeypatch.setenv("TRUEUP_TOKEN", tokens["erin"])
    assert month.say("policies", "import", str(file)).code == 0
    shown = month.say("policies", "show", "--json").json
    assert (shown["imported_by"], shown["asserted"], len(shown["versions"])) == ("erin", False, 1)
    assert "customer 3 by hand" in month.say("policies", "show").out
