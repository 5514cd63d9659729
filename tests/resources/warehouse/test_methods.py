"""What the rows of a file come to under each method of its profile, from bytes to the quantity of a key.

Belongs here: profile keys of ``aggregate``, read and reduced the way ``profiles check`` shows it.
Does not belong here: every case of a method (unit tests in ``dbt_project``), whole months (``tests.dbt``).
"""

from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.intake.profile import ImportProfile
from pipelines.intake.readings import ReadFile
from resources.warehouse.lake import Lake
from resources.warehouse.month import MonthWarehouse
from tests.dbt.builder import DBT_PROJECT
from tests.pipelines.intake.reading import profile_of, read_text


def reduced(folder: Path, read: ReadFile) -> dict[str, Decimal]:
    """The quantity of each service key."""
    keys = MonthWarehouse(Lake(folder / "lake", "check"), folder / "scratch", DBT_PROJECT).aggregate_preview(read.table)
    return {key["service_key"]: Decimal(key["quantity"]) for key in keys}


def rejected(read: ReadFile) -> dict[int, tuple[str | None, str | None, str]]:
    """What is wrong with each rejected record: column, value, reason."""
    return {error.row: (error.column, error.value, error.reason) for error in read.rejected}


# --- signed_sum -------------------------------------------------------------------------------------------------------

SUBSCRIPTIONS = "{account_key: Account, service_key: Service, quantity: Quantity, subscription_id: Subscription}"
SIGNED_HEADER = "Account,Service,Subscription,Quantity,Amount\n"


def signed(sign_column: str | None = "Amount", numbers: str = "{thousands: ',', nil: ['', '-']}") -> ImportProfile:
    keys = "method: signed_sum" + (f", sign_column: {sign_column}" if sign_column else "")
    return profile_of(columns=SUBSCRIPTIONS, numbers=numbers, aggregate=f"{{{keys}}}")


def test_bookings_of_a_subscription_add_and_take_back(tmp_path: Path) -> None:
    content = (
        SIGNED_HEADER + "Acme,prepaid,s1,14,140.00\nAcme,prepaid,s1,-2,-20.00\nAcme,refunded,s1,14,140.00\n"
        "Acme,refunded,s1,2,-20.00\nAcme,refunded,s2,3,-\nAcme,refunded,s2,-1,5.00\n"
    )
    assert reduced(tmp_path, read_text(tmp_path, content, signed())) == {"prepaid": 12, "refunded": 14}


def test_without_a_sign_column_the_quantity_s_own_sign_counts(tmp_path: Path) -> None:
    read = read_text(tmp_path, SIGNED_HEADER + "Acme,M365,s1,14,-140.00\nAcme,M365,s1,-2,x\n", signed(None))
    assert reduced(tmp_path, read) == {"M365": 12}


@pytest.mark.parametrize(
    ("cell", "is_negated"),
    [
        pytest.param("-0.00000000000000000001", True, id="smaller than what is kept of an amount"),
        pytest.param("-" + "9" * 40, True, id="larger than what is kept of an amount"),
        pytest.param("9" * 40, False, id="large"),
        pytest.param("-0.00", False, id="a zero with a sign"),
        pytest.param("-0E-20", False, id="a zero with an exponent"),
        pytest.param("-", False, id="nil"),
        pytest.param("", False, id="blank"),
    ],
)
def test_the_sign_is_read_whatever_the_number_s_size(cell: str, is_negated: bool, tmp_path: Path) -> None:
    read = read_text(tmp_path, SIGNED_HEADER + f'Acme,M365,s1,2,"{cell}"\n', signed())
    assert rejected(read) == {}
    assert read.table["is_negated"].to_pylist() == [is_negated]


def test_a_sign_in_a_declared_style_counts(tmp_path: Path) -> None:
    content = SIGNED_HEADER + 'Acme,M365,s1,7,$20\nAcme,M365,s1,2,($20)\nAcme,M365,s1,1,"$1,000-"\n'
    numbers = "{thousands: ',', negative: ['(1)', '1-'], currency_symbols: [$]}"
    assert reduced(tmp_path, read_text(tmp_path, content, signed(numbers=numbers))) == {"M365": 4}


def test_a_sign_that_is_no_number_rejects_the_row(tmp_path: Path) -> None:
    content = SIGNED_HEADER + "Acme,M365,s1,14,refund\nAcme,M365,s1,2,-1.2E+03\nAcme,M365,s1,3,1\n"
    read = read_text(tmp_path, content, signed())
    not_a_number = "is not a number under the declared marks (decimal '.', thousands ',', negative -1)"
    assert rejected(read) == {
        2: ("Amount", "refund", not_a_number),
        3: ("Amount", "-1.2E+03", "scientific notation, digits may be lost"),
    }
    assert reduced(tmp_path, read) == {"M365": 3}


def test_a_file_without_the_sign_column_is_refused(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Account,Service,Subscription,Quantity\nAcme,M365,s1,14\n", signed())
    assert read.refusal is not None
    assert "column 'Amount' is missing" in read.refusal


# --- first and last ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "quantities"), [("first", {"M365": 52, "BP": 3}), ("last", {"M365": 47, "BP": 5})])
def test_the_file_s_order_decides_inside_a_subscription_and_subscriptions_add(
    method: str, quantities: dict[str, int], tmp_path: Path
) -> None:
    profile = profile_of(columns=SUBSCRIPTIONS, aggregate=f"{{method: {method}}}")
    content = (
        "Account,Service,Subscription,Quantity\nAcme,M365,s1,12\nAcme,BP,s1,3\nAcme,M365,s2,40\n"
        "Acme,M365,s1,7\nAcme,BP,,0\nAcme,BP,s1,5\n"
    )
    assert reduced(tmp_path, read_text(tmp_path, content, profile)) == quantities


# --- count_distinct ---------------------------------------------------------------------------------------------------

DEVICES_HEADER = "Account,Service,Serial\n"


def devices(**replaced: str) -> ImportProfile:
    columns = "{account_key: Account, service_key: Service, quantity: {count_distinct: Serial}}"
    return profile_of(**({"columns": columns, "aggregate": "{}"} | replaced))


def test_a_device_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    content = (
        DEVICES_HEADER + "Acme,EDR,SN-1\nAcme,EDR, SN-1 \nAcme,EDR,sn-1\nAcme,EDR,0012\nAcme,EDR,12\n"
        "Acme,Backup,SN-1\nAcme,EDR,SN-1\n"
    )
    read = read_text(tmp_path, content, devices())
    assert rejected(read) == {}
    assert reduced(tmp_path, read) == {"EDR": 4, "Backup": 1}


def test_distinct_values_are_counted_in_each_subscription_and_added(tmp_path: Path) -> None:
    columns = SUBSCRIPTIONS.replace("quantity: Quantity", "quantity: {count_distinct: Serial}")
    content = "Account,Service,Subscription,Serial\nAcme,EDR,s1,a\nAcme,EDR,s1,a\nAcme,EDR,s2,a\nAcme,EDR,s2,b\n"
    assert reduced(tmp_path, read_text(tmp_path, content, devices(columns=columns))) == {"EDR": 3}


def test_a_value_that_tells_no_device_rejects_the_row(tmp_path: Path) -> None:
    content = DEVICES_HEADER + "Acme,EDR,SN-1\nAcme,EDR,\nAcme,EDR,7.3E+17\nAcme,EDR,#N/A\n"
    read = read_text(tmp_path, content, devices())
    lost = "digits are lost; export again without opening the file in Excel"
    blank = "the value that is counted is blank: nobody can tell whether it is one more unit"
    assert rejected(read) == {
        3: ("Serial", "", blank),
        4: ("Serial", "7.3E+17", lost),
        5: ("Serial", "#N/A", lost),
    }
    assert "trueup rows fix" in read.rejected[0].remedy
    assert reduced(tmp_path, read) == {"EDR": 1}


def test_a_file_without_the_counted_column_is_refused(tmp_path: Path) -> None:
    read = read_text(tmp_path, "Account,Service\nAcme,EDR\n", devices())
    assert read.refusal is not None
    assert "column 'Serial' is missing" in read.refusal


# --- classes ----------------------------------------------------------------------------------------------------------

CLASSES_HEADER = "Account,Service,Subscription,Quantity,Amount,Attributes,Size\n"
PREPAID = "{where: {column: Attributes, matches: Prepaid}, method: signed_sum}"


def classed(classes: str = PREPAID, method: str = "max") -> ImportProfile:
    keys = f"method: {method}, sign_column: Amount, classes: [{classes}]"
    return profile_of(columns=SUBSCRIPTIONS, aggregate=f"{{{keys}}}")


def test_each_class_of_rows_has_its_own_method_and_all_add(tmp_path: Path) -> None:
    content = (
        CLASSES_HEADER + "Acme,M365,s1,12,1,Monthly,\nAcme,M365,s1,7,1,,\n"
        "Acme,M365,s1,14,1,Prepaid,\nAcme,M365,s1,2,-1,Prepaid,\nAcme,M365,s2,3,1,Prepaid,\nAcme,BP,s3,5,-1,,\n"
    )
    assert reduced(tmp_path, read_text(tmp_path, content, classed())) == {"M365": 27, "BP": 5}


def test_the_first_class_that_fits_decides(tmp_path: Path) -> None:
    first = "{where: {column: Size, ge: 10}, method: last}"
    content = (
        CLASSES_HEADER + "Acme,M365,s1,14,1,Prepaid,10\nAcme,M365,s1,5,1,Prepaid,11\nAcme,M365,s1,2,-1,Prepaid,9\n"
    )
    assert reduced(tmp_path, read_text(tmp_path, content, classed(f"{first}, {PREPAID}"))) == {"M365": 3}


def test_a_row_whose_class_cannot_be_told_is_rejected_unless_an_earlier_class_fits(tmp_path: Path) -> None:
    later = "{where: {column: Size, ge: 10}, method: last}"
    content = CLASSES_HEADER + "Acme,M365,s1,14,1,Prepaid,big\nAcme,M365,s1,5,1,,big\nAcme,M365,s1,2,1,,\n"
    read = read_text(tmp_path, content, classed(f"{PREPAID}, {later}"))
    untold = "nobody can tell which method reduces the row: the cell cannot be compared as aggregate.classes says"
    assert rejected(read) == {3: ("Size", "big", untold)}
    assert read.table["method"].to_pylist() == ["signed_sum", "max"]


def test_a_file_without_the_column_of_a_class_is_refused(tmp_path: Path) -> None:
    read = read_text(tmp_path, SIGNED_HEADER + "Acme,M365,s1,14,1\n", classed())
    assert read.refusal is not None
    assert "column 'Attributes' is missing" in read.refusal


# --- none -------------------------------------------------------------------------------------------------------------

FINAL = """{account_key: Account, service_key: Service, quantity: Quantity,
  subscription_id: {column: Id, optional: true}, commitment_term: {column: Term, optional: true}}"""
AMONG_OTHERS = "another row of the file has the same account, service, subscription and currency"


def final(by: str = "[account, service]") -> ImportProfile:
    return profile_of(columns=FINAL, aggregate=f"{{method: none, by: {by}}}")


def test_final_rows_stand_as_they_are(tmp_path: Path) -> None:
    content = "Account,Service,Quantity,Id\nAcme,seats,12,s1\nAcme,seats,3,s2\nAcme,mail,0,s1\nBolt,back,-1,s1\n"
    read = read_text(tmp_path, content, final())
    assert rejected(read) == {}
    assert reduced(tmp_path, read) == {"seats": 15, "mail": 0, "back": -1}


@pytest.mark.parametrize("line_break", ["", "\n"], ids=["cut by DuckDB", "cut by Python"])
def test_of_two_final_rows_of_one_key_neither_counts(tmp_path: Path, line_break: str) -> None:
    content = (
        f'Account,Service,Quantity,"No{line_break}te"\nAcme,seats,12,\nBolt,seats,x,\nBolt,seats,5,\n'
        "Acme\u00a0 ,seats,12,\nAcme,mail,1,\n"
    )
    read = read_text(tmp_path, content, final())
    assert reduced(tmp_path, read) == {"seats": 5, "mail": 1}
    assert [(error.row, error.column, error.account, error.service) for error in read.rejected] == [
        (2, None, "Acme", "seats"),
        (3, "Quantity", "Bolt", "seats"),
        (5, None, "Acme", "seats"),
    ]
    assert read.rejected[0].reason.startswith(AMONG_OTHERS)
    assert read.rejected[0].record_hash != read.rejected[2].record_hash
    assert (read.rows.valid, read.rows.rejected, read.quantity) == (2, 3, Decimal(6))


def test_a_final_row_has_its_term_beside_it_only_where_the_term_is_part_of_the_key(tmp_path: Path) -> None:
    content = "Account,Service,Quantity,Term\nAcme,seats,12,P1M\nAcme,seats,3,P1Y\n"
    assert read_text(tmp_path, content, final()).rows.rejected == 2
    assert read_text(tmp_path, content, final("[account, service, term]")).rows.rejected == 0
