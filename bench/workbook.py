"""A workbook of a million records read to validated rows, beside reading its mapped columns as text.

Belongs here: the workbook, made from the month's file; the two readings.
Does not belong here: what happens to the rows afterwards (``product``).

Run as ``python -m bench.workbook MODE MONTH``; it prints its seconds and the rows it found as JSON. ``product`` reads,
types, validates and writes the rows as the lake keeps them; ``limit`` turns the mapped cells into text with calamine.
"""

import csv
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

from bench.months import COLUMNS, PROFILE

MAPPED = ("Customer ID", "Customer Name", "SKU", "Quantity", "Charge Type")
HEADER_ROW = 5
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="r1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Usage" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
}


def make_workbook(month: Path) -> Path:
    """The month's only file as a workbook, made if it is not there yet."""
    file = month / "usage.xlsx"
    if not file.exists():
        [usage] = (month / "usage").iterdir()
        begun = file.with_suffix(".begun")
        with zipfile.ZipFile(begun, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as parts:
            for name, content in _PARTS.items():
                parts.writestr(name, content)
            with parts.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
                sheet.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
                with usage.open(encoding="utf-8", newline="") as records:
                    for number, record in enumerate(csv.reader(records), 1):
                        sheet.write(_row(number, record).encode())
                sheet.write(b"</sheetData></worksheet>")
        begun.rename(file)
    return file


def _row(number: int, record: Iterable[str]) -> str:
    cells = (_cell(f"{chr(ord('A') + place)}{number}", text) for place, text in enumerate(record) if text)
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(reference: str, text: str) -> str:
    """Whole numbers as numbers, all else as text: what a spreadsheet makes of such a file."""
    if text.isdecimal():
        return f'<c r="{reference}"><v>{text}</v></c>'
    return f'<c r="{reference}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def _product(file: Path) -> int:
    from pipelines.identity import FileId, RevisionId  # noqa: PLC0415
    from pipelines.intake.drops import DropIdentity  # noqa: PLC0415
    from pipelines.intake.profile import load_profile  # noqa: PLC0415
    from pipelines.intake.readings import RevisionStamp  # noqa: PLC0415
    from resources.warehouse.reading import DuckDbFileReader  # noqa: PLC0415

    profile = load_profile(PROFILE.replace("format: csv, encoding: [utf-8]", "format: xlsx"))
    read = DuckDbFileReader().read(file, profile, file_name=file.name)
    drop = DropIdentity(profile.source, profile.name, "2026-10")
    stamp = RevisionStamp("bench", drop, profile, RevisionId("r"), FileId("f"), file.name, "0" * 64)
    with tempfile.TemporaryDirectory() as folder:
        read.whole.usage.stamped(stamp).write_parquet(Path(folder) / "rows.parquet")
    return read.whole.rows.total


def _limit(file: Path) -> int:
    from python_calamine import CalamineWorkbook  # noqa: PLC0415

    places = [COLUMNS.index(name) for name in MAPPED]
    rows = 0
    for row in CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).iter_rows():
        rows += 1
        if rows > HEADER_ROW:
            [str(row[place]) for place in places]
    return rows


def main(mode: str, month: Path) -> None:
    """Read the workbook one way and print how long it took."""
    file = make_workbook(month)
    started = time.perf_counter()
    rows = _product(file) if mode == "product" else _limit(file)
    print(json.dumps({"seconds": time.perf_counter() - started, "rows": rows}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
