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
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.shipped import shipped_profiles
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
        ("pax8/1999-12/usage.csv", "1999-12"),
        ("pax8/219901/usage.csv", "2199-01"),
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
        ("in/**/{period}.csv", "in/a/b/2026-07.csv", "2026-07"),
        ("in/**{period}.csv", "in/a/b-2026-07.csv", "2026-07"),
        ("in/report ({period}).csv", "in/report (2026-07).csv", "2026-07"),
        ("in/[a-z]+.{period}$^|x\\\\d.csv", "in/[a-z]+.2026-07$^|x\\d.csv", "2026-07"),
        ("in/*{period}*.csv", "in/new\nline 2026-07\n.csv", "2026-07"),
        ("in/{period}?.csv", "in/2026-07\n.csv", "2026-07"),
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


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("in/?{period}.csv", "in/2026-07.csv", id="a question mark is one character"),
        pytest.param("in/?{period}.csv", "in//2026-07.csv", id="and never a slash"),
        pytest.param("in/*{period}.csv", "in/a/2026-07.csv", id="a star stays in its folder"),
        pytest.param("in/{period}.csv", "IN/2026-07.CSV", id="letter case counts"),
        pytest.param("in/{period}.csv", "in/2026-07xcsv", id="a point is a point"),
        pytest.param("in/a+{period}.csv", "in/aa2026-07.csv", id="a plus is a plus"),
        pytest.param("in/{period}.csv", "in/2026-07.csv\n", id="nothing may follow, a line end neither"),
        pytest.param("in/{period}.csv", "\nin/2026-07.csv", id="nothing may stand before"),
        pytest.param("in/**/{period}.csv", "inside/2026-07.csv", id="folders are whole"),
    ],
)
def test_what_looks_nearly_like_a_pattern_does_not_fit_it(pattern: str, path: str) -> None:
    found = assigned(path, profile("x", pattern))
    assert isinstance(found, Unassigned)
    assert found.reason.startswith("no import profile")


@pytest.mark.parametrize("text", ["1026-07", "2206-07", "07-1826", "07.2206", "220607"])
def test_a_year_that_can_only_be_a_typing_error_is_quarantined(text: str) -> None:
    found = assigned(f"pax8/{text}/u.csv", profile("pax8", "pax8/{period}/*.csv"))
    assert isinstance(found, Unassigned)
    assert found.reason.startswith(f"{text!r} in its path is no month")


@pytest.mark.parametrize("text", ["2026-7", "20267", "2026_07", "7-2026", "07/2026", "Jul-2026", "２０２６-07"])
def test_only_the_four_spellings_name_a_month(text: str) -> None:
    assert month(f"pax8/{text}/u.csv") is None


def test_digits_before_a_month_are_not_cut_off() -> None:
    assert month("in/12026-07.csv", "in/*{period}.csv") is None
    assert month("in/u1202607.csv", "in/*{period}.csv") is None
    assert month("in/u-202607.csv", "in/*{period}.csv") == "2026-07"


def test_a_part_is_one_piece_of_the_path() -> None:
    hubs = profile("hubs", "hub/{period}/{part}/*.csv", "period: from_path, part: from_path")
    found = assigned("hub/2026-07/EMEA north/u.csv", hubs)
    assert found == Assignment("hubs", "Acme Distribution", BillingPeriod(2026, 7), "EMEA north")


@pytest.mark.parametrize("path", ["hub/2026-07/u.csv", "hub/2026-07//u.csv", "hub/2026-07/a/b/u.csv"])
def test_a_part_is_neither_blank_nor_several_folders(path: str) -> None:
    hubs = profile("hubs", "hub/{period}/{part}/*.csv", "period: from_path, part: from_path")
    assert isinstance(assigned(path, hubs), Unassigned)


def test_a_part_has_one_spelling_however_a_computer_composes_its_letters() -> None:
    hubs = profile("hubs", "hub/{period}/{part}.csv", "period: from_path, part: from_path")
    assert assigned("hub/2026-07/Mu\u0308nchen.csv", hubs) == assigned("hub/2026-07/M\u00fcnchen.csv", hubs)


def test_two_parts_in_one_path_are_not_chosen_between() -> None:
    hubs = profile("hubs", "hub/{period}/*-{part}.csv", "period: from_path, part: from_path")
    found = assigned("hub/2026-07/usage-us-north.csv", hubs)
    assert isinstance(found, Unassigned)
    assert found.reason.startswith("its path names two parts, 'us-north' and 'north' (pattern hub/")
    plain = assigned("hub/2026-07/usage-north.csv", hubs)
    assert isinstance(plain, Assignment)
    assert plain.part == "north"


def test_a_part_beside_the_month_does_not_hide_that_the_path_names_two() -> None:
    hubs = profile("hubs", "{part}_{period}*.csv", "period: from_path, part: from_path")
    found = assigned("emea_2026-07_2026-08.csv", hubs)
    assert isinstance(found, Unassigned)
    assert "two months, '2026-07' and '2026-08'" in found.reason


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


def test_a_profile_without_a_month_and_one_with_a_typing_error_are_told_apart_by_the_header() -> None:
    monthly, daily = profile("monthly", "in/{period}.csv"), profile("daily", "in/*.csv", "period: from_arrival")
    found = assigned("in/2026-13.csv", monthly, daily, fitting=("monthly",))
    assert isinstance(found, Unassigned)
    assert found.reason.startswith("'2026-13' in its path is no month")
    taken = assigned("in/2026-13.csv", monthly, daily, fitting=("daily",))
    assert isinstance(taken, Assignment)
    assert taken.profile == "daily"


@pytest.mark.parametrize(
    ("instant", "zone", "lag", "expected"),
    [
        pytest.param("2026-08-31T23:30", "Europe/Berlin", 0, "2026-09", id="September has begun in Berlin"),
        pytest.param("2026-08-31T21:59", "Europe/Berlin", 0, "2026-08", id="the last minute of August"),
        pytest.param("2026-08-31T23:30", "America/New_York", 0, "2026-08", id="New York is behind"),
        pytest.param("2026-12-31T23:30", "Europe/Berlin", 0, "2027-01", id="a new year has begun"),
        pytest.param("2026-12-31T23:30", "Europe/Berlin", 1, "2026-12", id="less one month"),
        pytest.param("2027-01-01T03:00", "America/New_York", 0, "2026-12", id="the old year goes on"),
        pytest.param("2027-01-15T12:00", "Europe/Berlin", 1, "2026-12", id="over the new year"),
        pytest.param("2027-01-15T12:00", "Europe/Berlin", 13, "2025-12", id="and one year more"),
        pytest.param("2026-03-31T10:30", "Pacific/Kiritimati", 0, "2026-04", id="fourteen hours ahead"),
    ],
)
def test_the_month_of_arrival_is_the_tenant_s_own_less_the_lag(
    instant: str, zone: str, lag: int, expected: str
) -> None:
    arriving = profile("x", "in/*", f"period: from_arrival, lag: {lag}")
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    found = assign("in/u.csv", [arriving], at, ZoneInfo(zone), lambda _: False)
    assert isinstance(found, Assignment)
    assert found.period == BillingPeriod.from_key(expected)


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


@pytest.mark.parametrize("name", ["recon.csv", "recon.csv.gz"])
def test_a_reconciliation_file_of_partner_center_arrives_packed_or_not(name: str) -> None:
    nce = load_profile(shipped_profiles()["microsoft-nce"])
    assert isinstance(assigned(f"microsoft-nce/2026-10/{name}", nce), Assignment)
