"""Autotask's allowance of calls, which all integrations of a tenant share: TrueUp stops before it is used up.

Belongs here: when to ask how much is left, and at which share to stop.
Does not belong here: asking itself (``autotask``), waiting.
"""

from collections.abc import Callable
from typing import Any

from resources.psa.errors import Throttled, Unavailable

STOP_AT_PERCENT = 75
"""Of the threshold. From 50 % on the vendor delays each call, at 100 % it suspends the API for everybody."""

CALLS_BETWEEN_LOOKS = 200
"""Our own calls after which the count is asked for anew: 2 % of the vendor's 10,000 an hour."""


class Allowance:
    """How many calls may still be made. ``ask`` answers with the vendor's threshold information; it is a call too."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        self._ask = ask
        self._calls = CALLS_BETWEEN_LOOKS

    def spend(self) -> None:
        """To be called before each call. Raises ``Throttled`` when the share is used up, so nothing is asked."""
        if self._calls >= CALLS_BETWEEN_LOOKS:
            self.look()
        self._calls += 1

    def count(self) -> None:
        """To be called before a call that must not be held up: a write is sent right after its intent."""
        self._calls += 1

    def look(self) -> None:
        """Ask now. Raises ``Throttled``, and ``PsaError`` when the answer cannot be used."""
        self._calls = CALLS_BETWEEN_LOOKS
        told = self._ask()
        used, threshold = _number(told, "currentTimeframeRequestCount"), _number(told, "externalRequestThreshold")
        if used * 100 >= threshold * STOP_AT_PERCENT:
            raise Throttled(
                f"{used} of {threshold} calls of the last hour are used, by all integrations of this Autotask tenant "
                f"together; TrueUp stops at {STOP_AT_PERCENT} %, before Autotask suspends them all. Try again later"
            )
        self._calls = 0


def _number(told: Any, field: str) -> int:
    value = told.get(field) if isinstance(told, dict) else None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unavailable(f"GET /ThresholdInformation: {field} is {value!r:.60}, not a number")
    return value
