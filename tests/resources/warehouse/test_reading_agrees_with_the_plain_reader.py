"""The compiled reader and an independent one of plain Python say the same of every record of every file."""

from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.readings import ReadFile, Reading
from resources.warehouse.reading import DuckDbFileReader
from resources.warehouse.usage_rows import TypedRows
from tests.pipelines.intake.judge import Judged, UnreadableFileError, judge
from tests.resources.warehouse.usage_cells import NUMBERS
from tests.resources.warehouse.usage_files import InventedFile, dense_files, usage_files

AS_OF = date(2026, 7, 31)
KINDS = ("preamble", "header", "blank", "ignored", "totals", "rejected", "valid")


def judged(file: InventedFile) -> list[Judged] | None:
    """What the judge says of every record; None when the file cannot be read."""
    try:
        return judge(file.content, file.profile, AS_OF)
    except UnreadableFileError:
        return None


def read(folder: Path, file: InventedFile) -> ReadFile:
    """What the reader says."""
    raw = folder / "usage.csv"
    raw.write_bytes(file.content)
    return DuckDbFileReader().read(raw, file.profile, file_name="usage.csv", overlays=(), as_of=AS_OF)


def rows_of(table: Any, names: list[str]) -> dict[int, dict[str, Any]]:
    """The typed rows by record number."""
    return {row["row"]: {name: row[name] for name in names} for row in table.to_pylist()}


def said_rows(reading: Reading) -> Any:
    """The typed rows of one reading."""
    assert isinstance(reading.usage, TypedRows)
    return reading.usage.table


def assert_agreement(said: ReadFile, records: list[Judged]) -> None:
    """Every record is of one kind for both, and every value of a valid one is the same."""
    valid = {record.row: record.values for record in records if record.kind == "valid"}
    names = sorted(next(iter(valid.values()), {}))
    rejected = {error.row: error.column for error in said.rejected}
    typed = rows_of(said.table, names) if valid or said.rows.valid else {}
    assert set(typed) == set(valid)
    assert typed == valid
    assert set(rejected) == {record.row for record in records if record.kind == "rejected"}
    for record in records:
        assert record.kind != "rejected" or rejected[record.row] in record.faults
    assert said.rows.as_json() == {
        "in": len(records),
        **{kind: sum(record.kind == kind for record in records) for kind in KINDS},
    }
    with localcontext(prec=60):
        assert said.quantity == sum((values["quantity"] for values in valid.values()), Decimal(0))


def assert_slices(said: ReadFile, records: list[Judged]) -> None:
    """Where rows have months or parts of their own, each is read for those that the judge reads."""
    judged_of = {record.row: (record.period, record.part) for record in records if record.period or record.part}
    assert {
        row: (of.period, of.part) for of, reading in said.slices.items() for row in rows_of(said_rows(reading), [])
    } == judged_of


def compare(folder: Path, file: InventedFile) -> None:
    """Ask both, and hold one against the other."""
    records, said = judged(file), read(folder, file)
    assert (said.refusal is None) == (records is not None)
    if records is not None:
        assert_agreement(said, records)
        assert_slices(said, records)


# One set of examples for everybody: a difference that shows up shows up again.
unhurried = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@given(file=usage_files())
@settings(unhurried, max_examples=160)
def test_the_reader_and_the_judge_say_the_same_of_every_record(file: InventedFile, tmp_path: Path) -> None:
    compare(tmp_path, file)


@pytest.mark.parametrize("convention", NUMBERS)
@given(data=st.data())
@settings(unhurried, max_examples=14)
def test_the_reader_and_the_judge_read_every_cell_alike(convention: str, data: st.DataObject, tmp_path: Path) -> None:
    compare(tmp_path, data.draw(dense_files(convention)))
