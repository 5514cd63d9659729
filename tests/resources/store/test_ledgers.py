"""Claims about the ledgers of the use cases: one method, one transaction."""

from dataclasses import dataclass

import pytest

from resources.store import inbox, overlays, profiles, usage
from resources.store.engine import Store
from resources.store.errors import StoreConflict
from resources.store.ledgers import StoreUsageLedger
from tests.resources.store import samples
from tests.resources.store.samples import DROP, NOON
from tests.resources.store.test_overlays import FIX


@dataclass(frozen=True)
class _Profile:
    name: str = "generic"
    version: str = "3f2a9c0d11aa"
    content: str = "profile: generic"


def test_the_usage_ledger_answers_what_intake_asks(store: Store) -> None:
    ledger = StoreUsageLedger(store)
    assert (ledger.current_revision(DROP), ledger.overlays(DROP)) == (None, ())
    with store.transaction() as conn:
        inbox.record_arrival(conn, store.tenant, samples.arrival())
        overlays.record_overlay(conn, store.tenant, "overlay-1", DROP, FIX, NOON)
    ledger.publish(samples.revision(), [samples.row_error()])
    assert ledger.current_revision(DROP) == samples.revision()
    assert ledger.overlays(DROP) == (FIX,)


def test_the_usage_ledger_keeps_the_content_of_a_profile(store: Store) -> None:
    StoreUsageLedger(store).record_profile(_Profile(), NOON)
    with store.reading() as conn:
        assert profiles.profile_content(conn, store.tenant, "generic", "3f2a9c0d11aa") == "profile: generic"


def test_a_publication_that_fails_leaves_nothing_behind(store: Store) -> None:
    ledger = StoreUsageLedger(store)
    with pytest.raises(StoreConflict):
        ledger.publish(samples.revision(2), [samples.row_error()])
    with store.reading() as conn:
        assert usage.known_drops(conn, store.tenant, DROP.period) == []
