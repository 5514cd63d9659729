"""Claims about the people who may decide: found by a token's hash until they are removed, a name never reused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import Connection

from pipelines.review.people import Role
from resources.store import users
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict, StoreError
from resources.store.users import User
from tests.resources.store.samples import LATER, NOON

DANA = User("dana", Role.ADMIN, added_at=NOON, token_issued_at=NOON, removed_at=None)


def _add(store: Store, name: str, role: str = Role.ADMIN, token_hash: str | None = None) -> None:
    with store.transaction() as conn:
        users.add_user(conn, store.tenant, name, role, token_hash or f"hash-of-{name}", NOON)


def _of_token(store: Store, token_hash: str) -> User | None:
    with store.reading() as conn:
        return users.user_of_token(conn, store.tenant, token_hash)


def _everybody(store: Store) -> list[User]:
    with store.reading() as conn:
        return users.all_users(conn, store.tenant)


def test_a_person_is_found_by_the_hash_of_their_token_and_by_nothing_else(store: Store) -> None:
    _add(store, "dana")
    _add(store, "ola", Role.REVIEWER)
    assert _of_token(store, "hash-of-dana") == DANA
    assert _of_token(store, "hash-of-ola") == User("ola", Role.REVIEWER, NOON, NOON, None)
    assert [_of_token(store, nobodys) for nobodys in ("", "dana", "hash-of-eve", "HASH-OF-DANA", "%")] == [None] * 5


def test_everybody_is_listed_by_name_removed_people_included(store: Store) -> None:
    for name in ("ola", "Zoe", "dana"):
        _add(store, name)
    with store.transaction() as conn:
        users.remove_user(conn, store.tenant, "ola", LATER)
    listed = _everybody(store)
    assert [user.name for user in listed] == ["Zoe", "dana", "ola"]
    assert [user.removed_at for user in listed] == [None, None, LATER]


@pytest.mark.parametrize("is_removed", [False, True], ids=["a user", "a removed user"])
def test_a_name_that_anybody_ever_had_is_taken(store: Store, is_removed: bool) -> None:
    _add(store, "dana")
    if is_removed:
        with store.transaction() as conn:
            users.remove_user(conn, store.tenant, "dana", LATER)
    before = _everybody(store)
    with pytest.raises(StoreConflict, match="dana is or was a user already; choose another name"):
        _add(store, "dana", token_hash="another")
    assert _everybody(store) == before
    assert _of_token(store, "another") is None


def test_a_person_without_a_role_is_refused_as_any_incomplete_record(store: Store) -> None:
    with pytest.raises(StoreError, match="lacks a needed value") as refused, store.transaction() as conn:
        users.add_user(conn, store.tenant, "dana", None, "hash", NOON)  # type: ignore[arg-type]
    assert not isinstance(refused.value, StoreConflict)


def test_a_new_token_takes_the_place_of_the_old_one(store: Store) -> None:
    _add(store, "dana")
    with store.transaction() as conn:
        users.issue_token(conn, store.tenant, "dana", "hash-of-the-new", LATER)
    assert _of_token(store, "hash-of-dana") is None
    assert _of_token(store, "hash-of-the-new") == User("dana", Role.ADMIN, NOON, LATER, None)


def test_a_removed_persons_token_opens_nothing(store: Store) -> None:
    _add(store, "dana")
    _add(store, "ola")
    with store.transaction() as conn:
        users.remove_user(conn, store.tenant, "dana", LATER)
    assert _of_token(store, "hash-of-dana") is None
    assert _of_token(store, "hash-of-ola") is not None


def test_no_two_people_share_a_token(store: Store) -> None:
    _add(store, "dana")
    _add(store, "ola")
    with pytest.raises(StoreConflict, match="holds this record already"), store.transaction() as conn:
        users.issue_token(conn, store.tenant, "ola", "hash-of-dana", LATER)
    assert _of_token(store, "hash-of-dana") == DANA


Change = Callable[[Connection, str, str, datetime], None]
CHANGES: list[Change] = [
    lambda conn, tenant, name, at: users.issue_token(conn, tenant, name, "hash-of-the-new", at),
    users.remove_user,
]


@pytest.mark.parametrize("change", CHANGES, ids=["a new token", "removing"])
def test_nobody_and_a_removed_person_are_told_apart_from_a_user(store: Store, change: Change) -> None:
    _add(store, "dana")
    with store.transaction() as conn:
        users.remove_user(conn, store.tenant, "dana", NOON)
    before = _everybody(store)
    for name in ("dana", "eve"):
        with pytest.raises(NotInStore, match=f"holds no user {name}; nothing was changed"), store.transaction() as conn:
            change(conn, store.tenant, name, LATER)
    assert _everybody(store) == before


def test_of_eight_people_who_take_one_name_at_once_one_has_it(store: Store) -> None:
    together = Barrier(8, timeout=60)

    def add(number: int) -> str:
        together.wait()
        try:
            _add(store, "dana", token_hash=f"hash-{number}")
        except StoreConflict as conflict:
            return str(conflict)
        return "added"

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(add, range(8)))
    assert answers.count("added") == 1
    assert sum("is or was a user already" in answer for answer in answers) == 7
    assert [_of_token(store, f"hash-{number}") is not None for number in range(8)] == [
        answer == "added" for answer in answers
    ]
