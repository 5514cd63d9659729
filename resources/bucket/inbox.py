"""The inbox folder: which files lie there now.

Belongs here: one cheap look over the folder, opening a file for reading, waiting until writing has stopped.
Does not belong here: remembering files (the store) and choosing their profile (``pipelines.intake.arrivals``).
"""

import os
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from pipelines.intake.arrivals import InboxFile


class InboxFolder:
    """A folder in which files arrive. A missing folder is an ``OSError``, never an empty inbox."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def look(self) -> list[InboxFile]:
        """All files below the folder, by path. Links are not followed: they could name a file outside.

        A file that vanishes during the look is left out.
        """
        found: list[InboxFile] = []
        _find(self._root, "", found)
        return sorted(found, key=attrgetter("path"))

    def path(self, relative: str) -> Path:
        """Where a file that a look has seen can be read."""
        return self._root / relative

    def wait_until_settled(self, seconds: float, sleep: Callable[[float], None]) -> None:
        """Return once two looks that far apart see the same files: nothing is being written any more."""
        before = self.look()
        while before:
            sleep(seconds)
            now = self.look()
            if now == before:
                return
            before = now


def _find(folder: Path, prefix: str, found: list[InboxFile]) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _find(Path(entry.path), f"{prefix}{entry.name}/", found)
            elif entry.is_file(follow_symlinks=False):
                try:
                    stat = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                version = f"{stat.st_size}-{stat.st_mtime_ns}"
                found.append(InboxFile(f"{prefix}{entry.name}", stat.st_size, version, stat.st_mtime_ns))
