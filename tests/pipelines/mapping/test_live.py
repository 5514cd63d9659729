"""Which entries hold on a day, and what their version says."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    MappingEntry,
    RecordedEntry,
    ServiceMapping,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)
from pipelines.mapping.live import live_on

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def account(target: str, key: str = "k", start: date | None = None, end: date | None = None) -> AccountMapping:
    """A decision that a key of Pax8 leads to one account."""
    return AccountMapping("Pax8", key, (Share(target, Decimal(1)),), validity=Validity(start, end))


def recorded(*entries: MappingEntry) -> list[RecordedEntry]:
    """The entries as the store keeps them, each a day after the one before."""
    return [
        RecordedEntry(f"e{number}", entry, "dana", START + timedelta(days=number))
        for number, entry in enumerate(entries)
    ]


def target_on(entries: list[RecordedEntry], day: date) -> list[str]:
    """The accounts that Pax8's keys lead to on that day."""
    return [share.target for entry in live_on(entries, day).accounts for share in entry.shares]


def test_an_entry_without_dates_has_always_been_live() -> None:
    assert target_on(recorded(account("250")), date(1999, 1, 1)) == ["250"]


def test_an_entry_holds_from_its_first_day_until_the_day_before_its_end() -> None:
    entries = recorded(account("250", start=MAY, end=JUNE))
    days = [MAY - timedelta(1), MAY, JUNE - timedelta(1), JUNE]
    assert [target_on(entries, day) for day in days] == [[], ["250"], ["250"], []]


def test_the_latest_recorded_of_overlapping_entries_wins() -> None:
    assert target_on(recorded(account("250"), account("251", key=" k ")), MAY) == ["251"]
    assert target_on(recorded(account("250"), account("251"))[::-1], MAY) == ["251"]


def test_of_two_entries_of_one_instant_the_later_in_order_wins() -> None:
    entries = [RecordedEntry(target, account(target), "dana", START) for target in ("250", "251")]
    assert target_on(entries, MAY) == ["251"]


def test_a_superseded_entry_is_live_on_no_day() -> None:
    entries = [RecordedEntry("e", account("250"), "dana", START, superseded_at=START)]
    assert target_on(entries, MAY) == []


def test_keys_of_accounts_and_services_are_two_things() -> None:
    rule = UnitRule(account=AccountId("250"), service=ServiceId("77"))
    line = UnitRule(line=AgreementLineId("1"))
    service = ServiceMapping("Pax8", "k", (ServiceId("77"),))
    live = live_on(recorded(rule, service, account("250"), line), MAY)
    assert (live.accounts, live.services, live.units) == ((account("250"),), (service,), (line, rule))


def test_a_skipped_key_is_no_mapping_and_the_latest_decision_about_a_key_holds() -> None:
    skip = SkippedKey(KeyKind.ACCOUNT, "Pax8", " k ", "waiting", Validity(None, JUNE))
    skipped = live_on(recorded(account("250"), skip), MAY)
    assert (skipped.accounts, skipped.services, skipped.skipped) == ((), (), (skip,))
    mapped = live_on(recorded(skip, account("250")), MAY)
    assert (mapped.accounts, mapped.skipped) == ((account("250"),), ())
    assert live_on(recorded(skip), JUNE).skipped == ()


def test_a_skipped_account_key_says_nothing_about_the_service_key_of_that_name() -> None:
    service = ServiceMapping("Pax8", "k", (ServiceId("77"),))
    live = live_on(recorded(service, SkippedKey(KeyKind.ACCOUNT, "Pax8", "k", "waiting")), MAY)
    assert (live.services, len(live.skipped)) == ((service,), 1)


def test_the_version_does_not_depend_on_order_or_on_when_it_was_decided() -> None:
    one, two = account("250", "a"), account("251", "b", start=MAY)
    assert live_on(recorded(one, two), MAY).version == live_on(recorded(two, one), JUNE).version


def test_an_ending_in_the_future_leaves_the_version_as_it_is() -> None:
    assert live_on(recorded(account("250")), MAY).version == live_on(recorded(account("250", end=JUNE)), MAY).version


def test_the_version_changes_with_what_is_decided() -> None:
    rules: list[MappingEntry] = [
        account("250"),
        account("251"),
        ServiceMapping("Pax8", "k", (ServiceId("250"),)),
        ServiceMapping("Pax8", "k", (ServiceId("250"),), percent=Decimal(50)),
        ServiceMapping("Pax8", "k", exclude="trial"),
        SkippedKey(KeyKind.SERVICE, "Pax8", "k", "trial"),
        SkippedKey(KeyKind.ACCOUNT, "Pax8", "k", "trial"),
        SkippedKey(KeyKind.SERVICE, "Pax8", "k", "test"),
        UnitRule(service=ServiceId("250")),
        UnitRule(service=ServiceId("250"), minimum=Decimal(1)),
        UnitRule(service=ServiceId("250"), maximum=Decimal(1)),
    ]
    versions = [live_on(recorded(rule), MAY).version for rule in rules] + [live_on([], MAY).version]
    assert len(set(versions)) == len(versions)
    assert all(len(version) == 16 for version in versions)


def test_a_number_written_with_more_zeros_is_the_same_version() -> None:
    one, other = (UnitRule(service=ServiceId("1"), block=Decimal(block)) for block in ("2", "2.0000000000"))
    assert live_on(recorded(one), MAY).version == live_on(recorded(other), MAY).version
