"""The same month on PostgreSQL, two months at once, and the sample that nobody here wrote."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.journeys.desk import SEED, USAGE, Desk, new_desk
from trueup.sandbox.psa.running import running_sandbox


def test_a_month_runs_on_postgresql_with_dagsters_runs_beside_it(desk: Desk, bare_postgres_url: str) -> None:
    desk.say("config", "set", "store.url", bare_postgres_url)
    file = desk.root / "mappings.yaml"
    assert desk.say("mappings", "import", str(file), "--by", "dana").code == 0
    desk.drop("generic/2026-10/usage.csv", USAGE)
    assert desk.run()["verdict"] == "reconciled"
    assert desk.proposals() == {"1": "12"}
    assert "postgresql+psycopg2://" in (desk.root / "dagster" / "dagster.yaml").read_text()
    assert desk.run()["changes"]["new"] == 0


def test_two_months_one_of_them_twice_are_reconciled_at_once_and_each_is_proposed_once(desk: Desk) -> None:
    desk.drop("generic/2026-09/usage.csv", USAGE)
    desk.drop("generic/2026-10/usage.csv", USAGE)
    trueup = str(Path(sys.executable).parent / "trueup")
    runs = [
        subprocess.Popen(
            [trueup, "run", "--period", period, "--workspace", str(desk.root), "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for period in ("2026-09", "2026-10", "2026-10")
    ]
    ended = [(run.communicate(timeout=240), run.returncode) for run in runs]
    assert [(code, err.decode()) for (_, err), code in ended] == [(0, "")] * 3
    for (out, _), _ in ended:
        summary = json.loads(out)
        assert summary["verdict"] == "reconciled"
        # Where both runs saw the file first, each archived it, and the second arrival is told as a duplicate.
        read = [source for source in summary["sources"] if source["verdict"] != "duplicate"]
        assert [(source["verdict"], source["revision"]) for source in read] == [("complete", 1)]
    again = desk.run()
    assert (again["verdict"], again["changes"]["new"]) == ("reconciled", 0)
    assert desk.proposals() == {"1": "12"}
    assert [change["revision"] for change in desk.changes()] == [1]


SAMPLES = os.environ.get("TRUEUP_SAMPLES_DIR")


@pytest.mark.skipif(SAMPLES is None, reason="TRUEUP_SAMPLES_DIR is not set")
def test_a_partner_center_file_goes_through_to_proposals_with_every_row_accounted_for(tmp_path: Path) -> None:
    sample = Path(str(SAMPLES)) / "connect" / "microsoft-nce.csv"
    with sample.open(newline="", encoding="utf-8-sig") as stream:
        rows = list(csv.DictReader(stream))
    seed, mappings = _world(rows)
    with running_sandbox(seed) as psa:
        desk = new_desk(tmp_path / "workspace", psa)
        checked = desk.say("profiles", "check", str(sample), "--profile", "microsoft-nce", "--json")
        assert checked.code == 0
        assert checked.json["rows"] | {"in": 101, "header": 1, "valid": 100} == checked.json["rows"]
        (tmp_path / "mappings.yaml").write_text(yaml.safe_dump(mappings))
        assert desk.say("mappings", "import", str(tmp_path / "mappings.yaml"), "--by", "dana").code == 0
        desk.drop("microsoft-nce/2026-04/recon.csv", sample.read_bytes())
        summary = desk.run("2026-04")
        assert summary["verdict"] == "reconciled"
        assert summary["sources"][0]["rows"]["valid"] == 100
        proposed = {change["line_id"]: change for change in desk.changes("2026-04")}
    for number, row in enumerate(rows, start=1):
        is_cancelled = row["ChargeType"] == "cancelSubscription"
        after = "0" if is_cancelled else row["BillableQuantity"].split(".")[0]
        if after == "1":
            assert str(number) not in proposed
            continue
        assert proposed[str(number)]["quantity_after"] == after
        assert proposed[str(number)]["needs"] == (["confirm_zero"] if is_cancelled else [])


def _world(rows: list[dict[str, str]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A PSA that bills each of the sample's customers for one seat of the product it uses."""
    products = sorted({(row["ProductId"], row["SkuId"]) for row in rows})
    service = {product: str(500 + number) for number, product in enumerate(products)}
    terms = {"One-Month": "P1M", "One-Year": "P1Y", "Three-Year": "P3Y"}
    keys = {
        f"{row['ProductId']}|{row['SkuId']}|{terms[row['TermAndBillingCycle'].split(' ')[0]]}": service[
            (row["ProductId"], row["SkuId"])
        ]
        for row in rows
    }
    numbered = list(enumerate(rows, start=1))
    seed = SEED | {
        "accounts": [{"id": str(1000 + n), "name": row["CustomerName"], "active": True} for n, row in numbered],
        "services": [
            SEED["services"][0] | {"id": service[product], "code": "-".join(product), "name": "-".join(product)}
            for product in products
        ],
        "agreements": [SEED["agreements"][0] | {"id": str(2000 + n), "account": str(1000 + n)} for n, _ in numbered],
        "lines": [
            SEED["lines"][0]
            | {
                "id": str(n),
                "agreement": str(2000 + n),
                "service": service[(row["ProductId"], row["SkuId"])],
                "quantity": "1",
            }
            for n, row in numbered
        ],
    }
    source = "Microsoft"
    mappings = {
        "accounts": [{"source": source, "key": row["CustomerId"], "account": str(1000 + n)} for n, row in numbered],
        "services": [{"source": source, "key": key, "services": [target]} for key, target in keys.items()],
    }
    return seed, mappings
