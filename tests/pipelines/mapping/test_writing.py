"""What is written reads back the same, and the same entries give the same text."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.comparing import subject_of
from pipelines.mapping.document import entry_as_document, read_mappings, write_mappings
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    MappingEntry,
    ServiceMapping,
    ServiceRule,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)
from pipelines.mapping.keys import match_key

keys = st.text(min_size=1).filter(lambda text: bool(match_key(text)) and bool(text.strip()))
ids = keys.filter(lambda text: text == text.strip())
positive = st.decimals(Decimal("0.0000000001"), Decimal(10) ** 12, places=10)
percents = st.decimals(Decimal("0.00000001"), Decimal(10) ** 6, places=8)
amounts = st.decimals(0, Decimal(10) ** 12, places=10)


@st.composite
def validities(draw: st.DrawFn) -> Validity:
    start = draw(st.none() | st.dates(max_value=date(9000, 1, 1)))
    days = draw(st.none() | st.integers(1, 10_000))
    return Validity(start, None if days is None else (start or date(2026, 1, 1)) + timedelta(days))


@st.composite
def wholes(draw: st.DrawFn) -> tuple[Decimal, ...]:
    """Shares that sum to exactly 1."""
    cuts = sorted(draw(st.sets(st.integers(1, 10**10 - 1), max_size=4)))
    bounds = [0, *cuts, 10**10]
    return tuple(Decimal(end - start).scaleb(-10) for start, end in pairwise(bounds))


@st.composite
def account_mappings(draw: st.DrawFn) -> AccountMapping:
    source, key, validity = draw(ids), draw(keys), draw(validities())
    if draw(st.booleans()):
        return AccountMapping(source, key, (), draw(keys), validity)
    shares = draw(wholes())
    targets = draw(st.lists(ids, min_size=len(shares), max_size=len(shares), unique=True))
    return AccountMapping(source, key, tuple(map(Share, targets, shares)), None, validity)


@st.composite
def service_mappings(draw: st.DrawFn) -> ServiceMapping:
    source, key, validity = draw(ids), draw(keys), draw(validities())
    if draw(st.booleans()):
        return ServiceMapping(source, key, exclude=draw(keys), validity=validity)
    rule = draw(st.sampled_from(ServiceRule))
    shares = draw(wholes()) if rule is ServiceRule.SPLIT else ()
    least, most = {ServiceRule.ONE: (1, 1), ServiceRule.SPLIT: (len(shares), len(shares))}.get(rule, (1, 4))
    services = tuple(map(ServiceId, draw(st.lists(ids, min_size=least, max_size=most, unique=True))))
    return ServiceMapping(source, key, services, rule, shares, draw(percents), None, validity)


@st.composite
def skipped_keys(draw: st.DrawFn) -> SkippedKey:
    return SkippedKey(draw(st.sampled_from(KeyKind)), draw(ids), draw(keys), draw(keys), draw(validities()))


@st.composite
def unit_rules(draw: st.DrawFn) -> UnitRule:
    line, account = draw(st.none() | ids.map(AgreementLineId)), draw(st.none() | ids.map(AccountId))
    minimum = draw(st.none() | amounts)
    return UnitRule(
        line=line,
        account=account if line is None else None,
        service=draw(ids.map(ServiceId)) if line is None else None,
        included=draw(amounts),
        block=draw(st.none() | positive),
        minimum=minimum,
        maximum=draw(st.none() | amounts.map(lambda more: more + (minimum or 0))),
        validity=draw(validities()),
    )


entries = st.lists(
    account_mappings() | service_mappings() | skipped_keys() | unit_rules(), unique_by=subject_of, max_size=6
)


@given(entries)
def test_what_is_written_reads_back_the_same(given_entries: list[MappingEntry]) -> None:
    read = read_mappings(write_mappings(given_entries))
    assert set(read.entries) == set(given_entries)
    assert len(read.entries) == len(given_entries)


@given(entries)
def test_the_order_of_entries_does_not_change_the_text(given_entries: list[MappingEntry]) -> None:
    text = write_mappings(given_entries)
    assert write_mappings(reversed(given_entries)) == text
    assert write_mappings(read_mappings(text).entries) == text


def test_a_file_is_sorted_one_entry_a_line() -> None:
    text = write_mappings(
        [
            UnitRule(line=AgreementLineId("1"), included=Decimal("2.0")),
            UnitRule(service=ServiceId("95"), block=Decimal(1), minimum=Decimal(5)),
            ServiceMapping("Pax8", "BACKUP-GB", (ServiceId("95"),), percent=Decimal("12.50")),
            ServiceMapping(
                "Ninja", "All", (ServiceId("81"), ServiceId("82")), ServiceRule.SPLIT, (Decimal("0.6"), Decimal("0.4"))
            ),
            AccountMapping("Pax8", "b", (Share("251", Decimal(1)),), validity=Validity(date(2026, 5, 1), None)),
            AccountMapping("Pax8", "b", (Share("250", Decimal(1)),), validity=Validity(None, date(2026, 5, 1))),
            AccountMapping("Pax8", "a", (), 'our "own"\n'),
            SkippedKey(KeyKind.ACCOUNT, "Pax8", "c", "later", Validity(None, date(2027, 1, 1))),
            SkippedKey(KeyKind.SERVICE, "Pax8", "A", "who is it?"),
        ]
    )
    assert text == (
        "accounts:\n"
        '  - {source: "Pax8", key: "a", exclude: "our \\"own\\"\\U0000000a"}\n'
        '  - {source: "Pax8", key: "b", account: "250", until: 2026-05-01}\n'
        '  - {source: "Pax8", key: "b", account: "251", from: 2026-05-01}\n'
        '  - {source: "Pax8", key: "c", skip: "later", until: 2027-01-01}\n'
        "\n"
        "services:\n"
        '  - {source: "Ninja", key: "All", services: ["81", "82"], rule: split, shares: ["0.6", "0.4"]}\n'
        '  - {source: "Pax8", key: "A", skip: "who is it?"}\n'
        '  - {source: "Pax8", key: "BACKUP-GB", services: ["95"], percent: "12.5"}\n'
        "\n"
        "units:\n"
        '  - {line: "1", included: "2"}\n'
        '  - {service: "95", round: up, block: "1", minimum: "5"}\n'
    )


def test_nothing_recorded_gives_a_file_with_empty_sections() -> None:
    assert write_mappings([]) == "accounts: []\n\nservices: []\n\nunits: []\n"


def test_an_entry_for_machines_has_the_fields_of_the_file() -> None:
    shares = (Share("250", Decimal("0.6")), Share("251", Decimal("0.4")))
    assert entry_as_document(AccountMapping("Pax8", "k", shares, validity=Validity(date(2026, 1, 1), None))) == {
        "source": "Pax8",
        "key": "k",
        "split": [{"account": "250", "share": "0.6"}, {"account": "251", "share": "0.4"}],
        "from": "2026-01-01",
    }
