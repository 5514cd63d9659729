"""A file that a person hands in is taken for what the person says, once, and never behind their back."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pipelines.intake.by_hand import HandedInError, PeriodNeededError, take_by_hand
from pipelines.intake.drops import ArrivalStatus, SourceVerdict
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import OverlayAction, RowOverlay
from pipelines.intake.take import TakenFile
from pipelines.intake.waiting import outdated_readings, take_waiting, waiting_files
from pipelines.periods import BillingPeriod
from tests.pipelines.intake.office import (
    ARRIVING,
    BY_PATH,
    BY_ROW,
    HEADER,
    HUBS,
    JULY,
    ROW_HEADER,
    SOURCE,
    TEN,
    TWELVE,
    Office,
    changed,
    dies,
)
from tests.pipelines.intake.reading import profile_of


def hand_in(
    office: Office, content: str, profile: ImportProfile, period: str | None = "2026-07", part: str | None = None
) -> TakenFile:
    file = office.folder / "u.csv"
    file.write_text(content, newline="")
    return take_by_hand(office.ports, file, profile, period, part)


def test_a_file_is_taken_for_the_month_that_the_person_names(office: Office) -> None:
    taken = hand_in(office, TEN, BY_PATH, "2026-05")
    assert (taken.verdict, taken.quantity) == (SourceVerdict.COMPLETE, Decimal(10))
    assert office.figures("2026-05") == {("u.csv", ""): "10"}
    arrival = office.arrival("u.csv")
    assert (arrival.status, arrival.period, arrival.part) == (ArrivalStatus.TAKEN, "2026-05", "")


@pytest.mark.parametrize("profile", [profile_of(), BY_PATH], ids=["no arrival", "a month in the path"])
def test_without_a_month_the_person_is_asked_for_it_and_nothing_is_remembered(
    office: Office, profile: ImportProfile
) -> None:
    with pytest.raises(PeriodNeededError, match=r"say which month u\.csv is for: --period YYYY-MM"):
        hand_in(office, TEN, profile, None)
    assert office.arrivals.by_id == {}


def test_without_a_month_the_profile_s_month_of_arrival_holds(office: Office) -> None:
    office.clock.now = datetime(2026, 7, 31, 22, 30, tzinfo=UTC)
    hand_in(office, TEN, ARRIVING, None)
    assert office.figures("2026-08") == {("u.csv", ""): "10"}


def test_without_a_month_rows_go_to_their_own(office: Office) -> None:
    hand_in(office, ROW_HEADER + "Acme,M365,10,2026-05\nAcme,M365,11,2026-06\n", BY_ROW, None)
    assert office.figures("2026-05") == {("u.csv", ""): "10"}
    assert office.figures("2026-06") == {("u.csv", ""): "11"}
    assert office.arrival("u.csv").period == "2026-07"


def test_a_named_month_keeps_the_rows_of_other_months_out(office: Office) -> None:
    hand_in(office, ROW_HEADER + "Acme,M365,10,2026-05\nAcme,M365,11,2026-06\n", BY_ROW, "2026-05")
    assert office.figures("2026-05") == {("u.csv", ""): "10"}
    assert office.figures("2026-06") == {}


def test_the_same_file_handed_in_twice_counts_once(office: Office) -> None:
    hand_in(office, TEN, BY_PATH)
    again = hand_in(office, TEN, BY_PATH)
    assert again.verdict is SourceVerdict.DUPLICATE
    assert office.arrival("u.csv").status is ArrivalStatus.DUPLICATE
    assert len(office.usage.published) == 1


def test_a_file_handed_in_replaces_the_one_of_the_inbox_and_does_not_make_it_wait_again(office: Office) -> None:
    root = profile_of(profile="root", arrives='{pattern: "*.csv", period: from_arrival}')
    office.profiles = {"root": root}
    office.drop("u.csv", TEN)
    office.tick()
    hand_in(office, TWELVE, root)
    assert office.figures("2026-07") == {("u.csv", ""): "12"}
    assert waiting_files(office.ports) == []


def test_a_part_is_named_or_the_file_would_be_added_to_the_parts(office: Office) -> None:
    office.drop("hub/2026-07/M\u00fcnchen.csv", TEN)
    office.tick()
    with pytest.raises(HandedInError, match="a month of hubs comes in parts: say which one the file is, --part NAME"):
        hand_in(office, TWELVE, HUBS)
    hand_in(office, TWELVE, HUBS, part="Mu\u0308nchen")
    assert office.figures("2026-07") == {("u.csv", "M\u00fcnchen"): "12"}


@pytest.mark.parametrize("profile", [profile_of(), BY_PATH], ids=["no arrival", "no parts"])
def test_a_part_of_a_profile_without_parts_is_refused(office: Office, profile: ImportProfile) -> None:
    with pytest.raises(HandedInError, match="comes in one file: leave --part out"):
        hand_in(office, TEN, profile, part="emea")


def test_a_profile_of_one_s_own_is_used_as_it_is(office: Office) -> None:
    counting = "{account_key: Account, service_key: Service, quantity: {count: rows}}"
    hand_in(office, HEADER + "Acme,M365,10\n", profile_of(profile="own", columns=counting, aggregate="{}"))
    assert office.figures("2026-07") == {("u.csv", ""): "1"}
    assert take_waiting(office.ports, JULY, SOURCE) == []


def test_a_profile_that_bears_the_name_of_another_one_is_refused(office: Office) -> None:
    with pytest.raises(HandedInError, match="the workspace knows another profile named 'monthly'"):
        hand_in(office, TEN, changed(BY_PATH))
    assert office.arrivals.by_id == {}


# --- failures ---------------------------------------------------------------------------------------------------------


def test_a_failure_is_told_at_once_and_no_run_takes_the_file_later(office: Office) -> None:
    office.reader.broken = {"u.csv"}
    with pytest.raises(OSError, match=r"input/output error on u\.csv"):
        hand_in(office, TEN, BY_PATH)
    arrival = office.arrival("u.csv")
    assert (arrival.status, arrival.reason) == (
        ArrivalStatus.QUARANTINED,
        "OSError: input/output error on u.csv",
    )
    office.reader.broken = set()
    hand_in(office, TWELVE, BY_PATH)
    assert office.tick() == []
    assert office.figures("2026-07") == {("u.csv", ""): "12"}


def test_a_file_that_is_being_handed_in_is_not_taken_by_a_run_beside_it(office: Office) -> None:
    office.reader.deadly = {"u.csv"}
    dies(lambda: hand_in(office, TEN, BY_PATH))
    assert office.arrival("u.csv").status is ArrivalStatus.WAITING
    assert waiting_files(office.ports) == []
    assert take_waiting(office.ports, JULY, SOURCE) == []


def test_a_released_file_is_read_for_what_it_was_handed_in_for(office: Office) -> None:
    office.reader.broken = {"u.csv"}
    with pytest.raises(OSError, match=r"u\.csv"):
        hand_in(office, TEN, HUBS, "2026-05", "emea")
    office.reader.broken = set()
    failed = office.arrival("u.csv")
    office.arrivals.release(failed.file_id)
    (waiting,) = waiting_files(office.ports)
    assert (waiting.period, waiting.source) == (BillingPeriod(2026, 5), SOURCE)
    office.tick()
    assert office.figures("2026-05") == {("u.csv", "emea"): "10"}
    settled = replace(failed, status=ArrivalStatus.TAKEN, reason=None)
    assert office.arrival("u.csv") == settled


def test_a_file_that_came_with_a_profile_of_its_own_is_corrected_with_that_one(office: Office) -> None:
    own = profile_of(profile="own")
    hand_in(office, HEADER + "Acme,M365,x\n", own)
    (revision,) = office.usage.published
    assert outdated_readings(office.ports, ["2026-07"]) == []
    (error,) = office.reader.read(office.folder / "u.csv", own, file_name="u.csv", overlays=()).rejected
    overlay = RowOverlay(error.row, error.record_hash, OverlayAction.FIX, "Quantity", "7", None, "dana")
    office.usage.decided[revision.drop] = (overlay,)
    (taken,) = take_waiting(office.ports, JULY, SOURCE)
    assert taken.quantity == Decimal(7)
    assert outdated_readings(office.ports, ["2026-07"]) == []
