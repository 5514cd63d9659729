"""A made-up month of any size: one distributor's file, its profile, its mappings, the PSA, and the right answer.

Belongs here: the data of the bench, the same for the same numbers; what it comes to, worked out beside the file.
Does not belong here: reading it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

PERIOD = "2026-10"
SOURCE = "Meridian"
SERVICES = 40
LINES_PER_ACCOUNT = 36

COLUMNS = (
    "Subscription ID",
    "Customer ID",
    "Customer Name",
    "Vendor",
    "SKU",
    "Product Name",
    "Commitment Term",
    "Billing Frequency",
    "Charge Type",
    "Start Date",
    "End Date",
    "Device",
    "Quantity",
    "Unit Price",
    "Currency",
    "Line Total",
)

PROFILE = f"""\
profile: meridian
source: {SOURCE}
basis: subscription
arrives: {{pattern: "meridian/{{period}}/{{part}}.csv", period: from_path, part: from_path}}
file: {{format: csv, encoding: [utf-8]}}
header: {{row: 5}}
columns:
  account_key: Customer ID
  account_name: Customer Name
  service_key: SKU
  quantity: Quantity
  charge_kind: Charge Type
numbers: {{decimal: ".", thousands: ","}}
aggregate: {{method: sum, by: [account, service]}}
charges: {{recurring: [Recurring], proration: [Prorated]}}
"""


@dataclass(frozen=True)
class Shape:
    """How large a month is: data rows in all, files they come in, bad quantities in a thousand rows."""

    rows: int
    files: int = 1
    bad_per_mille: int = 10

    @property
    def accounts(self) -> int:
        """Customers: more with more rows, as a larger MSP has, and never more than two thousand."""
        return max(20, min(2_000, self.rows // 2_500))

    @property
    def folder(self) -> str:
        """A name for a folder of this month."""
        return f"rows-{self.rows}-files-{self.files}-bad-{self.bad_per_mille}"


def make_month(root: Path, shape: Shape) -> Path:
    """The folder of a month, made if it is not there yet."""
    folder = root / shape.folder
    if (folder / "complete").exists():
        return folder
    (folder / "usage").mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as db:
        db.execute(_USAGE.format(rows=shape.rows, accounts=shape.accounts, bad=shape.bad_per_mille, services=SERVICES))
        db.execute(_TRUTH)
        for number in range(shape.files):
            _write_file(db, folder / "usage" / f"part{number:03}.csv", number, shape)
        lines = db.execute(_LINES).fetchall()
        expected = db.execute(_EXPECTED).fetchall()
    (folder / "profile.yaml").write_text(PROFILE, encoding="utf-8")
    (folder / "mappings.yaml").write_text(_mappings(shape), encoding="utf-8")
    (folder / "seed.json").write_text(json.dumps(_seed(shape, lines)), encoding="utf-8")
    (folder / "expected.json").write_text(json.dumps(sorted(map(list, expected))), encoding="utf-8")
    (folder / "complete").write_text(json.dumps(asdict(shape)), encoding="utf-8")
    return folder


_USAGE = """
CREATE TABLE usage AS
SELECT
    i,
    hash(i) % {accounts} AS account,
    hash(i, 'service') % {services} AS service,
    1 + hash(i, 'quantity') % 20 AS quantity,
    hash(i, 'kind') % 100 < 3 AS is_prorated,
    hash(i, 'bad') % 1000 < {bad} AS is_bad
FROM range({rows}) AS numbers(i)
"""

# What a person would count: recurring rows with a quantity that is a number.
_TRUTH = """
CREATE TABLE truth AS
SELECT account, service, sum(quantity)::BIGINT AS quantity
FROM usage
WHERE NOT is_bad AND NOT is_prorated
GROUP BY account, service
"""

# The PSA knows 36 of the 40 services; of those, every tenth customer's quantity is too low by one.
_LINES = f"""
SELECT account, service, quantity - (CASE WHEN hash(account, service) % 10 = 0 THEN 1 ELSE 0 END) AS billed
FROM truth WHERE service < {LINES_PER_ACCOUNT} ORDER BY account, service
"""

_EXPECTED = f"""
SELECT
    account + 1,
    service + 1,
    CASE WHEN service < {LINES_PER_ACCOUNT} THEN (quantity - 1)::VARCHAR END AS before,
    quantity::VARCHAR AS after
FROM truth WHERE service >= {LINES_PER_ACCOUNT} OR hash(account, service) % 10 = 0
"""

_CELLS = """
    'SUB-' || lpad(i::VARCHAR, 9, '0') AS "Subscription ID",
    'C' || lpad(account::VARCHAR, 6, '0') AS "Customer ID",
    'Customer, ' || account || ' Ltd' AS "Customer Name",
    'Vendor ' || service % 7 AS "Vendor",
    'SKU-' || lpad(service::VARCHAR, 4, '0') AS "SKU",
    'Product ' || service || ' for teams' AS "Product Name",
    'P1Y' AS "Commitment Term",
    'Monthly' AS "Billing Frequency",
    CASE WHEN is_prorated THEN 'Prorated' ELSE 'Recurring' END AS "Charge Type",
    '2026-10-01' AS "Start Date",
    '2026-10-31' AS "End Date",
    'device-' || i % 100000 AS "Device",
    CASE WHEN is_bad THEN (['n/a', '1,2,3', '1e3', ''])[1 + (i % 4)::BIGINT] ELSE quantity::VARCHAR END AS "Quantity",
    '12.40' AS "Unit Price",
    'USD' AS "Currency",
    (quantity * 12.40)::DECIMAL(18, 2)::VARCHAR AS "Line Total"
"""


def _write_file(db: duckdb.DuckDBPyConnection, file: Path, number: int, shape: Shape) -> None:
    """One file of the month: a preamble of four records, the header, its share of the rows."""
    share = file.with_suffix(".rows")
    query = f"SELECT {_CELLS} FROM usage WHERE i % {shape.files} = {number} ORDER BY i"
    db.execute(f"COPY ({query}) TO '{share}' (FORMAT csv, HEADER true)")
    preamble = f"Meridian Distribution,,\nUsage of {PERIOD},,\nMade for the bench,,\n,,\n"
    with file.open("wb") as whole, share.open("rb") as rows:
        whole.write(preamble.encode())
        while chunk := rows.read(1 << 20):
            whole.write(chunk)
    share.unlink()


def _mappings(shape: Shape) -> str:
    accounts = [
        f'  - {{source: {SOURCE}, key: "C{number:06}", account: "{number + 1}"}}' for number in range(shape.accounts)
    ]
    services = [
        f'  - {{source: {SOURCE}, key: "SKU-{number:04}", services: ["{number + 1}"]}}' for number in range(SERVICES)
    ]
    return "\n".join(["accounts:", *accounts, "services:", *services, ""])


def _seed(shape: Shape, lines: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    prices = {"unit_cost": "12.40", "unit_price": "15.00"}
    return {
        "psa": "connectwise",
        "accounts": [{"id": str(n + 1), "name": f"Customer, {n} Ltd"} for n in range(shape.accounts)],
        "services": [
            {"id": str(n + 1), "code": f"S{n}", "name": f"Product {n} for teams", **prices} for n in range(SERVICES)
        ],
        "agreements": [
            {"id": str(n + 1), "account": str(n + 1), "name": "Managed", "start": "2024-01-01"}
            for n in range(shape.accounts)
        ],
        "lines": [
            {
                "id": str(number),
                "agreement": str(account + 1),
                "service": str(service + 1),
                "quantity": str(billed),
                "start": "2024-01-01",
                **prices,
            }
            for number, (account, service, billed) in enumerate(lines, 1)
        ],
    }
