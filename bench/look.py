"""One look of the sensor at an inbox in which every file is known, beside a bare listing of the same folder.

Belongs here: an inbox with as many files as asked for, all of them recorded as taken in; the two looks.
Does not belong here: taking files in (``product``).

Run as ``python -m bench.look FILES FOLDER``; it prints the seconds of both as JSON.
"""

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pipelines.identity import FileId
from pipelines.intake.arrivals import InboxFile
from pipelines.intake.drops import Arrival, ArrivalStatus
from pipelines.intake.waiting import waiting_files
from resources.settings import create_workspace, environment, load_settings
from resources.store.inbox import record_arrival
from resources.workspace import Workspace

_MONTHS = 50
"""Folders that the files lie in: a source's months."""


def main(files: int, folder: Path) -> None:
    """Look at the inbox both ways and print how long each took."""
    if not (folder / "trueup.toml").exists():
        create_workspace(folder, tenant="bench", created_at=datetime.now(UTC))
        _fill(folder / "inbox" / "meridian", files)
    opened = Workspace(load_settings(folder, environment()))
    try:
        _record(opened)
        print(json.dumps({"bare": _bare(folder / "inbox"), "look": _look(opened)}))
    finally:
        opened.close()


def _fill(source: Path, files: int) -> None:
    for number in range(files):
        month = source / f"{2020 + number % _MONTHS // 12}-{number % _MONTHS % 12 + 1:02}"
        month.mkdir(parents=True, exist_ok=True)
        (month / f"usage-{number:06}.csv").write_bytes(b"Account,Service,Quantity\n")


def _record(opened: Workspace) -> None:
    """Remember every file that is not known yet as taken in."""
    known = {(seen.path, seen.version) for seen in opened.intake.arrivals.sightings()}
    with opened.store.transaction() as conn:
        for number, file in enumerate(opened.intake.inbox.look()):
            if (file.path, file.version) not in known:
                record_arrival(conn, opened.tenant.id, _taken(file, number, opened.clock()))


def _taken(file: InboxFile, number: int, at: datetime) -> Arrival:
    return Arrival(
        file_id=FileId(f"bench-{number:06}"),
        path=file.path,
        name=file.path.rpartition("/")[2],
        version=file.version,
        size_bytes=file.size_bytes,
        sha256=f"{number:064}",
        arrived_at=at,
        status=ArrivalStatus.TAKEN,
        source="Meridian",
        profile="meridian",
        period=file.path.split("/")[1],
    )


def _bare(inbox: Path) -> float:
    started = time.perf_counter()
    folders = [inbox]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    entry.stat(follow_symlinks=False)
    return time.perf_counter() - started


def _look(opened: Workspace) -> float:
    started = time.perf_counter()
    waiting = waiting_files(opened.intake)
    seconds = time.perf_counter() - started
    if waiting:
        raise SystemExit(f"{len(waiting)} files wait, and every file is known")
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
