"""Every asset tells an operator what it is, whose it is, and has at least one check."""

import dagster as dg
import pytest

from trueup.definitions import defs

GRAPH = defs.resolve_asset_graph()
COMPUTED = sorted(key for key in GRAPH.get_all_asset_keys() if GRAPH.get(key).is_materializable)
CHECKED = {check.asset_key for check in GRAPH.asset_check_keys}
STAGES = [
    ("raw_usage_files", "validated_usage"),
    ("validated_usage", "mapped_usage"),
    ("validated_usage", "reconciliation_deltas"),
    ("agreement_lines", "reconciliation_deltas"),
    ("mapped_usage", "proposed_changes"),
    ("reconciliation_deltas", "proposed_changes"),
    ("proposed_changes", "agreement_updates"),
]


@pytest.mark.parametrize("key", COMPUTED, ids=str)
def test_an_asset_is_described_grouped_owned_partitioned_and_checked(key: dg.AssetKey) -> None:
    node = GRAPH.get(key)
    assert node.description
    assert len(node.description.strip()) > 20
    assert node.group_name not in {None, "default"}
    assert node.owners
    assert node.kinds
    assert node.partitions_def is not None
    assert key in CHECKED


def ancestors(key: dg.AssetKey) -> set[dg.AssetKey]:
    """Everything an asset rests on."""
    parents = set(GRAPH.get(key).parent_keys)
    return parents.union(*map(ancestors, parents))


@pytest.mark.parametrize(("earlier", "later"), STAGES)
def test_each_stage_of_a_month_rests_on_the_one_before(earlier: str, later: str) -> None:
    assert dg.AssetKey(earlier) in ancestors(dg.AssetKey(later))


def test_sensors_and_schedule_run_by_themselves() -> None:
    repository = defs.get_repository_def()
    names = {sensor.name for sensor in repository.sensor_defs}
    assert names == {"arrived_files", "changed_inputs", "approved_changes"}
    assert all(sensor.default_status is dg.DefaultSensorStatus.RUNNING for sensor in repository.sensor_defs)
    assert all(one.default_status is dg.DefaultScheduleStatus.RUNNING for one in repository.schedule_defs)


@pytest.mark.parametrize(
    ("asset", "check"),
    [
        ("usage_conservation", "quantity_is_mapped_unmapped_or_excluded"),
        ("money_conservation", "money_is_mapped_unmapped_excluded_or_classed"),
    ],
)
def test_the_conservation_laws_are_checks_that_stop_what_rests_on_them(asset: str, check: str) -> None:
    assert GRAPH.get_check_spec(dg.AssetCheckKey(dg.AssetKey(asset), check)).blocking


def test_nothing_unmapped_is_a_check_of_an_asset() -> None:
    names = {check.name for check in GRAPH.asset_check_keys}
    assert names >= {"every_account_key_leads_somewhere", "every_service_key_leads_somewhere"}
