"""The models themselves: their unit tests, their columns, what a red test and a broken model lead to.

Belongs here: running dbt over a small month and looking at the nodes.
Does not belong here: the rules; those are told as months.
"""

import re
import shutil
from pathlib import Path

import duckdb
import pytest

from resources.warehouse.building import run_dbt
from resources.warehouse.errors import WarehouseError
from resources.warehouse.month import MonthWarehouse
from resources.warehouse.scratch import database_file, write_month
from tests.dbt.builder import DBT_PROJECT, Line, Month, Row, Workbench
from tests.dbt.test_words import models

MONTH = Month([Row("Acme", "M365", "12")], [Line("1", "11", "501", "10")])


@pytest.fixture(scope="module")
def built(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    scratch = tmp_path_factory.mktemp("scratch")
    write_month(scratch, workbench.lake, MONTH.inputs(workbench.lake))
    run_dbt(DBT_PROJECT, scratch, ["run"])
    return scratch


def test_the_unit_tests_of_the_models_pass(built: Path) -> None:
    nodes = run_dbt(DBT_PROJECT, built, ["test", "--select", "test_type:unit"])
    assert len(nodes) >= 12
    assert [node.message for node in nodes if node.status != "pass"] == []


def test_the_documented_columns_are_those_of_the_models(built: Path) -> None:
    with duckdb.connect(str(database_file(built)), read_only=True) as connection:
        for model in models():
            columns = connection.table(model["name"]).columns
            assert [column["name"] for column in model["columns"]] == columns, model["name"]


def test_every_quantity_and_amount_is_an_exact_decimal(built: Path) -> None:
    with duckdb.connect(str(database_file(built)), read_only=True) as connection:
        kinds = {
            str(kind)
            for model in models()
            for name, kind in zip(*_columns(connection, model["name"]), strict=True)
            if re.search("quantity|amount|price|cost|mapped$|excluded$", name) and not name.startswith("is_")
        }
    assert kinds == {"DECIMAL(38,10)"}


def _columns(connection: duckdb.DuckDBPyConnection, model: str) -> tuple[list[str], list[object]]:
    relation = connection.table(model)
    return relation.columns, list(relation.types)


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"::", id="no cast by double colon"),
        pytest.param(r"\bqualify\b", id="no qualify"),
        pytest.param(r"[^{\s]\s*/\s*[^}]", id="no division"),
        pytest.param(r"(?<!cast\()(?<!cast\( )\bsum\(", id="no sum without its type"),
        pytest.param(r"\b(float|double|real)\b", id="no binary fraction"),
    ],
)
def test_the_sql_is_portable(pattern: str) -> None:
    for file in [*DBT_PROJECT.rglob("models/**/*.sql"), *DBT_PROJECT.rglob("macros/*.sql")]:
        sql = re.sub(r"--.*|\{#.*?#\}", "", file.read_text(encoding="utf-8"))
        assert not re.search(pattern, re.sub(r"\s+", " ", sql)), file.name


def _broken_copy(folder: Path, file: str, old: str, new: str) -> Path:
    project = folder / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target"))
    text = (project / file).read_text(encoding="utf-8")
    assert old in text
    (project / file).write_text(text.replace(old, new), encoding="utf-8")
    return project


def test_a_red_test_is_an_answer_and_the_figures_are_there(workbench: Workbench, tmp_path: Path) -> None:
    project = _broken_copy(
        tmp_path, "models/marts/usage_conservation.sql", "coalesce(mapped.quantity,", "coalesce(null,"
    )
    with MonthWarehouse(workbench.lake, tmp_path / "scratch", project).build(MONTH.inputs(workbench.lake)) as build:
        failed = {node.unique_id.split(".")[2]: node.rows for node in build.nodes if node.status == "fail"}
        assert failed == {"quantity_is_mapped_unmapped_or_excluded": 1}
        assert [delta.quantity_after for delta in build.figures().deltas] == [12]


def test_a_model_that_fails_is_named_with_the_databases_words(workbench: Workbench, tmp_path: Path) -> None:
    project = _broken_copy(tmp_path, "models/marts/delta_sources.sql", "deltas.is_fed", "deltas.is_fled")
    warehouse = MonthWarehouse(workbench.lake, tmp_path / "scratch", project)
    with pytest.raises(WarehouseError, match=r"(?s)the model delta_sources failed: .*is_fled"):
        warehouse.build(MONTH.inputs(workbench.lake))
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_project_that_cannot_be_parsed_says_so(workbench: Workbench, tmp_path: Path) -> None:
    project = _broken_copy(tmp_path, "models/marts/mapped_usage.sql", "int_account_keys", "int_account_quays")
    warehouse = MonthWarehouse(workbench.lake, tmp_path / "scratch", project)
    with pytest.raises(WarehouseError, match=r"(?s)cannot be parsed: .*int_account_quays_resolved_to_services"):
        warehouse.build(MONTH.inputs(workbench.lake))
