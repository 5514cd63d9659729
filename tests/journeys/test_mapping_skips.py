"""A decision that is put off leaves the key unmapped in every sum: it still holds falls, and it is asked for again."""

from datetime import datetime
from typing import Any

from tests.journeys.desk import Desk, Said

DROP = "generic/2026-10/usage.csv"
MOVED = "Account,Service,Quantity\nacme,M365 BP,7\nacme-new,M365 BP,5\nbeta,M365 BP,8\n"
"""Line 1 bills ten: seven are used under the mapped key, and five under one that nobody has mapped."""
ACME_NEW = {"source": "generic", "key": "acme-new"}
SKIP = ACME_NEW | {"skip": "waiting for the contract", "until": "2027-01-01"}


def decide(desk: Desk, *accounts: dict[str, Any]) -> Said:
    """Decide about account keys and reconcile October."""
    said = desk.map(accounts=list(accounts))
    assert said.code == 0, said.err
    desk.run()
    return said


def asked(desk: Desk) -> dict[str, Any]:
    """The finding about the account key."""
    finding = desk.findings()["unmapped_account"]
    assert finding["quantity"] == "5"
    return finding


def listed(desk: Desk) -> dict[str, Any]:
    """The account key among all keys."""
    keys = desk.say("mappings", "keys", "--period", "2026-10", "--json").json
    (found,) = [each for each in keys if each["key"] == "acme-new"]
    return dict(found)


def test_a_skipped_key_holds_the_fall_that_it_could_explain_until_it_is_decided(desk: Desk) -> None:
    desk.drop(DROP, MOVED)
    decide(desk, SKIP)
    assert desk.proposals() == {}
    held = desk.findings()["held"]
    assert ("the fall to 7 is held" in held["message"], "skipped" in held["remedy"]) == (True, True)
    assert asked(desk)["message"] == (
        "generic: the account 'acme-new' is skipped until 2027-01-01 (waiting for the contract); "
        "5 units reach no agreement line."
    )
    assert_it_is_told(desk)
    decide(desk, SKIP | {"until": "2026-11-01"})
    assert "is skipped until 2026-11-01" in asked(desk)["message"], "October ends before"
    decide(desk, SKIP | {"until": "2026-10-31"})
    assert "is not mapped" in asked(desk)["message"], "on the last day of October the skip has ended"
    assert "acme-new" in desk.say("mappings", "suggest", "--period", "2026-10").out
    assert desk.proposals() == {}, "what nobody decides about holds the fall as well"
    decide(desk, ACME_NEW | {"exclude": "our own licences"})
    assert (desk.proposals(), "unmapped_account" in desk.findings()) == ({"1": "7"}, False)


def assert_it_is_told(desk: Desk) -> None:
    """A skipped key is listed with who put it off and when, offered nowhere, explained, and exported as it is."""
    found = listed(desk)
    assert (found["decision"], found["targets"], found["reason"]) == ("skipped", [], "waiting for the contract")
    assert (found["until"], found["by"], datetime.fromisoformat(found["at"]).tzinfo is None) == (
        "2027-01-01",
        "dana",
        False,
    )
    assert "waiting for the contract (until 2027-01-01)" in desk.say("mappings", "keys", "--period", "2026-10").out
    offered = desk.say("mappings", "suggest", "--period", "2026-10").out
    assert ("acme-new" in offered, "; 1 more is skipped" in offered) == (False, True)
    keys = ["--source", "generic", "--account-key", "acme-new", "--service-key", "M365 BP"]
    assert desk.say("explain", "--period", "2026-10", *keys, "--json").json["reasons"] == [
        "The account 'acme-new' is skipped until 2027-01-01: waiting for the contract. What is used under it reaches "
        "no line.",
        "The service 'M365 BP' leads to 77.",
        "5 units of it are used.",
    ]
    exported = desk.say("mappings", "export").out
    line = '{source: "generic", key: "acme-new", skip: "waiting for the contract", until: 2027-01-01}'
    assert line in exported
    (desk.root / "exported.yaml").write_text(exported)
    again = desk.say("mappings", "import", str(desk.root / "exported.yaml"), "--by", "dana", "--json").json
    assert (again["added"], again["ended"], again["superseded"]) == (0, 0, 0)


def test_a_key_that_was_skipped_can_be_mapped_and_skipped_again(desk: Desk) -> None:
    desk.drop(DROP, MOVED)
    desk.map(accounts=[SKIP])
    mapped = decide(desk, ACME_NEW | {"account": "250"})
    assert (mapped.json["added"], mapped.json["superseded"]) == (1, 1)
    assert desk.proposals() == {"1": "12"}
    desk.approve("1")
    file = desk.root / "skip.yaml"
    file.write_text(f"accounts: [{SKIP}]")
    told = desk.say("mappings", "diff", str(file), "--period", "2026-10", "--json").json
    assert {each["line_id"]: each["effect"] for each in told["changes"]} == {"1": "disappears"}
    assert {each["kind"] for each in told["findings"]["appear"]} == {"held", "unmapped_account"}
    assert desk.map(accounts=[SKIP]).json["superseded"] == 1
    desk.apply()
    assert (desk.wrote(), desk.statuses("1")) == ([], ["stale"]), "the approval was given with the key mapped"
    desk.run()
    assert desk.proposals() == {}
    assert "the fall to 7 is held" in desk.findings()["held"]["message"]


def test_a_line_whose_only_key_is_skipped_is_never_taken_to_zero(desk: Desk) -> None:
    desk.drop(DROP, MOVED.replace("acme-new,M365 BP,5\n", ""))
    decide(desk, {"source": "generic", "key": "beta", "skip": "they are leaving"})
    assert desk.proposals() == {}, "Acme's fall is held too: the skipped key could be Acme's"
    assert "the account 'beta' is skipped (they are leaving); 8 units" in desk.findings()["unmapped_account"]["message"]
    assert desk.map(services=[{"source": "generic", "key": "M365 BP", "skip": "renamed?"}]).code == 0
    desk.run()
    assert desk.proposals() == {}
    assert "the service 'M365 BP' is skipped (renamed?); 15 units" in desk.findings()["unmapped_service"]["message"]


def test_a_skip_elsewhere_leaves_what_was_approved_as_it_is(desk: Desk) -> None:
    desk.drop(DROP, MOVED.replace("acme,M365 BP,7", "acme,M365 BP,11"))
    desk.run()
    desk.approve("1")
    assert desk.map(accounts=[SKIP]).json["added"] == 1
    desk.apply()
    assert (desk.wrote(), desk.statuses("1")) == ([("1", "10", "11")], ["written"])
