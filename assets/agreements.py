"""What the PSA bills, copied for one month of one tenant.

Belongs here: the asset of the PSA copy.
Does not belong here: reading the PSA (``resources.psa``), judging the copy (``pipelines.agreements``).
"""

import dagster as dg

from assets.partitions import MONTH, month_key
from pipelines.agreements.copy import copy_psa
from pipelines.agreements.records import CopyStatus, PsaCopy
from resources.wiring import Workspaces

COPIED_WHOLE = dg.AssetCheckSpec(
    "psa_was_copied_whole",
    asset="agreement_lines",
    description="Red: the PSA could not be read to its end. Nothing is proposed; mend the connection and run again.",
)


@dg.asset(
    partitions_def=MONTH,
    group_name="agreements",
    kinds={"parquet"},
    owners=["team:operations"],
    check_specs=[COPIED_WHOLE],
)
def agreement_lines(context: dg.AssetExecutionContext, workspaces: Workspaces) -> dg.MaterializeResult:
    """Accounts, services, agreements and agreement lines of the PSA, one row each, as they stand now.

    A rerun copies the PSA anew; older copies stay in the lake. When the check is red the copy failed as a whole
    (a partial copy is no copy): the message says whether credentials, address or the PSA itself is the cause.
    """
    _, tenant = month_key(context)
    with workspaces.open(tenant) as workspace:
        copy = copy_psa(
            workspace.psa_source,
            workspace.lake,
            workspace.copy_ledger,
            kind=str(workspace.settings.values["psa.kind"]),
            base_url=workspace.settings.psa_base_url or "",
            company=workspace.psa_company,
            clock=workspace.clock,
            new_id=workspace.new_id,
            today=workspace.today,
        )
    return copy_result(copy)


def copy_result(copy: PsaCopy) -> dg.MaterializeResult:
    """What an operator sees of a copy: counts, time taken, and the vendor's words when it failed."""
    seconds = (copy.finished_at - copy.started_at).total_seconds()
    metadata: dict[str, int | float | str] = {
        **copy.counts,
        "psa": f"{copy.kind} at {copy.base_url}",
        "seconds": seconds,
    }
    check = dg.AssetCheckResult(
        check_name=COPIED_WHOLE.name,
        passed=copy.status is CopyStatus.COMPLETE,
        metadata={"message": copy.message or "copied whole"},
    )
    return dg.MaterializeResult(metadata=metadata, check_results=[check])
