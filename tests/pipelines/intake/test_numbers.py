"""Cells become exact decimals under declared marks, or are said not to fit; the judge reads them too."""

from collections.abc import Sequence
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.intake.conventions import Numbers
from pipelines.intake.numbers import number_sql
from tests.pipelines.intake.judge import NotRead, kept, number

ENGLISH = Numbers(
    decimal=".", thousands=",", nil=("", "-", "n/a"), negative=("-1", "(1)", "1-"), currency_symbols=("$", "€")
)
GERMAN = Numbers(decimal=",", thousands=". ", nil=("", "-"), negative=("-1", "1-"), currency_symbols=("EUR", "€"))
SWISS = Numbers(decimal=".", thousands="'", negative=("-1", "(1)"), currency_symbols=("CHF",))
STRICT = Numbers(negative=())
CONVENTIONS = [ENGLISH, GERMAN, SWISS, STRICT]


def numbers_of(cells: Sequence[str], numbers: Numbers, *, may_round: bool = False) -> list[tuple[object, ...]]:
    """For each cell: the value, whether it is nil, whether it is in scientific notation, whether it was rounded."""
    sql = number_sql("q", numbers, may_round=may_round)
    relation = "SELECT * FROM cells"
    for layer in (sql.body, sql.pieces, sql.result):
        relation = (
            f"SELECT *, {', '.join(f'{expression} AS {name}' for name, expression in layer.items())} FROM ({relation})"
        )
    with duckdb.connect() as connection:
        connection.register("cells", pa.table({"q_text": pa.array(cells, pa.string())}))
        answers = f"SELECT {sql.value}, {sql.is_nil}, {sql.is_scientific}, {sql.is_rounded} FROM ({relation})"
        return connection.sql(answers).fetchall()


def value_of(cell: str, numbers: Numbers = ENGLISH, *, may_round: bool = False) -> object:
    return numbers_of([cell], numbers, may_round=may_round)[0][0]


@pytest.mark.parametrize(
    ("cell", "numbers", "expected"),
    [
        pytest.param("12", ENGLISH, "12", id="a whole number"),
        pytest.param("1,234", ENGLISH, "1234", id="an English group"),
        pytest.param("1,234,567.8", ENGLISH, "1234567.8", id="two groups and a fraction"),
        pytest.param("1.234,00", GERMAN, "1234", id="a German group"),
        pytest.param("1 234,5", GERMAN, "1234.5", id="a blank as group mark"),
        pytest.param("1\u00a0234\u00a0567", GERMAN, "1234567", id="a no-break space as group mark"),
        pytest.param("1'234.50", SWISS, "1234.5", id="a Swiss group"),
        pytest.param("(6)", ENGLISH, "-6", id="brackets negate"),
        pytest.param("7-", ENGLISH, "-7", id="a trailing minus negates"),
        pytest.param("-5", ENGLISH, "-5", id="a leading minus negates"),
        pytest.param("$1,250", ENGLISH, "1250", id="a symbol before"),
        pytest.param("-$5", ENGLISH, "-5", id="a symbol after the sign"),
        pytest.param("$-5", ENGLISH, "-5", id="a symbol before the sign"),
        pytest.param("($12)", ENGLISH, "-12", id="a symbol inside brackets"),
        pytest.param("12 €", ENGLISH, "12", id="a symbol behind a blank"),
        pytest.param("EUR -1", GERMAN, "-1", id="a sign behind a blank that groups digits too"),
        pytest.param("EUR\u00a0-1.234,5", GERMAN, "-1234.5", id="a sign behind a no-break space"),
        pytest.param("-EUR ,5", GERMAN, "-0.5", id="a mark behind such a blank"),
        pytest.param("0E-20", ENGLISH, "0", id="a zero with an exponent"),
        pytest.param("83.25000000000000000000", ENGLISH, "83.25", id="zeros beyond the tenth place"),
        pytest.param("9.000000000000000000", STRICT, "9", id="a whole number with eighteen zeros"),
        pytest.param(".5", ENGLISH, "0.5", id="a fraction without a whole"),
        pytest.param("9999999999999999999999999999", ENGLISH, "9999999999999999999999999999", id="28 digits"),
        pytest.param("0.0000000001", ENGLISH, "0.0000000001", id="the tenth place"),
    ],
)
def test_a_number_is_read_exactly_under_its_marks(cell: str, numbers: Numbers, expected: str) -> None:
    assert value_of(cell, numbers) == Decimal(expected)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        pytest.param("1,23", ENGLISH, id="a group of two digits"),
        pytest.param("0,123", ENGLISH, id="a decimal of another convention is no group behind a zero"),
        pytest.param("0.123", GERMAN, id="nor under German marks"),
        pytest.param("0", Numbers(nil=("", "0")), id="a digit that the profile declares to say nothing"),
        pytest.param("1.23.4", GERMAN, id="groups out of place"),
        pytest.param("1.234\u00a0567", GERMAN, id="two kinds of group marks"),
        pytest.param("1.234", Numbers(decimal=","), id="an undeclared group mark"),
        pytest.param("(6)", STRICT, id="an undeclared negative style"),
        pytest.param("-6", STRICT, id="no negative style at all"),
        pytest.param("£5", ENGLISH, id="an undeclared symbol"),
        pytest.param("$$5", ENGLISH, id="two symbols"),
        pytest.param("--5", ENGLISH, id="two signs"),
        pytest.param("(-5)", ENGLISH, id="two negative styles"),
        pytest.param("+5", ENGLISH, id="a plus sign"),
        pytest.param("5.", ENGLISH, id="a mark without digits"),
        pytest.param("NaN", ENGLISH, id="not a number"),
        pytest.param("inf", ENGLISH, id="infinity"),
        pytest.param("1_000", ENGLISH, id="an underscore, as programmers write it"),
        pytest.param("٣", ENGLISH, id="an Arabic digit"),
        pytest.param("１２", ENGLISH, id="full-width digits"),
        pytest.param("0x10", ENGLISH, id="a hexadecimal number"),
        pytest.param("1e5", ENGLISH, id="an exponent"),
        pytest.param("7.3E+17", ENGLISH, id="what Excel leaves of a long number"),
        pytest.param("12; DROP TABLE usage", ENGLISH, id="SQL"),
        pytest.param("=1+1", ENGLISH, id="a formula"),
        pytest.param("0.00000000001", ENGLISH, id="an eleventh place"),
        pytest.param("99999999999999999999999999999", ENGLISH, id="29 digits"),
    ],
)
def test_a_cell_that_does_not_fit_its_marks_exactly_is_no_number(cell: str, numbers: Numbers) -> None:
    assert value_of(cell, numbers) is None


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        pytest.param("0.00000000005", "0.0000000001", id="a half goes up"),
        pytest.param("-0.00000000005", "-0.0000000001", id="a negative half goes away from zero"),
        pytest.param("0.000000000049999999999", "0", id="less than a half goes down"),
        pytest.param("0.99999999995", "1", id="rounding carries"),
        pytest.param("42.580645161290322580", "42.5806451613", id="a cloud cost"),
    ],
)
def test_an_amount_is_rounded_at_the_tenth_place(cell: str, expected: str) -> None:
    value, _, _, is_rounded = numbers_of([cell], ENGLISH, may_round=True)[0]
    assert (value, is_rounded) == (Decimal(expected), True)


def test_an_amount_that_rounding_makes_too_long_is_no_number() -> None:
    assert value_of("9999999999999999999999999999.99999999995", may_round=True) is None


def test_scientific_notation_is_told_from_other_text() -> None:
    told = numbers_of(["7.3E+17", "1e5", "(1e5)", "0E-20", "abc", "e5", "12"], ENGLISH)
    assert [is_scientific for _, _, is_scientific, _ in told] == [True, True, True, False, False, False, False]


def _cells(numbers: Numbers) -> st.SearchStrategy[str]:
    marks = numbers.decimal + (numbers.thousands or "") + "".join(numbers.currency_symbols)
    alphabet = st.sampled_from(sorted(set("0123456789005-()+eE., _'\u00a0\u202f" + marks)))
    soup = st.text(alphabet, max_size=14)
    groups = st.lists(st.sampled_from(["1", "12", "123", "000", "0", "999", "45"]), min_size=1, max_size=5)
    separator = st.sampled_from(["", ",", ".", " ", "'", "\u00a0"])
    fraction = st.one_of(
        st.just(""),
        st.sampled_from([".", ","]).flatmap(
            lambda mark: st.text(st.sampled_from("0059"), min_size=0, max_size=24).map(lambda digits: mark + digits)
        ),
    )
    number = st.tuples(groups, separator, fraction).map(lambda built: built[1].join(built[0]) + built[2])
    around = ["", "-", "(", ")", *numbers.currency_symbols, *(f"{symbol} " for symbol in numbers.currency_symbols)]
    affix = st.sampled_from(around)
    dressed = st.tuples(affix, affix, number, affix, affix).map("".join)
    long = st.integers(-(10**40), 10**40).map(str)
    exponents = st.tuples(
        st.sampled_from(["0", "0.0", "0,00", "1.5", "-0", "00"]), st.sampled_from(["E-20", "e5", "E+1", "E"])
    )
    return st.one_of(soup, dressed, number, long, exponents.map("".join), st.sampled_from([*numbers.nil, "NaN", "inf"]))


@pytest.mark.parametrize("numbers", CONVENTIONS, ids=["english", "german", "swiss", "strict"])
@pytest.mark.parametrize("may_round", [False, True], ids=["quantities", "amounts"])
@given(data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_compiled_grammar_agrees_with_the_judge(numbers: Numbers, may_round: bool, data: st.DataObject) -> None:
    cells = [cell.strip() for cell in data.draw(st.lists(_cells(numbers), min_size=50, max_size=150))]
    for cell, (value, is_nil, _, _) in zip(cells, numbers_of(cells, numbers, may_round=may_round), strict=True):
        assert (cell, value, is_nil) == (cell, *_plainly(cell, numbers, may_round))


def _plainly(cell: str, numbers: Numbers, may_round: bool) -> tuple[Decimal | None, bool]:
    try:
        value = number(cell, numbers)
        return (None, True) if value is None else (kept(value, may_round=may_round), False)
    except NotRead:
        return None, False
