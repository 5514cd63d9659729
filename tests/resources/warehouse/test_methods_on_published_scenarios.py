"""The methods of reduction against twelve charge scenarios that Microsoft published, through reader and models.

Belongs here: how many scenarios each method gets right, as was measured when the methods were chosen.
Does not belong here: the rules of the methods (unit tests in ``dbt_project``), other samples (``test_reading``).
"""

import csv
import os
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.profile import load_profile
from resources.warehouse.lake import Lake
from resources.warehouse.month import MonthWarehouse
from resources.warehouse.reading import DuckDbFileReader
from tests.dbt.builder import DBT_PROJECT

SAMPLES = Path(os.environ.get("TRUEUP_SAMPLES_DIR", "/nowhere"))
SCENARIOS = SAMPLES / "distributors" / "real" / "ms_partner_center_billing_scenarios.csv"

PROFILE = """
profile: published-scenarios
source: Microsoft
basis: invoice
columns:
  account_key: scenario
  service_key: {constant: seats}
  quantity: Quantity
  unit_cost: UnitPrice
  amount: Amount
  charge_start: ChargeStartDate
  charge_end: {column: ChargeEndDate, inclusive: true}
  charge_kind: ChargeType
dates: ["%Y-%m-%d"]
aggregate: METHOD
charges:
  recurring: [Cycle fee, Cycle instance prorate, Prorate fee when purchase, new, addQuantity, removeQuantity]
  cancel: [Cancel fee]
"""


def expected_seats() -> dict[str, Decimal]:
    """The seats at the end of each scenario: its last row says them."""
    with SCENARIOS.open(encoding="utf-8", newline="") as file:
        return {row["scenario"]: Decimal(row["expected_seats_at_period_end"]) for row in csv.DictReader(file)}


def seats(folder: Path, method: str) -> dict[str, Decimal]:
    """What each scenario comes to when the file is read and reduced by a method."""
    read = DuckDbFileReader().read(SCENARIOS, load_profile(PROFILE.replace("METHOD", method)), file_name=SCENARIOS.name)
    assert (read.refusal, read.rows.rejected, read.rows.valid) == (None, 0, 33)
    assert read.observations == ()
    keys = MonthWarehouse(Lake(folder / "lake", "check"), folder / "scratch", DBT_PROJECT).aggregate_preview(read.table)
    return {key["account_key"]: Decimal(key["quantity"]) for key in keys}


@pytest.mark.skipif(not SCENARIOS.is_file(), reason="TRUEUP_SAMPLES_DIR does not hold the published scenarios")
@pytest.mark.parametrize(
    ("method", "right"),
    [
        pytest.param(
            "{method: last_by_period_end}", 12, id="the latest row that is no refund, unless a later cancel covers it"
        ),
        pytest.param("{method: max}", 7, id="the highest row keeps seats that were given back"),
        pytest.param(
            "{method: signed_sum, sign_column: Amount}", 5, id="refunds count down, and slices of one period still add"
        ),
        pytest.param("{method: sum}", 1, id="a sum counts refunds and slices as seats"),
    ],
)
def test_a_method_is_right_in_as_many_scenarios_as_were_measured(method: str, right: int, tmp_path: Path) -> None:
    expected, found = expected_seats(), seats(tmp_path, method)
    assert len(expected) == 12
    assert set(found) == set(expected)
    assert sum(found[scenario] == quantity for scenario, quantity in expected.items()) == right
