"""Words that exist in SQL and in Python are the same words.

Belongs here: comparing the lists of the schema files with the enums.
Does not belong here: what the words mean.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import duckdb
import pytest
import yaml

from pipelines.intake.profile import Basis
from pipelines.intake.rows import CARRY_QUANTITY, Reduction, RowClass
from pipelines.mapping.entries import ServiceRule
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.inputs import Conservation, Likeness
from resources.warehouse.building import run_dbt
from resources.warehouse.scratch import database_file, write_month
from tests.dbt.builder import DBT_PROJECT, Month, Row, Workbench, unit

DECISIONS = [field.name for field in fields(Conservation) if field.name not in {"source", "quantity"}]
"""Where usage may end up, by the law that adds it up again."""


def models() -> Iterator[dict[str, Any]]:
    for file in sorted(DBT_PROJECT.rglob("models/**/*__models.yml")):
        yield from yaml.safe_load(file.read_text(encoding="utf-8"))["models"]


def accepted(model: str, column: str) -> Any:
    """The words that a model says a column may hold."""
    (columns,) = (given["columns"] for given in models() if given["name"] == model)
    (tests,) = (given["data_tests"] for given in columns if given["name"] == column)
    return tests[0]["accepted_values"]["arguments"]["values"]


@pytest.fixture(scope="module")
def staged(workbench: Workbench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """A month with a row of every class and a unit rule of every scope, staged."""
    month = Month(
        rows=[Row("Acme", "M365", "1", charge=charge) for charge in RowClass],
        units=[unit(line="1"), unit(account="11", service="501"), unit(service="501")],
    )
    scratch = tmp_path_factory.mktemp("scratch")
    write_month(scratch, workbench.lake, month.inputs(workbench.lake))
    run_dbt(DBT_PROJECT, scratch, ["run", "--select", "stg_lake__usage_rows", "stg_lake__unit_rules"])
    with duckdb.connect(str(database_file(scratch)), read_only=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("model", "column", "words"),
    [
        ("reconciliation_deltas", "kind", DeltaKind),
        ("reconciliation_deltas", "outcome", DeltaOutcome),
        ("reconciliation_deltas", "held_by", HoldReason),
        ("int_lost_keys_matched_to_new_keys", "likeness", Likeness),
        ("int_keys_joined_to_decisions", "account_decision", DECISIONS),
        ("int_keys_joined_to_decisions", "service_decision", DECISIONS),
        ("int_keys_joined_to_decisions", "disposition", DECISIONS),
        ("stg_lake__usage_rows", "basis", Basis),
        ("stg_lake__usage_rows", "charge_class", RowClass),
        ("stg_lake__usage_rows", "method", Reduction),
        ("stg_lake__service_mappings", "rule", ServiceRule),
    ],
)
def test_sql_and_python_speak_the_same_words(model: str, column: str, words: Iterable[str]) -> None:
    assert accepted(model, column) == [str(word) for word in words]


def test_a_unit_rule_is_written_with_a_scope_that_the_models_know(
    staged: duckdb.DuckDBPyConnection,
) -> None:
    written = staged.table("stg_lake__unit_rules").project("scope").fetchall()
    assert [scope for (scope,) in written] == accepted("stg_lake__unit_rules", "scope")


def test_sql_and_python_let_the_same_classes_carry_a_quantity(staged: duckdb.DuckDBPyConnection) -> None:
    rows = staged.table("stg_lake__usage_rows").project("charge_class, is_quantity_row").fetchall()
    assert {charge_class for charge_class, _ in rows} == set(RowClass)
    assert {charge_class for charge_class, carries in rows if carries} == set(CARRY_QUANTITY)


def test_every_model_says_its_grain_and_explains_every_column() -> None:
    described = {model["name"]: model for model in models()}
    assert set(described) == {file.stem for file in DBT_PROJECT.rglob("models/**/*.sql")}
    for name, model in described.items():
        last_sentence = model["description"].strip().rstrip(".").replace("\n", " ").rpartition("Grain: ")
        assert last_sentence[1], f"{name} does not say its grain"
        assert ". " not in last_sentence[2] or ";" in last_sentence[2], f"the grain of {name} is not its last sentence"
        assert all(column["description"] for column in model["columns"]), name
