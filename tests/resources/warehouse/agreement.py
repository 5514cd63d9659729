"""Holding what the reader says of a file against what the judge says, record by record.

Belongs here: the assertions.
Does not belong here: the files that are read, what is right (``tests.pipelines.intake.judge``).
"""

from collections import defaultdict
from decimal import Decimal, localcontext
from typing import Any

from pipelines.intake.readings import ReadFile, Reading
from resources.warehouse.usage_rows import TypedRows
from tests.pipelines.intake.judge import Judged

KINDS = ("preamble", "header", "blank", "ignored", "totals", "rejected", "valid")


def rows_of(table: Any, names: list[str]) -> dict[int, list[dict[str, Any]]]:
    """The typed rows by record number: several where the cells of a record are rows."""
    rows = defaultdict(list)
    for row in table.to_pylist():
        rows[row["row"]].append({name: row[name] for name in names})
    return {row: sorted(values, key=str) for row, values in rows.items()}


def said_rows(reading: Reading) -> Any:
    """The typed rows of one reading."""
    assert isinstance(reading.usage, TypedRows)
    return reading.usage.table


def assert_agreement(said: ReadFile, records: list[Judged]) -> None:
    """Every record is of one kind for both, and every value of a valid one is the same."""
    judged_rows = defaultdict(list)
    for record in records:
        if record.kind == "valid":
            judged_rows[record.row].append(dict(sorted(record.values.items())))
    valid = {row: sorted(values, key=str) for row, values in judged_rows.items()}
    names = sorted(next(iter(valid.values()), [{}])[0])
    rejected = {error.row: error.column for error in said.rejected}
    typed = rows_of(said.table, names) if valid or said.rows.valid else {}
    assert set(typed) == set(valid)
    assert typed == valid
    assert set(rejected) == {record.row for record in records if record.kind == "rejected"}
    for record in records:
        assert record.kind != "rejected" or rejected[record.row] in record.faults
    assert said.rows.as_json() == {
        "in": len({record.row for record in records}),
        **{kind: len({record.row for record in records if record.kind == kind}) for kind in KINDS},
    }
    with localcontext(prec=60):
        assert said.quantity == sum((row["quantity"] for rows in valid.values() for row in rows), Decimal(0))


def assert_slices(said: ReadFile, records: list[Judged]) -> None:
    """Where rows have months or parts of their own, each is read for those that the judge reads."""
    judged_of = {record.row: (record.period, record.part) for record in records if record.period or record.part}
    assert {
        row: (of.period, of.part) for of, reading in said.slices.items() for row in rows_of(said_rows(reading), [])
    } == judged_of
