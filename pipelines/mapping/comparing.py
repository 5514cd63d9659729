"""When two mapping entries are about the same thing, and when they say the same.

Belongs here: an entry's subject, what it decides about it, and overlap in time.
Does not belong here: which of two wins (``live``), what an import does about it (``importing``).
"""

import json
from decimal import Decimal

from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, SkippedKey, Validity
from pipelines.mapping.keys import match_key
from pipelines.quantities import text

Subject = tuple[str, ...]


def subject_of(entry: MappingEntry) -> Subject:
    """What is decided about: a source's key, or what a unit rule applies to. Keys in their normal form."""
    match entry:
        case AccountMapping():
            return "accounts", entry.source, match_key(entry.key)
        case ServiceMapping():
            return "services", entry.source, match_key(entry.key)
        case SkippedKey():
            return f"{entry.kind}s", entry.source, match_key(entry.key)
    return "units", entry.service or "", entry.account or "", entry.line or ""


def content_of(entry: MappingEntry) -> str:
    """What an entry decides and about what, as canonical text; for how long it holds is left out.

    Numbers count by value: ``2`` and ``2.0`` are the same content. The order of shares counts: the last one takes
    what rounding leaves.
    """
    return json.dumps([*subject_of(entry), *_decision(entry)])


def same_entry(one: MappingEntry, other: MappingEntry) -> bool:
    """Whether two entries decide the same about the same thing for the same days."""
    return one.validity == other.validity and content_of(one) == content_of(other)


def overlapping(one: Validity, other: Validity) -> bool:
    """Whether there is a day on which both hold."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _begins_before_end(one: Validity, other: Validity) -> bool:
    return one.valid_from is None or other.valid_until is None or one.valid_from < other.valid_until


def _decision(entry: MappingEntry) -> list[object]:
    match entry:
        case AccountMapping():
            return [[[share.target, text(share.share)] for share in entry.shares], entry.exclude]
        case ServiceMapping():
            shares = [text(share) for share in entry.shares]
            return [list(entry.services), entry.rule, shares, text(entry.percent), entry.exclude]
        case SkippedKey():
            return ["skip", entry.reason]
    return [text(entry.included), *map(_maybe, (entry.block, entry.minimum, entry.maximum))]


def _maybe(number: Decimal | None) -> str | None:
    return None if number is None else text(number)
