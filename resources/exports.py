"""Tables for other people's tools: CSV, JSON and Parquet files of the same rows, every number exact.

Belongs here: how a cell of each kind is written in each format, keeping text from acting as a formula, whole files.
Does not belong here: which rows and columns there are (the commands).
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from enum import Enum, StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.quantities import text
from resources.warehouse.lake import EXACT

_AT_ONCE = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, or drops before one."""


class ExportFormat(StrEnum):
    """In which form a table is written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Cells(Enum):
    """What the cells of a column hold; None is allowed in each."""

    TEXT = "text"
    TEXTS = "texts"
    DOCUMENT = "document"
    EXACT = "exact"
    WHOLE = "whole"
    FLAG = "flag"
    DATE = "date"
    INSTANT = "instant"


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    cells: Cells = Cells.TEXT


Row = Mapping[str, Any]


def write_table(file: Path, form: ExportFormat, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write a table to a file and count its rows. The file appears whole or not at all; raises ``OSError``.

    Quantities and money are exact: text in CSV and JSON, DECIMAL(38,10) in Parquet.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        count = _WRITERS[form](unfinished, columns, rows)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return count


def _write_csv(file: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    with _opened(file) as out:
        writer = csv.writer(out)
        writer.writerow([column.name for column in columns])
        return _counted(writer.writerow, ([_csv_cell(row[c.name], c.cells) for c in columns] for row in rows))


def _write_json(file: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    with _opened(file) as out:
        out.write("[")
        documents = ({c.name: _json_cell(row[c.name], c.cells) for c in columns} for row in rows)
        lines = (("" if number == 0 else ",") + "\n" + _document(each) for number, each in enumerate(documents))
        count = _counted(out.write, lines)
        out.write("\n]\n")
    return count


def _write_parquet(file: Path, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    schema = pa.schema([pa.field(column.name, _PARQUET[column.cells]) for column in columns])
    count = 0
    with pq.ParquetWriter(file, schema) as writer:
        for some in _pages(iter(rows)):
            documents = [{c.name: _parquet_cell(row[c.name], c.cells) for c in columns} for row in some]
            writer.write_table(pa.Table.from_pylist(documents, schema))
            count += len(some)
    return count


_WRITERS: Mapping[ExportFormat, Callable[[Path, Sequence[Column], Iterable[Row]], int]] = {
    ExportFormat.CSV: _write_csv,
    ExportFormat.JSON: _write_json,
    ExportFormat.PARQUET: _write_parquet,
}

_PARQUET: Mapping[Cells, pa.DataType] = {
    Cells.TEXT: pa.string(),
    Cells.TEXTS: pa.list_(pa.string()),
    Cells.DOCUMENT: pa.string(),
    Cells.EXACT: EXACT,
    Cells.WHOLE: pa.int64(),
    Cells.FLAG: pa.bool_(),
    Cells.DATE: pa.date32(),
    Cells.INSTANT: pa.timestamp("us", tz="UTC"),
}


def _pages(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some


def _counted(write: Callable[[Any], Any], items: Iterable[Any]) -> int:
    count = 0
    for item in items:
        write(item)
        count += 1
    return count


def _csv_cell(value: Any, cells: Cells) -> str:
    if value is None:
        return ""
    match cells:
        case Cells.TEXT:
            return inert(value)
        case Cells.TEXTS:
            return inert("; ".join(value))
        case Cells.DOCUMENT:
            return inert(_document(value))
        case Cells.FLAG:
            return "true" if value else "false"
    return str(_json_cell(value, cells))


def inert(words: str) -> str:
    """Text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe before it."""
    return f"'{words}" if words.startswith(_FORMULA) else words


def _json_cell(value: Any, cells: Cells) -> Any:
    if value is None:
        return None
    match cells:
        case Cells.EXACT:
            return text(value)
        case Cells.DATE:
            return value.isoformat()
        case Cells.INSTANT:
            return value.astimezone(UTC).isoformat()
        case Cells.TEXTS:
            return list(value)
    return value


def _parquet_cell(value: Any, cells: Cells) -> Any:
    if value is None:
        return None
    match cells:
        case Cells.TEXT:
            return _encodable(value)
        case Cells.TEXTS:
            return [_encodable(each) for each in value]
        case Cells.DOCUMENT:
            return _encodable(_document(value))
    return value


def _document(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _encodable(words: str) -> str:
    """Text without halves of surrogate pairs, which a command line that is no UTF-8 leaves behind."""
    return words.encode("utf-8", "backslashreplace").decode("utf-8")


def _opened(file: Path) -> TextIO:
    return file.open("w", encoding="utf-8", errors="backslashreplace", newline="")
