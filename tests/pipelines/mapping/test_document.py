"""A mapping file is read to the letter, and refused with every problem named."""

from datetime import date
from decimal import Decimal

import pytest

from pipelines.identity import AccountId, AgreementLineId, ServiceId
from pipelines.mapping.document import LARGEST, MappingDocument, MappingError, read_mappings
from pipelines.mapping.entries import (
    AccountMapping,
    KeyKind,
    ServiceMapping,
    ServiceRule,
    Share,
    SkippedKey,
    UnitRule,
    Validity,
)


def account(fields: str) -> AccountMapping:
    """The one account entry with these fields beside source and key."""
    entry = read_mappings(f'accounts: [{{source: Pax8, key: "k", {fields}}}]').accounts[0]
    assert isinstance(entry, AccountMapping)
    return entry


def service(fields: str) -> ServiceMapping:
    """The one service entry with these fields beside source and key."""
    entry = read_mappings(f'services: [{{source: Pax8, key: "k", {fields}}}]').services[0]
    assert isinstance(entry, ServiceMapping)
    return entry


def unit(fields: str) -> UnitRule:
    """The one unit rule with these fields."""
    return read_mappings(f"units: [{{{fields}}}]").units[0]


def problems_of(text: str) -> list[str]:
    """What an operator reads about a refused file, a problem a line."""
    with pytest.raises(MappingError) as refused:
        read_mappings(text)
    return [str(problem) for problem in refused.value.problems]


def the_problem_of(text: str) -> str:
    """The only problem of a refused file."""
    (problem,) = problems_of(text)
    return problem


class TestAccounts:
    def test_a_key_leads_to_an_account_by_its_id(self) -> None:
        assert account('account: "250"') == AccountMapping("Pax8", "k", (Share("250", Decimal(1)),))

    def test_a_key_is_shared_out_among_accounts(self) -> None:
        entry = account('split: [{account: "250", share: "0.6"}, {account: "251", share: "0.4"}]')
        assert entry.shares == (Share("250", Decimal("0.6")), Share("251", Decimal("0.4")))

    def test_an_exclusion_has_a_reason_and_may_end(self) -> None:
        entry = account('exclude: "our own licences", until: 2027-01-01')
        assert entry == AccountMapping("Pax8", "k", (), "our own licences", Validity(None, date(2027, 1, 1)))

    def test_an_id_without_quotes_is_taken_as_its_digits(self) -> None:
        assert account("account: 0250").shares[0].target == "0250"

    def test_a_date_may_stand_in_quotes(self) -> None:
        assert account('account: "1", from: "2026-05-01"').validity == Validity(date(2026, 5, 1), None)

    def test_a_field_that_is_null_is_not_given(self) -> None:
        assert account('account: "1", exclude: null, until: ~').exclude is None

    def test_a_key_is_kept_as_written(self) -> None:
        text = 'accounts: [{source: Pax8, key: " Acme  Corp ", account: "1"}]'
        assert read_mappings(text).accounts[0].key == " Acme  Corp "


class TestSkips:
    @pytest.mark.parametrize(("section", "kind"), [("accounts", KeyKind.ACCOUNT), ("services", KeyKind.SERVICE)])
    def test_a_skip_has_a_reason_and_may_end(self, section: str, kind: KeyKind) -> None:
        text = f'{section}: [{{source: Pax8, key: " k", skip: "waiting for the contract", until: 2027-01-01}}]'
        skip = SkippedKey(kind, "Pax8", " k", "waiting for the contract", Validity(None, date(2027, 1, 1)))
        assert read_mappings(text).entries == (skip,)

    def test_a_key_is_mapped_or_skipped_on_one_day_and_either_on_another(self) -> None:
        skip, mapping = "{source: P, key: k, skip: later, until: 2026-05-01}", "{source: P, key: k, account: 1"
        entries = read_mappings(f"accounts: [{skip}, {mapping}, from: 2026-05-01}}]").accounts
        assert [type(entry) for entry in entries] == [SkippedKey, AccountMapping]
        words = 'entry 1 decides the same key "k" of P for the same days'
        assert words in the_problem_of(f"accounts: [{skip}, {mapping}}}]")


class TestServices:
    def test_a_joined_key_is_one_text(self) -> None:
        text = 'services: [{source: Pax8, key: "M365-BP|P1Y", services: ["77"]}]'
        assert read_mappings(text).services == (ServiceMapping("Pax8", "M365-BP|P1Y", (ServiceId("77"),)),)

    @pytest.mark.parametrize("word", ["first_present", "replicate"])
    def test_several_services_are_reached_by_a_rule(self, word: str) -> None:
        entry = service(f'services: ["81", "82"], rule: {word}')
        assert (entry.services, entry.rule, entry.shares) == (("81", "82"), ServiceRule(word), ())

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param('services: ["81", "82"], rule: split, shares: ["0.6", "0.4"]', id="shares beside services"),
            pytest.param('split: [{service: "81", share: "0.6"}, {service: 82, share: "0.4"}]', id="a split"),
            pytest.param(
                'split: [{service: "81", share: "0.6"}, {service: "82", share: "0.4"}], rule: split',
                id="a split that says its rule",
            ),
        ],
    )
    def test_a_count_is_shared_out_among_services(self, fields: str) -> None:
        entry = service(fields)
        assert (entry.services, entry.rule) == (("81", "82"), ServiceRule.SPLIT)
        assert entry.shares == (Decimal("0.6"), Decimal("0.4"))

    def test_percent_scales_the_quantity(self) -> None:
        assert service('services: ["95"], rule: one, percent: "12.5"').percent == Decimal("12.5")

    def test_a_key_is_excluded_with_a_reason(self) -> None:
        entry = service('exclude: "trial"')
        assert (entry.exclude, entry.services, entry.rule) == ("trial", (), ServiceRule.ONE)


class TestUnits:
    def test_a_rule_holds_for_a_line(self) -> None:
        assert unit('line: "1", included: "2"') == UnitRule(line=AgreementLineId("1"), included=Decimal(2))

    def test_a_rule_holds_for_a_service(self) -> None:
        entry = unit('service: "95", round: up, block: "10", included: "0", minimum: "5", maximum: null')
        assert entry == UnitRule(service=ServiceId("95"), block=Decimal(10), minimum=Decimal(5))

    def test_a_rule_holds_for_a_service_of_an_account(self) -> None:
        entry = unit('account: "250", service: "95", maximum: 7')
        assert entry == UnitRule(account=AccountId("250"), service=ServiceId("95"), maximum=Decimal(7))

    def test_rounding_up_without_a_block_gives_whole_units(self) -> None:
        assert unit('service: "95", round: up').block == 1

    def test_a_block_alone_rounds_up_to_it(self) -> None:
        assert unit('service: "95", block: "25"').block == 25

    def test_round_null_written_out_rounds_nothing(self) -> None:
        assert unit('service: "95", round: null, block: "1"').block is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing at all"),
        pytest.param("# nothing yet\n", id="a comment"),
        pytest.param("null", id="null"),
        pytest.param("accounts:\nservices: []\n", id="empty sections"),
    ],
)
def test_an_empty_file_decides_nothing(text: str) -> None:
    assert read_mappings(text) == MappingDocument()


ACCOUNT = "accounts: [{{source: Pax8, key: k, {}}}]".format
SERVICE = "services: [{{source: Pax8, key: k, {}}}]".format
UNIT = "units: [{{{}}}]".format


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(ACCOUNT("acount: 1, account: 1"), "there is no field acount. Did you mean account?", id="typo"),
        pytest.param(ACCOUNT("zzz: 1, account: 1"), "there is no field zzz. An entry here takes source,", id="unknown"),
        pytest.param(
            ACCOUNT("until: 2027-01-01"), "none of account, split, exclude, skip is given. Give exactly", id="no target"
        ),
        pytest.param(ACCOUNT("account: 1, exclude: x"), "account and exclude exclude each other", id="two targets"),
        pytest.param(ACCOUNT("exclude: x, skip: x"), "exclude and skip exclude each other", id="left out and put off"),
        pytest.param(ACCOUNT('skip: " "'), "skip is blank. Write skip", id="a skip without a reason"),
        pytest.param(SERVICE("services: [1], skip: x"), "services and skip exclude each other", id="mapped, put off"),
        pytest.param(SERVICE("skip: x, percent: 5"), "percent means nothing beside skip", id="a percentage of nothing"),
        pytest.param(UNIT("service: 1, skip: x"), "there is no field skip", id="a unit rule put off"),
        pytest.param("accounts: [{key: k, account: 1}]", "field source (line 1): source is missing", id="no source"),
        pytest.param('accounts: [{source: P, key: " ", account: 1}]', "key is blank. Write key", id="blank key"),
        pytest.param('accounts: [{source: "P ", key: k, account: 1}]', 'has blanks around it. Write "P"', id="padding"),
        pytest.param(ACCOUNT("account: 1.10"), "1.10 without quotes is read differently", id="a float as id"),
        pytest.param(ACCOUNT("account: no"), 'Put it in quotes: "no"', id="a boolean as id"),
        pytest.param(ACCOUNT("account: 0x1F"), 'Put it in quotes: "0x1F"', id="a hexadecimal as id"),
        pytest.param(ACCOUNT("account: [1]"), "account has the wrong shape. Write one text", id="a list as id"),
        pytest.param(ACCOUNT("split: 1"), "split has the wrong shape. Write a list: split: [...]", id="no list"),
        pytest.param(ACCOUNT("split: []"), "split is an empty list", id="an empty split"),
        pytest.param(ACCOUNT("split: [1]"), "Write {account: ..., share: ...}", id="a share without fields"),
        pytest.param(ACCOUNT("split: [{account: 1}]"), "field share (line 1): share is missing", id="no share"),
        pytest.param(
            ACCOUNT('split: [{account: 1, share: 0.5}, {account: 2, share: "0.5"}]'), "Put it in quotes", id="a float"
        ),
        pytest.param(
            ACCOUNT('split: [{account: 1, share: "0.5"}, {account: 1, share: "0.5"}]'),
            'field split (line 1): "1" stands here twice',
            id="one account twice",
        ),
        pytest.param(
            ACCOUNT('split: [{account: 1, share: "0.5"}, {account: 2, share: "0.4"}]'),
            "the shares sum to 0.9, not to 1. Mend the shares",
            id="less than a whole",
        ),
        pytest.param(
            ACCOUNT('split: [{account: 1, share: "0.3333333333"}, {account: 2, share: "0.6666666666"}]'),
            "the shares sum to 0.9999999999, not to 1",
            id="nearly a whole",
        ),
        pytest.param(
            ACCOUNT('split: [{account: 1, share: "1.5"}, {account: 2, share: "-0.5"}]'),
            "a share is not above 0",
            id="a negative share",
        ),
        pytest.param(ACCOUNT("account: 1, from: 2026-13-01"), "from has the wrong shape. Write a date", id="month 13"),
        pytest.param(ACCOUNT("account: 1, until: tomorrow"), "Write a date: until: 2027-01-31", id="no date"),
        pytest.param(ACCOUNT("account: 1, until: 20270131"), "Write a date: until: 2027-01-31", id="a bare number"),
        pytest.param(ACCOUNT("account: 1, until: [1]"), "until has the wrong shape", id="a list as date"),
        pytest.param(
            ACCOUNT("account: 1, from: 2026-05-01, until: 2026-05-01"), "the entry holds on no day", id="no day"
        ),
        pytest.param(SERVICE("percent: 5"), "none of services, split, exclude, skip is given", id="a key to nowhere"),
        pytest.param(SERVICE("services: [1, 2]"), "several services need a rule. Add rule: first", id="no rule"),
        pytest.param(SERVICE("services: [1, 2], rule: one"), "rule one leads to one service", id="one of two"),
        pytest.param(SERVICE("services: [1, 2], rule: any"), 'no rule "any". Write one of one,', id="no such rule"),
        pytest.param(SERVICE('services: "1"'), "services has the wrong shape. Write a list", id="one text"),
        pytest.param(SERVICE("services: [1, 1], rule: replicate"), '"1" stands here twice', id="a service twice"),
        pytest.param(SERVICE("services: [null]"), "Write one text: services", id="a null in a list"),
        pytest.param(SERVICE("services: [1, 2], rule: split"), "rule split needs shares. Add shares", id="no shares"),
        pytest.param(
            SERVICE("services: [1, 2], rule: split, shares: [1]"),
            "1 shares stand beside 2 services",
            id="a share too few",
        ),
        pytest.param(
            SERVICE('services: [1, 2], rule: split, shares: ["0.5", "half"]'), '"half" is no number', id="no number"
        ),
        pytest.param(
            SERVICE('services: [1, 2], rule: replicate, shares: ["0.5", "0.5"]'),
            "shares means nothing beside rule replicate. Leave it out",
            id="shares of a replica",
        ),
        pytest.param(
            SERVICE("split: [{service: 1, share: 1}], rule: replicate"),
            "split and another rule exclude each other",
            id="a split with another rule",
        ),
        pytest.param(
            SERVICE("split: [{service: 1, share: 1}], shares: [1]"),
            "shares means nothing beside split",
            id="two splits",
        ),
        pytest.param(SERVICE("exclude: x, rule: one"), "rule means nothing beside exclude", id="a rule for nothing"),
        pytest.param(SERVICE("services: [1], percent: 12.5"), "Put it in quotes", id="percent as a float"),
        pytest.param(SERVICE("services: [1], percent: 0"), "percent 0 is not above 0. Write exclude", id="percent 0"),
        pytest.param(
            SERVICE('services: [1], percent: "0.123456789"'), "28 digits before the point and 8 after", id="too fine"
        ),
        pytest.param(UNIT("included: 1"), "none of line, service is given", id="a rule for nothing at all"),
        pytest.param(UNIT("account: 1"), "none of line, service is given", id="an account alone"),
        pytest.param(UNIT("line: 1, service: 2"), "line and service exclude each other", id="line and service"),
        pytest.param(UNIT("line: 1, account: 2"), "account means nothing beside line", id="line and account"),
        pytest.param(UNIT("line: 1, round: down"), "rounded up or not at all. Write round: up", id="round down"),
        pytest.param(UNIT("line: 1, block: 0"), "block 0 is not above 0", id="block 0"),
        pytest.param(UNIT("line: 1, included: -1"), "included -1 is below 0", id="included below 0"),
        pytest.param(UNIT("line: 1, minimum: 5, maximum: 4"), "maximum 4 is below minimum 5", id="crossed bounds"),
        pytest.param(UNIT('line: 1, included: "1e3"'), '"1e3" is no number', id="an exponent"),
        pytest.param(UNIT('line: 1, included: "1,5"'), '"1,5" is no number', id="a decimal comma"),
        pytest.param(UNIT('line: 1, included: "٣"'), '"٣" is no number', id="digits of another script"),
        pytest.param(UNIT(f"line: 1, included: {'9' * 29}"), "cannot be kept exactly", id="too large"),
        pytest.param(UNIT("line: 1, included: [1]"), "included has the wrong shape", id="a list as number"),
        pytest.param("accounts: 5", "accounts (line 1): it is no list of entries", id="a section without entries"),
        pytest.param("accounts: [5]", "accounts, entry 1 (line 1): it has no fields", id="an entry without fields"),
        pytest.param("acounts: []", "no section acounts. Did you mean accounts?", id="a mistyped section"),
        pytest.param("zzz: []", "no section zzz. A file has accounts, services, units", id="an unknown section"),
        pytest.param("[1]", "file (line 1): it has no sections", id="a list as file"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, problem: str) -> None:
    assert problem in the_problem_of(text)


def test_a_problem_says_section_entry_field_and_line() -> None:
    text = "accounts:\n  - {source: P, key: a, account: 1}\n  - {source: P, key: b, account: yes}\n"
    assert the_problem_of(text).startswith("accounts, entry 2, field account (line 3): ")


def test_all_problems_are_named_at_once_in_the_order_of_the_file() -> None:
    text = """
services:
  - {source: P, key: a, services: [1, 2]}
  - {source: P, key: b, services: [1], services: [2]}
accounts:
  - {source: P, key: c}
"""
    lines = problems_of(text)
    assert [line.split(":")[0] for line in lines] == [
        "services, entry 1, field services (line 3)",
        "file (line 4)",
        "accounts, entry 1 (line 6)",
    ]
    with pytest.raises(MappingError, match="the mapping file has 3 problems:\n  services, entry 1"):
        read_mappings(text)


def test_a_file_with_one_problem_says_so() -> None:
    with pytest.raises(MappingError, match="the mapping file has 1 problem:"):
        read_mappings("[1]")


class TestTimes:
    ENTRY = '  - {{source: P, key: "{}", account: 1, {}}}\n'.format

    def test_entries_that_follow_each_other_are_two_decisions(self) -> None:
        text = "accounts:\n" + self.ENTRY("k", "until: 2026-05-01") + self.ENTRY("k", "from: 2026-05-01")
        assert len(read_mappings(text).accounts) == 2

    def test_two_decisions_for_one_day_are_refused(self) -> None:
        text = "accounts:\n" + self.ENTRY("k", "until: 2026-05-02") + self.ENTRY(" k ", "from: 2026-05-01")
        assert the_problem_of(text) == (
            'accounts, entry 2 (line 3): entry 1 decides the same key " k " of P for the same days. '
            "Keep one, or part them by from and until."
        )

    def test_a_later_entry_may_hold_earlier(self) -> None:
        text = "accounts:\n" + self.ENTRY("k", "from: 2026-05-01") + self.ENTRY("k", "from: 2026-04-01")
        assert "entry 2 (line 3): entry 1 decides" in the_problem_of(text)

    def test_a_short_entry_does_not_hide_a_long_one(self) -> None:
        text = (
            "accounts:\n"
            + self.ENTRY("k", "until: 2027-01-01")
            + self.ENTRY("k", "from: 2026-01-01, until: 2026-02-01")
            + self.ENTRY("k", "from: 2026-03-01")
        )
        assert [problem.split(":")[0] for problem in problems_of(text)] == [
            "accounts, entry 2 (line 3)",
            "accounts, entry 3 (line 4)",
        ]

    def test_two_rules_for_one_line_are_refused(self) -> None:
        assert "entry 1 decides the same target" in the_problem_of("units: [{line: 1}, {line: 1, included: 2}]")

    def test_a_line_and_a_service_of_one_id_are_two_targets(self) -> None:
        assert len(read_mappings("units: [{line: 1}, {service: 1}, {service: 1, account: 1}]").units) == 3

    def test_sources_keep_their_keys_apart(self) -> None:
        text = "accounts: [{source: A, key: k, account: 1}, {source: B, key: k, account: 1}]"
        assert len(read_mappings(text).accounts) == 2


class TestYaml:
    def test_a_field_that_stands_twice_is_refused(self) -> None:
        assert "the field account stands here twice" in the_problem_of(ACCOUNT("account: 1, account: 2"))

    def test_an_alias_is_refused_before_it_expands(self) -> None:
        bomb = "a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n"
        assert sum("is not allowed. Write the value out" in problem for problem in problems_of(bomb)) == 4

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("accounts: &x [{source: &s P, key: k, account: 1}, *x]", id="an entry"),
            pytest.param("accounts: &x [{source: P, key: k, account: *x}]", id="a text"),
            pytest.param("accounts: [{source: &x P, key: k, split: *x}]", id="a list"),
            pytest.param("units: [{line: &x 1, included: *x}]", id="a number"),
            pytest.param("units: [{line: &x 1, until: *x}]", id="a date"),
            pytest.param("units: &x []\naccounts: *x", id="a section"),
        ],
    )
    def test_an_alias_is_the_only_problem_it_makes(self, text: str) -> None:
        assert "alias" in the_problem_of(text)

    def test_a_tag_never_makes_an_object(self) -> None:
        problems = problems_of("accounts: !!python/object/apply:os.getcwd []")
        assert problems == [
            "file (line 1): the tag tag:yaml.org,2002:python/object/apply:os.getcwd is not allowed. Leave the tag out."
        ]

    def test_a_second_document_is_refused(self) -> None:
        assert "a second document begins here" in the_problem_of("accounts: []\n---\naccounts: []\n")

    def test_deep_nesting_is_refused(self) -> None:
        assert "it is nested too deeply" in the_problem_of("accounts: " + "[" * 20 + "]" * 20)

    def test_a_field_name_is_plain_text(self) -> None:
        assert "a field's name is not plain text" in the_problem_of("? [accounts]\n: []\n")

    def test_broken_yaml_names_its_line(self) -> None:
        assert the_problem_of("accounts:\n  - {source: 'P\n").startswith("file (line 3): this is no YAML: ")

    def test_a_control_character_is_no_yaml(self) -> None:
        assert "control characters are not allowed" in the_problem_of("accounts: \x01")

    def test_a_file_beyond_the_limit_is_not_even_parsed(self) -> None:
        assert f"larger than {LARGEST} bytes" in the_problem_of("#" * (LARGEST + 1))
