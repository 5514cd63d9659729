"""The audit chain: the same bytes on every machine, and every kind of tampering named in words."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from pipelines.audit import (
    GENESIS,
    MOST_FAULTS,
    START,
    AuditAction,
    AuditEntry,
    AuditEvent,
    ChainPoint,
    ChainVerdict,
    Purge,
    canonical_json,
    content_of,
    digest_of,
    next_entry,
    purge_event,
    verify_chain,
)

AT = datetime(2026, 11, 2, 9, 0, 0, 5, tzinfo=UTC)


def event(**fields: Any) -> AuditEvent:
    """An approval."""
    made = AuditEvent(AuditAction.APPROVED, "change-1@1", "dana", is_asserted=True, at=AT, details={"after": "12"})
    return replace(made, **fields)


def chain(length: int, tenant: str = "acme") -> list[AuditEntry]:
    """A whole chain of approvals."""
    entries: list[AuditEntry] = []
    for number in range(1, length + 1):
        content = content_of(event(subject=f"change-{number}@1"), None)
        entries.append(next_entry(tenant, end(entries), content))
    return entries


def end(entries: list[AuditEntry]) -> ChainPoint:
    """The head of these entries."""
    return ChainPoint(entries[-1].sequence, entries[-1].entry_hash) if entries else START


def verdict(entries: list[AuditEntry], head: ChainPoint | None = None, *anchors: ChainPoint) -> ChainVerdict:
    """What verifying Acme's chain finds; the head is that of the entries unless another is given."""
    return verify_chain("acme", entries, end(entries) if head is None else head, anchors)


@pytest.mark.parametrize(
    "document",
    [1.5, {"after": 12.0}, {"steps": [{"after": 1.25}]}, ("x", (0.1,)), {"after": float("nan")}],
    ids=["bare", "in a mapping", "deep inside", "in a tuple", "no number at all"],
)
def test_a_binary_fraction_is_refused_wherever_it_stands(document: Any) -> None:
    with pytest.raises(TypeError, match="quantities and money are kept as text"):
        canonical_json(document)


def test_a_decimal_is_refused_as_well_since_it_has_no_one_spelling() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        canonical_json({"after": Decimal("12.50")})


def test_canonical_json_is_one_spelling_per_document() -> None:
    document = {"b": ["ä", None, True], "a": {"y": 1, "x": ""}}
    assert canonical_json(document) == r'{"a":{"x":"","y":1},"b":["\u00e4",null,true]}'


def test_the_same_instant_and_details_are_the_same_content_whatever_their_zone_and_order() -> None:
    there = AT.astimezone(timezone(timedelta(hours=2)))
    one = content_of(event(details={"a": "1", "b": "2"}), None)
    assert one == content_of(event(at=there, details={"b": "2", "a": "1"}), None)
    assert '"at":"2026-11-02T09:00:00.000005+00:00"' in one


def test_an_event_is_hashed_with_everything_it_says_but_the_words_themselves() -> None:
    told = content_of(event(words="too many seats"), digest_of("too many seats", "salt"))
    assert "too many seats" not in told
    assert told != content_of(event(), None)
    assert digest_of("too many seats", "salt") != digest_of("too many seats", "other salt")


def test_the_hash_of_an_entry_can_be_computed_anew_from_what_is_exported() -> None:
    first, second = chain(2)
    assert first.previous_hash == GENESIS
    spelled = f"acme\x1f2\x1f{first.entry_hash}\x1f{second.content}"
    assert second.entry_hash == hashlib.sha256(spelled.encode()).hexdigest()


@pytest.mark.parametrize("length", [0, 1, 5])
def test_an_untouched_chain_is_whole(length: int) -> None:
    found = verdict(chain(length))
    assert (found.is_whole, found.entries, found.head) == (True, length, end(chain(length)))


def rewritten(entries: list[AuditEntry], first: int) -> list[AuditEntry]:
    """The chain as a forger with the whole database would leave it: consistent from a changed entry on."""
    made = entries[: first - 1]
    for entry in entries[first - 1 :]:
        made = [*made, next_entry("acme", end(made), entry.content.replace("dana", "eve"))]
    return made


FORGED = '{"actor":"eve"}'

TAMPERED: list[tuple[str, Callable[[list[AuditEntry]], list[AuditEntry]], list[str]]] = [
    (
        "content altered",
        lambda c: [*c[:2], replace(c[2], content=FORGED), *c[3:]],
        ["entry 3 was altered"],
    ),
    (
        "altered and hashed anew",
        lambda c: [*c[:2], next_entry("acme", end(c[:2]), FORGED), *c[3:]],
        ["entry 4 does not follow from the entry before it"],
    ),
    (
        "taken out",
        lambda c: [*c[:2], *c[3:]],
        [
            "entry 2 is followed by entry 4: entries are missing or doubled",
            "entry 4 does not follow from the entry before it",
        ],
    ),
    (
        "doubled",
        lambda c: [*c[:2], c[1], *c[2:]],
        [
            "entry 2 is followed by entry 2: entries are missing or doubled",
            "entry 2 does not follow from the entry before it",
        ],
    ),
    (
        "first one taken out",
        lambda c: c[1:],
        [
            "entry 0 is followed by entry 2: entries are missing or doubled",
            "entry 2 does not follow from the entry before it",
        ],
    ),
    (
        "renumbered after one was taken out",
        lambda c: [*c[:2], *(replace(entry, sequence=entry.sequence - 1) for entry in c[3:])],
        [
            "entry 3 does not follow from the entry before it",
            "entry 3 was altered",
            "entry 4 was altered",
        ],
    ),
    (
        "two swapped",
        lambda c: [c[0], c[2], c[1], *c[3:]],
        [
            "entry 1 is followed by entry 3: entries are missing or doubled",
            "entry 3 does not follow from the entry before it",
            "entry 3 is followed by entry 2: entries are missing or doubled",
            "entry 2 does not follow from the entry before it",
            "entry 2 is followed by entry 4: entries are missing or doubled",
            "entry 4 does not follow from the entry before it",
        ],
    ),
]


@pytest.mark.parametrize(("tamper", "faults"), [t[1:] for t in TAMPERED], ids=[t[0] for t in TAMPERED])
def test_tampering_is_named(tamper: Callable[[list[AuditEntry]], list[AuditEntry]], faults: list[str]) -> None:
    found = verdict(tamper(chain(5)))
    assert list(found.faults) == faults
    assert not found.is_whole


def test_an_entry_of_another_tenant_does_not_pass_for_ones_own() -> None:
    assert verdict(chain(1, tenant="beta")).faults == ("entry 1 was altered",)


def test_a_cut_off_end_is_seen_by_the_head_that_still_stands() -> None:
    whole = chain(5)
    assert verdict(whole[:3], end(whole)).faults == ("the head says entry 5, and the chain ends at entry 3",)


def test_a_cut_off_end_with_a_mended_head_is_seen_only_by_an_anchor() -> None:
    whole = chain(5)
    assert verdict(whole[:3]).is_whole
    assert verdict(whole[:3], None, end(whole)).faults == ("the chain ends at entry 3, and entry 5 was anchored",)


def test_a_chain_written_anew_is_seen_only_by_an_anchor() -> None:
    whole = chain(5)
    forged = rewritten(whole, first=2)
    assert verdict(forged).is_whole
    assert verdict(forged, None, end(whole[:4])).faults == ("entry 4 is not the one that was anchored",)


def test_an_anchor_made_after_a_forgery_does_not_hide_the_one_made_before() -> None:
    whole = chain(5)
    forged = rewritten(whole, first=2)
    for anchors in ([end(whole), end(forged)], [end(forged), end(whole)]):
        assert verdict(forged, None, *anchors).faults == ("entry 5 is not the one that was anchored",)


def test_anchors_that_agree_leave_a_chain_whole_also_one_of_the_time_before_the_first_entry() -> None:
    whole = chain(5)
    assert verdict(whole, None, START, end(whole[:2]), end(whole[:2]), end(whole)).is_whole
    assert verdict([], None, START).is_whole


def test_a_chain_full_of_faults_is_told_with_the_first_of_them() -> None:
    forged = [replace(entry, content=FORGED) for entry in chain(MOST_FAULTS + 20)]
    found = verdict(forged)
    assert len(found.faults) == MOST_FAULTS
    assert found.faults[0] == "entry 1 was altered"
    assert found.entries == MOST_FAULTS + 20


@pytest.mark.parametrize(
    ("purge", "is_meant"),
    [
        pytest.param(Purge("change-1"), True, id="its change, whatever the revision"),
        pytest.param(Purge("change"), False, id="another change whose id begins alike"),
        pytest.param(Purge(before=AT + timedelta(hours=1)), True, id="before a later instant"),
        pytest.param(Purge(before=AT), False, id="not before its own instant"),
        pytest.param(Purge("change-2", AT + timedelta(hours=1)), False, id="both must mean it"),
    ],
)
def test_a_purge_means_words_by_change_and_by_time(purge: Purge, is_meant: bool) -> None:
    assert purge.means(content_of(event(), "digest")) is is_meant


def test_a_purge_is_told_without_a_word_of_what_is_gone() -> None:
    told = purge_event(Purge(before=AT), [3, 7], "dana", is_asserted=True, at=AT)
    assert (told.action, told.subject, told.words) == (AuditAction.WORDS_PURGED, "trail", None)
    assert told.details == {"count": 2, "sequences": [3, 7], "change": None, "before": AT.isoformat()}
