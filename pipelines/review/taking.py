"""How a PSA takes a change, as far as a person who decides about it has to know.

Belongs here: what is asked of a kind of PSA before anything is approved.
Does not belong here: requests, reading a line (the PSA's adapter), deciding (``approval``).
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipelines.review.changes import Change


def _nothing(_: Change) -> str | None:
    return None


@dataclass(frozen=True)
class PsaTakes:
    """What the tenant's PSA can be told, and what it never takes.

    ``dates``: from which day the quantity of a line that stands holds. ``dates_of_new_lines``: from which day a line
    that is made does. Where it is not told, the write waits for the day. ``objection_to`` says why no request for a
    change could ever be made, whatever its line holds; None where one can.
    """

    dates: bool = False
    dates_of_new_lines: bool = True
    objection_to: Callable[[Change], str | None] = _nothing

    def is_told_the_day_of(self, change: Change) -> bool:
        """Whether the request of a change names the day from which it holds."""
        return self.dates if change.line_id is not None else self.dates_of_new_lines
