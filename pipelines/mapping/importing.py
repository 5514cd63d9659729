"""What importing a mapping file records: additions, endings, supersessions, and nothing the second time.

Belongs here: the comparison of a document with what was recorded before, and what would stand after the import.
Does not belong here: carrying the plan out (the store), reading the document (``document``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pipelines.mapping.comparing import Subject, overlapping, same_entry, subject_of
from pipelines.mapping.document import MappingDocument
from pipelines.mapping.entries import MappingEntry, RecordedEntry, Validity

_BySubject = Mapping[Subject, Sequence[MappingEntry]]


@dataclass(frozen=True)
class ImportPlan:
    """The decisions of one import, to be recorded in one transaction. Nothing recorded is ever removed.

    ``end`` holds (entry id, first day on which it no longer holds); ``supersede`` the ids that are live on no day any
    more. ``unchanged`` counts the document's entries that were recorded already.
    """

    add: tuple[MappingEntry, ...]
    end: tuple[tuple[str, date], ...]
    supersede: tuple[str, ...]
    unchanged: int


def plan_import(
    document: MappingDocument, recorded: Sequence[RecordedEntry], *, replace: bool, today: date
) -> ImportPlan:
    """What makes the document's decisions hold.

    A recorded entry that overlaps a new one of the same subject is superseded when the new one begins as early or has
    no beginning, and otherwise ends where the new one begins. With ``replace``, entries the document does not name end
    ``today``; those that have not begun by then are superseded. What has ended already stays as it is.
    """
    standing = [item for item in recorded if item.superseded_at is None]
    known, named = _by_subject(item.entry for item in standing), _by_subject(document.entries)
    add = tuple(entry for entry in document.entries if not _holds(known, entry))
    newcomers = _by_subject(add)
    endings = []
    for item in standing:
        is_dropped = replace and not _holds(named, item.entry) and _holds_after(item.entry.validity, today)
        bounds = _starts_over(newcomers, item.entry) + ([today] if is_dropped else [])
        endings += [(item, min(bounds))] if bounds else []
    return ImportPlan(
        add=add,
        end=tuple((item.entry_id, day) for item, day in endings if day > _start(item.entry)),
        supersede=tuple(item.entry_id for item, day in endings if day <= _start(item.entry)),
        unchanged=len(document.entries) - len(add),
    )


def entries_after(
    plan: ImportPlan, recorded: Sequence[RecordedEntry], *, by: str, at: datetime
) -> tuple[RecordedEntry, ...]:
    """The entries as they would stand once the plan was carried out. Nothing is recorded; new ids are made up."""
    ends, superseded = dict(plan.end), set(plan.supersede)
    numbered = enumerate(plan.add, start=len(recorded) + 1)
    added = [RecordedEntry(f"planned-{number}", entry, by, at) for number, entry in numbered]
    kept = [
        replace(
            ended(item, ends[item.entry_id]) if item.entry_id in ends else item,
            superseded_at=at if item.entry_id in superseded else item.superseded_at,
        )
        for item in recorded
    ]
    return (*kept, *added)


def ended(item: RecordedEntry, until: date) -> RecordedEntry:
    """A recorded entry that holds up to a day (exclusive)."""
    validity = replace(item.entry.validity, valid_until=until)
    return replace(item, entry=replace(item.entry, validity=validity))


def _by_subject(entries: Iterable[MappingEntry]) -> _BySubject:
    grouped = defaultdict(list)
    for entry in entries:
        grouped[subject_of(entry)].append(entry)
    return grouped


def _holds(entries: _BySubject, entry: MappingEntry) -> bool:
    return any(same_entry(entry, other) for other in entries.get(subject_of(entry), ()))


def _holds_after(validity: Validity, day: date) -> bool:
    return validity.valid_until is None or validity.valid_until > day


def _starts_over(newcomers: _BySubject, entry: MappingEntry) -> list[date]:
    rivals = newcomers.get(subject_of(entry), ())
    return [_start(rival) for rival in rivals if overlapping(rival.validity, entry.validity)]


def _start(entry: MappingEntry) -> date:
    return entry.validity.valid_from or date.min
