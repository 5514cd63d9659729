"""Suggestions come ranked and with their reasons; ticked are only exact matches of a first configuration."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz import fuzz

from pipelines.identity import ServiceId
from pipelines.mapping import suggesting
from pipelines.mapping.document import read_mappings
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
from pipelines.mapping.names import plain_name
from pipelines.mapping.offering import offered_mappings
from pipelines.mapping.seen import (
    DecidedKey,
    SeenKey,
    decided_keys,
    skipped_keys,
    sources_without_mappings,
    undecided_keys,
)
from pipelines.mapping.suggesting import suggest_targets
from pipelines.mapping.suggestions import Suggestion, Target

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OCTOBER = date(2026, 10, 31)
ACME, BETA, CONTOSO = Target("250", "Acme"), Target("251", "Beta Retail Ltd"), Target("252", "Contoso GmbH")
ACCOUNTS = (ACME, BETA, CONTOSO)
SERVICES = (
    Target("77", "M365 Business Premium", "M365-BP"),
    Target("78", "M365 E3", "M365|E3"),
    Target("79", "Backup"),
)


def key(key: str, *names: str, kind: KeyKind = KeyKind.ACCOUNT, **fields: Any) -> SeenKey:
    """A key of Pax8 that October has."""
    return SeenKey(kind, "Pax8", key, names or (key,), "2026-09", "2026-10", **fields)


def for_account(*names: str, of: str = "k", decided: tuple[DecidedKey, ...] = ()) -> list[Suggestion]:
    """What an account key with these names may mean."""
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key(of, *names)], ACCOUNTS, decided)
    return list(made.suggestions)


def for_service(of: str, name: str = "something else") -> list[Suggestion]:
    """What a service key may mean."""
    (made,) = suggest_targets(KeyKind.SERVICE, [key(of, name, kind=KeyKind.SERVICE)], SERVICES, ())
    return list(made.suggestions)


def recorded(*entries: MappingEntry, **fields: Any) -> list[RecordedEntry]:
    """Entries as the store holds them."""
    return [RecordedEntry(f"e{number}", entry, "dana", NOW, **fields) for number, entry in enumerate(entries)]


def led(source: str, of: str, *targets: str, until: date | None = None) -> AccountMapping:
    """A key that leads to accounts in equal shares, or nowhere."""
    shares = tuple(Share(target, Decimal(1) / len(targets)) for target in targets)
    return AccountMapping(source, of, shares, None if targets else "ours", Validity(None, until))


def skipped(of: str, until: date | None = None) -> SkippedKey:
    """An account key of Pax8 about which the decision is put off."""
    return SkippedKey(KeyKind.ACCOUNT, "Pax8", of, "waiting", Validity(None, until))


@pytest.mark.parametrize(
    ("name", "target", "score", "is_exact", "reason"),
    [
        pytest.param("  Acme ", ACME, 100, True, "the names are equal", id="equal as keys compare"),
        pytest.param("ACME", ACME, 100, False, "the names are equal without letter case", id="but for letter case"),
        pytest.param(
            "BETA RETAIL, LIMITED",
            BETA,
            100,
            False,
            'the names are equal without letter case, punctuation, the legal form "limited" and the legal form "ltd"',
            id="but for a whole trail",
        ),
        pytest.param(
            "Retail Beta",
            BETA,
            100,
            False,
            'the words of the names are equal without letter case and the legal form "ltd": "retail beta" and "beta '
            'retail"',
            id="words in another order",
        ),
        pytest.param(
            "contosso",
            CONTOSO,
            93,
            False,
            'the names are 93 % alike without letter case and the legal form "gmbh": "contosso" and "contoso"',
            id="a slip of the pen",
        ),
    ],
)
def test_names_are_likened_and_the_trail_is_told(
    name: str, target: Target, score: int, is_exact: bool, reason: str
) -> None:
    assert for_account(name) == [Suggestion(target, score, is_exact, (reason,))]


def test_what_is_like_nothing_has_no_suggestion() -> None:
    assert for_account("Zyx") == []
    assert for_account("***") == []
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key("Acme")], (), ())
    assert made.suggestions == ()


def test_a_key_that_bears_two_names_is_no_exact_match() -> None:
    assert [(made.target, made.is_exact) for made in for_account("Acme", "Acme Two")] == [(ACME, False)]


def test_two_accounts_of_one_name_are_both_exact_and_none_is_the_only_one() -> None:
    twins = [ACME, Target("299", "Acme")]
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key("Acme")], twins, ())
    assert [(each.target.id, each.is_exact) for each in made.suggestions] == [("250", True), ("299", True)]
    assert made.only_exact is None


@pytest.mark.parametrize(
    ("of", "target", "reason"),
    [
        pytest.param("m365-bp", "77", 'the key is its code "M365-BP"', id="the code, whatever its case"),
        pytest.param("M365-BP|P1Y", "77", 'the key holds its code "M365-BP"', id="a column of the key"),
        pytest.param("M365\\|E3|P1M", "78", 'the key holds its code "M365|E3"', id="a code with a bar in it"),
        pytest.param("79", "79", "the key is its id", id="the id"),
    ],
)
def test_an_equal_code_or_id_speaks_for_a_service(of: str, target: str, reason: str) -> None:
    (made,) = for_service(of)
    assert (made.target.id, made.score, made.is_exact, made.reasons) == (target, 100, False, (reason,))


def test_a_product_has_no_domain() -> None:
    assert all("domain" not in made.reasons[0] for made in for_service("k", "backup.com"))


@pytest.mark.parametrize(
    ("of", "name", "target", "reason"),
    [
        pytest.param("it@contoso.com", "Zyx", "252", "the domain contoso.com spells its name", id="in the key"),
        pytest.param("k", "Zyx (www.fabrikam.de)", "260", "both name the domain fabrikam.de", id="in both names"),
        pytest.param("k", "Fabrikam", "260", "its domain spells the key's name", id="in the target's name"),
    ],
)
def test_a_shared_domain_speaks_for_an_account(of: str, name: str, target: str, reason: str) -> None:
    accounts = [*ACCOUNTS, Target("260", "The Mill (fabrikam.de)")]
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key(of, name)], accounts, ())
    (suggestion,) = made.suggestions
    assert (suggestion.target.id, suggestion.score, suggestion.reasons) == (target, 95, (reason,))


def test_past_decisions_about_the_same_key_or_name_speak_for_their_targets() -> None:
    past = (
        DecidedKey("Webroot", "W-1", ("ZYX Ltd",), ("252", "999")),
        DecidedKey("NinjaOne", "k", ("other",), ("252", "251")),
    )
    first, second = for_account("Zyx", decided=past)
    assert (first.target, first.score) == (CONTOSO, 95)
    assert first.reasons == (
        "the same key of NinjaOne was mapped to it",
        'the key "W-1" of Webroot, of the same name, was mapped to it',
    )
    assert (second.target, second.reasons) == (BETA, ("the same key of NinjaOne was mapped to it",))


def test_the_likeliest_come_first_and_no_more_than_a_person_looks_through() -> None:
    near = [Target(str(number), f"Northwind {number}") for number in range(300, 320)]
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key("251", "Northwind 305")], [*near, BETA], ())
    assert len(made.suggestions) == suggesting.MOST
    assert [each.target.id for each in made.suggestions[:2]] == ["305", "251"]
    assert made.suggestions[0].is_exact


@given(st.text("ab c", max_size=12), st.text("ab c", max_size=12))
def test_likeness_is_the_similarity_of_the_sorted_words(one: str, other: str) -> None:
    (made,) = suggest_targets(KeyKind.ACCOUNT, [key("k", one)], [Target("250", other)], ())
    score = fuzz.token_sort_ratio(plain_name(one, is_company=True).text, plain_name(other, is_company=True).text)
    likely = score >= suggesting.LEAST and plain_name(one, is_company=True).text
    assert [each.score for each in made.suggestions] == ([round(score)] if likely else [])


def test_many_keys_are_likened_in_chunks_as_they_are_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [key(f"k{number}", f"Acme {number}") for number in range(40)]
    targets = [Target(str(number), f"Acme {number}") for number in range(1, 60)]
    at_once = suggest_targets(KeyKind.ACCOUNT, keys, targets, ())
    monkeypatch.setattr(suggesting, "_CELLS", 150)
    assert suggest_targets(KeyKind.ACCOUNT, keys, targets, ()) == at_once


def test_hundreds_of_targets_of_one_name_are_not_all_looked_at() -> None:
    twins = [Target(str(number), "Acme", "X") for number in range(300)]
    (made,) = suggest_targets(KeyKind.SERVICE, [key("X", "Acme", kind=KeyKind.SERVICE)], twins, ())
    assert (len(made.suggestions), made.only_exact) == (suggesting.MOST, None)
    decided = [DecidedKey("Webroot", "k", ("Acme",), ("250",))] * 300
    assert len(for_account("Acme", decided=tuple(decided))) == 1


# --- which keys wait, and what was decided ----------------------------------------------------------------------------


def test_a_key_waits_when_the_month_has_it_and_no_live_entry_speaks_of_it() -> None:
    seen = [key(word) for word in ("mapped", "excluded", "skipped", "ended", "put off till now", "new")]
    seen += [key("gone", is_current=False), key("gone too", is_current=False)]
    ended = led("Pax8", "ended", "250", until=date(2026, 10, 1))
    entries = recorded(led("Pax8", " mapped ", "250"), led("Pax8", "excluded"), ended, led("Webroot", "new", "250"))
    skips = [skipped("skipped "), skipped("put off till now", until=OCTOBER), skipped("gone too")]
    live = live_on([*entries, *recorded(*skips)], OCTOBER)
    assert [each.key for each in undecided_keys(seen, live)] == ["ended", "put off till now", "new"]
    assert [each.key for each in skipped_keys(seen, live)] == ["skipped"]


def test_decisions_are_told_with_the_names_their_keys_bore() -> None:
    service = ServiceMapping("Pax8", "S", (ServiceId("77"),))
    unit = UnitRule(service=ServiceId("77"))
    entries = recorded(
        led("Pax8", "a", "250", "251"), led("Webroot", "unseen", "252"), led("Pax8", "out"), service, unit
    )
    entries += recorded(led("Pax8", "wrong", "250"), superseded_at=NOW)
    entries += recorded(skipped("a"))
    seen = [key("a", "Acme", "Acme Ltd"), key("S", "Suite", kind=KeyKind.SERVICE)]
    assert decided_keys(KeyKind.ACCOUNT, seen, entries) == [
        DecidedKey("Pax8", "a", ("Acme", "Acme Ltd"), ("250", "251")),
        DecidedKey("Webroot", "unseen", ("unseen",), ("252",)),
    ]
    assert decided_keys(KeyKind.SERVICE, seen, entries) == [DecidedKey("Pax8", "S", ("Suite",), ("77",))]


def test_a_source_with_an_entry_of_any_kind_was_configured_before() -> None:
    seen = [key("a"), SeenKey(KeyKind.ACCOUNT, "Webroot", "w", ("w",), "2026-10", "2026-10")]
    superseded = recorded(led("Pax8", "wrong", "250"), superseded_at=NOW)
    assert sources_without_mappings(seen, [*superseded, *recorded(UnitRule(service=ServiceId("1")))]) == {"Webroot"}
    assert sources_without_mappings(seen, recorded(skipped("a"))) == {"Webroot"}


# --- the file ---------------------------------------------------------------------------------------------------------


def offered(first_configured: set[str]) -> str:
    """A file of an exact match, a likeness, a key without suggestions, and an exact service."""
    hostile = 'x"\n  - {source: "Pax8", key: "evil", account: "250"}'
    accounts = [key("a", "Acme"), key("c", "contosso"), key(hostile, hostile)]
    services = [key("S", "Backup", kind=KeyKind.SERVICE, is_current=True)]
    suggested = suggest_targets(KeyKind.ACCOUNT, accounts, ACCOUNTS, ())
    suggested += suggest_targets(KeyKind.SERVICE, services, SERVICES, ())
    return offered_mappings("2026-10", suggested, first_configured)


def test_exact_matches_of_a_new_source_are_live_entries_and_all_else_is_a_comment() -> None:
    document = read_mappings(offered({"Pax8"}))
    assert document.accounts == (AccountMapping("Pax8", "a", (Share("250", Decimal(1)),)),)
    assert document.services == (ServiceMapping("Pax8", "S", (ServiceId("79"),)),)
    text = offered({"Pax8"})
    assert '  # Pax8 "a" (Acme), seen 2026-09 to 2026-10\n' in text
    assert '  - {source: "Pax8", key: "a", account: "250"}  # Acme, 100: the names are equal\n' in text
    assert '  # - {source: "Pax8", key: "c", account: "252"}  # Contoso GmbH, 93: the names are 93 % alike' in text
    assert "nothing in the PSA is like it\n" in text


def test_once_a_source_was_configured_nothing_is_ticked_ever_again() -> None:
    assert read_mappings(offered(set())).entries == ()


def test_a_comment_that_is_uncommented_is_an_entry() -> None:
    text = offered({"Pax8"}).replace('  # - {source: "Pax8", key: "c"', '  - {source: "Pax8", key: "c"')
    assert [entry.key for entry in read_mappings(text).accounts] == ["a", "c"]
