"""Wide files: one column per service, each cell a row, the record still accounted for once.

Belongs here: what ``unpivot`` reads, ignores and rejects, and what it may not be used with.
Does not belong here: other columns of a profile (``test_profile``).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.profile import ImportProfile, ProfileError
from pipelines.intake.readings import UNSAID, ReadFile
from pipelines.intake.rows import OverlayAction, RowOverlay
from tests.pipelines.intake.reading import profile_of, read_text

COLUMNS = "{account_key: Company, service_key: product, quantity: licences}"


def wide(unpivot: str = "{but: [], name: product, value: licences, blank: ignore}", **more: str) -> ImportProfile:
    return profile_of(**{"columns": COLUMNS, "aggregate": "{method: none}", "unpivot": unpivot} | more)


def rows_of(read: ReadFile) -> list[tuple[int, str, str, Decimal]]:
    return sorted(
        (row["row"], row["account_key"], row["service_key"], row["quantity"]) for row in read.table.to_pylist()
    )


def test_each_cell_is_a_row_and_each_record_is_counted_once(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,12\nBirch,,7\nCedar,,\n", wide())
    assert rows_of(read) == [
        (2, "Maple", "Backup", Decimal(3)),
        (2, "Maple", "Mail", Decimal(12)),
        (3, "Birch", "Mail", Decimal(7)),
    ]
    assert read.rows.as_json() == {
        "in": 4,
        "preamble": 0,
        "header": 1,
        "blank": 0,
        "ignored": 1,
        "totals": 0,
        "rejected": 0,
        "valid": 2,
    }
    assert read.quantity == Decimal(22)
    assert read.whole.usage.num_rows == 3


def test_one_cell_that_is_no_number_rejects_its_record_and_holds_all_services_of_its_account(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,twelve\nBirch,1,7\n", wide())
    [error] = read.rejected
    assert (error.row, error.column, error.value) == (2, "Mail", "twelve")
    assert (error.account, error.service) == ("Maple", None)
    assert [row for row, *_ in rows_of(read)] == [3, 3]
    assert (read.rows.rejected, read.rows.valid, read.rows.total) == (1, 1, 3)


def test_a_corrected_cell_brings_its_whole_record_in(tmp_path: Path) -> None:
    content = "Company,Backup,Mail\nMaple,3,twelve\n"
    [error] = read_text(tmp_path, content, wide()).rejected
    fix = RowOverlay(2, error.record_hash, OverlayAction.FIX, "Mail", "12", None, "dana")
    read = read_text(tmp_path, content, wide(), [fix])
    assert [(service, quantity) for _, _, service, quantity in rows_of(read)] == [
        ("Backup", Decimal(3)),
        ("Mail", Decimal(12)),
    ]


def test_a_disregarded_record_is_ignored_whole(tmp_path: Path) -> None:
    content = "Company,Backup,Mail\nMaple,3,twelve\nBirch,1,7\n"
    [error] = read_text(tmp_path, content, wide()).rejected
    ignore = RowOverlay(2, error.record_hash, OverlayAction.IGNORE, None, None, "test", "dana")
    read = read_text(tmp_path, content, wide(), [ignore])
    assert (read.rows.ignored, read.rows.rejected, read.rows.valid) == (1, 0, 1)


def test_blank_cells_are_rejected_unless_the_profile_ignores_them(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Company,Backup\nMaple,\n", wide("{columns: [Backup], name: product, value: licences}"))
    [error] = read.rejected
    assert (error.row, error.column) == (2, "Backup")
    assert "blank" in error.reason


def test_two_records_of_one_account_are_both_rejected_where_each_is_final(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,1\nBirch,2,2\nMaple,4,5\n", wide())
    assert [error.row for error in read.rejected] == [2, 4]
    assert (read.rows.rejected, read.rows.valid, read.rows.total) == (2, 1, 4)
    assert [row for row, *_ in rows_of(read)] == [3, 3]


def test_listed_columns_alone_are_rows_and_the_others_are_reported(tmp_path: Path) -> None:
    profile = wide("{columns: [Mail], name: product, value: licences}")
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,12\n", profile)
    assert [service for _, _, service, _ in rows_of(read)] == ["Mail"]
    assert read.unused_columns == ("Backup",)


def test_all_columns_but_those_named_are_rows_a_new_product_too(tmp_path: Path) -> None:
    profile = wide("{but: [Total], name: product, value: licences, blank: ignore}")
    read = read_text(tmp_path, "Company,Backup,New,Total,\nMaple,3,1,4,\n", profile)
    assert [service for _, _, service, _ in rows_of(read)] == ["Backup", "New"]


def test_a_control_total_is_compared_column_by_column(tmp_path: Path) -> None:
    profile = wide(rows='{totals: {column: Company, match: "^Total$"}}')
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,1\nBirch,,2\nTotal,3,4\n", profile)
    assert read.rows.totals == 1
    assert {total.service: total.stated for total in read.whole.totals} == {("Backup",): 3, ("Mail",): 4}
    assert read.whole.added == {(UNSAID, ("Backup",)): 3, (UNSAID, ("Mail",)): 3}


def test_a_record_with_too_many_cells_is_rejected_once(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Company,Backup,Mail\nMaple,3,1,9\n", wide())
    assert [error.row for error in read.rejected] == [2]
    assert read.rejected[0].service is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("Company,Product,Backup\nMaple,x,3\n", "the same name"),
        ("Company\nMaple\n", "no column is left"),
        ("Company,Backup\nMaple,3\n", None),
    ],
)
def test_a_header_that_leaves_doubt_is_refused(tmp_path: Path, content: str, reason: str | None) -> None:
    refusal = read_text(tmp_path, content, wide()).refusal
    assert refusal is None if reason is None else reason in (refusal or "")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"unpivot": "{name: product, value: licences}"}, "say either which columns"),
        ({"unpivot": "{but: [], name: product, value: product}"}, "two columns"),
        ({"columns": "{account_key: Company, service_key: Service, quantity: licences}"}, "read by nothing"),
        ({"columns": "{account_key: Company, service_key: product, quantity: Quantity}"}, "read by nothing"),
        ({"columns": COLUMNS.replace("}", ", amount: Amount}")}, "count once for each"),
        ({"aggregate": "{method: last}"}, "order of rows"),
        ({"rows": "{totals: {column: product, match: Total}}"}, "read from the record itself"),
    ],
)
def test_what_cannot_be_said_of_a_wide_file_is_refused(profile: dict[str, str], words: str) -> None:
    with pytest.raises(ProfileError, match=words):
        wide(**profile)
