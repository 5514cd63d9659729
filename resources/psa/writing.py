"""What writing to any PSA shares: what an answer means, what keeps a line from being written, how long a look holds.

Belongs here: judgements in our words that no vendor's shape changes.
Does not belong here: requests, paths and fields (each vendor's own ``writing`` module), the order of steps.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Generic, TypeVar

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.quantities import text
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, Heard, LineSeen
from resources.psa.errors import Conflict, Forbidden, Gone, PsaError, Refused, Throttled, Unreachable

MOST_SECONDS = 24 * 60 * 60
"""The longest wait that is obeyed when the PSA asks for fewer requests."""

FRESH_SECONDS = 30
"""How old an agreement or an account may be when a line is written; the line itself is always read anew."""

_Known = TypeVar("_Known")


class Recent(Generic[_Known]):
    """Records that change rarely, kept for ``FRESH_SECONDS`` by the seconds of ``clock``."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, _Known]] = {}

    def get(self, key: str, read: Callable[[], _Known]) -> _Known:
        """The record of a key, read anew when it is too old. Raises what ``read`` raises, and then keeps nothing."""
        now = self._clock()
        kept = self._kept.get(key)
        if kept is not None and now - kept[0] <= FRESH_SECONDS:
            return kept[1]
        found = read()
        self._kept[key] = (now, found)
        return found

    def keep(self, key: str, found: _Known) -> None:
        """A record that was read just now together with others."""
        self._kept[key] = (self._clock(), found)


def by_agreement(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """The changes by the agreement that they name; those that name none are left out."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        if change.agreement_id is not None:
            found.setdefault(change.agreement_id, []).append(change)
    return found


def answer_of(error: PsaError) -> Answer:
    """What a failed write says about whether it was executed. Whatever is not known to have failed is unknown."""
    heard = next((heard for kind, heard in _HEARD if isinstance(error, kind)), Heard.UNKNOWN)
    seconds = error.retry_after if isinstance(error, Throttled) else None
    # A PSA that asks for years has said something else than it meant.
    asked = None if seconds is None else timedelta(seconds=min(seconds, MOST_SECONDS))
    return Answer(heard, str(error), asked)


def answer_unless_forbidden(error: PsaError, check_connection: Callable[[], None]) -> Answer:
    """As ``answer_of``, for vendors who may tell wrong credentials as "not found": they are tried first.

    When they cannot be tried either, nobody knows what the answer means.
    """
    if isinstance(error, Gone):
        try:
            check_connection()
        except Forbidden as forbidden:
            return Answer(Heard.FORBIDDEN, str(forbidden))
        except PsaError:
            return Answer(Heard.UNKNOWN, str(error))
    return answer_of(error)


_HEARD: tuple[tuple[type[PsaError], Heard], ...] = (
    (Throttled, Heard.THROTTLED),
    (Unreachable, Heard.NOT_EXECUTED),
    (Conflict, Heard.NOT_EXECUTED),
    (Forbidden, Heard.FORBIDDEN),
    (Gone, Heard.GONE),
    (Refused, Heard.REFUSED),
)


def obstacle(change: Change, line: AgreementLine, agreement: Agreement, account: Account, today: date) -> str | None:
    """Why a line must not be written although it is there; None when nothing is in the way."""
    around = agreement_obstacle(change, agreement, account)
    if around is not None:
        return around
    if line.end_date is not None and line.end_date <= today:
        return f"line {line.id} ended on {line.end_date}"
    if line.start_date is not None and line.start_date > today:
        return f"line {line.id} begins only on {line.start_date}"
    return None


def agreement_obstacle(change: Change, agreement: Agreement, account: Account) -> str | None:
    """Why nothing may be written on an agreement, be the line there already or not; None when nothing is in the way."""
    if str(agreement.account_id) != change.account_id:
        return f"agreement {agreement.id} belongs to account {agreement.account_id}, not to {change.account_id}"
    if not account.is_active:
        return f"account {account.id} is inactive in the PSA"
    if not agreement.is_active:
        return f"agreement {agreement.id} is cancelled, expired or ended"
    return None


def unwritable(words: str) -> LineSeen:
    """What is seen of a line of which nothing can be told but why it must not be written."""
    return LineSeen(None, None, None, None, words)


def place_seen(service: Service, standing: Sequence[AgreementLine], hindrance: str | None) -> LineSeen:
    """What is seen where a new line of a service is to stand. ``standing`` are the lines that bill it there already.

    Nothing stands: no quantity, and the catalogue's price and cost. One line stands: its own numbers, so that a line
    that was made before is known again. Several: an obstacle that names them.
    """
    if len(standing) > 1:
        named = ", ".join(f"{line.id} ({text(line.quantity)})" for line in standing)
        return unwritable(f"agreement {standing[0].agreement_id} bills service {service.id} on several lines: {named}")
    if standing:
        (line,) = standing
        return LineSeen(line.quantity, str(line.service_id), line.unit_price, line.unit_cost, hindrance)
    inactive = None if service.is_active else f"service {service.id} is inactive in the PSA"
    return LineSeen(None, str(service.id), service.unit_price, service.unit_cost, hindrance or inactive)


def marker_of(change: Change) -> str:
    """What a line that TrueUp made bears in one of its texts, so that it is known again."""
    return f"TrueUp {change.change_id}@{change.revision}"
