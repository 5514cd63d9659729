"""A year that was paid for in January, in an invoice of October that does not name it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.desk import SEED, Desk, new_desk
from trueup.sandbox.psa.running import running_sandbox

PROFILE = {
    "profile": "billed",
    "source": "Distributor",
    "basis": "invoice",
    "arrives": {"pattern": "billed/{period}/*.csv", "period": "from_path", "complete": {"max_drop": "100%"}},
    "columns": {
        "account_key": "Account",
        "service_key": "Service",
        "quantity": "Quantity",
        "billing_cycle": "Cycle",
        "subscription_id": "Subscription",
        "charge_start": "From",
        "charge_end": "Until",
    },
    "dates": ["%Y-%m-%d"],
    "aggregate": {"method": "sum", "by": ["account", "service"]},
    "maps": {"billing_cycle": {"Monthly": "P1M", "Annual": "P1Y"}},
}
HEADER = "Account,Service,Quantity,Cycle,Subscription,From,Until\n"
JANUARY = HEADER + "acme,M365 BP,7,Annual,s1,2026-01-14,2027-01-14\nacme,M365 BP,3,Monthly,s2,2026-01-01,2026-02-01\n"
OCTOBER = HEADER + "acme,M365 BP,5,Monthly,s2,2026-10-01,2026-11-01\nbeta,M365 BP,8,Monthly,s3,2026-10-01,2026-11-01\n"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A workspace in which no other source is expected."""
    with running_sandbox(SEED) as psa:
        yield new_desk(tmp_path / "workspace", psa)


def test_what_was_paid_for_a_year_counts_in_a_month_that_does_not_name_it(desk: Desk) -> None:
    desk.profile(**PROFILE)
    desk.map(
        accounts=[
            {"source": "Distributor", "key": "acme", "account": "250"},
            {"source": "Distributor", "key": "beta", "account": "251"},
        ],
        services=[{"source": "Distributor", "key": "M365 BP", "services": ["77"]}],
    )
    desk.drop("billed/2026-01/january.csv", JANUARY)
    desk.drop("billed/2026-10/october.csv", OCTOBER)
    assert desk.run()["verdict"] == "reconciled"
    (change,) = desk.changes()
    assert (change["line_id"], change["quantity_after"], change["flags"]) == ("1", "12", ["prepaid"])
    assert [(row["file"], row["row"]) for row in change["evidence"]] == [("january.csv", 2), ("october.csv", 2)]
    explained = desk.say("explain", change["id"], "--json").json
    assert [(row["file"], row["quantity"]) for row in explained["rows"]] == [("january.csv", "7"), ("october.csv", "5")]
    desk.drop("billed/2026-10/october.csv", OCTOBER.replace("acme,M365 BP,5", "acme,M365 BP,1"))
    desk.run()
    assert desk.changes() == []
    assert "were paid upfront on an earlier invoice" in desk.findings()["held"]["message"]
