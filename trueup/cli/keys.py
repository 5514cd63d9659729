"""``trueup mappings keys``: every key of every source, with its months and what was decided about it.

Belongs here: the command, its table, its JSON list.
Does not belong here: what an undecided key may mean (``suggesting``).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from pipelines.mapping.comparing import Subject, subject_of
from pipelines.mapping.entries import AccountMapping, ServiceMapping
from pipelines.mapping.live import LiveMappings, live_on
from pipelines.mapping.seen import SeenKey, targets_of
from trueup.cli.key_look import look_at_keys
from trueup.cli.options import JsonOption, NewestPeriodOption, WorkspaceOption, month_or_newest_open, open_workspace
from trueup.cli.printing import note, print_json, print_table

_Decisions = Mapping[Subject, Sequence[AccountMapping | ServiceMapping]]


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
        decisions = _decisions(live_on(look.recorded, look.month.last_day))
        listed = [_as_json(key, decisions) for key in look.seen if source in {None, key.source}]
    if as_json:
        print_json(listed)
    else:
        print_table(
            ["source", "kind", "key", "name", "first seen", "last seen", "decision", "leads to"],
            [(*list(each.values())[:7], ", ".join(each["targets"]) or each["reason"]) for each in listed],
        )


def _decisions(live: LiveMappings) -> _Decisions:
    found: dict[Subject, list[AccountMapping | ServiceMapping]] = defaultdict(list)
    entries: list[AccountMapping | ServiceMapping] = [*live.accounts, *live.services]
    for entry in entries:
        found[subject_of(entry)].append(entry)
    return found


def _as_json(key: SeenKey, decisions: _Decisions) -> dict[str, Any]:
    entries = decisions.get(key.subject, ())
    excluded = next((entry for entry in entries if entry.exclude is not None), None)
    decision = "excluded" if excluded else "mapped" if entries else "unmapped"
    return {
        "source": key.source,
        "kind": str(key.kind),
        "key": key.key,
        "name": key.names[0],
        "first_seen": key.first_seen,
        "last_seen": key.last_seen,
        "decision": decision,
        "targets": [target for entry in entries for target in targets_of(entry)],
        "reason": excluded.exclude if excluded else None,
    }
