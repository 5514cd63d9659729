"""Claims about changes and their revisions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, event

from pipelines.identity import ChangeId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.changes import Change, ChangeStatus
from resources.store import changes
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict, StoreError
from tests.resources.store import samples


def _insert(store: Store, *given: Change) -> None:
    with store.transaction() as conn:
        for change in given:
            changes.insert_changes(conn, store.tenant, [change])


@contextmanager
def _statements(conn: Connection) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    yield seen
    event.remove(conn, "before_cursor_execute", note)


def test_a_change_comes_back_as_it_was_proposed(store: Store) -> None:
    unbilled = samples.change(
        "unbilled",
        kind=DeltaKind.UNBILLED,
        line_id=None,
        agreement_id=None,
        quantity_before=None,
        unit_price=None,
        unit_cost=None,
        amount_delta=None,
        currency=None,
        needs=(),
        flags=(),
        evidence=(),
        batch_id="batch-1",
    )
    _insert(store, samples.change(), unbilled)
    with store.reading() as conn:
        assert changes.latest_changes(conn, store.tenant) == [samples.change(), unbilled]


def test_the_latest_revision_of_each_change_is_found_by_one_statement(store: Store) -> None:
    declined = samples.change(status=ChangeStatus.DECLINED)
    latest = samples.change(number=10, quantity_after=Decimal(13))
    other = samples.change("change-2", period="2026-09")
    _insert(store, declined, samples.change(number=2, status=ChangeStatus.SUPERSEDED), latest, other)
    with store.reading() as conn:
        with _statements(conn) as seen:
            assert changes.latest_changes(conn, store.tenant) == [other, latest]
        assert len([statement for statement in seen if statement.startswith("SELECT")]) == 1
        assert changes.latest_changes(conn, store.tenant, period="2026-10") == [latest]
        revisions = changes.change_revisions(conn, store.tenant, latest.change_id)
    assert [revision.revision for revision in revisions] == [1, 2, 10]


def test_a_change_is_listed_by_the_status_of_its_latest_revision_only(store: Store) -> None:
    _insert(store, samples.change(), samples.change(number=2, status=ChangeStatus.WRITTEN))
    with store.reading() as conn:
        assert changes.latest_changes(conn, store.tenant, status=ChangeStatus.PROPOSED) == []
        written = changes.latest_changes(conn, store.tenant, period="2026-10", status=ChangeStatus.WRITTEN)
    assert [change.revision for change in written] == [2]


def test_a_revision_is_proposed_once(store: Store) -> None:
    _insert(store, samples.change())
    with pytest.raises(StoreConflict, match=r"proposed change-1@1 already\. Run it again") as refused:
        _insert(store, samples.change(quantity_after=Decimal(99)))
    assert refused.value.would_retry_help
    with store.reading() as conn:
        assert changes.latest_changes(conn, store.tenant) == [samples.change()]


def test_a_change_stays_in_its_month(store: Store) -> None:
    _insert(store, samples.change())
    with pytest.raises(StoreError, match="names something it does not hold"):
        _insert(store, samples.change(number=2, period="2026-09"))


def test_a_status_moves_for_one_revision_alone(store: Store) -> None:
    _insert(store, samples.change(), samples.change(number=2))
    with store.transaction() as conn:
        changes.set_status(conn, store.tenant, ChangeId("change-1"), 1, ChangeStatus.SUPERSEDED)
    with store.reading() as conn:
        found = changes.change_revisions(conn, store.tenant, ChangeId("change-1"))
    assert [change.status for change in found] == [ChangeStatus.SUPERSEDED, ChangeStatus.PROPOSED]


def test_a_status_moves_only_from_where_it_is_expected(store: Store) -> None:
    _insert(store, samples.change(status=ChangeStatus.SENDING))
    words = "change-1@1 is sending by now and was left as it is"
    meant, expected = samples.change(), ChangeStatus.PROPOSED
    with pytest.raises(StoreConflict, match=words), store.transaction() as conn:
        changes.set_status(conn, store.tenant, meant.change_id, 1, ChangeStatus.SUPERSEDED, expected=expected)
    with store.reading() as conn:
        assert changes.latest_changes(conn, store.tenant)[0].status is ChangeStatus.SENDING


def test_a_proposal_can_be_refreshed_but_not_once_somebody_decided(store: Store) -> None:
    _insert(store, samples.change(batch_id="batch-1"))
    renamed = samples.change(account_name="Acme Ltd", status=ChangeStatus.WRITTEN, evidence=())
    with store.transaction() as conn:
        changes.refresh_change(conn, store.tenant, renamed)
        kept = changes.latest_changes(conn, store.tenant)
        assert kept == [replace(renamed, status=ChangeStatus.PROPOSED, batch_id="batch-1")]
        changes.set_status(conn, store.tenant, renamed.change_id, 1, ChangeStatus.APPROVED)
    with pytest.raises(StoreConflict, match="change-1@1 is approved by now"), store.transaction() as conn:
        changes.refresh_change(conn, store.tenant, samples.change())


def test_a_revision_that_never_was_is_named(store: Store) -> None:
    with pytest.raises(NotInStore, match="holds no change change-1@1"), store.transaction() as conn:
        changes.set_status(conn, store.tenant, ChangeId("change-1"), 1, ChangeStatus.APPROVED)
    with pytest.raises(NotInStore, match="holds no change change-1@1"), store.transaction() as conn:
        changes.refresh_change(conn, store.tenant, samples.change())
