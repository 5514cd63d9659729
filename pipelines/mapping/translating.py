"""Mapping entries of another PSA carried over to this one: each record found by exactly its name or its code.

Belongs here: when a record counts as found, what keeps an entry from being carried over.
Does not belong here: the normal form of names (``names``), the file that is written (``carrying``), recording anything.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.catalogue import Catalogue, catalogue_of, folded
from pipelines.mapping.document import MappingDocument
from pipelines.mapping.entries import AccountMapping, KeyKind, MappingEntry, ServiceMapping, Share, SkippedKey
from pipelines.mapping.keys import match_key
from pipelines.mapping.names import LONGEST
from pipelines.mapping.naming import RecordName, named_targets
from pipelines.mapping.suggestions import Target
from pipelines.mapping.writing import words_of


class NotCarried(StrEnum):
    """Why an entry of a mapping file is left to a person."""

    NO_NAME = "no_name"
    NO_MATCH = "no_match"
    SEVERAL_MATCHES = "several_matches"
    SHARED_MATCH = "shared_match"
    INACTIVE_MATCH = "inactive_match"
    LINE_ID = "line_id"


@dataclass(frozen=True)
class Sought:
    """One id of the file: the record of this PSA that it became, or why there is none, and the words for either."""

    id: str | None
    words: str
    why: NotCarried | None = None


@dataclass(frozen=True)
class CarriedEntry:
    """One entry with the ids of this PSA, ``""`` where there is none; ``sought`` in the order of its ids."""

    entry: MappingEntry
    sought: tuple[Sought, ...]

    @property
    def why(self) -> NotCarried | None:
        """Why it is left to a person; None for an entry that was carried over."""
        return next((each.why for each in self.sought if each.why is not None), None)

    @property
    def words(self) -> str:
        """What was found for its ids, or what was not."""
        return "; ".join(each.words for each in self.sought if (each.why is None) == (self.why is None))


def carried_over(document: MappingDocument, records: Iterable[RecordName]) -> tuple[CarriedEntry, ...]:
    """The entries of a file as this PSA knows them, in the order of the file. ``records`` are all that this PSA has.

    No two records of the file become one, so what was told apart stays so, and no key is decided about twice.
    """
    found = _found(document, list(records))
    return tuple(_carried(entry, found) for entry in document.entries)


_Found = Mapping[tuple[str, str], Sought]


def _found(document: MappingDocument, records: Sequence[RecordName]) -> _Found:
    names = {(str(each.kind), each.id): each for each in document.names}
    wanted = dict.fromkeys(target for entry in document.entries for target in named_targets(entry))
    directories = {str(kind): _Directory.of(kind, records) for kind in KeyKind}
    found = {
        (field, id_): directories[field].seek(names.get((field, id_)), id_) for field, id_ in wanted if field != "line"
    }
    rivals: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (field, id_), sought in found.items():
        if sought.id is not None:
            rivals[field, sought.id].append(id_)
    return {target: _unshared(target, sought, rivals) for target, sought in found.items()}


def _unshared(target: tuple[str, str], sought: Sought, rivals: Mapping[tuple[str, str], Sequence[str]]) -> Sought:
    """Two records of the old PSA that would become one are told apart by a person."""
    field, id_ = target
    others = [other for other in rivals[field, sought.id] if other != id_] if sought.id is not None else []
    if not others:
        return sought
    words = f"{field} {id_} and {', '.join(others)} of the file would all become {sought.id}"
    return Sought(None, words, NotCarried.SHARED_MATCH)


@dataclass(frozen=True)
class _Directory:
    """The records of one kind in this PSA, by what they are called."""

    kind: KeyKind
    active: Catalogue
    inactive: Catalogue

    @classmethod
    def of(cls, kind: KeyKind, records: Iterable[RecordName]) -> "_Directory":
        targets: dict[bool, list[Target]] = {True: [], False: []}
        for record in records:
            if record.kind is kind:
                targets[record.is_active].append(Target(record.id, record.name, record.code or None))
        return cls(kind, catalogue_of(kind, targets[True]), catalogue_of(kind, targets[False]))

    def seek(self, named: RecordName | None, id_: str) -> Sought:
        """The one active record of this name or code."""
        if named is None:
            return Sought(None, f"the file has no name for {self.kind} {id_}", NotCarried.NO_NAME)
        old = f"{self.kind} {id_} {words_of(named)}"
        matches = _narrowed(_matches(self.active, named), named)
        if len(matches) == 1:
            return Sought(matches[0].id, f"{_told(matches[0])}, was {id_}: {self._shared(named, matches[0])}")
        if matches:
            return Sought(None, f"{old}: more than one is like it: {_all(matches)}", NotCarried.SEVERAL_MATCHES)
        if ended := _matches(self.inactive, named):
            return Sought(None, f"{old}: only inactive ones are like it: {_all(ended)}", NotCarried.INACTIVE_MATCH)
        return Sought(None, f"{old}: no {self.kind} of this PSA has its name{self._or_code}", NotCarried.NO_MATCH)

    @property
    def _or_code(self) -> str:
        return " or its code" if self.kind is KeyKind.SERVICE else ""

    def _shared(self, named: RecordName, target: Target) -> str:
        """What they have in common, for the person who reads the file."""
        here, there = self.active.plain(target.name), self.active.plain(named.name)
        told = []
        if _code(target) and _code(target) == folded(named.code):
            told.append("same code")
        if here.text and here.text == there.text:
            left_out = [] if _same_name(target, named) else dict.fromkeys([*there.left_out, *here.left_out])
            told.append(f"same name without {', '.join(left_out)}" if left_out else "same name")
        else:
            told.append(f"another name than {named.name}")
        return ", ".join(told)


def _matches(catalogue: Catalogue, named: RecordName) -> list[Target]:
    plain = catalogue.by_plain.get(catalogue.plain(named.name).text, [])
    # Of a longer name only the beginning has a plain form.
    by_name = [each for each in plain if max(len(each.name), len(named.name)) <= LONGEST or _same_name(each, named)]
    by_code = catalogue.by_code.get(folded(named.code), []) if named.code else []
    return list({target.id: target for target in [*by_name, *by_code]}.values())


def _narrowed(matches: Sequence[Target], named: RecordName) -> Sequence[Target]:
    """The one match, or of several the one whose name is spelled the same and whose code is the same."""
    if len(matches) < 2:
        return matches
    same = [each for each in matches if _same_name(each, named) and _code(each) == folded(named.code)]
    return same if len(same) == 1 else matches


def _same_name(target: Target, named: RecordName) -> bool:
    return match_key(target.name) == match_key(named.name)


def _code(target: Target) -> str:
    return folded(target.code or "")


def _told(target: Target) -> str:
    return target.name.strip() or f"[{target.code}]"


def _all(targets: Iterable[Target]) -> str:
    return ", ".join(f"{target.id} ({_told(target)})" for target in targets)


_LINE = Sought(
    None,
    "a rule for one line cannot be carried over, because another PSA has other lines: write the new line's id, or "
    "account and service in place of line",
    NotCarried.LINE_ID,
)


def _carried(entry: MappingEntry, found: _Found) -> CarriedEntry:
    sought = [_LINE if target[0] == "line" else found[target] for target in named_targets(entry)]
    return CarriedEntry(_with(entry, [each.id or "" for each in sought]), tuple(sought))


def _with(entry: MappingEntry, ids: Sequence[str]) -> MappingEntry:
    """The entry with other ids, in the order in which ``named_targets`` tells them."""
    match entry:
        case AccountMapping():
            shares = zip(entry.shares, ids, strict=True)
            return replace(entry, shares=tuple(Share(id_, share.share) for share, id_ in shares))
        case ServiceMapping():
            return replace(entry, services=tuple(map(ServiceId, ids)))
        case SkippedKey():
            return entry
    new = dict(zip((field for field, _ in named_targets(entry)), ids, strict=True))
    return replace(
        entry,
        line=AgreementLineId(new["line"]) if "line" in new else None,
        account=AccountId(new["account"]) if "account" in new else None,
        service=ServiceId(new["service"]) if "service" in new else None,
    )
