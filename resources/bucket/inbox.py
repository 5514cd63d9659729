"""The inbox folder: which files lie there now.

Belongs here: one cheap look over the folder, opening a file for reading.
Does not belong here: remembering files (the store) and choosing their profile (``pipelines.intake.arrivals``).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class InboxObject:
    """A file as one look saw it. ``version`` changes whenever the file is written again."""

    path: str
    size_bytes: int
    version: str


def look(folder: Path) -> list[InboxObject]:
    """All files below the inbox, by path. Links are not followed: nothing outside the inbox can be named from it.

    A file that vanishes during the look is left out; a missing inbox is an ``OSError``, never an empty one.
    """
    return sorted(_files(folder, ""), key=lambda found: found.path)


def _files(folder: Path, prefix: str) -> Iterator[InboxObject]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield InboxObject(f"{prefix}{entry.name}", stat.st_size, f"{stat.st_size}-{stat.st_mtime_ns}")
