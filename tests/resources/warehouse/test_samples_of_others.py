"""Samples that others made, where they are at hand: the quantities that a right reading yields, row by row to the last.

Belongs here: one test for each sample whose quantities are known, and that no sample is dropped in silence.
Does not belong here: our own samples (``test_nastiness_of_text``, ``test_reading``), the rules they show.
"""

import os
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.profile import load_profile
from pipelines.intake.shipped import shipped_profiles
from tests.resources.warehouse.nastiness import Checked, checked

ELSEWHERE = Path(os.environ.get("TRUEUP_SAMPLES_DIR", "/nowhere"))
SYNTHETIC, CONNECT = ELSEWHERE / "distributors" / "synthetic", ELSEWHERE / "connect"
EVERY = sorted(path for path in ELSEWHERE.rglob("*.*") if path.suffix != ".md") if ELSEWHERE.is_dir() else []

pytestmark = pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")

KEYS = """
basis: invoice
source: Others
"""
GERMAN = """
profile: german
file: {encoding: [utf-8-sig, cp1252], delimiter: ";"}
header: {find: true, within: 10}
columns:
  account_key: Kunde
  service_key: Artikelnummer
  quantity: Menge
  unit_cost: Einzelpreis €
  amount: Gesamt €
  currency: {constant: EUR}
numbers: {decimal: ",", thousands: ". ", currency_symbols: ["€"]}
rows:
  exclude: [{column: Kunde, matches: "^Seite [0-9]+ von [0-9]+$"}]
  totals: {column: "Einzelpreis €", match: "^(Zwischensumme|Gesamtsumme)$", of: amount}
aggregate: {method: sum}
"""
QUIRKS = """
profile: quirks
header: {find: true, within: 10}
columns:
  account_key: "Acct #"
  account_name: Customer
  service_key: Item Number
  quantity: Units
  unit_cost: Unit Price#2
  amount: Amount
  charge_end: Renews On
numbers: {thousands: ",", nil: ["", "-", n/a], negative: ["-1", "(1)"], currency_symbols: ["$"]}
dates: ["%m/%d/%Y"]
rows:
  exclude: [{column: "Acct #", matches: "^Page [0-9]+ of [0-9]+,"}]
  totals: {column: Item Description, match: "^Grand Total:$"}
aggregate: {method: sum}
"""
TABS = """
profile: tabs
file: {format: tsv, encoding: [utf-8]}
columns: {account_key: Customer, service_key: Service, quantity: Qty, charge_start: Date}
dates: ["%d/%m/%Y"]
aggregate: {method: sum}
"""
DEVICES = """
profile: devices
columns: {account_key: Site, service_key: {constant: EDR}, quantity: {count_distinct: Serial Number}}
dates: ["%b %d, %Y %H:%M:%S"]
rows: {include: [{column: Last Active, within_days: 30}]}
"""
AWS = """
profile: aws
columns:
  account_key: customer_id
  service_key: line_item_product_code
  quantity: {count: rows}
  amount: line_item_unblended_cost
  charge_kind: line_item_line_item_type
charges: {recurring: [Usage], tax: [Tax], credit: [Credit, Refund]}
"""


def reading(path: Path, profile: str, as_of: date | None = None) -> Checked:
    """A file under a shipped profile, or under one of the above."""
    shipped = shipped_profiles()
    said = checked(path, load_profile(shipped.get(profile, profile + KEYS)), as_of)
    assert said.read.refusal is None
    return said


def test_three_members_of_a_gzip_file_are_the_seats_that_a_person_reads(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "partner_center_nce_2026_three_members.csv.gz", "microsoft-nce")
    woodgrove, relecloud = "44444444-4444-4444-8444-444444444444", "55555555-5555-4555-8555-555555555555"
    annually = "CFQ7TTC0HD32|0002|P1Y"
    assert said.quantities(tmp_path) == {
        (woodgrove, "CFQ7TTC0LCHC|0002|P1Y"): 67,
        (woodgrove, "CFQ7TTC0LCHC|0002|P1M"): 4,
        (relecloud, "CFQ7TTC0LFLX|0001|P1Y"): 17,
        (relecloud, "CFQ7TTC0LH0Z|0001|P1Y"): 0,
        (relecloud, annually): 6,
    }
    assert said.verdict == (
        "complete",
        (
            "1 row with the charge kind 'planRebate', which no list of charges names: kept, never counted",
            "3 amounts had more than 10 decimal places and were rounded",
        ),
    )
    # Lamna has no id: its nine seats go to a person, who is told whose service it is.
    assert said.rejected == [(10, "CustomerId", "", "the account key is blank")]
    assert said.read.rejected[0].service == "CFQ7TTC0LFLX|0001|P1M"
    assert said.rows == {"in": 11, "header": 1, "rejected": 1, "valid": 9}
    assert set(said.read.unused_columns) >= {"BillingCountry", "LineItemNumber"}
    assert [end for key, end in said.valid("service_key", "charge_end") if key == annually] == [date(2027, 8, 1)]


def test_guards_and_drifting_kinds_of_partner_center_are_the_seats_that_stand(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "partner_center_nce_2026_guarded_bom.csv", "microsoft-nce")
    contoso, fabrikam = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
    found = {(account, service[:12]): seats for (account, service), seats in said.quantities(tmp_path).items()}
    assert found == {
        (contoso, "CFQ7TTC0LCHC"): 25,
        (contoso, "CFQ7TTC0LH16"): 50,
        (contoso, "CFQ7TTC0HD33"): 5,
        (fabrikam, "CFQ7TTC0LCHC"): 26,
        (fabrikam, "CFQ7TTC0LH0X"): 0,
    }
    assert said.rows == {"in": 10, "header": 1, "valid": 9}


def test_a_refund_row_beside_the_new_one_is_the_new_size(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "partner_center_onetime_2021.csv", "microsoft-nce")
    seats = {service: quantity for (_, service), quantity in said.quantities(tmp_path).items()}
    assert seats["CFQ7TTC0HL8W|0001|P1Y"] == 55
    assert ("DZH318Z0BNZ5|006G|", Decimal("0.005001")) in said.valid("service_key", "quantity")
    assert said.rows == {"in": 5, "header": 1, "valid": 4}


def test_a_german_export_keeps_its_letters_and_agrees_with_both_totals(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "eu_semicolon_preamble_totals_cp1252.csv", GERMAN)
    assert said.quantities(tmp_path) == {
        ("Müller & Söhne GmbH", "000123456789"): 25,
        ("MÜLLER & SÖHNE GMBH", "000123456789"): 3,
        ("Bäckerei Groß e.K.", "000987654321"): 1232,
        ("Café du Nord", "000555"): Decimal("1234.5"),
    }
    assert said.verdict == ("complete", ())
    assert said.rows == {"in": 13, "preamble": 4, "header": 1, "ignored": 1, "totals": 2, "valid": 5}


def test_the_quirks_of_a_us_export_are_read_or_told_and_its_total_agrees() -> None:
    said = reading(SYNTHETIC / "us_distributor_export_quirks.csv", QUIRKS)
    assert said.valid("row", "account_key", "service_key", "quantity") == [
        (8, "730318204611907432", "00047", 40),
        (9, "730318204611907000", "47", -6),
    ]
    again = "export again without opening the file in Excel"
    lost = f"digits are lost; {again}"
    assert said.rejected == [
        (7, "Acct #", "7.30318E+17", lost),
        (10, "Item Number", "2E05", lost),
        (
            11,
            "Item Number",
            "SEP-3",
            "Excel may have made a date of it; export again without opening the file in Excel",
        ),
        (12, "Acct #", "#VALUE!", lost),
    ]
    assert said.read.rejected[1].account == "000913"
    assert all(error.remedy for error in said.read.rejected)
    # 1250 and 12 and 7.25 of rejected rows count against the total of 1303.25, which agrees.
    assert said.verdict == ("complete", ())
    assert said.rows == {
        "in": 15,
        "preamble": 5,
        "header": 1,
        "blank": 1,
        "ignored": 1,
        "totals": 1,
        "rejected": 4,
        "valid": 2,
    }


def test_no_format_is_guessed_for_a_date_that_is_written_another_way() -> None:
    as_names = QUIRKS.replace("service_key: Item Number", "service_key: Item Description")
    said = reading(SYNTHETIC / "us_distributor_export_quirks.csv", as_names.replace('"Acct #"\n', "Customer\n"))
    no_date = "is no date of %m/%d/%Y"
    assert [row for row in said.rejected if row[1] == "Renews On"] == [
        (10, "Renews On", "14/02/2026", no_date),
        (11, "Renews On", "46055", no_date),
    ]


def test_tabs_in_utf_16_keep_polish_letters_and_a_zero(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "utf16le_tab_ddmmyyyy.csv", TABS)
    assert said.quantities(tmp_path) == {
        ("Contoso Ltd", "Microsoft 365 E3"): 12,
        ("Łódź Print sp. z o.o.", "Microsoft 365 E3"): 7,
        ("Fabrikam, Inc.", "Teams Phone"): 0,
    }
    assert [str(day) for (day,) in said.valid("charge_start")] == ["2025-11-13", "2025-12-01", "2025-12-02"]
    assert said.rows == {"in": 4, "header": 1, "valid": 3}


def test_a_list_of_devices_is_twelve_without_the_double_and_the_stale_one(tmp_path: Path) -> None:
    said = reading(SYNTHETIC / "edr_one_row_per_device.csv", DEVICES, date(2025, 11, 30))
    assert said.quantities(tmp_path) == {("Contoso Ltd", "EDR"): 7, ("Fabrikam, Inc.", "EDR"): 5}
    assert said.rows == {"in": 15, "header": 1, "ignored": 1, "valid": 13}


def test_taxes_credits_and_refunds_of_a_cloud_bill_are_kept_and_never_counted(tmp_path: Path) -> None:
    said = reading(CONNECT / "aws-cur.csv", AWS)
    assert sum(said.quantities(tmp_path).values()) == 101
    amounts: dict[object, Decimal] = defaultdict(Decimal)
    for kind, amount in said.valid("charge_kind", "amount"):
        amounts[kind] += Decimal(str(amount))
    assert amounts == {
        "Usage": Decimal("615.4202"),
        "Tax": Decimal("6.0514"),
        "Credit": Decimal("2.4341"),
        "Refund": Decimal("2.4189"),
    }
    assert said.rows == {"in": 121, "header": 1, "valid": 120}


def test_columns_that_stop_before_the_quantity_are_refused_by_name() -> None:
    file = SYNTHETIC / "ingram_rde_short_first8_columns.csv"
    said = checked(file, load_profile(shipped_profiles()["ingram-subscription-resources"]))
    assert said.verdict[0] == "refused"
    assert str(said.read.refusal).startswith("the mapped columns ")
    assert "Customer Account ID" in str(said.read.refusal)


@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.name)
def test_no_sample_is_dropped_in_silence_under_a_profile_that_is_not_for_it(path: Path) -> None:
    said = checked(path, load_profile(shipped_profiles()["generic"]))
    verdict, reasons = said.verdict
    assert verdict == "refused"
    assert reasons == (said.read.refusal,)
    assert said.rows == {}
