"""A failed or empty read is never zero usage; bad input is told in words, never as a traceback."""

from pathlib import Path

import pytest

from tests.journeys.desk import USAGE, Desk

DROP = "generic/2026-10/usage.csv"
HEADER = "Account,Service,Quantity\n"


def could_not_reconcile(desk: Desk, words: str, kind: str = "incomplete_source") -> None:
    """The month has no verdict, the finding says what to do, and nothing is proposed."""
    said = desk.say("run", "--period", "2026-10", "--json")
    assert said.code == 3
    assert said.json["verdict"] == "could_not_reconcile"
    finding = desk.findings()[kind]
    assert words in finding["message"]
    assert finding["remedy"]
    assert desk.changes() == []


@pytest.mark.parametrize("text", ["", HEADER, "\n\n"], ids=["no byte", "header only", "blank lines"])
def test_an_empty_file_is_never_zero_usage(desk: Desk, text: str) -> None:
    desk.drop(DROP, text)
    could_not_reconcile(desk, "usage.csv is ")


def test_a_renamed_column_stops_the_file(desk: Desk) -> None:
    desk.drop(DROP, USAGE.replace("Quantity", "Qty"))
    could_not_reconcile(desk, "Quantity")
    assert desk.findings()["incomplete_source"]["source"] == "generic"


def test_an_expected_source_that_did_not_arrive_is_waited_for(desk: Desk) -> None:
    could_not_reconcile(desk, "no file of generic has arrived")


def test_nothing_expected_is_its_own_verdict(desk: Desk) -> None:
    (desk.root / "empty.yaml").write_text("{}\n")
    desk.say("mappings", "import", str(desk.root / "empty.yaml"), "--by", "dana", "--replace")
    said = desk.say("run", "--period", "2027-01", "--json")
    assert (said.code, said.json["verdict"]) == (0, "nothing_to_reconcile")


def test_a_psa_that_fails_while_being_copied_withdraws_everything_and_returns(october: Desk) -> None:
    october.psa.set_faults({"rules": [{"match": "GET .*additions.*", "every": 1, "do": "500"}]})
    could_not_reconcile(october, "could not be copied whole", kind="psa_unavailable")
    october.psa.set_faults({})
    assert october.run()["verdict"] == "reconciled"
    assert october.proposals() == {"1": "12"}


def test_a_file_cut_off_against_the_month_before_may_not_speak(desk: Desk) -> None:
    rows = "".join(f"acme,M365 BP,{number}\n" for number in range(1, 41))
    desk.drop("generic/2026-09/usage.csv", HEADER + rows)
    desk.drop(DROP, USAGE)
    could_not_reconcile(desk, "40")


def test_counts_times_a_thousand_may_not_speak_under_a_profile_that_bounds_the_move(desk: Desk) -> None:
    desk.profile(
        profile="bounded",
        source="generic",
        basis="subscription",
        arrives={
            "pattern": "bounded/{period}/*.csv",
            "period": "from_path",
            "complete": {"max_quantity_move": "100%"},
        },
        columns={"account_key": "Account", "service_key": "Service", "quantity": "Quantity"},
        aggregate={"method": "sum"},
    )
    desk.drop("bounded/2026-09/usage.csv", HEADER + "acme,M365 BP,12\nbeta,M365 BP,8\n")
    desk.drop("bounded/2026-10/usage.csv", HEADER + "acme,M365 BP,12000\nbeta,M365 BP,8000\n")
    could_not_reconcile(desk, "the quantities add up to 20000, those of the month before to 20")
    assert desk.proposals() == {}
    desk.drop("bounded/2026-10/usage.csv", HEADER + "acme,M365 BP,14\nbeta,M365 BP,8\n")
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals()["1"] == "14"


@pytest.mark.parametrize(
    ("rows", "finding"),
    [
        pytest.param("acme GmbH,M365 BP,10\nbeta,M365 BP,10\n", "unmapped_account", id="an account's key"),
        pytest.param("acme,CFQ7-BP,10\nbeta,CFQ7-BP,10\n", "unmapped_service", id="a service's key"),
    ],
)
def test_a_key_that_drifted_since_the_month_before_lowers_no_line(desk: Desk, rows: str, finding: str) -> None:
    desk.drop("generic/2026-09/usage.csv", HEADER + "acme,M365 BP,10\nbeta,M365 BP,10\n")
    desk.run("2026-09")
    desk.drop(DROP, HEADER + rows)
    desk.run()
    assert not {change["kind"] for change in desk.changes()} & {"decrease", "vanished", "unbilled"}
    assert {finding, "held"} <= set(desk.findings())


def test_a_source_that_may_not_speak_silences_only_its_own_lines(desk: Desk) -> None:
    desk.profile(
        profile="rmm",
        source="RMM",
        basis="devices",
        arrives={"pattern": "rmm/{period}/*.csv", "period": "from_path"},
        columns={"account_key": "Client", "service_key": "Kind", "quantity": "Count"},
        aggregate={"method": "sum"},
    )
    desk.map(
        accounts=[{"source": "RMM", "key": "acme", "account": "250"}],
        services=[{"source": "RMM", "key": "Server", "services": ["79"]}],
    )
    desk.drop("rmm/2026-10/devices.csv", "Client,Kind,Count\nacme,Server,4\n")
    desk.drop(DROP, HEADER)
    said = desk.say("run", "--period", "2026-10", "--json")
    assert said.code == 3
    assert [(change["kind"], change["service"]["id"]) for change in desk.changes()] == [("unbilled", "79")]


def test_a_refused_file_is_mended_by_dropping_the_good_one_again(october: Desk) -> None:
    october.drop(DROP, USAGE.replace("Quantity", "Qty"))
    could_not_reconcile(october, "Quantity")
    october.drop(DROP, USAGE)
    assert october.run()["verdict"] == "reconciled"
    assert october.proposals() == {"1": "12"}


def test_a_file_that_fits_no_profile_is_quarantined_with_its_reason(desk: Desk) -> None:
    desk.drop("somewhere/usage.csv", USAGE)
    desk.run()
    (arrival,) = desk.say("inbox", "list", "--json").json
    assert (arrival["status"], arrival["path"]) == ("quarantined", "somewhere/usage.csv")
    assert "profile" in arrival["reason"]
    assert "somewhere/usage.csv was not taken in" in desk.findings()["quarantined_file"]["message"]
    assert desk.say("inbox", "release", arrival["id"]).code == 0
    assert desk.say("inbox", "list", "--json").json[0]["status"] == "waiting"


def test_a_retired_file_is_no_longer_waited_for(desk: Desk) -> None:
    desk.drop("generic/2026-09/usage.csv", USAGE)
    desk.run("2026-09")
    desk.map(services=[{"source": "generic", "key": key, "exclude": "gone"} for key in ("M365 BP", "M365 E3")])
    retired = desk.say(
        "inbox", "retire", "--source", "generic", "--profile", "generic", "--period", "2026-09", "--by", "dana"
    )
    assert retired.code == 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "--period", "October"], 2, "write YYYY-MM"),
        (["run", "--period", "2014-12"], 1, "out of range"),
        (["changes", "list", "--period", "2026-13"], 2, "write YYYY-MM"),
        (["explain", "nothing"], 2, "there is no change"),
        (["rows", "list", "--file", "nothing"], 2, "trueup inbox list shows the ids"),
        (["inbox", "release", "nothing"], 2, "no file nothing has arrived"),
        (["config", "get", "psa.url"], 1, "is no setting"),
        (["config", "set", "billing.day", "99"], 1, "from 1 to 28"),
        (["profiles", "show", "nothing"], 4, "nothing"),
        (["intake", "missing.csv", "--profile", "generic", "--period", "2026-10"], 4, "missing.csv"),
        (["mappings", "import", "missing.yaml", "--by", "dana"], 4, "missing.yaml"),
        (["profiles", "check", "missing.csv", "--profile", "generic"], 4, "missing.csv"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["people", "machines"])
def test_bad_input_is_told_in_words(desk: Desk, arguments: list[str], code: int, words: str, as_json: bool) -> None:
    said = desk.say(*arguments, *(["--json"] if as_json and arguments[0] != "x" else []))
    assert said.code == code
    assert words in said.err
    assert "Traceback" not in said.err + said.out
    if as_json:
        assert words in said.json["error"]


def test_a_wrong_mapping_file_names_every_problem(desk: Desk) -> None:
    said = desk.map(
        accounts=[{"source": "Pax8", "key": "a", "acount": "250"}, {"source": "Pax8", "account": "250"}],
        services=[{"source": "Pax8", "key": "s", "services": ["81", "82"]}],
    )
    assert said.code == 4
    for words in ("acount", "key", "rule"):
        assert words in said.json["error"]


def test_a_mapping_to_an_unknown_id_is_refused_once_the_psa_is_known(october: Desk) -> None:
    said = october.map(accounts=[{"source": "generic", "key": "gamma", "account": "999"}])
    assert said.code == 4
    assert "999" in said.json["error"]


def test_a_workspace_that_does_not_exist_says_how_to_make_one(tmp_path: Path, desk: Desk) -> None:
    said = Desk(tmp_path / "nowhere", desk.psa).say("run", "--period", "2026-10", "--json")
    assert said.code == 1
    assert "run `trueup init" in said.json["error"]
