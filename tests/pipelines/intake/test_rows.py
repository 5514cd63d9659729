"""No record is lost: the accounting adds up, in JSON and over several files."""

from pipelines.intake.rows import RowAccounting

ONE = RowAccounting(preamble=4, header=1, blank=2, ignored=9, totals=1, rejected=3, valid=1184)


def test_every_record_is_counted_once() -> None:
    assert ONE.as_json() == {
        "in": 1204,
        "preamble": 4,
        "header": 1,
        "blank": 2,
        "ignored": 9,
        "totals": 1,
        "rejected": 3,
        "valid": 1184,
    }
    assert ONE.data_rows == 1187


def test_the_accounting_reads_back_from_its_json() -> None:
    assert RowAccounting.from_json(ONE.as_json()) == ONE


def test_files_add_up() -> None:
    assert RowAccounting.added([ONE, RowAccounting(valid=1), RowAccounting()]).valid == 1185
    assert RowAccounting.added([]) == RowAccounting()
