"""What can go wrong with the store, in an operator's words, and whether a rerun would help.

Belongs here: the store's exceptions and the translation of database drivers' errors into them.
Does not belong here: deciding what to do about one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import exc


class StoreError(Exception):
    """The store did not do what was asked. Its text is for operators and names no table, statement or password."""

    def __init__(self, message: str, *, would_retry_help: bool) -> None:
        super().__init__(message)
        self.would_retry_help = would_retry_help


class StoreUnavailable(StoreError):  # noqa: N818  a word of the trade, as in the PSA clients
    """The database cannot be reached, is locked, or cannot be written to."""


class StoreConflict(StoreError):  # noqa: N818
    """Somebody else's write came first. What they wrote stands; a rerun sees it and helps."""

    def __init__(self, message: str) -> None:
        super().__init__(f"{message} Run it again: it then starts from what stands now.", would_retry_help=True)


class NotInStore(StoreError):  # noqa: N818
    """Something was named that this tenant's store does not hold; nothing was changed."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The store holds no {what}; nothing was changed.", would_retry_help=False)


@dataclass(frozen=True)
class _Fault:
    """A family of driver errors: how it is recognised, what an operator reads, whether a rerun alone would help.

    ``codes`` are beginnings of an SQLSTATE (PostgreSQL) or of an error name (SQLite); ``phrases`` are looked for in
    the driver's text, since a failed connection attempt carries no code.
    """

    words: str
    would_retry_help: bool
    codes: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()

    def matches(self, code: str, text: str) -> bool:
        return code.startswith(self.codes) or any(phrase in text for phrase in self.phrases)


_FAULTS = (
    _Fault(
        "refused the sign-in. Check the user and password in store.url.",
        False,
        codes=("28",),
        phrases=("authentication failed", "no password supplied", "no pg_hba.conf entry"),
    ),
    _Fault(
        "does not exist. Check the database and user in store.url, or create them.",
        False,
        codes=("3D000",),
        phrases=('" does not exist\nconnection', "FATAL:  database", "FATAL:  role"),
    ),
    _Fault(
        "has no tables of this version yet. Any command that opens the workspace makes them.",
        False,
        codes=("42P01", "42703"),
        phrases=("no such table", "no such column"),
    ),
    _Fault(
        "is locked: another process has been writing for longer than the time allowed. Run it again.",
        True,
        codes=("SQLITE_BUSY", "SQLITE_LOCKED", "55P03"),
    ),
    _Fault("was changed by another process at the same moment. Run it again.", True, codes=("40",)),
    _Fault(
        "cannot be opened. Check that its folder exists and may be written to.",
        False,
        codes=("SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH"),
    ),
    _Fault("may only be read. Check the rights on its file and folder.", False, codes=("SQLITE_READONLY", "25006")),
    _Fault(
        "has no room left on its disk. Free some, then run it again.",
        False,
        # The first to open a store makes a shared index beside it: on a full disk that is what fails.
        codes=("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE", "53100"),
    ),
    _Fault(
        "is damaged or is no store of ours. Restore it from a backup; nothing was changed.",
        False,
        codes=("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"),
    ),
    _Fault("could not read or write its disk.", False, codes=("SQLITE_IOERR", "58")),
)
_UNREACHABLE = _Fault("cannot be reached. Check that the database runs and that store.url is right, then rerun.", True)
_OTHER = _Fault("refused what was asked of it.", False)


@contextmanager
def in_operator_words(place: str) -> Iterator[None]:
    """Turn whatever SQLAlchemy raises inside into a ``StoreError``. ``place`` names the store without its password."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise _translated(error, place) from error


def is_already_recorded(error: exc.IntegrityError) -> bool:
    """Whether a row was refused because one of its key exists already."""
    return _code(error) in {"23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}


def _translated(error: exc.SQLAlchemyError, place: str) -> StoreError:
    if isinstance(error, exc.IntegrityError):
        return _broken_rule(error, place)
    if isinstance(error, exc.TimeoutError):
        return StoreUnavailable(f"The store ({place}) has no connection free. Run it again.", would_retry_help=True)
    if isinstance(error, exc.DBAPIError):
        return _driver_fault(error, place)
    if isinstance(error, exc.StatementError):
        # A value that our own column types refused: their words are already an operator's.
        return StoreError(f"The store ({place}) cannot keep a value: {error.orig}", would_retry_help=False)
    return StoreError(f"The store ({place}) {_OTHER.words}", would_retry_help=False)


def _broken_rule(error: exc.IntegrityError, place: str) -> StoreError:
    if is_already_recorded(error):
        return StoreConflict(f"The store ({place}) holds this record already.")
    return StoreError(
        f"The store ({place}) refused a record that names something it does not hold, or lacks a needed value.",
        would_retry_help=False,
    )


def _driver_fault(error: exc.DBAPIError, place: str) -> StoreUnavailable:
    code, text = _code(error), str(error.orig)
    fault = next((fault for fault in _FAULTS if fault.matches(code, text)), None)
    if fault is None:
        # Without a code there was no answer from a server at all; 08 and 57P say that it went away.
        is_gone = error.connection_invalidated or not code or code.startswith(("08", "57P", "53"))
        fault = _UNREACHABLE if is_gone else _OTHER
    return StoreUnavailable(f"The store ({place}) {fault.words}", would_retry_help=fault.would_retry_help)


def _code(error: exc.DBAPIError) -> str:
    """The SQLSTATE (psycopg) or the error's name (SQLite); empty when the driver gives none."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return str(code or "")
