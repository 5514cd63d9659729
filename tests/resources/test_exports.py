"""Exports: the same rows in three formats, exact numbers, text that acts as nothing."""

import csv
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.exports import Cells, Column, ExportFormat, inert, write_table

COLUMNS = [Column(cells.value, cells) for cells in Cells]
EXACT = Decimal("-12345678901234567890.0000000001")
AT = datetime(2026, 11, 2, 9, tzinfo=timezone(timedelta(hours=2)))
ROW: dict[str, Any] = {
    "text": "=cmd()",
    "texts": ["-a", "b"],
    "document": {"after": "12"},
    "exact": EXACT,
    "whole": 3,
    "flag": True,
    "date": date(2026, 11, 1),
    "instant": AT,
}
NOTHING: dict[str, Any] = dict.fromkeys(ROW)


def written(tmp_path: Path, form: ExportFormat, *rows: dict[str, Any]) -> Path:
    """A table in a file."""
    file = tmp_path / f"table.{form}"
    assert write_table(file, form, COLUMNS, rows) == len(rows)
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
    return file


def test_a_csv_holds_plain_digits_and_no_formula(tmp_path: Path) -> None:
    with written(tmp_path, ExportFormat.CSV, ROW, NOTHING).open(encoding="utf-8", newline="") as file:
        header, first, second = list(csv.reader(file))
    assert header == list(ROW)
    assert first == [
        "'=cmd()",
        "'-a; b",
        '{"after": "12"}',
        "-12345678901234567890.0000000001",
        "3",
        "true",
        "2026-11-01",
        "2026-11-02T07:00:00+00:00",
    ]
    assert second == [""] * len(ROW)


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_begins_like_a_formula_is_made_text(first: str) -> None:
    assert inert(f"{first}1") == f"'{first}1"
    assert inert(f"a{first}1") == f"a{first}1"
    assert inert("") == ""


def test_a_json_file_holds_numbers_as_text_and_text_as_it_is(tmp_path: Path) -> None:
    first, second = json.loads(written(tmp_path, ExportFormat.JSON, ROW, NOTHING).read_text(encoding="utf-8"))
    assert first == ROW | {
        "exact": "-12345678901234567890.0000000001",
        "date": "2026-11-01",
        "instant": "2026-11-02T07:00:00+00:00",
    }
    assert second == NOTHING
    assert json.loads(written(tmp_path, ExportFormat.JSON).read_text(encoding="utf-8")) == []


def test_a_parquet_file_holds_exact_decimals(tmp_path: Path) -> None:
    table = pq.read_table(written(tmp_path, ExportFormat.PARQUET, ROW, NOTHING))
    assert table.schema.field("exact").type == pa.decimal128(38, 10)
    first, second = table.to_pylist()
    assert (first["exact"], first["text"], first["texts"]) == (EXACT, "=cmd()", ["-a", "b"])
    assert (first["document"], first["instant"]) == ('{"after": "12"}', AT.astimezone(UTC))
    assert second == NOTHING
    assert pq.read_table(written(tmp_path, ExportFormat.PARQUET)).num_rows == 0


@pytest.mark.parametrize("form", ExportFormat)
def test_text_that_is_no_whole_unicode_is_written_all_the_same(tmp_path: Path, form: ExportFormat) -> None:
    file = written(tmp_path, form, NOTHING | {"text": "half \udcff", "texts": ["\udcff"]})
    assert file.stat().st_size > 0


def test_a_file_that_fails_leaves_the_one_before_it(tmp_path: Path) -> None:
    file = written(tmp_path, ExportFormat.JSON, ROW)
    before = file.read_bytes()
    with pytest.raises(KeyError):
        write_table(file, ExportFormat.JSON, COLUMNS, [ROW, {}])
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [file.name]
