"""Whether the ids that a mapping file names exist in the PSA.

Belongs here: unknown and inactive targets, and the ids a person may have meant.
Does not belong here: suggesting mappings, reading the PSA; names help people and decide nothing.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from pipelines.mapping.document import MappingDocument
from pipelines.mapping.entries import MappingEntry
from pipelines.mapping.naming import named_targets
from pipelines.mapping.problems import MappingProblem

_NEAREST = 3
_HINTED = 50
"""Problems that get near names: looking for them takes tenths of a second each in a large PSA."""


class PsaTarget(Protocol):
    """An account or a service of the PSA."""

    @property
    def id(self) -> str:
        """The id that mappings are keyed on."""
        ...

    @property
    def name(self) -> str:
        """For people."""
        ...

    @property
    def is_active(self) -> bool:
        """Whether the PSA still bills it."""
        ...


class PsaLine(Protocol):
    """An agreement line of the PSA."""

    @property
    def id(self) -> str:
        """The id that unit rules are keyed on."""
        ...


@dataclass(frozen=True)
class PsaCheck:
    """What the PSA says about a mapping file: ``refused`` ids do not exist, ``warnings`` lead to inactive records."""

    refused: tuple[MappingProblem, ...]
    warnings: tuple[MappingProblem, ...]


@dataclass(frozen=True)
class _Reference:
    """One id that one entry names."""

    section: str
    entry: int
    field: str
    id: str


def check_against_psa(
    document: MappingDocument,
    accounts: Iterable[PsaTarget],
    services: Iterable[PsaTarget],
    lines: Iterable[PsaLine],
    *,
    today: date | None = None,
) -> PsaCheck:
    """Every id of the document that the PSA does not know or no longer bills.

    With ``today``, entries that have ended by then are passed over: what they led to may be gone since.
    """
    targets = {
        "account": {account.id: account for account in accounts},
        "service": {service.id: service for service in services},
    }
    line_ids = {line.id for line in lines}
    refused: list[MappingProblem] = []
    warnings: list[MappingProblem] = []
    for reference in _references(document, today):
        known = targets.get(reference.field, {})
        target = known.get(reference.id)
        if target is not None and not target.is_active:
            warnings.append(_inactive(reference, target))
        elif target is None and reference.id not in (line_ids if reference.field == "line" else ()):
            near = _near_targets(reference.id, known) if len(refused) < _HINTED else []
            refused.append(_unknown(reference, near))
    return PsaCheck(tuple(refused), tuple(warnings))


def _references(document: MappingDocument, today: date | None) -> Iterator[_Reference]:
    sections: dict[str, Sequence[MappingEntry]] = {
        "accounts": document.accounts,
        "services": document.services,
        "units": document.units,
    }
    for section, entries in sections.items():
        for number, entry in enumerate(entries, start=1):
            until = entry.validity.valid_until
            if today is None or until is None or until > today:
                yield from (_Reference(section, number, field, id_) for field, id_ in named_targets(entry))


def _unknown(reference: _Reference, near: Sequence[str]) -> MappingProblem:
    hint = f"Near it: {', '.join(near)}" if near else f"Look up the {reference.field}'s id in the PSA"
    problem = f'the PSA has no {reference.field} with the id "{reference.id}"'
    return MappingProblem(reference.section, reference.entry, reference.field, problem, hint)


def _inactive(reference: _Reference, target: PsaTarget) -> MappingProblem:
    problem = f"the {reference.field} {target.id} ({target.name}) is inactive in the PSA"
    remedy = "Map the key to an active one, or exclude it with a reason"
    return MappingProblem(reference.section, reference.entry, reference.field, problem, remedy)


def _near_targets(wanted: str, known: Mapping[str, PsaTarget]) -> list[str]:
    """Ids spelled alike, and records whose name was written where the id belongs."""
    by_name = {target.name.casefold(): id_ for id_, target in known.items()}
    near_names = difflib.get_close_matches(wanted.casefold(), by_name, n=_NEAREST)
    near_ids = [by_name[name] for name in near_names] + difflib.get_close_matches(wanted, known, n=_NEAREST)
    return [f"{id_} ({known[id_].name})" for id_ in dict.fromkeys(near_ids)][:_NEAREST]
