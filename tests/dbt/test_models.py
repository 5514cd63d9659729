"""The models themselves: their unit tests, their columns, what a red test and a broken model lead to.

Belongs here: running dbt over a small month and looking at the nodes.
Does not belong here: the rules; those are told as months.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.periods import BillingPeriod
from pipelines.reconciliation.inputs import MonthInputs
from pipelines.reconciliation.month import MonthRecords, Tenant, compute_month, month_view
from resources.warehouse.building import run_dbt
from resources.warehouse.errors import WarehouseError
from resources.warehouse.month import MonthWarehouse
from resources.warehouse.scratch import database_file, write_month
from tests.dbt.builder import DBT_PROJECT, NOON, PERIOD, TENANT, Line, Month, Row, Workbench, broken_project
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


def test_a_red_test_is_an_answer_and_the_figures_are_there(workbench: Workbench, tmp_path: Path) -> None:
    project = broken_project(
        tmp_path, "models/marts/usage_conservation.sql", "coalesce(mapped.quantity,", "coalesce(null,"
    )
    with MonthWarehouse(workbench.lake, tmp_path / "scratch", project).build(MONTH.inputs(workbench.lake)) as build:
        failed = {node.unique_id.split(".")[2]: node.rows for node in build.nodes if node.status == "fail"}
        assert failed == {"quantity_is_mapped_unmapped_or_excluded": 1}
        assert [delta.quantity_after for delta in build.figures().deltas] == [12]
        with pytest.raises(WarehouseError, match="quantity_is_mapped_unmapped_or_excluded failed; no figure can be"):
            build.checked_figures()


class Ledger:
    """Knows one month: its file and its PSA copy, and no mapping."""

    def __init__(self, inputs: MonthInputs) -> None:
        self._records = MonthRecords(inputs.revisions, (), (), (), (), inputs.psa)

    def read_month(self, _period: BillingPeriod, *, as_of: datetime | None = None) -> MonthRecords:
        """The same at any instant."""
        return replace(self._records, as_of=as_of)


@pytest.mark.parametrize(
    ("model", "old", "new", "check"),
    [
        pytest.param(
            "usage_conservation",
            "coalesce(unmapped.quantity,",
            "coalesce(null,",
            "quantity_is_mapped_unmapped_or_excluded",
            id="units are lost",
        ),
        pytest.param(
            "money_conservation",
            "coalesce(decided.unmapped,",
            "coalesce(null,",
            "money_is_mapped_unmapped_excluded_or_classed",
            id="money is lost",
        ),
    ],
)
def test_a_red_check_leaves_nothing_to_publish(
    workbench: Workbench, tmp_path: Path, model: str, old: str, new: str, check: str
) -> None:
    tenant = Tenant(TENANT, "USD", UTC)
    inputs = replace(MONTH, rows=[Row("Acme", "M365", "12", amount="264")]).inputs(workbench.lake)
    lake, ledger = workbench.lake, Ledger(inputs)
    project = broken_project(tmp_path, f"models/marts/{model}.sql", old, new)
    broken = MonthWarehouse(lake, tmp_path / "scratch", project)
    nodes = compute_month(tenant, PERIOD, ledger, broken, now=NOON)
    assert [node.unique_id.split(".")[2] for node in nodes if node.status == "fail"] == [check]
    key = month_view(PERIOD, ledger.read_month(PERIOD), NOON).figures_key
    with pytest.raises(LookupError, match=key):
        lake.read_figures(PERIOD.key, key)


def test_a_model_that_fails_is_named_with_the_databases_words(workbench: Workbench, tmp_path: Path) -> None:
    project = broken_project(tmp_path, "models/marts/delta_sources.sql", "deltas.is_fed", "deltas.is_fled")
    warehouse = MonthWarehouse(workbench.lake, tmp_path / "scratch", project)
    with pytest.raises(WarehouseError, match=r"(?s)the model delta_sources failed: .*is_fled"):
        warehouse.build(MONTH.inputs(workbench.lake))
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_project_that_cannot_be_parsed_says_so(workbench: Workbench, tmp_path: Path) -> None:
    project = broken_project(tmp_path, "models/marts/mapped_usage.sql", "int_account_keys", "int_account_quays")
    warehouse = MonthWarehouse(workbench.lake, tmp_path / "scratch", project)
    with pytest.raises(WarehouseError, match=r"(?s)cannot be parsed: .*int_account_quays_resolved_to_services"):
        warehouse.build(MONTH.inputs(workbench.lake))
