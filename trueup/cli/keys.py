"""``trueup mappings keys``: every key of every source, with its months and what was decided about it.

Belongs here: the command, its table, its JSON list.
Does not belong here: what an undecided key may mean (``suggesting``).
"""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pipelines.mapping.comparing import Subject, subject_of
from pipelines.mapping.entries import AccountMapping, MappingEntry, RecordedEntry, ServiceMapping, SkippedKey
from pipelines.mapping.live import holding_on
from pipelines.mapping.seen import SeenKey, targets_of
from trueup.cli.key_look import look_at_keys
from trueup.cli.options import JsonOption, NewestPeriodOption, WorkspaceOption, month_or_newest_open, open_workspace
from trueup.cli.printing import note, print_json, print_table

_Decisions = Mapping[Subject, RecordedEntry]


def keys(
    period: NewestPeriodOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Only keys of this source.")] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Every account and service key of every source, mapped or not: first and last month, and what was decided.

    Example: trueup mappings keys --period 2026-10 --source Pax8
    """
    with open_workspace(workspace) as opened:
        month = month_or_newest_open(opened, period)
        look = None if month is None else look_at_keys(opened, month)
    listed: list[dict[str, Any]] = []
    if look is None:
        note("Note: no open month has usage; name one with --period")
    else:
        decisions = {subject_of(each.entry): each for each in holding_on(look.recorded, look.month.last_day)}
        listed = [_as_json(key, decisions) for key in look.seen if source in {None, key.source}]
    if as_json:
        print_json(listed)
    else:
        print_table(
            ["source", "kind", "key", "name", "first seen", "last seen", "decision", "leads to", "decided by"],
            [(*list(each.values())[:7], _leads_to(each), _decided_by(each)) for each in listed],
        )


def _leads_to(listed: Mapping[str, Any]) -> str | None:
    """The targets, or why there are none; a decision that ends is told with its end."""
    told = ", ".join(listed["targets"]) or listed["reason"]
    return f"{told} (until {listed['until']})" if listed["until"] else told


def _decided_by(listed: Mapping[str, Any]) -> str | None:
    return f"{listed['by']}, {listed['at'][:10]}" if listed["by"] else None


def _as_json(key: SeenKey, decisions: _Decisions) -> dict[str, Any]:
    decided = decisions.get(key.subject)
    entry = decided.entry if decided else None
    until = entry.validity.valid_until if entry else None
    return {
        "source": key.source,
        "kind": str(key.kind),
        "key": key.key,
        "name": key.names[0],
        "first_seen": key.first_seen,
        "last_seen": key.last_seen,
        "decision": _decision(entry),
        "targets": list(targets_of(entry)) if entry else [],
        "reason": _reason(entry),
        "until": until.isoformat() if until else None,
        "by": decided.recorded_by if decided else None,
        "at": decided.recorded_at.isoformat() if decided else None,
    }


def _decision(entry: MappingEntry | None) -> str:
    if entry is None:
        return "unmapped"
    if isinstance(entry, SkippedKey):
        return "skipped"
    return "mapped" if _reason(entry) is None else "excluded"


def _reason(entry: MappingEntry | None) -> str | None:
    match entry:
        case SkippedKey():
            return entry.reason
        case AccountMapping() | ServiceMapping():
            return entry.exclude
    return None
