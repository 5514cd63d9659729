"""``trueup mappings suggest``: what the keys without a mapping may mean, for people and as a mapping file to confirm.

Belongs here: the command, its table, its JSON list, the file it writes.
Does not belong here: what speaks for a target (``pipelines.mapping.suggesting``), recording (``mappings import``).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.mapping.entries import KeyKind
from pipelines.mapping.live import live_on
from pipelines.mapping.offering import offered_mappings, ticked
from pipelines.mapping.seen import decided_keys, skipped_keys, undecided_keys
from pipelines.mapping.suggestions import SuggestedKey, Suggestion, Target
from resources.workspace import Workspace
from trueup.cli.key_look import KeyLook, look_at_keys
from trueup.cli.mapping_files import newest_records, write_mapping_file
from trueup.cli.options import (
    JsonOption,
    NewestPeriodOption,
    WorkspaceOption,
    month_or_newest_open,
    open_workspace,
)
from trueup.cli.printing import Exit, finish, note, print_json, print_lines, print_table

Targets = dict[KeyKind, list[Target]]


def suggest(
    period: NewestPeriodOption = None,
    source: Annotated[str | None, typer.Option("--source", help="Only keys of this source.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Mapping file to write: exact matches of new sources ticked, the rest as comments."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the keys of a month that are neither mapped, excluded nor skipped may mean in the PSA. Nothing is applied.

    Exit code 3 when the PSA has not been copied yet.

    Example: trueup mappings suggest --period 2026-10 --out suggested.yaml
    """
    with open_workspace(workspace) as opened:
        month = month_or_newest_open(opened, period)
        targets = _targets(opened)
        look = None if month is None else look_at_keys(opened, month)
    suggested = [] if look is None else _suggested(look, targets or {}, source)
    if out is not None and look is not None:
        _write(out, look, suggested)
    if as_json:
        print_json([_as_json(item) for item in suggested])
    elif look is not None:
        _print(look, suggested, source)
    _tell_limits(look, targets)


def _tell_limits(look: KeyLook | None, targets: Targets | None) -> None:
    """Say what could not be told; that there is no PSA to look into is an exit code as well."""
    if look is None:
        note("Note: no open month has usage; name one with --period")
    if targets is None:
        note("Note: the PSA has not been copied yet, so nothing can be suggested; trueup run copies it")
        finish(Exit.NOT_RECONCILED)


def _targets(opened: Workspace) -> Targets | None:
    """The active accounts and services of the newest complete PSA copy; None while there is none."""
    records = newest_records(opened)
    if records is None:
        return None
    return {
        KeyKind.ACCOUNT: [Target(account.id, account.name) for account in records.accounts if account.is_active],
        KeyKind.SERVICE: [Target(item.id, item.name, item.code) for item in records.services if item.is_active],
    }


def _suggested(look: KeyLook, targets: Targets, source: str | None) -> list[SuggestedKey]:
    from pipelines.mapping.suggesting import suggest_targets  # noqa: PLC0415  numpy's import costs a tenth of a second

    live = live_on(look.recorded, look.month.last_day)
    open_keys = [key for key in undecided_keys(look.seen, live) if source in {None, key.source}]
    return [
        item
        for kind in KeyKind
        for item in suggest_targets(
            kind,
            [key for key in open_keys if key.kind is kind],
            targets.get(kind, ()),
            decided_keys(kind, look.seen, look.recorded),
        )
    ]


def _write(file: Path, look: KeyLook, suggested: Sequence[SuggestedKey]) -> None:
    write_mapping_file(file, offered_mappings(look.month.key, suggested, look.first_configured))
    live = sum(ticked(item, look.first_configured) is not None for item in suggested)
    note(f"{live} of {len(suggested)} keys are ticked: look through {file}, then trueup mappings import {file}")


def _as_json(item: SuggestedKey) -> dict[str, Any]:
    key = item.key
    return {
        "source": key.source,
        "kind": str(key.kind),
        "key": key.key,
        "name": key.names[0],
        "first_seen": key.first_seen,
        "last_seen": key.last_seen,
        "suggestions": [_suggestion_as_json(suggestion) for suggestion in item.suggestions],
    }


def _suggestion_as_json(suggestion: Suggestion) -> dict[str, Any]:
    return {
        "id": suggestion.target.id,
        "name": suggestion.target.name,
        "code": suggestion.target.code,
        "score": suggestion.score,
        "exact": suggestion.is_exact,
        "reasons": list(suggestion.reasons),
    }


def _print(look: KeyLook, suggested: Sequence[SuggestedKey], source: str | None) -> None:
    live = live_on(look.recorded, look.month.last_day)
    skipped = sum(source in {None, key.source} for key in skipped_keys(look.seen, live))
    more = f"; {skipped} more {'is' if skipped == 1 else 'are'} skipped (trueup mappings keys)" if skipped else ""
    print_lines([f"{look.month.key}: {len(suggested)} keys are neither mapped, excluded nor skipped{more}"])
    if suggested:
        print_table(
            ["source", "kind", "key", "name", "first seen", "last seen", "may mean", "score", "why"],
            [cells for item in suggested for cells in _rows(item)],
            right=["score"],
        )


def _rows(item: SuggestedKey) -> Iterator[tuple[object, ...]]:
    """A line for each suggestion; the key stands in the first one."""
    key = item.key
    name = "" if key.names == (key.key,) else ", ".join(key.names)
    told: tuple[object, ...] = (key.source, key.kind, key.key, name, key.first_seen, key.last_seen)
    if not item.suggestions:
        yield (*told, "nothing is like it", "", "")
    for suggestion in item.suggestions:
        mark = " exact" if suggestion.is_exact else ""
        target = f"{suggestion.target.name} ({suggestion.target.id})"
        yield (*told, target, f"{suggestion.score}{mark}", "; ".join(suggestion.reasons))
        told = ("",) * len(told)
