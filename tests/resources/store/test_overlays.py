"""Claims about decisions on single records."""

from dataclasses import replace

from pipelines.intake.rows import OverlayAction, RowOverlay
from resources.store import overlays
from resources.store.engine import Store
from tests.resources.store.samples import DROP, NOON

FIX = RowOverlay(17, "hash-17", OverlayAction.FIX, "Quantity", "12", None, "dana")
IGNORE = RowOverlay(18, "hash-18", OverlayAction.IGNORE, None, None, "a test account", "dana")


def _decide(store: Store, *decisions: RowOverlay) -> None:
    with store.transaction() as conn:
        for number, decision in enumerate(decisions):
            # Ids run against the order of deciding and instants tie: neither may say which decision is the latest.
            overlays.record_overlay(conn, store.tenant, f"overlay-{9 - number}", DROP, decision, NOON)


def test_decisions_come_back_in_the_order_they_were_made(store: Store) -> None:
    _decide(store, IGNORE, FIX)
    with store.reading() as conn:
        assert overlays.overlays(conn, store.tenant, DROP) == (IGNORE, FIX)
        assert overlays.overlays(conn, store.tenant, replace(DROP, part="other")) == ()


def test_of_two_decisions_about_one_cell_the_later_holds(store: Store) -> None:
    better = replace(FIX, value="13", decided_by="ola")
    other_column = replace(FIX, column="Account", value="acme-001")
    other_content = replace(FIX, record_hash="hash-of-the-corrected-file")
    twice_ignored = replace(IGNORE, reason="own licences")
    _decide(store, FIX, IGNORE, other_column, other_content, better, twice_ignored)
    with store.reading() as conn:
        assert overlays.overlays(conn, store.tenant, DROP) == (other_column, other_content, better, twice_ignored)
