"""Claims about what a month's lines rest on: a plan moves with what feeds its own line, and with nothing else."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection

from pipelines.identity import AccountId, AgreementLineId, FileId, RevisionId, ServiceId
from pipelines.intake.drops import UsageRevision
from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, Share, UnitRule, Validity
from pipelines.review.binding import LinePlan, PsaIdentity, moved_parts
from pipelines.review.changes import Change
from resources.store import mappings, reconciliations, usage
from resources.store.engine import Store
from resources.store.standing import month_standing, standing_token, unread_sources
from resources.store.write_ledger import StoreWriteLedger
from tests.resources.store import samples
from tests.resources.store.samples import DROP, LATER, NOON

PERIOD = "2026-10"
CHANGE = samples.change(sources=("Pax8",))
PSA = PsaIdentity("connectwise", "https://psa.example", "acme_prod")

ACCOUNT = AccountMapping("Pax8", "acme-001", (Share("250", Decimal(1)),))
SERVICE = ServiceMapping("Pax8", "M365-BP", (ServiceId("77"),))
OF_THE_LINE: list[MappingEntry] = [ACCOUNT, SERVICE, UnitRule(line=AgreementLineId("1"), included=Decimal(2))]

Move = Callable[[Connection, str], None]


def _fill(store: Store) -> None:
    with store.transaction() as conn:
        for number, entry in enumerate(OF_THE_LINE):
            mappings.record_entry(conn, store.tenant, f"entry-{number}", entry, "dana", NOON)
    samples.published(store, samples.revision())


def _plan(store: Store, change: Change = CHANGE, psa: PsaIdentity = PSA) -> LinePlan:
    with store.reading() as conn:
        return month_standing(conn, store.tenant, PERIOD).plan(change, psa)


def _moved(store: Store, *moves: Move) -> list[str]:
    """The parts of the line's plan that are not as before once something moved."""
    before = _plan(store)
    with store.transaction() as conn:
        for move in moves:
            move(conn, store.tenant)
    after = _plan(store)
    assert (before.hash == after.hash) == (before.document == after.document)
    return list(moved_parts(before.document, after.document))


def _recorded(entry: MappingEntry) -> Move:
    return lambda conn, tenant: mappings.record_entry(conn, tenant, "another", entry, "dana", LATER)


def _superseded(entry_id: str) -> Move:
    return lambda conn, tenant: mappings.supersede_entry(conn, tenant, entry_id, "dana", LATER)


def _ended(entry_id: str, until: date) -> Move:
    return lambda conn, tenant: mappings.end_entry(conn, tenant, entry_id, until, "dana", LATER)


def _published(reading: UsageRevision) -> Move:
    return lambda conn, tenant: samples.publish(conn, tenant, reading)


def _other_reading(source: str = "Webroot", **given: Any) -> UsageRevision:
    return samples.revision(
        drop=replace(DROP, source=source, **given), revision_id=RevisionId("other"), file_id=FileId("file-2")
    )


# --- the plan -------------------------------------------------------------------------------------------------------


def test_a_plan_of_the_stored_month_names_all_that_the_line_rests_on(store: Store) -> None:
    _fill(store)
    plan = _plan(store)
    assert len(plan.hash) == 64
    assert plan.document["tenant"] == "msp"
    assert plan.document["psa"] == {"kind": "connectwise", "base_url": "https://psa.example", "company": "acme_prod"}
    assert (plan.document["line"], plan.document["before"], plan.document["after"]) == ("1", "10", "12")
    assert len(plan.document["mappings"]) == len(OF_THE_LINE)
    assert plan.document["readings"] == [f"Pax8|pax8-subscriptions||{'ab' * 32}|3f2a9c0d11aa"]


def test_a_plan_is_the_same_on_both_databases(sqlite_url: str, postgres_url: str) -> None:
    hashes = set()
    for url in (sqlite_url, postgres_url):
        store = Store(url, "msp")
        _fill(store)
        hashes.add(_plan(store).hash)
        store.close()
    assert len(hashes) == 1


ELSEWHERE = [
    pytest.param(_recorded(AccountMapping("Pax8", "other-002", (Share("251", Decimal(1)),))), id="another account"),
    pytest.param(_recorded(ServiceMapping("Pax8", "EXCH", (ServiceId("95"),))), id="another service"),
    pytest.param(
        _recorded(ServiceMapping("Webroot", "GSM", (ServiceId("77"),))), id="a source without an account here"
    ),
    pytest.param(
        _recorded(AccountMapping("Webroot", "acme", (Share("250", Decimal(1)),))),
        id="a source without a service here",
    ),
    pytest.param(_recorded(ServiceMapping("Pax8", "TRIAL", exclude="trial")), id="an exclusion"),
    pytest.param(_recorded(UnitRule(line=AgreementLineId("2"), included=Decimal(9))), id="another line's unit rule"),
    pytest.param(
        _recorded(UnitRule(account=AccountId("251"), service=ServiceId("77"), minimum=Decimal(9))),
        id="a unit rule of the service at another account",
    ),
    pytest.param(_recorded(UnitRule(service=ServiceId("95"), minimum=Decimal(9))), id="another service's unit rule"),
    pytest.param(
        _recorded(replace(ACCOUNT, key="acme-002", validity=Validity(date(2026, 11, 1), None))),
        id="an account key from the next month on",
    ),
    pytest.param(_published(_other_reading()), id="a reading of a source that does not lead here"),
    pytest.param(_published(_other_reading("Pax8", period="2026-09")), id="a reading of another month"),
]


@pytest.mark.parametrize("move", ELSEWHERE)
def test_what_moves_elsewhere_leaves_the_plan_alone(store: Store, move: Move) -> None:
    _fill(store)
    assert _moved(store, move) == []


AT_THE_LINE = [
    pytest.param(_recorded(replace(ACCOUNT, key="acme-002")), ["mappings"], id="another account key leads here"),
    pytest.param(_recorded(replace(SERVICE, key="M365-BP|P1Y")), ["mappings"], id="another service key leads here"),
    pytest.param(_recorded(replace(SERVICE, percent=Decimal(50))), ["mappings"], id="the service counts half"),
    pytest.param(
        _recorded(replace(ACCOUNT, shares=(Share("250", Decimal("0.5")), Share("251", Decimal("0.5"))))),
        ["mappings"],
        id="the account is shared",
    ),
    pytest.param(_superseded("entry-0"), ["mappings", "readings"], id="the account key leads nowhere any more"),
    pytest.param(_superseded("entry-2"), ["mappings"], id="the unit rule was superseded"),
    pytest.param(_ended("entry-0", date(2026, 12, 1)), ["mappings"], id="the account key got an end, a later one"),
    pytest.param(_ended("entry-1", date(2026, 10, 1)), ["mappings", "readings"], id="the service key ended before"),
    pytest.param(
        _recorded(UnitRule(service=ServiceId("77"), minimum=Decimal(9))), ["mappings"], id="a unit rule of the service"
    ),
    pytest.param(
        _recorded(UnitRule(account=AccountId("250"), service=ServiceId("77"), minimum=Decimal(9))),
        ["mappings"],
        id="a unit rule of the account's service",
    ),
    pytest.param(_published(samples.revision(2, sha256="ef" * 32)), ["readings"], id="another file"),
    pytest.param(_published(samples.revision(2, profile_version="000000000000")), ["readings"], id="another profile"),
    pytest.param(_published(_other_reading("Pax8", part="hub-7")), ["readings"], id="another part of the source"),
]


@pytest.mark.parametrize(("move", "parts"), AT_THE_LINE)
def test_what_moves_at_the_line_itself_moves_the_plan(store: Store, move: Move, parts: list[str]) -> None:
    _fill(store)
    # Its sources are named by the change as well, so that a reading stays part of the plan: that is another claim.
    before = _plan(store, replace(CHANGE, sources=()))
    with store.transaction() as conn:
        move(conn, store.tenant)
    after = _plan(store, replace(CHANGE, sources=()))
    assert before.hash != after.hash
    assert moved_parts(before.document, after.document) == parts


def test_a_source_that_the_change_names_stays_part_of_its_plan(store: Store) -> None:
    _fill(store)
    assert _moved(store, _superseded("entry-0")) == ["mappings"]


def test_a_source_that_now_leads_here_brings_its_readings(store: Store) -> None:
    _fill(store)
    with store.transaction() as conn:
        _published(_other_reading())(conn, store.tenant)
        mappings.record_entry(conn, store.tenant, "half", replace(ACCOUNT, source="Webroot"), "dana", NOON)
    assert _moved(store, _recorded(replace(SERVICE, source="Webroot"))) == ["mappings", "readings"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(PSA, kind="autotask"), id="another kind"),
        pytest.param(replace(PSA, base_url="https://sandbox.example"), id="another address"),
        pytest.param(replace(PSA, company="acme_test"), id="another company"),
    ],
)
def test_a_plan_is_bound_to_one_psa_tenant(store: Store, other: PsaIdentity) -> None:
    _fill(store)
    assert moved_parts(_plan(store).document, _plan(store, psa=other).document) == ["psa"]


def test_a_plan_is_bound_to_one_tenant_of_ours(store: Store, store_url: str) -> None:
    neighbour = Store(store_url, "neighbour")
    for each in (store, neighbour):
        _fill(each)
    assert moved_parts(_plan(store).document, _plan(neighbour).document) == ["tenant"]
    neighbour.close()


# --- the token ------------------------------------------------------------------------------------------------------


def _token(store: Store, period: str = PERIOD) -> str:
    with store.reading() as conn:
        return standing_token(conn, store.tenant, period)


def test_the_token_is_the_same_while_nothing_moves(store: Store) -> None:
    _fill(store)
    assert _token(store) == _token(store)
    with store.transaction() as conn:
        samples.insert_approved(conn, store.tenant, CHANGE)
    assert _token(store) == _token(store)
    assert len(_token(store)) == 16


MOVES = [pytest.param(case.values[0], id=case.id) for case in (*ELSEWHERE[:-1], *AT_THE_LINE)]


@pytest.mark.parametrize("move", MOVES)
def test_the_token_moves_with_every_mapping_and_every_reading_of_the_month(store: Store, move: Move) -> None:
    _fill(store)
    before = _token(store)
    with store.transaction() as conn:
        move(conn, store.tenant)
    assert _token(store) != before


def test_a_reading_of_another_month_moves_that_months_token_alone(store: Store) -> None:
    _fill(store)
    before, september = _token(store), _token(store, "2026-09")
    with store.transaction() as conn:
        _published(_other_reading(period="2026-09"))(conn, store.tenant)
    assert _token(store) == before
    assert _token(store, "2026-09") != september


def test_the_ledger_makes_its_plans_from_what_stood_when_it_was_asked_last(store: Store) -> None:
    _fill(store)
    ledger = StoreWriteLedger(store)
    first = ledger.standing(PERIOD)
    seen = ledger.plan(CHANGE, PSA)
    assert seen == _plan(store)
    with store.transaction() as conn:
        _superseded("entry-2")(conn, store.tenant)
    assert ledger.plan(CHANGE, PSA) == seen
    assert ledger.standing(PERIOD).token != first.token
    assert ledger.plan(CHANGE, PSA) == _plan(store) != seen
    again = ledger.standing(PERIOD)
    assert (again, ledger.plan(CHANGE, PSA)) == (ledger.standing(PERIOD), _plan(store))


# --- what nobody has looked at --------------------------------------------------------------------------------------


def _unread(store: Store) -> frozenset[str]:
    with store.reading() as conn:
        found = unread_sources(conn, store.tenant, PERIOD)
    assert StoreWriteLedger(store).standing(PERIOD).unread == found
    return found


def _reconcile(store: Store) -> None:
    with store.transaction() as conn:
        current = usage.current_revisions(conn, store.tenant, PERIOD)
        seen = [{"file_id": reading.file_id, "revision": reading.revision} for reading in current]
        reconciliations.record_reconciliation(conn, store.tenant, PERIOD, "run", "hash", "reconciled", seen, {}, NOON)


def test_a_source_that_was_read_since_the_month_was_reconciled_is_unread(store: Store) -> None:
    assert _unread(store) == frozenset()
    _fill(store)
    assert _unread(store) == {"Pax8"}
    _reconcile(store)
    assert _unread(store) == frozenset()
    samples.published(store, samples.revision(2))
    assert _unread(store) == {"Pax8"}
    samples.published(store, _other_reading())
    assert _unread(store) == {"Pax8", "Webroot"}
    _reconcile(store)
    assert _unread(store) == frozenset()
