"""Why something is not there, asked at the command line."""

from typing import Any

from tests.journeys.desk import MAPPINGS, SEED, USAGE, Desk

DROP = "generic/2026-10/usage.csv"


def about(desk: Desk, *asked: str) -> str:
    said = desk.say("explain", "--period", "2026-10", *asked, "--json")
    assert said.code == 0, said.err
    return " ".join(said.json["reasons"])


def key(account: str, service: str = "M365 BP") -> tuple[str, ...]:
    return ("--source", "generic", "--account-key", account, "--service-key", service)


def line(number: str, **given: Any) -> dict[str, Any]:
    seeded: dict[str, Any] = SEED["lines"][0]
    return seeded | {"id": number} | given


def test_every_reason_for_silence_is_told(desk: Desk) -> None:
    assert "was never reconciled" in desk.say("explain", "--period", "2026-10", "--line", "2").err
    exclude = {"source": "generic", "key": "own", "exclude": "our own licences", "until": "2027-01-01"}
    desk.map(accounts=[*MAPPINGS["accounts"], exclude], services=MAPPINGS["services"])
    desk.psa.merge(
        {
            "accounts": [{"id": "252", "name": "Gamma", "active": True}],
            "agreements": [SEED["agreements"][0] | {"id": "9003", "account": "252"}],
            "lines": [
                line("3", service="79"),
                line("4", agreement="9003"),
                line("5", service="78", start="2030-01-01"),
            ],
        }
    )
    desk.drop(DROP, USAGE + "gamma,M365 BP,3\nown,M365 BP,4\nacme,Unknown,6\n")
    desk.run()
    assert about(desk, "--line", "1").endswith(
        "a difference of kind increase: see trueup changes list, or the finding of it."
    )
    assert about(desk, "--line", "2") == (
        "Beta, M365 Business Premium: 8 units are used. Line 2 bills 8, 8 are due. They agree, so nothing is proposed."
    )
    assert "No mapping of any source leads to the service 79" in about(desk, "--line", "3")
    assert "no account key of that source leads to the account 252" in about(desk, "--line", "4")
    assert "the line runs from 2030-01-01 until for ever" in about(desk, "--line", "5")
    assert about(desk, "--line", "99") == "The PSA's copy has no line 99."
    assert about(desk, *key("gamma")) == (
        "The account 'gamma' is not mapped: what is used under it reaches no line. The service 'M365 BP' leads to 77. "
        "3 units of it are used."
    )
    assert "The account 'own' is excluded until 2027-01-01: our own licences." in about(desk, *key("own"))
    assert "The service 'Unknown' is not mapped" in about(desk, *key("acme", "Unknown"))
    assert "Nothing is used there and nothing billed." in about(desk, *key("beta", "M365 E3"))
    assert "Line 1 bills 10, 12 are due." in about(desk, *key("acme"))


def test_a_source_that_may_not_speak_and_a_fall_that_is_held_are_told(desk: Desk) -> None:
    desk.drop(DROP, USAGE.replace("beta,M365 BP,8", "beta,M365 BP,2") + "gamma,M365 BP,3\n")
    desk.run()
    assert "the fall to 2 is held" in about(desk, "--line", "2")
    desk.drop(DROP, "Account,Service,Quantity\n")
    desk.run()
    assert "generic may not speak: usage.csv" in about(desk, "--line", "2")
    assert "generic may not speak: usage.csv" in about(desk, *key("beta"))
    desk.psa.set_faults({"rules": [{"match": "GET .*", "every": 1, "do": "500"}]})
    desk.run()
    assert about(desk, "--line", "2") == "The PSA was not copied whole, so no line is compared."


def test_what_is_asked_about_must_be_named_whole(desk: Desk) -> None:
    for asked in ([], ["--line", "1", "--source", "generic"], ["--source", "generic", "--account-key", "a"]):
        said = desk.say("explain", "--period", "2026-10", *asked)
        assert (said.code, "name a change, or --line, or --source" in said.err) == (2, True)
    assert desk.say("explain", "--line", "1").code == 2
