"""Workbooks: each row with its number in the sheet, each cell as exact text, hostile ones refused with us unharmed."""

import gzip
import io
import time
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from pipelines.intake.profile import ImportProfile, ProfileError
from pipelines.intake.readings import ReadFile
from pipelines.intake.workbook import cell_text
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of

AT_NINE = datetime(2026, 11, 1, 9, 5)  # noqa: DTZ001  a spreadsheet knows no zones
HEAD: list[Any] = ["Account", "Service", "Quantity"]


def book_of(path: Path, **sheets: Sequence[Sequence[Any]]) -> Path:
    """A workbook with these sheets, written by a library that is not the one that reads it."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def workbook_profile(sheet: str = "", **replaced: str) -> ImportProfile:
    return profile_of(file=f"{{format: xlsx{sheet and f', sheet: {sheet}'}}}", **replaced)


def read(file: Path, profile: ImportProfile | None = None) -> ReadFile:
    return DuckDbFileReader().read(file, profile or workbook_profile(), file_name=file.name)


def rows_of(said: ReadFile) -> list[tuple[Any, ...]]:
    names = ("sheet", "row", "account_key", "service_key", "quantity")
    return [tuple(row[name] for name in names) for row in said.table.to_pylist()]


def test_a_sheet_is_read_with_the_row_numbers_of_the_spreadsheet(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEAD, ["Acme", "M365", 12], [], ["Beta", "M365", 7.5], ["Gamma", "M365", "x"]]
    said = read(book_of(tmp_path / "u.xlsx", Cover=[], Usage=rows))
    assert rows_of(said) == [("Usage", 2, "Acme", "M365", 12), ("Usage", 4, "Beta", "M365", 7.5)]
    assert said.rows.as_json() | {"in": 5, "header": 1, "blank": 1, "rejected": 1, "valid": 2} == said.rows.as_json()
    assert [(error.sheet, error.row, error.value) for error in said.rejected] == [("Usage", 5, "x")]


def test_a_sheet_of_one_row_is_a_header_and_no_blank_sheet(tmp_path: Path) -> None:
    said = read(book_of(tmp_path / "u.xlsx", Usage=[HEAD]))
    assert (said.header_row, said.rows.valid, said.refusal) == (1, 0, None)


def test_the_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    file = book_of(tmp_path / "u.xlsx", Summary=[HEAD, ["no", "no", 1]], Lines=[HEAD, ["Acme", "M365", 12]])
    assert rows_of(read(file, workbook_profile("Lines"))) == [("Lines", 2, "Acme", "M365", 12)]
    said = read(file, workbook_profile("Details"))
    assert said.refusal == "there is no sheet 'Details'; there is 'Summary', 'Lines'. Correct file.sheet"


def test_a_table_that_stands_apart_from_the_corner_is_found_where_it_stands(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row, cells in enumerate((HEAD, ["Acme", "M365", 12]), 4):
        for column, cell in enumerate(cells, 3):
            sheet.cell(row, column, cell)
    book.save(tmp_path / "u.xlsx")
    said = read(tmp_path / "u.xlsx", workbook_profile(header="{find: true, within: 10}"))
    assert (said.header_row, said.rows.preamble) == (4, 3)
    assert [row[1:] for row in rows_of(said)] == [(5, "Acme", "M365", 12)]


def test_errors_and_formulas_without_a_result_are_no_blanks(tmp_path: Path) -> None:
    rows: list[list[Any]] = [
        HEAD,
        ["Acme", "M365", "#N/A"],
        ["Beta", "M365", "=1+1"],
        ["=A2", "M365", 3],
        ["Delta", "M365", None],
    ]
    said = read(book_of(tmp_path / "u.xlsx", S=rows))
    assert [(error.row, error.value) for error in said.rejected] == [
        (2, "#N/A"),
        (3, "#FORMULA!"),
        (4, "#FORMULA!"),
        (5, ""),
    ]


def test_an_id_that_lost_its_digits_is_rejected_and_never_a_key(tmp_path: Path) -> None:
    rows: list[list[Any]] = [HEAD, [730318204611907432, "M365", 1], [730318204611907, "M365", 2]]
    said = read(book_of(tmp_path / "u.xlsx", S=rows))
    assert [row[2] for row in rows_of(said)] == ["730318204611907"]
    assert [(error.row, error.value) for error in said.rejected] == [(2, "7.30318204611907E+17")]


def test_dates_read_under_the_iso_format(tmp_path: Path) -> None:
    columns = "{account_key: Account, service_key: Service, quantity: Quantity, charge_end: Until}"
    rows: list[list[Any]] = [[*HEAD, "Until"], ["Acme", "M365", 12, date(2026, 11, 1)], ["Beta", "M365", 1, AT_NINE]]
    profile = workbook_profile(columns=columns, dates='["%Y-%m-%d", "%Y-%m-%d %H:%M:%S"]')
    said = read(book_of(tmp_path / "u.xlsx", S=rows), profile)
    assert [row["charge_end"] for row in said.table.to_pylist()] == [date(2026, 11, 1)] * 2


def test_a_workbook_of_the_old_kind_reads_the_same(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    book.add_sheet("Cover")
    sheet = book.add_sheet("Usage")
    for row, cells in enumerate(
        (HEAD, ["Acme", "M365", 12], [], ["Bäcker", "M365", 7.5], ["Gamma", 730318204611907432, 1])
    ):
        for column, cell in enumerate(cells):
            sheet.write(row, column, cell)
    book.save(str(tmp_path / "u.xls"))
    said = read(tmp_path / "u.xls", profile_of(file="{format: xls}"))
    assert rows_of(said) == [("Usage", 2, "Acme", "M365", 12), ("Usage", 4, "Bäcker", "M365", 7.5)]
    assert [(error.row, error.value) for error in said.rejected] == [(5, "7.30318204611907E+17")]


@pytest.mark.parametrize("packing", ["gzip", "zip"])
def test_a_packed_workbook_is_unpacked_first(tmp_path: Path, packing: str) -> None:
    book = book_of(tmp_path / "u.xlsx", Usage=[HEAD, ["Acme", "M365", 12]])
    packed = tmp_path / "u.packed"
    if packing == "gzip":
        packed.write_bytes(gzip.compress(book.read_bytes()))
    else:
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(book, "export/u.xlsx")
    assert rows_of(read(packed)) == [("Usage", 2, "Acme", "M365", 12)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (0.1 + 0.2, "0.3"),
        (1e-7, "0.0000001"),
        (-0.0, "0"),
        (1200.0, "1200"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1E+15"),
        (True, "TRUE"),
        (None, ""),
        (" x ", " x "),
        (timedelta(hours=30), "30:00:00"),
        (AT_NINE.replace(hour=0, minute=0), "2026-11-01"),
        (AT_NINE, "2026-11-01 09:05:00"),
    ],
)
def test_the_text_of_a_cell_is_exact(value: object, text: str) -> None:
    assert cell_text(value) == text


def minimal(cells: str) -> bytes:
    """A workbook of hand-made parts, for what no library would write."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = {
        "[Content_Types].xml": "<Types/>",
        "_rels/.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" Type="{office}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{relations}"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


FAR = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(minimal(FAR), "names more cells than can be held in memory", id="a cell at the end of the world"),
        pytest.param(minimal(f"<row>{' ' * 200_000_000}</row>"), "unpacks to 190 MB in 5 parts", id="a zip bomb"),
        pytest.param(b"Account,Service,Quantity\n", "cannot be read", id="a csv file"),
        pytest.param(b"<html><table></table></html>", "cannot be read", id="a web page"),
        pytest.param(minimal("<row")[:-40], "cannot be read", id="a file that breaks off"),
        pytest.param(
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "cannot be read", id="a password or an old file"
        ),
        pytest.param(
            minimal('<row r="1"><c r="A1"><v>1</v></c><c r="CAA1"><v>1</v></c></row>'),
            "sheet 'S' reaches row 1 and column 2,055; a usage file has at most 1,048,576 rows and 2,000 columns",
            id="a row that never ends",
        ),
        pytest.param(
            minimal('<row r="2147483647"><c r="A2147483647"><v>1</v></c></row>'),
            "sheet 'S' reaches row 2,147,483,647 and column 1",
            id="a row number beyond any sheet",
        ),
        pytest.param(minimal(""), "no sheet of the workbook holds anything", id="an empty workbook"),
    ],
)
def test_what_is_no_readable_workbook_is_refused_within_seconds(tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "u.xlsx"
    file.write_bytes(content)
    started = time.monotonic()
    said = read(file)
    assert words in str(said.refusal)
    assert time.monotonic() - started < 30


def test_a_sheet_belongs_to_workbooks() -> None:
    with pytest.raises(ProfileError, match="sheet belongs to the formats xlsx and xls"):
        profile_of(file="{format: csv, sheet: Lines}")


def test_23_a_hidden_sheet_is_read_only_where_the_profile_names_it(tmp_path: Path) -> None:
    file = book_of(tmp_path / "u.xlsx", Old=[HEAD, ["Acme", "M365", 99]], Usage=[HEAD, ["Acme", "M365", 12]])
    book = openpyxl.load_workbook(file)
    book["Old"].sheet_state = "hidden"
    book.save(file)
    assert rows_of(read(file)) == [("Usage", 2, "Acme", "M365", 12)]
    assert rows_of(read(file, workbook_profile("Old"))) == [("Old", 2, "Acme", "M365", 99)]


def test_23_a_workbook_of_hidden_sheets_is_refused_with_their_names(tmp_path: Path) -> None:
    file = book_of(tmp_path / "u.xlsx", Cover=[], Old=[HEAD, ["Acme", "M365", 99]])
    book = openpyxl.load_workbook(file)
    book["Old"].sheet_state = "veryHidden"
    book.save(file)
    assert read(file).refusal == (
        "no sheet of the workbook that is shown holds anything; 'Old' is hidden. "
        "Name the sheet (file.sheet of the profile), or export the file again"
    )


@pytest.mark.parametrize("dimension", ["A1", "A1:C2", "A1:XFD1048576"])
def test_23_what_a_sheet_says_of_its_own_size_is_not_believed(tmp_path: Path, dimension: str) -> None:
    rows = [HEAD, ["Acme", "M365", 12], ["Beta", "M365", 7], ["Gamma", "M365", 5]]
    file = book_of(tmp_path / "u.xlsx", Usage=rows)
    rewrite(file, "xl/worksheets/sheet1.xml", 'ref="A1:C4"', f'ref="{dimension}"')
    assert [row[2:] for row in rows_of(read(file))] == [("Acme", "M365", 12), ("Beta", "M365", 7), ("Gamma", "M365", 5)]


def test_23_a_merged_cell_says_something_for_its_first_row_alone(tmp_path: Path) -> None:
    file = book_of(tmp_path / "u.xlsx", Usage=[HEAD, ["Acme", "M365", 12], [None, "Backup", 3]])
    book = openpyxl.load_workbook(file)
    book["Usage"].merge_cells("A2:A3")
    book.save(file)
    said = read(file)
    assert [row[1:] for row in rows_of(said)] == [(2, "Acme", "M365", 12)]
    assert [(error.row, error.column, error.reason) for error in said.rejected] == [
        (3, "Account", "the account key is blank")
    ]


def rewrite(file: Path, part: str, old: str, new: str) -> None:
    """Put other words into a part of a workbook."""
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    assert old.encode() in parts[part]
    parts[part] = parts[part].replace(old.encode(), new.encode())
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
