"""Requests no faster than a vendor allows: a transport that waits its turn before it passes a request on.

Belongs here: the even spacing of requests.
Does not belong here: retries and what a PSA asks for when it was too fast (``http``), a vendor's figures.
"""

from collections.abc import Callable

import httpx


class PacedTransport(httpx.BaseTransport):
    """Passes requests on ``interval`` seconds apart, retries included.

    Spread evenly, no request ever waits longer than one interval: a write is sent soon after its intent. Who comes late
    may make up for up to ``slack`` seconds, so that in the long run the rate is reached, and never more than it.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        interval: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        slack: float = 0,
    ) -> None:
        self._inner = inner
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._slack = slack
        self._free_at: float | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the turn, then pass the request on."""
        now = self._clock()
        turn = now if self._free_at is None else max(now - self._slack, self._free_at)
        self._free_at = turn + self._interval
        if turn > now:
            self._sleep(turn - now)
        return self._inner.handle_request(request)

    def close(self) -> None:
        """Close the other transport."""
        self._inner.close()
