"""A drill: the store is restored from a backup, beside a workspace that went on meanwhile.

Belongs here: the whole road through the command line, from the halt to writing again.
Does not belong here: when a store is an old one (``tests/pipelines/writeback/test_restored``), the witness's file.
"""

import shutil
from pathlib import Path

from tests.journeys.desk import Desk

BY = ("--by", "dana")
RESUME = ("writeback", "resume", *BY, "--reason", "the PSA was looked at")


def back_up(desk: Desk, to: Path) -> None:
    """Copy the store away; no command is at work."""
    assert not Path(f"{desk.root / 'trueup.db'}-wal").exists()
    shutil.copy(desk.root / "trueup.db", to)


def kind_of_stop(desk: Desk) -> str | None:
    """Which stop stands."""
    stopped = desk.say("writeback", "status", "--json").json["stopped"]
    return None if stopped is None else str(stopped["kind"])


def test_a_restored_store_writes_nothing_again_until_a_person_has_looked_and_approved_anew(
    month: Desk, tmp_path: Path
) -> None:
    one, two, three = month.approve("1", "2", "3")
    back_up(month, tmp_path / "backup.db")
    batch = month.apply().json["batch_id"]
    # Line 1 is taken back: it stands again as the lost approval saw it.
    rolled = {each["line_id"]: each for each in month.say("rollback", batch, *BY, "--json").json["proposed"]}
    assert month.say("approve", f"{rolled['1']['id']}@1", *BY).code == 0
    assert month.apply().json["outcomes"] == {"written": 1}
    wrote = [("1", "10", "11"), ("2", "10", "12"), ("3", "10", "13"), ("1", "11", "10")]
    assert month.wrote() == wrote

    shutil.copy(tmp_path / "backup.db", month.root / "trueup.db")
    halted = month.apply()
    assert (halted.code, halted.json["stopped"]["kind"]) == (1, "restored_store")
    assert "the store was restored from a backup" in halted.json["stopped"]["reason"]
    assert "trueup writeback resume" in month.findings()["write_back_stopped"]["remedy"]
    refused = month.say(*RESUME)
    assert (refused.code, "the PSA was not copied since" in refused.err) == (1, True)
    assert kind_of_stop(month) == "restored_store"

    month.run()
    assert month.statuses("1", "2", "3") == ["approved", "superseded", "superseded"]
    assert month.apply().json["stopped"]["kind"] == "restored_store"
    assert month.say(*RESUME, "--json").json == {"resumed": True, "taken_back": [one]}
    assert (kind_of_stop(month), month.statuses("1")) == (None, ["proposed"])
    assert (month.apply().code, month.wrote()) == (0, wrote)

    assert month.approve("1") == [one]
    assert month.apply().json["outcomes"] == {"written": 1}
    assert month.wrote() == [*wrote, ("1", "10", "11")]
    assert {("halted", "acme"), ("revoked", one), ("resumed", "acme")} <= set(month.events())
    assert {two, three}.isdisjoint(subject for action, subject in month.events() if action == "revoked")


def test_where_the_witness_came_back_too_a_person_says_that_a_backup_was_restored(month: Desk) -> None:
    (one,) = month.approve("1")
    assert month.say("writeback", "stop", "--restored", *BY, "--reason", "the disk was restored").code == 0
    assert month.say("writeback", "stop", *BY, "--reason", "and invoices are printed").code == 0
    assert kind_of_stop(month) == "restored_store"
    assert month.say(*RESUME).code == 1
    assert month.apply().json["stopped"]["reason"] == "the disk was restored"
    month.run()
    said = month.say(*RESUME)
    assert said.out.splitlines() == [
        "Write-back goes on.",
        f"Approvals taken back, to be given anew: {one}",
    ]
    assert (month.apply().code, month.wrote(), month.statuses("1")) == (0, [], ["proposed"])
