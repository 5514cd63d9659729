"""Every key that files bear, whatever was decided about it."""

from tests.journeys.desk import MAPPINGS, USAGE, Desk


def test_mapped_excluded_and_unmapped_keys_are_listed_together_with_their_months(desk: Desk) -> None:
    own = {"source": "generic", "key": "own", "exclude": "our own licences"}
    desk.map(accounts=[*MAPPINGS["accounts"], own], services=MAPPINGS["services"])
    desk.drop("generic/2026-09/usage.csv", USAGE)
    desk.run("2026-09")
    desk.drop("generic/2026-10/usage.csv", "Account,Service,Quantity\nacme,M365 BP,12\nown,M365 BP,1\nnew,M365 BP,2\n")
    desk.run()
    listed = desk.say("mappings", "keys", "--period", "2026-10", "--json").json
    months = {each["key"]: (each["kind"], each["first_seen"], each["last_seen"]) for each in listed}
    assert months == {
        "acme": ("account", "2026-09", "2026-10"),
        "beta": ("account", "2026-09", "2026-09"),
        "new": ("account", "2026-10", "2026-10"),
        "own": ("account", "2026-10", "2026-10"),
        "M365 BP": ("service", "2026-09", "2026-10"),
    }
    decided = {each["key"]: (each["decision"], each["targets"], each["reason"]) for each in listed}
    assert decided["acme"] == ("mapped", ["250"], None)
    assert decided["own"] == ("excluded", [], "our own licences")
    assert decided["new"] == ("unmapped", [], None)
    assert decided["M365 BP"] == ("mapped", ["77"], None)
    table = desk.say("mappings", "keys", "--source", "generic").out
    assert "our own licences" in table
    assert desk.say("mappings", "keys", "--source", "nobody", "--json").json == []


def test_without_usage_there_are_no_keys(desk: Desk) -> None:
    said = desk.say("mappings", "keys", "--json")
    assert (said.code, said.json) == (0, [])
    assert "no open month has usage" in said.err
