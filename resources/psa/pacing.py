"""Requests no faster than a vendor allows: a transport that waits its turn before it passes a request on.

Belongs here: the even spacing of requests, of one connection or of all that share a file.
Does not belong here: retries and what a PSA asks for when it was too fast (``http``), a vendor's figures.
"""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Protocol

import httpx

from resources.psa.errors import Unreachable

LONGEST_WAIT = 10.0
"""Seconds for which a connection waits for others until it gives up, as for a free connection: a write must be sent
soon after its intent, and one that was not sent is tried again."""

_LOOK_AGAIN = 0.02
_MOST_AHEAD = 20
"""Turns. No more connections than that stand in line; a later instant is of a clock that was set back or began anew."""


class Turns(Protocol):
    """Whose turn is when."""

    @property
    def is_one_in_flight(self) -> bool:
        """Whether the next request is sent only when this one is answered."""
        ...

    @contextmanager
    def taken(self, due: Callable[[float | None], float], interval: float) -> Iterator[float]:
        """The instant of a turn that is ours, by ``due`` from the next free one that is known; held while it lasts."""
        ...


class OwnTurns:
    """The turns of one connection alone."""

    is_one_in_flight = False

    def __init__(self) -> None:
        self._free_at: float | None = None

    @contextmanager
    def taken(self, due: Callable[[float | None], float], interval: float) -> Iterator[float]:
        """The next turn."""
        turn = due(self._free_at)
        self._free_at = turn + interval
        yield turn


class SharedTurns:
    """The turns of all connections on this machine that name the same file, which keeps the next free instant.

    A lock on the file is held for as long as a turn is taken; where ``is_one_in_flight`` a second one is held until the
    request is answered. Both end with their process, however it ends. A file that cannot be understood is begun anew.
    """

    def __init__(self, file: Path, *, is_one_in_flight: bool = False, longest_wait: float = LONGEST_WAIT) -> None:
        self._file = file
        self._flight = file.with_suffix(".flight")
        self.is_one_in_flight = is_one_in_flight
        self._longest_wait = longest_wait

    @contextmanager
    def taken(self, due: Callable[[float | None], float], interval: float) -> Iterator[float]:
        """The next turn. Raises ``Unreachable`` when it does not come, so that nothing is sent."""
        give_up_at = time.monotonic() + self._longest_wait
        with ExitStack() as flight:
            try:
                turn = self._take(flight, due, interval, give_up_at)
            except OSError as error:
                raise Unreachable(f"{error.filename or self._file} cannot be used: {error.strerror}") from error
            yield turn

    def _take(
        self, flight: ExitStack, due: Callable[[float | None], float], interval: float, give_up_at: float
    ) -> float:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        # Who waits for an answer keeps the turn, so that the one who is answered cannot overtake.
        with self._alone(self._file, give_up_at) as kept:
            if self.is_one_in_flight:
                flight.enter_context(self._alone(self._flight, give_up_at))
            turn = due(_instant_in(kept))
            _replace(kept, turn + interval)
        return turn

    @contextmanager
    def _alone(self, file: Path, give_up_at: float) -> Iterator[IO[bytes]]:
        with file.open("a+b") as held:
            while not _is_locked(held):
                if time.monotonic() >= give_up_at:
                    raise Unreachable(
                        f"another run of this machine kept its turn to ask the PSA for {self._longest_wait:g} s "
                        f"({file}); nothing was sent"
                    )
                time.sleep(_LOOK_AGAIN)
            yield held


def _is_locked(held: IO[bytes]) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _instant_in(kept: IO[bytes]) -> float | None:
    kept.seek(0)
    try:
        return float(kept.read(40))
    except ValueError:
        return None


def _replace(kept: IO[bytes], instant: float) -> None:
    kept.truncate(0)
    kept.write(f"{instant:.6f}\n".encode())
    kept.flush()


class PacedTransport(httpx.BaseTransport):
    """Passes requests on ``interval`` seconds apart, retries included; together with all who share its ``turns``.

    Spread evenly, a request waits one interval for each that stands before it: a write is sent soon after its intent.
    Who comes late may make up for up to ``slack`` seconds, so that in the long run the rate is reached, and never more
    than it. ``clock`` must be one that all who share the turns read alike.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        interval: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        slack: float = 0,
        turns: Turns | None = None,
    ) -> None:
        self._inner = inner
        self._interval = interval
        self._clock = clock
        self._sleep = sleep
        self._slack = slack
        self._turns = turns or OwnTurns()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Wait for the turn, then pass the request on. Raises ``Unreachable`` when the turn does not come."""
        with self._turns.taken(self._due, self._interval) as turn:
            wait = turn - self._clock()
            if wait > 0:
                self._sleep(wait)
            response = self._inner.handle_request(request)
            if self._turns.is_one_in_flight:
                response.read()
            return response

    def _due(self, free_at: float | None) -> float:
        now = self._clock()
        # No instant that is no number is before another one.
        if free_at is None or not free_at <= now + _MOST_AHEAD * self._interval:
            return now
        return max(now - self._slack, free_at)

    def close(self) -> None:
        """Close the other transport."""
        self._inner.close()
