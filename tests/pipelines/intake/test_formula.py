"""Formulas of derived columns: what they come to on real rows, and which are refused."""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.formula import FormulaError, read_formula
from pipelines.intake.profile import ProfileError
from pipelines.intake.readings import ReadFile
from tests.pipelines.intake.reading import profile_of, read_text

HEADER = "Account,SKU,Included Amount,Extra,Cost\n"


def read_under(folder: Path, rows: str, *, numbers: str = "{}", **derived: str) -> ReadFile:
    """Rows read with derived columns in the place of those that bear their names."""
    columns = {"account_key": "Account", "service_key": "SKU", "quantity": "Extra"} | {name: name for name in derived}
    listed = ", ".join(f"{name}: {column}" for name, column in columns.items())
    formulas = "".join(f"\n  {name}: {formula!r}" for name, formula in derived.items())
    return read_text(folder, HEADER + rows, profile_of(columns=f"{{{listed}}}", numbers=numbers, derived=formulas))


@pytest.mark.parametrize(
    ("formula", "cells", "quantity"),
    [
        pytest.param('"Included Amount" + Extra', "3,4,", "7", id="a sum of two columns"),
        pytest.param("Extra - -2 * 3", ",4,", "10", id="products before sums"),
        pytest.param("(Extra - 2) * 3", ",4,", "6", id="brackets"),
        pytest.param("Extra / 4", ",1,", "0.25", id="a quotient that ends"),
        pytest.param("round(Extra / 3, 2)", ",2,", "0.67", id="a rounded quotient"),
        pytest.param("round(Extra / -3, 2)", ",2,", "-0.67", id="halves go away from zero"),
        pytest.param("round(Extra * 0.5, 0)", ",5,", "3", id="a half"),
        pytest.param("coalesce(Extra, 0) + 1", ",,", "1", id="nil that counts as nothing"),
        pytest.param("extract(Cost, 'x([0-9]+)') * 2", ",,12x8", "16", id="digits inside a text"),
        pytest.param("Extra / 1000 * 1000", ",0.0000001,", "0.0000001", id="steps that end are exact"),
    ],
)
def test_a_formula_comes_to_its_exact_number(tmp_path: Path, formula: str, cells: str, quantity: str) -> None:
    read = read_under(tmp_path, f"Acme,M365,{cells}\n", quantity=formula)
    assert [row["quantity"] for row in read.table.to_pylist()] == [Decimal(quantity)]


@pytest.mark.parametrize(
    ("formula", "cells", "column", "words"),
    [
        pytest.param("Extra / Cost", ",4,0", "Extra", "divides by zero", id="a division by zero"),
        pytest.param("Extra * Cost", ",4,x", "Cost", "is not a number under the declared marks", id="a word"),
        pytest.param("Extra / 3", ",1,", "Extra", "more than 10 decimal places: say round", id="an endless quotient"),
        pytest.param("Extra * Extra", ",0.000001,", "Extra", "more than 10 decimal places", id="a long product"),
        pytest.param("Extra * Extra", f",{'9' * 15},", "Extra", "a number is too long", id="a product too large"),
        pytest.param("Extra + Cost", ",4,", "Extra", "the quantity is missing", id="nil makes nil"),
        pytest.param("Extra + Cost", ",1e3,2", "Extra", "scientific notation", id="scientific notation"),
    ],
)
def test_a_row_that_cannot_be_calculated_is_rejected(
    tmp_path: Path, formula: str, cells: str, column: str, words: str
) -> None:
    (error,) = read_under(tmp_path, f"Acme,M365,{cells}\n", quantity=formula).rejected
    assert (error.row, error.column) == (2, column)
    assert words in error.reason


def test_derived_texts_are_keys_and_names(tmp_path: Path) -> None:
    rows = "Acme, SKU-77 Pro ,,1,\nBolt,Other,,2,\n"
    read = read_under(tmp_path, rows, service_key="coalesce(extract(SKU, 'SKU-([0-9]+)'), lower(SKU))")
    assert [(row["service_key"], row["quantity"]) for row in read.table.to_pylist()] == [("77", 1), ("other", 2)]


def test_amounts_are_rounded_and_counted(tmp_path: Path) -> None:
    read = read_under(tmp_path, "Acme,M365,,3,1\n", amount="Cost / Extra")
    assert [row["amount"] for row in read.table.to_pylist()] == [Decimal("0.3333333333")]
    assert read.rounded_amounts == 1


def test_cells_are_read_under_the_marks_of_the_profile(tmp_path: Path) -> None:
    read = read_under(
        tmp_path, 'Acme,M365,,"1.250,5",\n', numbers='{decimal: ",", thousands: "."}', quantity="Extra * 2.5"
    )
    assert read.quantity == Decimal("3126.25")


def test_the_headers_of_a_formula_are_needed_and_shown(tmp_path: Path) -> None:
    read = read_under(tmp_path, "Acme,M365,1,2,\n", quantity='"Included Amount" + Extra')
    assert (read.columns["quantity"], read.unused_columns) == ("Included Amount|Extra", ("Cost",))
    refused = read_under(tmp_path, "Acme,M365,1,2,\n", quantity="Extra + Bonus").refusal
    assert refused is not None
    assert refused.startswith("the mapped column 'Bonus' is missing")


def test_a_name_that_the_file_has_too_is_refused(tmp_path: Path) -> None:
    columns = "{account_key: Account, service_key: SKU, quantity: extra}"
    read = read_text(tmp_path, HEADER + "Acme,M365,1,2,3\n", profile_of(columns=columns, derived='{extra: "Cost * 2"}'))
    assert read.refusal == (
        "the file has a column 'extra', and a column that the profile makes has the same name. "
        "Rename the derived column"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "cannot be read at its end", id="nothing"),
        pytest.param("Extra +", "cannot be read at its end", id="half a sum"),
        pytest.param("Extra Cost", "cannot be read at 'Cost'", id="no sign between"),
        pytest.param("(Extra", "cannot be read at its end", id="an open bracket"),
        pytest.param("Extra + 'two'", "a text in single quotes cannot be calculated with", id="a text in a sum"),
        pytest.param("round(Extra)", "round takes a number and its decimal places", id="round without places"),
        pytest.param("round(Extra, 11)", "round takes a number and its decimal places", id="too many places"),
        pytest.param("round(Extra, Cost)", "round takes a number and its decimal places", id="places from a cell"),
        pytest.param("lower(1)", "lower takes one text", id="a number in small letters"),
        pytest.param("coalesce(Extra)", "coalesce takes two or more values", id="one value"),
        pytest.param("coalesce(Extra, 0, 'x')", "coalesce takes two or more values", id="a text beside a number"),
        pytest.param("extract(SKU, '(')", "is no regular expression", id="a broken pattern"),
        pytest.param("extract(SKU, SKU)", "extract takes one text and a pattern", id="a pattern from a cell"),
        pytest.param("sum(Extra)", "cannot be read at '(Extra)'", id="a function that is not there"),
        pytest.param("1.12345678901", "cannot be read", id="a number that is too long"),
        pytest.param("Extra; DROP TABLE answers", "cannot be read at '; DROP TABLE answers'", id="something else"),
        pytest.param("-" * 501, "more than 500 characters", id="an endless formula"),
    ],
)
def test_what_is_no_formula_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(FormulaError) as refused:
        read_formula(text)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("columns", "derived", "words"),
    [
        pytest.param("quantity: Q", "{a: Q + 1}", "'a' is read by nothing", id="one that nobody reads"),
        pytest.param("quantity: {any_of: [a, Q]}", "{a: Q + 1}", "cannot be one of several headers", id="a synonym"),
        pytest.param("quantity: a", "{a: b + 1, b: Q}", "is made of another one, 'b'", id="one of another"),
        pytest.param("quantity: Q, currency: a", "{a: Q + 1}", "'a' is a number: it can be quantity", id="a currency"),
        pytest.param("quantity: {column: a, case: upper}", "{a: Q + 1}", "as it is", id="a number changed as text"),
        pytest.param("quantity: A", "{A: Q + 1}", "derived.A", id="a capital letter"),
        pytest.param("quantity: a", "{a: Q +}", "the formula cannot be read at its end", id="a broken formula"),
    ],
)
def test_a_profile_says_what_is_wrong_with_a_derived_column(columns: str, derived: str, words: str) -> None:
    with pytest.raises(ProfileError) as refused:
        profile_of(columns=f"{{account_key: Account, service_key: SKU, {columns}}}", derived=derived)
    assert words in str(refused.value)
