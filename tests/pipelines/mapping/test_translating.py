"""A mapping file of another PSA is carried over by exact names and codes, or left to a person with the reason."""

import pytest

from pipelines.mapping.carrying import carried_mappings
from pipelines.mapping.document import MappingDocument, MappingError, read_mappings
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.naming import RecordName, names_of
from pipelines.mapping.translating import CarriedEntry, NotCarried, carried_over
from pipelines.mapping.writing import write_mappings, write_named_mappings

NAMES = """
names:
  - {account: "250", name: "Acme Ltd"}
  - {account: "251", name: "Beta"}
  - {service: "77", code: "M365-BP", name: "M365 Business Premium"}
  - {service: "78", name: "Backup"}
"""


def account(id_: str, name: str, *, is_active: bool = True) -> RecordName:
    """A customer of this PSA."""
    return RecordName(KeyKind.ACCOUNT, id_, name, "", is_active)


def service(id_: str, name: str, code: str = "", *, is_active: bool = True) -> RecordName:
    """A catalogue item of this PSA."""
    return RecordName(KeyKind.SERVICE, id_, name, code, is_active)


HERE = [
    account("900", "Acme Ltd"),
    account("901", "Beta"),
    service("700", "M365 Business Premium"),
    service("701", "Backup"),
]


def carry(entries: str, *records: RecordName, names: str = NAMES) -> tuple[CarriedEntry, ...]:
    """What becomes of these entries among these records."""
    return carried_over(read_mappings(entries + names), records or HERE)


def one(entries: str, *records: RecordName, names: str = NAMES) -> CarriedEntry:
    """What becomes of the only entry."""
    (entry,) = carry(entries, *records, names=names)
    return entry


ACME = 'accounts: [{source: Pax8, key: "k", account: "250"}]'
PREMIUM = 'services: [{source: Pax8, key: "k", services: ["77"]}]'


def test_every_entry_gets_the_ids_of_this_psa_and_keeps_all_else() -> None:
    old = """
accounts:
  - {source: "Pax8", key: "a", account: "250", from: 2026-01-01, until: 2026-09-01}
  - {source: "Pax8", key: "b", split: [{account: "250", share: "0.6"}, {account: "251", share: "0.4"}]}
  - {source: "Pax8", key: "c", exclude: "our own"}
  - {source: "Pax8", key: "d", skip: "later"}

services:
  - {source: "Pax8", key: "s", services: ["77"], percent: "50"}
  - {source: "Pax8", key: "t", services: ["77", "78"], rule: first_present}

units:
  - {service: "77", minimum: "5"}
  - {account: "251", service: "78", round: up, block: "10"}
"""
    new = write_mappings(each.entry for each in carry(old))
    replaced = old
    for old_id, new_id in (("250", "900"), ("251", "901"), ("77", "700"), ("78", "701")):
        replaced = replaced.replace(f'"{old_id}"', f'"{new_id}"')
    assert new == write_mappings(read_mappings(replaced).entries)
    assert all(each.why is None for each in carry(old))


@pytest.mark.parametrize(
    ("entries", "records", "found", "words"),
    [
        pytest.param(ACME, [account("9", "Acme Ltd")], "9", "Acme Ltd, was 250: same name", id="as spelled"),
        pytest.param(
            ACME,
            [account("9", "ACME, Inc.")],
            "9",
            'ACME, Inc., was 250: same name without letter case, the legal form "ltd", punctuation, the legal form',
            id="another legal form",
        ),
        pytest.param(
            ACME,
            [account("8", "Acme Inc"), account("9", "Acme Ltd")],
            "9",
            "Acme Ltd, was 250: same name",
            id="of two alike the one that is spelled the same",
        ),
        pytest.param(
            ACME,
            [account("8", "Acme Ltd", is_active=False), account("9", "Acme")],
            "9",
            'Acme, was 250: same name without letter case, the legal form "ltd"',
            id="inactive ones stand in nobody's way",
        ),
        pytest.param(
            PREMIUM,
            [service("9", "Premium", "m365-bp")],
            "9",
            "Premium, was 77: same code, another name than M365 Business Premium",
            id="by code alone",
        ),
        pytest.param(PREMIUM, [service("9", "", "M365-BP")], "9", "[M365-BP], was 77: same code", id="without a name"),
        pytest.param(
            PREMIUM,
            [service("8", "M365 Business Premium", "OTHER"), service("9", "M365 Business Premium", "M365-BP")],
            "9",
            "M365 Business Premium, was 77: same code, same name",
            id="two of one name told apart by their codes",
        ),
    ],
)
def test_a_record_is_found_by_its_name_or_code(entries: str, records: list[RecordName], found: str, words: str) -> None:
    carried = one(entries, *records)
    assert (carried.why, carried.sought[0].id) == (None, found)
    assert carried.words.startswith(words)


@pytest.mark.parametrize(
    ("entries", "records", "why", "words"),
    [
        pytest.param(
            ACME,
            [account("9", "Acme Holding")],
            NotCarried.NO_MATCH,
            "account 250 Acme Ltd: no account of this PSA has its name",
            id="only alike",
        ),
        pytest.param(
            PREMIUM,
            [service("77", "Other")],
            NotCarried.NO_MATCH,
            "service 77 M365 Business Premium [M365-BP]: no service of this PSA has its name or its code",
            id="the same id is another record",
        ),
        pytest.param(
            ACME,
            [account("8", "Acme Ltd"), account("9", "Acme Ltd")],
            NotCarried.SEVERAL_MATCHES,
            "account 250 Acme Ltd: more than one is like it: 8 (Acme Ltd), 9 (Acme Ltd)",
            id="two of its name",
        ),
        pytest.param(
            PREMIUM,
            [service("8", "M365 Business Premium"), service("9", "Premium", "M365-BP")],
            NotCarried.SEVERAL_MATCHES,
            "service 77 M365 Business Premium [M365-BP]: more than one is like it: 8 (M365 Business Premium), 9",
            id="one of its name and one of its code",
        ),
        pytest.param(
            ACME,
            [account("9", "Acme Ltd", is_active=False)],
            NotCarried.INACTIVE_MATCH,
            "account 250 Acme Ltd: only inactive ones are like it: 9 (Acme Ltd)",
            id="inactive",
        ),
        pytest.param(
            'accounts: [{source: Pax8, key: "k", account: "999"}]',
            HERE,
            NotCarried.NO_NAME,
            "the file has no name for account 999",
            id="a record without a name",
        ),
        pytest.param(
            'units: [{line: "1", minimum: "5"}]',
            HERE,
            NotCarried.LINE_ID,
            "a rule for one line cannot be carried over",
            id="a rule for a line",
        ),
    ],
)
def test_what_is_not_found_exactly_is_left_to_a_person(
    entries: str, records: list[RecordName], why: NotCarried, words: str
) -> None:
    carried = one(entries, *records)
    assert carried.why is why
    assert carried.words.startswith(words)


def test_an_account_is_never_taken_for_a_service() -> None:
    assert one(ACME, service("9", "Acme Ltd")).why is NotCarried.NO_MATCH


def test_a_name_too_long_to_be_compared_whole_is_found_only_as_it_is_spelled() -> None:
    long = "A" * 200
    names = f'names: [{{account: "250", name: "{long} north"}}]'
    assert one(f"{ACME}\n", account("9", f"{long} south"), names=names).why is NotCarried.NO_MATCH
    assert one(f"{ACME}\n", account("9", f"{long} north"), names=names).why is None


def test_two_records_of_the_file_never_become_one() -> None:
    names = 'names: [{account: "250", name: "Acme"}, {account: "251", name: "ACME"}]'
    entries = """
accounts:
  - {source: Pax8, key: "a", account: "250"}
  - {source: Pax8, key: "b", account: "251"}
"""
    first, second = carry(entries, account("9", "Acme"), names=names)
    assert (first.why, second.why) == (NotCarried.SHARED_MATCH, NotCarried.SHARED_MATCH)
    assert first.words == "account 250 and 251 of the file would all become 9"


def test_the_written_file_can_be_imported_and_its_comments_only_after_they_are_filled_in() -> None:
    entries = """
accounts:
  - {source: "Pax8", key: "a", account: "250"}
  - {source: "Pax8", key: "b\\n- x", split: [{account: "250", share: "0.5"}, {account: "251", share: "0.5"}]}
  - {source: "Pax8", key: "c", exclude: "ours"}
units:
  - {line: "1", minimum: "5"}
"""
    text = carried_mappings(carry(entries, account("900", "Acme Ltd")))
    assert text.splitlines()[0].startswith("# Mappings of another PSA: 2 of 4 entries were carried over, 2 are left")
    assert text.partition("\n\n")[2] == (
        "accounts:\n"
        '  - {source: "Pax8", key: "a", account: "900"}  # Acme Ltd, was 250: same name\n'
        '  # Pax8 "b\\U0000000a- x": account 251 Beta: no account of this PSA has its name\n'
        '  # - {source: "Pax8", key: "b\\U0000000a- x", split: [{account: "900", share: "0.5"}, '
        '{account: "", share: "0.5"}]}\n'
        '  - {source: "Pax8", key: "c", exclude: "ours"}\n'
        "\n"
        "services:\n"
        "\n"
        "units:\n"
        "  # a rule for one line cannot be carried over, because another PSA has other lines: write the new line's id, "
        "or account and service in place of line\n"
        '  # - {line: "", minimum: "5"}\n'
    )
    assert len(read_mappings(text).entries) == 2
    with pytest.raises(MappingError, match="is blank"):
        read_mappings(text.replace("# - {", "- {"))


def test_only_records_that_are_led_to_and_can_be_found_are_named() -> None:
    entries = read_mappings(f'{ACME}\n{PREMIUM}\nunits: [{{service: "78", minimum: "5"}}]').entries
    blank = service("78", " ")
    assert names_of(entries, [*HERE, service("77", "Premium"), account("250", "Acme"), blank]) == [
        account("250", "Acme"),
        service("77", "Premium"),
    ]


def test_a_named_file_says_the_same_as_one_without_names() -> None:
    entries = read_mappings(ACME + "\n" + PREMIUM + '\nunits: [{line: "1", minimum: "5"}]').entries
    names = [account("250", 'Acme "North"\n'), service("77", "", "M365-BP")]
    text = write_named_mappings(entries, names)
    read = read_mappings(text)
    assert read.entries == entries
    assert read.names == tuple(names)
    assert '{source: "Pax8", key: "k", account: "250"}  # Acme "North"\n' in text
    assert 'services: ["77"]}  # [M365-BP]\n' in text
    assert '{line: "1", minimum: "5"}  # line 1: no name known\n' in text
    assert write_named_mappings([], []).endswith("\nnames: []\n")
    assert read_mappings(write_named_mappings([], [])) == MappingDocument()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param('{account: "1"}', "name is missing", id="no name"),
        pytest.param('{service: "1"}', "name is missing", id="neither name nor code"),
        pytest.param('{name: "x"}', "none of account, service is given", id="nothing named"),
        pytest.param('{account: "1", code: "c", name: "x"}', "code means nothing beside account", id="code"),
        pytest.param(
            '{account: "1", name: "x"}, {account: "1", name: "y"}', "account 1 has a name already", id="two names"
        ),
    ],
)
def test_a_name_that_cannot_be_understood_is_refused(names: str, words: str) -> None:
    with pytest.raises(MappingError) as refused:
        read_mappings(f"names: [{names}]")
    assert words in str(refused.value.problems[0])


def test_shares_stay_with_their_accounts() -> None:
    parts = '[{{account: "{}", share: "0.1"}}, {{account: "{}", share: "0.9"}}]'
    old, new = parts.format("251", "250"), parts.format("901", "900")
    entry = one(f'accounts: [{{source: Pax8, key: "k", split: {old}}}]').entry
    assert f"split: {new}" in write_mappings([entry])
