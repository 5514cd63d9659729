"""Keys are read out of the lake with their names and months, and only from rows that say how much is used."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.intake.rows import RowClass
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.seen import SeenKey
from resources.warehouse.lake import USAGE_SCHEMA
from resources.warehouse.seen_keys import seen_keys
from tests.dbt.builder import Row, usage_table


class Readings:
    """Files of usage rows, each with a month and names of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[Path] = []

    def add(self, period: str, *rows: Row, **columns: Any) -> None:
        changed = [{**row, "period": period, **columns} for row in usage_table(rows).to_pylist()]
        self.files.append(self._folder / f"{len(self.files)}'s.parquet")
        pq.write_table(pa.Table.from_pylist(changed, schema=USAGE_SCHEMA), self.files[-1])

    def accounts(self, month: str = "2026-10") -> list[SeenKey]:
        found = seen_keys(self.files, month, self._folder / "scratch")
        return [key for key in found if key.kind is KeyKind.ACCOUNT]


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path)


def test_a_key_has_the_first_and_the_last_month_that_it_was_seen_in(readings: Readings) -> None:
    readings.add("2026-08", Row("Acme", "M365", "1"), Row("Gone", "M365", "1"))
    readings.add("2026-10", Row("Acme", "M365", "1"), Row("acme", "M365", "1"))
    assert [(key.key, key.first_seen, key.last_seen, key.is_current) for key in readings.accounts()] == [
        ("Acme", "2026-08", "2026-10", True),
        ("Gone", "2026-08", "2026-08", False),
        ("acme", "2026-10", "2026-10", True),
    ]


def test_spellings_that_compare_equal_are_one_key(readings: Readings) -> None:
    readings.add("2026-10", Row("Acme  Corp", "M365", "1"), Row("Acme Corp", "M365", "2"), account_name=None)
    (key,) = readings.accounts()
    assert (key.key, key.names) == ("Acme  Corp", ("Acme  Corp", "Acme Corp"))


def test_a_key_bears_the_names_of_the_month_and_else_all_it_had(readings: Readings) -> None:
    readings.add("2026-09", Row("a", "M365", "1"), Row("b", "M365", "1"), account_name="Old name")
    readings.add("2026-10", Row("a", "M365", "1"), account_name="New name")
    assert {key.key: key.names for key in readings.accounts()} == {"a": ("New name",), "b": ("Old name",)}


def test_a_key_of_hundreds_of_names_is_told_with_a_few(readings: Readings) -> None:
    for number in range(9):
        readings.add("2026-10", Row("a", "M365", "1"), account_name=f"name {number}")
    assert [len(key.names) for key in readings.accounts()] == [5]


def test_a_key_of_rows_without_quantity_needs_no_mapping(readings: Readings) -> None:
    readings.add(
        "2026-10", Row("taxes", "VAT", "1", charge=RowClass.TAX), Row("left", "M365", "0", charge=RowClass.CANCEL)
    )
    assert [key.key for key in readings.accounts()] == ["left"]


def test_services_follow_accounts_and_without_readings_there_is_nothing(readings: Readings, tmp_path: Path) -> None:
    assert seen_keys([], "2026-10", tmp_path) == []
    readings.add("2026-10", Row("a", "M365", "1"), Row("b", "E3", "1", source="Webroot"))
    found = seen_keys(readings.files, "2026-10", tmp_path / "scratch")
    assert [(str(key.kind), key.source, key.key) for key in found] == [
        ("account", "Pax8", "a"),
        ("account", "Webroot", "b"),
        ("service", "Pax8", "M365"),
        ("service", "Webroot", "E3"),
    ]
    assert list((tmp_path / "scratch").iterdir()) == []
