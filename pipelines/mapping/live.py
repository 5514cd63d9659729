"""Which mapping entries hold on a day.

Belongs here: validity, precedence among recorded entries, the version of what is live.
Does not belong here: recording entries (``importing`` plans it, the store does it).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from pipelines.mapping.comparing import Subject, content_of, subject_of
from pipelines.mapping.entries import AccountMapping, MappingEntry, RecordedEntry, ServiceMapping, SkippedKey, UnitRule


@dataclass(frozen=True)
class LiveMappings:
    """The entries that hold on one day: at most one per source and key, and one per target of a unit rule.

    A key in ``skipped`` is in neither ``accounts`` nor ``services``: to whatever counts, it is a key without an entry.
    ``version`` names what they decide. It is the same whenever the same decisions hold, in whatever order and from
    whenever they were recorded; 16 hexadecimal digits.
    """

    accounts: tuple[AccountMapping, ...]
    services: tuple[ServiceMapping, ...]
    units: tuple[UnitRule, ...]
    version: str
    skipped: tuple[SkippedKey, ...] = ()


def live_on(recorded: Iterable[RecordedEntry], day: date) -> LiveMappings:
    """What holds on that day; ``recorded`` stands in the order of recording."""
    return _live([item.entry for item in holding_on(recorded, day)])


def holding_on(recorded: Iterable[RecordedEntry], day: date) -> list[RecordedEntry]:
    """The entries that hold on that day: not superseded, valid then, and the latest recorded where several are.

    ``recorded`` stands in the order of recording, which decides between entries of one instant. The answer is in the
    order of what the entries are about.
    """
    latest: dict[Subject, RecordedEntry] = {}
    for candidate in recorded:
        if candidate.superseded_at is None and candidate.entry.validity.covers(day):
            subject = subject_of(candidate.entry)
            standing = latest.get(subject, candidate)
            latest[subject] = max(candidate, standing, key=lambda entry: entry.recorded_at)
    return [latest[subject] for subject in sorted(latest)]


def _live(entries: list[MappingEntry]) -> LiveMappings:
    return LiveMappings(
        accounts=tuple(entry for entry in entries if isinstance(entry, AccountMapping)),
        services=tuple(entry for entry in entries if isinstance(entry, ServiceMapping)),
        units=tuple(entry for entry in entries if isinstance(entry, UnitRule)),
        version=_version(entries),
        skipped=tuple(entry for entry in entries if isinstance(entry, SkippedKey)),
    )


def _version(entries: list[MappingEntry]) -> str:
    contents = "\n".join(sorted(content_of(entry) for entry in entries))
    return hashlib.sha256(contents.encode()).hexdigest()[:16]
