"""Computing months: one after the other, at once in two processes, kept in the lake, or one file alone.

Belongs here: what a build leaves behind and what it must not share.
Does not belong here: what the figures must be (tests/dbt).
"""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.rows import Reduction, RowClass
from pipelines.mapping.entries import AccountMapping
from pipelines.reconciliation.inputs import MonthFigures
from resources.warehouse.errors import WarehouseError
from resources.warehouse.manifest import prepared_manifest
from tests.dbt.builder import (
    DBT_PROJECT,
    PERIOD,
    Line,
    Month,
    Row,
    Workbench,
    accounts,
    leads,
    unit,
    usage_table,
)

MONTH = Month(
    [Row("Acme", "M365", "12"), Row("Beta", "M365", "8"), Row("new", "M365", "1", amount="3.5")],
    [Line("1", "11", "501", "10"), Line("2", "12", "501", "8")],
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(tmp_path_factory.mktemp("warehouse"))


def test_three_builds_in_a_row_do_not_see_each_other_and_leave_nothing(bench: Workbench) -> None:
    for used in ("11", "12", "13"):
        month = replace(MONTH, rows=[Row("Acme", "M365", used)])
        assert bench.deltas(month)["1"].quantity_after == Decimal(used)
    assert list((bench.folder / "scratch").iterdir()) == []


def test_two_open_builds_keep_their_own_figures(bench: Workbench) -> None:
    with bench.build(MONTH) as first, bench.build(replace(MONTH, rows=[Row("Acme", "M365", "7")])) as second:
        assert [delta.quantity_after for delta in first.figures().deltas] == [12, 8]
        assert [delta.quantity_after for delta in second.figures().deltas] == [7, 0]


def test_two_processes_build_at_once(bench: Workbench) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.dbt.builder import Line, Month, Row, Workbench\n"
        "month = Month([Row('Acme', 'M365', sys.argv[2])], [Line('1', '11', '501', '10')])\n"
        "deltas = [Workbench(Path(sys.argv[1])).deltas(month)['1'].quantity_after for _ in range(2)]\n"
        "print(*map(int, deltas))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(bench.folder), used],
            cwd=DBT_PROJECT.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for used in ("21", "22")
    ]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert answers == ["21 21\n", "22 22\n"]


def test_a_build_prints_and_logs_nothing(bench: Workbench, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = set(DBT_PROJECT.rglob("*")) | set(Path.cwd().glob("logs"))
    bench.figures(MONTH)
    assert capfd.readouterr() == ("", "")
    assert set(DBT_PROJECT.rglob("*")) | set(Path.cwd().glob("logs")) == before


def test_nodes_say_what_became_of_models_and_tests(bench: Workbench) -> None:
    with bench.build(MONTH) as build:
        nodes = {node.unique_id.split(".")[2]: node for node in build.nodes}
    assert (nodes["reconciliation_deltas"].status, nodes["reconciliation_deltas"].rows) == ("success", 2)
    assert (nodes["delta_evidence"].status, nodes["delta_evidence"].rows) == ("success", None)
    assert (nodes["no_line_stands_in_two_deltas"].status, nodes["no_line_stands_in_two_deltas"].rows) == ("pass", 0)


def test_kept_figures_are_read_back_the_same(bench: Workbench) -> None:
    month = replace(
        MONTH, rows=[*MONTH.rows, Row("Acme", "M365", "1", charge=RowClass.TAX, charge_kind="vat", amount="2")]
    )
    with bench.build(month) as build:
        figures = build.figures()
        assert build.keep("k1") == "msp/months/2026-10/k1"
    assert bench.lake.read_figures(PERIOD.key, "k1") == figures
    assert len(figures.deltas) == 2
    assert len(figures.unmapped) == len(figures.classed_rows) == 1


def test_figures_kept_again_take_the_place_of_the_earlier_ones(bench: Workbench) -> None:
    for used in ("11", "12"):
        with bench.build(replace(MONTH, rows=[Row("Acme", "M365", used)])) as build:
            build.keep("k2")
    assert bench.lake.read_figures(PERIOD.key, "k2").deltas[0].quantity_after == 12


def test_all_evidence_of_a_difference_is_kept_in_file_order(bench: Workbench) -> None:
    rows = [Row("Acme", "M365", "1", subscription=f"s{n}") for n in range(30)]
    with bench.build(Month([*rows, Row("Beta", "M365", "8")], MONTH.lines)) as build:
        build.keep("k3")
    evidence = bench.lake.read_evidence(PERIOD.key, "k3", "11", "501")
    assert [record["row"] for record in evidence] == list(range(2, 32))
    assert evidence[0] == {
        "file": "Pax8.csv",
        "sha256": "0" * 64,
        "sheet": None,
        "row": 2,
        "source": "Pax8",
        "account_key": "Acme",
        "service_key": "M365",
        "quantity": "1",
    }
    assert bench.lake.read_evidence(PERIOD.key, "k3", "12", "501") == []


def test_an_empty_month_has_no_figures(bench: Workbench) -> None:
    assert bench.figures(Month(services=())) == MonthFigures((), (), (), ())


def test_two_live_entries_for_one_key_are_refused_before_anything_is_counted_twice(bench: Workbench) -> None:
    doubled = replace(
        MONTH,
        accounts=(*accounts(Acme="11"), AccountMapping("Pax8", " Acme ", exclude="twice")),
        services=[leads("M365", "501"), leads("M365", "502")],
        units=[
            unit(service="501"),
            unit(service="501", minimum="5"),
            unit(line="1"),
            unit(account="11", service="501"),
        ],
    )
    with pytest.raises(WarehouseError) as refused:
        bench.build(doubled)
    assert str(refused.value) == (
        "more than one mapping entry is live for account 'Acme' of Pax8; service 'M365' of Pax8; units of service 501: "
        "end all but one"
    )
    assert list((bench.folder / "scratch").iterdir()) == []


def test_a_unit_rule_for_nothing_is_refused(bench: Workbench) -> None:
    with pytest.raises(WarehouseError, match="a unit rule names neither a line nor a service"):
        bench.build(replace(MONTH, units=[unit(account="11")]))


def test_a_file_that_is_missing_in_the_lake_is_named(bench: Workbench) -> None:
    inputs = replace(MONTH, rows=[Row("Acme", "M365", "99")]).inputs(bench.lake)
    file = bench.lake.usage_file(str(inputs.revisions[0].lake_path))
    file.unlink()
    with pytest.raises(WarehouseError, match=rf"the inputs cannot be laid out: .*{file.parent.name}"):
        bench.warehouse.build(inputs)


def test_a_folder_with_a_quote_in_its_name_works(tmp_path: Path) -> None:
    assert Workbench(tmp_path / "o'hara").deltas(MONTH)["1"].quantity_after == 12


def test_a_preview_shows_what_the_models_of_a_month_would_add_up(bench: Workbench) -> None:
    slices = [("10", date(2026, 10, 6)), ("12", date(2026, 11, 1))]
    rows = [
        Row("Acme", "M365", quantity, subscription="s1", method=Reduction.LAST_BY_PERIOD_END, end=end)
        for quantity, end in slices
    ]
    rows += [
        Row("Acme", "BP", "40", term="P1Y", by_term=True),
        Row("Acme", "BP", "2.50", term="P1M", by_term=True, currency="EUR"),
        Row("Acme", "BP", "3", term="P1M", by_term=True),
        Row("Acme", "BP", "99", term="P1M", by_term=True, charge=RowClass.TAX),
    ]
    assert bench.warehouse.aggregate_preview(usage_table(rows)) == [
        {"account_key": "Acme", "service_key": "BP", "commitment_term": "P1M", "quantity": "5.5", "rows": [5, 6]},
        {"account_key": "Acme", "service_key": "BP", "commitment_term": "P1Y", "quantity": "40", "rows": [4]},
        {"account_key": "Acme", "service_key": "M365", "commitment_term": None, "quantity": "12", "rows": [2, 3]},
    ]
    assert list((bench.folder / "scratch").iterdir()) == []


def test_the_manifest_is_made_anew_only_when_the_project_is_newer(tmp_path: Path) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target"))
    manifest = prepared_manifest(project)
    made_at = manifest.stat().st_mtime_ns
    assert prepared_manifest(project).stat().st_mtime_ns == made_at
    later = made_at // 10**9 + 10
    os.utime(project / "models" / "marts" / "mapped_usage.sql", (later, later))
    assert prepared_manifest(project).stat().st_mtime_ns > made_at
    assert sorted(file.name for file in manifest.parent.iterdir()) == ["manifest.json", "partial_parse.msgpack"]
