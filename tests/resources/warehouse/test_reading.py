"""Files as they arrive, read whole: every record accounted for, hostile ones refused in words and in seconds."""

import csv
import io
import os
import time
from decimal import Decimal
from pathlib import Path

import pandera.errors
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.completeness import judge_file
from pipelines.intake.drops import SourceVerdict
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.readings import ReadFile
from pipelines.intake.rows import OverlayAction, RowOverlay
from pipelines.intake.schema import validated
from pipelines.intake.shipped import shipped_profiles
from resources.warehouse import reading
from resources.warehouse.lake import USAGE_SCHEMA
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of, read_text

SAMPLES = Path(__file__).parents[2] / "samples" / "intake"
HEADER = "Account,Service,Quantity\n"
SHIPPED = {name: load_profile(text) for name, text in shipped_profiles().items()}

KONTOR = load_profile("""
profile: kontor
source: Kontor
basis: invoice
file: {encoding: [utf-8-sig, cp1252], delimiter: ";"}
header: {row: 5}
columns:
  account_key: Kunden-Nr.
  account_name: Kunde
  service_key: Artikel
  quantity: Menge
  unit_cost: Einzelpreis €
  amount: Betrag €
  currency: {constant: EUR}
numbers: {decimal: ",", thousands: ". ", nil: ["", "-"], negative: ["-1", "1-"]}
rows: {totals: {column: Kunde, match: "^Summe$"}}
aggregate: {method: sum}
""")
QUIRKS = load_profile("""
profile: quirks
source: Example
basis: subscription
header: {find: true, within: 10}
columns:
  account_key: "Acct #"
  account_name: Customer
  service_key: Item Number
  quantity: Units
  unit_cost: Unit Price#2
numbers: {thousands: ",", nil: ["", "-", n/a], negative: ["-1", "(1)"], currency_symbols: ["$"]}
rows: {totals: {column: Customer, match: "(?i)^grand total"}}
aggregate: {method: sum}
""")
TABS = load_profile("""
profile: tabs
source: Example
basis: assigned
file: {format: tsv, encoding: [utf-8]}
columns: {account_key: Klient, service_key: Usługa, quantity: Ilość, charge_start: Od}
dates: ["%d.%m.%Y"]
aggregate: {method: max}
""")


def sample(name: str, profile: ImportProfile) -> ReadFile:
    return DuckDbFileReader().read(SAMPLES / name, profile, file_name=name)


# --- samples ----------------------------------------------------------------------------------------------------------


def test_a_german_export_is_read_under_its_own_marks_and_agrees_with_its_total() -> None:
    read = sample("kontor_semicolon_cp1252.csv", KONTOR)
    assert judge_file(KONTOR, read, None) == (SourceVerdict.COMPLETE, ())
    assert read.rows.as_json() == {
        "in": 11,
        "preamble": 4,
        "header": 1,
        "blank": 1,
        "ignored": 0,
        "totals": 1,
        "rejected": 0,
        "valid": 4,
    }
    assert read.quantity == Decimal("3241.4")
    rows = read.table.to_pylist()
    assert [row["row"] for row in rows] == [6, 7, 8, 9]
    assert [row["quantity"] for row in rows] == [Decimal(1234), Decimal(2000), Decimal(-3), Decimal("10.4")]
    assert [row["amount"] for row in rows] == [Decimal("23075.80"), Decimal(37400), Decimal("-38.25"), None]
    assert rows[1]["account_name"] == "Meyer; Söhne KG"
    assert rows[0]["account_key"] == "004711"
    assert {row["currency"] for row in rows} == {"EUR"}


def test_the_quirks_of_a_us_export_are_read_or_rejected_with_a_reason() -> None:
    read = sample("quirks_of_a_us_export.csv", QUIRKS)
    assert read.header_row == 4
    assert read.columns["unit_cost"] == "Unit Price#2"
    assert read.columns["service_key"] == "Item Number"
    assert read.unused_columns == ("Unit Price",)
    lost = "digits are lost; export again without opening the file in Excel"
    assert [(error.row, error.column, error.value, error.reason) for error in read.rejected] == [
        (5, "Acct #", "7.30318E+17", lost),
        (8, "Item Number", "2E05", lost),
        (9, "Item Number", "SEP-3", "Excel may have made a date of it; export again without opening the file in Excel"),
        (10, "Acct #", "#VALUE!", lost),
    ]
    assert [(error.account, error.service) for error in read.rejected] == [
        (None, "00047"),
        ("000913", None),
        ("000914", None),
        (None, None),
    ]
    assert [row["account_key"] for row in read.table.to_pylist()] == ["730318204611907432", "000913"]
    assert judge_file(QUIRKS, read, None) == (SourceVerdict.COMPLETE, ())
    assert read.rows.blank == 1


def test_a_utf_16_file_of_tabs_is_read_by_its_mark() -> None:
    read = sample("tabs_utf16.tsv", TABS)
    first, second = read.table.to_pylist()
    assert (first["account_key"], first["quantity"], str(first["charge_start"])) == (
        "Łódź Sp. z o.o.",
        12,
        "2026-07-31",
    )
    assert (second["quantity"], second["method"], second["basis"]) == (0, "max", "assigned")


def test_guarded_numbers_and_drifting_kinds_of_a_partner_center_file_are_read() -> None:
    read = sample("guarded_partner_center.csv", SHIPPED["microsoft-nce"])
    cycle, added, credit = read.table.to_pylist()
    assert (cycle["service_key"], cycle["commitment_term"]) == ("CFQ7TTC0EXA1|0002|P1Y", "P1Y")
    assert (cycle["quantity"], cycle["size_quantity"], cycle["is_cycle"]) == (25, 25, True)
    assert (added["quantity"], added["size_quantity"], added["is_cycle"]) == (3, 28, False)
    assert (str(cycle["charge_start"]), str(cycle["charge_end"])) == ("2026-07-01", "2026-08-01")
    assert (added["charge_class"], credit["charge_class"], credit["amount"]) == ("recurring", "credit", 0)
    assert (added["amount"], read.rounded_amounts) == (Decimal("42.5806451613"), 1)
    (gone,) = read.rejected
    assert (gone.column, gone.reason) == ("CustomerId", "the account key is blank")
    assert gone.service == "CFQ7TTC0EXA2|0001|Weekly commitment"


def test_what_check_shows_is_there() -> None:
    read = sample("tabs_utf16.tsv", TABS)
    assert read.columns == {
        "account_key": "Klient",
        "service_key": "Usługa",
        "quantity": "Ilość",
        "charge_start": "Od",
    }
    assert read.headers == ("Klient", "Usługa", "Ilość", "Od")
    assert read.preview[0]["quantity"] == "12"
    assert read.preview[0]["charge_start"] == "2026-07-31"
    assert read.preview[0]["amount"] is None
    assert read.table.schema.names == USAGE_SCHEMA.names
    assert read.table.cast(USAGE_SCHEMA).num_rows == 2


# --- what is wrong with a record --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "column", "reason"),
    [
        pytest.param(",M365,1", "Account", "the account key is blank", id="no account"),
        pytest.param("Acme, ,1", "Service", "the service key is blank", id="no service"),
        pytest.param("Acme,M365,", "Quantity", "the quantity is missing", id="no quantity"),
        pytest.param("Acme,M365,1e3", "Quantity", "scientific notation, digits may be lost", id="an exponent"),
        pytest.param(
            "Acme,M365,1.2.3",
            "Quantity",
            "is not a number under the declared marks (decimal '.', no thousands mark, negative -1)",
            id="no number",
        ),
        pytest.param("Acme,M365,=1+1", "Quantity", "is not a number under", id="a formula"),
        pytest.param("Acme,M365,0.12345678901", "Quantity", "the number does not fit exactly", id="eleven places"),
        pytest.param("Acme\u202ecorp,M365,1", "Account", "the key holds hidden characters", id="turned writing"),
        pytest.param("x" * 501 + ",M365,1", "Account", "the key is longer than 500 characters", id="a novel"),
        pytest.param("Acme,M365,12,surplus", None, "the record has more cells than the header", id="shifted"),
    ],
)
def test_a_record_that_is_not_understood_says_where_and_why(
    tmp_path: Path, record: str, column: str | None, reason: str
) -> None:
    read = read_text(tmp_path, f"{HEADER}Bolt,M365,1\n{record}\n", profile_of())
    (error,) = read.rejected
    assert (error.row, error.column, error.file) == (3, column, "usage.csv")
    assert error.reason.startswith(reason)
    assert error.remedy.endswith(".")
    assert len(error.record_hash) == 16
    assert read.rows.valid == 1


def test_dates_filters_and_policies_say_where_and_why(tmp_path: Path) -> None:
    profile = profile_of(
        columns="{account_key: A, service_key: S, quantity: {sum: [Q, R]}, charge_start: D, currency: C}",
        dates='["%d/%m/%Y", "%m/%d/%Y"]',
        rows="{include: [{column: P, gt: 0}], negative: reject, fraction: reject}",
    )
    content = "A,S,Q,R,D,C,P\n" + "".join(
        f"a,s,{cells}\n"
        for cells in [
            "1,,31/12/2026,usd,1",
            "1,,01/12/2026,usd,1",
            "1,,46055,usd,1",
            "1,,,$,1",
            "1,,,usd,many",
            "1,-2,,usd,1",
            "1,0.5,,usd,1",
            ",,,usd,1",
            "9999999999999999999999999999,1,,usd,1",
            "1,x,,usd,1",
        ]
    )
    read = read_text(tmp_path, content, profile)
    assert [(error.row, error.column, error.reason.split(":")[0][:38]) for error in read.rejected] == [
        (3, "D", "reads as two different days under %d/%"),
        (4, "D", "is no date of %d/%m/%Y, %m/%d/%Y"),
        (5, "C", "is no currency code of three letters ("),
        (6, "P", "nobody can tell whether the row counts"),
        (7, "Q", "the profile rejects negative quantitie"),
        (8, "Q", "the profile rejects fractions of a uni"),
        (9, "Q", "the quantity is missing"),
        (10, "Q", "the number does not fit exactly"),
        (11, "R", "is not a number under the declared mar"),
    ]


def test_a_last_record_that_lost_its_rest_is_rejected(tmp_path: Path) -> None:
    header = "Account,Service,Quantity,Note\n"
    cut = read_text(tmp_path, header + "Acme,M365,12,x\nBolt,M365,1", profile_of())
    assert [error.reason for error in cut.rejected] == ["the file ends in the middle of this record"]
    assert cut.rejected[0].account is None
    assert read_text(tmp_path, header + "Bolt,M365,1\nAcme,M365,12,x", profile_of()).rows.rejected == 0
    assert read_text(tmp_path, header + "Bolt,M365,1\n", profile_of()).rows.rejected == 0


def test_a_key_that_is_a_formula_or_sql_is_text(tmp_path: Path) -> None:
    hostile = ["=cmd|' /C calc'!A0", "@SUM(1)", "'; DROP TABLE answers; --", "a\"); COPY records TO '/tmp/x'; --"]
    out = io.StringIO()
    csv.writer(out).writerows([["Account", "Service", "Quantity"], *([key, key, "1"] for key in hostile)])
    read = read_text(tmp_path, out.getvalue(), profile_of())
    assert [row["account_key"] for row in read.table.to_pylist()] == hostile


def test_sql_in_a_header_is_a_header(tmp_path: Path) -> None:
    name = "Account\\\"'; DROP TABLE records; --"
    profile = profile_of(
        columns=f"{{account_key: '{name.replace(chr(39), chr(39) * 2)}', service_key: S, quantity: Q}}"
    )
    out = io.StringIO()
    csv.writer(out).writerows([[name, "S", "Q", "SELECT 1"], ["Acme", "M365", "1", "x"]])
    read = read_text(tmp_path, out.getvalue(), profile)
    assert (read.refusal, read.rows.valid, read.unused_columns) == (None, 1, ("SELECT 1",))


def test_a_pattern_that_the_engine_does_not_take_refuses_the_file(tmp_path: Path) -> None:
    profile = profile_of(rows='{failures: {match: "(a{900}){900}"}}')
    read = read_text(tmp_path, HEADER + "Acme,M365,1\n", profile)
    assert read.refusal is not None
    assert read.refusal.startswith("a pattern of the profile cannot be used:")


def test_keys_of_several_columns_never_meet(tmp_path: Path) -> None:
    profile = profile_of(columns="{account_key: Account, service_key: [A, B], quantity: Quantity}")
    cells = ["", "\\", "|", "a", "\\|", "|\\", "a\\", "\\\\", "\\\\|"]
    out = io.StringIO()
    rows = [["x", one, other, "1"] for one in cells for other in cells if one or other]
    csv.writer(out).writerows([["Account", "A", "B", "Quantity"], *rows])
    read = read_text(tmp_path, out.getvalue(), profile)
    keys = [row["service_key"] for row in read.table.to_pylist()]
    assert len(set(keys)) == len(rows)
    assert {"a|\\|", "|a", "a|"} <= set(keys)


def test_a_broken_file_name_is_kept_readable(tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(HEADER + "Acme,M365,1\nBolt,M365,x\n")
    read = DuckDbFileReader().read(file, profile_of(), file_name="u\udcffsage.csv")
    assert read.table["file_name"].to_pylist() == [read.rejected[0].file] == ["u?sage.csv"]


# --- hostile files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(HEADER.encode() + b'"Acme,M365,1\n' + b"Bolt,M365,1\n" * 200_000, "record 2", id="an open quote"),
        pytest.param(HEADER.encode() + b"x" * 30_000_000 + b",M365,1\n", "record 2", id="a cell of thirty megabytes"),
        pytest.param(HEADER.encode() + b"Ac\x00me,M365,1\n", "record 2 holds NUL characters", id="NUL"),
        pytest.param(HEADER.encode() + b"\xed\xa0\x80,M365,1\n", "is not text in utf-8-sig", id="a lone surrogate"),
        pytest.param(b"\x1f\x8b\x08\x00" * 9, "the archive is damaged or cut off", id="what only begins like gzip"),
    ],
)
def test_a_hostile_file_is_refused_in_words_and_in_seconds(tmp_path: Path, content: bytes, words: str) -> None:
    started = time.perf_counter()
    read = read_text(tmp_path, content, profile_of())
    assert read.refusal is not None
    assert words in read.refusal
    assert (read.rows.total, read.table, read.rejected) == (0, None, ())
    assert time.perf_counter() - started < 20


@given(content=st.binary(max_size=300))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_below_a_header_are_accounted_for_or_refused(tmp_path: Path, content: bytes) -> None:
    profile = profile_of(file="{encoding: [latin-1]}")
    read = read_text(tmp_path, HEADER.encode() + content, profile)
    if read.refusal is None:
        text = io.StringIO((HEADER.encode() + content).decode("latin-1"), newline="")
        assert read.rows.total == len(list(csv.reader(text, strict=True)))
        assert len(read.rejected) == read.rows.rejected
        assert read.table.num_rows == read.rows.valid


@given(content=st.binary(max_size=200))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_read_or_refused_and_never_a_traceback(tmp_path: Path, content: bytes) -> None:
    read = read_text(tmp_path, content, profile_of(header="{find: true}"))
    assert (read.refusal is None) == (read.rows.total > 0 or content == b"")


_cells = st.text(st.sampled_from(sorted('ab01.-(,;"\n\r \u00a0$|\\')), max_size=6)


@given(
    rows=st.lists(st.lists(_cells, max_size=5), max_size=30),
    preamble=st.lists(st.lists(_cells, max_size=3), max_size=3),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_of_a_csv_is_counted_once(
    tmp_path: Path, rows: list[list[str]], preamble: list[list[str]]
) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([*preamble, ["Account", "Service", "Quantity"], *rows])
    profile = profile_of(
        header=f"{{row: {len(preamble) + 1}}}",
        rows="{exclude: [{column: Account, eq: a}], totals: {column: Account, match: b}, zero: ignore}",
    )
    read = read_text(tmp_path, out.getvalue(), profile)
    assert read.rows.total == len(preamble) + 1 + len(rows)
    assert (read.rows.preamble, read.rows.header) == (len(preamble), 1)


def test_batches_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profile_of(rows='{totals: {column: Account, match: "^Total"}, zero: flag}')
    content = HEADER + "".join(f"A{n},S{n % 3},{n % 5}\n\n" for n in range(50)) + "x,,1\nTotal,,100\nTotal,S1,33"
    whole = read_text(tmp_path, content, profile)
    monkeypatch.setattr(reading, "BATCH_RECORDS", 7)
    pieces = read_text(tmp_path, content, profile)
    assert pieces.table.combine_chunks() == whole.table.combine_chunks()
    for read in (whole, pieces):
        assert judge_file(profile, read, None)[1] == judge_file(profile, whole, None)[1]
        assert (read.rows, read.rejected, read.observations) == (whole.rows, whole.rejected, whole.observations)
    monkeypatch.setattr(reading, "BATCH_CHARACTERS", 10)
    assert read_text(tmp_path, content, profile).rows == whole.rows


def test_an_overlay_without_a_column_that_the_file_has_changes_nothing(tmp_path: Path) -> None:
    overlay = RowOverlay(2, "0" * 16, OverlayAction.IGNORE, None, None, "test", "dana")
    assert read_text(tmp_path, HEADER + "Acme,M365,1\n", profile_of(), [overlay]).rows.valid == 1


def test_whether_a_header_fits_is_told_without_reading_the_file(tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    reader = DuckDbFileReader()
    for content, fits in ((HEADER, True), ("Account,Service\n", False), ("", False)):
        file.write_text(content)
        assert reader.fits(file, profile_of()) is fits


def test_a_disk_that_fails_is_not_an_answer(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DuckDbFileReader().read(tmp_path / "gone.csv", profile_of(), file_name="gone.csv")


# --- the contract of validated usage ----------------------------------------------------------------------------------


def test_a_row_that_breaks_the_contract_stops_the_file(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER + "Acme,M365,1\nBolt,M365,2\n", profile_of())
    rows = pl.DataFrame(pl.from_arrow(read.table.cast(USAGE_SCHEMA)))
    assert validated(rows).equals(rows)
    broken = {
        "a blank key": rows.with_columns(account_key=pl.lit("")),
        "a class nobody knows": rows.with_columns(charge_class=pl.lit("gift")),
        "a currency in words": rows.with_columns(currency=pl.lit("dollars")),
        "a float": rows.with_columns(pl.col("quantity").cast(pl.Float64)),
        "no quantity": rows.with_columns(quantity=pl.lit(None, pl.Decimal(38, 10))),
        "a row twice": rows.with_columns(row=pl.lit(2, pl.Int64)),
    }
    for frame in broken.values():
        with pytest.raises(pandera.errors.SchemaError):
            validated(frame)


def test_no_rows_keep_the_columns(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER, profile_of())
    assert read.table.num_rows == 0
    assert isinstance(read.table, pa.Table)
    assert read.table.cast(USAGE_SCHEMA).schema == USAGE_SCHEMA


# --- samples of others, where they are at hand ------------------------------------------------------------------------

ELSEWHERE = Path(os.environ.get("TRUEUP_SAMPLES_DIR", "/nowhere"))
EA = load_profile("""
profile: azure-ea
source: Azure
basis: invoice
columns: {account_key: SubscriptionId, service_key: MeterId, quantity: Quantity}
aggregate: {method: sum}
""")


@pytest.mark.skipif(not ELSEWHERE.is_dir(), reason="TRUEUP_SAMPLES_DIR names no folder")
@pytest.mark.parametrize(
    ("path", "profile", "verdict", "valid", "ignored", "quantity"),
    [
        ("connect/microsoft-nce.csv", SHIPPED["microsoft-nce"], "complete", 100, 0, "1337"),
        (
            "distributors/synthetic/partner_center_nce_2026_guarded_bom.csv",
            SHIPPED["microsoft-nce"],
            "complete",
            9,
            0,
            "107",
        ),
        (
            "distributors/synthetic/partner_center_onetime_2021.csv",
            SHIPPED["microsoft-nce"],
            "complete",
            4,
            0,
            "55.005001",
        ),
        (
            "distributors/synthetic/pax8_subscriptions_api_shaped.csv",
            SHIPPED["pax8-subscriptions"],
            "complete",
            4,
            2,
            "90",
        ),
        ("distributors/real/azure_EA_NoRows.csv", EA, "empty", 0, 0, "0"),
    ],
)
def test_samples_of_others_are_read_whole(
    path: str, profile: ImportProfile, verdict: str, valid: int, ignored: int, quantity: str
) -> None:
    read = DuckDbFileReader().read(ELSEWHERE / path, profile, file_name=path)
    assert judge_file(profile, read, None)[0] == verdict
    assert (read.rows.valid, read.rows.ignored, read.rows.rejected) == (valid, ignored, 0)
    assert read.quantity == Decimal(quantity)


# --- two dates in one cell --------------------------------------------------------------------------------------------

INTERVALS = load_profile("""
profile: intervals
source: Example
basis: invoice
columns:
  account_key: Account
  service_key: Service
  quantity: Quantity
  charge_start: {column: Interval, range: start}
  charge_end: {column: Interval, range: end, inclusive: true}
dates: ["%Y-%m-%d"]
aggregate: {method: last_by_period_end}
""")


def test_two_dates_in_one_cell_are_start_and_exclusive_end(tmp_path: Path) -> None:
    rows = "acme,M365,5,2026-07-01-2026-07-31\nacme,M365,5,\nacme,M365,5,2026-07-01\n"
    read = read_text(tmp_path, "Account,Service,Quantity,Interval\n" + rows, INTERVALS)
    found = [(str(row["charge_start"]), str(row["charge_end"])) for row in read.table.to_pylist()]
    assert found == [("2026-07-01", "2026-08-01"), ("None", "None")]
    [error] = read.rejected
    assert (error.row, error.column, error.value) == (4, "Interval", "2026-07-01")
    assert error.reason == "is not two dates of %Y-%m-%d with one of - – / .. to bis between them"


def test_quantities_add_up_to_the_last_of_38_digits(tmp_path: Path) -> None:
    read = read_text(
        tmp_path, "Account,Service,Quantity\na,x,9999999999999999999.0000000001\na,x,1.0000000002\n", profile_of()
    )
    assert read.quantity == Decimal("10000000000000000000.0000000003")
