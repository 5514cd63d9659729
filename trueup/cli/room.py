"""Whether a command failed since a disk is full.

Belongs here: recognising it, whoever met the full disk: Python, DuckDB, SQLite, or a run that passed their words on.
Does not belong here: the store's own errors, which say it in their own words.
"""

import errno
from collections.abc import Iterator

NO_ROOM = "A disk has no room left. Free some, then run it again: it goes on from what was finished."

_PHRASES = ("No space left on device", "database or disk is full", "has no room left on its disk")
_SQLITE = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})


def is_out_of_room(error: BaseException) -> bool:
    """Whether this error, or one that it came of, is that of a full disk."""
    return any(_is_full_disk(each) for each in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return getattr(error, "sqlite_errorname", None) in _SQLITE or any(phrase in str(error) for phrase in _PHRASES)
