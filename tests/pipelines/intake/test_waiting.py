"""What waits in the inbox is taken in once, for the right month, in the order in which it was written."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.identity import FileId
from pipelines.intake.drops import ArrivalStatus, DropIdentity, SourceVerdict
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import OverlayAction, RowOverlay
from pipelines.intake.tries import MOST_ATTEMPTS, FileSetAsideError
from pipelines.intake.waiting import UNRECOGNISED, archive_waiting, outdated_readings, take_waiting, waiting_files
from tests.pipelines.intake.office import (
    AUGUST,
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

# --- what waits ---------------------------------------------------------------------------------------------------


def test_a_file_waits_in_the_partition_of_its_month_and_source_until_it_was_read(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    (waiting,) = waiting_files(office.ports)
    assert (waiting.period, waiting.source, waiting.attempts, waiting.earlier) == (JULY, SOURCE, 0, None)
    (taken,) = office.tick()
    assert (taken.verdict, taken.quantity) == (SourceVerdict.COMPLETE, Decimal(10))
    assert office.arrival("in/2026-07/u.csv").status is ArrivalStatus.TAKEN
    assert waiting_files(office.ports) == []


def test_uploads_in_progress_and_hidden_files_do_not_wait(office: Office) -> None:
    for name in ("u.csv.part", "u.csv.TMP", ".u.csv", "u.csv~"):
        office.drop(f"in/2026-07/{name}", TEN)
    assert waiting_files(office.ports) == []


def test_archiving_touches_one_partition_alone(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.drop("in/2026-08/u.csv", TWELVE)
    (arrival,) = archive_waiting(office.ports, AUGUST, SOURCE)
    assert (arrival.path, arrival.period, arrival.part) == ("in/2026-08/u.csv", "2026-08", "")
    assert archive_waiting(office.ports, AUGUST, "another") == []
    assert take_waiting(office.ports, JULY, SOURCE) == []


def test_bytes_are_archived_before_they_are_read_and_stay_when_the_inbox_is_tidied(office: Office) -> None:
    file = office.drop("in/2026-07/u.csv", TEN)
    office.archive()
    file.unlink()
    assert [waiting.file.path for waiting in waiting_files(office.ports)] == ["in/2026-07/u.csv"]
    assert office.tick()[0].quantity == Decimal(10)


def test_archiving_again_changes_nothing(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    assert office.archive() == office.archive()
    assert len(office.arrivals.by_id) == 1


# --- never twice, never lost ----------------------------------------------------------------------------------------


def test_an_overwritten_file_is_a_new_arrival_and_replaces_the_first(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.tick()
    office.drop("in/2026-07/u.csv", TWELVE)
    office.tick()
    assert office.figures("2026-07") == {("u.csv", ""): "12"}
    assert [revision.revision for revision in office.usage.published] == [1, 2]


def test_the_same_content_under_another_name_counts_once(office: Office) -> None:
    office.drop("in/2026-07/a.csv", TEN)
    office.drop("in/2026-07/b.csv", TEN)
    taken = office.tick()
    assert [file.verdict for file in taken] == [SourceVerdict.COMPLETE, SourceVerdict.DUPLICATE]
    assert office.arrival("in/2026-07/b.csv").status is ArrivalStatus.DUPLICATE
    assert office.figures("2026-07") == {("a.csv", ""): "10"}


def test_parts_add_up_and_each_replaces_only_itself(office: Office) -> None:
    office.drop("hub/2026-07/emea.csv", TEN)
    office.drop("hub/2026-07/us.csv", TWELVE)
    office.tick()
    office.drop("hub/2026-07/us.csv", HEADER + "Acme,M365,3\n")
    office.tick()
    assert office.figures("2026-07") == {("emea.csv", "emea"): "10", ("us.csv", "us"): "3"}


def test_of_two_files_that_came_together_the_one_written_last_speaks(office: Office) -> None:
    office.drop("in/2026-07/usage.csv", TEN, written=1_000)
    office.drop("in/2026-07/usage (1).csv", TWELVE, written=2_000)
    office.tick()
    assert office.figures("2026-07") == {("usage (1).csv", ""): "12"}


def test_an_older_content_put_back_with_its_old_time_is_taken_in_again(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN, written=1_000)
    office.tick()
    office.drop("in/2026-07/u.csv", TWELVE, written=2_000)
    office.tick()
    office.drop("in/2026-07/u.csv", TEN, written=1_000)
    office.tick()
    assert office.figures("2026-07") == {("u.csv", ""): "10"}
    assert [revision.revision for revision in office.usage.published] == [1, 2, 3]
    assert waiting_files(office.ports) == []


def test_a_process_that_ends_after_publishing_leaves_a_file_that_was_taken_once(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.arrivals.dies_before_settling = True
    dies(office.tick)
    office.arrivals.dies_before_settling = False
    office.tick()
    assert len(office.usage.published) == 1
    assert office.arrival("in/2026-07/u.csv").status is ArrivalStatus.TAKEN


def test_a_released_refused_file_that_is_still_unreadable_stands_as_refused(office: Office) -> None:
    office.drop("in/2026-07/u.csv", "Account,Quantity\nAcme,10\n")
    office.tick()
    refused = office.arrival("in/2026-07/u.csv")
    assert refused.status is ArrivalStatus.REFUSED
    assert "'Service'" in (refused.reason or "")
    office.arrivals.release(refused.file_id)
    office.tick()
    again = office.arrival("in/2026-07/u.csv")
    assert (again.status, again.reason) == (ArrivalStatus.REFUSED, refused.reason)


# --- the right month --------------------------------------------------------------------------------------------------


def test_a_file_that_arrived_in_july_and_could_not_be_read_before_august_is_one_of_july(office: Office) -> None:
    office.clock.now = datetime(2026, 7, 31, 21, 0, tzinfo=UTC)
    office.drop("now/u.csv", TEN)
    office.reader.broken = {"u.csv"}
    with pytest.raises(OSError, match=r"input/output error on u\.csv"):
        office.tick()
    office.clock.now = datetime(2026, 8, 2, 8, 0, tzinfo=UTC)
    office.reader.broken = set()
    office.tick()
    assert (office.figures("2026-07"), office.figures("2026-08")) == ({("u.csv", ""): "10"}, {})


def test_a_file_whose_rows_have_months_waits_in_the_month_of_its_arrival(office: Office) -> None:
    office.drop("rows/u.csv", ROW_HEADER + "Acme,M365,10,2026-05\nAcme,M365,11,2026-06\n")
    (waiting,) = waiting_files(office.ports)
    assert waiting.period == JULY
    office.tick()
    assert office.figures("2026-05") == {("u.csv", ""): "10"}
    assert office.figures("2026-06") == {("u.csv", ""): "11"}
    assert office.figures("2026-07") == {}


def test_the_header_of_the_file_decides_between_profiles_before_and_after_it_is_archived(tmp_path: Path) -> None:
    other = profile_of(
        profile="other",
        arrives='{pattern: "**", period: from_arrival}',
        columns="{account_key: Customer, service_key: Service, quantity: Quantity}",
    )
    office = Office(tmp_path, BY_PATH, other)
    file = office.drop("in/2026-06/u.csv", TEN)
    (arrival,) = office.archive()
    file.unlink()
    assert (arrival.profile, arrival.period) == ("monthly", "2026-06")
    assert office.archive() == [arrival]


# --- quarantine -------------------------------------------------------------------------------------------------------


def test_a_file_no_profile_fits_is_quarantined_in_the_month_of_its_arrival(office: Office) -> None:
    office.drop("elsewhere/u.csv", TEN)
    (waiting,) = waiting_files(office.ports)
    assert (waiting.period, waiting.source) == (JULY, UNRECOGNISED)
    (arrival,) = archive_waiting(office.ports, JULY, UNRECOGNISED)
    assert arrival.status is ArrivalStatus.QUARANTINED
    assert arrival.reason == "no import profile has a pattern that fits its path (trueup profiles list)"
    assert (arrival.source, arrival.profile, arrival.period, arrival.part) == (None, None, None, None)
    assert take_waiting(office.ports, JULY, UNRECOGNISED) == []
    assert waiting_files(office.ports) == []


def test_a_released_file_is_assigned_anew_and_keeps_its_id_its_arrival_and_its_bytes(office: Office) -> None:
    file = office.drop("elsewhere/u.csv", TEN)
    (quarantined,) = office.archive()
    file.unlink()
    office.profiles["late"] = profile_of(profile="late", arrives='{pattern: "elsewhere/*", period: from_arrival}')
    office.clock.now = datetime(2026, 9, 1, 8, 0, tzinfo=UTC)
    assert waiting_files(office.ports) == []
    office.arrivals.release(quarantined.file_id)
    (taken,) = office.tick()
    arrival = office.arrival("elsewhere/u.csv")
    assert (arrival.file_id, arrival.arrived_at) == (quarantined.file_id, quarantined.arrived_at)
    assert (arrival.profile, arrival.period, arrival.status) == ("late", "2026-07", ArrivalStatus.TAKEN)
    assert taken.quantity == Decimal(10)


def test_a_released_file_that_still_fits_nothing_is_quarantined_again(office: Office) -> None:
    office.drop("elsewhere/u.csv", TEN)
    (quarantined,) = office.archive()
    office.arrivals.release(quarantined.file_id)
    assert office.archive() == [quarantined]


def test_a_file_that_fails_three_times_is_quarantined_while_the_others_go_on(office: Office) -> None:
    office.drop("hub/2026-07/emea.csv", TEN)
    office.drop("hub/2026-07/us.csv", TWELVE)
    office.reader.broken = {"emea.csv"}
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert office.arrivals.attempts_made().get(FileId("id0001"), 0) == attempt - 1
        with pytest.raises(OSError, match=r"input/output error on emea\.csv"):
            office.tick()
        assert office.figures("2026-07") == {("us.csv", "us"): "12"}
    failed = office.arrival("hub/2026-07/emea.csv")
    assert failed.status is ArrivalStatus.QUARANTINED
    assert failed.reason == "tried 3 times: OSError: input/output error on emea.csv"
    assert office.tick() == []

    office.reader.broken = set()
    office.arrivals.release(failed.file_id)
    (waiting,) = waiting_files(office.ports)
    assert waiting.attempts == 3
    office.tick()
    assert office.figures("2026-07") == {("us.csv", "us"): "12", ("emea.csv", "emea"): "10"}


def test_the_first_of_several_failures_is_raised(office: Office) -> None:
    office.drop("in/2026-07/a.csv", TEN)
    office.drop("in/2026-07/b.csv", TWELVE)
    office.reader.broken = {"a.csv", "b.csv"}
    with pytest.raises(OSError, match=r"on a\.csv"):
        office.tick()
    assert [office.arrival(f"in/2026-07/{name}").attempts for name in ("a.csv", "b.csv")] == [1, 1]


def test_a_file_whose_profile_was_removed_after_it_was_archived_says_so(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.archive()
    del office.profiles["monthly"]
    with pytest.raises(LookupError, match="the import profile 'monthly' is not there any more"):
        take_waiting(office.ports, JULY, SOURCE)


def test_a_file_that_ends_the_process_three_times_is_not_read_a_fourth_time(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.reader.deadly = {"u.csv"}
    for _ in range(MOST_ATTEMPTS):
        dies(office.tick)
    words = "tried 3 times, and the process ended each time while it was read"
    with pytest.raises(FileSetAsideError, match=words):
        office.tick()
    assert office.arrival("in/2026-07/u.csv").status is ArrivalStatus.QUARANTINED
    assert office.arrival("in/2026-07/u.csv").reason == words


# --- old figures never replace newer ones --------------------------------------------------------------------------


def fail_then_be_overtaken(office: Office, first: str, second: str) -> None:
    """The first file cannot be read, a later one of the same drop can."""
    name = first.rpartition("/")[2]
    office.drop(first, TEN if not first.startswith("rows") else ROW_HEADER + "Acme,M365,10,2026-07\n")
    office.reader.broken = {name}
    with pytest.raises(OSError, match=name):
        office.tick()
    office.drop(second, TWELVE if not second.startswith("rows") else ROW_HEADER + "Acme,M365,12,2026-07\n")
    with pytest.raises(OSError, match=name):
        office.tick()
    office.reader.broken = set()


@pytest.mark.parametrize("folder", ["in/2026-07", "now", "rows"])
def test_an_old_file_that_can_be_read_at_last_does_not_replace_a_later_one(office: Office, folder: str) -> None:
    fail_then_be_overtaken(office, f"{folder}/a.csv", f"{folder}/b.csv")
    with pytest.raises(FileSetAsideError, match=r"b\.csv arrived later for the same month and was read already"):
        office.tick()
    overtaken = office.arrival(f"{folder}/a.csv")
    assert overtaken.status is ArrivalStatus.QUARANTINED
    assert f"(trueup inbox release {overtaken.file_id})" in (overtaken.reason or "")
    assert office.figures("2026-07") == {("b.csv", ""): "12"}
    assert office.tick() == []


def test_a_person_may_put_an_overtaken_file_in_the_place_of_the_later_one(office: Office) -> None:
    fail_then_be_overtaken(office, "in/2026-07/a.csv", "in/2026-07/b.csv")
    with pytest.raises(FileSetAsideError):
        office.tick()
    office.arrivals.release(office.arrival("in/2026-07/a.csv").file_id)
    office.tick()
    assert office.figures("2026-07") == {("a.csv", ""): "10"}


def test_a_later_file_of_another_month_part_or_profile_overtakes_nothing(office: Office) -> None:
    office.drop("hub/2026-07/emea.csv", TEN)
    office.reader.broken = {"emea.csv"}
    with pytest.raises(OSError, match="emea"):
        office.tick()
    for path in ("hub/2026-08/emea.csv", "hub/2026-07/us.csv", "in/2026-07/u.csv"):
        office.drop(path, TWELVE)
    with pytest.raises(OSError, match="emea"):
        office.tick()
    office.reader.broken = set()
    office.tick()
    assert office.figures("2026-07")["emea.csv", "emea"] == "10"


# --- reading again ----------------------------------------------------------------------------------------------------


def fix(office: Office, drop: DropIdentity, value: str) -> None:
    """A person corrects the quantity of record 2, as the command line records it."""
    (revision,) = [r for r in office.arrivals.current_revisions(drop.period) if r.drop == drop]
    raw = office.ports.archive.path(revision.sha256)
    profile = office.profiles[drop.profile]
    (error,) = office.reader.read(raw, profile, file_name="u.csv", overlays=()).rejected
    overlay = RowOverlay(error.row, error.record_hash, OverlayAction.FIX, "Quantity", value, None, "dana")
    office.usage.decided[drop] = (overlay,)


def test_a_reading_that_a_person_corrected_is_outdated_and_read_again(office: Office) -> None:
    drop = DropIdentity(SOURCE, "monthly", "2026-07")
    office.drop("in/2026-07/u.csv", HEADER + "Acme,M365,x\n")
    office.tick()
    assert outdated_readings(office.ports, ["2026-07"]) == []
    fix(office, drop, "7")
    ((revision, rests_on),) = outdated_readings(office.ports, ["2026-06", "2026-07"], SOURCE)
    assert (revision.drop, rests_on.partition("|")[2]) == (drop, BY_PATH.version)
    assert outdated_readings(office.ports, ["2026-07"], "another") == []
    assert outdated_readings(office.ports, ["2026-06"]) == []
    (taken,) = take_waiting(office.ports, JULY, SOURCE)
    assert taken.quantity == Decimal(7)
    assert outdated_readings(office.ports, ["2026-07"]) == []


def test_a_reading_under_an_older_version_of_its_profile_is_outdated_and_read_again(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.tick()
    office.profiles["monthly"] = changed(BY_PATH)
    ((_, rests_on),) = outdated_readings(office.ports, ["2026-07"])
    assert rests_on == f"|{changed(BY_PATH).version}"
    take_waiting(office.ports, JULY, SOURCE)
    assert [revision.profile_version for revision in office.usage.published] == [
        BY_PATH.version,
        changed(BY_PATH).version,
    ]
    assert outdated_readings(office.ports, ["2026-07"]) == []


@pytest.mark.parametrize("now", [None, profile_of(profile="monthly", source="Acme Renamed")])
def test_a_profile_that_is_gone_or_names_another_source_outdates_nothing(
    office: Office, now: ImportProfile | None
) -> None:
    office.drop("in/2026-07/u.csv", HEADER + "Acme,M365,x\n")
    office.tick()
    fix(office, DropIdentity(SOURCE, "monthly", "2026-07"), "7")
    del office.profiles["monthly"]
    if now:
        office.profiles["monthly"] = now
    with pytest.raises(LookupError, match="no import profile 'monthly' of Acme Distribution is there"):
        take_waiting(office.ports, JULY, SOURCE)
    office.usage.decided.clear()
    assert outdated_readings(office.ports, ["2026-07"]) == []
    assert len(office.usage.published) == 1


def test_a_reading_whose_arrival_is_not_recorded_cannot_be_repeated(office: Office) -> None:
    office.drop("in/2026-07/u.csv", TEN)
    office.tick()
    office.arrivals.by_id.clear()
    office.profiles["monthly"] = changed(BY_PATH)
    with pytest.raises(LookupError, match=r"the arrival id0001 of u\.csv is not recorded"):
        take_waiting(office.ports, JULY, SOURCE)


def test_a_reading_that_cannot_be_repeated_keeps_no_other_file_out(office: Office) -> None:
    office.drop("hub/2026-07/emea.csv", TEN)
    office.drop("hub/2026-07/us.csv", TWELVE)
    office.tick()
    office.profiles["hubs"] = changed(HUBS)
    office.reader.broken = {"emea.csv"}
    with pytest.raises(OSError, match="emea"):
        take_waiting(office.ports, JULY, SOURCE)
    assert [r.drop.part for r in office.usage.published if r.profile_version == changed(HUBS).version] == ["us"]


def test_reading_a_file_of_several_months_again_never_revives_a_month_that_a_later_file_speaks_for(
    office: Office,
) -> None:
    office.drop("rows/first.csv", ROW_HEADER + "Acme,M365,10,2026-07\nAcme,M365,10,2026-08\n")
    office.tick()
    office.drop("rows/second.csv", ROW_HEADER + "Acme,M365,12,2026-08\n")
    office.tick()
    office.profiles["rows"] = changed(BY_ROW)
    take_waiting(office.ports, JULY, SOURCE)
    assert office.figures("2026-08") == {("second.csv", ""): "12"}
    assert [r.drop.period for r, _ in outdated_readings(office.ports, ["2026-07", "2026-08"])] == ["2026-08"]
    take_waiting(office.ports, AUGUST, SOURCE)
    assert office.figures("2026-07") == {("first.csv", ""): "10"}
    assert office.figures("2026-08") == {("second.csv", ""): "12"}


def test_a_corrected_row_reaches_the_month_that_the_correction_names(office: Office) -> None:
    office.drop("rows/u.csv", ROW_HEADER + "Acme,M365,10,2026-07\nBolt,M365,5,soon\n")
    office.tick()
    (revision,) = office.arrivals.current_revisions("2026-07")
    raw = office.ports.archive.path(revision.sha256)
    (error,) = office.reader.read(raw, BY_ROW, file_name="u.csv", overlays=()).rejected
    named = RowOverlay(error.row, error.record_hash, OverlayAction.FIX, "Month", "2026-09", None, "dana")
    office.usage.decided[revision.drop] = (named,)
    take_waiting(office.ports, JULY, SOURCE)
    assert office.figures("2026-07") == {("u.csv", ""): "10"}
    assert office.figures("2026-09") == {("u.csv", ""): "5"}
