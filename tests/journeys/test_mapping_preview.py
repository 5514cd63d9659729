"""``trueup mappings diff``: what an edit of the mappings would do, told before anybody decides on it."""

from typing import Any

import pytest
import yaml

from tests.journeys.desk import USAGE, WIDE_MAPPINGS, Desk, Said

DROP = "generic/2026-10/usage.csv"
ONE_FOR_TWO = {"accounts": [{"source": "generic", "key": "c2", "account": "201"}]}
"""What customer 2 uses is billed to customer 1."""


def diff(desk: Desk, document: dict[str, Any], *options: str) -> Said:
    file = desk.root / "edited.yaml"
    file.write_text(yaml.safe_dump(document))
    return desk.say("mappings", "diff", str(file), *options)


def numbers(change: dict[str, Any]) -> tuple[str, ...]:
    return tuple(change[name] for name in ("kind", "quantity_before", "quantity_after", "amount_delta"))


def proposed(desk: Desk) -> dict[str, tuple[str, ...]]:
    return {change["id"]: numbers(change) for change in desk.changes()}


def found(desk: Desk) -> set[str]:
    return {finding["id"] for finding in desk.say("findings", "--period", "2026-10", "--json").json}


def ids(items: list[dict[str, Any]]) -> set[str]:
    return {item["id"] for item in items}


@pytest.mark.parametrize(
    ("section", "entry", "effects"),
    [
        pytest.param("accounts", {"key": "gamma", "account": "251"}, {"2": "appears"}, id="a new account"),
        pytest.param("services", {"key": "M365 BP", "exclude": "ours"}, {"1": "disappears"}, id="an exclusion"),
    ],
)
def test_what_the_diff_tells_is_what_importing_the_file_does(
    desk: Desk, section: str, entry: dict[str, str], effects: dict[str, str]
) -> None:
    desk.drop(DROP, USAGE + "gamma,M365 BP,3\n")
    desk.run()
    before, found_before = proposed(desk), found(desk)
    edit = {section: [{"source": "generic", **entry}]}
    told = diff(desk, edit, "--period", "2026-10", "--json").json
    assert desk.map(**edit).code == 0
    desk.run()
    after, found_after = proposed(desk), found(desk)
    assert {change["line_id"]: change["effect"] for change in told["changes"]} == effects
    assert ids(told["changes"]) == {id_ for id_ in before | after if before.get(id_) != after.get(id_)}
    for change in told["changes"]:
        assert (change["before"] and numbers(change["before"])) == before.get(change["id"])
        assert (change["after"] and numbers(change["after"])) == after.get(change["id"])
    assert ids(told["findings"]["appear"]) == found_after - found_before
    assert ids(told["findings"]["disappear"]) == found_before - found_after


def test_a_change_that_gets_other_numbers_is_told_with_both(month: Desk) -> None:
    told = diff(month, ONE_FOR_TWO, "--json").json
    assert told["period"] == "2026-10"
    assert told["entries"]["add"] == [{"section": "accounts", "source": "generic", "key": "c2", "account": "201"}]
    (superseded,) = told["entries"]["supersede"]
    assert (superseded["key"], superseded["account"]) == ("c2", "202")
    one, two = sorted(told["changes"], key=lambda change: str(change["line_id"]))
    assert (one["line_id"], one["account"]["id"], one["service"]["id"]) == ("1", "201", "77")
    assert (one["effect"], numbers(one["before"])) == ("alters", ("increase", "10", "11", "22.00"))
    assert numbers(one["after"]) == ("increase", "10", "23", "286.00")
    assert (two["line_id"], two["effect"], two["after"]) == ("2", "disappears", None)
    assert told["money"] == {"USD": "220.00"}


def test_looking_at_a_file_stores_nothing(month: Desk) -> None:
    def stands() -> tuple[object, ...]:
        lake = sorted(str(file) for file in (month.root / "lake").rglob("*"))
        return month.every_change(), found(month), month.events(), month.say("mappings", "export").out, lake

    before = stands()
    said = diff(month, ONE_FOR_TWO)
    assert stands() == before
    assert list((month.root / "scratch").glob("2026-10*")) == []
    assert 'add       accounts  {source: "generic", key: "c2", account: "201"}' in said.out
    assert "2026-10: 2 changes would differ" in said.out
    assert "increase 10 → 23, +286.00 USD" in said.out
    assert "Proposed money a month would move by +220.00 USD." in said.out


def test_a_file_that_was_imported_already_would_change_nothing(month: Desk) -> None:
    assert diff(month, WIDE_MAPPINGS, "--replace", "--json").json == {
        "period": "2026-10",
        "entries": {"add": [], "end": [], "supersede": [], "unchanged": 12},
        "changes": [],
        "findings": {"appear": [], "disappear": [], "alter": []},
        "money": {},
    }


def test_with_replace_entries_that_the_file_does_not_name_would_end(month: Desk) -> None:
    told = diff(month, WIDE_MAPPINGS | {"accounts": WIDE_MAPPINGS["accounts"][1:]}, "--replace", "--json").json
    (ended,) = told["entries"]["end"]
    assert (ended["section"], ended["key"], "until" in ended) == ("accounts", "c1", True)


def test_in_a_closed_month_a_mapping_changes_nothing(month: Desk) -> None:
    assert month.say("period", "close", "2026-10", "--by", "dana").code == 0
    said = diff(month, ONE_FOR_TWO, "--period", "2026-10", "--json")
    assert (said.json["changes"], "2026-10 is closed" in said.err) == ([], True)
    assert len(said.json["entries"]["add"]) == 1
    without_month = diff(month, ONE_FOR_TWO)
    assert (without_month.code, "no open month has usage" in without_month.err) == (0, True)


def test_without_a_psa_copy_no_change_can_be_told(desk: Desk) -> None:
    desk.drop(DROP, USAGE)
    desk.psa.set_faults({"rules": [{"match": "GET .*", "every": 1, "do": "500"}]})
    desk.run()
    said = diff(desk, {"accounts": [{"source": "generic", "key": "acme", "exclude": "left us"}]}, "--json")
    assert (said.code, said.json["changes"]) == (3, [])
    assert "no change of 2026-10 can be told; trueup run --period 2026-10 copies the PSA" in said.err
    assert "the ids could not be checked" in said.err


def test_what_importing_would_refuse_is_refused(month: Desk) -> None:
    assert diff(month, {"accounts": [{"source": "generic", "key": "gamma", "account": "999"}]}).code == 4
    assert month.say("mappings", "diff", str(month.root / "nowhere.yaml")).code == 4
    assert diff(month, ONE_FOR_TWO, "--period", "2026-13").code == 2
