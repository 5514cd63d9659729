"""The changes of a month and the trail, as files for other tools, from the command line.

Belongs here: what stands in an exported file.
Does not belong here: how cells are written (``tests/resources/test_exports``).
"""

import csv
import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq

from tests.journeys.desk import Desk

PERIOD = ("--period", "2026-10")


def test_the_changes_of_a_month_are_the_same_in_every_format(month: Desk, tmp_path: Path) -> None:
    month.approve("1")
    files = {form: tmp_path / f"month.{form}" for form in ("csv", "json", "parquet")}
    for form, file in files.items():
        said = month.say("changes", "export", *PERIOD, "--format", form, "--out", str(file), "--json")
        assert (said.code, said.json) == (0, {"rows": 11, "file": str(file)})
    with files["csv"].open(encoding="utf-8", newline="") as opened:
        from_csv = {row["line_id"]: row for row in csv.DictReader(opened)}
    from_json = {row["line_id"]: row for row in json.loads(files["json"].read_text())}
    from_parquet = {row["line_id"]: row for row in pq.read_table(files["parquet"]).to_pylist()}
    for row in (from_csv["9"], from_json["9"]):
        assert (row["quantity_before"], row["quantity_after"], row["delta"]) == ("10", "4", "-6")
        assert (row["amount_delta"], row["cost_delta"]) == ("-132", "-108")
    assert from_parquet["9"]["amount_delta"] == Decimal(-132)
    assert from_parquet["1"]["approved_by"] == from_json["1"]["approved_by"] == ["dana"]
    assert from_csv["1"]["approved_by"] == "dana"
    assert from_csv["1"]["evidence"] == "usage.csv, row 2"
    assert from_csv[""]["quantity_before"] == ""


def test_the_trail_is_exported_as_a_table(month: Desk, tmp_path: Path) -> None:
    (name,) = month.names("1")
    month.say("approve", name, "--by", "dana", "--note", "=1+1")
    for form in ("csv", "json", "parquet"):
        file = tmp_path / f"trail.{form}"
        assert month.say("audit", "export", "--format", form, "--out", str(file)).code == 0
    with (tmp_path / "trail.csv").open(encoding="utf-8", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert (row["words"], row["are_words_purged"], row["subject"]) == ("'=1+1", "false", name)
    (entry,) = json.loads((tmp_path / "trail.json").read_text())
    (kept,) = month.trail()
    assert entry | {"at": kept["at"]} == kept
    (cells,) = pq.read_table(tmp_path / "trail.parquet").to_pylist()
    assert (cells["words"], cells["hash"], json.loads(cells["details"])) == ("=1+1", kept["hash"], kept["details"])


def test_an_export_that_cannot_be_written_is_told(month: Desk, tmp_path: Path) -> None:
    away = str(tmp_path / "nowhere" / "month.csv")
    said = month.say("changes", "export", *PERIOD, "--format", "csv", "--out", away)
    assert (said.code, f"{away} cannot be written" in said.err) == (1, True)
    assert month.say("audit", "export", "--format", "csv").code == 2
