"""Keys as sources use them: under which names, from which month to which, and what people decided about them.

Belongs here: which keys of a month wait for a decision, what earlier decisions say about a name.
Does not belong here: finding keys in files (``resources.warehouse.seen_keys``), proposing targets (``suggesting``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.mapping.comparing import Subject, subject_of
from pipelines.mapping.entries import AccountMapping, KeyKind, MappingEntry, RecordedEntry, ServiceMapping, UnitRule
from pipelines.mapping.keys import match_key
from pipelines.mapping.live import LiveMappings


@dataclass(frozen=True)
class SeenKey:
    """One key of one source. Grain: (kind, source, key in its normal form).

    ``names`` are those the source gave it, or the key itself; ``key`` the smallest spelling. Months are the first and
    the last with a reading that has it; ``is_current`` says whether the month that is asked about does.
    """

    kind: KeyKind
    source: str
    key: str
    names: tuple[str, ...]
    first_seen: str
    last_seen: str
    is_current: bool = True

    @property
    def subject(self) -> Subject:
        """What a mapping entry about this key would be about."""
        return f"{self.kind}s", self.source, match_key(self.key)


@dataclass(frozen=True)
class DecidedKey:
    """A key that a person led to targets of the PSA; a decision that has ended since is one too."""

    source: str
    key: str
    names: tuple[str, ...]
    targets: tuple[str, ...]


def undecided_keys(seen: Iterable[SeenKey], live: LiveMappings) -> list[SeenKey]:
    """The keys of the month that are neither mapped, excluded nor skipped in it."""
    decided = {*map(subject_of, live.accounts), *map(subject_of, live.services), *map(subject_of, live.skipped)}
    return [key for key in seen if key.is_current and key.subject not in decided]


def skipped_keys(seen: Iterable[SeenKey], live: LiveMappings) -> list[SeenKey]:
    """The keys of the month about which the decision is put off in it."""
    skipped = set(map(subject_of, live.skipped))
    return [key for key in seen if key.is_current and key.subject in skipped]


def decided_keys(kind: KeyKind, seen: Iterable[SeenKey], recorded: Sequence[RecordedEntry]) -> list[DecidedKey]:
    """What people decided about keys of one kind, with the names that their sources gave them. Exclusions and skips
    lead nowhere and are left out, as is what was superseded."""
    names: Mapping[Subject, tuple[str, ...]] = {key.subject: key.names for key in seen if key.kind is kind}
    decided = []
    for item in recorded:
        entry = item.entry
        subject = subject_of(entry)
        if item.superseded_at is None and (targets := targets_of(entry)) and subject[0] == f"{kind}s":
            _, source, key = subject
            decided.append(DecidedKey(source, key, names.get(subject, (key,)), targets))
    return decided


def sources_without_mappings(seen: Iterable[SeenKey], recorded: Iterable[RecordedEntry]) -> set[str]:
    """The sources that nobody ever recorded an entry for, a superseded one included: they are configured first now."""
    known = {item.entry.source for item in recorded if not isinstance(item.entry, UnitRule)}
    return {key.source for key in seen} - known


def targets_of(entry: MappingEntry) -> tuple[str, ...]:
    """The PSA ids that an account or service entry leads to; none where it excludes or skips, and for unit rules."""
    match entry:
        case AccountMapping():
            return tuple(share.target for share in entry.shares)
        case ServiceMapping():
            return tuple(entry.services)
    return ()
