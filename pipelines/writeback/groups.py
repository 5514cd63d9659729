"""Which approved changes are looked at and read back together.

Belongs here: the order in which changes are taken up, the size of a group, what must not stand in one group.
Does not belong here: reading and sending (``turn``), how a PSA gives several lines at once (its adapter).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pipelines.review.changes import Change
from pipelines.writeback.ports import Approved, ChangeName, WriteModel, name_of

OLDEST_LOOK = timedelta(seconds=30)
"""How old a look may be at most when its line is sent (write protocol, step 2)."""


@dataclass(frozen=True)
class Grouping:
    """How many lines are looked at together, or share a request.

    The first ``alone`` lines of a run are taken one by one: a PSA that does something else than it is asked is found
    out before more than one line has seen it. Then groups double up to ``most``. ``fresh`` is how old a look may be
    when its line is sent: for so long a person's edit may go unseen, so a tenant may ask for none (``ONE_BY_ONE``).
    """

    alone: int = 10
    most: int = 100
    fresh: timedelta = OLDEST_LOOK


ONE_BY_ONE = Grouping(most=1)
"""Every line is looked at right before it is sent, and read back before the next one."""

USUAL = Grouping()
"""What holds unless a tenant wants something else."""


def grouping_of(fresh: timedelta) -> Grouping:
    """The grouping under which no look is older than that when its line is sent."""
    return Grouping(fresh=fresh) if fresh else ONE_BY_ONE


class Queue:
    """Changes that wait to be taken up, those of one agreement one after the other.

    No line stands twice in a group, nor does the place of a new one beside a line of its service: what is seen of the
    second would be what the first one moves. Where a request holds all lines of an agreement, a group is what shares
    one: standing lines of one agreement, approved for one month, none of which has to go alone.
    """

    def __init__(self, due: Sequence[Approved], grouping: Grouping, model: WriteModel) -> None:
        self._waiting = _by_agreement(due)
        self._alone = grouping.alone
        self._most = grouping.most
        self._is_shared = model is WriteModel.REPLACE_LINES
        self._apart: set[ChangeName] = set()
        self._taken = 0
        self._size = 1

    def next_group(self) -> list[Approved]:
        """The changes that are taken up now; none when all had their turn."""
        group: list[Approved] = []
        later: list[Approved] = []
        taken: set[object] = set()
        for position, each in enumerate(self._waiting):
            if len(group) == self._size or (self._is_shared and group and not self._share_a_request(group[0], each)):
                later.extend(self._waiting[position:])
                break
            is_free = taken.isdisjoint(_barred_by(each.change))
            (group if is_free else later).append(each)
            taken.update(_takes(each.change))
        self._waiting = later
        self._taken += len(group)
        self._size = 1 if self._taken < self._alone else min(2 * self._size, self._most)
        return group

    def put_back(self, rest: Sequence[Approved], done: int) -> None:
        """Let those come next that the look at their group had become too old for, in a group as large as was done."""
        if rest:
            self._waiting = [*rest, *self._waiting]
            # Where even the first one's look was too old, that one goes alone, and is looked at in its own time.
            self._size = max(done, 1)

    def set_apart(self, rest: Sequence[Approved]) -> None:
        """Let those come next that could not go with others in one request: each has one of its own."""
        self._waiting = [*rest, *self._waiting]
        self._apart.update(name_of(each.change) for each in rest)

    def _share_a_request(self, one: Approved, other: Approved) -> bool:
        places = {(each.change.agreement_id, each.change.period) for each in (one, other)}
        return len(places) == 1 and not any(self._goes_alone(each) for each in (one, other))

    def _goes_alone(self, approved: Approved) -> bool:
        return approved.goes_alone or approved.change.line_id is None or name_of(approved.change) in self._apart


def _by_agreement(due: Sequence[Approved]) -> list[Approved]:
    first: dict[str | None, int] = {}
    for each in due:
        first.setdefault(each.change.agreement_id, len(first))
    return sorted(due, key=lambda each: first[each.change.agreement_id])


def _takes(change: Change) -> set[object]:
    if change.line_id is None:
        return {("made", change.agreement_id, change.service_id)}
    return {change.line_id, ("standing", change.agreement_id, change.service_id)}


def _barred_by(change: Change) -> set[object]:
    made = ("made", change.agreement_id, change.service_id)
    standing = change.line_id or ("standing", change.agreement_id, change.service_id)
    return {made, standing}
