"""Bills of metered use: quantities with more decimals than are kept, and rows that are about money alone.

Belongs here: what becomes of such rows when a file is read.
Does not belong here: that no line is billed by a rounded quantity (``tests/dbt``).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.profile import ImportProfile
from pipelines.intake.readings import ReadFile
from tests.pipelines.intake.reading import profile_of, read_text

COLUMNS = "{account_key: Account, service_key: SKU, quantity: Hours, amount: Cost, charge_kind: Kind}"
HEADER = "Account,SKU,Hours,Cost,Kind\n"
CHARGES = "{recurring: [Usage], tax: [Tax], credit: [Credit], fee: [Fee]}"


def bill(basis: str = "invoice", columns: str = COLUMNS, **replaced: str) -> ImportProfile:
    """A profile of a bill."""
    return profile_of(basis=basis, columns=columns, charges=CHARGES, **replaced)


def typed(read: ReadFile, *names: str) -> list[tuple[object, ...]]:
    """These columns of the valid rows."""
    return [tuple(row[name] for name in names) for row in read.table.to_pylist()]


def test_a_quantity_of_a_bill_is_rounded_at_the_tenth_place_and_told(tmp_path: Path) -> None:
    rows = "Acme,VM,0.12345678905,1,Usage\nAcme,VM,-0.00000000005,1,Usage\nAcme,VM,1.50000000000,1,Usage\n"
    read = read_text(tmp_path, HEADER + rows, bill())
    assert typed(read, "quantity", "is_rounded") == [
        (Decimal("0.1234567891"), True),
        (Decimal("-0.0000000001"), True),
        (Decimal("1.5000000000"), False),
    ]
    assert read.observations == (
        "2 rows with a quantity of more than 10 decimal places, which was rounded: records 2, 3. "
        "Where the service is mapped, the line is held",
    )


def test_a_quantity_of_a_subscription_export_is_never_rounded(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER + "Acme,VM,0.12345678905,1,Usage\n", bill("subscription"))
    [error] = read.whole.rejected
    assert (error.row, error.column, error.value) == (2, "Hours", "0.12345678905")
    assert "does not fit exactly" in error.reason


def test_a_quantity_of_29_digits_is_on_no_bill(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER + f"Acme,VM,{'9' * 29},1,Usage\n", bill())
    assert [error.column for error in read.whole.rejected] == ["Hours"]


@pytest.mark.parametrize("formula", ["Hours / 3", "Cost / Hours"])
def test_a_calculated_quantity_of_a_bill_is_rounded_and_told(tmp_path: Path, formula: str) -> None:
    columns = COLUMNS.replace("quantity: Hours", "quantity: used")
    read = read_text(
        tmp_path,
        HEADER + "Acme,VM,3,1,Usage\nAcme,VM,7,1,Usage\n",
        bill(columns=columns, derived=f'{{used: "{formula}"}}'),
    )
    assert typed(read, "is_rounded")[-1] == (True,)


def test_a_profile_may_say_where_to_round_and_nothing_is_lost_unsaid(tmp_path: Path) -> None:
    columns = COLUMNS.replace("quantity: Hours", "quantity: spent")
    profile = bill(columns=columns, derived='{spent: "round(Cost, 10)"}')
    read = read_text(tmp_path, HEADER + "Acme,VM,3,0.12345678905,Usage\n", profile)
    assert typed(read, "quantity", "is_rounded") == [(Decimal("0.1234567891"), False)]


def test_what_a_size_loses_is_told_as_well(tmp_path: Path) -> None:
    aggregate = "{method: running_total, size_column: Cost}"
    read = read_text(tmp_path, HEADER + "Acme,VM,3,0.12345678905,Usage\n", bill(aggregate=aggregate))
    assert typed(read, "size_quantity", "is_rounded") == [(Decimal("0.1234567891"), True)]


def test_a_row_of_money_needs_no_quantity(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER + "Acme,VM,2,1,Usage\nAcme,VM,,0.19,Tax\nAcme,VM,,-3,Credit\n", bill())
    assert typed(read, "charge_class", "quantity", "amount") == [
        ("recurring", Decimal(2), Decimal(1)),
        ("tax", Decimal(0), Decimal("0.19")),
        ("credit", Decimal(0), Decimal(-3)),
    ]
    assert (read.rows.valid, read.rows.rejected, read.quantity) == (3, 0, Decimal(2))


@pytest.mark.parametrize(
    ("row", "column"),
    [
        pytest.param("Acme,VM,,1,Usage", "Hours", id="a row that carries the quantity"),
        pytest.param("Acme,VM,,1,Discount", "Hours", id="a kind that nobody knows may carry one"),
        pytest.param("Acme,VM,,,Tax", "Hours", id="a row that says nothing at all"),
        pytest.param("Acme,VM,some,1,Tax", "Hours", id="a quantity that is there and no number"),
        pytest.param("Acme,VM,,much,Tax", "Cost", id="an amount that is no number"),
    ],
)
def test_else_a_missing_quantity_rejects_its_row(tmp_path: Path, row: str, column: str) -> None:
    read = read_text(tmp_path, HEADER + row + "\n", bill())
    assert [error.column for error in read.whole.rejected] == [column]


def test_without_a_column_of_amounts_no_row_is_about_money(tmp_path: Path) -> None:
    columns = "{account_key: Account, service_key: SKU, quantity: Hours, charge_kind: Kind}"
    read = read_text(tmp_path, HEADER + "Acme,VM,,1,Tax\n", bill(columns=columns))
    assert [error.reason for error in read.whole.rejected] == ["the quantity is missing"]


def test_a_row_of_money_is_no_row_whose_quantity_is_zero(tmp_path: Path) -> None:
    rows = "Acme,VM,0,1,Usage\nAcme,VM,,1,Tax\n"
    ignoring = read_text(tmp_path, HEADER + rows, bill(rows="{zero: ignore}"))
    assert (ignoring.rows.ignored, typed(ignoring, "charge_class")) == (1, [("tax",)])
    flagging = read_text(tmp_path, HEADER + rows, bill(rows="{zero: flag}"))
    assert flagging.observations == ("1 row with a zero quantity: record 2",)


def test_a_row_of_money_adds_nothing_to_a_control_total(tmp_path: Path) -> None:
    totals = "{totals: {column: Account, match: Total}}"
    read = read_text(tmp_path, HEADER + "Acme,VM,2,1,Usage\nAcme,VM,,1,Tax\nTotal,,2,,\n", bill(rows=totals))
    assert (read.rows.totals, list(read.whole.added.values())) == (1, [Decimal(2)])
