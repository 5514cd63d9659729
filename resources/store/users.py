"""The people who may decide.

Belongs here: adding and removing them, their tokens' hashes.
Does not belong here: who may do what (``pipelines.review.people``); tokens themselves, which are never stored.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update
from sqlalchemy.exc import IntegrityError

from resources.store.errors import NotInStore, StoreConflict, is_already_recorded
from resources.store.tables import users


@dataclass(frozen=True)
class User:
    """A person who may decide, or could once: ``removed_at`` is None while they may."""

    name: str
    role: str
    added_at: datetime
    token_issued_at: datetime
    removed_at: datetime | None


def add_user(conn: Connection, tenant: str, name: str, role: str, token_hash: str, at: datetime) -> None:
    """Add a person. Raises ``StoreConflict`` for a name that anybody ever had: the trail must stay clear."""
    values = {"name": name, "role": role, "token_hash": token_hash, "added_at": at, "token_issued_at": at}
    try:
        conn.execute(insert(users).values(tenant=tenant, removed_at=None, **values))
    except IntegrityError as error:
        if not is_already_recorded(error):
            raise
        raise StoreConflict(f"{name} is or was a user already; choose another name.") from error


def all_users(conn: Connection, tenant: str) -> list[User]:
    """Everybody, removed people included, by name."""
    return [User(**row) for row in conn.execute(_users(tenant).order_by(users.c.name)).mappings()]


def user_of_token(conn: Connection, tenant: str, token_hash: str) -> User | None:
    """Whose token it is; None for nobody's, and for that of a removed person."""
    query = _users(tenant).where(users.c.token_hash == token_hash, users.c.removed_at.is_(None))
    row = conn.execute(query).mappings().one_or_none()
    return None if row is None else User(**row)


def issue_token(conn: Connection, tenant: str, name: str, token_hash: str, at: datetime) -> None:
    """Let a new token take the old one's place. Raises ``NotInStore`` for nobody and for a removed person."""
    _change(conn, tenant, name, {"token_hash": token_hash, "token_issued_at": at})


def remove_user(conn: Connection, tenant: str, name: str, at: datetime) -> None:
    """Take a person's rights away; the name stays taken. Raises ``NotInStore`` as above."""
    _change(conn, tenant, name, {"removed_at": at})


def _users(tenant: str) -> Select[Any]:
    columns = (users.c.name, users.c.role, users.c.added_at, users.c.token_issued_at, users.c.removed_at)
    return select(*columns).where(users.c.tenant == tenant)


def _change(conn: Connection, tenant: str, name: str, values: dict[str, object]) -> None:
    is_meant = (users.c.tenant == tenant) & (users.c.name == name) & users.c.removed_at.is_(None)
    if not conn.execute(update(users).where(is_meant).values(**values)).rowcount:
        raise NotInStore(f"user {name}")
