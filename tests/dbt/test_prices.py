"""Costs of a file: what changed since a month ago, and that no money of it is lost."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.intake.rows import RowClass
from pipelines.quantities import text
from resources.warehouse.building import run_dbt
from resources.warehouse.scratch import database_file, write_month
from tests.dbt.builder import DBT_PROJECT, PERIOD, Line, Month, Row, Workbench, accounts

BEFORE = Row("Acme", "M365", "10", unit_cost="18.00", period=PERIOD.previous)
NOW = Row("Acme", "M365", "12", unit_cost="19.80")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("warehouse"))


def test_another_cost_than_a_month_ago_is_told_once_for_all_accounts(bench: Workbench) -> None:
    earlier = [BEFORE, replace(BEFORE, account="Beta", quantity="3")]
    month = Month([NOW, replace(NOW, account="Beta", quantity="3")], earlier=earlier)
    (change,) = bench.figures(month).price_changes
    assert (change.service_key, change.service_name, change.currency) == ("M365", "M365 plan", "USD")
    assert (change.cost_before, change.cost_now) == (Decimal("18"), Decimal("19.8"))
    assert (change.accounts, change.quantity, len(change.evidence)) == (2, Decimal(15), 2)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        pytest.param([BEFORE], [replace(NOW, unit_cost="18.0")], id="the same number"),
        pytest.param([BEFORE], [replace(NOW, currency="EUR")], id="another currency"),
        pytest.param([BEFORE], [replace(NOW, account="Beta")], id="another customer's price"),
        pytest.param([BEFORE], [NOW, replace(NOW, unit_cost="18")], id="several costs now"),
        pytest.param([BEFORE], [replace(NOW, unit_cost=None)], id="no cost now"),
        pytest.param(
            [BEFORE], [replace(NOW, charge=RowClass.PRORATION), replace(NOW, unit_cost="18")], id="part of a month"
        ),
    ],
)
def test_no_change_of_price_is_invented(bench: Workbench, before: list[Row], now: list[Row]) -> None:
    assert bench.figures(Month(now, earlier=before)).price_changes == ()


def test_the_money_of_a_file_is_counted_to_its_end_in_every_currency(bench: Workbench, tmp_path: Path) -> None:
    rows = [
        Row("Acme", "M365", "1", amount="10.01"),
        Row("nobody", "M365", "1", amount="0.0000000001"),
        Row("own", "M365", "1", amount="5"),
        Row("Acme", "M365", "1", amount="-2.5", charge=RowClass.CREDIT, charge_kind="credit"),
        Row("Acme", "M365", "1", amount="7", currency="EUR"),
        Row("Acme", "M365", "1", amount="1", currency=None),
        Row("Acme", "M365", "1"),
    ]
    month = Month(rows, accounts=accounts(Acme="11", own=None))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    write_month(scratch, bench.lake, month.inputs(bench.lake))
    run_dbt(DBT_PROJECT, scratch, ["run"])
    with duckdb.connect(str(database_file(scratch)), read_only=True) as connection:
        balance = connection.table("money_conservation").order("currency").fetchall()
    assert [(currency, *map(text, parts)) for _, currency, *parts in balance] == [
        ("", "1", "1", "0", "0", "0"),
        ("EUR", "7", "7", "0", "0", "0"),
        ("USD", "12.5100000001", "10.01", "0.0000000001", "5", "-2.5"),
    ]


def test_usage_in_another_currency_than_its_line_is_told_and_compared(bench: Workbench) -> None:
    rows = [Row("Acme", "M365", "5", currency=currency) for currency in ("EUR", "USD", None)]
    figures = bench.figures(Month([*rows, Row("Beta", "M365", "3", currency="EUR")], [Line("1", "11", "501", "10")]))
    (found,) = figures.currency_mismatches
    assert (found.source, found.line_id, found.usage_currency, found.line_currency) == ("Pax8", "1", "EUR", "USD")
    assert [delta.quantity_after for delta in figures.deltas if delta.line_id == "1"] == [15]
