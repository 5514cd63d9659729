"""Every row is typed or rejected as the rules say; the compiled expression and the judge must agree."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.profile import ImportProfile, load_profile
from tests.pipelines.intake.judge import judge
from tests.pipelines.intake.reading import read_text
from tests.resources.warehouse.agreement import assert_agreement, assert_slices

KEYS = [
    *("acme-001", "  000913 ", '="00047"', "'00012", "'t Hooft", "", " ", "7.3E+17", "2E05", "#N/A", "#REF!", "####"),
    *("a|b", "c\\", "d\\|e", "x" * 501, "Grand Total", "total", "Could not connect", "=1+1", "\u200bacme\u00a0"),
    *(
        "12e4567",
        "ev\u202eil",
        "bell\x07",
        "two\nlines",
        "Total:",
        "'; DROP TABLE answers; --",
        "naïve Ω",
        "1.5e+10",
        "-3E+1",
    ),
]
NUMBERS = ["12", "0", "-3", "(4)", "1,234", "7.25", "", "-", "n/a", "1.2.3", "'22.000", "0E-20", "1e3", "$5", "x"]
AMOUNTS = [*NUMBERS, "1.00000000001", "42.580645161290322580", "-0.00000000005", "99999999999999999999999999999"]
DATES = ["2026-07-01", "7/1/2026", "2026-02-30", "", "31.12.2026", "2026-07-31T23:59:59Z", "46055", "2026-7-1", "x"]
PERIODS = ["2026-07", "202607", "07-2026", "07.2026", "2026-07-15", "2026-13", "", "7/4/2026", "0001-01", "soon"]
KINDS = ["cycleCharge", "CYCLE_CHARGE", "cycle charge", "renew", "new", "cancelImmediate", "customer-credit", "", "x"]
TERMS = ["1-Year", "Monthly", "P1Y", "", "3-Year", "Forever", " 1-Year "]
STATES = ["Active", "active", " Active ", "Trial", "", "Cancelled", "Active user"]

CHARGES = """
profile: charges
source: Acme
basis: invoice
columns:
  account_key: Account
  account_name: Name
  service_key: [Service, Term, {constant: "x|y"}]
  quantity: Quantity
  unit_cost: Cost
  amount: Amount
  currency: {column: Currency, optional: true}
  commitment_term: Term
  subscription_id: Subscription
  charge_start: Start
  charge_end: {column: End, inclusive: true}
  charge_kind: Kind
numbers: {thousands: ",", nil: ["", "-", "n/a"], negative: ["-1", "(1)"], currency_symbols: ["$"]}
dates: ["%Y-%m-%d", "%m/%d/%Y", "%Y-%m-%dT%H:%M:%SZ"]
rows:
  failures: {match: "(?i)could not connect"}
  totals: {column: Account, match: "(?i)^(grand )?total:?$"}
  negative: reject
  zero: ignore
aggregate: {method: running_total, size_column: Size, cycle: [cycleCharge, renew]}
charges: {recurring: [cycleCharge, renew, new], cancel: [cancel-immediate], credit: [customerCredit]}
maps: {commitment_term: {1-Year: P1Y, Monthly: P1M, 3-Year: P3Y}}
"""
FILTERS = """
profile: filters
source: Acme
basis: subscription
arrives: {pattern: "x/*.csv", period: from_column}
columns:
  account_key: {any_of: [Company, Account], extract: "[a-z0-9-]+", case: upper}
  service_key: {column: Service, extract: '^([^|]*)', replace: {a: b, total: sum}, case: lower}
  quantity: {sum: [Quantity, Amount]}
  currency: {constant: usd}
  commitment_term: {column: Term, case: lower}
  subscription_id: [Subscription, Kind]
  period: Period
numbers: {thousands: ",", nil: ["", "-"], negative: ["-1", "1-"]}
dates: ["%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y"]
rows:
  include:
    - {column: State, in: [Active, Trial], ne: Cancelled}
    - {column: Cost, ge: 0, lt: 1000, not_in: [7.25]}
  exclude:
    - {column: Kind, matches: "(?i)^new$", not_blank: true}
    - {column: Start, gt: 2026-07-15}
    - {column: End, eq: 2026-07-01}
    - {column: Name, eq: "Could not connect", blank: true}
  fraction: reject
aggregate: {method: sum, by: [account, service, term]}
"""
DEVICES = """
profile: devices
source: Acme
basis: devices
columns: {account_key: Account, service_key: Service, quantity: {count: rows}, charge_start: Start}
dates: ["%Y-%m-%d"]
rows:
  include: [{column: State, not_in: [Trial, ""], matches: "^A"}]
  exclude: [{column: Quantity, le: 3}, {column: Start, in: [2026-07-01, "46055"]}, {column: Kind, blank: true}]
  totals: {column: Service, match: "(?i)total"}
aggregate: {by: [account, service]}
"""
COUNTED = """
profile: counted
source: Acme
basis: devices
columns:
  account_key: Account
  service_key: [Service, Kind]
  quantity: Quantity
  charge_kind: Kind
  billing_cycle: Term
numbers: {negative: []}
aggregate: {method: count}
charges: {one_off: [new]}
maps: {billing_cycle: {Monthly: P1M}, charge_kind: {x: new}}
"""
SIGNED = """
profile: signed
source: Acme
basis: invoice
columns: {account_key: Account, service_key: Service, quantity: Quantity, amount: Cost}
numbers: {thousands: ",", nil: ["", "-"], negative: ["-1", "(1)"], currency_symbols: ["$"]}
aggregate: {method: signed_sum, sign_column: Amount}
"""
DISTINCT = """
profile: distinct
source: Acme
basis: devices
columns:
  account_key: Account
  service_key: Service
  quantity: {count_distinct: {column: Subscription, case: lower}}
  commitment_term: {column: Subscription, case: lower}
maps: {commitment_term: {s1: first}}
"""
CLASSES = """
profile: classes
source: Acme
basis: invoice
columns: {account_key: Account, service_key: Service, quantity: Quantity}
dates: ["%Y-%m-%d"]
rows: {exclude: [{column: Start, gt: 2026-07-15}]}
aggregate:
  method: max
  sign_column: Amount
  classes:
    - {where: {column: Kind, matches: "(?i)^new$"}, method: signed_sum}
    - {where: {column: Cost, ge: 3, lt: 1000}, method: first}
    - {where: {column: Start, ge: 2026-07-01}, method: sum}
"""
PROFILES = {
    profile.name: profile
    for profile in map(load_profile, [CHARGES, FILTERS, DEVICES, COUNTED, SIGNED, DISTINCT, CLASSES])
}

CELLS = {
    "Account": KEYS,
    "Service": KEYS,
    "Name": KEYS,
    "Subscription": ["s1", "s2", "", "7.3E+17"],
    "Quantity": NUMBERS,
    "Size": NUMBERS,
    "Cost": AMOUNTS,
    "Amount": AMOUNTS,
    "Currency": ["USD", "usd", "", "$", "US Dollar"],
    "Term": TERMS,
    "Start": DATES,
    "End": DATES,
    "Kind": KINDS,
    "State": STATES,
    "Period": PERIODS,
}
FINE = {
    "Account": "acme",
    "Service": "M365",
    "Name": "Acme",
    "Subscription": "s1",
    "Quantity": "12",
    "Size": "12",
    "Cost": "1.5",
    "Amount": "18",
    "Currency": "USD",
    "Term": "1-Year",
    "Start": "2026-07-01",
    "End": "2026-07-31",
    "Kind": "cycleCharge",
    "State": "Active",
    "Period": "2026-07",
}


@st.composite
def records(draw: st.DrawFn) -> list[str]:
    """A record that is fine but for a few cells, or that has cells too many or too few."""
    odd = draw(st.sets(st.sampled_from(sorted(CELLS)), max_size=4))
    cells = [draw(st.sampled_from(CELLS[name])) if name in odd else FINE[name] for name in CELLS]
    change = draw(st.sampled_from(["none"] * 12 + ["more", "blank", "fewer", "empty"]))
    return {
        "none": cells,
        "more": [*cells, "surplus"],
        "blank": [*cells, "", " "],
        "fewer": cells[: draw(st.integers(1, len(cells)))],
        "empty": ["", " \u00a0"],
    }[change]


def as_csv(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([list(CELLS), *rows])
    return out.getvalue().encode()


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
@given(rows=st.lists(records(), min_size=1, max_size=60))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_compiled_expression_agrees_with_the_judge(
    profile: ImportProfile, rows: list[list[str]], tmp_path: Path
) -> None:
    content = as_csv(rows)
    read, records = read_text(tmp_path, content, profile), judge(content, profile)
    assert read.refusal is None
    assert_agreement(read, records)
    assert_slices(read, records)
