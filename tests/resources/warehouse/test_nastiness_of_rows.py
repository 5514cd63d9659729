"""The catalogue of nastiness, numbers 18 to 32: which rows count, and what several files mean together.

Belongs here: for each number its file, the quantities it means, every record accounted for, the words of a refusal.
Does not belong here: what is odd about the text of a file (``test_nastiness_of_text``).
"""

import gzip
import io
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

from pipelines.intake.drops import ArrivalStatus, SourceVerdict
from pipelines.intake.readings import Slice
from pipelines.mapping.entries import AccountMapping, RecordedEntry, Share, Validity
from pipelines.mapping.live import live_on
from tests.dbt.builder import NOON, Line, Month, Row, Workbench, accounts
from tests.pipelines.intake.office import Office
from tests.resources.warehouse.nastiness import SAMPLES, altered, checked, profile_beside


def test_18_a_device_that_is_listed_twice_is_one_unit_and_a_stale_one_is_none(tmp_path: Path) -> None:
    said = checked("18_one_row_per_device.csv", as_of=date(2026, 7, 31))
    assert said.quantities(tmp_path) == {("Maple Dental", "EDR"): 2, ("Birch Legal", "EDR"): 1}
    assert said.rows == {"in": 7, "header": 1, "ignored": 1, "rejected": 1, "valid": 4}
    untold = "the value that is counted is blank: nobody can tell whether it is one more unit"
    assert said.rejected == [(7, "Device", "", untold)]


def test_19_each_cell_of_a_wide_file_is_a_row_and_a_blank_one_is_none(tmp_path: Path) -> None:
    said = checked("19_one_column_per_service.csv")
    assert said.quantities(tmp_path) == {
        ("4711", "Microsoft 365 Business Premium"): 12,
        ("4711", "Acronis Backup"): 3,
        ("4720", "Acronis Backup"): 1,
    }
    assert said.rows == {"in": 5, "header": 1, "ignored": 1, "rejected": 1, "valid": 2}
    # one cell that is no number rejects its record, also the seven beside it
    [(row, column, value, reason)] = said.rejected
    assert (row, column, value) == (4, "Acronis Backup", "n/a")
    assert reason.startswith("is not a number")


def test_20_rows_of_the_partner_are_no_usage_beside_those_of_its_customers() -> None:
    said = checked("20_partner_and_customer_rows.csv")
    assert said.valid("account_key", "quantity") == [("Maple Dental", 12), ("Birch Legal", 3)]
    assert said.rows == {"in": 5, "header": 1, "ignored": 2, "valid": 2}


def test_21_each_month_of_a_file_has_its_own_rows_and_a_row_without_one_belongs_to_all() -> None:
    said = checked("21_many_months.csv")
    assert [of.period for of in said.read.slices] == ["2026-05", "2026-06", "2026-07"]
    july = said.read.reading_of(Slice("2026-07"))
    assert july.quantity == 15
    assert july.rows.as_json() == {
        "in": 6,
        "preamble": 0,
        "header": 1,
        "blank": 0,
        "ignored": 2,
        "totals": 0,
        "rejected": 1,
        "valid": 2,
    }
    assert said.rejected == [(6, "Month", "July", "names no billing period")]
    assert said.rows == {"in": 6, "header": 1, "rejected": 1, "valid": 4}


def test_22_another_currency_is_told_and_quantities_of_two_are_never_compared_as_one(tmp_path: Path) -> None:
    said = checked("22_several_currencies.csv")
    add_it = "expected is USD: drop a file in USD, or let a person add the currency to arrives.complete.currencies"
    assert said.verdict == ("incomplete", (f"the currency EUR in record 3, {add_it}",))
    assert [row[:2] for row in said.rejected] == [(5, "Currency")]
    # The highest row of each currency: 10 in USD and 4 in EUR are no slices of one another.
    assert said.quantities(tmp_path) == {("Maple Dental", "Backup"): 14, ("Birch Legal", "Backup"): 3}
    assert said.rows == {"in": 5, "header": 1, "rejected": 1, "valid": 3}


def test_24_all_members_of_an_archive_are_one_file_and_a_renamed_copy_counts_once(tmp_path: Path) -> None:
    content = (SAMPLES / "24_packed.csv").read_bytes()
    half, archive = content.index(b"Birch"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packing:
        packing.writestr("report.csv", content)
    members = gzip.compress(content[:half]) + gzip.compress(content[half:])
    for name, packed in (("a.csv.gz", members), ("a.zip", archive.getvalue())):
        (tmp_path / name).write_bytes(packed)
        said = checked(tmp_path / name, "24_packed")
        assert said.rows == {"in": 3, "header": 1, "valid": 2}
        assert said.read.quantity == 15
    (tmp_path / "cut.csv.gz").write_bytes(members[:-9])
    cut = checked(tmp_path / "cut.csv.gz", "24_packed")
    assert str(cut.read.refusal).startswith("the archive is damaged or cut off")

    office = Office(tmp_path, profile_beside("24_packed"))
    for name in ("report.csv", "report (1).csv"):
        office.drop(f"in/2026-07/{name}", content.decode())
        office.tick()
    assert office.figures("2026-07") == {("report.csv", ""): "15"}
    assert office.arrival("in/2026-07/report (1).csv").status is ArrivalStatus.DUPLICATE


def test_25_a_name_that_a_spreadsheet_would_execute_is_text_and_never_a_number() -> None:
    said = checked("25_formulas.csv")
    assert [key for (key,) in said.valid("account_key")] == [
        "=HYPERLINK(0)",
        "+SUM(1)",
        "-2+3|cmd",
        "@SUM(1)",
        "=1",
    ]
    assert [row[:3] for row in said.rejected] == [(7, "Quantity", "=1+1")]
    assert said.rows == {"in": 7, "header": 1, "rejected": 1, "valid": 5}


def test_26_moved_columns_are_found_new_ones_told_and_a_renamed_one_stops(tmp_path: Path) -> None:
    said = checked("26_columns_moved.csv")
    assert said.valid("account_key", "service_key", "quantity")[0] == ("Maple Dental", "Backup", 12)
    assert said.read.unused_columns == ("Region",)
    assert said.rows == {"in": 3, "header": 1, "valid": 2}
    renamed = checked(altered(tmp_path, "26_columns_moved.csv", "Quantity", "Seats"), "26_columns_moved")
    assert renamed.verdict[0] == "refused"
    assert str(renamed.read.refusal) == (
        "the mapped column 'Quantity' is missing in record 1; headers seen in record 1: 'Seats', 'Region', "
        "'Service', 'Account'. Correct the profile where the distributor renamed the column, or export the file again "
        "with it"
    )


def test_27_a_kind_is_known_in_any_spelling_and_an_unknown_one_is_never_counted(tmp_path: Path) -> None:
    said = checked("27_drifting_kinds.csv")
    counted = {"Maple Dental": 12, "Birch Legal": 3, "Elm Foods": 5, "Oak Yard": 7}
    assert said.quantities(tmp_path) == {(account, "Backup"): seats for account, seats in counted.items()}
    unknown = "1 row with the charge kind 'planRebate', which no list of charges names: kept, never counted"
    assert said.verdict == ("complete", (unknown,))
    assert said.rows == {"in": 7, "header": 1, "valid": 6}


def test_28_a_file_that_is_issued_again_replaces_the_earlier_one_and_nothing_is_added(tmp_path: Path) -> None:
    office = Office(tmp_path, profile_beside("28_reissued"))
    taken = []
    for name in ("28_first.csv", "28_reissued.csv"):
        office.drop("in/2026-07/usage.csv", (SAMPLES / name).read_text())
        taken += office.tick()
    assert [file.verdict for file in taken] == [SourceVerdict.COMPLETE] * 2
    assert [(revision.revision, revision.quantity) for file in taken for revision in file.revisions] == [
        (1, Decimal(15)),
        (2, Decimal(19)),
    ]
    assert office.figures("2026-07") == {("usage.csv", ""): "19"}


def test_29_two_keys_of_one_customer_add_up_on_its_line_from_the_day_they_are_one(tmp_path: Path) -> None:
    said = checked("29_one_customer_twice.csv")
    assert said.rows == {"in": 5, "header": 1, "valid": 4}
    usage = said.valid("account_key", "service_key", "quantity")
    merging = date(2026, 10, 1)
    entries = [
        *accounts(Acme="11", Beta="12"),
        AccountMapping("Pax8", "Acme (old tenant)", (Share("12", Decimal(1)),), validity=Validity(None, merging)),
        AccountMapping("Pax8", "Acme (old tenant)", (Share("11", Decimal(1)),), validity=Validity(merging)),
    ]
    recorded = [RecordedEntry(f"e{place}", entry, "dana", NOON) for place, entry in enumerate(entries)]
    after = {}
    for day in (date(2026, 9, 30), merging):
        month = Month(
            rows=[Row(str(account), str(service), str(quantity)) for account, service, quantity in usage],
            lines=[Line("1", "11", "501", "10"), Line("2", "12", "501", "10")],
            accounts=live_on(recorded, day).accounts,
        )
        deltas = Workbench(tmp_path / str(day)).deltas(month)
        after[day] = {line: delta.quantity_after for line, delta in deltas.items()}
    assert after == {date(2026, 9, 30): {"1": 15, "2": 9}, merging: {"1": 17, "2": 7}}


def test_30_a_file_of_more_than_a_million_rows_is_read_to_the_last(tmp_path: Path) -> None:
    file = tmp_path / "30_a_million_rows.csv"
    with file.open("w", encoding="utf-8") as stream:
        stream.write("Account,Service,Quantity\n")
        for block in range(0, 1_050_000, 1_000):
            stream.write("".join(f"Customer {n % 997},Backup {n % 13},3\n" for n in range(block, block + 1_000)))
        stream.write("The last,Backup,7\n")
    assert file.stat().st_size > 24 * 1024**2
    said = checked(file)
    assert said.rows == {"in": 1_050_002, "header": 1, "valid": 1_050_001}
    assert said.read.quantity == 3 * 1_050_000 + 7


def test_31_trials_rows_not_for_resale_and_free_rows_are_left_out() -> None:
    said = checked("31_trials.csv")
    assert said.valid("account_key", "service_key", "quantity") == [("Maple Dental", "Backup", 12)]
    untold = "nobody can tell whether the row counts: the cell cannot be compared as the profile says"
    assert said.rejected == [(6, "Price", "n/a", untold)]
    assert said.rows == {"in": 6, "header": 1, "ignored": 3, "rejected": 1, "valid": 1}


def test_32_a_total_that_holds_more_than_the_rows_stops_and_a_fee_carries_no_quantity(tmp_path: Path) -> None:
    said = checked("32_fees_beside_usage.csv")
    assert said.verdict == ("incomplete", ("the control total of record 5 says 35, all data rows add up to 31.5",))
    assert said.quantities(tmp_path) == {("Maple Dental", "Backup"): 12, ("Birch Legal", "Backup"): 3}
    assert said.valid("amount") == [(24,), (6,), (Decimal("1.5"),)]
    assert said.rows == {"in": 5, "header": 1, "totals": 1, "valid": 3}
    whole = checked(altered(tmp_path, "32_fees_beside_usage.csv", "35.00", "31.50"), "32_fees_beside_usage")
    assert whole.verdict[0] == "complete"
