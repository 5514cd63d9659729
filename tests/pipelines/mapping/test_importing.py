"""An import adds and changes, keeps all that was, and changes nothing the second time."""

from collections.abc import Sequence
from dataclasses import replace as changed
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity import ServiceId
from pipelines.mapping.document import MappingDocument
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    RecordedEntry,
    ServiceMapping,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)
from pipelines.mapping.importing import ImportPlan, entries_after, plan_import
from pipelines.mapping.live import live_on

TODAY = date(2026, 10, 15)
MAY, JUNE, DECEMBER = date(2026, 5, 1), date(2026, 6, 1), date(2026, 12, 1)
NOW = datetime(2026, 10, 15, tzinfo=UTC)


def account(target: str, key: str = "k", start: date | None = None, end: date | None = None) -> AccountMapping:
    """A decision that a key of Pax8 leads to one account."""
    return AccountMapping("Pax8", key, (Share(target, Decimal(1)),), validity=Validity(start, end))


def skip(start: date | None = None, end: date | None = None) -> SkippedKey:
    """A decision to put off what the key leads to."""
    return SkippedKey(KeyKind.ACCOUNT, "Pax8", "k", "waiting", Validity(start, end))


_Account = AccountMapping | SkippedKey


def plan(new: Sequence[_Account], standing: list[RecordedEntry], *, replace: bool = False) -> ImportPlan:
    """What importing these accounts does to what stands."""
    return plan_import(MappingDocument(accounts=tuple(new)), standing, replace=replace, today=TODAY)


def carried_out(done: ImportPlan, standing: list[RecordedEntry]) -> list[RecordedEntry]:
    """What stands after a plan."""
    return list(entries_after(done, standing, by="dana", at=NOW))


def recorded(*entries: _Account) -> list[RecordedEntry]:
    """The entries as recorded by earlier imports: e0, e1, …"""
    return [RecordedEntry(f"e{number}", entry, "dana", NOW) for number, entry in enumerate(entries)]


def test_new_keys_are_added() -> None:
    assert plan([account("250")], []) == ImportPlan((account("250"),), (), (), 0)


def test_the_same_entry_again_changes_nothing() -> None:
    assert plan([account("250", key=" k")], recorded(account("250"))) == ImportPlan((), (), (), 1)


def test_a_number_the_store_writes_longer_is_the_same_entry() -> None:
    document = MappingDocument(units=(UnitRule(service=ServiceId("1"), block=Decimal(2)),))
    stands = [RecordedEntry("e", UnitRule(service=ServiceId("1"), block=Decimal("2.0000000000")), "dana", NOW)]
    assert plan_import(document, stands, replace=True, today=TODAY) == ImportPlan((), (), (), 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(account("250"), account("251"), id="both have always been live"),
        pytest.param(account("250", start=MAY), account("251", start=MAY), id="both begin on one day"),
        pytest.param(account("250", start=MAY), account("251"), id="the new one has no beginning"),
        pytest.param(account("250", start=JUNE), account("251", start=MAY), id="the new one begins earlier"),
        pytest.param(account("250"), account("250", end=MAY), id="only the end is new"),
        pytest.param(account("250"), skip(), id="a mapping by a skip"),
        pytest.param(skip(end=DECEMBER), account("250"), id="a skip by a mapping"),
        pytest.param(skip(), skip(end=MAY), id="a skip that shall end"),
    ],
)
def test_an_entry_that_a_new_one_covers_from_its_start_is_superseded(old: _Account, new: _Account) -> None:
    assert plan([new], recorded(old)) == ImportPlan((new,), (), ("e0",), 0)


@pytest.mark.parametrize("new", [account("251", start=MAY), skip(start=MAY)], ids=["a mapping", "a skip"])
def test_an_entry_ends_where_a_later_one_begins(new: _Account) -> None:
    assert plan([new], recorded(account("250"))) == ImportPlan((new,), (("e0", MAY),), (), 0)


def test_with_replace_a_skip_that_the_file_does_not_name_ends() -> None:
    assert plan([], recorded(skip()), replace=True) == ImportPlan((), (("e0", TODAY),), (), 0)
    assert plan([skip()], recorded(skip()), replace=True) == ImportPlan((), (), (), 1)


def test_entries_that_do_not_meet_leave_each_other_alone() -> None:
    new = account("251", start=MAY)
    assert plan([new], recorded(account("250", end=MAY), account("250", key="other"))) == ImportPlan((new,), (), (), 0)


def test_an_export_that_shows_an_ending_imports_without_change() -> None:
    new = account("251", start=MAY)
    standing = carried_out(plan([new], recorded(account("250"))), recorded(account("250")))
    assert plan([account("250", end=MAY), new], standing) == ImportPlan((), (), (), 2)


def test_a_superseded_entry_is_recorded_anew_when_it_is_decided_again() -> None:
    standing = [changed(item, superseded_at=NOW) for item in recorded(account("250"))]
    assert plan([account("250")], standing) == ImportPlan((account("250"),), (), (), 0)


def test_an_entry_absent_from_the_file_stays() -> None:
    assert plan([], recorded(account("250"))) == ImportPlan((), (), (), 0)


def test_replace_ends_today_what_the_file_does_not_name() -> None:
    assert plan([], recorded(account("250")), replace=True) == ImportPlan((), (("e0", TODAY),), (), 0)


def test_replace_supersedes_what_has_not_begun() -> None:
    standing = recorded(account("250", start=DECEMBER), account("251", key="other", start=TODAY))
    assert plan([], standing, replace=True) == ImportPlan((), (), ("e0", "e1"), 0)


def test_replace_leaves_what_has_ended() -> None:
    standing = recorded(account("250", end=MAY), account("251", start=MAY, end=TODAY))
    assert plan([], standing, replace=True) == ImportPlan((), (), (), 0)


def test_replace_ends_an_entry_today_even_if_its_successor_begins_later() -> None:
    new = account("251", start=DECEMBER)
    assert plan([new], recorded(account("250")), replace=True) == ImportPlan((new,), (("e0", TODAY),), (), 0)


def test_sections_do_not_touch_each_other() -> None:
    service = ServiceMapping("Pax8", "k", (ServiceId("77"),))
    done = plan_import(MappingDocument(services=(service,)), recorded(account("250")), replace=False, today=TODAY)
    assert done == ImportPlan((service,), (), (), 0)


days = st.sampled_from([None, MAY, JUNE, TODAY, DECEMBER])


@st.composite
def files(draw: st.DrawFn) -> list[AccountMapping]:
    """What a mapping file may say: keys with up to two entries, one after the other."""
    found = []
    for key in draw(st.sets(st.sampled_from("abc"))):
        bounds = sorted(draw(st.sets(st.sampled_from([MAY, JUNE, TODAY, DECEMBER]), min_size=1, max_size=3)))
        edges = [draw(st.sampled_from([None, bounds[0]])), *bounds[1:], None]
        found += [account(draw(st.sampled_from(["1", "2"])), key, start, end) for start, end in pairwise(edges)]
    return found


@given(st.lists(st.tuples(files(), st.booleans()), min_size=1, max_size=4))
def test_after_any_history_an_import_says_what_its_file_says_and_a_second_one_nothing(
    history: list[tuple[list[AccountMapping], bool]],
) -> None:
    standing: list[RecordedEntry] = []
    for file, replace in history:
        done = plan(file, standing, replace=replace)
        standing = carried_out(done, standing)
        again = plan(file, standing, replace=replace)
        assert again == ImportPlan((), (), (), len(file))
        for day in (MAY, JUNE, TODAY, DECEMBER):
            live = set(live_on(standing, day).accounts)
            said = {entry for entry in file if entry.validity.covers(day)}
            assert said <= live
            assert live == said or not replace or day < TODAY
