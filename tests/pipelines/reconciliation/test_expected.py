"""Who is expected to speak for a month, and the three verdicts that are never merged."""

from pipelines.intake.drops import ArrivalStatus, DropIdentity, SourceVerdict
from pipelines.reconciliation.expected import (
    MonthVerdict,
    expected_drops,
    heard_sources,
    month_verdict,
    source_states,
    sources_as_json,
)
from pipelines.reconciliation.inputs import SourceState
from tests.pipelines.months import arrival, revision

SEPTEMBER = DropIdentity("Pax8", "pax8-subscriptions", "2026-09")


def test_a_month_with_every_source_complete_is_reconciled() -> None:
    expected = expected_drops([revision()], [SEPTEMBER], ["Pax8"])
    assert month_verdict(expected, is_psa_copied=True) is MonthVerdict.RECONCILED
    assert source_states(expected, is_psa_copied=True) == (SourceState("Pax8", True),)


def test_nothing_expected_is_nothing_to_reconcile_and_not_clean() -> None:
    assert month_verdict([], is_psa_copied=True) is MonthVerdict.NOTHING_TO_RECONCILE


def test_a_file_that_nobody_can_place_is_never_nothing_to_reconcile() -> None:
    verdict = month_verdict([], is_psa_copied=True, is_file_unassigned=True)
    assert verdict is MonthVerdict.COULD_NOT_RECONCILE


def test_a_failed_psa_copy_is_never_nothing_to_reconcile() -> None:
    assert month_verdict([], is_psa_copied=False) is MonthVerdict.COULD_NOT_RECONCILE
    expected = expected_drops([revision()], [], [])
    assert source_states(expected, is_psa_copied=False) == (SourceState("Pax8", False),)


def test_a_file_the_month_before_had_is_waited_for() -> None:
    expected = expected_drops([], [SEPTEMBER], [])
    assert month_verdict(expected, is_psa_copied=True) is MonthVerdict.COULD_NOT_RECONCILE
    assert expected[0].reasons == ("no file of Pax8 (profile pax8-subscriptions) has arrived for this month",)


def test_a_source_with_a_live_mapping_is_expected_even_if_it_never_came() -> None:
    expected = expected_drops([revision()], [], ["Pax8", "NinjaOne"])
    assert [(drop.source, drop.profile) for drop in expected] == [
        ("NinjaOne", None),
        ("Pax8", "pax8-subscriptions"),
    ]
    assert expected[0].reasons == ("no file of NinjaOne has arrived for this month",)
    assert expected[0].verdict is SourceVerdict.INCOMPLETE


def test_one_missing_part_silences_its_whole_source() -> None:
    north = DropIdentity("Pax8", "pax8-subscriptions", "2026-09", "north")
    expected = expected_drops([revision()], [north], [])
    assert source_states(expected, is_psa_copied=True) == (SourceState("Pax8", False),)
    assert "part north" in expected[1].reasons[0]


def test_a_refused_file_says_why_in_its_source() -> None:
    refused = revision(verdict=SourceVerdict.REFUSED, reasons=("the column Quantity is missing",), lake_path=None)
    (shown,) = sources_as_json(expected_drops([refused], [], []), [])
    assert (shown["verdict"], shown["reasons"]) == ("refused", ["the column Quantity is missing"])


def test_the_sources_list_shows_files_missing_ones_and_duplicates() -> None:
    duplicate = arrival(ArrivalStatus.DUPLICATE, name="pax8 (1).csv")
    shown = sources_as_json(expected_drops([revision()], [], ["NinjaOne"]), [duplicate])
    assert [(item["source"], item["file"], item["verdict"]) for item in shown] == [
        ("NinjaOne", None, "incomplete"),
        ("Pax8", "pax8.csv", "complete"),
        ("Pax8", "pax8 (1).csv", "duplicate"),
    ]
    assert shown[1]["profile"] == "pax8-subscriptions@3f2a"
    assert shown[1]["rows"]["in"] == 3
    assert shown[1]["quantity"] == "12"


def test_a_source_was_heard_when_it_was_complete_wherever_it_was_published() -> None:
    duplicate = arrival(ArrivalStatus.DUPLICATE)
    whole = sources_as_json(expected_drops([revision(), revision("NinjaOne")], [], []), [duplicate])
    assert heard_sources(whole) == {"Pax8", "NinjaOne"}
    cut_off = sources_as_json(expected_drops([revision(verdict=SourceVerdict.INCOMPLETE)], [], []), [])
    assert heard_sources([*whole, *cut_off]) == {"NinjaOne"}
    assert heard_sources(sources_as_json([], [duplicate])) == frozenset()
