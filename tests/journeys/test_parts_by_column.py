"""A month whose hubs stand in a column of one file: both add, and one alone leaves the month open."""

from tests.journeys.desk import Desk

PROFILE = {
    "profile": "hubs",
    "source": "generic",
    "basis": "subscription",
    "arrives": {"pattern": "hubs/{period}/*.csv", "period": "from_path", "part": "from_column"},
    "columns": {"account_key": "Account", "service_key": "Service", "quantity": "Quantity", "part": "Hub"},
    "aggregate": {"method": "max"},
}
HEADER = "Account,Service,Quantity,Hub\n"
EMEA, US = "acme,M365 BP,6,EMEA\nbeta,M365 BP,8,EMEA\n", "acme,M365 BP,5,US\n"


def parts(summary: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    """The verdict of each part of the source that was read."""
    return {one["part"]: one["verdict"] for one in summary["sources"]}


def test_the_hubs_of_a_file_add_and_a_hub_that_does_not_come_keeps_the_month_open(desk: Desk) -> None:
    desk.profile(**PROFILE)
    desk.drop("hubs/2026-09/usage.csv", HEADER + EMEA + US)
    assert parts(desk.run("2026-09")) == {"EMEA": "complete", "US": "complete"}
    desk.drop("hubs/2026-10/usage.csv", HEADER + EMEA)
    summary = desk.run()
    assert summary["verdict"] == "could_not_reconcile"
    assert parts(summary) == {"EMEA": "complete", "US": "incomplete"}
    assert "part US) has arrived for this month" in desk.findings()["incomplete_source"]["message"]
    assert desk.proposals() == {}

    desk.drop("hubs/2026-10/us.csv", HEADER + US)
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals() == {"1": "11"}


def test_a_row_without_a_hub_is_corrected_once_for_all_hubs(desk: Desk) -> None:
    desk.profile(**PROFILE)
    file = desk.root / "usage.csv"
    file.write_text(HEADER + EMEA + US + "beta,M365 BP,2,\n")
    handed_in = ("intake", str(file), "--profile", "hubs", "--period", "2026-10")
    assert "leave --part out" in desk.say(*handed_in, "--part", "US").err
    taken = desk.say(*handed_in, "--json").json
    assert [one["part"] for one in taken["revisions"]] == ["EMEA", "US"]
    listed = desk.say("rows", "list", "--file", taken["file_id"], "--json").json
    assert {(one["part"], one["row"]) for one in listed} == {("EMEA", 5), ("US", 5)}
    cell = ("--row", "5", "--column", "Hub", "--value", "US", "--by", "dana")
    assert desk.say("rows", "fix", "--file", taken["file_id"], *cell, "--json").json == {"fixed": 1}
    assert desk.run()["verdict"] == "reconciled"
    assert "rejected_row" not in desk.findings()
    assert desk.proposals()["1"] == "11"
