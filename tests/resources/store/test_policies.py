"""Claims about approval policies: versions that are kept, the newest in force, and plans that are bound to it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError

from pipelines.audit import AuditAction, compare_facts, fact_of, verify_chain
from pipelines.policies.document import policy_version
from pipelines.review.approval import Actor
from pipelines.review.binding import MANUAL_POLICY, PsaIdentity, moved_parts
from pipelines.review.closing import Closing
from resources.store import audit, periods, policies, tables
from resources.store.engine import Store
from resources.store.errors import StoreError
from resources.store.standing import month_standing, standing_token
from tests.resources.store import samples
from tests.resources.store.samples import LATER, NOON

DANA, ERIN = Actor("dana", is_asserted=True), Actor("erin", is_asserted=False)
FIRST, SECOND = "rules: []\n", "rules: [{name: freeze, do: hold}]\n"
PERIOD = "2026-10"


def _import(store: Store, content: str, by: Actor = DANA, at: Any = NOON) -> policies.PolicyVersion | None:
    with store.transaction() as conn:
        return policies.record_policy(conn, store.tenant, content, by, at)


def _plan(store: Store) -> dict[str, Any]:
    with store.reading() as conn:
        standing = month_standing(conn, store.tenant, PERIOD)
    return standing.plan(samples.change(), PsaIdentity("connectwise", "https://psa.example", "acme")).document


def _token(store: Store) -> str:
    with store.reading() as conn:
        return standing_token(conn, store.tenant, PERIOD)


def test_the_newest_policy_is_in_force_and_all_are_kept(store: Store) -> None:
    first, second = _import(store, FIRST), _import(store, SECOND, ERIN, LATER)
    with store.reading() as conn:
        assert policies.policy_in_force(conn, store.tenant) == second
        assert policies.policy_in_force(conn, store.tenant, as_of=NOON) == first
        assert policies.policy_in_force(conn, store.tenant, as_of=NOON - timedelta(1)) is None
        assert policies.all_policies(conn, store.tenant) == [first, second]
    assert second == policies.PolicyVersion(2, policy_version(SECOND), SECOND, LATER, "erin", is_asserted=False)


def test_importing_what_is_in_force_changes_nothing(store: Store) -> None:
    _import(store, FIRST)
    assert _import(store, FIRST, ERIN, LATER) is None
    with store.reading() as conn:
        assert len(policies.all_policies(conn, store.tenant)) == 1
        assert audit.chain_head(conn, store.tenant).sequence == 1


def test_an_earlier_policy_can_be_put_in_force_again(store: Store) -> None:
    for content in (FIRST, SECOND, FIRST):
        _import(store, content)
    with store.reading() as conn:
        assert [each.number for each in policies.all_policies(conn, store.tenant)] == [1, 2, 3]


def _faults(store: Store) -> tuple[str, ...]:
    with store.reading() as conn:
        entries = list(audit.chain(conn, store.tenant))
        verdict = verify_chain(store.tenant, entries, audit.chain_head(conn, store.tenant))
        facts = [fact for entry in entries if (fact := fact_of(entry)) is not None]
        return (*verdict.faults, *compare_facts(facts, audit.kept_facts(conn, store.tenant)))


def test_an_import_is_an_event_of_the_trail(store: Store) -> None:
    _import(store, FIRST)
    with store.reading() as conn:
        [entry] = audit.chain(conn, store.tenant)
    assert f'"action":"{AuditAction.POLICY_IMPORTED}"' in entry.content
    assert policy_version(FIRST) in entry.content
    assert '"is_asserted":true' in entry.content
    assert _faults(store) == ()


def test_a_policy_can_be_altered_by_nobody(store: Store) -> None:
    _import(store, FIRST)
    altered = update(tables.policy_versions).values(content=SECOND)
    with pytest.raises((DBAPIError, StoreError)), store.transaction() as conn:
        conn.execute(altered)


def test_a_policy_that_was_altered_all_the_same_is_found_out(sqlite_url: str) -> None:
    store = Store(sqlite_url, "msp")
    _import(store, FIRST)
    with store.transaction() as conn:
        conn.execute(text("DROP TRIGGER policy_versions_no_update"))
        conn.execute(update(tables.policy_versions).values(content=SECOND))
    assert len(_faults(store)) == 2
    store.close()


def test_a_plan_is_bound_to_the_policy_in_force(store: Store) -> None:
    before, token = _plan(store), _token(store)
    assert before["policy"] == MANUAL_POLICY
    _import(store, FIRST)
    after = _plan(store)
    assert moved_parts(before, after) == ["policy"]
    assert after["policy"] == policy_version(FIRST)
    assert _token(store) != token


def test_a_closed_month_keeps_the_policy_it_was_frozen_with(store: Store) -> None:
    _import(store, FIRST)
    with store.transaction() as conn:
        periods.close_period(conn, store.tenant, Closing(PERIOD, NOON, DANA, NOON))
    before, token = _plan(store), _token(store)
    _import(store, SECOND, at=LATER)
    assert (_plan(store), _token(store)) == (before, token)
