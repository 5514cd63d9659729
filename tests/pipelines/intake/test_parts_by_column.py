"""Files whose rows name their part of the month: a hub, an account or a currency in a column.

Belongs here: which drops such a file becomes, what a later file replaces, what is rejected, held and refused.
Does not belong here: parts that a path names (``test_arrivals``), rows that name their month (``test_take``).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.by_hand import HandedInError, take_by_hand
from pipelines.intake.drops import ArrivalStatus, SourceVerdict, UsageRevision
from pipelines.intake.profile import ImportProfile, ProfileError
from pipelines.intake.readings import ReadFile, Slice
from pipelines.intake.rows import OverlayAction, RowOverlay
from pipelines.intake.waiting import outdated_readings, take_waiting
from pipelines.reconciliation.expected import MonthVerdict, expected_drops, month_verdict
from tests.pipelines.intake.office import AUGUST, JULY, SOURCE, Office, changed
from tests.pipelines.intake.reading import profile_of, read_text

COLUMNS = "{account_key: Account, service_key: Service, quantity: Quantity, part: Hub}"
MONTHS = "{account_key: Account, service_key: Service, quantity: Quantity, part: Hub, period: Month}"
IN_PATH = '{pattern: "in/{period}/*.csv", period: from_path, part: from_column}'
IN_ROWS = '{pattern: "rows/*", period: from_column, part: from_column}'
HEADER = "Account,Service,Quantity,Hub\n"
MONTHS_HEADER = "Account,Service,Quantity,Hub,Month\n"
BOTH = HEADER + "Acme,M365,10,EMEA\nBolt,M365,4,US\n"


def parted(**more: str) -> ImportProfile:
    """A profile whose rows name their hub; the month is that of the path."""
    return profile_of(**{"profile": "hubs", "columns": COLUMNS, "arrives": IN_PATH} | more)


def by_month(**more: str) -> ImportProfile:
    """A profile whose rows name their hub and their month."""
    return parted(**{"columns": MONTHS, "arrives": IN_ROWS} | more)


@pytest.fixture
def hubs(office: Office) -> Office:
    """An office that reads hubs from a column."""
    office.profiles = {"hubs": parted()}
    return office


def drop(office: Office, content: str, path: str = "in/2026-07/u.csv") -> None:
    """Put a file into the inbox and let it be taken in."""
    office.drop(path, content)
    office.tick()


def standing(office: Office, period: str = "2026-07") -> dict[str, tuple[int, str, str]]:
    """Number, verdict and quantity of what speaks now, by part."""
    return {
        revision.drop.part: (revision.revision, str(revision.verdict), f"{revision.quantity.normalize():f}")
        for revision in office.arrivals.current_revisions(period)
    }


def rejected_by(read: ReadFile) -> dict[str | None, list[int]]:
    """The rejected records of each part."""
    return {of.part: [error.row for error in reading.rejected] for of, reading in read.slices.items()}


# --- one file, several drops ------------------------------------------------------------------------------------------


def test_two_hubs_in_one_file_become_two_drops_that_add_up(hubs: Office) -> None:
    drop(hubs, BOTH)
    assert standing(hubs) == {"EMEA": (1, "complete", "10"), "US": (1, "complete", "4")}
    for revision in hubs.arrivals.current_revisions("2026-07"):
        assert revision.rows.as_json() | {"valid": 1, "ignored": 1} == revision.rows.as_json()
        assert revision.rows.total == 3


def test_months_and_hubs_become_a_drop_for_each_month_of_each_hub(office: Office) -> None:
    office.profiles = {"hubs": by_month()}
    rows = "Acme,M365,10,EMEA,2026-07\nAcme,M365,11,EMEA,2026-08\nBolt,M365,4,US,2026-08\n"
    drop(office, MONTHS_HEADER + rows, "rows/u.csv")
    assert standing(office) == {"EMEA": (1, "complete", "10")}
    assert standing(office, "2026-08") == {"EMEA": (1, "complete", "11"), "US": (1, "complete", "4")}


def test_one_part_however_it_is_spaced_or_its_letters_are_coded_is_one_part(tmp_path: Path) -> None:
    content = HEADER + "a,M,1,EU West\nb,M,2, EU \u00a0West \nc,M,4,\uff25\uff35 West\nd,M,8,eu west\n"
    read = read_text(tmp_path, content, parted())
    assert {of.part: reading.quantity for of, reading in read.slices.items()} == {"EU West": 7, "eu west": 8}
    assert [reading.usage.num_rows for reading in read.slices.values()] == [3, 1]


def test_letter_case_is_the_profile_s_to_fold(tmp_path: Path) -> None:
    columns = COLUMNS.replace("part: Hub", "part: {column: Hub, case: upper}")
    read = read_text(tmp_path, HEADER + "a,M,1,emea\nb,M,2,EMEA\n", parted(columns=columns))
    assert list(read.slices) == [Slice(None, "EMEA")]


@pytest.mark.parametrize(
    ("part", "named"),
    [
        pytest.param("[Hub, Service]", "EMEA|M365", id="of two columns"),
        pytest.param("{constant: all}", "all", id="the same for every row"),
        pytest.param("{column: Hub, extract: '^..'}", "EM", id="a piece of a cell"),
    ],
)
def test_a_part_is_read_like_other_texts(tmp_path: Path, part: str, named: str) -> None:
    read = read_text(tmp_path, HEADER + "Acme,M365,1,EMEA\n", parted(columns=COLUMNS.replace("Hub", part)))
    assert list(read.slices) == [Slice(None, named)]


def test_each_part_is_reduced_by_itself_when_a_profile_is_checked(tmp_path: Path) -> None:
    rows = read_text(tmp_path, BOTH, parted()).table.to_pylist()
    assert [row["part"] for row in rows] == ["EMEA", "US"]
    assert len({row["drop_id"] for row in rows}) == 2


def test_rows_that_are_each_final_may_stand_once_in_each_part(tmp_path: Path) -> None:
    content = HEADER + "Acme,M365,1,EMEA\nAcme,M365,2,US\nBolt,M365,3,US\nBolt,M365,4, US \n"
    read = read_text(tmp_path, content, parted(aggregate="{method: none}"))
    assert rejected_by(read) == {"EMEA": [], "US": [4, 5]}


# --- a later file -----------------------------------------------------------------------------------------------------


def test_a_new_file_replaces_the_parts_that_it_names_and_no_other(hubs: Office) -> None:
    drop(hubs, BOTH)
    drop(hubs, HEADER + "Acme,M365,12,EMEA\n", "in/2026-07/later.csv")
    assert standing(hubs) == {"EMEA": (2, "complete", "12"), "US": (1, "complete", "4")}


def test_a_file_of_which_one_part_changed_is_new_for_all_its_parts_and_the_same_bytes_for_none(hubs: Office) -> None:
    drop(hubs, BOTH)
    drop(hubs, BOTH.replace(",4,", ",5,"))
    assert standing(hubs) == {"EMEA": (2, "complete", "10"), "US": (2, "complete", "5")}
    drop(hubs, BOTH.replace(",4,", ",5,"), "in/2026-07/again.csv")
    arrival = hubs.arrival("in/2026-07/again.csv")
    assert (arrival.status, arrival.part) == (ArrivalStatus.DUPLICATE, "")
    assert arrival.reason is not None
    assert "the same content is revision 2 of 2026-07, part EMEA already" in arrival.reason


def test_a_part_of_the_month_before_that_does_not_come_keeps_the_month_open(hubs: Office) -> None:
    drop(hubs, BOTH, "in/2026-07/u.csv")
    drop(hubs, HEADER + "Acme,M365,10,EMEA\n", "in/2026-08/u.csv")
    now = hubs.arrivals.current_revisions("2026-08")
    expected = expected_drops(now, [r.drop for r in hubs.arrivals.current_revisions("2026-07")], [])
    assert month_verdict(expected, is_psa_copied=True) is MonthVerdict.COULD_NOT_RECONCILE
    assert [reason for one in expected for reason in one.reasons] == [
        f"no file of {SOURCE} (profile hubs, part US) has arrived for this month"
    ]


def test_a_part_with_fewer_rows_than_a_month_ago_is_held_against_itself(hubs: Office) -> None:
    many = "".join(f"c{number},M365,1,US\n" for number in range(4))
    drop(hubs, HEADER + "Acme,M365,10,EMEA\n" + many)
    drop(hubs, BOTH, "in/2026-08/u.csv")
    assert standing(hubs, "2026-08") == {"EMEA": (1, "complete", "10"), "US": (1, "incomplete", "4")}
    (reason,) = hubs.arrivals.current_revisions("2026-08")[1].reasons
    assert "the file has 1 data rows, the month before had 4" in reason


# --- rows that do not say which part ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        pytest.param("", "names no part of the month", id="blank"),
        pytest.param("\u00a0", "names no part of the month", id="a blank that is not one"),
        pytest.param("E\u202eU", "hidden characters", id="turned writing"),
        pytest.param("x" * 501, "longer than 500 characters", id="a text that slipped in"),
        pytest.param("7.3E+17", "digits are lost", id="an account that Excel took for a number"),
    ],
)
def test_a_row_without_a_readable_part_is_rejected_in_every_part(tmp_path: Path, cell: str, words: str) -> None:
    read = read_text(tmp_path, BOTH + f"Cole,M365,7,{cell}\n", parted())
    assert rejected_by(read) == {"EMEA": [4], "US": [4]}
    (error,) = read.rejected
    assert (error.column, error.account) == ("Hub", "Cole")
    assert words in error.reason
    assert all(reading.rows.total == 4 for reading in read.slices.values())


def test_a_row_that_is_rejected_for_something_else_stays_with_its_part(tmp_path: Path) -> None:
    read = read_text(tmp_path, BOTH + "Cole,M365,x,US \n", parted())
    assert rejected_by(read) == {"EMEA": [], "US": [4]}


def test_no_cell_of_a_record_with_shifted_columns_is_believed_to_be_the_part(tmp_path: Path) -> None:
    read = read_text(tmp_path, BOTH + "Cole, Inc,M365,7,US\n", parted())
    assert rejected_by(read) == {"EMEA": [4], "US": [4]}


def test_a_row_that_says_half_of_what_it_is_for_is_never_lost(tmp_path: Path) -> None:
    rows = "Acme,M365,10,EMEA,2026-07\nBolt,M365,4,EMEA,2026-08\nCole,M365,1,EMEA,soon\nDone,M365,2,,2026-08\n"
    read = read_text(tmp_path, MONTHS_HEADER + rows + "East,M365,3,US,soon\n", by_month())
    assert {of.order: [error.row for error in reading.rejected] for of, reading in read.slices.items()} == {
        ("2026-07", "EMEA"): [4, 6],
        ("2026-08", "EMEA"): [4, 5, 6],
    }


def test_a_row_that_was_filtered_out_needs_no_part(tmp_path: Path) -> None:
    profile = parted(rows="{exclude: [{column: Account, eq: Cole}]}")
    read = read_text(tmp_path, BOTH + "Cole,M365,7,\n", profile)
    assert (read.rows.ignored, read.rows.rejected) == (1, 0)


@pytest.mark.parametrize(
    ("content", "verdict", "words"),
    [
        pytest.param(HEADER + "Acme,M365,1,\n", "refused", "no row names a part of 2026-07", id="no row says it"),
        pytest.param(HEADER, "empty", "no row names a part of 2026-07", id="no rows"),
        pytest.param("Account,Service,Quantity\n", "refused", "'Hub' is missing in record 1", id="no such column"),
    ],
)
def test_a_file_without_a_part_is_not_published_and_says_so(
    hubs: Office, content: str, verdict: str, words: str
) -> None:
    hubs.drop("in/2026-07/u.csv", content)
    (taken,) = hubs.tick()
    assert (taken.verdict, taken.revisions) == (verdict, ())
    assert any(words in reason for reason in taken.reasons)
    assert standing(hubs) == {}


def test_a_column_that_is_none_of_parts_refuses_the_file(tmp_path: Path) -> None:
    rows = "".join(f"Acme,M365,1,{number}\n" for number in range(1_001))
    refusal = read_text(tmp_path, HEADER + rows, parted()).refusal
    assert refusal is not None
    assert "its rows are of 1001 months and parts" in refusal
    assert "columns.part" in refusal


# --- totals and limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "verdicts"),
    [
        pytest.param("Total,,14,", ["complete", "complete"], id="of the whole file"),
        pytest.param("Total,,15,", ["incomplete", "incomplete"], id="of the whole file, and wrong"),
        pytest.param("Total,,10,EMEA\nTotal,,4,US", ["complete", "complete"], id="of each part"),
        pytest.param("Total,,10,EMEA\nTotal,,5,US", ["complete", "incomplete"], id="of each part, one wrong"),
        pytest.param("Total,,10,EMEA\nTotal,,14,", ["complete", "complete"], id="of a part and of the file"),
        pytest.param("Total,,10,EMEA\nTotal,,4,US\n", ["complete", "complete"], id="with an end of the last line"),
    ],
)
def test_a_total_is_compared_with_the_rows_of_the_part_that_it_names(
    hubs: Office, total: str, verdicts: list[str]
) -> None:
    hubs.profiles = {"hubs": parted(rows='{totals: {column: Account, match: "^Total$"}}')}
    drop(hubs, BOTH + total)
    assert [verdict for _, verdict, _ in standing(hubs).values()] == verdicts


def test_a_total_of_a_month_is_compared_with_all_parts_of_the_month(tmp_path: Path) -> None:
    profile = by_month(rows='{totals: {column: Account, match: "^Total$"}}')
    rows = "Acme,M365,10,EMEA,2026-07\nBolt,M365,4,US,2026-07\nBolt,M365,5,US,2026-08\nTotal,,14,,2026-07\n"
    read = read_text(tmp_path, MONTHS_HEADER + rows + "Total,,19,,\n", profile)
    totals_of = {of.order: [total.row for total in reading.totals] for of, reading in read.slices.items()}
    assert totals_of == {
        ("2026-07", "EMEA"): [5, 6],
        ("2026-07", "US"): [5, 6],
        ("2026-08", "US"): [6],
    }


def test_the_word_total_in_the_column_of_parts_is_no_part(hubs: Office) -> None:
    hubs.profiles = {"hubs": parted(rows='{totals: {column: Hub, match: "^Total$"}}')}
    drop(hubs, BOTH + ",,14,Total\n")
    assert standing(hubs) == {"EMEA": (1, "complete", "10"), "US": (1, "complete", "4")}


def test_the_least_rows_are_those_of_each_part(hubs: Office) -> None:
    least = IN_PATH.replace("from_column}", "from_column, complete: {min_rows: 2}}")
    hubs.profiles = {"hubs": parted(arrives=least)}
    drop(hubs, BOTH + "Cole,M365,1,US\n")
    assert standing(hubs) == {"EMEA": (1, "incomplete", "10"), "US": (1, "complete", "5")}


# --- reading again ----------------------------------------------------------------------------------------------------


def overlay(office: Office, row: int, column: str, value: str) -> list[UsageRevision]:
    """A person corrects a cell of a rejected record, in every part that holds it, as the command line records it."""
    held = []
    for revision in office.arrivals.current_revisions("2026-07"):
        raw, profile = office.ports.archive.path(revision.sha256), office.profiles["hubs"]
        read = office.reader.read(raw, profile, file_name="u.csv", overlays=())
        for error in read.reading_of(Slice(None, revision.drop.part)).rejected:
            if error.row == row:
                fix = RowOverlay(row, error.record_hash, OverlayAction.FIX, column, value, None, "dana")
                office.usage.decided[revision.drop] = (*office.usage.decided.get(revision.drop, ()), fix)
                held.append(revision)
    return held


def test_a_corrected_part_brings_the_row_into_that_part(hubs: Office) -> None:
    drop(hubs, BOTH + "Cole,M365,7,\n")
    assert len(overlay(hubs, 4, "Hub", "US")) == 2
    take_waiting(hubs.ports, JULY, SOURCE)
    assert standing(hubs) == {"EMEA": (2, "complete", "10"), "US": (2, "complete", "11")}
    assert outdated_readings(hubs.ports, ["2026-07"]) == []


def test_a_row_that_a_person_moves_to_another_part_arrives_there(hubs: Office) -> None:
    drop(hubs, BOTH + "Cole,M365,x,EMEA\n")
    overlay(hubs, 4, "Quantity", "7")
    overlay(hubs, 4, "Hub", "US")
    take_waiting(hubs.ports, JULY, SOURCE)
    assert standing(hubs) == {"EMEA": (2, "complete", "10"), "US": (2, "complete", "11")}


def disregard(office: Office, row: int) -> None:
    """A person disregards a rejected record in every part that holds it."""
    for revision in overlay(office, row, "Quantity", "0"):
        *_, fix = office.usage.decided[revision.drop]
        ignored = RowOverlay(row, fix.record_hash, OverlayAction.IGNORE, None, None, "no row", "dana")
        office.usage.decided[revision.drop] = (ignored,)


def test_a_part_that_is_none_goes_when_a_person_disregards_its_rows(hubs: Office) -> None:
    hubs.profiles = {"hubs": parted(rows='{totals: {column: Account, match: "^Total$"}}')}
    drop(hubs, BOTH + ",,,as of 31 July\nTotal,,14,\n")
    assert standing(hubs)["as of 31 July"] == (1, "incomplete", "0")
    disregard(hubs, 4)
    take_waiting(hubs.ports, JULY, SOURCE)
    assert {part: verdict for part, (_, verdict, _) in standing(hubs).items()} == {
        "EMEA": "complete",
        "US": "complete",
        "as of 31 July": "complete",
    }
    assert outdated_readings(hubs.ports, ["2026-07"]) == []
    drop(hubs, BOTH + ",,,as of 31 July\nTotal,,14,\n", "in/2026-07/again.csv")
    assert hubs.arrival("in/2026-07/again.csv").status is ArrivalStatus.DUPLICATE


def test_rows_that_do_not_count_make_no_part_and_are_the_end_of_one_that_was_there(hubs: Office) -> None:
    trials = parted(rows="{exclude: [{column: Service, eq: Trial}]}")
    hubs.profiles = {"hubs": trials}
    drop(hubs, BOTH + "Cole,Trial,7,APAC\n")
    assert standing(hubs) == {"EMEA": (1, "complete", "10"), "US": (1, "complete", "4")}
    drop(hubs, BOTH.replace("Bolt,M365", "Bolt,Trial"))
    assert standing(hubs) == {"EMEA": (2, "complete", "10"), "US": (2, "empty", "0")}


def test_a_total_of_a_part_without_rows_is_told(hubs: Office) -> None:
    hubs.profiles = {"hubs": parted(rows='{totals: {column: Account, match: "^Total$"}}')}
    drop(hubs, BOTH + "Total,,5,APAC\n")
    assert standing(hubs)["APAC"] == (1, "empty", "0")
    reasons = next(r.reasons for r in hubs.arrivals.current_revisions("2026-07") if r.drop.part == "APAC")
    assert "the control total of record 4 says 5, all data rows add up to 0" in reasons


def test_a_part_that_the_changed_profile_names_otherwise_is_not_counted_twice(hubs: Office) -> None:
    drop(hubs, HEADER + "Acme,M365,10,emea\nBolt,M365,4,US\n")
    hubs.profiles = {"hubs": parted(columns=COLUMNS.replace("Hub", "{column: Hub, case: upper}"))}
    take_waiting(hubs.ports, JULY, SOURCE)
    assert standing(hubs) == {
        "emea": (2, "complete", "0"),
        "EMEA": (1, "complete", "10"),
        "US": (2, "complete", "4"),
    }
    assert outdated_readings(hubs.ports, ["2026-07"]) == []
    emptied = next(r for r in hubs.arrivals.current_revisions("2026-07") if r.drop.part == "emea")
    assert (emptied.rows.ignored, emptied.rows.total, emptied.lake_path) == (2, 3, None)
    assert emptied.reasons == (
        "no row of the file counts for this part any more: what it says of the month stands under others",
    )


@pytest.mark.parametrize("was_parted", [True, False], ids=["parts given up", "parts taken up"])
def test_a_profile_that_begins_or_ceases_to_part_its_files_counts_no_row_twice(hubs: Office, was_parted: bool) -> None:
    whole = profile_of(profile="hubs", arrives='{pattern: "in/{period}/*.csv", period: from_path}')
    before, after = (parted(), whole) if was_parted else (whole, parted())
    hubs.profiles = {"hubs": before}
    drop(hubs, BOTH)
    hubs.profiles = {"hubs": after}
    take_waiting(hubs.ports, JULY, SOURCE)
    revisions = hubs.arrivals.current_revisions("2026-07")
    assert sum(revision.quantity for revision in revisions) == Decimal(14)
    assert {revision.drop.part for revision in revisions if revision.quantity} == (
        {""} if was_parted else {"EMEA", "US"}
    )
    assert {revision.verdict for revision in revisions} == {SourceVerdict.COMPLETE}
    assert outdated_readings(hubs.ports, ["2026-07"]) == []


@pytest.mark.parametrize("was_parted", [True, False], ids=["parts given up", "parts taken up"])
def test_an_old_file_never_replaces_a_later_one_when_parts_begin_or_cease(hubs: Office, was_parted: bool) -> None:
    whole = profile_of(profile="hubs", arrives='{pattern: "in/{period}/*.csv", period: from_path}')
    before, after = (parted(), whole) if was_parted else (whole, parted())
    hubs.profiles = {"hubs": before}
    drop(hubs, BOTH)
    hubs.profiles = {"hubs": after}
    drop(hubs, BOTH.replace(",4,", ",40,"), "in/2026-07/later.csv")
    take_waiting(hubs.ports, JULY, SOURCE)
    assert sum(revision.quantity for revision in hubs.arrivals.current_revisions("2026-07")) == Decimal(50)
    assert outdated_readings(hubs.ports, ["2026-07"]) == []


@pytest.mark.parametrize("hub", ["DE", "zz"], ids=["read again first by name", "read again last by name"])
def test_a_part_that_several_files_name_anew_is_that_of_the_latest(hubs: Office, hub: str) -> None:
    drop(hubs, HEADER + f"Acme,M365,1,emea\nBolt,M365,4,{hub}\n")
    drop(hubs, HEADER + "Acme,M365,2,emea\n", "in/2026-07/later.csv")
    hubs.profiles = {"hubs": parted(columns=COLUMNS.replace("Hub", "{column: Hub, case: upper}"))}
    take_waiting(hubs.ports, JULY, SOURCE)
    spoken = {key: quantity for key, quantity in hubs.figures("2026-07").items() if quantity}
    assert spoken == {("later.csv", "EMEA"): "2", ("u.csv", hub.upper()): "4"}


def test_a_part_that_is_named_anew_in_another_month_is_left_to_the_file_that_speaks_for_it(office: Office) -> None:
    office.profiles = {"hubs": by_month()}
    drop(office, MONTHS_HEADER + "Acme,M365,1,de,2026-07\nAcme,M365,2,emea,2026-08\n", "rows/u.csv")
    drop(office, MONTHS_HEADER + "Acme,M365,3,emea,2026-08\n", "rows/later.csv")
    office.profiles = {"hubs": by_month(columns=MONTHS.replace("Hub", "{column: Hub, case: upper}"))}
    take_waiting(office.ports, JULY, SOURCE)
    take_waiting(office.ports, AUGUST, SOURCE)
    assert standing(office) == {"de": (2, "complete", "0"), "DE": (1, "complete", "1")}
    assert standing(office, "2026-08") == {"emea": (3, "complete", "0"), "EMEA": (1, "complete", "3")}


def test_a_part_whose_rows_can_no_longer_be_read_is_not_taken_for_gone(hubs: Office) -> None:
    drop(hubs, BOTH)
    narrow = "{column: Hub, extract: '^US$'}"
    hubs.profiles = {"hubs": parted(columns=COLUMNS.replace("Hub", narrow))}
    take_waiting(hubs.ports, JULY, SOURCE)
    assert standing(hubs) == {"EMEA": (2, "incomplete", "0"), "US": (2, "complete", "4")}


def test_reading_an_old_file_again_leaves_the_parts_of_a_later_file_alone(hubs: Office) -> None:
    drop(hubs, BOTH)
    drop(hubs, HEADER + "Bolt,M365,5,US\n", "in/2026-07/later.csv")
    hubs.profiles = {"hubs": changed(parted())}
    take_waiting(hubs.ports, JULY, SOURCE)
    assert outdated_readings(hubs.ports, ["2026-07"]) == []
    assert hubs.figures("2026-07") == {("u.csv", "EMEA"): "10", ("later.csv", "US"): "5"}


def test_a_month_whose_rows_left_it_is_empty_and_never_means_zero(office: Office) -> None:
    columns = "{account_key: Account, service_key: Service, quantity: Quantity, period: Month, part: Hub}"
    office.profiles = {"hubs": by_month(columns=columns)}
    drop(office, MONTHS_HEADER + "Acme,M365,10,EMEA,2026-07\n", "rows/u.csv")
    later = columns.replace("Month", '{column: Month, replace: {"07": "08"}}')
    office.profiles = {"hubs": by_month(columns=later)}
    take_waiting(office.ports, JULY, SOURCE)
    assert standing(office) == {"EMEA": (2, "empty", "0")}
    assert standing(office, AUGUST.key) == {"EMEA": (1, "complete", "10")}


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_a_file_handed_in_is_parted_too_and_nobody_may_name_its_part(hubs: Office) -> None:
    file = hubs.folder / "u.csv"
    file.write_text(BOTH, newline="")
    taken = take_by_hand(hubs.ports, file, parted(), "2026-07")
    assert [revision.drop.part for revision in taken.revisions] == ["EMEA", "US"]
    words = "each row of hubs says which part of the month it is for: leave --part out"
    with pytest.raises(HandedInError, match=words):
        take_by_hand(hubs.ports, file, parted(), "2026-07", "EMEA")


def test_a_reason_names_the_part_that_it_is_about(hubs: Office) -> None:
    hubs.profiles = {"hubs": parted(rows="{failures: {match: could not}}")}
    hubs.drop("in/2026-07/u.csv", BOTH + "Cole,could not connect,0,US\n")
    (taken,) = hubs.tick()
    assert taken.verdict is SourceVerdict.INCOMPLETE
    assert taken.reasons == (
        "2026-07, part US: the collector reports a failure in record 4: its counts are only a part",
    )


# --- what a profile may say -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        pytest.param({"columns": COLUMNS.replace(", part: Hub", "")}, "needs columns.part", id="no column"),
        pytest.param(
            {"arrives": IN_PATH.replace(", part: from_column", "")}, "belongs to arrives.part from_column", id="no word"
        ),
        pytest.param({"arrives": IN_PATH.replace("*.csv", "{part}.csv")}, "belong together", id="in the path as well"),
        pytest.param({"columns": COLUMNS.replace("Hub", "{count: rows}")}, "cannot be used for part", id="a count"),
        pytest.param(
            {
                "columns": "{account_key: Account, service_key: hub, quantity: seats, part: hub}",
                "unpivot": "{but: [], name: hub, value: seats, blank: ignore}",
            },
            "read from the record itself",
            id="a column that is unpivoted",
        ),
    ],
)
def test_what_cannot_be_said_of_parts_is_refused(replaced: dict[str, str], words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        parted(**replaced)


def test_a_wide_file_is_parted_by_its_records(tmp_path: Path) -> None:
    profile = parted(
        columns="{account_key: Account, service_key: product, quantity: seats, part: Hub}",
        unpivot="{but: [], name: product, value: seats, blank: ignore}",
        aggregate="{method: none}",
    )
    read = read_text(tmp_path, "Account,Hub,Mail,Backup\nAcme,EMEA,1,2\nBolt,US,4,x\nCole, US,8,\n", profile)
    assert {of.part: reading.quantity for of, reading in read.slices.items()} == {"EMEA": 3, "US": 8}
    assert rejected_by(read) == {"EMEA": [], "US": [3]}


def test_a_part_may_be_derived(tmp_path: Path) -> None:
    columns = COLUMNS.replace("Hub", "region")
    profile = parted(columns=columns, derived="{region: \"coalesce(Hub, 'rest')\"}")
    read = read_text(tmp_path, HEADER + "Acme,M365,1,EMEA\nBolt,M365,2,\n", profile)
    assert [of.part for of in read.slices] == ["EMEA", "rest"]
