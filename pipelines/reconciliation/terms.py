"""What a vendor's commitment allows, as dated policy.

Belongs here: in which days after its beginning a term lets seats fall, from when that holds, and who says so.
Does not belong here: comparing subscriptions with their terms (``dbt_project``).
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class TermPolicy:
    """Seats may fall in the ``decrease_days`` after a term began, by purchase or renewal, and when it ends.

    Holds for terms that began from ``valid_from`` on and before ``valid_until``.
    """

    valid_from: date
    valid_until: date
    decrease_days: int
    source: str


TERM_POLICIES: tuple[TermPolicy, ...] = (
    TermPolicy(
        date(1, 1, 1),
        date(9999, 12, 31),
        7,
        "Microsoft new commerce: seats may be reduced or cancelled within 168 hours of purchase or renewal, and at "
        "renewal (learn.microsoft.com, Partner Center)",
    ),
)
"""Policies follow each other without a gap. The first offers of new commerce allowed 72 hours; terms of those days have
ended. A new rule of the vendor is a new entry that begins when the rule does, and ends the one before."""
