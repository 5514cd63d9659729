"""Trouble with some lines of many, and with the PSA of another tenant: every other line is written all the same."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.agreements.copy import PsaUnavailable
from pipelines.review.changes import ChangeStatus
from pipelines.writeback.groups import Grouping
from pipelines.writeback.ports import Heard
from resources.store.engine import Store
from tests.pipelines.writeback.office import Clock, Office, Trouble, opened, says, takes_and_loses
from tests.torture import figure

NONE, REFUSED, GONE, LOST, TAKEN_AND_LOST, UNREADABLE = (
    "none",
    "refused",
    "gone",
    "lost",
    "taken and lost",
    "unreadable",
)
ENDS = {
    NONE: ChangeStatus.WRITTEN,
    REFUSED: ChangeStatus.REFUSED,
    GONE: ChangeStatus.REFUSED,
    LOST: ChangeStatus.WRITTEN,
    TAKEN_AND_LOST: ChangeStatus.WRITTEN,
    UNREADABLE: ChangeStatus.APPROVED,
}
"""Where a line with this trouble stands in the end."""


def trouble_of(line: str, what: str) -> Trouble:
    """What befalls the first write to a line."""
    troubles: dict[str, Trouble] = {
        REFUSED: says(Heard.REFUSED),
        GONE: says(Heard.GONE),
        LOST: says(Heard.UNKNOWN),
        TAKEN_AND_LOST: takes_and_loses(line),
    }
    return troubles[what]


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, str]:
    """A trouble for each of two to eight lines."""
    of_a_line = st.sampled_from([NONE, NONE, REFUSED, GONE, LOST, TAKEN_AND_LOST, UNREADABLE])
    return {str(line): draw(of_a_line) for line in range(1, draw(st.integers(2, 8)) + 1)}


def run(office: Office) -> None:
    """One run; that of which the last line cannot be read says so in the end."""
    try:
        office.run()
    except PsaUnavailable:
        assert office.psa.unreadable


@settings(max_examples=figure(25, 1_000))
@given(pattern=patterns(), alone=st.integers(0, 4))
def test_whatever_befalls_some_lines_each_has_one_outcome_and_the_others_are_written(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, pattern: Mapping[str, str], alone: int
) -> None:
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("office") / "store.db")
    with opened(f"sqlite:///{file}", lines=len(pattern)) as office:
        office.grouping = Grouping(alone=alone)
        office.approve(*pattern)
        for line, what in pattern.items():
            if what == UNREADABLE:
                office.psa.unreadable.add(line)
            elif what != NONE:
                office.psa.troubles[line] = [trouble_of(line, what)]
        run(office)
        at_once = office.statuses()
        assert [at_once[line] for line, what in pattern.items() if what == NONE] == [ChangeStatus.WRITTEN] * list(
            pattern.values()
        ).count(NONE)

        office.clock.pass_(minutes=10)
        run(office)
        assert office.statuses() == {line: ENDS[what] for line, what in pattern.items()}
        written = [line for line, what in pattern.items() if ENDS[what] is ChangeStatus.WRITTEN]
        assert sorted(office.psa.accepted) == sorted((line, str(10 + int(line))) for line in written)
        for line, what in pattern.items():
            ended = [status for status, _ in office.causes(line) if status in {"written", "refused", "stale"}]
            assert ended == ([] if what == UNREADABLE else [ENDS[what]])
        assert office.trail().faults == ()


class Meanwhile(Clock):
    """A clock that lets another office work, once, when somebody waits for the PSA."""

    other: Office | None = None

    def sleep(self, wait: timedelta) -> None:
        super().sleep(wait)
        if self.other is not None:
            self.other.run()
            self.other = None


def test_a_psa_that_answers_429_to_one_tenant_keeps_no_other_tenant_from_writing(store: Store, store_url: str) -> None:
    lines = ["1", "2", "3"]
    clock = Meanwhile()
    stormed, calm = Office(store, len(lines), clock), Office(Store(store_url, "calm"), len(lines))
    for office in (stormed, calm):
        office.approve(*lines)
    stormed.psa.troubles = {line: [says(Heard.THROTTLED, retry_after=20)] * 2 for line in lines}
    seen: list[set[ChangeStatus]] = []
    calm.on_step = lambda _step, _change: seen.append(set(stormed.statuses().values()))
    clock.other = calm
    stormed.run()
    assert seen, "the stormed tenant waited, its lease in hand, and the other one wrote"
    assert seen[-1] == {ChangeStatus.APPROVED}, "the other one was done before anything of the first was taken"
    for office in (stormed, calm):
        assert set(office.statuses().values()) == {ChangeStatus.WRITTEN}
        assert sorted(office.psa.accepted) == [("1", "11"), ("2", "12"), ("3", "13")]
        assert office.trail().faults == ()
    calm.store.close()
