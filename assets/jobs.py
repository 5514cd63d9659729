"""The two jobs: take in one source's files of a month, and reconcile one tenant's month.

Belongs here: which assets run together.
Does not belong here: when they run (``sensors``).
"""

import dagster as dg

take_in_usage = dg.define_asset_job(
    "take_in_usage",
    selection=dg.AssetSelection.assets("raw_usage_files", "validated_usage"),
    description="Archive and read the waiting files of one source and month.",
    tags={"area": "intake"},
)

reconcile_month = dg.define_asset_job(
    "reconcile_month",
    selection=dg.AssetSelection.groups("agreements", "warehouse", "reconciliation", "review"),
    description="Copy the PSA, compute one tenant's month and publish its proposals, findings and verdict.",
    tags={"area": "reconciliation"},
)
