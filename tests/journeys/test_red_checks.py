"""A red check of the figures ends a month before anything of it is proposed, and leaves nothing to propose from."""

from pathlib import Path

import pytest

from pipelines.periods import BillingPeriod
from pipelines.review.publishing import InputsMovedError, publish_month
from resources.settings import load_settings
from resources.workspace import Workspace
from tests.dbt.builder import broken_project
from tests.journeys.desk import USAGE, Desk

OCTOBER = BillingPeriod(2026, 10)


def propose_alone(desk: Desk) -> None:
    """What ``proposed_changes`` does where a person materializes it without what it rests on."""
    opened = Workspace(load_settings(desk.root, {}))
    try:
        publish_month(opened.tenant, OCTOBER, opened.month_ledger, opened.lake, run_id="alone", now=opened.clock())
    finally:
        opened.close()


def test_a_red_check_ends_the_month_and_leaves_no_figures_to_propose_from(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    losing = broken_project(
        tmp_path, "models/marts/usage_conservation.sql", "coalesce(mapped.quantity,", "coalesce(null,"
    )
    desk.drop("generic/2026-10/usage.csv", USAGE)
    with monkeypatch.context() as patch:
        patch.setattr("assets.warehouse.DBT_PROJECT", losing)
        said = desk.say("run", "--period", OCTOBER.key, "--json")
    assert said.code == 1
    assert "quantity_is_mapped_unmapped_or_excluded" in said.err
    assert desk.changes() == []
    assert desk.say("findings", "--period", OCTOBER.key, "--json").json == []
    with pytest.raises(
        InputsMovedError, match=r"no sound figures stand for the present inputs.*or a check of it was red"
    ):
        propose_alone(desk)
    assert desk.run()["changes"]["standing"] == 1
    propose_alone(desk)
