"""A profile says everything about one kind of file, or is refused with the key at fault; no key is silently ignored."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.intake.columns import regular
from pipelines.intake.document import DocumentError, read_document, write_document
from pipelines.intake.layout import PeriodFrom
from pipelines.intake.profile import ProfileError, load_profile
from pipelines.intake.rows import Reduction
from pipelines.intake.shipped import shipped_profiles
from tests.pipelines.intake.reading import PLAIN, profile_of

EVERYTHING = """
profile: pax8-subscriptions
source: Pax8
basis: subscription
arrives: {pattern: "pax8/{period}/*.csv", period: from_path, part: null,
          complete: {min_rows: 1, max_drop: 50%, control_total: null}}
file: {format: csv, encoding: [utf-8-sig, cp1252], delimiter: ",", quote: '"', sheet: null}
header: {row: 5}
columns:
  account_key: Company ID
  account_name: Company Name
  service_key: [SKU, Commitment Term]
  service_name: Product Name
  quantity: {sum: [Included, Additional]}
  unit_cost: Partner Cost
  amount: null
  currency: {constant: USD}
  commitment_term: {any_of: [Commitment Term, Term], case: upper, replace: {" ": ""}}
  billing_cycle: Billing Term
  subscription_id: {column: Notes, extract: "sub-[0-9]+"}
  charge_start: Start
  charge_end: {column: End, inclusive: true}
  charge_kind: null
numbers: {decimal: ".", thousands: ",", nil: ["", "-", "n/a"], negative: ["-1", "(1)", "1-"], currency_symbols: ["$"]}
dates: ["%Y-%m-%d"]
rows:
  include: [{column: Status, in: [Active, 7, 1.50, 2026-01-01]}, {column: Price, ge: 3, lt: "20"}]
  exclude: [{column: Note, blank: true}, {column: Day, le: "2026-01-01"}]
  totals: {column: Account, match: "(?i)^(grand )?total$", of: quantity}
  failures: {match: "(?i)could not connect"}
  zero: flag
  negative: keep
aggregate: {method: last_by_period_end, by: [account, service, term],
            sign_column: null, size_column: null, cycle: [], classes: []}
charges: {recurring: [cycleCharge, renew], proration: [prorateCredit], one_off: [], cancel: [cancel], tax: [], fee: []}
maps: {commitment_term: {"One-Year commitment for monthly/yearly billing": P1Y, 720: P1M}, billing_cycle: {}}
derived: {}
rekey: []
unpivot: null
"""


def refusal(text: str) -> str:
    with pytest.raises(ProfileError) as refused:
        load_profile(text)
    return str(refused.value)


def changed(old: str, new: str) -> str:
    assert old in EVERYTHING
    return EVERYTHING.replace(old, new)


def test_the_whole_language_of_the_contract_is_read() -> None:
    profile = load_profile(EVERYTHING)
    assert (profile.name, profile.source, profile.basis) == ("pax8-subscriptions", "Pax8", "subscription")
    assert profile.method is Reduction.LAST_BY_PERIOD_END
    assert profile.complete.max_drop == Decimal("0.5")
    assert profile.rows.include[0].in_ == ("Active", Decimal(7), Decimal("1.50"), profile.rows.include[0].in_[3])  # type: ignore[index]
    assert profile.maps.commitment_term["720"] == "P1M"


def test_the_canonical_content_reads_back_as_the_same_profile() -> None:
    profile = load_profile(EVERYTHING)
    again = load_profile(profile.content)
    assert again == profile
    assert again.version == profile.version
    assert again.content == profile.content


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_a_shipped_profile_bears_its_file_s_name_and_reads_back(name: str) -> None:
    profile = load_profile(shipped_profiles()[name])
    assert profile.name == name
    assert load_profile(profile.content) == profile


def test_the_first_shipped_profiles_are_there() -> None:
    assert {"generic", "pax8-subscriptions", "microsoft-nce"} <= set(shipped_profiles())


def test_the_version_names_the_content_and_not_its_spelling() -> None:
    plain = load_profile(PLAIN)
    assert re.fullmatch("[0-9a-f]{12}", plain.version)
    assert plain.label == f"plain@{plain.version[:4]}"
    assert load_profile(PLAIN + "\nunpivot: null\n# a remark\nrekey: []\n").version == plain.version
    assert profile_of(source="Bolt").version != plain.version


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("format: csv", "format: connect", "'connect' is not supported yet", id="usage files of Connect"),
        pytest.param(
            "control_total: null", "control_total: 7", "'control_total' is not supported yet", id="a given total"
        ),
    ],
)
def test_what_is_not_read_yet_is_refused_by_name(old: str, new: str, words: str) -> None:
    assert words in refusal(changed(old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param("source: Pax8", "", "source: is missing. Add it.", id="a missing key"),
        pytest.param("source: Pax8", "source: Pax8\nsauce: x", "sauce: is no key of the profile language", id="a typo"),
        pytest.param("source: Pax8", 'source: "a\\u0007b"', "control characters are not allowed", id="a bell"),
        pytest.param("profile: pax8-subscriptions", "profile: ../x", "profile: ", id="a path as a name"),
        pytest.param("basis: subscription", "basis: hope", "basis: input should be 'subscription'", id="a basis"),
        pytest.param("row: 5", "row: 0", "header.row", id="record zero"),
        pytest.param("row: 5", "row: 5, find: true", "say either {row: N} or {find: true", id="two headers"),
        pytest.param("cp1252", "rot13", "'rot13' is no encoding of text files", id="a code that is no text"),
        pytest.param("cp1252", "klingon", "'klingon' is no encoding of text files", id="an unknown encoding"),
        pytest.param('delimiter: ","', 'delimiter: ",,"', "is not one character", id="two delimiters"),
        pytest.param("quote: '\"'", "quote: ','", "delimiter and quote are the same", id="a quote that separates"),
        pytest.param('thousands: ","', 'thousands: "."', "decimal is one mark", id="one mark for two things"),
        pytest.param('decimal: "."', 'decimal: "e"', "cannot be a mark of numbers", id="a letter as mark"),
        pytest.param('["$"]', '["$1"]', "cannot be a currency symbol", id="a digit in a symbol"),
        pytest.param("%Y-%m-%d", "%Q", "uses %Q; known directives are %Y", id="an unknown directive"),
        pytest.param("%Y-%m-%d", "%Y-%m", "does not name one year, one month and one day", id="half a date"),
        pytest.param("(?i)^(grand", "(?=x)^(grand", "a construct that is not supported", id="look-ahead"),
        pytest.param("(?i)^(grand", "((grand", "is no regular expression", id="an open bracket"),
        pytest.param("sub-[0-9]+", "a\\\\d++", "a construct that is not supported", id="a possessive repeat"),
        pytest.param("sub-[0-9]+", "a{1,1001}", "more than 1000 repeats", id="a repeat beyond the engine"),
        pytest.param("sub-[0-9]+", "[[a]", "is no regular expression", id="a doubtful set"),
        pytest.param("blank: true", "eq: true", "write 'true' in quotes", id="a truth value"),
        pytest.param("blank: true", "in: [null]", "write 'null' in quotes", id="nothing as a value"),
        pytest.param('le: "2026-01-01"', "le: soon", "is neither a number nor a date", id="a bound in words"),
        pytest.param(", blank: true", "", "the condition on 'Note' names no operator", id="no operator"),
        pytest.param("[SKU, Commitment Term]", "[[SKU], X]", "a part of a list is a single column", id="nested lists"),
        pytest.param("{constant: USD}", "{constant: USD, column: X}", "give exactly one of a header", id="two origins"),
        pytest.param(
            "{constant: USD}", "{constant: yes, case: upper}", "belong to a single column", id="a dressed constant"
        ),
        pytest.param("{constant: USD}", "{constant: true}", "write 'true' in quotes", id="a constant truth value"),
        pytest.param('{" ": ""}', '{"": x}', "the text to replace is blank", id="replacing nothing"),
        pytest.param("Partner Cost", "{column: A, range: start}", "range cannot be used for unit_cost", id="a range"),
        pytest.param("Partner Cost", "{count: rows}", "cannot be used for unit_cost", id="counting cost"),
        pytest.param("Partner Cost", "[A, B]", "a list of headers cannot be used for unit_cost", id="a joined number"),
        pytest.param("Start\n", "{constant: x}\n", "a constant cannot be used for charge_start", id="a constant date"),
        pytest.param(
            "Start\n", "{column: A, inclusive: true}\n", "inclusive cannot be used for", id="an inclusive start"
        ),
        pytest.param("Billing Term", "' '", "the name is blank", id="a blank header"),
        pytest.param("[account, service, term]", "[account]", "by names account and service", id="half a grain"),
        pytest.param("size_column: null", "size_column: [A, B]", "size_column is a single column", id="two sizes"),
        pytest.param("sign_column: null", "sign_column: [A, B]", "sign_column is a single column", id="two signs"),
        pytest.param(
            "sign_column: null",
            "sign_column: X",
            "sign_column belongs to method signed_sum; last_by_period_end asks for no sign",
            id="a sign that nobody asks for",
        ),
        pytest.param(
            "cancel: [cancel]", "cancel: [RENEW]", "'renew' is blank or stands twice", id="a kind in two lists"
        ),
        pytest.param("pax8/{period}/*.csv", "pax8/*.csv", "belong together, once", id="a path without a month"),
        pytest.param(
            "pax8/{period}/*.csv", "{period}/{part}.csv", "part from_path and {part}", id="an undeclared part"
        ),
        pytest.param("pax8/{period}/*.csv", "../{period}/*.csv", "a path below the inbox", id="a way out of the inbox"),
        pytest.param("period: from_path", "period: from_path, lag: 1", "lag counts back from", id="a lag by path"),
        pytest.param("max_drop: 50%", "max_drop: 50", "max_drop", id="a drop of fifty times"),
        pytest.param(
            "max_drop: 50%", "currencies: [usd]", "'usd' is no currency code of three capital", id="a currency in small"
        ),
        pytest.param("max_drop: 50%", "currencies: []", "currencies", id="no currency expected"),
        pytest.param('dates: ["%Y-%m-%d"]', "dates: []", "dates names no format", id="dates without a format"),
        pytest.param("charge_end: {column: End, inclusive: true}", "", "needs columns.charge_end", id="no period end"),
        pytest.param("last_by_period_end", "running_total", "needs aggregate.size_column", id="a total without a size"),
        pytest.param("{sum: [Included, Additional]}", "{count: rows}", "contradicts it", id="counting, and a method"),
        pytest.param(
            "{sum: [Included, Additional]}",
            "{count_distinct: Serial}",
            "quantity counts distinct values, which sets aggregate.method to count_distinct; last_by_period_end",
            id="distinct values, and a method",
        ),
        pytest.param(
            "{sum: [Included, Additional]}",
            "{count_distinct: [A, B]}",
            "count_distinct names a single column",
            id="distinct pairs",
        ),
        pytest.param(
            "last_by_period_end", "count_distinct", "needs columns.quantity {count_distinct: Header}", id="no values"
        ),
        pytest.param("Partner Cost", "{count_distinct: A}", "cannot be used for unit_cost", id="distinct costs"),
        pytest.param("classes: []", "classes: [{method: sum}]", "classes.0.where: is missing", id="a class of all"),
        pytest.param(
            "classes: []",
            "classes: [{where: {column: A, eq: b}, method: count}]",
            "cannot be used with count and count_distinct",
            id="a class that is counted",
        ),
        pytest.param(
            "classes: []",
            "classes: [{where: {column: A, eq: b}, method: running_total}]",
            "needs aggregate.size_column",
            id="a class without its size",
        ),
        pytest.param("blank: true", "within_days: -1", "greater than or equal to 0", id="a number of days below zero"),
        pytest.param("method: last_by_period_end, ", "", "aggregate.method is missing", id="no method"),
        pytest.param("from_path", "from_column", "belong together", id="a month by column and by path"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_key_at_fault(old: str, new: str, words: str) -> None:
    assert words in refusal(changed(old, new))


@pytest.mark.parametrize("pattern", [r"Quantity=(-?\d+)", r"a*?\s+b", r"\(\?=x", r"x\++"])
def test_a_repeat_of_an_escape_is_not_taken_for_a_possessive_one(pattern: str) -> None:
    assert regular(pattern) == pattern
    with pytest.raises(ValueError, match="a construct that is not supported"):
        regular(rf"{pattern}\d?+")


def test_every_problem_is_told_at_once() -> None:
    words = refusal(changed("basis: subscription", "basis: hope").replace("row: 5", "row: 0"))
    assert "basis: " in words
    assert "header.row: " in words


def test_a_month_from_a_column_needs_the_column() -> None:
    arrives = '{pattern: "x/*.csv", period: from_column}'
    assert "needs columns.period or columns.charge_start" in refusal(PLAIN + f"arrives: {arrives}")
    columns = "{account_key: A, service_key: S, quantity: Q, period: Month}"
    profile = profile_of(columns=columns, arrives=arrives)
    assert profile.period_column is not None
    assert profile.period_column.column == "Month"
    assert profile_of(columns=columns).period_column is None


def test_a_profile_without_a_pattern_has_the_usual_limits() -> None:
    profile = load_profile(PLAIN)
    assert profile.arrives is None
    assert (profile.complete.min_rows, profile.complete.max_drop) == (1, Decimal("0.5"))


def test_counting_rows_names_the_method() -> None:
    counted = profile_of(columns="{account_key: A, service_key: S, quantity: {count: rows}}", aggregate="{}")
    assert counted.method is Reduction.COUNT


def test_tabs_separate_a_tsv_and_one_encoding_needs_no_list() -> None:
    layout = profile_of(file="{format: tsv, encoding: utf-16, quote: null}").file
    assert (layout.separator, layout.encoding, layout.quote) == ("\t", ("utf-16",), None)


def test_a_negative_style_may_stand_unquoted() -> None:
    assert profile_of(numbers="{negative: [-1, (1)]}").numbers.negative == ("-1", "(1)")


def test_a_lag_belongs_to_files_that_are_dated_by_their_arrival() -> None:
    arrives = profile_of(arrives='{pattern: "**/x?.csv", period: from_arrival, lag: 1}').arrives
    assert arrives is not None
    assert (arrives.period, arrives.lag) == (PeriodFrom.ARRIVAL, 1)


# --- the document -----------------------------------------------------------------------------------------------------


def test_scalars_mean_what_they_look_like() -> None:
    read = read_document("a: Yes\nb: 00047\nc: 0.10\nd: 12:30\ne: NO\nf: true\ng: ~\nh: 1e5\ni:\nj: -3\n")
    assert read == {
        "a": "Yes",
        "b": "00047",
        "c": Decimal("0.10"),
        "d": "12:30",
        "e": "NO",
        "f": True,
        "g": None,
        "h": "1e5",
        "i": None,
        "j": -3,
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("a: 1\na: 2", "the key 'a' stands twice (line 2)", id="a doubled key"),
        pytest.param("a: &x 1\nb: *x", "aliases (*name) are not allowed", id="an alias, the seed of a YAML bomb"),
        pytest.param("a: !!python/object:os.system x", "tags (!name) are not allowed", id="a tag that runs code"),
        pytest.param("[" * 20_000, "it is nested too deeply", id="brackets without end"),
        pytest.param("a: 2026-13-45", "month must be in 1..12", id="a month that is none"),
        pytest.param("a: \x00", "special characters are not allowed", id="a NUL"),
        pytest.param('a: "\\ud800"', "surrogates not allowed", id="half a surrogate pair"),
        pytest.param("a: [1", "in line 1", id="an open list"),
        pytest.param("- 1", "is not a list of 'key: value' lines", id="a list"),
        pytest.param("", "is not a list of 'key: value' lines", id="nothing"),
        pytest.param("1: 2", "is not a list of 'key: value' lines", id="a number as key"),
        pytest.param("a: " + "x" * 300_000, "longer than 262,144 characters", id="a text too long to be a profile"),
    ],
)
def test_a_text_that_cannot_be_taken_at_its_word_is_refused(text: str, words: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(words)):
        read_document(text)
    assert words in refusal(text)


_keys = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
_scalars = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    st.integers(-(10**9), 10**9),
    st.booleans(),
    st.none(),
    st.dates(),
    st.sampled_from(["yes", "null", "~", "007", "1e5", "true", "", "2026-01-01", "0.5", "-", "*a", "!b", "&c", "#d"]),
)
_trees = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_keys, inner, max_size=3)),
    max_leaves=8,
)


@given(st.dictionaries(_keys, _trees, min_size=1, max_size=4))
def test_what_is_written_reads_back(document: dict[str, object]) -> None:
    assert read_document(write_document(document)) == document


@given(st.text(max_size=200))
def test_any_text_is_a_profile_or_a_refusal_in_words(text: str) -> None:
    with pytest.raises(ProfileError):
        load_profile(text)


def test_totals_of_amounts_need_the_amount() -> None:
    rows = 'rows: {totals: {column: Account, match: "^Total$", of: amount}}'
    assert "rows.totals.of amount needs columns.amount" in refusal(PLAIN + rows)


@pytest.mark.parametrize("pattern", [r"(-?\d+)", r"a?\w+", r"x*\++"])
def test_an_escaped_sign_between_two_repeats_is_no_possessive_repeat(pattern: str) -> None:
    assert load_profile(EVERYTHING.replace('"sub-[0-9]+"', f"'{pattern}'")).version
