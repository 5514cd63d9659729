"""``trueup mappings translate``: a mapping file of another PSA, written anew with the ids of this one.

Belongs here: the command, its counts, what it leaves to a person.
Does not belong here: when a record counts as found (``pipelines.mapping.translating``), recording anything.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.mapping.carrying import carried_mappings
from pipelines.mapping.comparing import subject_of
from pipelines.mapping.naming import named_targets
from pipelines.mapping.translating import CarriedEntry, carried_over
from pipelines.mapping.writing import entry_as_document
from trueup.cli.mapping_files import mapping_file, newest_names, write_mapping_file
from trueup.cli.options import JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, note, print_json, print_lines


def translate(
    file: Annotated[Path, typer.Argument(help="Mapping file that mappings export --names wrote, of another PSA.")],
    out: Annotated[Path, typer.Option("--out", help="Mapping file to write, with the ids of this PSA.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a mapping file of another PSA anew, each record found by exactly its name or code. Nothing is recorded.

    Exit code 3 when the PSA has not been copied yet, 4 when the file cannot be read or bears no names.

    Example: trueup mappings translate old.yaml --out new.yaml
    """
    document = mapping_file(file)
    if not document.names and any(map(named_targets, document.entries)):
        raise CommandError(f"{file} bears no names: write it with trueup mappings export --names", Exit.REFUSED)
    if out.exists() and out.samefile(file):
        raise CommandError(f"{out} is the file that is read: name another one", Exit.USAGE)
    with open_workspace(workspace) as opened:
        entries = carried_over(document, newest_names(opened))
    write_mapping_file(out, carried_mappings(entries))
    left = [entry for entry in entries if entry.why is not None]
    if as_json:
        print_json(_as_json(entries, left))
    else:
        print_lines(_in_words(entries, left))
    note(f"Look through {out}, then trueup mappings diff {out} and trueup mappings import {out}")


def _reasons(left: Sequence[CarriedEntry]) -> dict[str, int]:
    return dict(sorted(Counter(str(entry.why) for entry in left).items()))


def _as_json(entries: Sequence[CarriedEntry], left: Sequence[CarriedEntry]) -> dict[str, Any]:
    return {
        "carried": len(entries) - len(left),
        "left": len(left),
        "reasons": _reasons(left),
        "entries_left": [
            {
                "section": subject_of(entry.entry)[0],
                **entry_as_document(entry.entry),
                "why": str(entry.why),
                "message": entry.words,
            }
            for entry in left
        ],
    }


def _in_words(entries: Sequence[CarriedEntry], left: Sequence[CarriedEntry]) -> list[str]:
    counted = ", ".join(f"{count} {why}" for why, count in _reasons(left).items())
    reasons = f" ({counted})" if counted else ""
    return [f"{len(entries) - len(left)} carried over, {len(left)} left to a person{reasons}"]
