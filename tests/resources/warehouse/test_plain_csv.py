"""Files that DuckDB may cut: cut as Python cuts them, to the last cell, and every other file left to Python.

Belongs here: which files are plain, what the scan makes of them, what the scratch database may reach.
Does not belong here: what the cells mean (test_reading).
"""

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.intake.layout import FileLayout
from pipelines.intake.readings import ReadFile
from pipelines.intake.sheet import cut, encoding_of
from resources.warehouse import reading
from resources.warehouse.answers import Answers
from resources.warehouse.plain_csv import PlainCsv, plain_csv
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of

COMMA = FileLayout()
PIECES = ["a", "7", " ", '"', '""', ",", ";", "\t", "'", "\\", "#", "é", "\u2028", "\x0b", "\x1c", "\ufeff", "NULL"]
LAYOUTS = [COMMA, FileLayout(quote=None), FileLayout(delimiter=";", quote="'"), FileLayout(format="tsv")]


def plain_of(folder: Path, content: bytes, layout: FileLayout = COMMA) -> PlainCsv | None:
    """The file as a plain one, if it is."""
    raw, own = folder / "raw.csv", folder / "own.csv"
    raw.write_bytes(content)
    own.unlink(missing_ok=True)
    with raw.open("rb") as stream:
        encoding = encoding_of(stream, layout.encoding)
    return plain_csv(raw, encoding, layout, own)


def scanned(plain: PlainCsv, width: int) -> list[list[str]] | None:
    """What DuckDB makes of all lines but the first; None when it cannot read them or does not find all."""
    try:
        rows = duckdb.sql(plain.scan(1, width, range(width))).fetchall()
    except duckdb.Error:
        return None
    return [list(row) for row in rows] if len(rows) == plain.records - 1 else None


@given(
    lines=st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), max_size=5),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    is_ended=st.booleans(),
    layout=st.sampled_from(LAYOUTS),
    width=st.integers(1, 3),
)
@example(lines=[' "a",7'], end="\n", is_ended=True, layout=COMMA, width=2)
@example(lines=['"a" ,7'], end="\n", is_ended=True, layout=COMMA, width=2)
@example(lines=['a"b"c,7'], end="\r\n", is_ended=False, layout=COMMA, width=2)
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_duckdb_cuts_python_cuts_the_same(
    tmp_path: Path, lines: list[str], end: str, is_ended: bool, layout: FileLayout, width: int
) -> None:
    text = end.join(["head", *lines]) + end * is_ended
    plain = plain_of(tmp_path, text.encode(), layout)
    rows = None if plain is None else scanned(plain, width)
    if rows is None or plain is None:
        return
    by_python = list(cut(_lines_of(tmp_path / "raw.csv"), layout))[1:]
    assert rows == [_told(record, width) for record in by_python]
    assert [_told(record, width) for record in plain.records_at(range(2, plain.records + 1))] == rows


def _told(record: list[str], width: int) -> list[str]:
    """The cells that mean something: a blank cell too many says nothing, a blank line of one column is a blank cell."""
    return record[:width] if len(record) > width and not any(record[width:]) else record or [""]


def _lines_of(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8-sig", newline="") as stream:
        yield from stream


def test_an_ordinary_export_is_plain(tmp_path: Path) -> None:
    plain = plain_of(tmp_path, b'Account,Quantity\r\n"Acme, Inc.",12\r\n"5"" disk",7\r\n')
    assert plain is not None
    assert plain.records == 3
    assert scanned(plain, 2) == [["Acme, Inc.", "12"], ['5" disk', "7"]]


def test_a_file_in_another_encoding_is_laid_out_as_utf_8(tmp_path: Path) -> None:
    layout = FileLayout(encoding=("cp1252",))
    plain = plain_of(tmp_path, "Kunde,Menge\nMüller,12\n".encode("cp1252"), layout)
    assert plain is not None
    assert scanned(plain, 2) == [["Müller", "12"]]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b'a,b\n"one\ntwo",1\n', id="a line break in a cell"),
        pytest.param(b"a,b\nc,1\r\n", id="mixed line ends"),
        pytest.param(b"a,b\rc,1\r", id="line ends of old Macs"),
        pytest.param(b'a,b\n "c",1\n', id="a blank before a quote"),
        pytest.param(b'a,b\n"c" ,1\n', id="a blank after a quote"),
        pytest.param(b'a,b\n"c,1\nd,2\n', id="a quote that is never closed"),
        pytest.param(b"a,b\nc\0,1\n", id="a NUL"),
    ],
)
def test_what_the_two_read_differently_is_not_plain(tmp_path: Path, content: bytes) -> None:
    assert plain_of(tmp_path, content) is None


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"a,b\nc,1\n\nd,2\n", id="a blank line"),
        pytest.param(b"a,b\nc\n", id="too few cells"),
        pytest.param(b"a,b\nc,1,2\n", id="too many cells"),
        pytest.param(b"a,b\n" + b"c" * 200_000 + b",1\n", id="a cell beyond every bound"),
        pytest.param(b'a,b\n"c"d,1\n', id="text after a closing quote"),
    ],
)
def test_what_duckdb_leaves_out_or_refuses_is_noticed(tmp_path: Path, content: bytes) -> None:
    plain = plain_of(tmp_path, content)
    assert plain is not None
    assert scanned(plain, 2) is None


_cells = st.sampled_from(["", " ", "a", "b", "Total", "7", "-1", "1.5", "x", '5" disk', "é, ü", "one\ntwo"])
_rows = st.lists(st.lists(_cells, min_size=3, max_size=3) | st.lists(_cells, max_size=4), max_size=12)


@given(rows=_rows, end=st.sampled_from(["\n", "\r\n"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_says_the_same_whoever_cuts_it(tmp_path: Path, rows: list[list[str]], end: str) -> None:
    file = tmp_path / "usage.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator=end).writerows(chain([["Account", "Service", "Quantity"]], rows))
    profile = profile_of(
        rows="{exclude: [{column: Account, eq: b}], totals: {column: Account, match: ^Total$}, zero: flag}"
    )
    by_duckdb = DuckDbFileReader().read(file, profile, file_name="usage.csv")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(reading, "plain_csv", lambda *_: None)
        by_python = DuckDbFileReader().read(file, profile, file_name="usage.csv")
    assert _said(by_duckdb) == _said(by_python)


def _said(read: ReadFile) -> dict[str, object]:
    own = {name: value for name, value in vars(read).items() if name not in {"whole", "elsewhere", "preview_stamp"}}
    whole = {name: value for name, value in vars(read.whole).items() if name != "usage"}
    return own | whole | {"table": None if read.table is None else read.table.to_pylist()}


def test_the_database_of_a_reading_reaches_nothing_else_and_goes_with_it(tmp_path: Path) -> None:
    raw, other, scratch = tmp_path / "raw.csv", tmp_path / "other.csv", tmp_path / "scratch"
    raw.write_text("a,b\n", encoding="utf-8")
    other.write_text("a,b\n", encoding="utf-8")
    answers = Answers(raw, scratch)
    assert answers.query(f"FROM read_csv('{raw}')").fetchall() == []
    for statement in (
        f"FROM read_csv('{other}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        "SET enable_external_access = true",
    ):
        with pytest.raises(duckdb.Error, match=r"Permission Error|configuration has been locked"):
            answers.execute(statement)
    assert len(list(scratch.iterdir())) == 1
    del answers
    assert list(scratch.iterdir()) == []
