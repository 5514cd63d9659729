"""What was approved, written to the PSA.

Belongs here: the asset of the written lines and what an operator sees of a run.
Does not belong here: the protocol (``pipelines.writeback``), decisions, which are made elsewhere than in Dagster.
"""

import time

import dagster as dg

from assets.partitions import MONTH_TO_TENANT, TENANTS
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.means import Means, Step
from pipelines.writeback.ports import Stop
from pipelines.writeback.protocol import write_back
from resources.wiring import Workspaces

NO_STALE = dg.AssetCheckSpec(
    "no_approval_is_stale",
    asset="agreement_updates",
    description="Red: a line no longer stood where its approval saw it. Nothing was written; review it again.",
)
ALL_VERIFIED = dg.AssetCheckSpec(
    "every_write_is_verified",
    asset="agreement_updates",
    description="Red: an answer was lost and the line is not read back yet. It settles by itself after a quiet period.",
)
NOT_STOPPED = dg.AssetCheckSpec(
    "write_back_goes_on",
    asset="agreement_updates",
    description="Red: write-back stands still for this tenant, or a refusal needs a person. Approvals are kept.",
)


class WriteBackConfig(dg.Config):
    """What one run of write-back is about: all months, or one."""

    period: str | None = None


@dg.asset(
    deps=[dg.AssetDep("proposed_changes", partition_mapping=MONTH_TO_TENANT)],
    partitions_def=TENANTS,
    group_name="writeback",
    kinds={"python"},
    owners=["team:billing"],
    check_specs=[NO_STALE, ALL_VERIFIED, NOT_STOPPED],
)
def agreement_updates(
    context: dg.AssetExecutionContext, config: WriteBackConfig, workspaces: Workspaces
) -> dg.MaterializeResult:
    """Agreement lines set to their approved quantities, each written once and read back.

    A rerun settles lost answers, then writes what is approved and not written yet; it never sends a line twice
    blindly. Materializing this by hand writes nothing that nobody approved. A red check names what needs a person:
    ``trueup findings`` and ``trueup writeback status`` say what to do.
    """
    with workspaces.open(context.partition_key) as workspace, workspace.psa() as psa:
        means = Means(
            ledger=workspace.write_ledger,
            witness=workspace.witness,
            psa=psa.billing,
            pace=workspace.pace,
            bounds=workspace.bounds,
            batch_id=context.run.run_id,
            today=workspace.today,
            clock=workspace.write_clock,
            sleep=lambda wait: time.sleep(wait.total_seconds()),
            watch=lambda step, change: context.log.info(progress(step, change)),
            period=config.period,
            model=workspace.psa_kind.traits.model,
            grouping=workspace.grouping,
        )
        return batch_result(write_back(means))


def progress(step: Step, change: Change) -> str:
    """A line for the run's log."""
    return f"{change.change_id}@{change.revision}, line {change.line_id}: {step.replace('_', ' ')}"


def batch_result(batch: BatchOutcome) -> dg.MaterializeResult:
    """A run as an operator wants to see it: how many changes ended how. The checks tell of earlier runs as well."""
    counts = {str(status): 0 for status in _ENDS} | batch.counts()
    matters = batch.open_matters
    unverified = matters.get(ChangeStatus.UNKNOWN, 0) + matters.get(ChangeStatus.SENDING, 0)
    return dg.MaterializeResult(
        metadata={**counts, "waiting": len(batch.waiting), "batch": dg.MetadataValue.json(batch.as_json())},
        check_results=[
            _check(NO_STALE, matters.get(ChangeStatus.STALE, 0), "stale approvals"),
            _check(ALL_VERIFIED, unverified, "writes whose answer is lost"),
            _check(NOT_STOPPED, matters.get(ChangeStatus.REFUSED, 0), "refused changes", batch.stop),
        ],
    )


def _check(spec: dg.AssetCheckSpec, count: int, of_what: str, stop: Stop | None = None) -> dg.AssetCheckResult:
    words = f"{count} {of_what}" if stop is None else f"{count} {of_what}; write-back stands still: {stop.words}"
    return dg.AssetCheckResult(check_name=spec.name, passed=not count and stop is None, metadata={"why": words})


_ENDS = (
    ChangeStatus.WRITTEN,
    ChangeStatus.STALE,
    ChangeStatus.REFUSED,
    ChangeStatus.UNKNOWN,
    ChangeStatus.APPROVED,
)
"""Where a change may stand after a run; each is counted, with 0 where there is none."""
