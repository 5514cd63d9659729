"""``trueup changes export``: the changes of a month as a table for other tools.

Belongs here: the command, the columns of a change, writing an export where an option says.
Does not belong here: formats (``resources.exports``), the audit trail (``audit``).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.findings import Evidence
from pipelines.quantities import rounded
from pipelines.review.approval import Decision
from pipelines.review.changes import Change
from resources.exports import Cells, Column, ExportFormat, Row, write_table
from resources.store import changes, decisions
from trueup.cli.options import JsonOption, PeriodOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, note, print_json
from trueup.cli.review import holding_approvals

FormatOption = Annotated[ExportFormat, typer.Option("--format", help="csv, json or parquet.")]

_COLUMNS = (
    Column("id"),
    Column("revision", Cells.WHOLE),
    Column("batch_id"),
    Column("period"),
    Column("kind"),
    Column("status"),
    Column("sources", Cells.TEXTS),
    *(Column(name) for name in ("account_id", "account_name", "service_id", "service_name")),
    *(Column(name) for name in ("agreement_id", "line_id")),
    *(Column(name, Cells.EXACT) for name in ("quantity_before", "quantity_after", "delta")),
    *(Column(name, Cells.EXACT) for name in ("unit_price", "unit_cost", "amount_delta", "cost_delta")),
    Column("currency"),
    Column("effective_date", Cells.DATE),
    Column("when"),
    Column("needs", Cells.TEXTS),
    Column("flags", Cells.TEXTS),
    Column("approved_by", Cells.TEXTS),
    Column("approved_at", Cells.INSTANT),
    Column("plan_hash"),
    Column("proposed_at", Cells.INSTANT),
    Column("evidence_count", Cells.WHOLE),
    Column("evidence", Cells.TEXTS),
)


def export_changes(
    period: PeriodOption,
    form: FormatOption,
    out: Annotated[Path, typer.Option("--out", help="File to write to; one that is there is replaced.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the changes of a month to a file, each in its latest revision: quantities and money exact.

    Example: trueup changes export --period 2026-10 --format csv --out october.csv
    """
    key = period_of(period).key
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        latest = changes.latest_changes(conn, opened.tenant.id, period=key)
        approvals = holding_approvals(decisions.decisions_of_period(conn, opened.tenant.id, key))
    rows = [_row(change, approvals.get((change.change_id, change.revision), ())) for change in latest]
    told(write_export(out, form, _COLUMNS, rows), out, "changes", as_json)


def write_export(out: Path, form: ExportFormat, columns: Sequence[Column], rows: Iterable[Row]) -> int:
    """Write a table where an option says; how many rows it has."""
    try:
        return write_table(out, form, columns, rows)
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}") from error


def told(count: int, out: Path, what: str, as_json: bool) -> None:
    """Say what was exported."""
    if as_json:
        print_json({"rows": count, "file": str(out)})
    else:
        note(f"{count} {what}: {out}")


def _row(change: Change, approvals: Sequence[Decision]) -> dict[str, Any]:
    last = approvals[-1] if approvals else None
    return vars(change) | {
        "id": change.change_id,
        "delta": change.step,
        "cost_delta": None if change.cost_delta is None else rounded(change.cost_delta),
        "approved_by": [approval.actor.name for approval in approvals],
        "approved_at": None if last is None else last.at,
        "plan_hash": None if last is None else last.plan_hash,
        "evidence": [_place(item) for item in change.evidence],
    }


def _place(item: Evidence) -> str:
    sheet = "" if item.sheet is None else f", sheet {item.sheet}"
    return f"{item.file}{sheet}, row {item.row}"
