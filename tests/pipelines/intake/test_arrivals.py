"""A path says which profile, month and part a file speaks for; where it does not, a person is asked."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pipelines.intake.arrivals import (
    Assignment,
    InboxFile,
    Unassigned,
    assign,
    changes,
    is_temporary,
    period_of_text,
)
from pipelines.intake.profile import ImportProfile
from pipelines.periods import BillingPeriod
from tests.pipelines.intake.reading import profile_of

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 8, 31, 23, 30, tzinfo=UTC)
"""Already September in Berlin."""


def profile(name: str, pattern: str, more: str = "period: from_path") -> ImportProfile:
    return profile_of(profile=name, arrives=f'{{pattern: "{pattern}", {more}}}')


def assigned(path: str, *profiles: ImportProfile, fitting: tuple[str, ...] = ()) -> Assignment | Unassigned:
    return assign(path, profiles, NOW, BERLIN, lambda candidate: candidate.name in fitting)


def month(path: str, pattern: str = "pax8/{period}/*.csv") -> str | None:
    found = assigned(path, profile("pax8", pattern))
    return found.period.key if isinstance(found, Assignment) and found.period else None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("pax8/2026-07/usage.csv", "2026-07"),
        ("pax8/202607/usage.csv", "2026-07"),
        ("pax8/07-2026/usage.csv", "2026-07"),
        ("pax8/07.2026/usage.csv", "2026-07"),
        ("pax8/2026-07/a/usage.csv", None),
        ("pax8/2026-07/usage.txt", None),
        ("other/pax8/2026-07/usage.csv", None),
        ("pax8/2026-07/", None),
    ],
)
def test_a_month_is_read_from_the_path(path: str, expected: str | None) -> None:
    assert month(path) == expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("**/{period}.csv", "2026-07.csv", "2026-07"),
        ("**/{period}.csv", "a/b/2026-07.csv", "2026-07"),
        ("in/**/u{period}??.csv", "in/x/u202607ab.csv", "2026-07"),
        ("in/**", "in/a/b.csv", None),
        ("in/report ({period}).csv", "in/report (2026-07).csv", "2026-07"),
    ],
)
def test_stars_and_question_marks_stand_for_what_they_do_in_a_shell(
    pattern: str, path: str, expected: str | None
) -> None:
    more = "period: from_path" if "{period}" in pattern else "period: from_column"
    columns = "{account_key: A, service_key: S, quantity: Q, period: P}"
    found = assigned(path, profile_of(columns=columns, arrives=f'{{pattern: "{pattern}", {more}}}'))
    assert isinstance(found, Assignment)
    assert (found.period and found.period.key) == expected


def test_a_part_is_one_piece_of_the_path() -> None:
    hubs = profile("hubs", "hub/{period}/{part}/*.csv", "period: from_path, part: from_path")
    found = assigned("hub/2026-07/EMEA north/u.csv", hubs)
    assert found == Assignment("hubs", "Acme Distribution", BillingPeriod(2026, 7), "EMEA north")


def test_a_file_that_fits_nothing_is_for_a_person() -> None:
    found = assigned("pax9/2026-07/u.csv", profile("pax8", "pax8/{period}/*.csv"), profile_of())
    assert isinstance(found, Unassigned)
    assert found.reason == "no import profile has a pattern that fits its path (trueup profiles list)"


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "13-2026", "2026-7-1", "0000-01", "20260", "2026.07"])
def test_a_month_that_is_none_is_quarantined_with_its_text(text: str) -> None:
    assert period_of_text(text) is None
    found = assigned(f"pax8/{text}/u.csv", profile("pax8", "pax8/{period}/*.csv"))
    assert isinstance(found, Unassigned)
    assert found.reason.startswith((f"{text!r} in its path is no month: write YYYY-MM", "no import profile"))


def test_two_months_in_one_path_are_not_chosen_between() -> None:
    found = assigned("in/2026-07_to_2026-08.csv", profile("x", "in/*{period}*.csv"))
    assert isinstance(found, Unassigned)
    assert "two months, '2026-07' and '2026-08'" in found.reason
    assert month("in/usage_2026-07_v2.csv", "in/*{period}*.csv") == "2026-07"
    assert month("in/daily20201012.csv", "in/*{period}*.csv") == "2020-10"


def test_the_header_decides_between_two_profiles_that_fit() -> None:
    one, other = profile("one", "in/{period}/*.csv"), profile("other", "in/{period}/*.csv")
    path = "in/2026-07/u.csv"
    assert assigned(path, one, other, fitting=("other",)) == Assignment(
        "other", "Acme Distribution", BillingPeriod(2026, 7)
    )
    both, none = assigned(path, one, other, fitting=("one", "other")), assigned(path, one, other)
    assert isinstance(both, Unassigned)
    assert both.reason == "the profiles one, other fit its path and its header: make their patterns differ"
    assert isinstance(none, Unassigned)
    assert none.reason == "the profiles one, other fit its path, and its header fits none of them"


def test_the_month_of_arrival_is_the_tenant_s_own_less_the_lag() -> None:
    found = assigned("in/u.csv", profile("x", "in/*", "period: from_arrival"))
    lagging = assigned("in/u.csv", profile("x", "in/*", "period: from_arrival, lag: 1"))
    assert isinstance(found, Assignment)
    assert isinstance(lagging, Assignment)
    assert (found.period, lagging.period) == (BillingPeriod(2026, 9), BillingPeriod(2026, 8))


@pytest.mark.parametrize(
    "path", ["in/u.csv.part", "in/U.CSV.TMP", "u.filepart", ".u.csv", ".hidden/u.csv", "a/.git/u.csv"]
)
def test_a_name_of_an_upload_in_progress_or_a_hidden_one_is_left_alone(path: str) -> None:
    assert is_temporary(path)


def test_a_plain_name_is_not_temporary() -> None:
    assert not is_temporary("pax8/2026-07/part.tmp.csv")


def test_new_and_rewritten_files_are_changes() -> None:
    old, new, rewritten = InboxFile("a", 1, "v1"), InboxFile("b", 1, "v1"), InboxFile("c", 2, "v2")
    assert changes({"a": "v1", "c": "v1", "gone": "v1"}, [old, new, rewritten]) == [new, rewritten]


def test_a_file_that_still_grows_is_a_change_against_the_look_before() -> None:
    growing, stable, new = InboxFile("a", 2, "v2"), InboxFile("b", 1, "v1"), InboxFile("c", 1, "v1")
    assert changes({"a": "v1", "b": "v1"}, [growing, stable, new]) == [growing, new]
