"""A subscription that a complete file no longer names asks a person, and changes nothing by itself."""

from tests.journeys.desk import Desk

PROFILE = {
    "profile": "own",
    "source": "generic",
    "basis": "subscription",
    "arrives": {"pattern": "own/{period}/*.csv", "period": "from_path"},
    "columns": {
        "account_key": "Account",
        "service_key": "Service",
        "quantity": "Quantity",
        "subscription_id": "Subscription",
    },
    "aggregate": {"method": "sum"},
}
HEADER = "Account,Service,Quantity,Subscription\n"
SEPTEMBER = HEADER + "acme,M365 BP,6,s1\nacme,M365 BP,4,s2\nbeta,M365 BP,8,s3\n"


def test_a_missing_subscription_is_named_and_the_line_follows_what_is_used(desk: Desk) -> None:
    desk.profile(**PROFILE)
    desk.drop("own/2026-09/usage.csv", SEPTEMBER)
    desk.run("2026-09")
    desk.drop("own/2026-10/usage.csv", SEPTEMBER.replace("acme,M365 BP,4,s2\n", ""))
    assert desk.run()["verdict"] == "reconciled"
    finding = desk.findings()["vanished_subscription"]
    assert "a subscription of the account 'acme' stood in 2026-09" in finding["message"]
    assert "'s2' (M365 BP, 4 units)" in finding["message"]
    assert (finding["quantity"], finding["source"]) == ("4", "generic")
    assert [(record["file"], record["row"]) for record in finding["evidence"]] == [("usage.csv", 3)]
    assert desk.proposals() == {"1": "6"}
    assert "vanished_subscription" not in desk.findings("2026-09")
