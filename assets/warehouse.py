"""What the warehouse computes for a month: one asset per dbt model.

Belongs here: how dbt's models and tests appear in Dagster.
Does not belong here: the models (``dbt_project``) and running them (``resources.warehouse``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets

from assets.partitions import MONTH, USAGE_TO_MONTH, month_key
from pipelines.reconciliation.month import compute_month
from resources.warehouse.manifest import prepared_manifest
from resources.warehouse.month import MonthWarehouse, NodeResult
from resources.wiring import Workspaces
from resources.workspace import DBT_PROJECT

MANIFEST = prepared_manifest(DBT_PROJECT)

_UPSTREAM = {
    "usage_rows": "validated_usage",
    "doubtful_rows": "validated_usage",
    "source_states": "validated_usage",
    "psa_accounts": "agreement_lines",
    "psa_services": "agreement_lines",
    "psa_agreements": "agreement_lines",
    "psa_lines": "agreement_lines",
}
"""Which asset stands behind a table of the scratch lake; all others are mapping entries and constants."""

mapping_entries = dg.AssetSpec(
    "mapping_entries",
    group_name="mapping",
    kinds={"yaml"},
    owners=["team:billing"],
    description=(
        "Account, service and unit mappings: decisions of people, dated and kept for ever. Changed by "
        "`trueup mappings import`; the sensor `changed_inputs` then recomputes every open month they touch."
    ),
)
"""Not computed by anything: people decide it."""


class MonthTranslator(DagsterDbtTranslator):
    """dbt's names in the house's words: a model is an asset of its own name, a scratch table is its asset."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        """The asset of a model, or the asset behind a source table."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        kind, *_, name = unique_id.split(".")
        key = _UPSTREAM.get(name, mapping_entries.key.to_user_string()) if kind == "source" else name
        is_mart = "marts" in manifest["nodes"].get(unique_id, {}).get("fqn", ())
        return spec.replace_attributes(
            key=dg.AssetKey(key),
            group_name="reconciliation" if is_mart else "warehouse",
            kinds={"dbt", "duckdb"},
            owners=["team:operations"],
        )

    def get_partition_mapping(
        self,
        dbt_resource_props: Mapping[str, Any],  # noqa: ARG002
        dbt_parent_resource_props: Mapping[str, Any],
    ) -> dg.PartitionMapping | None:
        """Usage is cut by source, a month by tenant."""
        is_usage = _UPSTREAM.get(str(dbt_parent_resource_props["name"])) == "validated_usage"
        return USAGE_TO_MONTH if is_usage else None


# Several scratch tables stand for one asset: validated usage, a PSA copy, the mapping entries.
TRANSLATOR = MonthTranslator(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))


@dbt_assets(manifest=MANIFEST, dagster_dbt_translator=TRANSLATOR, partitions_def=MONTH, name="month_models")
def month_models(context: dg.AssetExecutionContext, workspaces: Workspaces) -> Iterator[Any]:
    """The models of one month of one tenant, built together in a scratch database of this run.

    A rerun computes the month anew from the current readings, mappings and PSA copy, and keeps the figures in the lake
    under the hash of those inputs.
    """
    period, tenant = month_key(context)
    with workspaces.open(tenant) as workspace:
        nodes = compute_month(
            workspace.tenant,
            period,
            workspace.month_ledger,
            MonthWarehouse(workspace.lake, workspace.settings.folder("scratch"), DBT_PROJECT),
            now=workspace.clock(),
        )
    yield from model_events(context, nodes)


def model_events(context: dg.AssetExecutionContext, nodes: Sequence[NodeResult]) -> Iterator[Any]:
    """A materialization per model and a check result per dbt test, with counts, times and dbt's words."""
    by_name = {node.unique_id.split(".")[2]: node for node in nodes}
    for name, node in by_name.items():  # dbt ran them in topological order, which Dagster demands
        if dg.AssetKey(name) in context.selected_asset_keys:
            metadata = {"rows": node.rows or 0, "seconds": round(node.seconds, 3)}
            yield dg.MaterializeResult(asset_key=dg.AssetKey(name), metadata=metadata)
    for check in sorted(context.selected_asset_check_keys, key=str):
        node = by_name[check.name]
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=node.status in {"pass", "success"},
            # A warning asks a person and stops nothing: usage that no mapping leads anywhere.
            severity=dg.AssetCheckSeverity.WARN if node.status == "warn" else dg.AssetCheckSeverity.ERROR,
            metadata={"dbt": node.message or node.status},
        )
