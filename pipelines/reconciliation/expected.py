"""Who was expected to speak for a month, who did, and the verdict that follows.

Belongs here: the expected sources (R13a), whether each is complete (R3, R4), the three verdicts.
Does not belong here: whether one file is complete (``pipelines.intake.completeness``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipelines.intake.drops import Arrival, DropIdentity, SourceVerdict, UsageRevision
from pipelines.intake.rows import RowAccounting
from pipelines.quantities import text
from pipelines.reconciliation.inputs import SourceState


class MonthVerdict(StrEnum):
    """The outcome of a month; the three are never merged. Stored and shown; never rename one."""

    RECONCILED = "reconciled"
    NOTHING_TO_RECONCILE = "nothing_to_reconcile"
    COULD_NOT_RECONCILE = "could_not_reconcile"


@dataclass(frozen=True)
class ExpectedDrop:
    """One thing a month waits for. Grain: one per (source, profile, part); ``profile`` None: any drop of the source.

    ``revision`` is the current reading, None when nothing has arrived.
    """

    source: str
    profile: str | None
    part: str
    revision: UsageRevision | None

    @property
    def is_complete(self) -> bool:
        """Whether this part of the source has spoken."""
        return self.revision is not None and self.revision.verdict is SourceVerdict.COMPLETE

    @property
    def verdict(self) -> SourceVerdict:
        """What to show for it; a drop that has not arrived makes its source incomplete."""
        return SourceVerdict.INCOMPLETE if self.revision is None else self.revision.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it may not speak, in an operator's words."""
        if self.revision is not None:
            return self.revision.reasons
        which = f" (profile {self.profile}{f', part {self.part}' if self.part else ''})" if self.profile else ""
        return (f"no file of {self.source}{which} has arrived for this month",)


def expected_drops(
    revisions: Sequence[UsageRevision], previous: Iterable[DropIdentity], mapped_sources: Iterable[str]
) -> list[ExpectedDrop]:
    """Everything the month waits for, by source, profile and part.

    ``revisions`` are the month's current ones, ``previous`` the drops of the month before that nobody retired,
    ``mapped_sources`` the sources with a live service mapping (R13a).
    """
    awaited: dict[tuple[str, str | None, str], UsageRevision | None] = {
        (revision.drop.source, revision.drop.profile, revision.drop.part): revision for revision in revisions
    }
    for drop in previous:
        awaited.setdefault((drop.source, drop.profile, drop.part), None)
    heard_of = {source for source, _, _ in awaited}
    for source in set(mapped_sources) - heard_of:
        awaited[(source, None, "")] = None
    return [ExpectedDrop(*key, revision) for key, revision in sorted(awaited.items(), key=lambda item: str(item[0]))]


def source_states(expected: Iterable[ExpectedDrop], *, is_psa_copied: bool) -> tuple[SourceState, ...]:
    """Which sources may speak: all their expected drops are complete. Without a PSA copy none may."""
    states: dict[str, bool] = {}
    for drop in expected:
        states[drop.source] = states.get(drop.source, is_psa_copied) and drop.is_complete
    return tuple(SourceState(source, is_complete) for source, is_complete in sorted(states.items()))


def month_verdict(
    expected: Sequence[ExpectedDrop], *, is_psa_copied: bool, is_file_unassigned: bool = False
) -> MonthVerdict:
    """The verdict of the month. A failed PSA copy, or a file nobody can place, is never *nothing to reconcile*."""
    if not is_psa_copied or not all(drop.is_complete for drop in expected):
        return MonthVerdict.COULD_NOT_RECONCILE
    if expected:
        return MonthVerdict.RECONCILED
    return MonthVerdict.COULD_NOT_RECONCILE if is_file_unassigned else MonthVerdict.NOTHING_TO_RECONCILE


def heard_sources(published: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The sources that were complete wherever they were published; a duplicate changes nothing.

    ``published`` are entries as ``sources_as_json`` makes them.
    """
    verdicts = [(str(entry["source"]), entry["verdict"]) for entry in published]
    complete = {source for source, verdict in verdicts if verdict == SourceVerdict.COMPLETE}
    spoken = {SourceVerdict.COMPLETE, SourceVerdict.DUPLICATE}
    return frozenset(complete - {source for source, verdict in verdicts if verdict not in spoken})


def sources_as_json(expected: Iterable[ExpectedDrop], duplicates: Iterable[Arrival]) -> list[dict[str, Any]]:
    """The ``sources`` list of the outside contract: every expected drop, then the duplicates that changed nothing."""
    return [_drop_as_json(drop) for drop in expected] + [_duplicate_as_json(arrival) for arrival in duplicates]


def _drop_as_json(drop: ExpectedDrop) -> dict[str, Any]:
    revision = drop.revision
    profile = drop.profile if revision is None else f"{drop.profile}@{revision.profile_version[:4]}"
    return {
        "source": drop.source,
        "profile": profile,
        "file_id": revision and revision.file_id,
        "file": revision and revision.file_name,
        "part": drop.part or None,
        "sha256": revision and revision.sha256,
        "revision": revision and revision.revision,
        "verdict": str(drop.verdict),
        "reasons": list(drop.reasons),
        "rows": (revision.rows if revision else RowAccounting()).as_json(),
        "quantity": text(revision.quantity) if revision else "0",
    }


def _duplicate_as_json(arrival: Arrival) -> dict[str, Any]:
    return {
        "source": arrival.source,
        "profile": arrival.profile,
        "file_id": arrival.file_id,
        "file": arrival.name,
        "part": arrival.part or None,
        "sha256": arrival.sha256,
        "revision": None,
        "verdict": str(SourceVerdict.DUPLICATE),
        "reasons": [arrival.reason or "its content is the current revision already"],
        "rows": RowAccounting().as_json(),
        "quantity": "0",
    }
