"""``trueup profiles new``: a profile proposed for a sample file, written as a draft that a person confirms.

Belongs here: the command, where drafts are put, what is printed beside the YAML.
Does not belong here: the evidence (``pipelines.intake.proposing``), comparing methods (``comparing``).
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.intake.profile import Basis, ProfileError, load_profile
from pipelines.intake.proposing.choices import Choice, visible, yaml_of
from pipelines.intake.proposing.draft import Given, Proposal, proposed
from pipelines.intake.rows import Reduction
from pipelines.intake.sheet import UnreadableFile
from resources.profiles import known_profiles
from resources.settings import FILE_NAME, environment, load_settings, workspace_folder
from trueup.cli.comparing import MOST_KEYS, Comparison, compared
from trueup.cli.options import JsonOption, WorkspaceOption
from trueup.cli.printing import CommandError, Exit, finish, print_json, print_lines, print_table

DRAFTS = "drafts"
"""The folder below ``profiles`` that the inbox does not look into."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DAY = re.compile(
    r"(?:19|20)[0-9]{2}[-_.]?[0-9]{2}(?:[-_.]?[0-9]{2})?|(?:[0-9]{2}[-_.])?[0-9]{2}[-_.](?:19|20)[0-9]{2}"
)
_ENDING = re.compile(r"(?:\.(?:csv|tsv|txt|xlsx|xls|gz|zip))+$", re.IGNORECASE)
_MOST_SHOWN = 20


def new(
    file: Annotated[Path, typer.Argument(help="A sample usage file: CSV, TSV, a workbook, or one of them packed.")],
    name: Annotated[str | None, typer.Option("--name", help="Name of the profile; else as the file.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Vendor or distributor.")] = None,
    basis: Annotated[Basis | None, typer.Option("--basis", help="What the file counts.")] = None,
    method: Annotated[Reduction | None, typer.Option("--method", help="How rows of one key become one.")] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of a workbook.")] = None,
    output: Annotated[Path | None, typer.Option("--output", help="File to write, instead of a draft.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing file.")] = False,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Propose a profile for a sample file; a person must confirm it.

    Exit code 3 when something is left to choose, 4 when no profile can be proposed.

    Example: trueup profiles new usage.csv --name acme --source Acme --basis subscription
    """
    given = Given(_checked_name(name, file), str(file), source, basis and str(basis), method)
    target = output or _drafts(workspace) / f"{given.name}.yaml"
    if target.exists() and not force:
        raise CommandError(f"{target} exists already; --force writes over it", Exit.REFUSED)
    try:
        proposal = _best(file, given, sheet)
        content = yaml_of(proposal.choices, _title(file, proposal), _unread(proposal))
        comparison = compared(file, proposal)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w" if force else "x", encoding="utf-8") as written:
            written.write(content)
    except (OSError, UnreadableFile) as error:
        raise CommandError(f"no profile is written for {visible(str(file))}: {error}", Exit.REFUSED) from error
    following = _following(file, target, proposal, is_draft=output is None)
    if as_json:
        print_json({"fitting_profiles": _fitting(file), **_as_json(target, content, proposal, comparison, following)})
    else:
        _print(target, content, proposal, comparison, following)
        if fitting := _fitting(file):
            print_lines(
                [f"Shipped profiles whose columns the file has: {', '.join(fitting)}. Check it with them first."]
            )
    if proposal.left or _refusal(content):
        finish(Exit.NOT_RECONCILED)


def drafts_folder(workspace: Path | None) -> Path | None:
    """Where a workspace keeps drafts; None outside a workspace."""
    environ = environment()
    root = workspace_folder(workspace, environ)
    return load_settings(root, environ).folder("profiles") / DRAFTS if (root / FILE_NAME).exists() else None


def _drafts(workspace: Path | None) -> Path:
    return drafts_folder(workspace) or Path()


def _checked_name(name: str | None, file: Path) -> str:
    if name is None:
        # A name is an identity: it must not hold the month of one file.
        stem = _DAY.sub("", _ENDING.sub("", file.name))
        name = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")[:64] or "sample"
    if not _NAME.fullmatch(name):
        raise CommandError(f"{name!r} is no name: letters, digits, '.', '_' and '-', at most 64", Exit.USAGE)
    return name


def _best(file: Path, given: Given, sheet: str | None) -> Proposal:
    """The proposal for the table of the file that leaves least to choose."""
    from resources.warehouse.sampling import samples_of  # noqa: PLC0415  DuckDB is needed by this command alone

    found: list[Proposal] = []
    failures: list[UnreadableFile] = []
    for sample in samples_of(file, sheet):
        try:
            found.append(proposed(sample, given))
        except UnreadableFile as error:
            failures.append(error)
    if not found:
        raise failures[0]
    return min(found, key=lambda one: (len(one.left), -one.rows))


def _fitting(file: Path) -> list[str]:
    """The shipped profiles that find their header in the file."""
    from resources.warehouse.reading import DuckDbFileReader  # noqa: PLC0415

    reader = DuckDbFileReader()
    return [name for name, known in sorted(known_profiles(None).items()) if reader.fits(file, known.profile)]


def _title(file: Path, proposal: Proposal) -> str:
    looked = f"its first {proposal.rows} rows" if proposal.is_cut else f"{proposal.rows} rows"
    return (
        f"Proposed from {visible(file.name)}, by {looked} of it. What says CHOOSE is refused until it is filled in; "
        "what says CONFIRM is likely and not proved. The other lines are what the file shows."
    )


def _unread(proposal: Proposal) -> list[str]:
    return ["Columns that are not read:", *(f"- {column}" for column in proposal.unused)] if proposal.unused else []


def _refusal(content: str) -> str | None:
    try:
        load_profile(content)
    except ProfileError as error:
        return str(error)
    return None


def _following(file: Path, target: Path, proposal: Proposal, *, is_draft: bool) -> list[str]:
    check = f"trueup profiles check {shlex.quote(visible(str(file)))} --profile {shlex.quote(str(target))}"
    steps = [f"Fill in what is left to choose in {target}, and look at what is to confirm"] if proposal.left else []
    if any(choice.key == "aggregate.method" for choice in proposal.left):
        steps[0] += "; the method may be given as --method NAME, with --force"
    steps += [check]
    if is_draft and target.parent.name == DRAFTS:
        live = target.parent.parent / target.name
        steps += [f"mv {shlex.quote(str(target))} {shlex.quote(str(live))}   # from then on the inbox reads by it"]
    return steps


def _as_json(
    target: Path, content: str, proposal: Proposal, comparison: Comparison | None, following: list[str]
) -> dict[str, Any]:
    return {
        "written": str(target),
        "profile": next(choice.value for choice in proposal.choices if choice.key == "profile"),
        "is_complete": not proposal.left,
        "left_to_choose": [choice.key for choice in proposal.left],
        "to_confirm": [choice.key for choice in proposal.choices if choice.need == "confirm"],
        "unused_columns": list(proposal.unused),
        "choices": [choice.as_json() for choice in proposal.choices],
        "aggregation": comparison.as_json() if comparison else None,
        "yaml": content,
        "next": following,
    }


def _print(target: Path, content: str, proposal: Proposal, comparison: Comparison | None, following: list[str]) -> None:
    print_lines([content.rstrip(), ""])
    if comparison is None:
        print_lines(["The sample is read once the columns, numbers and dates are chosen.", ""])
    else:
        _print_comparison(comparison)
    for title, need in (("To confirm", "confirm"), ("Left to choose", "choose")):
        keys = [choice for choice in proposal.choices if choice.need == need]
        print_lines([f"{title}:", *(f"  {_told(choice)}" for choice in keys), ""] if keys else [])
    if not proposal.left and (refusal := _refusal(content)):
        print_lines([refusal, ""])
    print_lines(
        [f"Written to {target}. A person must confirm this proposal. Next:", *(f"  {step}" for step in following)]
    )


def _told(choice: Choice) -> str:
    sentence = choice.reason.partition(". ")[0]
    return f"{choice.key}: {visible(sentence)}"


def _print_comparison(comparison: Comparison) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in comparison.read.rows.as_json().items() if count)
    print_lines(
        [f"Read under this proposal: {comparison.verdict}; {counts}", *(f"  {r}" for r in comparison.reasons), ""]
    )
    if not comparison.keys:
        return
    shown = comparison.keys[:_MOST_SHOWN]
    methods = list(comparison.methods)
    print_table(
        ["account", "service", "before: row = quantity", *(f"after: {method}" for method in methods)],
        [
            (key["account_key"], key["service_key"], _rows(key), *(key["after"].get(m) for m in methods))
            for key in shown
        ],
        right=[f"after: {method}" for method in methods],
    )
    more = len(comparison.keys) - len(shown)
    told = [f"{more} more keys; --json has up to {MOST_KEYS}"] if more else []
    if len(methods) > 1:
        told.append(f"The methods disagree on {comparison.differing} of {len(comparison.keys)} keys.")
    print_lines([*told, ""])


def _rows(key: dict[str, Any]) -> str:
    return ", ".join(_pieces(key["before"]))


def _pieces(before: list[dict[str, Any]]) -> Iterator[str]:
    yield from (f"{row['row']} = {row['quantity']}" for row in before[:8])
    if len(before) > 8:
        yield f"{len(before) - 8} more"
