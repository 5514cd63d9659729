"""The audit trail as a chain: every event holds the hash of the one before, so that none can be altered unseen.

Belongs here: what an event is, its hash, verifying a chain against its head, against anchors kept outside and against
what is kept beside it.
Does not belong here: storing events (``resources.store``); who records what.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
"""What the first event of a tenant holds in place of an earlier event's hash."""

MOST_FAULTS = 100
"""Faults that are told one by one; a chain with more is broken all the same."""


class AuditAction(StrEnum):
    """What happened. The values are stored and hashed; never rename one."""

    APPROVED = "approved"
    FIRST_APPROVED = "first_approved"
    DECLINED = "declined"
    REVOKED = "revoked"
    SUPERSEDED = "superseded"
    INTENDED = "intended"
    CONCLUDED = "concluded"
    HALTED = "halted"
    STOPPED = "stopped"
    RESUMED = "resumed"
    ROLL_BACK_PROPOSED = "roll_back_proposed"
    WORDS_PURGED = "words_purged"
    PERIOD_CLOSED = "period_closed"
    PERIOD_REOPENED = "period_reopened"
    POLICY_IMPORTED = "policy_imported"
    USER_ADDED = "user_added"
    USER_REMOVED = "user_removed"
    TOKEN_ISSUED = "token_issued"  # noqa: S105  the name of an event


@dataclass(frozen=True)
class AuditEvent:
    """Something that happened, before it has its place in the chain.

    ``actor`` is who did it: a person's name, or ``write-back``. ``is_asserted``: the name was given, not proved.
    ``details`` hold texts, whole numbers, flags and lists of them; a person's own words go into ``words``, of which
    the chain keeps only a salted digest, so that they can be purged while the chain still verifies.
    """

    action: AuditAction
    subject: str
    actor: str
    is_asserted: bool
    at: datetime
    details: Mapping[str, Any]
    words: str | None = None


@dataclass(frozen=True)
class AuditEntry:
    """An event in its place: its number in the tenant's chain, from 1, and the hashes that bind it there.

    ``content`` is the event as canonical JSON, exactly as it was hashed.
    """

    sequence: int
    content: str
    previous_hash: str
    entry_hash: str


@dataclass(frozen=True)
class ChainPoint:
    """How long a chain was and what its last hash was: the head, or an anchor kept outside."""

    sequence: int
    entry_hash: str


START = ChainPoint(0, GENESIS)


@dataclass(frozen=True)
class ChainVerdict:
    """What verifying found. ``faults`` are in an operator's words; none means that the chain is whole."""

    entries: int
    head: ChainPoint
    faults: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was altered, removed, added, reordered or cut off."""
        return not self.faults


def digest_of(words: str, salt: str) -> str:
    """What the chain keeps of a person's words. The salt keeps short words from being guessed."""
    # surrogatepass: a command line that is no UTF-8 leaves halves of surrogate pairs in a text.
    return hashlib.sha256(f"{salt}\x1f{words}".encode("utf-8", "surrogatepass")).hexdigest()


def content_of(event: AuditEvent, words_digest: str | None) -> str:
    """The event as the chain keeps it: canonical JSON, the same bytes on every machine."""
    return canonical_json(
        {
            "action": str(event.action),
            "subject": event.subject,
            "actor": event.actor,
            "is_asserted": event.is_asserted,
            "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "details": dict(event.details),
            "words_digest": words_digest,
        }
    )


def canonical_json(document: Any) -> str:
    """JSON with sorted keys, no blanks, ASCII only. Raises ``TypeError`` for a number that is no whole one."""
    _refuse_fractions(document)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _refuse_fractions(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError(f"{value!r}: quantities and money are kept as text")
    for each in value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ():
        _refuse_fractions(each)


@dataclass(frozen=True)
class Purge:
    """Whose words go: those about every revision of a change, those of before an instant, or both at once.

    At least one of the two is given; where both are, only words that both mean go.
    """

    change_id: str | None = None
    before: datetime | None = None

    def means(self, content: str) -> bool:
        """Whether the words beside an entry of this content go."""
        event = json.loads(content)
        is_about_it = self.change_id is None or event["subject"].partition("@")[0] == self.change_id
        return is_about_it and (self.before is None or datetime.fromisoformat(event["at"]) < self.before)


def purge_event(purge: Purge, sequences: list[int], actor: str, *, is_asserted: bool, at: datetime) -> AuditEvent:
    """The entry about a purge: who, how many, beside which entries; never a word of what is gone."""
    before = None if purge.before is None else purge.before.astimezone(UTC).isoformat()
    details = {"count": len(sequences), "sequences": sequences, "change": purge.change_id, "before": before}
    return AuditEvent(AuditAction.WORDS_PURGED, purge.change_id or "trail", actor, is_asserted, at, details)


def next_entry(tenant: str, head: ChainPoint, content: str) -> AuditEntry:
    """The entry that follows the head of a tenant's chain."""
    sequence = head.sequence + 1
    return AuditEntry(sequence, content, head.entry_hash, _hash(tenant, sequence, head.entry_hash, content))


def _hash(tenant: str, sequence: int, previous_hash: str, content: str) -> str:
    return hashlib.sha256(f"{tenant}\x1f{sequence}\x1f{previous_hash}\x1f{content}".encode()).hexdigest()


def verify_chain(
    tenant: str, entries: Iterable[AuditEntry], head: ChainPoint, anchors: Iterable[ChainPoint] = ()
) -> ChainVerdict:
    """Read a tenant's chain from its first entry to its head.

    ``entries`` come in the order of their sequence. An anchor that was kept outside shows what the database alone
    cannot: that a chain was cut off at its end, or written anew from some point on.
    """
    wanted: dict[int, set[str]] = defaultdict(set)
    for anchor in anchors:
        wanted[anchor.sequence].add(anchor.entry_hash)
    last = START
    faults = _anchor_faults(wanted, last)
    count = 0
    for entry in entries:
        faults += _faults_of(tenant, entry, last)
        last = ChainPoint(entry.sequence, entry.entry_hash)
        faults += _anchor_faults(wanted, last)
        count += 1
        del faults[MOST_FAULTS:]
    faults += [f"the chain ends at entry {last.sequence}, and entry {gone} was anchored" for gone in sorted(wanted)]
    if last != head:
        faults.append(f"the head says entry {head.sequence}, and the chain ends at entry {last.sequence}")
    return ChainVerdict(count, last, tuple(faults))


def _anchor_faults(wanted: dict[int, set[str]], point: ChainPoint) -> list[str]:
    # All anchors of a point must agree with it: one made after a forgery must not hide the one made before.
    if wanted.pop(point.sequence, {point.entry_hash}) == {point.entry_hash}:
        return []
    return [f"entry {point.sequence} is not the one that was anchored"]


def _faults_of(tenant: str, entry: AuditEntry, last: ChainPoint) -> list[str]:
    faults = []
    if entry.sequence != last.sequence + 1:
        faults.append(f"entry {last.sequence} is followed by entry {entry.sequence}: entries are missing or doubled")
    if entry.previous_hash != last.entry_hash:
        faults.append(f"entry {entry.sequence} does not follow from the entry before it")
    if entry.entry_hash != _hash(tenant, entry.sequence, entry.previous_hash, entry.content):
        faults.append(f"entry {entry.sequence} was altered")
    return faults


def decision_fact(action: str, subject: str, decision_id: str, plan_hash: str | None) -> str:
    """A decision in one line, said alike by the chain and by the table of decisions."""
    return f"decision {decision_id}: {subject} {action}, plan {plan_hash}"


def intent_fact(subject: str, decision_id: str, request_hash: str) -> str:
    """An intent in one line."""
    return f"intent of {subject} by decision {decision_id}, request {request_hash}"


def outcome_fact(subject: str, status: str, cause: str) -> str:
    """An outcome in one line."""
    return f"outcome of {subject}: {status}, {cause}"


def policy_fact(number: int, version: str) -> str:
    """An imported policy in one line."""
    return f"policy {number}: version {version}"


def fact_of(entry: AuditEntry) -> str | None:
    """The decision, intent, outcome or policy that an entry speaks of; None for an entry about something else."""
    event = json.loads(entry.content)
    subject, details = event["subject"], event["details"]
    match event["action"]:
        case AuditAction.APPROVED | AuditAction.FIRST_APPROVED | AuditAction.DECLINED | AuditAction.REVOKED:
            return decision_fact(event["action"], subject, details["decision"], details["plan_hash"])
        case AuditAction.INTENDED:
            return intent_fact(subject, details["decision"], details["request_hash"])
        case AuditAction.CONCLUDED:
            return outcome_fact(subject, details["status"], details["cause"])
        case AuditAction.POLICY_IMPORTED:
            return policy_fact(details["number"], details["version"])
    return None


def compare_facts(chained: Iterable[str], kept: Iterable[str]) -> tuple[str, ...]:
    """Where the chain and what is kept beside it differ: a decision that nobody made, one that was taken away."""
    in_chain, beside = Counter(chained), Counter(kept)
    unknown = [f"the store holds what the trail does not know: {fact}" for fact in sorted(beside - in_chain)]
    gone = [f"the trail knows what the store does not hold: {fact}" for fact in sorted(in_chain - beside)]
    return tuple([*unknown, *gone][:MOST_FAULTS])
