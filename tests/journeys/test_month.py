"""A month end to end: files in, proposals out, nothing invented on the way."""

from tests.journeys.desk import USAGE, Desk

DROP = "generic/2026-10/usage.csv"


def test_a_dropped_file_becomes_a_proposal_with_its_evidence(desk: Desk) -> None:
    desk.drop(DROP, USAGE)
    summary = desk.run()
    assert summary["verdict"] == "reconciled"
    assert summary["changes"] == {
        "standing": 1,
        "new": 1,
        "by_kind": {"increase": 1, "decrease": 0, "unbilled": 0, "vanished": 0},
    }
    (source,) = summary["sources"]
    assert (source["source"], source["verdict"], source["revision"], source["quantity"]) == (
        "generic",
        "complete",
        1,
        "20",
    )
    assert source["rows"] == {
        "in": 3,
        "preamble": 0,
        "header": 1,
        "blank": 0,
        "ignored": 0,
        "totals": 0,
        "rejected": 0,
        "valid": 2,
    }
    (change,) = desk.changes()
    assert (change["kind"], change["line_id"], change["quantity_before"], change["quantity_after"]) == (
        "increase",
        "1",
        "10",
        "12",
    )
    assert (change["amount_delta"], change["currency"], change["delta"]) == ("44.00", "USD", "2")
    assert (change["unit_price"], change["unit_cost"]) == ("22.00", "18.00")
    assert (change["cost_delta"], change["margin_delta"]) == ("36.00", "8.00")
    assert change["account"] == {"id": "250", "name": "Acme"}
    assert [(item["file"], item["row"]) for item in change["evidence"]] == [("usage.csv", 2)]


def test_running_twice_proposes_nothing_new(october: Desk) -> None:
    again = october.run()
    assert (again["changes"]["standing"], again["changes"]["new"]) == (1, 0)
    assert [change["revision"] for change in october.changes()] == [1]


def test_the_same_content_under_another_name_counts_once(october: Desk) -> None:
    october.drop("generic/2026-10/usage (1).csv", USAGE)
    again = october.run()
    assert again["changes"]["new"] == 0
    assert [(s["file"], s["verdict"]) for s in again["sources"]] == [
        ("usage.csv", "complete"),
        ("usage (1).csv", "duplicate"),
    ]
    assert october.proposals() == {"1": "12"}
    assert "counts once" in october.findings()["duplicate_file"]["message"]


def test_a_corrected_file_replaces_the_one_before(october: Desk) -> None:
    october.drop(DROP, USAGE.replace("12", "14"))
    assert october.run()["sources"][0]["revision"] == 2
    (change,) = october.changes()
    assert (change["quantity_after"], change["revision"]) == ("14", 2)


def test_an_older_content_put_back_is_a_new_revision(october: Desk) -> None:
    october.drop(DROP, USAGE.replace("12", "14"))
    october.run()
    october.drop(DROP, USAGE)
    assert october.run()["sources"][0]["revision"] == 3
    assert october.proposals() == {"1": "12"}


def test_increase_decrease_unbilled_and_vanished_all_appear(desk: Desk) -> None:
    desk.drop(DROP, "Account,Service,Quantity\nacme,M365 BP,7\nacme,M365 E3,3\n")
    desk.run()
    kinds = {change["kind"]: change for change in desk.changes()}
    assert set(kinds) == {"decrease", "unbilled", "vanished"}
    assert (kinds["unbilled"]["line_id"], kinds["unbilled"]["quantity_before"]) == (None, None)
    assert (kinds["unbilled"]["quantity_after"], kinds["unbilled"]["service"]["id"]) == ("3", "78")
    assert (kinds["vanished"]["line_id"], kinds["vanished"]["needs"]) == ("2", ["confirm_zero"])


def test_an_unmapped_key_is_listed_and_holds_the_line_it_could_be(desk: Desk) -> None:
    desk.drop(DROP, "Account,Service,Quantity\nacme,M365 BP,12\nBeta Ltd,M365 BP,8\n")
    desk.run()
    assert desk.proposals() == {"1": "12"}
    findings = desk.findings()
    assert findings["unmapped_account"]["quantity"] == "8"
    assert "line 2 at 8" in findings["held"]["message"]


def test_a_mapping_recomputes_what_it_touches(desk: Desk) -> None:
    desk.drop(DROP, "Account,Service,Quantity\nacme,M365 BP,12\nBeta Ltd,M365 BP,9\n")
    desk.run()
    desk.map(accounts=[{"source": "generic", "key": "Beta Ltd", "account": "251"}])
    desk.run()
    assert desk.proposals() == {"1": "12", "2": "9"}
    assert "unmapped_account" not in desk.findings()


def test_a_rejected_row_holds_decreases_until_a_person_fixes_it(desk: Desk) -> None:
    desk.drop(DROP, "Account,Service,Quantity\nacme,M365 BP,12\nbeta,M365 BP,1.2.3\n")
    summary = desk.run()
    assert desk.proposals() == {"1": "12"}
    assert {"held", "rejected_row"} <= set(desk.findings())
    file_id = summary["sources"][0]["file_id"]
    (rejected,) = desk.say("rows", "list", "--file", file_id, "--json").json
    assert (rejected["row"], rejected["column"], rejected["value"]) == (3, "Quantity", "1.2.3")
    fixed = desk.say(
        "rows", "fix", "--file", file_id, "--row", "3", "--column", "Quantity", "--value", "5", "--by", "dana"
    )
    assert fixed.code == 0
    assert desk.run()["sources"][0]["rows"]["rejected"] == 0
    assert desk.proposals() == {"1": "12", "2": "5"}


def test_an_ignored_row_no_longer_holds(desk: Desk) -> None:
    desk.drop(DROP, "Account,Service,Quantity\nacme,M365 BP,12\nbeta,M365 BP,1.2.3\n")
    file_id = desk.run()["sources"][0]["file_id"]
    desk.say("rows", "ignore", "--file", file_id, "--all", "--reason", "test account", "--by", "dana")
    rows = desk.run()["sources"][0]["rows"]
    assert (rows["ignored"], rows["rejected"]) == (1, 0)
    assert desk.proposals() == {"1": "12", "2": "0"}


def test_explain_leads_from_a_change_to_its_rows(october: Desk) -> None:
    (change,) = october.changes()
    explained = october.say("explain", change["id"], "--json").json
    assert [(row["file"], row["row"], row["quantity"]) for row in explained["rows"]] == [("usage.csv", 2, "12")]
    assert explained["rule"] == "more is used than the line bills: line 1 at 10, should be 12"
    assert [reading["profile"].split("@")[0] for reading in explained["readings"]] == ["generic"]
    assert {entry["key"] for entry in explained["mappings"]} == {"acme", "M365 BP"}
    assert "usage.csv row 2" in october.say("explain", change["id"]).out


def test_a_renamed_psa_service_changes_nothing(desk: Desk) -> None:
    desk.psa.merge({"services": [{"id": "77", "name": "Business Premium (2026)"}]})
    desk.drop(DROP, USAGE)
    desk.run()
    assert desk.proposals() == {"1": "12"}
    assert desk.changes()[0]["service"]["name"] == "Business Premium (2026)"


def test_a_line_that_a_person_mends_in_the_psa_withdraws_its_proposal(october: Desk) -> None:
    october.psa.merge({"lines": [{"id": "1", "quantity": "12"}]})
    assert october.run()["changes"]["standing"] == 0
    assert october.proposals() == {}


def test_a_file_taken_in_by_hand_is_reconciled_too(desk: Desk) -> None:
    file = desk.root / "export.csv"
    file.write_text(USAGE)
    taken = desk.say("intake", str(file), "--profile", "generic", "--period", "2026-10", "--json")
    assert (taken.code, taken.json["verdict"]) == (0, "complete")
    again = desk.say("intake", str(file), "--profile", "generic", "--period", "2026-10", "--json")
    assert (again.code, again.json["verdict"]) == (0, "duplicate")
    desk.run()
    assert desk.proposals() == {"1": "12"}


def test_what_is_listed_can_be_filtered(desk: Desk) -> None:
    desk.drop(DROP, USAGE.replace("beta,M365 BP,8", "beta,M365 BP,9"))
    desk.run()
    assert len(desk.changes("2026-10", "--account", "251")) == 1
    assert len(desk.changes("2026-10", "--source", "generic")) == 2
    assert desk.changes("2026-10", "--source", "Pax8") == []


def test_an_older_month_never_proposes_back_what_a_newer_month_settled(october: Desk) -> None:
    october.drop("generic/2026-11/usage.csv", USAGE.replace("12", "15"))
    october.psa.merge({"lines": [{"id": "1", "quantity": "15"}]})
    october.run("2026-11")
    assert october.proposals() == october.proposals("2026-11") == {}
    assert october.run("2026-10")["changes"]["standing"] == 0
    assert "a newer month already speaks" in october.findings()["held"]["message"]


def test_a_file_with_a_profile_of_its_own_can_be_corrected_later(desk: Desk) -> None:
    file, profile = desk.root / "export.csv", desk.root / "own.yaml"
    file.write_text(USAGE.replace("12", "1.2.3"))
    profile.write_text(desk.say("profiles", "show", "generic").out.replace("profile: generic", "profile: own"))
    arguments = ("intake", str(file), "--profile", str(profile), "--period", "2026-10", "--json")
    file_id = desk.say(*arguments).json["file_id"]
    fixed = desk.say(
        "rows", "fix", "--file", file_id, "--row", "2", "--column", "Quantity", "--value", "12", "--by", "dana"
    )
    assert fixed.code == 0
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals() == {"1": "12"}


def test_a_run_says_what_changed_since_the_one_before(desk: Desk) -> None:
    desk.drop(DROP, USAGE + "acme,M365 E3,4\n")
    first = desk.run()["since_last_run"]
    ids = {change["line_id"] or "new": change["id"] for change in desk.changes()}
    assert (set(first["appeared"]), first["altered"], first["withdrawn"]) == ({ids["1"], ids["new"]}, [], [])
    desk.drop(DROP, USAGE.replace("12", "14").replace("beta,M365 BP,8", "beta,M365 BP,9"))
    second = desk.run()["since_last_run"]
    ids |= {change["line_id"]: change["id"] for change in desk.changes()}
    assert second == {"appeared": [ids["2"]], "altered": [ids["1"]], "withdrawn": [ids["new"]]}
    assert desk.run()["since_last_run"] == {"appeared": [], "altered": [], "withdrawn": []}


def test_a_renamed_record_of_the_psa_changes_nothing_and_is_told(desk: Desk) -> None:
    desk.drop("generic/2026-09/usage.csv", USAGE)
    desk.run("2026-09")
    desk.psa.merge({"accounts": [{"id": "250", "name": "Acme Holding"}], "services": [{"id": "79", "name": "Server"}]})
    desk.drop(DROP, USAGE)
    desk.run()
    assert desk.proposals() == {"1": "12"}
    renamed = desk.findings()["renamed_target"]["message"]
    assert "The account 250 is named 'Acme Holding' in the PSA; a month ago it was 'Acme'" in renamed
    desk.run()
    assert "renamed_target" in desk.findings()
