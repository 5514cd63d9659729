"""Bytes become records exactly, or the file is refused with the record's number; headers are found by name."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.intake.headers import Header, find_header, mapped_columns
from pipelines.intake.layout import FileLayout
from pipelines.intake.sheet import MAX_CELL, Records, UnreadableFile, encoding_of, is_blank, record_hash
from tests.pipelines.intake.reading import profile_of

COMMA = FileLayout(encoding=("utf-8-sig", "cp1252"))


def records_of(content: bytes, layout: FileLayout = COMMA) -> list[list[str]]:
    return list(Records(io.BytesIO(content), layout))


def refusal(content: bytes, layout: FileLayout = COMMA) -> str:
    with pytest.raises(UnreadableFile) as refused:
        records_of(content, layout)
    return str(refused.value)


# --- encodings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "declared", "expected"),
    [
        pytest.param("é".encode(), ("utf-8", "cp1252"), "utf-8", id="the first that fits"),
        pytest.param("é€".encode("cp1252"), ("utf-8-sig", "cp1252"), "cp1252", id="the fallback"),
        pytest.param("\ufeffa".encode(), ("cp1252",), "utf-8-sig", id="a UTF-8 mark outweighs the profile"),
        pytest.param("\ufeffa".encode("utf-16-le"), ("utf-8",), "utf-16", id="a UTF-16 mark"),
        pytest.param("\ufeffa".encode("utf-16-be"), ("utf-8",), "utf-16", id="a big-endian UTF-16 mark"),
        pytest.param("\ufeffa".encode("utf-32-le"), ("utf-8",), "utf-32", id="a UTF-32 mark"),
        pytest.param(b"", ("utf-8",), "utf-8", id="nothing"),
    ],
)
def test_the_mark_decides_and_then_the_declared_order(content: bytes, declared: tuple[str, ...], expected: str) -> None:
    assert encoding_of(io.BytesIO(content), declared) == expected


def test_a_file_that_fits_no_declared_encoding_is_refused_not_patched() -> None:
    words = refusal("Account,é\n".encode("cp1252"), FileLayout(encoding=("utf-8-sig", "ascii")))
    assert "the file is not text in utf-8-sig or ascii" in words
    assert "Declare its encoding in the profile (file.encoding)" in words


def test_half_a_surrogate_pair_is_no_utf_8() -> None:
    assert "not text in utf-8-sig" in refusal(b"Account\n\xed\xa0\x80\n", FileLayout())


@pytest.mark.parametrize("content", [b"\xef", b"\xef\xbb"])
def test_a_file_torn_inside_its_mark_is_refused_and_not_taken_for_an_empty_one(content: bytes) -> None:
    assert "not text in utf-8-sig" in refusal(content, FileLayout())


def test_a_torn_utf_16_file_is_refused() -> None:
    assert "not text in utf-16" in refusal("\ufeffAccount".encode("utf-16-le")[:-1])


def test_a_mark_is_no_part_of_the_first_header() -> None:
    assert records_of("\ufeffAccount,Ünit\n".encode()) == [["Account", "Ünit"]]
    assert records_of("\ufeffAccount\tŁódź\r\n".encode("utf-16-le"), FileLayout(format="tsv")) == [["Account", "Łódź"]]


# --- records ----------------------------------------------------------------------------------------------------------


def test_a_quoted_line_break_makes_one_record() -> None:
    assert records_of(b'a,"two\r\nlines",c\n\nd\r\n') == [["a", "two\r\nlines", "c"], [], ["d"]]


def test_an_old_mac_s_line_ends_end_records() -> None:
    assert records_of(b"a,b\rc,d") == [["a", "b"], ["c", "d"]]


def test_a_doubled_quote_is_a_quote() -> None:
    assert records_of(b'"=""00047""","say ""hi"""\n') == [['="00047"', 'say "hi"']]


def test_without_a_quote_character_quotes_are_text() -> None:
    layout = FileLayout(delimiter=";", quote=None)
    assert records_of(b'a;"b\n"c;d\n', layout) == [["a", '"b'], ['"c', "d"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b'a,b\nc,"d\ne,f\n', "record 2 opens a quote that is never closed", id="an open quote"),
        pytest.param(b'a\n"b"x,c\n', "record 2 has a character after a closing quote", id="text after a quote"),
        pytest.param(b"a\nb\x00c\n", "record 2 holds NUL characters", id="NUL"),
        pytest.param(b"a\n" + b"x" * 5_000_000, "record 2 has a line of more than 4,194,304", id="a line without end"),
        pytest.param(b"," * 2_000 + b"\n", "record 1 has more than 2,000 cells", id="columns without end"),
    ],
)
def test_a_malformed_file_is_refused_with_its_record(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_an_open_quote_at_the_top_of_a_long_file_is_found_at_once() -> None:
    content = b'Account,Service,Quantity\n"Acme,M365,1\n' + b"Bolt,M365,1\n" * 200_000
    started = time.perf_counter()
    assert "record 2 has a cell of more than 131,072 characters: a quote that opens there" in refusal(content)
    assert time.perf_counter() - started < 10


def test_a_cell_of_thirty_megabytes_is_refused() -> None:
    assert "record 1" in refusal(b"x" * 30_000_000)
    assert "record 2 has a cell of more than" in refusal(b'a\n"' + b"x\n" * MAX_CELL + b'"\n')


def test_a_cut_last_line_is_known() -> None:
    whole, cut = Records(io.BytesIO(b"a,b\n"), COMMA), Records(io.BytesIO(b"a,b\nc"), COMMA)
    assert (list(whole), whole.is_cut, whole.count) == ([["a", "b"]], False, 1)
    assert (list(cut), cut.is_cut, cut.count) == ([["a", "b"], ["c"]], True, 2)


@given(st.binary(max_size=400))
def test_any_bytes_are_records_or_a_refusal(content: bytes) -> None:
    records = Records(io.BytesIO(content), FileLayout(encoding=("latin-1",)))
    try:
        assert len(list(records)) == records.count
    except UnreadableFile as refused:
        assert refused.remedy  # noqa: PT017 (either outcome is right)


@pytest.mark.parametrize("record", [[], [""], ["", " \t\u00a0\u200b\ufeff"]], ids=["no cell", "an empty one", "blanks"])
def test_a_record_without_anything_is_blank(record: list[str]) -> None:
    assert is_blank(record)
    assert not is_blank([*record, "0"])


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_two_records_have_one_hash_only_when_they_are_the_same(one: list[str], other: list[str]) -> None:
    assert (record_hash(one) == record_hash(other)) == (one == other)


def test_a_separator_inside_a_cell_does_not_make_two_records_one() -> None:
    assert record_hash(["a\x1fb"]) != record_hash(["a", "b"])
    assert record_hash([""]) != record_hash([])
    assert record_hash(["\ud800"]) != record_hash(["?"])


# --- headers ----------------------------------------------------------------------------------------------------------

QUIRKS = Header(3, ("Acct #", "Item\nDescription", "", "Units ", "Unit Price", "unit price", "Ｐrice", "", "Price#2"))


@pytest.mark.parametrize(
    ("address", "position"),
    [
        pytest.param("acct #", 0, id="letter case"),
        pytest.param("Item Description", 1, id="a line break"),
        pytest.param("Units", 3, id="a trailing blank"),
        pytest.param("Unit Price", 4, id="the first of two"),
        pytest.param("Unit Price#2", 5, id="the second of two"),
        pytest.param("Unit Price#3", None, id="a third that is not there"),
        pytest.param("Price", 6, id="a full-width letter"),
        pytest.param("Price#2", 8, id="a header that looks like an address is itself"),
        pytest.param("#3", 2, id="by place"),
        pytest.param("#8", 7, id="by place, unnamed"),
        pytest.param("#10", None, id="a place that is not there"),
        pytest.param("#0", None, id="place nought"),
        pytest.param("Total", None, id="missing"),
        pytest.param("Total#1", None, id="missing, counted"),
    ],
)
def test_a_header_is_found_by_its_normal_form(address: str, position: int | None) -> None:
    assert QUIRKS.position(address) == position


def test_every_column_can_be_addressed_by_its_shown_name() -> None:
    names = [QUIRKS.name(place) for place in range(len(QUIRKS.cells))]
    assert names == [
        "Acct #",
        "Item Description",
        "#3",
        "Units",
        "Unit Price",
        "unit price#2",
        "Ｐrice",
        "#8",
        "Price#2",
    ]
    assert [QUIRKS.position(name) for name in names] == list(range(len(names)))


def found(content: bytes, header: str) -> tuple[int, list[list[str]]]:
    profile = profile_of(header=header)
    at, rest = find_header(iter(Records(io.BytesIO(content), COMMA)), profile)
    assert at is not None
    return at.row, [list(record) for record in rest]


BELOW_A_TITLE = b"Usage report\n\nAccount,Service,Quantity\nAcme,M365,1\nBolt,M365,2\n"


def test_the_header_is_found_below_a_title() -> None:
    assert found(BELOW_A_TITLE, "{find: true}") == (3, [["Acme", "M365", "1"], ["Bolt", "M365", "2"]])
    assert found(BELOW_A_TITLE, "{row: 3}") == (3, [["Acme", "M365", "1"], ["Bolt", "M365", "2"]])


@pytest.mark.parametrize(
    ("content", "header", "words"),
    [
        pytest.param(
            b"Account,Service,Qty\n",
            "{row: 1}",
            "the mapped column 'Quantity' is missing in record 1; headers seen in record 1: "
            "'Account', 'Service', 'Qty'. Correct the profile where the distributor renamed the column",
            id="a renamed column",
        ),
        pytest.param(
            b"Usage\nAccount,Service\nx\n",
            "{find: true, within: 3}",
            "the mapped column 'Quantity' is missing in the first 3 records; headers seen in record 2",
            id="the closest record is shown",
        ),
        pytest.param(b"Usage\n", "{row: 1}", "columns 'Account', 'Service', 'Quantity' are missing", id="all missing"),
        pytest.param(b"x\n", "{row: 4}", "the header is not found: the file has 1 records", id="too short"),
        pytest.param(b"\n\nAccount\n", "{row: 1}", "headers seen in record 1: nothing", id="a blank header"),
    ],
)
def test_a_header_that_is_not_where_it_should_be_is_refused(content: bytes, header: str, words: str) -> None:
    with pytest.raises(UnreadableFile) as refused:
        find_header(iter(Records(io.BytesIO(content), COMMA)), profile_of(header=header))
    assert words in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n" * 50, b" ,\n"], ids=["no bytes", "line ends", "blanks"])
@pytest.mark.parametrize("header", ["{row: 1}", "{row: 5}", "{find: true}"])
def test_a_file_of_nothing_has_no_header_and_is_not_refused(content: bytes, header: str) -> None:
    at, _ = find_header(iter(Records(io.BytesIO(content), COMMA)), profile_of(header=header))
    assert at is None


def test_an_optional_column_may_be_missing_and_synonyms_stand_for_each_other() -> None:
    columns = "{account_key: {any_of: [Company, Account]}, service_key: Service, quantity: Quantity, amount: Amount}"
    profile = profile_of(columns=columns)
    header = Header(1, ("Account", "Service", "Quantity"))
    assert [column.column for column in header.missing(mapped_columns(profile))] == ["Amount"]
    optional = profile_of(columns=columns.replace("amount: Amount", "amount: {column: Amount, optional: true}"))
    assert header.missing(mapped_columns(optional)) == []


def test_filters_totals_and_sizes_are_mapped_columns_too() -> None:
    profile = profile_of(
        columns="{account_key: A, service_key: [S, T], quantity: {sum: [Q, R]}, charge_kind: K}",
        rows="{include: [{column: I, blank: true}], exclude: [{column: E, eq: 1}], totals: {column: X, match: t}}",
        aggregate="{method: running_total, size_column: Z}",
    )
    assert [column.column for column in mapped_columns(profile)] == ["A", "S", "T", "Q", "R", "K", "Z", "I", "E", "X"]
