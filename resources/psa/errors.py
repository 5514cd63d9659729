"""What can go wrong with a PSA, in our words: each error says whether a rerun would help.

Belongs here: the classes of failure that every adapter translates its vendor's errors into.
Does not belong here: status codes and a vendor's texts (``http`` and the adapters).
"""

# ruff: noqa: N818  the names are the outcomes that the write protocol speaks of

from typing import ClassVar

from pipelines.agreements.copy import PsaForbidden, PsaUnavailable


class PsaError(PsaUnavailable):
    """The PSA did not do what was asked. The text is for an operator and never holds a credential."""

    would_retry_help: ClassVar[bool] = False


class Refused(PsaError):
    """The PSA, or we ourselves before asking it, said no. Asking again gives the same answer."""


class Forbidden(PsaError, PsaForbidden):
    """Credentials or rights are missing. A person has to mend them."""


class Gone(PsaError):
    """What was asked for is not in the PSA (any more)."""


class Conflict(PsaError):
    """Somebody else is using the record just now; surely nothing was executed."""

    would_retry_help = True


class Unavailable(PsaError):
    """No usable answer: down, unreachable, too slow, cut off, or not the PSA's own words.

    After a write it says nothing about the outcome: the write may have been executed.
    """

    would_retry_help = True


class Unreachable(Unavailable):
    """No connection came about, so not one byte of the request has left: surely nothing was executed."""


class ToldFault(Unavailable):
    """A fault of the PSA's server in the PSA's own words, which may mean a broken rule or wrong credentials."""


class Throttled(PsaError):
    """Too many requests; surely nothing was executed. ``retry_after`` is in seconds, None when the PSA named none."""

    would_retry_help = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
