"""``make bench``: whole processes in pairs, their medians, and the ratios beside the limits they shall reach.

Belongs here: what is compared with what, the limits, the table and ``bench/results.json``.
Does not belong here: the work that is measured (``product``, ``limit``, ``look``, ``suggestions``, ``workbook``,
``writeback``).
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench.months import Shape, make_month
from bench.serving import ROOT, served
from bench.workbook import make_workbook
from resources.psa.kinds import KINDS

RESULTS = Path(__file__).parent / "results.json"
MILLION = Shape(1_000_000)
TEN_MILLION = Shape(10_000_000)
KNOWN_FILES = 100_000
SUGGESTED_KEYS = 5_000
WRITES, MANY_WRITES = 1_000, 10_000
PER_AGREEMENT = 10
"""Changes to an agreement, unless a row says otherwise."""
FEW_PER_AGREEMENT = (1, 3)
RATE = 1_200
"""Requests a minute at which write-back is held against the time that such a rate takes: twenty a second."""


@dataclass(frozen=True)
class Row:
    """One figure: a ratio (or GiB, as ``unit`` says), the limit it shall reach, the most memory that was in use.

    A figure without a ``limit`` is there to be known.
    """

    name: str
    ratio: float
    limit: float | None
    unit: str
    peak_mib: int


@dataclass(frozen=True)
class Measured:
    """One process: what it printed, and what it cost from its start to its end."""

    said: dict[str, Any]
    wall: float
    cpu: float
    peak_mib: int


class Bench:
    """Runs the processes of the bench, as often as told, each figure from pairs that ran one after the other."""

    def __init__(self, folder: Path, times: int) -> None:
        self._folder = folder
        self._times = times

    def rows(self, *, is_full: bool) -> Iterator[Row]:
        """Every figure, the quick ones first."""
        yield self._fixed()
        yield from self._rerun()
        yield self._look()
        yield self._suggestions()
        yield from (self._requests(kind, WRITES) for kind in KINDS)
        yield from (self._few(kind, each) for kind in ("connectwise", "halopsa") for each in FEW_PER_AGREEMENT)
        yield from self._at_a_rate("1k", WRITES)
        yield self._to_deltas("intake_to_deltas_1m", MILLION, 2.7)
        yield self._between("dirty", Shape(MILLION.rows, bad_per_mille=100), MILLION, 1.15)
        yield self._between("files_100", Shape(MILLION.rows, files=100), MILLION, 1.5)
        yield self._workbook()
        if is_full:
            yield from self._at_a_rate("10k", MANY_WRITES)
            yield from self._ten_million()

    def _fixed(self) -> Row:
        pairs = self._pairs(lambda: self._fresh(Shape(10_000)), lambda: self._product("floor", Shape(10_000)))
        return _row("fixed_10k", pairs, 1.5, lambda one: one.cpu)

    def _rerun(self) -> Iterator[Row]:
        shape = Shape(100_000)
        self._fresh(shape)
        pairs = self._pairs(lambda: self._product("again", shape), lambda: self._product("idle", shape))
        hashing = _seconds_to_hash(make_month(self._folder, shape))
        ratios = [again.wall / (idle.wall + hashing) for again, idle in pairs]
        yield Row("rerun", _median(ratios), 1.5, "ratio", _peak(pairs))

    def _look(self) -> Row:
        looks = [_process("bench.look", KNOWN_FILES, self._folder / "workspaces" / "look") for _ in range(self._times)]
        ratios = [one.said["look"] / one.said["bare"] for one in looks]
        return Row("sensor_100k", _median(ratios), 3.0, "ratio", max(one.peak_mib for one in looks))

    def _suggestions(self) -> Row:
        turns = [_process("bench.suggestions", SUGGESTED_KEYS) for _ in range(self._times)]
        ratios = [one.said["suggest"] / one.said["bare"] for one in turns]
        return Row("suggest_5k", _median(ratios), 2.0, "ratio", max(one.peak_mib for one in turns))

    def _requests(self, kind: str, count: int) -> Row:
        """How many requests a change takes; that is the same every time."""
        run = self._writes(kind, count, 0)
        return _requests_row(f"writeback_requests_{kind}", run, count)

    def _few(self, kind: str, per_agreement: int) -> Row:
        """The same with so few changes to an agreement, whose own requests fewer changes share."""
        run = self._writes(kind, WRITES, 0, per_agreement)
        return replace(_requests_row(f"writeback_requests_{kind}_{per_agreement}", run, WRITES), limit=None)

    def _at_a_rate(self, size: str, count: int) -> Iterator[Row]:
        """Requests a change, and the time beside what one request a change would take at that rate."""
        run = self._writes("connectwise", count, RATE)
        if run.said["throttled"]:
            raise SystemExit(f"{run.said['throttled']} requests were answered with 429")
        yield _requests_row(f"writeback_requests_{size}", run, count)
        floor = 60 * count / RATE
        yield Row(f"writeback_{size}", round(run.said["seconds"] / floor, 2), 1.3, "ratio", run.peak_mib)

    def _writes(self, kind: str, count: int, rate: int, per_agreement: int = PER_AGREEMENT) -> Measured:
        run = _process("bench.writeback", kind, count, rate, per_agreement)
        if run.said["written"] != count:
            raise SystemExit(f"{run.said['written']} of {count} changes were written to {kind}")
        return run

    def _to_deltas(self, name: str, shape: Shape, limit: float) -> Row:
        pairs = self._pairs(lambda: self._fresh(shape), lambda: self._limit(shape))
        ratios = [product.said["inside"] / bare.said["seconds"] for product, bare in pairs]
        return Row(name, _median(ratios), limit, "ratio", _peak(pairs))

    def _between(self, name: str, one: Shape, other: Shape, limit: float) -> Row:
        pairs = self._pairs(lambda: self._fresh(one), lambda: self._fresh(other))
        return _row(name, pairs, limit, lambda each: each.said["inside"])

    def _workbook(self) -> Row:
        month = make_month(self._folder, MILLION)
        make_workbook(month)
        pairs = self._pairs(
            lambda: _process("bench.workbook", "product", month), lambda: _process("bench.workbook", "limit", month)
        )
        for product, bare in pairs:
            if product.said["rows"] != bare.said["rows"]:
                raise SystemExit(f"{product.said['rows']} records were found, {bare.said['rows']} are there")
        return _row("xlsx_1m", pairs, 1.4, lambda each: each.said["seconds"])

    def _ten_million(self) -> Iterator[Row]:
        pairs = self._pairs(lambda: self._fresh(TEN_MILLION), lambda: self._limit(TEN_MILLION))
        peak = _peak(pairs)
        core = [_core(product.said["steps"]) / bare.said["seconds"] for product, bare in pairs]
        yield Row("core_10m", _median(core), 1.3, "ratio", peak)
        inside = [product.said["inside"] / bare.said["seconds"] for product, bare in pairs]
        yield Row("intake_to_deltas_10m", _median(inside), 1.6, "ratio", peak)
        yield Row("peak_rss_10m", round(peak / 1024, 2), 1.0, "GiB", peak)
        small = self._fresh(MILLION)
        ratios = [product.said["inside"] / (10 * small.said["inside"]) for product, _ in pairs]
        yield Row("scaling_10m", _median(ratios), 1.0, "ratio", peak)

    # --- processes ------------------------------------------------------------------------------------------------

    def _pairs(self, one: Callable[[], Measured], other: Callable[[], Measured]) -> list[tuple[Measured, Measured]]:
        return [(one(), other()) for _ in range(self._times)]

    def _fresh(self, shape: Shape) -> Measured:
        measured = self._product("fresh", shape)
        _check(measured, make_month(self._folder, shape))
        return measured

    def _product(self, mode: str, shape: Shape) -> Measured:
        month = make_month(self._folder, shape)
        with served(month / "seed.json") as url:
            return _process("bench.product", mode, month, self._folder / "workspaces" / shape.folder, url)

    def _limit(self, shape: Shape) -> Measured:
        month = make_month(self._folder, shape)
        with tempfile.TemporaryDirectory(dir=self._folder) as out:
            measured = _process("bench.limit", month, out)
        _check(measured, month)
        return measured


def _requests_row(name: str, run: Measured, count: int) -> Row:
    return Row(name, round(run.said["requests"] / count, 2), 1.3, "a change", run.peak_mib)


def _row(name: str, pairs: list[tuple[Measured, Measured]], limit: float, figure: Callable[[Measured], float]) -> Row:
    return Row(name, _median([figure(one) / figure(other) for one, other in pairs]), limit, "ratio", _peak(pairs))


def _core(steps: dict[str, float]) -> float:
    """Reading the files and computing the month, without archiving, copying the PSA and publishing."""
    return steps["validated_usage"] + steps["month_models"]


def _median(ratios: list[float]) -> float:
    return round(statistics.median(ratios), 2)


def _peak(pairs: list[tuple[Measured, Measured]]) -> int:
    return max(one.peak_mib for one, _ in pairs)


def _check(measured: Measured, month: Path) -> None:
    """Both must come to the right answer: who is quick and wrong is not quick."""
    expected = json.loads((month / "expected.json").read_text(encoding="utf-8"))
    found = measured.said["changes"]
    if sorted(map(str, found)) != sorted(map(str, expected)):
        raise SystemExit(f"{month.name}: {len(found)} differences were found, {len(expected)} are right")


def _seconds_to_hash(month: Path) -> float:
    started = time.perf_counter()
    for file in (month / "usage").iterdir():
        with file.open("rb") as stream:
            hashlib.file_digest(stream, "sha256")
    return time.perf_counter() - started


def _process(module: str, *arguments: object) -> Measured:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        said = child.stdout.read() if child.stdout else ""
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with code {child.returncode}")
    return Measured(json.loads(said), wall, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)


def main() -> None:
    """Measure, print the table, write the results."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--full", action="store_true", help="also ten million rows")
    parser.add_argument("--times", type=int, default=3, help="pairs of each figure (3)")
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="where months and workspaces are made")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    print(f"{'name':32}{'ratio':>8}{'limit':>8}  {'unit':8}{'peak MiB':>9}", flush=True)
    for row in Bench(asked.folder.absolute(), asked.times).rows(is_full=asked.full):
        limit = "–" if row.limit is None else f"{row.limit:.2f}"
        print(f"{row.name:32}{row.ratio:8.2f}{limit:>8}  {row.unit:8}{row.peak_mib:9}", flush=True)
        rows.append(asdict(row))
        RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
