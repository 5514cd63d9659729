"""How long write-back waits for what.

Belongs here: the waits, and the rule of the quiet period.
Does not belong here: waiting itself; the clock and sleeping are passed in.
"""

from dataclasses import dataclass
from datetime import timedelta

_LEAST_QUIET = timedelta(seconds=60)
_SHORTEST_LEASE, _LONGEST_LEASE = timedelta(seconds=2), timedelta(seconds=120)
_LEAST_HESITATION = timedelta(seconds=5)


@dataclass(frozen=True)
class Pace:
    """How long is waited.

    ``quiet``: after a lost answer, before the line is looked at, since the request of a killed client may still be in
    flight. ``lease``: how long a writer that says nothing keeps others out. ``hesitation``: the longest time between
    an intent and its first byte; a writer that was frozen for longer does not send. ``patience``: how long a run
    waits for a change whose turn is soon.
    """

    quiet: timedelta
    lease: timedelta
    hesitation: timedelta
    patience: timedelta = timedelta(seconds=60)


def pace_of(quiet_setting: timedelta | None, client_timeout: timedelta, longest_run: timedelta) -> Pace:
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


def quiet_period(client_timeout: timedelta, longest_run: timedelta) -> timedelta:
    """The shortest quiet period that is safe."""
    return max(_LEAST_QUIET, 2 * client_timeout, longest_run)
