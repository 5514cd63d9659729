"""``trueup mappings suggest``: what unmapped keys may mean, offered to a person, and confirmed by one import."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.desk import SEED, Desk, new_desk
from tests.journeys.reconciled import ReconciledMonth
from trueup.sandbox.psa.running import running_sandbox

SUITE, SERVER = SEED["services"][0], SEED["services"][2]
PSA: dict[str, Any] = SEED | {
    "accounts": [
        *SEED["accounts"],
        {"id": "252", "name": "Contoso Retail GmbH", "active": True},
        {"id": "253", "name": "Old Mill", "active": False},
    ]
}
COLUMNS = {
    "account_key": "Company ID",
    "account_name": "Company",
    "service_key": ["SKU", "Term"],
    "service_name": "Product",
    "quantity": "Seats",
    "charge_kind": "Charge",
}
HEAD = "Company ID,Company,SKU,Term,Product,Seats,Charge\n"
SEPTEMBER = HEAD + "c-1,Acme,M365-BP,P1Y,M365 Business Premium,10,seat\n"
OCTOBER = (
    HEAD
    + "c-1,Acme,M365-BP,P1Y,M365 Business Premium,12,seat\n"
    + "c-2,CONTOSO RETAIL,M365-E3,P1M,Office E3,4,seat\n"
    + "c-3,Old Mill,M365-BP,P1Y,M365 Business Premium,1,seat\n"
    + "c-4,Taxes,TAX,,Tax,1,vat\n"
)
DEVICES = "Account,Service,Quantity\nBETA inc.,Managed Server,3\ngamma,Managed Server,2\n"


@pytest.fixture(scope="module")
def two_sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReconciledMonth]:
    """Meridian, which nobody ever mapped, and generic, of which one account was mapped; two months of Meridian."""
    with running_sandbox(PSA) as psa:
        desk = new_desk(tmp_path_factory.mktemp("sources") / "workspace", psa)
        desk.profile(
            profile="meridian",
            source="Meridian",
            basis="subscription",
            arrives={"pattern": "meridian/{period}/*.csv", "period": "from_path"},
            file={"format": "csv"},
            header={"row": 1},
            columns=COLUMNS,
            aggregate={"method": "sum", "by": ["account", "service"]},
            charges={"recurring": ["seat"], "tax": ["vat"]},
        )
        assert desk.map(accounts=[{"source": "generic", "key": "gamma", "account": "250"}]).code == 0
        desk.drop("meridian/2026-09/seats.csv", SEPTEMBER)
        desk.drop("meridian/2026-10/seats.csv", OCTOBER)
        desk.drop("generic/2026-10/devices.csv", DEVICES)
        said = desk.say("run", "--period", "2026-10")
        assert "2026-10" in said.out, said.err
        yield ReconciledMonth(desk.root, psa, PSA)


@pytest.fixture
def desk(two_sources: ReconciledMonth, tmp_path: Path) -> Desk:
    """A desk of the test's own before the two sources."""
    return two_sources.desk(tmp_path)


def suggested(desk: Desk, *options: str) -> dict[tuple[str, str], dict[str, Any]]:
    said = desk.say("mappings", "suggest", *options, "--json")
    assert said.code == 0, said.err
    return {(item["kind"], item["key"]): item for item in said.json}


def test_every_key_without_a_decision_is_listed_with_the_months_it_was_seen_in(desk: Desk) -> None:
    items = suggested(desk)
    assert {(*name, item["source"], item["first_seen"], item["last_seen"]) for name, item in items.items()} == {
        ("account", "c-1", "Meridian", "2026-09", "2026-10"),
        ("account", "c-2", "Meridian", "2026-10", "2026-10"),
        ("account", "c-3", "Meridian", "2026-10", "2026-10"),
        ("account", "BETA inc.", "generic", "2026-10", "2026-10"),
        ("service", "M365-BP|P1Y", "Meridian", "2026-09", "2026-10"),
        ("service", "M365-E3|P1M", "Meridian", "2026-10", "2026-10"),
        ("service", "Managed Server", "generic", "2026-10", "2026-10"),
    }
    assert suggested(desk, "--period", "2026-09").keys() == {("account", "c-1"), ("service", "M365-BP|P1Y")}
    assert {item["source"] for item in suggested(desk, "--source", "generic").values()} == {"generic"}


def test_each_suggestion_has_its_score_and_its_reasons(desk: Desk) -> None:
    items = suggested(desk)
    assert items["account", "c-1"]["suggestions"] == [
        {"id": "250", "name": "Acme", "code": None, "score": 100, "exact": True, "reasons": ["the names are equal"]}
    ]
    (contoso,) = items["account", "c-2"]["suggestions"]
    assert (contoso["id"], contoso["score"], contoso["exact"]) == ("252", 100, False)
    assert contoso["reasons"] == ['the names are equal without letter case and the legal form "gmbh"']
    assert items["account", "c-3"]["suggestions"] == []  # its account is inactive
    suite = items["service", "M365-BP|P1Y"]["suggestions"][0]
    assert (suite["id"], suite["exact"]) == ("77", True)
    assert suite["reasons"] == ["the names are equal", 'the key holds its code "M365-BP"']
    assert items["service", "M365-E3|P1M"]["suggestions"][0]["reasons"] == ['the key holds its code "M365-E3"']


def test_the_table_for_people_tells_the_same(desk: Desk) -> None:
    out = desk.say("mappings", "suggest").out
    assert "2026-10: 7 keys are neither mapped, excluded nor skipped" in out
    assert "100 exact" in out
    assert "nothing is like it" in out


def test_the_file_is_confirmed_by_importing_it_and_ticks_only_what_is_configured_first(desk: Desk) -> None:
    file = desk.root / "suggested.yaml"
    exported = desk.say("mappings", "export").out
    said = desk.say("mappings", "suggest", "--out", str(file))
    assert "2 of 7 keys are ticked" in said.err
    assert desk.say("mappings", "export").out == exported, "writing the file decides nothing"
    assert desk.say("mappings", "import", str(file), "--by", "dana", "--json").json["added"] == 2
    exported = desk.say("mappings", "export").out
    assert '{source: "Meridian", key: "c-1", account: "250"}' in exported
    assert '{source: "Meridian", key: "M365-BP|P1Y", services: ["77"]}' in exported
    assert "Managed Server" not in exported, "generic was configured before"
    assert suggested(desk).keys() & {("account", "c-1"), ("service", "M365-BP|P1Y")} == set()
    again = desk.say("mappings", "suggest", "--out", str(file))
    assert "0 of 5 keys are ticked" in again.err


def test_what_people_decided_about_another_source_speaks_for_a_target(desk: Desk) -> None:
    assert desk.map(accounts=[{"source": "Webroot", "key": "Old Mill", "account": "251"}]).code == 0
    (mill,) = suggested(desk)["account", "c-3"]["suggestions"]
    assert (mill["id"], mill["reasons"]) == (
        "251",
        ['the key "Old Mill" of Webroot, of the same name, was mapped to it'],
    )


def test_an_excluded_key_waits_for_nobody(desk: Desk) -> None:
    assert desk.map(accounts=[{"source": "Meridian", "key": "c-3", "exclude": "left us"}]).code == 0
    assert ("account", "c-3") not in suggested(desk)


def test_a_file_that_cannot_be_written_is_told(desk: Desk) -> None:
    said = desk.say("mappings", "suggest", "--out", str(desk.root / "nowhere" / "suggested.yaml"))
    assert (said.code, "cannot be written" in said.err) == (1, True)


def test_without_a_psa_copy_keys_are_listed_and_nothing_is_suggested(tmp_path: Path) -> None:
    with running_sandbox(PSA) as psa:
        desk = new_desk(tmp_path / "workspace", psa)
        empty = desk.say("mappings", "suggest", "--json")
        assert (empty.code, empty.json, "no open month has usage" in empty.err) == (3, [], True)
        file = desk.root / "devices.csv"
        file.write_text(DEVICES)
        assert desk.say("intake", str(file), "--profile", "generic", "--period", "2026-10").code == 0
        said = desk.say("mappings", "suggest", "--json")
    assert (said.code, "the PSA has not been copied yet" in said.err) == (3, True)
    assert [(item["key"], item["suggestions"]) for item in said.json] == [
        ("BETA inc.", []),
        ("gamma", []),
        ("Managed Server", []),
    ]
