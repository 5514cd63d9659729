"""``trueup mappings diff``: what importing a mapping file would record, and what it would do to a month.

Belongs here: the command, its tables and its JSON document.
Does not belong here: what an import records (``pipelines.mapping.importing``), where months differ
(``pipelines.review.effects``).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.findings import Finding
from pipelines.mapping.comparing import subject_of
from pipelines.mapping.entries import MappingEntry, RecordedEntry
from pipelines.mapping.importing import ImportPlan, ended, entries_after, plan_import
from pipelines.mapping.writing import entry_as_document, entry_as_line
from pipelines.periods import BillingPeriod
from pipelines.quantities import money_text, text
from pipelines.review.changes import Change, When
from pipelines.review.effects import Difference, Effect, MonthEffects, effects_of_entries, moved_money
from resources.store import mappings
from resources.workspace import DBT_PROJECT, Workspace
from trueup.cli.mapping_files import checked_document, mapping_file
from trueup.cli.options import (
    JsonOption,
    NewestPeriodOption,
    WorkspaceOption,
    month_or_newest_open,
    open_workspace,
)
from trueup.cli.printing import Exit, finish, note, print_json, print_lines, print_table
from trueup.cli.review import finding_as_json

_NOBODY = "nobody"
"""Who decided what is only looked at: it is recorded nowhere."""


def diff(
    file: Annotated[Path, typer.Argument(help="Mapping file (YAML).")],
    period: NewestPeriodOption = None,
    replace: Annotated[bool, typer.Option("--replace", help="As if every entry the file does not name ended.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What importing a mapping file would record, and which changes of a month it would alter. Nothing is stored.

    Exit code 3 when there is no fresh PSA copy to compare the month with.

    Example: trueup mappings diff mappings.yaml --period 2026-10
    """
    document = mapping_file(file)
    with open_workspace(workspace) as opened:
        month = month_or_newest_open(opened, period)
        warnings = checked_document(opened, document)
        with opened.store.reading() as conn:
            recorded = mappings.recorded_entries(conn, opened.tenant.id)
        plan = plan_import(document, recorded, replace=replace, today=opened.today)
        effects = None if month is None else _effects(opened, month, plan, recorded)
    for warning in warnings:
        note(f"Note: {warning}")
    if as_json:
        print_json({"period": month and month.key, **_as_json(plan, recorded, effects)})
    else:
        _print_plan(plan, recorded)
        _print_effects(effects)
    _tell_limits(effects)


def _effects(
    opened: Workspace, month: BillingPeriod, plan: ImportPlan, recorded: Sequence[RecordedEntry]
) -> MonthEffects:
    from resources.warehouse.month import MonthWarehouse  # noqa: PLC0415  dbt's import costs seconds

    now = opened.clock()
    warehouse = MonthWarehouse(opened.lake, opened.settings.folder("scratch"), DBT_PROJECT)
    entries = entries_after(plan, recorded, by=_NOBODY, at=now)
    return effects_of_entries(
        opened.tenant, month, opened.month_ledger, opened.lake, warehouse, entries=entries, now=now
    )


def _tell_limits(effects: MonthEffects | None) -> None:
    """Say what could not be told; that there was nothing to compare with is an exit code as well."""
    if effects is None:
        note("Note: no open month has usage, so only the entries were compared")
    elif effects.is_closed:
        note(f"Note: {effects.period} is closed: no mapping moves its numbers any more")
    elif not effects.is_psa_copied:
        note(
            f"Note: there is no whole PSA copy of the last 24 hours, so no change of {effects.period} can be told; "
            f"trueup run --period {effects.period} copies the PSA"
        )
        finish(Exit.NOT_RECONCILED)


# --- for machines -----------------------------------------------------------------------------------------------------


def _as_json(plan: ImportPlan, recorded: Sequence[RecordedEntry], effects: MonthEffects | None) -> dict[str, Any]:
    changes, findings = (effects.changes, effects.findings) if effects else ((), ())
    return {
        "entries": {
            "add": [_entry_as_json(entry) for entry in plan.add],
            "end": [{"id": item.entry_id, **_entry_as_json(item.entry)} for item in _ended(plan, recorded)],
            "supersede": [{"id": item.entry_id, **_entry_as_json(item.entry)} for item in _superseded(plan, recorded)],
            "unchanged": plan.unchanged,
        },
        "changes": [_change_effect(each) for each in changes],
        "findings": {
            "appear": [_finding(each.after) for each in findings if each.effect is Effect.APPEARS],
            "disappear": [_finding(each.before) for each in findings if each.effect is Effect.DISAPPEARS],
            "alter": [
                {"before": _finding(each.before), "after": _finding(each.after)}
                for each in findings
                if each.effect is Effect.ALTERS
            ],
        },
        "money": {currency: money_text(amount) for currency, amount in moved_money(changes).items()},
    }


def _entry_as_json(entry: MappingEntry) -> dict[str, Any]:
    return {"section": subject_of(entry)[0], **entry_as_document(entry)}


def _change_effect(difference: Difference[Change]) -> dict[str, Any]:
    change = difference.item
    return {
        "id": change.change_id,
        "account": {"id": change.account_id, "name": change.account_name},
        "service": {"id": change.service_id, "name": change.service_name},
        "line_id": change.line_id,
        "effect": str(difference.effect),
        "before": _side(difference.before),
        "after": _side(difference.after),
    }


def _side(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "kind": str(change.kind),
        "source": list(change.sources),
        "agreement_id": change.agreement_id,
        "quantity_before": None if change.quantity_before is None else text(change.quantity_before),
        "quantity_after": text(change.quantity_after),
        "amount_delta": None if change.amount_delta is None else money_text(change.amount_delta),
        "currency": change.currency,
        "effective_date": change.effective_date.isoformat(),
        "when": str(change.when),
    }


def _finding(finding: Finding | None) -> dict[str, Any] | None:
    return None if finding is None else finding_as_json(finding)


# --- for people -------------------------------------------------------------------------------------------------------


def _print_plan(plan: ImportPlan, recorded: Sequence[RecordedEntry]) -> None:
    counts = {"added": plan.add, "ended": plan.end, "superseded": plan.supersede}
    told = ", ".join(f"{len(entries)} {what}" for what, entries in counts.items())
    print_lines([f"Entries: {told}, {plan.unchanged} unchanged"])
    print_lines(_lines("add", plan.add))
    print_lines(_lines("end", [item.entry for item in _ended(plan, recorded)]))
    print_lines(_lines("supersede", [item.entry for item in _superseded(plan, recorded)]))


def _lines(what: str, entries: Iterable[MappingEntry]) -> list[str]:
    return [f"  {what:10}{subject_of(entry)[0]:9} {entry_as_line(entry)}" for entry in entries]


def _print_effects(effects: MonthEffects | None) -> None:
    if effects is None:
        return
    count = len(effects.changes)
    print_lines(["", f"{effects.period}: {count} {'change' if count == 1 else 'changes'} would differ"])
    if effects.changes:
        print_table(
            ["change", "effect", "account", "service", "line", "now", "after the import"],
            [_change_cells(difference) for difference in effects.changes],
        )
        moved = ", ".join(f"{amount:+,.2f} {currency}" for currency, amount in moved_money(effects.changes).items())
        print_lines([f"Proposed money a month would move by {moved or 'nothing'}."])
    if effects.findings:
        print_table(
            ["finding", "effect", "source", "now", "after the import"],
            [_finding_cells(difference) for difference in effects.findings],
        )


def _change_cells(difference: Difference[Change]) -> tuple[object, ...]:
    change = difference.item
    return (
        change.change_id,
        difference.effect,
        f"{change.account_name} ({change.account_id})",
        f"{change.service_name} ({change.service_id})",
        change.line_id or "new",
        _words(difference.before),
        _words(difference.after),
    )


def _words(change: Change | None) -> str:
    if change is None:
        return ""
    before = "–" if change.quantity_before is None else text(change.quantity_before)
    money = "" if change.amount_delta is None else f", {change.amount_delta:+,.2f} {change.currency}"
    day = f", at the renewal on {change.effective_date}" if change.when is When.AT_RENEWAL else ""
    return f"{change.kind} {before} → {text(change.quantity_after)}{money}{day}"


def _finding_cells(difference: Difference[Finding]) -> tuple[object, ...]:
    finding = difference.item
    sides = [side.message if side else "" for side in (difference.before, difference.after)]
    return (finding.kind, difference.effect, finding.source, *sides)


# --- both -------------------------------------------------------------------------------------------------------------


def _ended(plan: ImportPlan, recorded: Sequence[RecordedEntry]) -> list[RecordedEntry]:
    """The entries that would end, with the day from which they would hold no more."""
    days = dict(plan.end)
    return [ended(item, days[item.entry_id]) for item in recorded if item.entry_id in days]


def _superseded(plan: ImportPlan, recorded: Sequence[RecordedEntry]) -> list[RecordedEntry]:
    return [item for item in recorded if item.entry_id in plan.supersede]
