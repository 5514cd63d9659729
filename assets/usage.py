"""Usage as it arrives: raw files kept, rows validated. One partition per month and source.

Belongs here: the two assets of intake and what an operator sees of them.
Does not belong here: reading a file (``pipelines.intake``).
"""

from collections.abc import Sequence
from decimal import Decimal

import dagster as dg

from assets.partitions import USAGE, usage_key
from pipelines.intake.drops import Arrival, ArrivalStatus, SourceVerdict
from pipelines.intake.rows import RowAccounting
from pipelines.intake.take import TakenFile
from pipelines.intake.waiting import archive_waiting, take_waiting
from pipelines.quantities import text
from resources.wiring import Workspaces

NOTHING_QUARANTINED = dg.AssetCheckSpec(
    "nothing_is_quarantined",
    asset="raw_usage_files",
    description="Red: a file could not be assigned to a profile. Its reason stands in `trueup inbox list`.",
)
HOLDS_SCHEMA = dg.AssetCheckSpec(
    "rows_hold_the_usage_schema",
    asset="validated_usage",
    description="Red: typed rows break the Pandera contract; they were not published. Report it.",
)
ACCOUNTED_FOR = dg.AssetCheckSpec(
    "every_record_is_accounted_for",
    asset="validated_usage",
    description="Red: the counts of a reading do not add up to the file's physical records. Report it.",
)
IS_COMPLETE = dg.AssetCheckSpec(
    "source_is_complete",
    asset="validated_usage",
    description="Red: a file is empty, cut off or refused, and nothing is proposed from its source.",
)


@dg.asset(
    partitions_def=USAGE,
    group_name="intake",
    kinds={"csv"},
    owners=["team:operations"],
    check_specs=[NOTHING_QUARANTINED],
)
def raw_usage_files(context: dg.AssetExecutionContext, workspaces: Workspaces) -> dg.MaterializeResult:
    """Files of one source for one month, byte for byte as they arrived, kept under the hash of their content.

    A rerun archives what has arrived since; nothing is kept twice. When the check is red a file is in quarantine:
    its reason says whether the path, the header or two fitting profiles are the cause.
    """
    key = usage_key(context)
    with workspaces.open(key.tenant) as workspace:
        arrivals = archive_waiting(workspace.intake, key.period, key.source)
    return archived_result(arrivals)


def archived_result(arrivals: Sequence[Arrival]) -> dg.MaterializeResult:
    """The files that were archived, and those put into quarantine with their reasons."""
    quarantined = [arrival for arrival in arrivals if arrival.status is ArrivalStatus.QUARANTINED]
    return dg.MaterializeResult(
        metadata={
            "files": dg.MetadataValue.json({arrival.path: arrival.sha256 for arrival in arrivals}),
            "bytes": sum(arrival.size_bytes for arrival in arrivals),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=NOTHING_QUARANTINED.name,
                passed=not quarantined,
                metadata={"quarantined": "; ".join(f"{item.path}: {item.reason}" for item in quarantined) or "none"},
            )
        ],
    )


@dg.asset(
    deps=[raw_usage_files],
    partitions_def=USAGE,
    group_name="intake",
    kinds={"duckdb", "pandera", "parquet"},
    owners=["team:operations"],
    check_specs=[HOLDS_SCHEMA, ACCOUNTED_FOR, IS_COMPLETE],
)
def validated_usage(context: dg.AssetExecutionContext, workspaces: Workspaces) -> dg.MaterializeResult:
    """Usage rows of one source for one month, one row per valid record, typed by its import profile.

    A rerun reads files that wait, and reads anew what a person corrected or whose profile changed; the same content is
    never read twice. When a check is red, the finding of the file (``trueup findings``) says what to do.
    """
    key = usage_key(context)
    with workspaces.open(key.tenant) as workspace:
        taken = take_waiting(workspace.intake, key.period, key.source)
    return taken_result(taken)


def taken_result(taken: Sequence[TakenFile]) -> dg.MaterializeResult:
    """Row accounting, quantity and verdicts of the files that were read in this run."""
    rows = RowAccounting.added(file.rows for file in taken)
    lost = [file.name for file in taken if not file.is_accounted_for]
    silent = [file for file in taken if file.verdict not in {SourceVerdict.COMPLETE, SourceVerdict.DUPLICATE}]
    return dg.MaterializeResult(
        metadata={
            **rows.as_json(),
            "files": dg.MetadataValue.json({file.name: str(file.verdict) for file in taken}),
            "quantity": text(sum((file.quantity for file in taken), start=Decimal(0))),
        },
        check_results=[
            dg.AssetCheckResult(check_name=HOLDS_SCHEMA.name, passed=True, metadata={"rows": rows.valid}),
            dg.AssetCheckResult(
                check_name=ACCOUNTED_FOR.name, passed=not lost, metadata={"files": ", ".join(lost) or "none"}
            ),
            dg.AssetCheckResult(
                check_name=IS_COMPLETE.name,
                passed=not silent,
                metadata={"reasons": "; ".join(f"{f.name}: {', '.join(f.reasons)}" for f in silent) or "complete"},
            ),
        ],
    )
