"""What the shipped profiles make of a file of their kind, from its bytes to the quantity of an account and a service.

Belongs here: one small file for each shipped profile, the quantities a person would work out, the rows it rejects.
Does not belong here: the rules of reading (``test_reading``), of the methods (``test_methods``), of the language.
"""

import csv
import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from pipelines.intake.profile import load_profile
from pipelines.intake.readings import ReadFile
from pipelines.intake.shipped import shipped_profiles
from resources.warehouse.lake import Lake
from resources.warehouse.month import MonthWarehouse
from resources.warehouse.reading import DuckDbFileReader
from tests.dbt.builder import DBT_PROJECT

SAMPLES = Path(__file__).parents[2] / "samples" / "intake"
ELSEWHERE = Path(os.environ.get("TRUEUP_SAMPLES_DIR", "/nowhere")) / "distributors" / "synthetic"
OCTOBER_ENDS = date(2026, 10, 31)
Quantities = dict[tuple[str, str], Decimal]


def shipped(file: Path, name: str, *, on: date | None = None) -> ReadFile:
    read = DuckDbFileReader().read(file, load_profile(shipped_profiles()[name]), file_name=file.name, as_of=on)
    assert read.refusal is None
    return read


def workbook(folder: Path, sample: str, sheet: str) -> Path:
    """A workbook with a blank sheet before the one that holds the sample; charges and quantities are numbers in it."""
    book = openpyxl.Workbook()
    held = book.create_sheet(sheet)
    with (SAMPLES / sample).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            if held.max_row == 1:
                held.append(list(row))
            held.append([_typed(name, cell) for name, cell in row.items()])
    book.save(folder / "sample.xlsx")
    return folder / "sample.xlsx"


def _typed(name: str, cell: str) -> str | Decimal | None:
    if name in {"Charge", "Quantity", "Product Price", "Ext Price"} and cell.replace(".", "").strip("-").isdigit():
        return Decimal(cell)
    return cell or None


def quantities(folder: Path, read: ReadFile) -> Quantities:
    """What each account and service comes to."""
    month = MonthWarehouse(Lake(folder / "lake", "check"), folder / "scratch", DBT_PROJECT)
    found: Quantities = defaultdict(Decimal)
    for key in month.aggregate_preview(read.table):
        found[key["account_key"], key["service_key"]] += Decimal(key["quantity"])
    return dict(found)


def rejected(read: ReadFile) -> dict[int, tuple[str | None, str]]:
    """The column and the reason of each rejected record."""
    return {error.row: (error.column, error.reason) for error in read.rejected}


def test_a_refund_and_its_slices_in_a_licence_based_file_are_the_seats_of_the_last_slice(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "license_based.csv", "microsoft-license-based")
    assert quantities(tmp_path, read) == {
        ("c-100", "OFFER-A|P1M"): 2,  # not 6, which is what the four rows add up to
        ("c-200", "OFFER-A|P1M"): 0,  # cancelled
        ("c-200", "OFFER-B|P1M"): 5,  # two subscriptions; the offset and the unknown kind carry nothing
    }
    assert rejected(read) == {
        12: (
            "Quantity",
            "is not a number under the declared marks (decimal '.', no thousands mark, negative -1)",
        ),
        13: ("CustomerId", "the account key is blank"),
    }


def test_only_subscription_lines_of_a_pax8_invoice_carry_seats(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "pax8_invoice.csv", "pax8-invoice")
    assert quantities(tmp_path, read) == {
        ("4711", "EXM-BP|P1Y"): 29,  # two subscriptions, without the three that are prorated
        ("4711", "EXM-BP|P1M"): 2,
        ("4720", "EXM-BP|P1M"): 10,  # the credit of two seats is shown and not subtracted
    }
    assert read.rows.ignored == 1  # the trial
    assert rejected(read) == {
        11: ("quantity", "is not a number under the declared marks (decimal '.', thousands ',', negative -1)"),
        12: ("company_id", "the account key is blank"),
    }


def test_included_and_additional_resources_of_ingram_add_up(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "ingram_resources.csv", "ingram-subscription-resources")
    assert quantities(tmp_path, read) == {
        ("101", "500|1|Year"): 17,
        ("101", "500|1|Month"): 1,  # a blank amount beside a written one counts nothing
        ("102", "501|1|Year"): 0,  # a zero that was seen
    }
    assert read.rows.ignored == 1  # the terminated subscription
    assert sorted(rejected(read)) == [7, 8, 9]


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_an_invoice_of_others_is_read_with_its_arrears_and_without_its_trial(tmp_path: Path) -> None:
    read = shipped(ELSEWHERE / "pax8_invoice_items.csv", "pax8-invoice")
    contoso, fabrikam = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    assert quantities(tmp_path, read) == {
        (contoso, "MST-NCE-103-C100|P1Y"): 25,
        (contoso, "AZR-ARR-1001|Arrears"): 1,
        (fabrikam, "MST-NCE-103-M100|P1M"): 10,
    }
    assert (read.rows.valid, read.rows.ignored, read.rows.rejected) == (6, 1, 0)


def test_subscriptions_of_a_cloudmore_report_add_by_what_they_are_paid(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "cloudmore.csv", "cloudmore")
    assert quantities(tmp_path, read) == {
        ("4711", "EXM-BP|Monthly"): 15,
        ("4711", "EXM-BP|Yearly"): 4,
        ("4720", "EXM-BK|Monthly"): 1200,
    }
    assert rejected(read) == {
        6: ("Quantity", "is not a number under the declared marks (decimal '.', thousands ',', negative -1)"),
        7: ("Customer Number", "the account key is blank"),
    }


def test_metered_azure_resources_of_synnex_never_add_to_each_other(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "synnex_azure_au.csv", "synnex-azure-au")
    assert quantities(tmp_path, read) == {
        ("Maple Dental", "Virtual Machines|B Series|B2s"): Decimal("844.5"),
        ("Maple Dental", "Storage|Tables|LRS Data Stored"): Decimal("0.005001"),
    }
    assert {row: column for row, (column, _) in rejected(read).items()} == {5: "Quantity", 6: "Customer_company_Name"}


def test_consumption_of_arrowsphere_adds_within_one_unit_of_measure(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "arrowsphere.csv", "arrowsphere")
    assert quantities(tmp_path, read) == {
        ("XSP100", "EXM-VM|1 Hour"): Decimal("756.25"),
        ("XSP100", "EXM-VM|1 GB"): 3,
    }
    assert {row: column for row, (column, _) in rejected(read).items()} == {
        5: "Level Chargeable Quantity",
        6: "Vendor Ressource SKU",
    }


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_metered_decimals_of_others_are_kept_and_a_header_alone_is_no_row(tmp_path: Path) -> None:
    read = shipped(ELSEWHERE / "synnex_au_azure_known_columns.csv", "synnex-azure-au")
    assert sorted(quantities(tmp_path, read).values()) == [Decimal("0.005001"), 744]
    assert shipped(ELSEWHERE / "arrowsphere_consumption_columns.csv", "arrowsphere").rows.valid == 0


@pytest.mark.parametrize("name", ["tdsynnex-streamone", "dandh", "dicker-data", "climb", "sherweb", "crayon"])
def test_a_list_whose_header_is_not_public_is_read_by_common_names(name: str, tmp_path: Path) -> None:
    read = shipped(SAMPLES / f"{name.replace('-', '_')}.csv", name)
    assert quantities(tmp_path, read) == {
        ("4711", "EXM-BP|Annual"): 15,
        ("4711", "EXM-BP|Monthly"): 2,
        ("4720", "EXM-BK|Annual"): 1200,
    }
    assert read.rows.preamble == 1
    assert sorted(rejected(read)) == [7, 8, 9]  # no quantity; no account; a total, which no declared column tells


def test_endpoints_of_webroot_count_when_they_were_seen_within_thirty_days(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "webroot.csv", "webroot", on=OCTOBER_ENDS)
    assert quantities(tmp_path, read) == {
        ("Maple Dental", "Endpoint"): 3,  # the one that was deactivated in the month was active in it
        ("Birch Legal", "Endpoint"): 1,
    }
    assert read.rows.ignored == 1  # last seen in August
    assert {row: column for row, (column, _) in rejected(read).items()} == {8: "Last Seen Time", 9: "Site Name"}


def test_two_rows_of_one_proofpoint_organisation_contradict_each_other(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "proofpoint_essentials.csv", "proofpoint-essentials")
    assert quantities(tmp_path, read) == {("maple.example", "Users"): 27, ("birch.example", "Users"): 0}
    assert sorted(rejected(read)) == [4, 5, 6, 7, 8]  # no count; two rows of one; half a user; no organisation


def test_a_device_that_sentinelone_lists_twice_counts_once_and_one_long_gone_not_at_all(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "sentinelone.csv", "sentinelone", on=OCTOBER_ENDS)
    assert quantities(tmp_path, read) == {("Maple Dental", "Endpoint"): 3, ("Birch Legal", "Endpoint"): 1}
    assert read.rows.ignored == 1  # last seen in June
    assert sorted(rejected(read)) == [8, 9, 10]  # no date; no device; no site


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_a_list_of_endpoints_of_others_is_counted_without_its_double_and_its_stale_one(tmp_path: Path) -> None:
    read = shipped(ELSEWHERE / "edr_one_row_per_device.csv", "sentinelone", on=date(2025, 11, 30))
    assert quantities(tmp_path, read) == {("Contoso Ltd", "Endpoint"): 7, ("Fabrikam, Inc.", "Endpoint"): 5}
    assert (read.rows.valid, read.rows.ignored, read.rows.rejected) == (13, 1, 0)


def test_slices_of_also_are_the_last_one_and_prepaid_bookings_add(tmp_path: Path) -> None:
    read = shipped(workbook(tmp_path, "also_raw_charges.csv", "Raw Charges"), "also-raw-charges")
    assert quantities(tmp_path, read) == {
        ("4711", "(NCE) Business Plan|P1Y|"): 18,  # not 30, which is what the rows add up to
        ("4711", "(NCE) Business Plan|P1M|"): 2,
        ("4720", "(NCE) Business Plan|P1Y|Prepaid"): 12,
        ("4720", "Drawing Plan||"): 5,
    }
    assert [column for column, _ in rejected(read).values()] == ["Attributes", "Account"]


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_a_workbook_of_others_comes_to_its_last_slices(tmp_path: Path) -> None:
    read = shipped(ELSEWHERE / "also_raw_charges_(03.2022).xlsx", "also-raw-charges")
    assert sorted(quantities(tmp_path, read).values()) == [5, 7, 12, 30]
    assert (read.rows.valid, read.rows.rejected) == (9, 0)


def test_only_new_and_renewed_seats_of_an_adobe_invoice_are_counted(tmp_path: Path) -> None:
    read = shipped(workbook(tmp_path, "adobe_vip.csv", "Line Items"), "adobe-vip")
    assert quantities(tmp_path, read) == {
        ("4711|Maple Dental", "EXM-DR|P1Y"): 12,
        ("4711|Maple Dental", "EXM-DR|P1M"): 2,
        ("4711|Birch Legal", "EXM-DR|P1M"): 4,
    }
    assert [column for column, _ in rejected(read).values()] == ["Quantity"]


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_an_adobe_invoice_of_others_counts_its_fifteen_new_and_renewed_lines(tmp_path: Path) -> None:
    read = shipped(ELSEWHERE.parents[1] / "connect" / "adobe-invoice.xlsx", "adobe-vip")
    assert (len(quantities(tmp_path, read)), read.rows.valid, read.rows.rejected) == (15, 40, 0)


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        pytest.param("ninjaone", {"WINDOWS_WORKSTATION": 2, "MAC": 1, "WINDOWS_SERVER": 1}, id="ninjaone"),
        pytest.param("datto-rmm", {"Laptop": 2, "Desktop": 1, "Server": 1}, id="datto-rmm"),
    ],
)
def test_each_row_of_a_list_of_devices_is_one_device_of_its_class(
    name: str, classes: dict[str, int], tmp_path: Path
) -> None:
    read = shipped(SAMPLES / f"{name.replace('-', '_')}.csv", name)
    assert quantities(tmp_path, read) == {
        **{("4711", kind): count for kind, count in classes.items()},
        ("4720", next(iter(classes))): 1,
    }
    assert [reason for _, reason in rejected(read).values()] == [
        "the service key is blank",
        "the account key is blank",
    ]


def test_two_rows_of_one_subscription_in_ingrams_short_view_are_never_added(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "ingram_billing_short.csv", "ingram-billing-short")
    assert quantities(tmp_path, read) == {
        ("4711", "500|Monthly Pre-Paid"): 15,
        ("4711", "500|Annual Pre-Paid"): 2,
        ("4720", "501|Monthly Pre-Paid"): 1200,
    }
    assert sorted(rejected(read)) == [6, 7, 8, 9]  # two rows of one; a credit; no account


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_a_short_view_of_others_without_a_quantity_is_refused_and_not_empty() -> None:
    file = ELSEWHERE / "ingram_rde_short_first8_columns.csv"
    profile = load_profile(shipped_profiles()["ingram-billing-short"])
    refusal = DuckDbFileReader().read(file, profile, file_name=file.name).refusal
    assert refusal is not None
    assert "the mapped column 'Quantity or Qty or Resource Quantity or Seats or Licenses' is missing" in str(refusal)


def test_hours_and_gigabytes_of_a_focus_file_never_add_and_its_taxes_need_no_quantity(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "focus.csv", "focus")
    assert quantities(tmp_path, read) == {
        ("sub-1", "Compute|SKU-VM|Hours"): Decimal("844.5"),  # without ten hours of a month that was billed before
        ("sub-1", "Compute|SKU-VM|GB"): 3,
        ("sub-1", "Storage||GB-Month"): Decimal("0.0000000002"),
    }
    money = {(row["account_key"], row["charge_class"]): row["amount"] for row in read.table.to_pylist()}
    assert money["ba-1", "tax"] == 29  # of the billing account, since no sub account is named
    assert (money["sub-2", "credit"], money["sub-2", "one_off"]) == (Decimal("-4.5"), 500)
    assert read.rows.ignored == 1
    assert rejected(read) == {10: ("PricingQuantity", "the quantity is missing")}


def test_the_cost_of_an_aws_account_is_its_quantity_and_credits_are_never_added(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "aws_cur.csv", "aws-cur")
    assert quantities(tmp_path, read) == {
        ("200000000001", "AmazonEC2|USD"): Decimal("51.7162166667"),
        ("200000000001", "AmazonS3|USD"): Decimal("3.5"),
        ("200000000002", "AmazonS3|USD"): Decimal("0.0000000001"),
    }
    assert [row["row"] for row in read.table.to_pylist() if row["is_rounded"]] == [7]
    assert [column for column, _ in rejected(read).values()] == [
        "line_item_usage_account_id",
        "line_item_unblended_cost",
    ]


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
def test_an_aws_report_of_others_counts_its_hundred_and_one_rows_of_usage(tmp_path: Path) -> None:
    file = ELSEWHERE.parents[1] / "connect" / "aws-cur.csv"
    read = shipped(file, "aws-cur")
    with file.open(encoding="utf-8", newline="") as rows:
        used = [row for row in csv.DictReader(rows) if row["line_item_line_item_type"] == "Usage"]
    assert (len(used), read.rows.valid, read.rows.rejected) == (101, 120, 0)
    spent = sum(Decimal(row["line_item_unblended_cost"]) for row in used)
    assert sum(quantities(tmp_path, read).values()) == spent


def test_the_cost_of_azure_adds_over_meters_and_days_by_currency(tmp_path: Path) -> None:
    read = shipped(SAMPLES / "microsoft_daily_usage.csv", "microsoft-daily-usage")
    assert quantities(tmp_path, read) == {
        ("c-100", "DZH318Z0BPS6|0001|USD"): Decimal("2.40010002"),
        ("c-200", "DZH318Z0BPS6|0001|EUR"): 2,
    }
    assert rejected(read) == {
        6: ("BillingPreTaxTotal", "the quantity is missing"),
        7: ("CustomerId", "the account key is blank"),
    }
