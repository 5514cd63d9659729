"""What the PSA calls the records that mapping entries lead to.

Belongs here: which ids an entry names, the names that go with them.
Does not belong here: finding a record by its name (``translating``), the spelling in a file (``writing``).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.mapping.entries import AccountMapping, KeyKind, MappingEntry, ServiceMapping, SkippedKey


@dataclass(frozen=True)
class RecordName:
    """An account or a service of a PSA with what it is called there. Only services have a code."""

    kind: KeyKind
    id: str
    name: str
    code: str = ""
    is_active: bool = True


def named_targets(entry: MappingEntry) -> list[tuple[str, str]]:
    """The ids of the PSA that an entry names, each with its field: ``account``, ``service`` or ``line``."""
    match entry:
        case AccountMapping():
            return [("account", share.target) for share in entry.shares]
        case ServiceMapping():
            return [("service", service) for service in entry.services]
        case SkippedKey():
            return []
    named = [("line", entry.line), ("account", entry.account), ("service", entry.service)]
    return [(field, id_) for field, id_ in named if id_ is not None]


def names_of(entries: Iterable[MappingEntry], records: Iterable[RecordName]) -> list[RecordName]:
    """The records that entries lead to, sorted by kind and id. One without a name and a code has nothing to be found
    by and is left out."""
    wanted = {target for entry in entries for target in named_targets(entry)}
    found = [each for each in records if (str(each.kind), each.id) in wanted and (each.name + each.code).strip()]
    return sorted(found, key=lambda each: (each.kind, each.id))
