"""A key that is written otherwise than a month ago never takes a customer's seats away by itself."""

from typing import Any

import pytest

from tests.journeys.desk import MAPPINGS, Desk

SEPTEMBER, OCTOBER, NOVEMBER = (f"generic/2026-{month}/usage.csv" for month in ("09", "10", "11"))
OLD = "Account,Service,Quantity\nacme,M365-BP,10\nbeta,M365-BP,8\n"
NEW = OLD.replace("M365-BP", "M365BP")
OLD_KEY = {"source": "generic", "key": "M365-BP", "services": ["77"]}
ELSEWHERE = {"source": "generic", "key": "M365BP", "services": ["78"]}


def run_both(desk: Desk, second: str = NEW, *services: dict[str, Any]) -> dict[str, Any]:
    """September as the mappings know it, then October."""
    assert desk.map(services=[OLD_KEY, *services]).code == 0
    desk.drop(SEPTEMBER, OLD)
    desk.run("2026-09")
    desk.drop(OCTOBER, second)
    summary: dict[str, Any] = desk.run()
    return summary


def falls(desk: Desk, period: str = "2026-10") -> list[tuple[str, str, str]]:
    """Proposals to bill less: kind, line, new quantity."""
    changes = desk.changes(period)
    return [(c["kind"], c["line_id"], c["quantity_after"]) for c in changes if c["kind"] in {"decrease", "vanished"}]


@pytest.mark.parametrize(
    "services",
    [pytest.param([], id="unmapped"), pytest.param([ELSEWHERE], id="mapped elsewhere")],
)
def test_seats_under_a_respelled_key_are_not_taken_for_gone(desk: Desk, services: list[dict[str, Any]]) -> None:
    assert run_both(desk, NEW, *services)["verdict"] == "reconciled"
    assert falls(desk) == []
    finding = desk.findings()["key_drift"]
    assert "the service 'M365-BP' is gone since 2026-10 and service 'M365BP' is new" in finding["message"]
    assert "only its spelling or its term differs" in finding["message"]
    assert "18 units of 2 accounts and services" in finding["message"]
    assert "services: key 'M365BP'" in finding["remedy"]
    assert (finding["source"], finding["quantity"]) == ("generic", "18")
    assert [(record["file"], record["row"]) for record in finding["evidence"]] == [("usage.csv", 2), ("usage.csv", 3)]
    assert "may go on under a new one" in desk.findings()["held"]["message"]


def test_the_drift_is_over_when_the_new_key_leads_where_the_old_one_did(desk: Desk) -> None:
    run_both(desk, NEW.replace("10", "7"))
    assert falls(desk) == []
    desk.map(services=[ELSEWHERE | {"services": ["77"]}])
    desk.run()
    assert falls(desk) == [("decrease", "1", "7")]
    assert not {"key_drift", "held"} & set(desk.findings())


def test_a_person_says_that_it_is_another_thing_by_an_entry_that_begins_with_the_drift(desk: Desk) -> None:
    run_both(desk, NEW, ELSEWHERE)
    desk.map(services=[ELSEWHERE | {"from": "2026-10-01"}])
    desk.run()
    assert sorted(falls(desk)) == [("vanished", "1", "0"), ("vanished", "2", "0")]
    assert "key_drift" not in desk.findings()


def test_what_nobody_decided_stays_held_in_the_months_after(desk: Desk) -> None:
    run_both(desk, NEW, ELSEWHERE)
    for month in ("11", "12"):
        desk.drop(f"generic/2026-{month}/usage.csv", NEW)
        assert desk.run(f"2026-{month}")["verdict"] == "reconciled"
        assert falls(desk, f"2026-{month}") == []
        assert "is gone since 2026-10" in desk.findings(f"2026-{month}")["key_drift"]["message"]


def test_a_respelled_account_key_is_held_too(desk: Desk) -> None:
    desk.map(accounts=[*MAPPINGS["accounts"], {"source": "generic", "key": "ACME", "account": "251"}])
    run_both(desk, OLD.replace("acme", "ACME"))
    assert falls(desk) == []
    message = desk.findings()["key_drift"]["message"]
    assert "the account 'acme' is gone since 2026-10 and account 'ACME' is new" in message


def test_a_customer_who_changes_to_a_product_that_is_known_drifts_nothing(desk: Desk) -> None:
    desk.map(services=[OLD_KEY])
    desk.drop(SEPTEMBER, OLD + "beta,M365 E3,3\n")
    desk.run("2026-09")
    desk.drop(OCTOBER, "Account,Service,Quantity\nacme,M365 E3,10\nbeta,M365-BP,8\nbeta,M365 E3,3\n")
    desk.run()
    assert falls(desk) == [("vanished", "1", "0")]
    assert "key_drift" not in desk.findings()


def test_a_file_that_may_not_speak_reports_no_drift(desk: Desk) -> None:
    run_both(desk, "Account,Service,Quantity\n")
    assert falls(desk) == []
    assert "key_drift" not in desk.findings()
