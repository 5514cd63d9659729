"""The process that parses one workbook: bounded in memory and time, because a workbook is a program for its parser.

Belongs here: limits on this process, the sheet that is meant, its cells written as CSV, cells that hold no value.
Does not belong here: starting it and what its end means (``workbooks``), the text of a cell (``pipelines.intake``).

Run as ``python -m resources.warehouse.workbook_child FILE OUT FORMAT SHEET MOST_COLUMNS``; its last words are one JSON
document: the sheet that was read, or why none was.
"""

import csv
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import python_calamine

from pipelines.intake.workbook import UNCOMPUTED, cell_text

MEMORY = 3 * 1024**3
"""Bytes of address space; a million rows of sixteen columns need half of it."""

CPU_SECONDS = 300
MOST_ROWS = 1_048_576
MOST_PARTS = 5_000
MOST_BYTES = 4 * 1024**3
MOST_TIMES = 250
SMALL = 64 * 1024**2

_CHUNK = 4 * 1024**2
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_REFERENCE = re.compile(rb'\br="([A-Z]{1,3})([0-9]{1,7})"')
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]*)</(?:\w+:)?v>")


class UnreadableBookError(Exception):
    """Why no sheet is read, and what to do about it."""


def main(file: Path, out: Path, form: str, sheet: str, most_columns: int) -> None:
    """Write the sheet as CSV and say which it was."""
    _limit()
    try:
        name, names = _read(file, out, form, sheet or None, most_columns)
        said: dict[str, object] = {"sheet": name, "sheets": names}
    except UnreadableBookError as refused:
        said = {"reason": refused.args[0], "remedy": refused.args[1]}
    except (python_calamine.CalamineError, zipfile.BadZipFile) as error:
        said = {
            "reason": f"the workbook cannot be read ({' '.join(str(error).split())})",
            "remedy": "Open it, save it as a new workbook and drop that; a password has to be taken off",
        }
    sys.stdout.write(json.dumps(said))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _read(file: Path, out: Path, form: str, wanted: str | None, most_columns: int) -> tuple[str, list[str]]:
    if form == "xlsx":
        _check_parts(file)
    with file.open("rb") as stream, python_calamine.CalamineWorkbook.from_filelike(stream) as book:
        sheet = _chosen(book, wanted)
        _check_reach(sheet, most_columns)
        odd = _cells_without_value(file, sheet.name) if form == "xlsx" else {}
        _write(sheet, odd, out)
        return sheet.name, book.sheet_names


def _check_reach(sheet: python_calamine.CalamineSheet, most_columns: int) -> None:
    """Before a single row is built: where the sheet's last cell stands."""
    row, column = sheet.end or (0, 0)
    if column >= most_columns or row >= MOST_ROWS:
        raise UnreadableBookError(
            f"sheet {sheet.name!r} reaches row {row + 1:,} and column {column + 1:,}; a usage file has at most "
            f"{MOST_ROWS:,} rows and {most_columns:,} columns",
            "Delete what stands beside the table, or save the sheet as CSV (UTF-8) and drop that",
        )


def _check_parts(file: Path) -> None:
    """Before anything is parsed: what the archive says of its parts."""
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
    size = sum(part.file_size for part in parts)
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise UnreadableBookError(
            "the file is no xlsx workbook: it has no xl/workbook.xml", "Correct file.format of the profile"
        )
    if len(parts) > MOST_PARTS or size > min(MOST_BYTES, max(SMALL, MOST_TIMES * file.stat().st_size)):
        raise UnreadableBookError(
            f"the workbook unpacks to {size // 1024**2:,} MB in {len(parts):,} parts out of {file.stat().st_size:,} B",
            "No usage file does: fetch it again from the distributor's portal",
        )


def _chosen(book: python_calamine.CalamineWorkbook, wanted: str | None) -> python_calamine.CalamineSheet:
    """The sheet that is meant. It is parsed by being taken from the book, which is most of the work: once is enough."""
    names = book.sheet_names
    if wanted is not None:
        if wanted not in names:
            raise UnreadableBookError(
                f"there is no sheet {wanted!r}; there is {', '.join(map(repr, names))}", "Correct file.sheet"
            )
        return book.get_sheet_by_name(wanted)
    # A hidden sheet is what its author does not send: last month's figures, or the source of lists to choose from.
    shown = [sheet.name for sheet in book.sheets_metadata if sheet.visible == python_calamine.SheetVisibleEnum.Visible]
    if (found := next(_filled(book, shown), None)) is not None:
        return found
    if hidden := ", ".join(repr(sheet.name) for sheet in _filled(book, [name for name in names if name not in shown])):
        raise UnreadableBookError(
            f"no sheet of the workbook that is shown holds anything; {hidden} is hidden",
            "Name the sheet (file.sheet of the profile), or export the file again",
        )
    raise UnreadableBookError("no sheet of the workbook holds anything", "Export the file again")


def _filled(book: python_calamine.CalamineWorkbook, names: Iterable[str]) -> Iterator[python_calamine.CalamineSheet]:
    return (sheet for name in names if (sheet := book.get_sheet_by_name(name)).end)


def _write(sheet: python_calamine.CalamineSheet, odd: dict[tuple[int, int], str], out: Path) -> None:
    left = [""] * (sheet.start[1] if sheet.start else 0)
    with out.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        for row, cells in enumerate(sheet.iter_rows()):
            texts = [*left, *[cell if cell.__class__ is str else cell_text(cell) for cell in cells]]
            if odd:
                texts = [odd.get((row, place), text) for place, text in enumerate(texts)]
            writer.writerow(texts)


# --- cells that calamine takes for blank ones ------------------------------------------------------------------------


def _cells_without_value(file: Path, name: str) -> dict[tuple[int, int], str]:
    """Errors, and formulas whose result was never stored, by row and column from zero."""
    with zipfile.ZipFile(file) as archive, archive.open(_part_of(archive, name)) as part:
        return {place: text for cells in _pieces(part) for place, text in _odd(cells)}


def _part_of(archive: zipfile.ZipFile, name: str) -> str:
    """The archive's part that holds a sheet."""
    relation = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314  expat bounds the growth of entities
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    sheet = next(each for each in book.iter() if each.tag.endswith("}sheet") and each.get("name") == name)
    target = targets[sheet.get(relation)]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _pieces(part: IO[bytes]) -> Iterator[bytes]:
    """The part in pieces that end between two rows."""
    rest = b""
    while chunk := part.read(_CHUNK):
        whole, mark, rest = (rest + chunk).rpartition(b"</row>") if b"</row>" in chunk else (b"", b"", rest + chunk)
        yield whole + mark
    yield rest


def _odd(cells: bytes) -> Iterator[tuple[tuple[int, int], str]]:
    if b't="e"' not in cells and b"<f" not in cells and b":f" not in cells:
        return
    for about, inside in _CELL.findall(cells):
        value, reference = _VALUE.search(inside), _REFERENCE.search(about)
        if reference is None:
            continue
        if b't="e"' in about:
            yield _place(reference), value[1].decode() if value else "#N/A"
        elif value is None and re.search(rb"<(?:\w+:)?f\b", inside):
            yield _place(reference), UNCOMPUTED


def _place(reference: re.Match[bytes]) -> tuple[int, int]:
    column = 0
    for letter in reference[1]:
        column = column * 26 + letter - 64
    return int(reference[2]) - 1, column - 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5]))
