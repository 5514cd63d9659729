"""What one run of write-back came to.

Belongs here: collecting outcomes and what was left alone, counting them, the shape that is printed.
Does not belong here: what happens to a change (``turn``, ``judging``).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.ports import ChangeName, Outcome, Stop, name_of


@dataclass
class BatchOutcome:
    """What one run came to.

    ``outcomes`` are in the order of events; a change may occur twice. ``is_busy``: another run held the lease all the
    time, or took over while this one was slow. ``open_matters`` counts what waits for a person or an answer in the
    end, of this run and of earlier ones.
    """

    batch_id: str
    outcomes: list[Outcome] = field(default_factory=list)
    stop: Stop | None = None
    is_busy: bool = False
    open_matters: Mapping[ChangeStatus, int] = field(default_factory=dict)
    _left: dict[ChangeName, tuple[Change, str]] = field(default_factory=dict)

    @property
    def waiting(self) -> list[tuple[Change, str]]:
        """Changes that were left alone, each with the last reason."""
        return list(self._left.values())

    def leave(self, change: Change, words: str) -> None:
        """Leave a change alone for now."""
        self._left[name_of(change)] = (change, words)

    def conclude(self, outcome: Outcome) -> None:
        """Add what a change came to."""
        self._left.pop(name_of(outcome.change), None)
        self.outcomes.append(outcome)

    def last(self) -> list[Outcome]:
        """The latest outcome of every change that was taken up."""
        return list({name_of(outcome.change): outcome for outcome in self.outcomes}.values())

    def counts(self) -> dict[str, int]:
        """How many changes ended in which status."""
        return dict(Counter(str(outcome.status) for outcome in self.last()))

    def as_json(self) -> dict[str, Any]:
        """``trueup apply --json``."""
        return {
            "batch_id": self.batch_id,
            "outcomes": self.counts(),
            "changes": [outcome.as_json() for outcome in self.last()],
            "waiting": [
                {"id": change.change_id, "revision": change.revision, "status": str(change.status), "reason": reason}
                for change, reason in self.waiting
            ],
            "stopped": None if self.stop is None else self.stop.as_json(),
            "is_busy": self.is_busy,
        }
