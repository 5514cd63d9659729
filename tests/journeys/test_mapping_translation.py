"""Mappings of one PSA taken along to another one: exported with names, found again, read, imported, billed from."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.desk import MAPPINGS, SEED, Desk, new_desk
from trueup.sandbox.psa.running import running_sandbox

OLD: dict[str, Any] = SEED | {
    "accounts": [*SEED["accounts"], {"id": "252", "name": "Gamma", "active": True}],
}
"""A ConnectWise with three customers."""

DECIDED: dict[str, Any] = {
    "accounts": [*MAPPINGS["accounts"], {"source": "generic", "key": "gamma", "account": "252"}],
    "services": [*MAPPINGS["services"], {"source": "generic", "key": "M365 Trial", "exclude": "trial"}],
    "units": [{"service": "77", "minimum": "5"}, {"line": "1", "included": "1"}],
}

DROP = "generic/2026-10/usage.csv"
USAGE = "Account,Service,Quantity\nacme,M365 BP,12\nbeta,M365 BP,3\n"


def _renumbered(record: dict[str, Any]) -> dict[str, Any]:
    """The same record under other ids, as another PSA has it."""
    ids = ("id", "account", "agreement", "service")
    return record | {name: str(5000 + int(record[name])) for name in ids if name in record}


def _moved(kind: str) -> dict[str, Any]:
    """Another PSA that knows Acme and Beta, spelled a little differently, and no Gamma."""
    things = {thing: list(map(_renumbered, SEED[thing])) for thing in ("accounts", "services", "agreements", "lines")}
    things["accounts"][1]["name"] = "BETA, Inc."
    return SEED | things | {"psa": kind}


@pytest.fixture(scope="module", params=["autotask", "halopsa"])
def desks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Desk]]:
    """A ConnectWise workspace with decisions, and a fresh one of another PSA; both copied their PSA."""
    folder = tmp_path_factory.mktemp("desks")
    with ExitStack() as stack:
        old = new_desk(folder / "old", stack.enter_context(running_sandbox(OLD)))
        new = new_desk(folder / "new", stack.enter_context(running_sandbox(_moved(request.param))), request.param)
        assert old.say("mappings", "export", "--names").code == 3
        for desk in (old, new):
            desk.drop(DROP, USAGE)
            desk.run()
        assert old.map(**DECIDED).code == 0
        yield old, new


def test_decisions_are_found_again_in_another_psa_by_name_and_bill_there(
    desks: tuple[Desk, Desk], tmp_path: Path
) -> None:
    old, new = desks
    exported, translated = tmp_path / "old.yaml", tmp_path / "new.yaml"
    exported.write_text(old.say("mappings", "export", "--names").out)
    assert '  - {source: "generic", key: "acme", account: "250"}  # Acme\n' in exported.read_text()
    assert '  - {service: "77", code: "M365-BP", name: "M365 Business Premium"}\n' in exported.read_text()
    assert old.say("mappings", "import", str(exported), "--by", "dana", "--json").json["unchanged"] == 8

    said = new.say("mappings", "translate", str(exported), "--out", str(translated), "--json")
    assert said.code == 0, said.err
    assert (said.json["carried"], said.json["reasons"]) == (6, {"line_id": 1, "no_match": 1})
    assert [(each["section"], each["why"]) for each in said.json["entries_left"]] == [
        ("accounts", "no_match"),
        ("units", "line_id"),
    ]
    assert new.say("mappings", "export", "--json").json["mappings"] == "accounts: []\n\nservices: []\n\nunits: []\n"
    text = translated.read_text()
    assert '  - {source: "generic", key: "beta", account: "5251"}  # BETA, Inc., was 251: same name without' in text
    assert '  # generic "gamma": account 252 Gamma: no account of this PSA has its name\n' in text

    assert new.say("mappings", "diff", str(translated), "--json").json["entries"]["add"]
    assert new.say("mappings", "import", str(translated), "--by", "dana").code == 0
    assert new.run()["verdict"] == "reconciled"
    assert new.proposals() == {"5001": "12", "5002": "5"}


def test_a_file_without_names_is_refused_and_none_is_overwritten(desks: tuple[Desk, Desk], tmp_path: Path) -> None:
    old, new = desks
    file = tmp_path / "mappings.yaml"
    file.write_text(old.say("mappings", "export").out)
    plain = new.say("mappings", "translate", str(file), "--out", str(tmp_path / "new.yaml"))
    assert (plain.code, "write it with trueup mappings export --names" in plain.err) == (4, True)
    file.write_text(old.say("mappings", "export", "--names").out)
    onto_itself = new.say("mappings", "translate", str(file), "--out", str(file))
    assert (onto_itself.code, "is the file that is read" in onto_itself.err) == (2, True)
    counted = new.say("mappings", "translate", str(file), "--out", str(tmp_path / "new.yaml"))
    assert counted.out == "6 carried over, 2 left to a person (1 line_id, 1 no_match)\n"
