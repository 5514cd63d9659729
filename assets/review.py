"""What is proposed for a month, and its verdict.

Belongs here: the asset of the proposals and what an operator sees of it.
Does not belong here: the rules of proposing (``pipelines.review``).
"""

import dagster as dg

from assets.partitions import MONTH, month_key
from pipelines.reconciliation.expected import MonthVerdict
from pipelines.review.automatic import Ruled, approve_by_policy
from pipelines.review.publishing import MonthOutcome, publish_month
from pipelines.review.summary import changes_as_markdown, money_by_currency, sources_as_markdown
from resources.wiring import Workspaces

IS_RECONCILED = dg.AssetCheckSpec(
    "month_could_be_reconciled",
    asset="proposed_changes",
    description="Red: an expected source is missing, incomplete, empty or refused, or the PSA was not copied.",
)
HAS_EVIDENCE = dg.AssetCheckSpec(
    "every_proposal_rests_on_evidence",
    asset="proposed_changes",
    description="Red: a proposal that is no vanished line names no usage row. Report it; do not approve it.",
)

RULES_COULD_APPROVE = dg.AssetCheckSpec(
    "every_rule_could_approve",
    asset="policy_approvals",
    description="Red: a rule approves a change, and something else speaks against it; a person decides.",
)


@dg.asset(
    deps=["reconciliation_deltas", "mapped_usage", "agreement_lines"],
    partitions_def=MONTH,
    group_name="review",
    kinds={"python"},
    owners=["team:billing"],
    check_specs=[IS_RECONCILED, HAS_EVIDENCE],
)
def proposed_changes(context: dg.AssetExecutionContext, workspaces: Workspaces) -> dg.MaterializeResult:
    """Changes proposed for the month, one per agreement line or unbilled service, published with findings and verdict.

    A rerun publishes the same changes again: only a change whose numbers moved gets a new revision. When the verdict
    check is red, read the findings (``trueup findings``): each names the file or connection and what to do.
    """
    period, tenant = month_key(context)
    with workspaces.open(tenant) as workspace:
        outcome = publish_month(
            workspace.tenant,
            period,
            workspace.month_ledger,
            workspace.lake,
            run_id=context.run.run_id,
            now=workspace.clock(),
        )
    return outcome_result(outcome)


def outcome_result(outcome: MonthOutcome) -> dg.MaterializeResult:
    """The month as an operator wants to see it: verdict, row accounting, the largest changes, money per currency."""
    standing = outcome.plan.standing
    without = [change.change_id for change in standing if not change.evidence_count and change.kind != "vanished"]
    return dg.MaterializeResult(
        metadata={
            "verdict": str(outcome.verdict),
            "standing": len(standing),
            "new": len(outcome.plan.insert),
            "findings": len(outcome.findings),
            "money": dg.MetadataValue.json(money_by_currency(standing)),
            "sources": dg.MetadataValue.md(sources_as_markdown(outcome.sources)),
            "largest changes": dg.MetadataValue.md(changes_as_markdown(standing)),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=IS_RECONCILED.name,
                passed=outcome.verdict is not MonthVerdict.COULD_NOT_RECONCILE,
                metadata={"verdict": str(outcome.verdict)},
            ),
            dg.AssetCheckResult(
                check_name=HAS_EVIDENCE.name, passed=not without, metadata={"changes": ", ".join(without) or "none"}
            ),
        ],
    )


@dg.asset(
    deps=["proposed_changes"],
    partitions_def=MONTH,
    group_name="review",
    kinds={"python"},
    owners=["team:billing"],
    check_specs=[RULES_COULD_APPROVE],
)
def policy_approvals(context: dg.AssetExecutionContext, workspaces: Workspaces) -> dg.MaterializeResult:
    """Changes of the month that a rule of the approval policy approved, each in the rule's own name.

    A rerun approves only what no one decided about yet. When the check is red, the change named in it stays proposed:
    the reason says what a person has to give, an agreement for a new line say (``trueup approve``).
    """
    period, tenant = month_key(context)
    with workspaces.open(tenant) as workspace:
        ruled = approve_by_policy(
            period,
            workspace.decision_ledger,
            workspace.month_ledger,
            now=workspace.clock(),
            new_id=workspace.new_id,
        )
    return ruled_result(ruled)


def ruled_result(ruled: Ruled) -> dg.MaterializeResult:
    """What rules approved, by which policy, and what they could not."""
    left = {f"{each.change_id}@{each.revision}": each.reason for each in ruled.undecided}
    approved = {f"{each.change_id}@{each.revision}": each.actor.name for each in ruled.decisions}
    return dg.MaterializeResult(
        metadata={
            "policy": ruled.version,
            "approved": len(approved),
            "approvals": dg.MetadataValue.json(approved),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=RULES_COULD_APPROVE.name, passed=not left, metadata={"left": dg.MetadataValue.json(left)}
            )
        ],
    )
