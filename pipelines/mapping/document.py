"""The mapping file: YAML in, decisions out; refused as a whole, with every problem named, when anything is wrong.

Belongs here: the sections, the rules between entries, the file's bounds.
Does not belong here: the fields of an entry (``reading``), the text of a file (``writing``), ids of the PSA
(``checking``).
"""

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from pipelines.mapping.comparing import Subject, overlapping, subject_of
from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, SkippedKey, UnitRule
from pipelines.mapping.fields import EntryFields
from pipelines.mapping.naming import RecordName
from pipelines.mapping.problems import MappingError, MappingProblem
from pipelines.mapping.reading import (
    ACCOUNT_FIELDS,
    NAME_FIELDS,
    SERVICE_FIELDS,
    UNIT_FIELDS,
    account_mapping,
    record_name,
    service_mapping,
    unit_rule,
)
from pipelines.mapping.strict_yaml import Listing, Node, Scalar, ScalarKind, Table, is_readable, read_yaml
from pipelines.mapping.writing import NAMES, SECTIONS, entry_as_document, write_mappings

__all__ = ["MappingDocument", "MappingError", "MappingProblem", "entry_as_document", "read_mappings", "write_mappings"]

LARGEST = 5 * 1024 * 1024
"""Bytes of a mapping file; some 40,000 entries. Bounds the time spent on hostile input."""

_Entry = TypeVar("_Entry", bound=MappingEntry)


@dataclass(frozen=True)
class MappingDocument:
    """The entries of one mapping file, in its order: entry 1 of a section is the first of its tuple.

    ``names`` decide nothing: they say what the ids are called in the PSA of the file, for another PSA to find them.
    """

    accounts: tuple[AccountMapping | SkippedKey, ...] = ()
    services: tuple[ServiceMapping | SkippedKey, ...] = ()
    units: tuple[UnitRule, ...] = ()
    names: tuple[RecordName, ...] = ()

    @property
    def entries(self) -> tuple[MappingEntry, ...]:
        """All of them."""
        return (*self.accounts, *self.services, *self.units)


@dataclass(frozen=True)
class _Placed:
    """An entry that could be read, with its place in the file."""

    number: int
    line: int
    entry: MappingEntry


def read_mappings(text: str) -> MappingDocument:
    """The decisions of a mapping file. An empty file has none.

    Raises ``MappingError`` with every problem of the file, in its order.
    """
    problems: list[MappingProblem] = []
    sections = _sections(text, problems)
    document = MappingDocument(
        accounts=_entries(sections, "accounts", ACCOUNT_FIELDS, account_mapping, problems),
        services=_entries(sections, "services", SERVICE_FIELDS, service_mapping, problems),
        units=_entries(sections, "units", UNIT_FIELDS, unit_rule, problems),
        names=_names(sections, problems),
    )
    if problems:
        raise MappingError(sorted(problems, key=lambda problem: problem.line or 0))
    return document


def _sections(text: str, problems: list[MappingProblem]) -> dict[str, Node]:
    if len(text.encode()) > LARGEST:
        problems.append(_of_file(None, f"it is larger than {LARGEST} bytes", "Import it in several files"))
        return {}
    root, syntax = read_yaml(text)
    problems += [_of_file(found.line, found.problem, found.remedy) for found in syntax]
    if root is None or _is_empty(root):
        return {}
    if not isinstance(root, Table):
        problems.append(_of_file(root.line, "it has no sections", f"Begin with one of {', '.join(SECTIONS)}"))
        return {}
    problems += [_unknown_section(name, node) for name, node in root.fields.items() if name not in (*SECTIONS, NAMES)]
    return root.fields


def _of_file(line: int | None, problem: str, remedy: str) -> MappingProblem:
    return MappingProblem("file", None, None, problem, remedy, line)


def _unknown_section(name: str, node: Node) -> MappingProblem:
    near = difflib.get_close_matches(name, SECTIONS, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return _of_file(node.line, f"there is no section {name}", f"{hint}A file has {', '.join(SECTIONS)}")


def _is_empty(node: Node) -> bool:
    """Nothing is written there, or an alias that was complained about already."""
    return isinstance(node, Scalar) and node.kind in {ScalarKind.NULL, ScalarKind.UNREADABLE}


def _entries(
    sections: dict[str, Node],
    section: str,
    known: Sequence[str],
    read: Callable[[EntryFields], _Entry],
    problems: list[MappingProblem],
) -> tuple[_Entry, ...]:
    entries: list[_Entry] = []
    placed: list[_Placed] = []
    for number, table in _tables(section, sections.get(section), problems):
        known_problems = len(problems)
        entry = read(EntryFields(section, number, table, known, problems))
        if len(problems) == known_problems:
            entries.append(entry)
            placed.append(_Placed(number, table.line, entry))
    problems += _decided_twice(section, placed)
    return tuple(entries)


def _names(sections: dict[str, Node], problems: list[MappingProblem]) -> tuple[RecordName, ...]:
    names: dict[tuple[str, str], RecordName] = {}
    for number, table in _tables(NAMES, sections.get(NAMES), problems):
        known_problems = len(problems)
        fields = EntryFields(NAMES, number, table, NAME_FIELDS, problems)
        name = record_name(fields)
        if len(problems) == known_problems and names.setdefault((name.kind, name.id), name) is not name:
            fields.note(None, f"{name.kind} {name.id} has a name already", "Keep one")
    return tuple(names.values())


def _tables(section: str, node: Node | None, problems: list[MappingProblem]) -> Iterator[tuple[int, Table]]:
    """The entries of a section with their numbers, without those that an alias makes unreadable."""
    if node is None or _is_empty(node):
        return
    if not isinstance(node, Listing):
        remedy = "Write one entry a line, each after a dash"
        problems.append(MappingProblem(section, None, None, "it is no list of entries", remedy, node.line))
        return
    for number, item in enumerate(node.items, start=1):
        if isinstance(item, Table) and is_readable(item):
            yield number, item
        elif is_readable(item):
            remedy = "Write its fields in braces: {name: value, ...}"
            problems.append(MappingProblem(section, number, None, "it has no fields", remedy, item.line))


def _decided_twice(section: str, placed: Sequence[_Placed]) -> list[MappingProblem]:
    by_subject: dict[Subject, list[_Placed]] = defaultdict(list)
    for item in placed:
        by_subject[subject_of(item.entry)].append(item)
    return [
        MappingProblem(
            section,
            later.number,
            None,
            f"entry {earlier.number} decides the same {_subject_words(later.entry)} for the same days",
            "Keep one, or part them by from and until",
            later.line,
        )
        for rivals in by_subject.values()
        for earlier, later in _clashes(rivals)
    ]


def _clashes(rivals: list[_Placed]) -> Iterator[tuple[_Placed, _Placed]]:
    """Entries that hold while one that began earlier still does; each with the one that holds longest."""
    by_start = sorted(rivals, key=lambda item: item.entry.validity.valid_from or date.min)
    longest = by_start[0]
    for item in by_start[1:]:
        if overlapping(longest.entry.validity, item.entry.validity):
            earlier, later = sorted((longest, item), key=lambda rival: rival.number)
            yield earlier, later
        longest = max(longest, item, key=_end)


def _end(item: _Placed) -> tuple[bool, date]:
    until = item.entry.validity.valid_until
    return until is None, until or date.max


def _subject_words(entry: MappingEntry) -> str:
    return "target" if isinstance(entry, UnitRule) else f'key "{entry.key}" of {entry.source}'
