"""The catalogue of nastiness, numbers 1 to 17: what is odd about the text of a file, one small file for each.

Belongs here: for each number its file, the quantities it means, every record accounted for, the words of a refusal.
Does not belong here: which rows count and what files mean together (``test_nastiness_of_rows``).
"""

from decimal import Decimal
from pathlib import Path

from tests.resources.warehouse.nastiness import altered, checked, profile_beside

LOST = "digits are lost; export again without opening the file in Excel"
DATED = "Excel may have made a date of it; export again without opening the file in Excel"


def test_01_lines_before_the_header_are_no_data_and_a_header_that_is_not_found_stops() -> None:
    said = checked("01_preamble.csv")
    assert said.rows == {"in": 7, "preamble": 4, "header": 1, "valid": 2}
    assert said.valid("row", "account_key", "quantity") == [(6, "Maple Dental", 12), (7, "Birch Legal", 3)]
    stopped = checked("01_preamble.csv", profile_beside("01_preamble", "within: 10", "within: 4"))
    assert (stopped.verdict[0], stopped.rows) == ("refused", {})
    assert str(stopped.read.refusal).startswith(
        "the mapped columns 'Account', 'Service', 'Quantity' are missing in the first 4 records"
    )


def test_02_totals_and_footers_are_no_usage_and_a_total_that_disagrees_stops(tmp_path: Path) -> None:
    said = checked("02_totals.csv")
    assert said.verdict == ("complete", ())
    assert said.rows == {"in": 8, "header": 1, "ignored": 1, "totals": 3, "valid": 3}
    assert said.read.quantity == 35
    wrong = checked(altered(tmp_path, "02_totals.csv", "Mail filter,20\nGrand", "Mail filter,21\nGrand"), "02_totals")
    assert wrong.verdict == (
        "incomplete",
        ("the control total of record 6 says 21, the rows of 'Mail filter' add up to 20",),
    )


def test_03_a_byte_order_mark_is_no_part_of_the_first_header() -> None:
    said = checked("03_byte_order_mark.csv")
    assert said.read.columns["account_key"] == "Account"
    assert said.rows == {"in": 2, "header": 1, "valid": 1}
    assert said.valid("quantity") == [(12,)]


def test_04_letters_of_utf_16_and_cp1252_are_read_whole_or_the_file_is_refused() -> None:
    polish, german = checked("04_utf16.csv", "04_encodings"), checked("04_cp1252.csv", "04_encodings")
    assert polish.valid("account_key", "service_key", "quantity")[0] == ("Żabka Młyn", "Kopia zapasowa", 12)
    assert german.valid("account_key", "service_key", "quantity")[0] == ("Bäckerei Groß", "Sicherung 5 €", 12)
    assert polish.rows == german.rows == {"in": 3, "header": 1, "valid": 2}
    refused = checked("04_cp1252.csv", profile_beside("04_encodings", "[utf-8-sig, cp1252]", "utf-8-sig"))
    assert refused.verdict[0] == "refused"
    assert str(refused.read.refusal).startswith("the file is not text in utf-8-sig")
    assert str(refused.read.refusal).endswith("(file.encoding), or export the file again as UTF-8")


def test_05_semicolons_tabs_and_bars_part_cells_where_the_profile_says_so() -> None:
    for mark in ("semicolon", "tab", "pipe"):
        said = checked(f"05_{mark}.csv")
        assert said.valid("account_key", "quantity") == [("Maple, Dental", 12), ("Birch Legal", 3)]
        assert said.rows == {"in": 3, "header": 1, "valid": 2}
    other = checked("05_pipe.csv", "05_semicolon")
    assert "headers seen in record 1: 'Account|Service|Quantity'" in str(other.read.refusal)


def test_06_a_thousands_mark_is_no_decimal_point() -> None:
    german, swiss = checked("06_german_marks.csv"), checked("06_swiss_marks.csv")
    figures = [(1234, Decimal("1355.90")), (Decimal("2400.5"), Decimal("-2.40"))]
    assert german.valid("quantity", "amount") == swiss.valid("quantity", "amount") == figures
    no_number = "is not a number under the declared marks (decimal ',', thousands '. ', negative -1)"
    assert german.rejected == [(4, "Quantity", "1.23", no_number), (5, "Quantity", "1,234.5", no_number)]
    assert [error[:3] for error in swiss.rejected] == [(4, "Quantity", "12'34")]
    english = checked("06_english_marks.csv")
    assert english.valid("quantity") == [(1024,), (Decimal("1.234"),)]
    assert english.verdict == ("complete", ("1 row with a fractional quantity: record 3",))
    assert [error[:3] for error in english.rejected] == [(4, "Quantity", "1,2")]


def test_07_brackets_and_a_trailing_minus_negate_and_nil_is_not_zero() -> None:
    said = checked("07_signs_and_symbols.csv")
    assert said.valid("quantity", "amount") == [(-12, -12), (-12, Decimal("30.5")), (7, None), (5, None)]
    assert [(row, reason.split(" (")[0]) for row, _, _, reason in said.rejected] == [
        (6, "the quantity is missing"),
        (7, "is not a number under the declared marks"),
    ]
    assert said.rows == {"in": 7, "header": 1, "rejected": 2, "valid": 4}


def test_08_guards_come_off_and_only_a_zero_may_have_an_exponent() -> None:
    said = checked("08_guards.csv")
    assert said.valid("account_key", "quantity", "amount") == [("00123", 22, 484), ("00124", 3, 0)]
    assert said.rejected == [(4, "Amount", "1E-3", "scientific notation, digits may be lost")]
    assert said.rows == {"in": 4, "header": 1, "rejected": 1, "valid": 2}


def test_09_what_excel_leaves_of_an_id_is_never_a_key() -> None:
    said = checked("09_mangled_ids.csv")
    assert said.rejected == [
        (2, "Account", "7.3E+17", LOST),
        (5, "Service", "2E05", LOST),
        (6, "Service", "SEP-3", DATED),
        (7, "Service", "3-Sep", DATED),
        (8, "Account", "#N/A", LOST),
        (9, "Account", "#REF!", LOST),
    ]
    assert [key for (key,) in said.valid("account_key")][:2] == ["730318204611907432", "000042"]
    assert said.rows == {"in": 11, "header": 1, "rejected": 6, "valid": 4}
    assert {error.remedy for error in said.read.rejected} == {
        "Export the file again from the distributor's portal and drop it unopened."
    }


def test_10_blank_rows_blank_columns_and_trailing_commas_are_nothing() -> None:
    said = checked("10_blank_rows_and_columns.csv")
    assert said.rows == {"in": 7, "header": 1, "blank": 4, "valid": 2}
    assert said.valid("row", "quantity") == [(2, 12), (6, 3)]
    assert said.read.unused_columns == ()


def test_11_of_two_columns_with_one_name_the_profile_says_which() -> None:
    said = checked("11_doubled_headers.csv")
    assert said.valid("account_key", "account_name", "unit_cost") == [
        ("4711", "Maple Dental", Decimal("2.55")),
        ("4720", "Birch Legal", Decimal("2.55")),
    ]
    assert said.verdict == ("complete", ())
    unsaid = checked("11_doubled_headers.csv", profile_beside("11_doubled_headers", "Price#2", "Price"))
    assert unsaid.verdict[1] == ("the header 'Price' stands more than once; the first such column is read",)
    assert said.rows == unsaid.rows == {"in": 3, "header": 1, "valid": 2}


def test_12_a_header_is_known_by_its_words_whatever_its_blanks_and_letter_case() -> None:
    said = checked("12_odd_headers.csv")
    assert said.read.columns == {
        "account_key": "Exrternal id",
        "account_name": "ACCOUNT name",
        "service_key": "Item Description|SUBSCRIPTION _RESOURCE_UNIT",
        "quantity": "ｕｎｉｔｓ",
    }
    assert said.valid("account_key", "service_key", "quantity") == [("4711", "Backup|GB", 12)]
    assert said.rows == {"in": 2, "header": 1, "valid": 1}


def test_13_a_record_is_no_line_and_a_comma_in_a_name_parts_nothing() -> None:
    said = checked("13_line_breaks_in_cells.csv")
    assert said.valid("row", "account_key", "quantity") == [(2, "Maple, Dental", 12), (4, "Elm Foods", 3)]
    assert [error[:3] for error in said.rejected] == [(3, "Quantity", "many")]
    assert said.rows == {"in": 4, "header": 1, "rejected": 1, "valid": 2}


def test_14_blanks_and_wide_letters_make_no_other_customer_but_letter_case_and_quotes_do() -> None:
    said = checked("14_odd_blanks_in_names.csv")
    assert said.valid("account_key", "match_account") == [
        ("Maple\u00a0 Dental", "Maple Dental"),
        ("Maple Dental", "Maple Dental"),
        ("MAPLE Dental", "MAPLE Dental"),
        ("O’Hara “Legal”", "O’Hara “Legal”"),
        ('O\'Hara "Legal"', 'O\'Hara "Legal"'),
        ("Ｂｉｒｃｈ", "Birch"),
        ("Bi\u200brch", "Bi\u200brch"),
    ]
    assert said.rows == {"in": 8, "header": 1, "valid": 7}


def test_15_a_date_is_read_under_declared_formats_and_never_guessed_by_row() -> None:
    said = checked("15_mixed_dates.csv")
    assert {str(day) for (day,) in said.valid("charge_start")} == {"2026-02-16"}
    formats = "%m/%d/%Y, %d.%m.%Y, %Y-%m-%dT%H:%M:%SZ, %b %d, %Y %H:%M:%S"
    assert said.rejected == [
        (row, "Start", value, f"is no date of {formats}")
        for row, value in [(6, "16/02/2026"), (7, "46055"), (8, "Feb 2026")]
    ]
    assert said.rows == {"in": 8, "header": 1, "rejected": 3, "valid": 4}
    both = checked("15_mixed_dates.csv", profile_beside("15_mixed_dates", '"%m/%d/%Y"', '"%m/%d/%Y", "%d/%m/%Y"'))
    assert [row for row, *_ in both.rejected] == [7, 8]


def test_16_values_of_one_cell_are_taken_apart_and_one_that_is_not_there_is_missing() -> None:
    said = checked("16_two_values_in_one_cell.csv")
    assert said.valid("account_key", "account_name", "service_key", "quantity") == [
        ("4711", "Maple Dental", "Backup|P1Y", 12),
        ("4720", "Birch Legal", "Backup|P1M", -3),
    ]
    assert said.rejected == [
        (4, "Account", "Elm Foods", "the account key is blank"),
        (5, "Attributes", "Plan=Backup, Term=P1M", "the quantity is missing"),
    ]
    assert said.rows == {"in": 5, "header": 1, "rejected": 2, "valid": 2}


def test_17_zero_is_no_blank_and_negative_and_fractional_quantities_follow_the_profile() -> None:
    flagged = checked("17_negative_zero_fraction.csv")
    assert flagged.valid("quantity") == [(-2,), (0,), (Decimal("0.005001"),), (12,)]
    assert flagged.verdict[1] == (
        "1 row with a fractional quantity: record 4",
        "1 row with a negative quantity: record 2",
        "1 row with a zero quantity: record 3",
    )
    assert [(row, reason) for row, _, _, reason in flagged.rejected] == [(5, "the quantity is missing")]
    policy = profile_beside(
        "17_negative_zero_fraction", "negative: flag, zero: flag, fraction: flag", "negative: reject, zero: ignore"
    )
    strict = checked("17_negative_zero_fraction.csv", policy)
    assert strict.rows == {"in": 6, "header": 1, "ignored": 1, "rejected": 2, "valid": 2}
