"""What the trail gives away and what it forgets, from the command line.

Belongs here: exporting the trail, purging personal words.
Does not belong here: the chain (``tests/pipelines/test_audit``), what is recorded (``test_writing``).
"""

from tests.journeys.desk import Desk

BY = ("--by", "dana")


def test_words_are_purged_and_the_trail_stays_whole_and_says_so(month: Desk) -> None:
    first, second = month.names("1", "2")
    for name in (first, second):
        assert month.say("approve", name, *BY, "--note", "Erin asked for it").code == 0
    said = month.say("audit", "purge", "--change", first, *BY, "--json")
    assert said.json == {"purged": 1, "sequences": [1]}
    told = {entry["sequence"]: (entry["words"], entry["are_words_purged"]) for entry in month.trail()}
    assert told == {1: (None, True), 2: ("Erin asked for it", False), 3: (None, False)}
    assert month.trail()[-1]["action"] == "words_purged"
    everything = month.say("audit", "purge", "--before", "2999-01-01", *BY)
    assert everything.out.strip() == "Words beside 1 entries are gone for ever: 2."
    assert "No words are there" in month.say("audit", "purge", "--before", "2999-01-01", *BY).out
    assert len(month.trail()) == 4


def test_a_purge_that_means_nothing_is_refused(month: Desk) -> None:
    assert month.say("audit", "purge", *BY).code == 2
    assert month.say("audit", "purge", "--before", "soon", *BY).code == 2
    assert month.say("audit", "purge", "--before", "2999-01-01").code == 2
