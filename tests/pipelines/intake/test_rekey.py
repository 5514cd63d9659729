"""Rows given to another account by what other columns say: the wrong customer would pay for them for good."""

from pathlib import Path

import pytest

from pipelines.intake.profile import ImportProfile, ProfileError
from tests.pipelines.intake.reading import profile_of, read_text

HEADER = "Account,Name,Service,Quantity,Details,Seats\n"
COLUMNS = "{account_key: Account, account_name: Name, service_key: Service, quantity: Quantity}"


def rekeyed(*rules: str) -> ImportProfile:
    return profile_of(columns=COLUMNS, rekey=f"[{', '.join(rules)}]")


CONTOSO = "{where: {column: Details, matches: '(?i)contoso'}, account_key: {constant: contoso-01}}"
BY_SITE = "{where: {column: Details, eq: site}, account_key: [Account, Name]}"


def test_the_first_rule_that_fits_names_the_account(tmp_path: Path) -> None:
    rows = (
        "own,We ourselves,M365,5,for Contoso,\nown,We ourselves,M365,7,site,\nown,We ourselves,M365,9,,\n"
        ",,M365,3,Contoso again,\n"
    )
    read = read_text(tmp_path, HEADER + rows, rekeyed(CONTOSO, BY_SITE))
    assert [(row["account_key"], row["account_name"], row["quantity"]) for row in read.table.to_pylist()] == [
        ("contoso-01", "contoso-01", 5),
        ("own|We ourselves", "own|We ourselves", 7),
        ("own", "We ourselves", 9),
        ("contoso-01", "contoso-01", 3),
    ]


@pytest.mark.parametrize(
    ("row", "column", "account", "words"),
    [
        pytest.param(",x,M365,5,,", "Account", None, "the account key is blank", id="its own key is blank"),
        pytest.param("own,x,M365,5,Many,many", "Seats", None, "nobody can tell whose row it is", id="in doubt"),
        pytest.param("own,,M365,5,blank,", "Name", None, "the account key is blank", id="the other key is blank"),
        pytest.param("own,x,M365,?,for Contoso,", "Quantity", "contoso-01", "is not a number", id="another fault"),
        pytest.param("own,1E+15,M365,5,blank,", "Name", None, "digits are lost", id="the other key is damaged"),
    ],
)
def test_a_row_whose_account_is_in_doubt_is_rejected_and_holds_for_whom_it_may(
    tmp_path: Path, row: str, column: str, account: str | None, words: str
) -> None:
    seats = "{where: {column: Seats, ge: 100}, account_key: {constant: large}}"
    by_name = "{where: {column: Details, eq: blank}, account_key: Name}"
    (error,) = read_text(tmp_path, HEADER + row + "\n", rekeyed(CONTOSO, by_name, seats)).rejected
    assert (error.column, error.account, error.service) == (column, account, "M365")
    assert words in error.reason


def test_the_columns_of_a_rule_are_mapped_columns(tmp_path: Path) -> None:
    read = read_text(tmp_path, HEADER.replace("Details", "Remarks") + "own,x,M365,5,,\n", rekeyed(CONTOSO))
    assert read.refusal is not None
    assert read.refusal.startswith("the mapped column 'Details' is missing")


@pytest.mark.parametrize("key", ["{count: rows}", "{sum: [A, B]}", "{column: A, range: start}", "{count_distinct: A}"])
def test_a_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ProfileError, match="account_key of a rekey rule is a header, a list of headers or a constant"):
        rekeyed(f"{{where: {{column: Details, blank: true}}, account_key: {key}}}")
