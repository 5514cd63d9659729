"""``trueup intake``: take one file in by hand.

Belongs here: the command and its exit codes.
Does not belong here: taking a file in (``pipelines.intake``).
"""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.intake.by_hand import take_by_hand
from pipelines.intake.drops import SourceVerdict
from pipelines.intake.take import TakenFile
from pipelines.quantities import text
from trueup.cli.options import JsonOption, WorkspaceOption, open_workspace, period_of
from trueup.cli.printing import CommandError, Exit, finish, print_json, print_lines
from trueup.cli.profiles import ProfileOption, chosen_profile

_CODES = {
    SourceVerdict.COMPLETE: Exit.DONE,
    SourceVerdict.DUPLICATE: Exit.DONE,
    SourceVerdict.INCOMPLETE: Exit.NOT_RECONCILED,
    SourceVerdict.EMPTY: Exit.NOT_RECONCILED,
    SourceVerdict.REFUSED: Exit.REFUSED,
}


def intake(
    file: Annotated[Path, typer.Argument(help="A usage file.")],
    profile: ProfileOption,
    period: Annotated[str | None, typer.Option(help="Billing period, YYYY-MM; else as the profile says.")] = None,
    part: Annotated[
        str | None,
        typer.Option(help="Hub, account or currency of the file, where a month comes in parts."),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take one file in by hand; the inbox does the same unattended.

    Exit code 3 when the file is empty or incomplete, 4 when it is refused, 0 for a duplicate.

    Example: trueup intake usage.csv --profile pax8-subscriptions --period 2026-10
    """
    if not file.is_file():
        raise CommandError(f"{file} cannot be read: there is no such file", Exit.REFUSED)
    key = period_of(period).key if period else None
    chosen = chosen_profile(profile, workspace)
    with open_workspace(workspace) as opened:
        taken = take_by_hand(opened.intake, file, chosen, key, part)
    if as_json:
        print_json(_as_json(taken))
    else:
        print_lines(_in_words(file, taken))
    finish(_CODES[taken.verdict])


def _as_json(taken: TakenFile) -> dict[str, object]:
    return {
        "file_id": taken.file_id,
        "verdict": str(taken.verdict),
        "reasons": list(taken.reasons),
        "rows": taken.rows.as_json(),
        "quantity": text(taken.quantity),
        "revisions": [
            {"period": revision.drop.period, "part": revision.drop.part or None, "revision": revision.revision}
            for revision in taken.revisions
        ],
    }


def _in_words(file: Path, taken: TakenFile) -> list[str]:
    counts = ", ".join(f"{count} {name}" for name, count in taken.rows.as_json().items() if count)
    lines = [f"{file.name}: {taken.verdict} ({counts or 'no records'}; quantity {text(taken.quantity)})"]
    return lines + [f"  {reason}" for reason in taken.reasons]
