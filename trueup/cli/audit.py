"""``trueup audit``: verify the trail, export it, keep its end outside, purge what people wrote beside it.

Belongs here: the commands, the file of anchors, the shape of an exported entry.
Does not belong here: the chain itself (``pipelines.audit``).
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from sqlalchemy import Connection

from pipelines.audit import AuditEntry, ChainPoint, ChainVerdict, Purge, compare_facts, fact_of, verify_chain
from resources.exports import Cells, Column, ExportFormat
from resources.store import audit
from resources.workspace import Workspace
from trueup.cli.acting import acting_as_admin
from trueup.cli.exporting import told, write_export
from trueup.cli.options import ByOption, JsonOption, WorkspaceOption, open_workspace
from trueup.cli.printing import CommandError, Exit, finish, note, print_json, print_lines

app = typer.Typer(help="The audit trail: a chain that shows every alteration.", no_args_is_help=True)

_AT_ONCE = 500


@app.command("verify")
def verify(
    anchors: Annotated[
        Path | None, typer.Option("--anchor", help="File that `audit anchor` wrote to: shows also a cut-off end.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read the whole chain, check every link, and compare it with what is kept beside it. Exit code 1 when broken.

    Example: trueup audit verify --anchor anchors.jsonl
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        tenant = opened.tenant.id
        kept = _anchors(anchors, tenant)
        verdict = verified(conn, tenant, kept)
    if as_json:
        head = {"sequence": verdict.head.sequence, "hash": verdict.head.entry_hash}
        print_json(
            {"is_whole": verdict.is_whole, "entries": verdict.entries, "head": head, "faults": list(verdict.faults)}
        )
    elif verdict.is_whole:
        print(f"The audit trail is whole: {verdict.entries} entries, {len(kept)} anchors agree.")
    else:
        print_lines(["The audit trail is broken:", *(f"  {fault}" for fault in verdict.faults)])
    if not verdict.is_whole:
        finish(Exit.FAULT)


def verified(conn: Connection, tenant: str, anchors: list[ChainPoint]) -> ChainVerdict:
    """What verifying the tenant's whole trail finds."""
    verdict = verify_chain(tenant, audit.chain(conn, tenant), audit.chain_head(conn, tenant), anchors)
    if not verdict.is_whole:
        return verdict
    facts = (fact_of(entry) for entry in audit.chain(conn, tenant))
    differences = compare_facts((fact for fact in facts if fact is not None), audit.kept_facts(conn, tenant))
    return replace(verdict, faults=differences)


_COLUMNS = (
    Column("sequence", Cells.WHOLE),
    *(Column(name) for name in ("action", "subject", "actor")),
    Column("is_asserted", Cells.FLAG),
    Column("at", Cells.INSTANT),
    Column("details", Cells.DOCUMENT),
    *(Column(name) for name in ("words_digest", "words")),
    Column("are_words_purged", Cells.FLAG),
    *(Column(name) for name in ("previous_hash", "hash")),
)


@app.command("export")
def export(
    out: Annotated[Path | None, typer.Option("--out", help="File to write to, one JSON document a line.")] = None,
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="csv, json or parquet in the place of lines; needs --out.")
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the whole trail, entry by entry, with its hashes; as lines of JSON, or with --json as one list.

    Example: trueup audit export --out trail.jsonl
    """
    if form is not None and out is None:
        raise CommandError("--format needs a file: --out FILE", Exit.USAGE)
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        entries = _exported(conn, opened.tenant.id)
        if form is not None and out is not None:
            told(write_export(out, form, _COLUMNS, map(_with_instant, entries)), out, "entries", as_json)
        elif as_json:
            print_json(list(entries))
        elif out is None:
            _write_lines(sys.stdout, entries)
        else:
            with _opened(out, "w") as file:
                count = _write_lines(file, entries)
            note(f"{count} entries: {out}")


def _with_instant(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"at": datetime.fromisoformat(entry["at"])}


@app.command("anchor")
def anchor(
    out: Annotated[Path, typer.Option("--out", help="File outside of the store; the anchor is added at its end.")],
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the end of the chain outside, where nobody who can write to the store can reach it.

    Example: trueup audit anchor --out anchors.jsonl
    """
    with open_workspace(workspace) as opened, opened.store.reading() as conn:
        tenant, now = opened.tenant.id, opened.clock()
        head = audit.chain_head(conn, tenant)
    document = {"tenant": tenant, "sequence": head.sequence, "hash": head.entry_hash, "at": now.isoformat()}
    with _opened(out, "a") as file:
        _write_lines(file, iter([document]))
    if as_json:
        print_json(document)
    else:
        print(f"Entry {head.sequence} is anchored in {out}: keep a copy where the store's owner cannot write.")


@app.command("purge")
def purge(
    change: Annotated[str | None, typer.Option("--change", help="Words about this change, all its revisions.")] = None,
    before: Annotated[
        str | None, typer.Option("--before", help="Words written before this day, YYYY-MM-DD, in billing.timezone.")
    ] = None,
    by: ByOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove for ever what people wrote beside the trail: notes and reasons. The chain still verifies.

    With both options only words that both mean go. With tokens this is for admins.

    Example: trueup audit purge --before 2024-01-01 --by dana
    """
    if change is None and before is None:
        raise CommandError("say whose words go: --change ID, --before DATE, or both", Exit.USAGE)
    with open_workspace(workspace) as opened:
        actor = acting_as_admin(opened, by)
        meant = Purge(None if change is None else change.partition("@")[0], _instant(before, opened))
        with opened.store.transaction() as conn:
            gone = audit.purge_words(
                conn,
                opened.tenant.id,
                meant,
                actor.name,
                is_asserted=actor.is_asserted,
                at=opened.clock(),
            )
    if as_json:
        print_json({"purged": len(gone), "sequences": gone})
    elif gone:
        print(f"Words beside {len(gone)} entries are gone for ever: {', '.join(map(str, gone))}.")
    else:
        print("No words are there that could be purged.")


def _instant(before: str | None, opened: Workspace) -> datetime | None:
    """The first instant of a day on the tenant's calendar."""
    if before is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(before), time(), opened.settings.zone)
    except ValueError as error:
        raise CommandError(f"--before {before} is no date, for example 2024-01-01", Exit.USAGE) from error


def _exported(conn: Connection, tenant: str) -> Iterator[dict[str, Any]]:
    entries = audit.chain(conn, tenant)
    while some := list(islice(entries, _AT_ONCE)):
        words = audit.words_beside(conn, tenant, [entry.sequence for entry in some])
        yield from (_as_json(entry, words.get(entry.sequence)) for entry in some)


def _as_json(entry: AuditEntry, words: str | None) -> dict[str, Any]:
    event = json.loads(entry.content)
    return {
        "sequence": entry.sequence,
        **event,
        "words": words,
        "are_words_purged": words is None and event["words_digest"] is not None,
        "previous_hash": entry.previous_hash,
        "hash": entry.entry_hash,
    }


def _write_lines(file: TextIO, documents: Iterator[dict[str, Any]]) -> int:
    count = 0
    for document in documents:
        file.write(json.dumps(document, ensure_ascii=False) + "\n")
        count += 1
    return count


def _opened(file: Path, mode: str) -> TextIO:
    try:
        opened: TextIO = file.open(mode, encoding="utf-8")  # type: ignore[assignment]
    except OSError as error:
        raise CommandError(f"{file} cannot be written: {error.strerror}") from error
    return opened


def _anchors(file: Path | None, tenant: str) -> list[ChainPoint]:
    if file is None:
        return []
    try:
        documents = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        own = [document for document in documents if document["tenant"] == tenant]
        return [ChainPoint(int(document["sequence"]), str(document["hash"])) for document in own]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{file} is no file of anchors: {error}", Exit.REFUSED) from error
