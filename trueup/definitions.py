"""For Dagster: the composition root.

Belongs here: explicit lists of what exists and when it runs.
Does not belong here: anything else.
"""

import dagster as dg

from assets.agreements import agreement_lines
from assets.jobs import reconcile_month, take_in_usage, write_back
from assets.review import policy_approvals, proposed_changes
from assets.usage import raw_usage_files, validated_usage
from assets.warehouse import mapping_entries, month_models
from assets.writeback import agreement_updates
from resources.settings import environment, workspace_folders
from resources.wiring import Workspaces
from sensors.approvals import approved_changes
from sensors.arrivals import arrived_files
from sensors.inputs import changed_inputs, month_end


def definitions(folders: list[str]) -> dg.Definitions:
    """Everything Dagster knows, over the workspaces in these folders."""
    return dg.Definitions(
        assets=[
            raw_usage_files,
            validated_usage,
            agreement_lines,
            mapping_entries,
            month_models,
            proposed_changes,
            policy_approvals,
            agreement_updates,
        ],
        jobs=[take_in_usage, reconcile_month, write_back],
        sensors=[arrived_files, changed_inputs, approved_changes],
        schedules=[month_end],
        resources={"workspaces": Workspaces(folders=folders)},
        # The default executor starts a process per asset and pays every import again (docs/decisions/0004).
        executor=dg.in_process_executor,
    )


defs = definitions([str(folder) for folder in workspace_folders(environment())])
