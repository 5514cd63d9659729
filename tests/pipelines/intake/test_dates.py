"""Days are read under declared formats only; the standard library's own parser is the judge."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.intake.dates import date_sql, period_sql, range_sql
from tests.pipelines.intake.judge import NotRead, day, month

FORMATS = [
    ("%Y-%m-%d",),
    ("%d.%m.%Y", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ"),
    ("%m/%d/%Y", "%d/%m/%Y"),
    ("%b %d, %Y %H:%M:%S", "%d %B %Y", "%Y%m%d"),
    ("%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M%z"),
    (),
]


def days_of(cells: Sequence[str], formats: Sequence[str]) -> list[tuple[date | None, bool | None, str | None]]:
    """For each cell: the day, whether it is ambiguous, the month it names."""
    sql = date_sql("d", formats)
    relation = "SELECT * FROM cells"
    for layer in (sql.pieces, sql.result):
        columns = "".join(f", {expression} AS {name}" for name, expression in layer.items())
        relation = f"SELECT *{columns} FROM ({relation})"
    with duckdb.connect() as connection:
        connection.register("cells", pa.table({"d_text": pa.array(cells, pa.string())}))
        return connection.sql(
            f"SELECT {sql.value}, {sql.is_ambiguous}, {period_sql('d_text', sql)} FROM ({relation})"
        ).fetchall()


@pytest.mark.parametrize(
    ("cell", "formats", "expected"),
    [
        ("2026-07-01T00:00:00.0000000Z", FORMATS[1], date(2026, 7, 1)),
        ("2/28/2019 11:59 pm", FORMATS[4], date(2019, 2, 28)),
        ("Nov 02, 2025 13:13:32", FORMATS[3], date(2025, 11, 2)),
        ("2 September 2025", FORMATS[3], date(2025, 9, 2)),
        ("29.02.2024", FORMATS[1], date(2024, 2, 29)),
        ("29.02.2025", FORMATS[1], None),
        ("31.04.2025", FORMATS[1], None),
        ("46055", FORMATS[3], None),
        ("0026-07-01", FORMATS[0], None),
        ("2226-07-01", FORMATS[0], None),
        ("2026-07-01\n", FORMATS[0], None),
        ("٢٠٢٦-07-01", FORMATS[0], None),
        ("2026-07-01 24:00+02:00", FORMATS[4], None),
        ("2026-07-01", (), None),
    ],
)
def test_a_day_is_what_a_declared_format_says(cell: str, formats: tuple[str, ...], expected: date | None) -> None:
    assert days_of([cell], formats)[0][0] == expected


def test_a_day_that_two_formats_read_differently_is_ambiguous() -> None:
    told = days_of(["01/12/2025", "12/12/2025", "31/12/2025", ""], FORMATS[2])
    assert [is_ambiguous for _, is_ambiguous, _ in told] == [True, False, None, None]


_months = ["Jan", "feb", "MAR", "May", "June", "september", "Dec", "Sept"]
_pieces = st.sampled_from(
    [
        *("1", "01", "9", "12", "13", "28", "29", "30", "31", "32", "0", "00", "2024", "2025", "2026", "1899", "1900"),
        *("26", "59", "60", "AM", "pm", "Z", "+02:00", "T", *_months),
    ]
)
_separators = st.sampled_from(["-", "/", ".", ":", " ", ", ", "", "T"])
_soup = st.lists(st.tuples(_pieces, _separators), min_size=1, max_size=7).map(
    lambda pairs: "".join(piece + separator for piece, separator in pairs).rstrip("-/.: ,T")
)
_moments = st.datetimes(datetime(1890, 1, 1), datetime(2210, 1, 1))  # noqa: DTZ001 (a cell knows no zone)


@given(data=st.data(), formats=st.sampled_from(FORMATS))
@settings(max_examples=60, deadline=None)
def test_the_compiled_formats_agree_with_the_standard_library(data: st.DataObject, formats: tuple[str, ...]) -> None:
    fine = [_written(date_format) for date_format in formats if "%z" not in date_format]
    cells = data.draw(st.lists(st.one_of(_soup, *fine), min_size=20, max_size=60))
    for cell, (read, is_ambiguous, period) in zip(cells, days_of(cells, formats), strict=True):
        assert (cell, None if is_ambiguous else read) == (cell, _plainly(day, cell, formats))
        assert (cell, period) == (cell, _plainly(month, cell, formats))


def _written(date_format: str) -> st.SearchStrategy[str]:
    return _moments.map(lambda moment: moment.strftime(date_format))


def _plainly(judged: Callable[[str, tuple[str, ...]], Any], cell: str, formats: tuple[str, ...]) -> Any:
    try:
        return judged(cell, formats)
    except NotRead:
        return None


def halves_of(cell: str, formats: tuple[str, ...]) -> tuple[date | None, date | None, bool | None]:
    """Both days of a cell, and whether it can be parted in more than one way."""
    found: list[date | None] = []
    is_ambiguous = None
    for half in HALVES:
        sql = range_sql("d", formats, half)
        relation = "SELECT * FROM cells"
        for layer in (sql.pieces, sql.result):
            columns = "".join(f", {expression} AS {name}" for name, expression in layer.items())
            relation = f"SELECT *{columns} FROM ({relation})"
        with duckdb.connect() as connection:
            connection.register("cells", pa.table({"d_text": pa.array([cell], pa.string())}))
            [(day, is_ambiguous)] = connection.sql(
                f"SELECT {sql.value}, {sql.is_ambiguous} FROM ({relation})"
            ).fetchall()
        found.append(day)
    return found[0], found[1], is_ambiguous


HALVES: tuple[Literal["start", "end"], ...] = ("start", "end")
JULY = (date(2026, 7, 1), date(2026, 7, 31), False)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-07-01-2026-07-31",
        "2026-07-01 - 2026-07-31",
        "2026-07-01–2026-07-31",
        "2026-07-01/2026-07-31",
        "2026-07-01..2026-07-31",
        "2026-07-01 TO 2026-07-31",
        "2026-07-01\u00a0bis\u00a02026-07-31",
    ],
)
def test_two_dates_in_a_cell_are_parted_where_both_halves_are_dates(cell: str) -> None:
    assert halves_of(cell, FORMATS[0]) == JULY


@pytest.mark.parametrize(
    "cell", ["2026-07-01", "2026-02-30 - 2026-03-01", "2026-07-01 - soon", "2026-07-01 2026-07-31"]
)
def test_a_cell_without_two_dates_gives_neither(cell: str) -> None:
    assert halves_of(cell, FORMATS[0]) == (None, None, None)


def test_a_cell_whose_halves_read_as_two_pairs_of_days_is_ambiguous() -> None:
    assert halves_of("01/12/2025 - 31/12/2025", FORMATS[2])[2] is True
    assert halves_of("12/12/2025 - 31/12/2025", FORMATS[2]) == (date(2025, 12, 12), date(2025, 12, 31), None)
