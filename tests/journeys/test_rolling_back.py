"""A run of write-back that was wrong, taken back from the command line: proposed, approved, written, or told why not.

Belongs here: ``trueup rollback`` and the reruns of its month.
Does not belong here: the rules one by one (``tests/pipelines/writeback/test_rolling_back``).
"""

from typing import Any

from tests.journeys.desk import Desk

BY = ("--by", "dana")


def by_line(changes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Changes by their line."""
    return {change["line_id"]: change for change in changes}


def test_a_run_is_taken_back_through_review_and_reruns_leave_it_alone(month: Desk) -> None:
    originals = dict(zip(("1", "9", "10"), month.approve("1", "9", "10"), strict=True))
    batch = month.apply().json["batch_id"]
    said = month.say("rollback", batch, *BY, "--json")
    assert (said.code, said.json["already"], said.json["left_out"]) == (0, [], [])
    assert "Invoices that were made since the write stay as they are" in said.err
    proposed = by_line(said.json["proposed"])
    assert {line: (each["quantity_before"], each["quantity_after"]) for line, each in proposed.items()} == {
        "1": ("11", "10"),
        "9": ("4", "10"),
        "10": ("0", "10"),
    }
    assert (proposed["1"]["flags"], proposed["1"]["amount_delta"]) == (["roll_back"], "-22.00")
    assert month.wrote() == [("1", "10", "11"), ("9", "10", "4"), ("10", "10", "0")]
    names = [f"{each['id']}@{each['revision']}" for each in proposed.values()]
    assert month.run()["since_last_run"] == {"appeared": [], "altered": [], "withdrawn": []}
    again = month.say("rollback", batch, *BY)
    assert (again.code, again.out.count("is proposed already; nothing changed")) == (0, 3)
    assert month.say("approve", *names, *BY).code == 0
    assert month.run()["since_last_run"]["withdrawn"] == []
    assert month.apply().json["outcomes"] == {"written": 3}
    assert month.wrote()[3:] == [("1", "11", "10"), ("9", "4", "10"), ("10", "0", "10")]
    appeared = month.run()["since_last_run"]["appeared"]
    assert sorted(appeared) == sorted(name.partition("@")[0] for name in originals.values())
    assert ("roll_back_proposed", batch) in month.events()


def test_a_file_that_says_more_waits_for_the_roll_back_of_its_line(month: Desk) -> None:
    month.approve("1")
    batch = month.apply().json["batch_id"]
    (rolled,) = month.say("rollback", batch, *BY, "--json").json["proposed"]
    month.drop("generic/2026-10/usage.csv", "Account,Service,Quantity\nc1,M365 BP,19\n" + "c2,M365 BP,12\n" * 9)
    month.run()
    assert month.proposals()["1"] == "10"
    assert "a roll-back of this line is open" in month.findings()["held"]["message"]
    assert month.say("decline", f"{rolled['id']}@1", *BY, "--reason", "it was right").code == 0
    month.run()
    assert month.proposals()["1"] == "19"


def test_a_line_that_was_made_is_taken_back_to_nothing_once_it_was_copied(month: Desk) -> None:
    made = month.every_change()[None]
    assert month.say("approve", f"{made['id']}@1", *BY).code == 0
    batch = month.apply().json["batch_id"]
    early = month.say("rollback", batch, *BY)
    assert (early.code, "the PSA was not copied since: trueup run --period 2026-10 first" in early.out) == (3, True)
    month.run()
    (rolled,) = month.say("rollback", batch, *BY, "--json").json["proposed"]
    assert (rolled["quantity_before"], rolled["quantity_after"], rolled["needs"]) == ("3", "0", ["confirm_zero"])
    name = f"{rolled['id']}@1"
    refused = month.say("approve", name, *BY)
    assert (refused.code, "because it is taken back to that" in refused.out) == (3, True)
    assert month.say("approve", name, *BY, "--confirm-zero").code == 0
    assert month.apply().json["outcomes"] == {"written": 1}
    assert month.wrote()[-1] == (rolled["line_id"], "3", "0")
    assert "take a written change back" in month.say("explain", rolled["id"]).out


def test_a_run_that_nobody_knows_is_told(month: Desk) -> None:
    said = month.say("rollback", "no-such-run", *BY)
    assert (said.code, "no run of write-back no-such-run wrote anything" in said.err) == (2, True)
