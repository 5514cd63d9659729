"""The judge itself is held against examples that were worked out by hand from the papers."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.intake.conventions import Numbers
from pipelines.intake.profile import ImportProfile, load_profile
from tests.pipelines.intake.judge import (
    Judged,
    NotRead,
    UnreadableFileError,
    day,
    is_damaged,
    judge,
    kept,
    month,
    number,
    unwrapped,
)
from tests.pipelines.intake.reading import profile_of

ENGLISH = Numbers(thousands=",", nil=("", "-", "n/a"), negative=("-1", "(1)", "1-"), currency_symbols=("$",))
GERMAN = Numbers(decimal=",", thousands=".", currency_symbols=("€",))


@pytest.mark.parametrize(
    ("cell", "numbers", "expected"),
    [
        pytest.param("1.234,00", GERMAN, "1234", id="T07: a European export"),
        pytest.param("1,234.5", ENGLISH, "1234.5", id="an English group"),
        pytest.param("12,5 €", GERMAN, "12.5", id="a symbol behind a blank"),
        pytest.param("($12)", ENGLISH, "-12", id="brackets around a symbol"),
        pytest.param("12.00-", ENGLISH, "-12", id="a trailing minus"),
        pytest.param("-$5", ENGLISH, "-5", id="a sign before the symbol"),
        pytest.param("0E-20", ENGLISH, "0", id="a zero with an exponent"),
        pytest.param("22.000000000000000000", ENGLISH, "22", id="zeros beyond the tenth place"),
        pytest.param("9" * 28 + ".9999999999", ENGLISH, "9" * 28 + ".9999999999", id="the largest number there is"),
    ],
)
def test_a_number_is_what_its_marks_say(cell: str, numbers: Numbers, expected: str) -> None:
    value = number(cell, numbers)
    assert value is not None
    assert kept(value) == Decimal(expected)


@pytest.mark.parametrize(
    "cell",
    [
        "1.2.3",
        "1,23",
        "0,123",
        "1,2345",
        "1e3",
        "7.3E+17",
        "NaN",
        "inf",
        "1_000",
        "٣",
        "１２",
        "--5",
        "(-5)",
        "$$5",
        "+5",
        "5.",
    ],
)
def test_what_does_not_fit_the_marks_exactly_is_no_number(cell: str) -> None:
    with pytest.raises(NotRead):
        number(cell, ENGLISH)


def test_nil_is_no_number_and_not_zero() -> None:
    assert [number(cell, ENGLISH) for cell in ("", "-", "n/a")] == [None, None, None]


def test_ten_places_are_kept_and_an_eleventh_is_rounded_half_up_where_that_is_allowed() -> None:
    with pytest.raises(NotRead):
        kept(Decimal("0.00000000005"))
    assert kept(Decimal("0.00000000005"), may_round=True) == Decimal("0.0000000001")
    assert kept(Decimal("-0.00000000005"), may_round=True) == Decimal("-0.0000000001")
    with pytest.raises(NotRead):
        kept(Decimal(10) ** 28, may_round=True)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("\u200b acme\u00a0", "acme"), ('="00123"', "00123"), ("'22.0", "22.0"), ("'t Hooft", "'t Hooft"), ('=""', "")],
)
def test_guards_and_blanks_come_off_a_cell(cell: str, expected: str) -> None:
    assert unwrapped(cell) == expected


def test_a_key_that_excel_has_damaged_is_known_by_its_looks() -> None:
    assert all(map(is_damaged, ["7.3E+17", "2E05", "1,5E10", "#N/A", "#REF!", "#VALUE!", "SEP-3", "03-Sep"]))
    assert not any(map(is_damaged, ["CFQ7TTC0LHS9", "12e45", "E5", "#1", "SEP-", "SEP-365", "SEPT-3", "3-9", "7"]))


@pytest.mark.parametrize(
    ("cell", "formats", "expected"),
    [
        pytest.param("7/4/2026", ["%m/%d/%Y"], date(2026, 7, 4), id="an American day"),
        pytest.param("12/12/2026", ["%m/%d/%Y", "%d/%m/%Y"], date(2026, 12, 12), id="two formats that agree"),
        pytest.param("2026-07-31T23:59:59.1234567Z", ["%Y-%m-%dT%H:%M:%S.%fZ"], date(2026, 7, 31), id="seven places"),
        pytest.param("", ["%Y-%m-%d"], None, id="no day"),
    ],
)
def test_a_day_is_read_by_the_listed_formats(cell: str, formats: list[str], expected: date | None) -> None:
    assert day(cell, formats) == expected


@pytest.mark.parametrize("cell", ["2026-02-30", "7/4/2026", "46055", "２０２６-07-01", "2026-07-01 ", "1899-12-31"])
def test_what_fits_no_format_or_two_differently_is_no_day(cell: str) -> None:
    with pytest.raises(NotRead):
        day(cell, ["%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y"])


@pytest.mark.parametrize("cell", ["2026-07", "202607", "07-2026", "07.2026", "2026-07-31"])
def test_a_month_has_four_spellings_or_is_that_of_a_day(cell: str) -> None:
    assert month(cell, ["%Y-%m-%d"]) == "2026-07"


# --- records ----------------------------------------------------------------------------------------------------------

FULL = load_profile(
    """
profile: full
source: Acme
basis: invoice
header: {find: true, within: 3}
columns:
  account_key: Account
  account_name: Name
  service_key: [SKU, Term]
  quantity: Quantity
  amount: Amount
  commitment_term: Term
  charge_end: {column: End, inclusive: true}
  charge_kind: Kind
dates: ["%Y-%m-%d"]
rows:
  include: [{column: State, in: [Active]}]
  exclude: [{column: Amount, gt: 100}]
  totals: {column: Account, match: "(?i)^(grand )?total$"}
  failures: {match: "(?i)could not connect"}
  zero: ignore
  negative: reject
aggregate: {method: running_total, size_column: Amount, cycle: [cycleCharge]}
charges: {recurring: [cycleCharge], cancel: [cancelImmediate]}
maps: {commitment_term: {1-Year: P1Y}}
"""
)
HEADER = "Account,Name,SKU,Term,Quantity,Amount,End,Kind,State\n"


def records(text: str, profile: ImportProfile = FULL) -> list[Judged]:
    return judge(text.encode(), profile)


def record(line: str) -> Judged:
    """What the judge says of one record below the header."""
    return records(HEADER + line)[1]


def test_a_record_is_counted_once_as_what_it_is() -> None:
    text = (
        "Usage of July\n"
        + HEADER
        + (
            'acme,,M365,1-Year,12,5,2026-07-31,cycleCharge,"Active"\n'
            '"two\nlines",,M365,,1,,,,Active\n'
            ",,,\u00a0,\n"
            "acme,,M365,,0,,,,Active\n"
            "acme,,M365,,1,,,,Trial\n"
            "Grand Total,,,,13,,,,\n"
            "acme,Could not connect to client,,,,,,,\n"
            ",,M365,,1,,,,Active\n"
        )
    )
    kinds = ["preamble", "header", "valid", "valid", "blank", "ignored", "ignored", "totals", "rejected", "rejected"]
    assert [(row.row, row.kind) for row in records(text)] == list(enumerate(kinds, 1))


def test_a_valid_record_says_all_its_values() -> None:
    found = record(" acme ,,M|365,1-Year,12,5.50,2026-07-31,CYCLE_charge,Active\n")
    expected: dict[str, Any] = {
        "account_key": "acme",
        "account_name": "acme",
        "service_key": r"M\|365|P1Y",
        "service_name": r"M\|365|P1Y",
        "quantity": Decimal(12),
        "amount": Decimal("5.5"),
        "commitment_term": "P1Y",
        "charge_end": date(2026, 8, 1),
        "charge_kind": "CYCLE_charge",
        "charge_class": "recurring",
        "is_cycle": True,
        "currency": None,
    }
    assert {name: found.values[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "faults"),
    [
        pytest.param(",,,,x,,,,Active", {"Account", "SKU", "Quantity"}, id="every cell at fault is named"),
        pytest.param("#N/A,,M365,,1,,,,Active", {"Account"}, id="a damaged key"),
        pytest.param("acme,,M365,2E05,1,,,,Active", {"Term"}, id="a damaged part of a key"),
        pytest.param("acme,,M365,,,,,,Active", {"Quantity"}, id="no quantity"),
        pytest.param("acme,,M365,,-1,,,,Active", {"Quantity"}, id="a negative quantity, by policy"),
        pytest.param("acme,,M365,,1,,31.07.2026,,Active", {"End"}, id="a day of another format"),
        pytest.param("acme,,M365,,1,x,,,Active", {"Amount"}, id="nobody knows whether the row counts"),
        pytest.param("acme,,M365,,1,0.00000000005,,,Active", {"Amount"}, id="nor with a number that does not fit"),
        pytest.param("acme,,M365,,1,,,,Active,more", {None}, id="a cell too many"),
        pytest.param("acme,,could not connect,,x,,,,Trial", {None}, id="a failure, whatever else it says"),
    ],
)
def test_a_rejected_record_names_what_is_at_fault(line: str, faults: set[str | None]) -> None:
    found = record(line + "\n")
    assert (found.kind, set(found.faults)) == ("rejected", faults)


def test_a_certain_condition_outweighs_a_cell_that_cannot_be_read() -> None:
    assert record("acme,,M365,,1,x,,,Trial\n").kind == "ignored"


@pytest.mark.parametrize(
    ("kind", "expected"), [("cancel-immediate", "cancel"), ("", "unknown"), ("somethingNew", "unknown")]
)
def test_a_kind_in_no_list_and_no_kind_are_unknown(kind: str, expected: str) -> None:
    assert record(f"acme,,M365,,1,,,{kind},Active\n").values["charge_class"] == expected


def test_without_kinds_every_row_is_recurring_and_counting_rows_needs_no_quantity() -> None:
    columns = "{account_key: Account, service_key: Service, quantity: {count: rows}}"
    (_, row) = records("Account,Service\nacme,M365\n", profile_of(columns=columns, aggregate="{}"))
    assert (row.values["charge_class"], row.values["quantity"]) == ("recurring", Decimal(1))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"Account,Quantity\nacme,1\n", id="a mapped header is missing"),
        pytest.param(b'Account,Service,Quantity\nacme,"M365,1\n', id="a quote that is never closed"),
        pytest.param("Account,Service,Quantity\né".encode("cp1252"), id="bytes of another encoding"),
        pytest.param(b"Account,Service,Quantity\na,b,\0", id="NUL"),
        pytest.param(b"Account,Service,Quantity\n" + b"a,b," + b"9" * 28 + b"\n" + b"a,b,1\n", id="too large a sum"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_not_read(content: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        judge(content, profile_of())


def test_a_file_of_blank_records_has_no_header() -> None:
    assert [row.kind for row in judge(b"\n,,\n", profile_of())] == ["blank", "blank"]
    assert judge(b"", profile_of()) == []


def test_a_row_that_names_its_part_is_of_that_part_and_one_that_names_none_is_rejected() -> None:
    profile = profile_of(
        columns="{account_key: Account, service_key: SKU, quantity: Quantity, part: Hub}",
        arrives='{pattern: "x/*", period: from_arrival, part: from_column}',
    )
    text = (
        "Account,SKU,Quantity,Hub\na,M,1, EU \u00a0West \na,M,1,\uff25\uff35 West\na,M,1,\na,M,1,E\u202eU\na,M,1,#N/A\n"
    )
    first, second, *others = records(text, profile)[1:]
    assert (first.part, second.part) == ("EU West", "EU West")
    assert [(row.kind, row.faults) for row in others] == [("rejected", frozenset(["Hub"]))] * 3
