"""Months told as they were known: recomputed for an instant, closed for good, opened again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.journeys.desk import MAPPINGS, USAGE, Desk

DROP = "generic/2026-10/usage.csv"


def now() -> str:
    return datetime.now(UTC).isoformat()


def recomputed(desk: Desk, as_of: str, period: str = "2026-10") -> Any:
    return desk.say("run", "--period", period, "--as-of", as_of, "--json").json


def shown(changes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    named = ("id", "line_id", "quantity_before", "quantity_after", "amount_delta", "evidence")
    return [tuple(change[name] for name in named) for change in changes]


def everything_moves(desk: Desk) -> None:
    """A corrected file, another mapping, another unit rule and another quantity in the PSA; all of it reconciled."""
    desk.drop(DROP, USAGE.replace("12", "14"))
    beta_too = [MAPPINGS["accounts"][0], {"source": "generic", "key": "beta", "exclude": "left us"}]
    assert desk.map(accounts=beta_too, units=[{"service": "77", "included": "1"}]).code == 0
    desk.psa.merge({"lines": [{"id": "1", "quantity": "40"}]})
    desk.run()
    assert desk.proposals()["1"] == "13"


def test_a_month_is_told_as_it_was_known_whatever_moved_since(desk: Desk) -> None:
    before_all = now()
    desk.drop(DROP, USAGE)
    summary = desk.run()
    proposed = desk.changes()
    then = now()
    everything_moves(desk)
    again = recomputed(desk, then)
    assert shown(again["recomputed"]["changes"]) == shown(proposed)
    assert (again["verdict"], again["as_of"]) == ("reconciled", then)
    assert again["sources"] == summary["sources"]
    nothing_known = recomputed(desk, before_all)
    assert (nothing_known["verdict"], nothing_known["recomputed"]["changes"]) == ("could_not_reconcile", [])


def test_recomputing_stores_nothing(desk: Desk) -> None:
    desk.drop(DROP, USAGE)
    desk.run()
    then = now()
    everything_moves(desk)
    stands = (desk.every_change(), desk.findings(), desk.events())
    recomputed(desk, then)
    assert (desk.every_change(), desk.findings(), desk.events()) == stands


def test_a_recomputed_month_is_shown_to_people_as_such(desk: Desk) -> None:
    desk.drop(DROP, USAGE)
    desk.run()
    said = desk.say("run", "--period", "2026-10", "--as-of", now())
    assert "Nothing was stored, and nothing of it can be approved." in said.out
    assert "M365 Business Premium" in said.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("yesterday", "is no instant"),
        ("2026-10-31", "names a day: say at what time of it"),
        ((datetime.now(UTC) + timedelta(days=1)).isoformat(), "has not come yet"),
    ],
)
def test_an_instant_that_cannot_be_meant_is_refused(desk: Desk, words: str, problem: str) -> None:
    said = desk.say("run", "--period", "2026-10", "--as-of", words)
    assert (said.code, problem in said.err) == (2, True)
