"""Claims about the audit trail: it is one chain per tenant, nothing in it can be changed, and every tampering shows."""

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import psycopg
import pytest
from sqlalchemy import delete, insert, make_url, select, text

from pipelines.audit import (
    GENESIS,
    START,
    AuditAction,
    AuditEntry,
    ChainPoint,
    ChainVerdict,
    Purge,
    content_of,
    digest_of,
    next_entry,
    verify_chain,
)
from resources.store import audit, decisions, writes
from resources.store.engine import Store
from resources.store.errors import StoreError
from resources.store.tables import APPEND_ONLY, audit_events, audit_heads, audit_words
from tests.postgres import Server
from tests.resources.store import samples
from tests.resources.store.samples import LATER, LEASE, NOON

TENANT = "msp"


def _record(store: Store, *subjects: str, words: str | None = None) -> None:
    with store.transaction() as conn:
        for subject in subjects:
            audit.record_event(conn, store.tenant, samples.event(subject, words=words))


def _entries(store: Store) -> list[AuditEntry]:
    with store.reading() as conn:
        return list(audit.chain(conn, store.tenant))


def _head(store: Store) -> ChainPoint:
    with store.reading() as conn:
        return audit.chain_head(conn, store.tenant)


def _verdict(store: Store, *anchors: ChainPoint) -> ChainVerdict:
    with store.reading() as conn:
        return verify_chain(
            store.tenant, audit.chain(conn, store.tenant), audit.chain_head(conn, store.tenant), anchors
        )


def _end(entries: Sequence[AuditEntry]) -> ChainPoint:
    return ChainPoint(entries[-1].sequence, entries[-1].entry_hash)


# --- recording ------------------------------------------------------------------------------------------------------


def test_a_tenant_without_events_has_an_empty_chain_that_is_whole(store: Store) -> None:
    assert (_entries(store), _head(store)) == ([], START)
    assert _verdict(store) == ChainVerdict(0, START, ())


def test_every_event_holds_the_hash_of_the_one_before_it(store: Store) -> None:
    _record(store, "change-1@1", "change-2@1")
    _record(store, "change-3@1")
    first, second, third = _entries(store)
    assert [first.sequence, second.sequence, third.sequence] == [1, 2, 3]
    links = [first.previous_hash, second.previous_hash, third.previous_hash]
    assert links == [GENESIS, first.entry_hash, second.entry_hash]
    assert second.content == content_of(samples.event("change-2@1"), None)
    assert _head(store) == ChainPoint(3, third.entry_hash)
    assert _verdict(store) == ChainVerdict(3, _head(store), ())


def test_an_event_is_numbered_in_the_tenants_own_chain(store: Store) -> None:
    with store.transaction() as conn:
        numbers = [audit.record_event(conn, tenant, samples.event()) for tenant in ("msp", "other", "msp")]
    assert numbers == [1, 1, 2]


def test_an_event_that_was_rolled_back_leaves_no_gap(store: Store) -> None:
    _record(store, "change-1@1")
    with store.transaction() as conn:
        audit.record_event(conn, store.tenant, samples.event("lost@1"))
        conn.rollback()
    _record(store, "change-2@1")
    assert [entry.sequence for entry in _entries(store)] == [1, 2]
    assert _verdict(store).is_whole


def test_a_chain_of_several_pages_is_read_whole_and_in_order(store: Store) -> None:
    entries, end = [], START
    for number in range(2001):
        entry = next_entry(store.tenant, end, content_of(samples.event(f"change-{number}@1"), None))
        entries.append(entry)
        end = ChainPoint(entry.sequence, entry.entry_hash)
    with store.transaction() as conn:
        conn.execute(insert(audit_events), [{"tenant": store.tenant, **vars(entry)} for entry in reversed(entries)])
        conn.execute(insert(audit_heads).values(tenant=store.tenant, sequence=2001, entry_hash=end.entry_hash))
    assert _entries(store) == entries
    assert _verdict(store) == ChainVerdict(2001, end, ())


def test_writers_at_once_make_one_chain_without_a_gap(store: Store) -> None:
    together = Barrier(8, timeout=60)

    def write(thread: int) -> None:
        together.wait()
        for turn in range(5):
            _record(store, f"change-{thread}-{turn}@1")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert [entry.sequence for entry in _entries(store)] == list(range(1, 41))
    assert _verdict(store) == ChainVerdict(40, _head(store), ())


def test_two_tenants_have_two_chains_and_an_entry_of_one_is_none_of_the_other(store: Store, store_url: str) -> None:
    neighbour = Store(store_url, "neighbour")
    for each in (store, neighbour):
        _record(each, "change-1@1", "change-2@1")
    assert _verdict(store).is_whole
    assert _verdict(neighbour).is_whole
    borrowed = _entries(neighbour)
    neighbour.close()
    assert [entry.content for entry in borrowed] == [entry.content for entry in _entries(store)]
    assert verify_chain(store.tenant, borrowed, _end(borrowed)).faults == (
        "entry 1 was altered",
        "entry 2 was altered",
    )


# --- a person's own words -------------------------------------------------------------------------------------------


def test_words_are_kept_beside_the_chain_and_only_their_digest_in_it(store: Store) -> None:
    _record(store, "change-1@1", words="Erika Mustermann asked for it")
    _record(store, "change-2@1")
    with store.reading() as conn:
        beside = audit.words_beside(conn, store.tenant, [1, 2, 3])
        salt = conn.execute(select(audit_words.c.salt)).scalar_one()
    assert beside == {1: "Erika Mustermann asked for it"}
    content = _entries(store)[0].content
    assert "Mustermann" not in content
    assert digest_of("Erika Mustermann asked for it", salt) in content


def test_the_same_words_twice_leave_two_digests(store: Store) -> None:
    _record(store, "change-1@1", "change-1@1", words="yes")
    first, second = _entries(store)
    assert first.content != second.content


def test_purging_the_words_leaves_the_chain_whole(store: Store) -> None:
    _record(store, "change-1@1", "change-2@1", words="Erika Mustermann asked for it")
    with store.transaction() as conn:
        conn.execute(delete(audit_words).where(audit_words.c.tenant == store.tenant, audit_words.c.sequence == 1))
    with store.reading() as conn:
        assert audit.words_beside(conn, store.tenant, [1, 2]).keys() == {2}
    assert _verdict(store) == ChainVerdict(2, _head(store), ())


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("Zürich 漢字 😀 \x00 \x1a0000", id="characters that no database keeps as they are"),
        pytest.param("caf\udce9", id="a byte of a command line that was no UTF-8"),
    ],
)
def test_any_words_at_all_can_be_recorded(store: Store, words: str) -> None:
    with store.transaction() as conn:
        audit.record_event(conn, store.tenant, samples.event(words, actor=words, details={"w": [words]}, words=words))
    with store.reading() as conn:
        assert audit.words_beside(conn, store.tenant, [1]) == {1: words}
    assert _verdict(store).is_whole


# --- nothing can be changed -----------------------------------------------------------------------------------------


def _fill(store: Store) -> None:
    """A row at least in every table that only grows."""
    change = samples.change()
    with store.transaction() as conn:
        samples.insert_approved(conn, store.tenant, change)
        writes.record_intent(conn, store.tenant, LEASE, samples.intent(change))
        writes.record_outcome(conn, store.tenant, samples.outcome(change))


def _rows(store: Store) -> dict[str, list[object]]:
    with store.reading() as conn:
        return {table: list(conn.execute(text(f"SELECT * FROM {table}"))) for table in APPEND_ONLY}


UPDATES = [
    pytest.param("UPDATE {table} SET tenant = tenant", id="update"),
    pytest.param("UPDATE {table} SET tenant = 'another'", id="move to another tenant"),
    pytest.param("DELETE FROM {table}", id="delete"),
]


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("statement", UPDATES)
def test_the_application_cannot_change_what_only_grows(store: Store, table: str, statement: str) -> None:
    _fill(store)
    before = _rows(store)
    assert before[table]
    with pytest.raises(StoreError) as refused, store.transaction() as conn:
        conn.execute(text(statement.format(table=table)))
    assert f"{table} is append-only" in str(refused.value.__cause__)
    assert _rows(store) == before


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_cannot_be_replaced_by_another_of_its_key_in_sqlite(sqlite_url: str, table: str) -> None:
    store = Store(sqlite_url, TENANT)
    _fill(store)
    before = _rows(store)
    with pytest.raises(StoreError) as refused, store.transaction() as conn:
        conn.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))
    assert f"{table} is append-only" in str(refused.value.__cause__)
    assert _rows(store) == before
    store.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_table_cannot_be_emptied_at_once_in_postgresql(postgres_url: str, table: str) -> None:
    store = Store(postgres_url, TENANT)
    _fill(store)
    before = _rows(store)
    with pytest.raises(StoreError) as refused, store.transaction() as conn:
        conn.execute(text(f"TRUNCATE {table}"))
    assert f"{table} is append-only" in str(refused.value.__cause__)
    assert _rows(store) == before
    store.close()


@pytest.fixture
def clerk_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a migrated database that belongs to a role which is no superuser, and which migrated it."""
    name = postgres_server.create_database()
    role = f"clerk_of_{name}"
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {role} LOGIN".encode())
        conn.execute(f"ALTER DATABASE {name} OWNER TO {role}".encode())
        url = make_url(postgres_server.url(name)).set(username=role).render_as_string()
        store = Store(url, TENANT)
        store.upgrade()
        store.close()
        yield url
        postgres_server.drop_database(name)
        conn.execute(f"DROP ROLE {role}".encode())


def test_a_plain_role_that_owns_the_tables_can_do_all_that_the_application_does(clerk_url: str) -> None:
    store = Store(clerk_url, TENANT)
    _fill(store)
    with store.reading() as conn:
        owners = conn.execute(text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"))
        assert owners.scalars().all() == [make_url(clerk_url).username]
        is_superuser = conn.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).scalar_one()
    assert not is_superuser
    assert _verdict(store).is_whole
    store.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_plain_role_that_owns_the_tables_has_no_right_to_change_them(clerk_url: str, table: str) -> None:
    with psycopg.connect(clerk_url, autocommit=True) as conn:
        for right in ("UPDATE", "DELETE", "TRUNCATE"):
            asked = conn.execute("SELECT has_table_privilege(%s, %s)", (table, right)).fetchone()
            assert asked == (False,), right
        assert conn.execute("SELECT has_any_column_privilege(%s, 'UPDATE')", (table,)).fetchone() == (False,)
        for statement in (f"UPDATE {table} SET tenant = 'x'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


# --- tampering ------------------------------------------------------------------------------------------------------

Tamper = Callable[[random.Random, list[AuditEntry]], list[AuditEntry]]


def _with_other_hexdigit(digest: str, rng: random.Random) -> str:
    place = rng.randrange(len(digest))
    other = rng.choice([digit for digit in "0123456789abcdef" if digit != digest[place]])
    return digest[:place] + other + digest[place + 1 :]


def _alter_content(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    place = rng.randrange(len(entries))
    content = entries[place].content
    letter = rng.randrange(len(content))
    altered = content[:letter] + ("1" if content[letter] != "1" else "2") + content[letter + 1 :]
    entries[place] = replace(entries[place], content=altered)
    return entries


def _alter_content_and_hash(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    """As one does it who can compute a hash, and forgets that the next entry holds the old one."""
    place = rng.randrange(len(entries) - 1)
    old = entries[place]
    point = ChainPoint(old.sequence - 1, old.previous_hash)
    entries[place] = next_entry(TENANT, point, old.content.replace('"dana"', '"eve"'))
    return entries


def _alter_hash(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    place = rng.randrange(len(entries))
    entry = entries[place]
    entries[place] = replace(entry, entry_hash=_with_other_hexdigit(entry.entry_hash, rng))
    return entries


def _alter_previous_hash(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    place = rng.randrange(len(entries))
    entry = entries[place]
    entries[place] = replace(entry, previous_hash=_with_other_hexdigit(entry.previous_hash, rng))
    return entries


def _remove(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    del entries[rng.randrange(len(entries) - 1)]
    return entries


def _remove_and_number_anew(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    kept = _remove(rng, entries)
    return [replace(entry, sequence=number) for number, entry in enumerate(kept, start=1)]


def _swap(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    one, other = rng.sample(range(len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]
    return entries


def _swap_contents(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    one, other = rng.sample(range(len(entries)), 2)
    first, second = entries[one], entries[other]
    entries[one] = replace(first, content=second.content)
    entries[other] = replace(second, content=first.content)
    return entries


def _insert(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    """An event that never was, rightly hashed onto the one before it."""
    place = rng.randrange(len(entries) - 1)
    forged = content_of(samples.event("forged@1", actor="eve"), None)
    entries.insert(place + 1, next_entry(TENANT, _end(entries[: place + 1]), forged))
    return entries


def _cut_off(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    return entries[: rng.randrange(len(entries))]


def _rewrite_tail(rng: random.Random, entries: list[AuditEntry]) -> list[AuditEntry]:
    """From some entry on another story, every hash computed anew and as long as the true one."""
    place = rng.randrange(len(entries))
    return _told_anew(entries, place)


def _told_anew(entries: list[AuditEntry], place: int) -> list[AuditEntry]:
    story, end = entries[:place], START if place == 0 else _end(entries[:place])
    for entry in entries[place:]:
        told = next_entry(TENANT, end, entry.content.replace('"dana"', '"eve"'))
        story.append(told)
        end = ChainPoint(told.sequence, told.entry_hash)
    return story


FROM_INSIDE: tuple[Tamper, ...] = (
    _alter_content,
    _alter_content_and_hash,
    _alter_hash,
    _alter_previous_hash,
    _remove,
    _remove_and_number_anew,
    _swap,
    _swap_contents,
    _insert,
)
"""What the chain shows by itself, even when the head was made to fit."""

WITH_AN_ANCHOR: tuple[Tamper, ...] = (_cut_off, _rewrite_tail)
"""What only an anchor shows that was kept outside, since the head was made to fit."""


def _is_found(tampered: list[AuditEntry], anchors: Sequence[ChainPoint]) -> bool:
    head = _end(tampered) if tampered else START
    return not verify_chain(TENANT, tampered, head, anchors).is_whole


def test_a_thousand_tampers_of_a_thousand_are_found(store: Store) -> None:
    _record(store, *(f"change-{number}@1" for number in range(40)), words="yes")
    entries, anchor = _entries(store), _head(store)
    assert not _is_found(entries, [anchor])  # else the rest would say nothing
    rng = random.Random(20261101)
    kinds = FROM_INSIDE + WITH_AN_ANCHOR
    unseen: Counter[str] = Counter()
    for turn in range(1000):
        tamper = kinds[turn % len(kinds)]
        tampered = tamper(rng, list(entries))
        assert tampered != entries, tamper.__name__
        if not _is_found(tampered, [anchor] if tamper in WITH_AN_ANCHOR else []):
            unseen[tamper.__name__] += 1
    assert unseen == {}


@pytest.mark.parametrize("tamper", WITH_AN_ANCHOR, ids=lambda tamper: tamper.__name__)
def test_what_the_database_alone_cannot_show_needs_the_anchor(store: Store, tamper: Tamper) -> None:
    _record(store, *(f"change-{number}@1" for number in range(5)))
    tampered = tamper(random.Random(1), _entries(store))
    assert not _is_found(tampered, [])
    assert _is_found(tampered, [_head(store)])


def test_an_anchor_of_any_entry_agrees_with_an_honest_chain(store: Store) -> None:
    anchors = [_head(store)]
    for number in range(5):
        _record(store, f"change-{number}@1")
        anchors += [_head(store), _head(store)]
    assert _verdict(store, *anchors).faults == ()


def test_an_anchor_taken_after_the_tampering_does_not_hide_the_one_before_it(store: Store) -> None:
    _record(store, *(f"change-{number}@1" for number in range(5)))
    before = _head(store)
    story = _told_anew(_entries(store), 2)
    for anchors in ([before, _end(story)], [_end(story), before]):
        faults = verify_chain(TENANT, story, _end(story), anchors).faults
        assert faults == ("entry 5 is not the one that was anchored",)


def _owner(file: Path) -> sqlite3.Connection:
    """The file as its owner opens it: no trigger stands in the way."""
    conn = sqlite3.connect(file, isolation_level=None)
    for verb in ("update", "delete"):
        conn.execute(f"DROP TRIGGER audit_events_no_{verb}")
    return conn


BY_THE_OWNER = [
    pytest.param(
        ["UPDATE audit_events SET content = replace(content, '\"dana\"', '\"eve\"') WHERE sequence = 3"],
        ["entry 3 was altered"],
        id="another name in an entry",
    ),
    pytest.param(
        ["DELETE FROM audit_events WHERE sequence = 3"],
        [
            "entry 2 is followed by entry 4: entries are missing or doubled",
            "entry 4 does not follow from the entry before it",
        ],
        id="an entry removed",
    ),
    pytest.param(
        ["DELETE FROM audit_events WHERE sequence = 5"],
        ["the chain ends at entry 4, and entry 5 was anchored", "the head says entry 5, and the chain ends at entry 4"],
        id="the last entry removed",
    ),
    pytest.param(
        [
            "DELETE FROM audit_events WHERE sequence > 3",
            "UPDATE audit_heads SET sequence = 3, "
            "entry_hash = (SELECT entry_hash FROM audit_events WHERE sequence = 3)",
        ],
        ["the chain ends at entry 3, and entry 5 was anchored"],
        id="the end cut off and the head made to fit",
    ),
    pytest.param(
        [
            "UPDATE audit_events SET sequence = 0 WHERE sequence = 2",
            "UPDATE audit_events SET sequence = 2 WHERE sequence = 3",
            "UPDATE audit_events SET sequence = 3 WHERE sequence = 0",
        ],
        [
            "entry 2 does not follow from the entry before it",
            "entry 2 was altered",
            "entry 3 does not follow from the entry before it",
            "entry 3 was altered",
            "entry 4 does not follow from the entry before it",
        ],
        id="two entries swapped",
    ),
    pytest.param(
        ["DELETE FROM audit_events", "DELETE FROM audit_heads"],
        ["the chain ends at entry 0, and entry 5 was anchored"],
        id="everything removed",
    ),
    pytest.param(
        ["UPDATE audit_events SET tenant = 'another' WHERE sequence = 1"],
        [
            "entry 0 is followed by entry 2: entries are missing or doubled",
            "entry 2 does not follow from the entry before it",
        ],
        id="an entry given to another tenant",
    ),
]


@pytest.mark.parametrize(("statements", "faults"), BY_THE_OWNER)
def test_what_the_owner_of_the_file_does_to_it_is_told(
    sqlite_url: str, statements: list[str], faults: list[str]
) -> None:
    store = Store(sqlite_url, TENANT)
    _record(store, *(f"change-{number}@1" for number in range(5)))
    anchor = _head(store)
    with closing(_owner(Path(make_url(sqlite_url).database or ""))) as conn:
        for statement in statements:
            assert conn.execute(statement).rowcount > 0
    verdict = _verdict(store, anchor)
    store.close()
    assert list(verdict.faults) == faults
    assert not verdict.is_whole


# --- what is recorded when something else is ------------------------------------------------------------------------


def test_a_decision_an_intent_and_an_outcome_stand_in_one_chain(store: Store) -> None:
    _fill(store)
    with store.transaction() as conn:
        writes.record_stop(conn, store.tenant, samples.stop())
        writes.lift_stop(conn, store.tenant, "looked at", "dana", LATER)
    actions = [AuditAction.APPROVED, AuditAction.INTENDED, AuditAction.CONCLUDED, AuditAction.STOPPED]
    told = [f'"action":"{action}"' for action in (*actions, AuditAction.RESUMED)]
    entries = _entries(store)
    assert [words in entry.content for words, entry in zip(told, entries, strict=True)] == [True] * 5
    assert _verdict(store).is_whole


def test_what_is_rolled_back_takes_its_audit_entry_with_it(store: Store) -> None:
    with store.transaction() as conn:
        samples.insert_approved(conn, store.tenant, samples.change())
        assert decisions.decisions_about(conn, store.tenant, [samples.change().change_id])[0].at == NOON
        conn.rollback()
    assert (_entries(store), _rows(store)["decisions"]) == ([], [])


def test_purged_words_are_gone_and_the_chain_says_who_did_it_and_is_whole(store: Store) -> None:
    _record(store, "one@1", "one@2", "two@1", words="personal")
    _record(store, "one@3")
    with store.transaction() as conn:
        gone = audit.purge_words(conn, store.tenant, Purge("one"), "dana", is_asserted=True, at=LATER)
    assert gone == [1, 2]
    assert _verdict(store).faults == ()
    with store.reading() as conn:
        assert audit.words_beside(conn, store.tenant, range(9)) == {3: "personal"}
    event = json.loads(_entries(store)[-1].content)
    assert (event["action"], event["subject"], event["actor"]) == ("words_purged", "one", "dana")
    assert event["details"] == {"count": 2, "sequences": [1, 2], "change": "one", "before": None}
    with store.transaction() as conn:
        assert audit.purge_words(conn, store.tenant, Purge("one"), "dana", is_asserted=True, at=LATER) == []
    assert len(_entries(store)) == 5


def test_words_of_before_a_day_are_purged_and_later_ones_stay(store: Store) -> None:
    with store.transaction() as conn:
        for at in (NOON, LATER):
            audit.record_event(conn, store.tenant, samples.event(words="personal", at=at))
        assert audit.words_meant(conn, store.tenant, Purge("another", LATER)) == []
        gone = audit.purge_words(conn, store.tenant, Purge(before=LATER), "dana", is_asserted=False, at=LATER)
    assert gone == [1]
    assert json.loads(_entries(store)[-1].content)["details"]["before"] == LATER.isoformat()


def test_purged_words_leave_no_bytes_in_a_sqlite_file(sqlite_url: str) -> None:
    store = Store(sqlite_url, TENANT)
    store.upgrade()
    _record(store, "one@1", words="a very personal sentence")
    with store.transaction() as conn:
        audit.purge_words(conn, TENANT, Purge("one"), "dana", is_asserted=True, at=LATER)
    store.close()
    file = Path(str(make_url(sqlite_url).database))
    assert all(b"very personal" not in each.read_bytes() for each in file.parent.glob(f"{file.name}*"))
