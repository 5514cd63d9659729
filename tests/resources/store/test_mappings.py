"""Claims about mapping decisions."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Connection

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    MappingEntry,
    RecordedEntry,
    ServiceMapping,
    ServiceRule,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)
from resources.store import mappings
from resources.store.engine import Store
from resources.store.errors import NotInStore, StoreConflict
from tests.resources.store.samples import LATER, NOON

ONE_ACCOUNT = AccountMapping("Pax8", "acme-001", (Share("250", Decimal(1)),))
ENTRIES: list[MappingEntry] = [
    ServiceMapping("Pax8", "M365-BP|P1Y", (ServiceId("77"),), percent=Decimal("33.3333333333")),
    ONE_ACCOUNT,
    AccountMapping("Pax8", "group-7", (Share("250", Decimal("0.6")), Share("251", Decimal("0.4")))),
    UnitRule(line=AgreementLineId("1"), included=Decimal(2)),
    UnitRule(
        account=AccountId("250"),
        service=ServiceId("95"),
        block=Decimal("0.5"),
        minimum=Decimal(5),
        maximum=Decimal(900),
        validity=Validity(date(2026, 1, 1), None),
    ),
    ServiceMapping("NinjaOne", "Total", (ServiceId("81"), ServiceId("82")), ServiceRule.FIRST_PRESENT),
    ServiceMapping(
        "NinjaOne",
        "Halves",
        (ServiceId("81"), ServiceId("82"), ServiceId("83")),
        ServiceRule.SPLIT,
        (Decimal("0.333333333333333"), Decimal("0.333333333333333"), Decimal("0.333333333333334")),
    ),
    ServiceMapping("Pax8", "TRIAL", exclude="trial"),
    AccountMapping("Pax8", "own-tenant", exclude="our own", validity=Validity(None, date(2027, 1, 1))),
    SkippedKey(KeyKind.ACCOUNT, "Pax8", "acme-002", "waiting for the contract", Validity(None, date(2027, 1, 1))),
    SkippedKey(KeyKind.SERVICE, "Pax8", "NEW|P1Y", "who sells it?"),
]


def _record(store: Store, *entries: MappingEntry) -> None:
    with store.transaction() as conn:
        for number, entry in enumerate(entries):
            mappings.record_entry(conn, store.tenant, f"entry-{number}", entry, "dana", NOON)


def _recorded(store: Store) -> list[RecordedEntry]:
    with store.reading() as conn:
        return mappings.recorded_entries(conn, store.tenant)


def test_entries_of_every_sort_come_back_in_the_order_of_recording(store: Store) -> None:
    _record(store, *ENTRIES)
    expected = [RecordedEntry(f"entry-{number}", entry, "dana", NOON) for number, entry in enumerate(ENTRIES)]
    assert _recorded(store) == expected


@pytest.mark.parametrize(
    "entry", [ENTRIES[0], ENTRIES[1], ENTRIES[4], ENTRIES[-1]], ids=["service", "account", "unit", "skip"]
)
def test_a_superseded_entry_is_kept_and_marked(store: Store, entry: MappingEntry) -> None:
    _record(store, entry)
    with store.transaction() as conn:
        mappings.supersede_entry(conn, store.tenant, "entry-0", "ola", LATER)
    assert _recorded(store) == [RecordedEntry("entry-0", entry, "dana", NOON, superseded_at=LATER)]


def test_an_ended_entry_is_kept_and_holds_up_to_the_day_last_given(store: Store) -> None:
    _record(store, ONE_ACCOUNT)
    with store.transaction() as conn:
        mappings.end_entry(conn, store.tenant, "entry-0", date(2027, 1, 1), "dana", NOON)
        mappings.end_entry(conn, store.tenant, "entry-0", date(2026, 11, 1), "ola", LATER)
    entry = AccountMapping("Pax8", "acme-001", ONE_ACCOUNT.shares, validity=Validity(None, date(2026, 11, 1)))
    [recorded] = _recorded(store)
    assert recorded == RecordedEntry("entry-0", entry, "dana", NOON, ended_by="ola")
    assert recorded.editors == {"dana", "ola"}


def test_an_entry_that_was_ended_can_be_superseded_once(store: Store) -> None:
    _record(store, ONE_ACCOUNT)
    with store.transaction() as conn:
        mappings.end_entry(conn, store.tenant, "entry-0", date(2026, 11, 1), "dana", NOON)
        mappings.supersede_entry(conn, store.tenant, "entry-0", "dana", NOON)
        mappings.supersede_entry(conn, store.tenant, "entry-0", "ola", LATER)
    found = _recorded(store)[0]
    assert found.superseded_at == NOON
    assert found.entry.validity == Validity(None, date(2026, 11, 1))


@pytest.mark.parametrize(
    "decide",
    [
        pytest.param(lambda conn, t: mappings.supersede_entry(conn, t, "never", "dana", NOON), id="supersede"),
        pytest.param(lambda conn, t: mappings.end_entry(conn, t, "never", date(2027, 1, 1), "dana", NOON), id="end"),
    ],
)
def test_an_entry_that_was_never_recorded_is_named(store: Store, decide: Callable[[Connection, str], None]) -> None:
    words = "holds no mapping entry never; nothing was changed"
    with pytest.raises(NotInStore, match=words), store.transaction() as conn:
        decide(conn, store.tenant)


def test_one_entry_id_is_recorded_once(store: Store) -> None:
    _record(store, ONE_ACCOUNT)
    with pytest.raises(StoreConflict, match="holds this record already"):
        _record(store, ONE_ACCOUNT)


def test_entries_as_of_an_instant_hold_as_they_were_known_to_hold_then(store: Store) -> None:
    ends = date(2027, 1, 1)
    with store.transaction() as conn:
        mappings.record_entry(conn, store.tenant, "first", ENTRIES[0], "dana", NOON)
        mappings.end_entry(conn, store.tenant, "first", ends, "dana", LATER)
        mappings.record_entry(conn, store.tenant, "second", ENTRIES[1], "dana", LATER)
        mappings.supersede_entry(conn, store.tenant, "second", "dana", LATER + timedelta(hours=1))
    moments = (NOON - timedelta(seconds=1), NOON, LATER, LATER + timedelta(hours=1))
    with store.reading() as conn:
        known = [mappings.recorded_entries(conn, store.tenant, as_of=moment) for moment in moments]
    assert [[each.entry_id for each in entries] for entries in known] == [[], ["first"], *[["first", "second"]] * 2]
    assert [entries[0].entry.validity.valid_until for entries in known[1:]] == [None, ends, ends]
    assert [entries[1].superseded_at is None for entries in known[2:]] == [True, False]
