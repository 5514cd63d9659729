"""Words that exist in SQL and in Python are the same words.

Belongs here: comparing the lists of the schema files with the enums.
Does not belong here: what the words mean.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest
import yaml

from pipelines.intake.rows import Reduction, RowClass
from pipelines.mapping.entries import ServiceRule
from pipelines.reconciliation.deltas import DeltaKind, DeltaOutcome, HoldReason
from pipelines.reconciliation.inputs import Likeness
from tests.dbt.builder import DBT_PROJECT


def models() -> Iterator[dict[str, Any]]:
    for file in sorted(DBT_PROJECT.rglob("models/**/*__models.yml")):
        yield from yaml.safe_load(file.read_text(encoding="utf-8"))["models"]


@pytest.mark.parametrize(
    ("model", "column", "words"),
    [
        ("reconciliation_deltas", "kind", DeltaKind),
        ("reconciliation_deltas", "outcome", DeltaOutcome),
        ("reconciliation_deltas", "held_by", HoldReason),
        ("int_lost_keys_matched_to_new_keys", "likeness", Likeness),
        ("stg_lake__usage_rows", "charge_class", RowClass),
        ("stg_lake__usage_rows", "method", Reduction),
        ("stg_lake__service_mappings", "rule", ServiceRule),
    ],
)
def test_sql_and_python_speak_the_same_words(model: str, column: str, words: type[StrEnum]) -> None:
    (columns,) = (given["columns"] for given in models() if given["name"] == model)
    (tests,) = (given["data_tests"] for given in columns if given["name"] == column)
    assert tests[0]["accepted_values"]["arguments"]["values"] == [str(word) for word in words]


def test_every_model_says_its_grain_and_explains_every_column() -> None:
    described = {model["name"]: model for model in models()}
    assert set(described) == {file.stem for file in DBT_PROJECT.rglob("models/**/*.sql")}
    for name, model in described.items():
        last_sentence = model["description"].strip().rstrip(".").replace("\n", " ").rpartition("Grain: ")
        assert last_sentence[1], f"{name} does not say its grain"
        assert ". " not in last_sentence[2] or ";" in last_sentence[2], f"the grain of {name} is not its last sentence"
        assert all(column["description"] for column in model["columns"]), name
