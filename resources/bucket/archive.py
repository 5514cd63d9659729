"""The archive: every byte ever received, named by its content.

Belongs here: storing raw bytes once under their SHA-256, never changing them.
Does not belong here: paths or names from outside; a file's own name never becomes a path here.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import BinaryIO

_CHUNK = 1 << 20


class Archive:
    """Content-addressed files below one folder: ``ab/abcdef…``."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def store(self, source: Path) -> str:
        """Copy a file in and return its SHA-256 in hex. Storing the same bytes again changes nothing.

        The bytes are on disk (fsync) before the name exists, so a crash leaves no half file under a hash.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._root, prefix="incoming-")
        try:
            with os.fdopen(handle, "wb") as target, source.open("rb") as origin:
                digest = _copied(origin, target)
            final = self.path(digest)
            if not final.exists():
                final.parent.mkdir(parents=True, exist_ok=True)
                os.chmod(name, 0o440)
                os.replace(name, final)
            return digest
        finally:
            Path(name).unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the bytes of that hash lie."""
        return self._root / sha256[:2] / sha256


def _copied(origin: BinaryIO, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := origin.read(_CHUNK):
        digest.update(block)
        target.write(block)
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()
