"""How much the tests that torture do: the figures of CI, or the long ones of ``make torture``.

Belongs here: reading the one switch.
Does not belong here: the figures themselves; each stands beside its test.
"""

import os

IS_LONG = os.environ.get("TRUEUP_TORTURE") == "1"
"""Whether this is the long run."""


def figure(ci: int, long: int) -> int:
    """The number for this run."""
    return long if IS_LONG else ci
