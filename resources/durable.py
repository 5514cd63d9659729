"""Names that are to be there after a power cut: what was written or renamed is only for good with its folder.

Belongs here: the one call by which a file or folder is on disk before anything points to it.
Does not belong here: what is written where (``warehouse``, ``bucket``, ``witness``).
"""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """Return once a file, or the names in a folder, are on disk. Raises ``OSError`` where that cannot be had."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
