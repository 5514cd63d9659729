"""A file with one column per service: a cell is a quantity, and a wrong cell holds what it may hide."""

from tests.journeys.desk import Desk

PROFILE = {
    "profile": "columns",
    "source": "generic",
    "basis": "subscription",
    "arrives": {"pattern": "columns/{period}/*.csv", "period": "from_path"},
    "columns": {"account_key": "Account", "service_key": "product", "quantity": "licences"},
    "unpivot": {"but": ["Contact"], "name": "product", "value": "licences", "blank": "ignore"},
    "aggregate": {"method": "sum"},
}


def test_a_wrong_cell_of_a_wide_file_is_fixed_and_its_row_reconciled(desk: Desk) -> None:
    desk.profile(**PROFILE)
    desk.drop("columns/2026-10/usage.csv", "Account,Contact,M365 BP,M365 E3\nacme,Ann,12,\nbeta,Bob,n/a,3\n")
    summary = desk.run()
    [source] = summary["sources"]
    assert source["rows"]["rejected"] == 1
    assert desk.proposals() == {"1": "12"}, "nothing of a record with a wrong cell is counted"
    [wrong] = desk.say("rows", "list", "--file", source["file_id"], "--json").json
    assert (wrong["row"], wrong["column"], wrong["value"]) == (3, "M365 BP", "n/a")

    cell = ("--row", "3", "--column", "M365 BP", "--value", "8", "--by", "dana")
    assert desk.say("rows", "fix", "--file", source["file_id"], *cell, "--json").json == {"fixed": 1}
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals() == {"1": "12", None: "3"}, "E3 stands on no agreement of Beta: it is unbilled"
