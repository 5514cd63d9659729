"""Workbooks read in a process of their own, so that none can take memory, time or a crash into ours.

Belongs here: starting the process, its bound in time, what its end means to an operator.
Does not belong here: parsing (``workbook_child``), what is done with the sheet (``reading``).
"""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines.intake.layout import FileLayout
from pipelines.intake.sheet import MAX_COLUMNS, UnreadableFile

SECONDS = 600
"""Wall clock for one workbook; a million rows take less than a minute."""

SHEET = FileLayout(format="csv", encoding=("utf-8",))
"""How a sheet is laid out for whoever cuts its records."""

_LEAN = "Delete empty rows and columns beside the table, or save the sheet as CSV (UTF-8) and drop that"


def sheet_as_csv(raw: Path, layout: FileLayout, out: Path) -> str:
    """Write the sheet that a profile means as CSV under the layout ``SHEET``; the answer is the sheet's name.

    Every row of the sheet is a record, blank ones included, so a record's number is its row in the spreadsheet. Raises
    ``UnreadableFile`` when the workbook cannot be read within the bounds.
    """
    return sheet_and_names(raw, layout, out)[0]


def sheet_and_names(raw: Path, layout: FileLayout, out: Path) -> tuple[str, tuple[str, ...]]:
    """The same, with the names of all sheets."""
    command = [sys.executable, "-m", "resources.warehouse.workbook_child"]
    arguments = [str(raw), str(out), layout.format, layout.sheet or "", str(MAX_COLUMNS)]
    try:
        child = subprocess.run(  # noqa: S603  our own interpreter and module, no shell
            [*command, *arguments], capture_output=True, timeout=SECONDS, check=False, text=True, errors="replace"
        )
    except subprocess.TimeoutExpired:
        raise UnreadableFile(f"reading the workbook took more than {SECONDS} seconds", _LEAN) from None
    return _sheet_of(child)


def _sheet_of(child: subprocess.CompletedProcess[str]) -> tuple[str, tuple[str, ...]]:
    if child.returncode:
        raise UnreadableFile(_how_it_ended(child.returncode), _LEAN)
    said: dict[str, Any] = json.loads(child.stdout)
    if "reason" in said:
        raise UnreadableFile(said["reason"], said["remedy"])
    return str(said["sheet"]), tuple(said["sheets"])


def _how_it_ended(code: int) -> str:
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:
        return "reading the workbook took more time than a usage file may"
    return "the workbook names more cells than can be held in memory, or its parser gave up"
