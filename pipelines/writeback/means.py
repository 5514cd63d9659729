"""What one run of write-back is given: the PSA, where things are kept, time, and who watches.

Belongs here: everything that is passed in, the steps that are told to whoever watches.
Does not belong here: what is done with it (``protocol``, ``turn``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from pipelines.review.changes import Change
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import USUAL, Grouping
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import BilledPsa, Witness, WriteLedger, WriteModel


class Step(StrEnum):
    """Where a run is. Told to whoever watches, after the step was done."""

    CLAIMED = "claimed"
    READ = "read"
    INTENDED = "intended"
    SENT = "sent"
    READ_BACK = "read_back"
    RECORDED = "recorded"
    LOOKED = "looked"
    SETTLED = "settled"


Watch = Callable[[Step, Change], None]


@dataclass(frozen=True)
class Means:
    """What one run of write-back for one tenant reaches the world by.

    ``clock`` and ``sleep`` are passed in, so that tests need not wait. ``watch`` is told after every step. ``model`` is
    the PSA's: where a request replaces all lines of an agreement, one of them is in flight at a time. ``grouping`` says
    how many lines are looked at together, or share a request. ``witness`` is never behind the last intent that was
    sent. ``period`` is the month that is written, None for all.
    """

    ledger: WriteLedger
    witness: Witness
    psa: BilledPsa
    pace: Pace
    bounds: Bounds
    batch_id: str
    today: date
    clock: Callable[[], datetime]
    sleep: Callable[[timedelta], None]
    watch: Watch
    period: str | None = None
    model: WriteModel = WriteModel.ABSOLUTE
    grouping: Grouping = USUAL

    @property
    def shares_requests(self) -> bool:
        """Whether a request holds all lines of an agreement, so that its changes share one."""
        return self.model is WriteModel.REPLACE_LINES
