"""The limit: the same month in bare DuckDB SQL, in a process of its own.

Belongs here: one typed pass over the files, every row kept, bad rows set aside with their reason, sums, differences.
Does not belong here: anything the product does besides (evidence, hashes, findings, a store).

Run as ``python -m bench.limit MONTH OUT``; it prints its seconds as JSON.
"""

import json
import sys
import time
from pathlib import Path

import duckdb

from bench.months import COLUMNS

_TYPES = ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS)
_LOAD = """
CREATE TABLE usage AS
SELECT *, CASE
    WHEN kind = 'Prorated' THEN 'prorated'
    WHEN trim(coalesce(account, '')) = '' THEN 'no account'
    WHEN trim(coalesce(service, '')) = '' THEN 'no service'
    WHEN quantity IS NULL THEN 'no number' END AS reason
FROM (
    SELECT *, coalesce(
        CASE WHEN regexp_full_match(written, '-?[0-9]+([.][0-9]+)?') THEN try_cast(written AS DECIMAL(38, 10)) END,
        CASE WHEN regexp_full_match(written, '-?[0-9]{1,3}(,[0-9]{3})+([.][0-9]+)?')
            THEN try_cast(replace(written, ',', '') AS DECIMAL(38, 10)) END) AS quantity
    FROM (
        SELECT "Customer ID" AS account, "SKU" AS service, "Charge Type" AS kind, trim("Quantity") AS written
        FROM read_csv('$FILES', auto_detect = false, skip = 5, header = false, delim = ',', quote = '"',
            escape = '"', columns = {$TYPES})
    )
)
"""
_REJECTED = "COPY (SELECT rowid + 6 AS row, * FROM usage WHERE reason IS NOT NULL ORDER BY rowid) TO '{file}'"
_DIFFERENCES = """
COPY (
    SELECT coalesce(used.account, lines.account) AS account, coalesce(used.service, lines.service) AS service,
        lines.quantity AS before, coalesce(used.quantity, 0) AS after
    FROM (
        SELECT accounts.target AS account, services.target AS service, sum(sums.quantity) AS quantity
        FROM (
            SELECT account, service, sum(quantity) AS quantity
            FROM usage WHERE reason IS NULL GROUP BY account, service
        ) AS sums
        JOIN accounts ON accounts.key = sums.account
        JOIN services ON services.key = sums.service
        GROUP BY ALL
    ) AS used
    FULL JOIN lines USING (account, service)
    WHERE lines.quantity IS DISTINCT FROM used.quantity
    ORDER BY ALL
) TO '{file}' (FORMAT json, ARRAY true)
"""


def main(month: Path, out: Path) -> None:
    """Reconcile a month and print how long it took."""
    out.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(out / "limit.duckdb")) as db:
        _prepare(db, month)
        started = time.perf_counter()
        db.execute(_LOAD.replace("$TYPES", _TYPES).replace("$FILES", str(month / "usage" / "*.csv")))
        db.execute(_REJECTED.format(file=out / "rejected.csv"))
        db.execute(_DIFFERENCES.format(file=out / "differences.json"))
        seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "changes": _found(out / "differences.json")}))


def _prepare(db: duckdb.DuckDBPyConnection, month: Path) -> None:
    seed = json.loads((month / "seed.json").read_text(encoding="utf-8"))
    for table, size, key in (
        ("accounts", len(seed["accounts"]), "C%06d"),
        ("services", len(seed["services"]), "SKU-%04d"),
    ):
        db.execute(
            f"CREATE TABLE {table} AS SELECT printf('{key}', i) AS key, i + 1 AS target FROM range({size}) AS n(i)"
        )
    db.execute("CREATE TABLE lines (account BIGINT, service BIGINT, quantity DECIMAL(38, 10))")
    db.executemany(
        "INSERT INTO lines VALUES (?, ?, ?)",
        [(int(line["agreement"]), int(line["service"]), line["quantity"]) for line in seed["lines"]],
    )


def _found(file: Path) -> list[list[int | str | None]]:
    rows = json.loads(file.read_text(encoding="utf-8"))
    return sorted([row["account"], row["service"], _whole(row["before"]), _whole(row["after"])] for row in rows)


def _whole(quantity: float | None) -> str | None:
    return None if quantity is None else str(int(quantity))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
