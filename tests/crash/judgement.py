"""The judgement over a scene: what was promised, held against what the PSA took and what the store says.

Belongs here: one verdict for every writer, the real and the naive one.
Does not belong here: making writers die.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from pipelines.audit import verify_chain
from pipelines.review.changes import Change, ChangeStatus
from resources.store.audit import chain, chain_head
from resources.store.writes import intents_of
from tests.crash.models import name_of
from tests.crash.scene import OPEN, Scene
from tests.crash.writer import TENANT

_MAY_HAVE_WRITTEN = OPEN | {ChangeStatus.WRITTEN, ChangeStatus.STALE}


@dataclass(frozen=True)
class Verdict:
    """What went wrong, each a list of lines (``chain``: of faults); nothing at all is what is promised.

    ``doubled``: the PSA took more than one write. ``wrong``: it took another number than the approved one.
    ``overwritten``: a write changed another number than the approval saw. ``astray``: the line holds neither its
    number before nor after, nor what a person set. ``lost``: the store says written and the PSA took nothing, or the
    PSA took a write that the store knows nothing of. ``unannounced``: the PSA took more than was intended.
    """

    doubled: list[str]
    wrong: list[str]
    overwritten: list[str]
    astray: list[str]
    lost: list[str]
    unannounced: list[str]
    chain: list[str]

    def faults(self) -> dict[str, list[str]]:
        """Only what went wrong."""
        return {each.name: found for each in fields(self) if (found := getattr(self, each.name))}


def judged(scene: Scene, edited: Mapping[str, str] | None = None) -> Verdict:
    """The verdict as things stand, which holds at any moment. ``edited`` are lines that a person set meanwhile."""
    taken, statuses, holds = scene.steps_written(), scene.statuses(), _quantities(scene)
    intended = _intended(scene)
    verdict = Verdict([], [], [], [], [], [], _chain_faults(scene))
    for change in scene.approved:
        line = name_of(change)
        writes = [(_number(before), Decimal(after)) for before, after in taken.pop(line, [])]
        status = statuses[line]
        found = {
            "doubled": len(writes) > 1,
            "wrong": any(after != change.quantity_after for _, after in writes),
            "overwritten": any(before not in _own(change) for before, _ in writes),
            "astray": holds.get(line) not in _rightful(change, (edited or {}).get(line)),
            "lost": (status is ChangeStatus.WRITTEN and not writes) or (writes and status not in _MAY_HAVE_WRITTEN),
            "unannounced": len(writes) > intended.get(line, 0),
        }
        for name, is_so in found.items():
            if is_so:
                getattr(verdict, name).append(line)
    verdict.wrong.extend(taken)
    return verdict


def _own(change: Change) -> tuple[Decimal | None, Decimal]:
    return change.quantity_before, change.quantity_after


def _rightful(change: Change, edit: str | None) -> tuple[Decimal | None, ...]:
    return _own(change) if edit is None else (Decimal(edit),)


def _number(quantity: str | None) -> Decimal | None:
    return None if quantity is None else Decimal(quantity)


def _quantities(scene: Scene) -> dict[str, Decimal]:
    """What the PSA bills for each change: of a line that came twice, both."""
    holds: dict[str, Decimal] = defaultdict(Decimal)
    for line in scene.psa.state()["lines"]:
        holds[scene.model.name_of(line)] += Decimal(line["quantity"])
    return dict(holds)


def _intended(scene: Scene) -> dict[str, int]:
    lines = {change.change_id: name_of(change) for change in scene.approved}
    with scene.store.reading() as conn:
        intents = [lines[row["change_id"]] for row in intents_of(conn, TENANT, list(lines))]
    return {line: intents.count(line) for line in intents}


def _chain_faults(scene: Scene) -> list[str]:
    with scene.store.reading() as conn:
        return list(verify_chain(TENANT, chain(conn, TENANT), chain_head(conn, TENANT)).faults)
