"""The lake: what is written is there whole, is read back the same, and nothing escapes its folder.

Belongs here: layout, atomicity, columns, round trips.
Does not belong here: what figures say (tests/dbt).
"""

import os
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.agreements.records import NO_RECORDS, Agreement
from pipelines.identity import AccountId, AgreementId
from resources.warehouse.errors import WarehouseError
from resources.warehouse.lake import USAGE_SCHEMA, Lake
from tests.dbt.builder import ArrowRows, Line, Month, Row, usage_table

ROWS = usage_table([Row("Acme", "M365", "12"), Row("Beta", "M365", "0.0000000001")])
AGREEMENT = Agreement(
    AgreementId("9001"), AccountId("11"), "Managed", True, True, date(2025, 1, 1), date(2027, 1, 1), "EUR"
)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake", "msp")


def test_a_revision_is_one_file_in_a_folder_of_its_own(lake: Lake) -> None:
    path = lake.write_usage("r1", "d1", ArrowRows(ROWS))
    assert path == "msp/usage/d1/r1"
    assert lake.usage_file(path).name == "usage_rows.parquet"
    assert pq.read_table(lake.usage_file(path)).equals(ROWS)
    assert [file.name for file in lake.usage_file(path).parent.parent.iterdir()] == ["r1"]


def test_rows_with_other_columns_are_refused_and_leave_nothing_behind(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="usage rows have the columns"):
        lake.write_usage("r1", "d1", ArrowRows(ROWS.drop_columns(["basis"])))
    assert list((tmp_path / "lake/msp/usage/d1").iterdir()) == []


def test_a_row_without_quantity_is_refused(lake: Lake) -> None:
    loose = pa.schema([field.with_nullable(True) for field in USAGE_SCHEMA])
    rows = pa.Table.from_pylist([{**row, "quantity": None} for row in ROWS.to_pylist()], schema=loose)
    with pytest.raises(WarehouseError, match=r"do not fit the lake: .*quantity"):
        lake.write_usage("r1", "d1", ArrowRows(rows))


def test_a_write_that_breaks_off_leaves_the_lake_as_it_was(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        lake.write_usage("r1", "d1", ArrowRows(ROWS))
    assert list((tmp_path / "lake/msp/usage/d1").iterdir()) == []


def test_a_psa_copy_is_read_back_the_same(lake: Lake) -> None:
    records = Month(
        lines=[Line("1", "11", "501", "10.5", "9001", end=date(2027, 1, 1), included="2")], agreements=[AGREEMENT]
    ).psa()
    path = lake.write_psa("c1", records)
    assert path == "msp/psa/c1"
    assert lake.read_psa(path) == records
    assert sorted(lake.psa_files(path)) == ["psa_accounts", "psa_agreements", "psa_lines", "psa_services"]


def test_only_lines_from_which_the_psa_subtracts_something_have_an_allowance(lake: Lake) -> None:
    lines = [Line("1", "11", "501", "10", "9001", included="2.5"), Line("2", "11", "501", "10", "9001")]
    path = lake.write_psa("c1", Month(lines=lines, agreements=[AGREEMENT]).psa())
    assert lake.read_allowances(path) == {"1": Decimal("2.5")}


def test_an_empty_psa_is_read_back_empty(lake: Lake) -> None:
    assert lake.read_psa(lake.write_psa("c1", NO_RECORDS)) == NO_RECORDS


def test_a_figure_the_lake_cannot_hold_exactly_is_refused(lake: Lake) -> None:
    records = Month(lines=[Line("1", "11", "501", "1")]).psa()
    line = replace(records.lines[0], quantity=Decimal("0.00000000001"))
    with pytest.raises(WarehouseError, match="psa_lines do not fit the lake"):
        lake.write_psa("c1", replace(records, lines=(line,)))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("msp/usage/../../secret", id="a way up"),
        pytest.param("/etc", id="an absolute path"),
        pytest.param("other/usage/d1/r1", id="another tenant"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_path_out_of_the_tenants_lake_is_refused(lake: Lake, path: str) -> None:
    with pytest.raises(WarehouseError, match="is no folder of 'msp' in the lake"):
        lake.usage_file(path)


@pytest.mark.parametrize("name", ["..", "", "a/b", ".hidden", "a\n"])
def test_an_id_that_cannot_name_a_folder_is_refused(lake: Lake, name: str) -> None:
    with pytest.raises(WarehouseError, match="cannot name a folder of the lake"):
        lake.write_usage(name, "d1", ArrowRows(ROWS))


def test_figures_that_were_never_computed_are_a_lookup_error(lake: Lake) -> None:
    with pytest.raises(LookupError, match="no figures of 2026-10 were computed under k1"):
        lake.read_figures("2026-10", "k1")
    with pytest.raises(LookupError, match="no figures of 2026-10"):
        lake.read_evidence("2026-10", "k1", "11", "501")
