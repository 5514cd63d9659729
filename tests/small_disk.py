"""A disk of the test's own that is small enough to be filled to its last byte.

Belongs here: mounting it, filling it, freeing it, unmounting it whatever happens.
Does not belong here: what the tests keep on it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_SIZE = "64m"
_BLOCK = bytes(4096)


@dataclass(frozen=True)
class SmallDisk:
    """A mounted file system of ``_SIZE``."""

    folder: Path

    def fill(self, leaving: int = 0) -> None:
        """Leave no block free, or just so many bytes."""
        with suppress(OSError), self._filler.open("ab", buffering=0) as filler:
            while filler.write(_BLOCK):
                pass
        assert shutil.disk_usage(self.folder).free == 0
        os.truncate(self._filler, self._filler.stat().st_size - leaving)

    def free(self) -> None:
        """Give back what ``fill`` took."""
        self._filler.unlink()

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """An empty disk in memory. Mounting one needs root on Linux; elsewhere the test is skipped."""
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("a disk that can be filled is a tmpfs, which only root on Linux may mount")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "trueup-small-disk", str(folder)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs may be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: a file that a failed test left open must not leave the mount behind.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
