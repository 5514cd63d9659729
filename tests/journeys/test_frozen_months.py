"""Months told as they were known: recomputed for an instant, closed for good, opened again."""

from datetime import UTC, datetime
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
    """A corrected file, another mapping, another unit rule and another quantity in the PSA; all of it is known."""
    desk.drop(DROP, USAGE.replace("12", "14"))
    beta_too = [MAPPINGS["accounts"][0], {"source": "generic", "key": "beta", "exclude": "left us"}]
    assert desk.map(accounts=beta_too, units=[{"service": "77", "included": "1"}]).code == 0
    desk.psa.merge({"lines": [{"id": "1", "quantity": "40"}]})
    desk.run()


def test_a_month_is_told_as_it_was_known_whatever_moved_since(desk: Desk) -> None:
    before_all = now()
    desk.drop(DROP, USAGE)
    summary = desk.run()
    proposed = desk.changes()
    then = now()
    everything_moves(desk)
    assert desk.proposals()["1"] == "13"
    again = recomputed(desk, then)
    assert shown(again["recomputed"]["changes"]) == shown(proposed)
    assert (again["verdict"], again["as_of"]) == ("reconciled", then)
    assert again["sources"] == summary["sources"]
    nothing_known = recomputed(desk, before_all)
    assert (nothing_known["verdict"], nothing_known["recomputed"]["changes"]) == ("could_not_reconcile", [])


def test_recomputing_stores_nothing(october: Desk) -> None:
    then = now()
    everything_moves(october)
    stands = (october.every_change(), october.findings(), october.events())
    recomputed(october, then)
    assert (october.every_change(), october.findings(), october.events()) == stands


def test_a_recomputed_month_is_shown_to_people_as_such(october: Desk) -> None:
    said = october.say("run", "--period", "2026-10", "--as-of", now())
    assert "Nothing was stored, and nothing of it can be approved." in said.out
    assert "M365 Business Premium" in said.out


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("yesterday", "is no instant"),
        ("2026-10-31", "names a day: say at what time of it"),
        ("2999-01-01T00:00", "has not come yet"),
    ],
)
def test_an_instant_that_cannot_be_meant_is_refused(desk: Desk, words: str, problem: str) -> None:
    said = desk.say("run", "--period", "2026-10", "--as-of", words)
    assert (said.code, problem in said.err) == (2, True)


def close(desk: Desk) -> Any:
    said = desk.say("period", "close", "2026-10", "--by", "dana", "--json")
    assert said.code == 0, said.err
    return said.json


def test_a_closed_month_stays_as_it_was_whatever_moves_and_says_what_came_late(october: Desk) -> None:
    proposed, closed = october.changes(), close(october)
    everything_moves(october)
    summary = october.run()
    assert (summary["verdict"], summary["as_of"]) == ("reconciled", closed["as_of"])
    assert summary["changes"] == {
        "standing": 1,
        "new": 0,
        "by_kind": {"increase": 1, "decrease": 0, "unbilled": 0, "vanished": 0},
    }
    assert october.changes() == proposed
    late = october.findings()["closed_period"]
    assert "it has 22 units, where the closed month has 20" in late["message"]
    assert shown(recomputed(october, now())["recomputed"]["changes"]) == shown(proposed)
    assert ("period_closed", "2026-10") in october.events()


def test_what_was_approved_of_a_closed_month_is_written_though_its_inputs_moved(october: Desk) -> None:
    close(october)
    assert october.map(units=[{"service": "77", "included": "1"}]).code == 0
    october.drop(DROP, USAGE.replace("12", "14"))
    october.run()
    october.approve("1")
    assert october.apply().code == 0
    assert october.wrote() == [("1", "10", "12")]


def test_a_reopened_month_follows_its_newest_inputs_again(october: Desk) -> None:
    close(october)
    everything_moves(october)
    assert october.say("period", "reopen", "2026-10", "--by", "dana").code == 0
    assert october.run()["as_of"] is None
    assert october.proposals()["1"] == "13"
    assert "closed_period" not in october.findings()
    assert october.say("period", "list", "--json").json == [
        {"period": "2026-10", "status": "open", "as_of": None, "by": None, "at": None}
    ]


def test_only_a_month_that_stands_as_it_was_last_seen_can_be_closed(desk: Desk) -> None:
    def refusal() -> str:
        said = desk.say("period", "close", "2026-10", "--by", "dana")
        assert said.code == 3
        return said.err

    assert "was never reconciled" in refusal()
    desk.drop(DROP, USAGE)
    desk.run()
    assert desk.map(units=[{"service": "77", "included": "1"}]).code == 0
    assert "a file or a mapping arrived since 2026-10 was last reconciled" in refusal()
    desk.run()
    close(desk)
    assert "is closed already" in refusal()
    listed = desk.say("period", "list").out
    assert ("closed" in listed, "dana" in listed) == (True, True)


def test_a_month_that_could_not_be_compared_with_the_psa_cannot_be_closed(desk: Desk) -> None:
    desk.drop(DROP, USAGE)
    desk.psa.set_faults({"rules": [{"match": "GET .*", "every": 1, "do": "500"}]})
    desk.run()
    said = desk.say("period", "close", "2026-10", "--by", "dana")
    assert (said.code, "without a PSA copy" in said.err) == (3, True)
    assert desk.say("period", "reopen", "2026-10", "--by", "dana").code == 3
