"""Claims about findings: they stand, are resolved, come back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from pipelines.findings import Finding, FindingKind
from resources.store import findings, tables
from resources.store.engine import Store
from tests.resources.store import samples
from tests.resources.store.samples import NOON

DAY = timedelta(days=1)


def _look(store: Store, at: datetime, *found: Finding) -> None:
    with store.transaction() as conn:
        findings.replace_findings(conn, store.tenant, "2026-10", found, at)


def _standing(store: Store) -> list[Finding]:
    with store.reading() as conn:
        return findings.standing_findings(conn, store.tenant, "2026-10")


def _sightings(store: Store) -> dict[str, tuple[datetime, datetime, datetime | None]]:
    table = tables.findings.c
    with store.reading() as conn:
        rows = conn.execute(select(table.subject, table.first_seen_at, table.last_seen_at, table.resolved_at))
        return {row.subject: (row.first_seen_at, row.last_seen_at, row.resolved_at) for row in rows}


def test_a_finding_comes_back_as_it_was_found(store: Store) -> None:
    bare = samples.finding(
        kind=FindingKind.PSA_UNAVAILABLE,
        source=None,
        subject="",
        quantity=None,
        amount=None,
        currency=None,
        evidence=(),
    )
    _look(store, NOON, samples.finding(), bare)
    assert _standing(store) == [bare, samples.finding()]


def test_a_finding_that_is_found_again_keeps_the_day_it_was_first_seen(store: Store) -> None:
    _look(store, NOON, samples.finding())
    reworded = replace(samples.finding(), message="still leads nowhere")
    _look(store, NOON + DAY, reworded)
    assert _standing(store) == [reworded]
    assert _sightings(store) == {"acme-001": (NOON, NOON + DAY, None)}


def test_a_finding_that_is_gone_is_resolved_and_kept_and_stands_again_when_it_comes_back(store: Store) -> None:
    _look(store, NOON, samples.finding("a"), samples.finding("b"))
    _look(store, NOON + DAY, samples.finding("b"))
    assert _standing(store) == [samples.finding("b")]
    assert _sightings(store)["a"] == (NOON, NOON, NOON + DAY)
    _look(store, NOON + 2 * DAY, samples.finding("a"), samples.finding("b"))
    assert _standing(store) == [samples.finding("a"), samples.finding("b")]
    assert _sightings(store)["a"] == (NOON, NOON + 2 * DAY, None)


def test_two_looks_at_one_instant_still_resolve_what_is_gone(store: Store) -> None:
    _look(store, NOON, samples.finding("a"))
    _look(store, NOON)
    assert _standing(store) == []
    assert _sightings(store)["a"] == (NOON, NOON, NOON)


def test_a_resolved_finding_keeps_the_day_it_was_resolved(store: Store) -> None:
    _look(store, NOON, samples.finding("a"))
    _look(store, NOON + DAY)
    _look(store, NOON + 2 * DAY)
    assert _sightings(store)["a"] == (NOON, NOON, NOON + DAY)


def test_findings_of_another_month_are_left_alone(store: Store) -> None:
    _look(store, NOON, samples.finding())
    with store.transaction() as conn:
        september = samples.finding(period="2026-09")
        findings.replace_findings(conn, store.tenant, "2026-09", [september], NOON)
        findings.replace_findings(conn, store.tenant, "2026-09", [], NOON)
    assert _standing(store) == [samples.finding()]


def test_one_finding_said_twice_is_one_but_two_that_differ_are_never_merged(store: Store) -> None:
    _look(store, NOON, samples.finding(), samples.finding())
    assert len(_standing(store)) == 1
    with pytest.raises(ValueError, match="two findings unmapped_account of Pax8 have one subject: acme-001"):
        _look(store, NOON, samples.finding(), samples.finding(message="something else"))


def test_a_finding_of_another_month_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match=r"a finding of 2026-09 was published for 2026-10: acme-001 leads"):
        _look(store, NOON, samples.finding(period="2026-09"))
