"""The jobs: take in one source's files of a month, reconcile one tenant's month, write what is approved.

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

write_back = dg.define_asset_job(
    "write_back",
    selection=dg.AssetSelection.assets("agreement_updates"),
    description="Settle lost answers, then write every approved change of one tenant to its PSA, once each.",
    # What is left over is in the store, and the sensor asks again: Dagster must not start a run anew by itself.
    tags={"area": "writeback", "dagster/max_retries": "0"},
)
