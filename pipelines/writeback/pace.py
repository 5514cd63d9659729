"""How long write-back waits for what.

Belongs here: the waits, and the rule of the quiet period.
Does not belong here: waiting itself; the clock and sleeping are passed in.
"""

from dataclasses import dataclass
from datetime import timedelta

_LEAST_QUIET = 60.0
_SHORTEST_LEASE, _LONGEST_LEASE = 2.0, 120.0
_LEAST_HESITATION = 5.0


@dataclass(frozen=True)
class Pace:
    """Waits in seconds.

    ``quiet``: after a lost answer, before the line is looked at, since the request of a killed client may still be in
    flight. ``lease``: how long a writer that says nothing keeps others out. ``hesitation``: the longest time between
    an intent and its first byte; a writer that was frozen for longer does not send. ``patience``: how long a run
    waits for a change whose turn is soon.
    """

    quiet: float
    lease: float
    hesitation: float
    patience: float = 60.0

    @property
    def lease_time(self) -> timedelta:
        """The length of a lease."""
        return timedelta(seconds=self.lease)


def pace_of(quiet_setting: float | None, client_timeout: float, longest_run: float) -> Pace:
    """The waits that follow from a client's timeout and the PSA's longest run in the server.

    The quiet period is the largest of 60 s, twice the timeout and that run (write protocol, step 6), unless a setting
    names another one. Reading back without one doubled 4 of 130 writes (measured there).
    """
    quiet = quiet_period(client_timeout, longest_run) if quiet_setting is None else quiet_setting
    return Pace(
        quiet=quiet,
        lease=min(max(quiet, _SHORTEST_LEASE), _LONGEST_LEASE),
        hesitation=max(quiet / 2, _LEAST_HESITATION),
    )


def quiet_period(client_timeout: float, longest_run: float) -> float:
    """The shortest quiet period that is safe, in seconds."""
    return max(_LEAST_QUIET, 2 * client_timeout, longest_run)
