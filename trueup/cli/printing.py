"""What the command line prints: one JSON document for machines, or tables for people.

Belongs here: exit codes, JSON output, tables, the words of an error.
Does not belong here: what is printed; each command says that.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any, NoReturn

import typer


class Exit(IntEnum):
    """Exit codes of the outside contract."""

    DONE = 0
    FAULT = 1
    USAGE = 2
    NOT_RECONCILED = 3
    REFUSED = 4


class CommandError(Exception):
    """A command cannot go on; the text says what is wrong and what to do."""

    def __init__(self, message: str, code: Exit = Exit.FAULT) -> None:
        super().__init__(message)
        self.code = code


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    print(json.dumps(document, ensure_ascii=False, indent=2))


def print_lines(lines: Iterable[str]) -> None:
    """Plain lines on stdout."""
    for line in lines:
        print(harmless(line))


def harmless(text: str) -> str:
    """Text of a stranger's file as a terminal may see it: nothing moves the cursor, colours or turns the writing."""
    return text.translate(_ACTING)


_ACTING = {
    code: f"\\u{code:04x}"
    for code in (*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[str] = ()) -> None:
    """A table for people; columns named in ``right`` are aligned to the right (numbers)."""
    from rich import box  # noqa: PLC0415  costs a tenth of a second, paid only when a table is printed
    from rich.console import Console  # noqa: PLC0415
    from rich.markup import escape  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(harmless(str(cell))) for cell in row))
    console = Console(soft_wrap=False)
    # A pipe has no width: leave room instead of folding every cell at 80 columns.
    console.width = console.width if sys.stdout.isatty() else 160
    console.print(table)


def note(message: str) -> None:
    """A line for people on stderr, so that stdout stays one JSON document or one table."""
    print(message, file=sys.stderr)


def finish(code: Exit) -> NoReturn:
    """End the command with an exit code of the contract."""
    raise typer.Exit(int(code))
