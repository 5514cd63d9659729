"""What a seed may say, and the words for one that may not be used.

Belongs here: reading seeds and faults from documents and files.
Does not belong here: a running sandbox.
"""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.seeds import agreement, line, seed, service
from trueup.sandbox.psa.faults import faults_from, read_faults
from trueup.sandbox.psa.seed import SeedError, read_document, seed_from

WRITTEN = """
psa: connectwise
accounts:   [{id: "250", name: Acme, active: true}]
services:   [{id: "77", code: M365-BP, name: M365 Business Premium, unit_cost: "18.00", unit_price: 22.10}]
agreements: [{id: 9001, account: 250, name: Managed, prorate: true, start: 2025-01-01, end: null, currency: USD}]
lines:      [{id: "1", agreement: "9001", service: "77", quantity: 0.1, start: 2025-01-01, end: 2026-12-31}]
credentials: null
"""


def test_a_yaml_seed_is_read_with_exact_numbers_quoted_or_not(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(WRITTEN, encoding="utf-8")
    read = seed_from(read_document(file), "seed.yaml")
    assert read.lines[0].quantity == Decimal("0.1")
    assert (read.services[0].unit_cost, read.services[0].unit_price) == (Decimal("18.00"), Decimal("22.10"))
    assert read.agreements[0].id == "9001"
    assert str(read.lines[0].end) == "2026-12-31"


def test_a_json_seed_is_read_with_exact_numbers(tmp_path: Path) -> None:
    file = tmp_path / "seed.json"
    item = '{"id": 1, "code": "A", "name": "A", "unit_cost": 12345678901234567890.5}'
    file.write_text(f'{{"psa": "connectwise", "services": [{item}]}}', encoding="utf-8")
    assert seed_from(read_document(file), "seed.json").services[0].unit_cost == Decimal("12345678901234567890.5")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param([], "seed: a seed is a mapping of psa, accounts", id="a list"),
        pytest.param({}, "seed: psa is missing", id="no kind"),
        pytest.param({"psa": "kaseya"}, "does not speak 'kaseya'; it speaks: connectwise, ", id="another PSA"),
        pytest.param(seed(line=[]), "seed: line: Extra inputs", id="an unknown section"),
        pytest.param(
            seed(lines=[line("1", quantity="1.2.3")]),
            'seed: lines[0] (id 1).quantity: a decimal number in quotes, for example "12.5"',
            id="a quantity that is no number",
        ),
        pytest.param(seed(lines=[line("1", quantity=0.1)]), "a decimal number in quotes", id="a float"),
        pytest.param(seed(lines=[line("1", quantity="NaN")]), "finite", id="not a number"),
        pytest.param(seed(lines=[line("1", quantity="1e999999")]), "less than 30 digits", id="a huge number"),
        pytest.param(seed(lines=[line("1", quantity=True)]), "a decimal number in quotes", id="a truth"),
        pytest.param(seed(lines=[line("L1")]), "lines[0] (id L1).id: an id is a whole number", id="an id of letters"),
        pytest.param(seed(lines=[line("007")]), "an id is a whole number", id="an id with leading zeros"),
        pytest.param(seed(lines=[line("2147483648")]), "from 1 to 2147483647", id="an id too large for the wire"),
        pytest.param(seed(lines=[line("1"), line("1")]), "lines: id 1 stands there twice", id="an id twice"),
        pytest.param(seed(lines=[line("1", service="8")]), "line 1: there is no service 8", id="no such service"),
        pytest.param(seed(agreements=[]), "line 1: there is no agreement 9001", id="no such agreement"),
        pytest.param(
            seed(agreements=[agreement("9001", account="9")]), "agreement 9001: there is no account 9", id="no account"
        ),
        pytest.param(seed(lines=[line("1", qty="1")]), "lines[0] (id 1).qty: Extra inputs", id="a misspelt field"),
        pytest.param(seed(accounts=[{"id": "1"}]), "accounts[0] (id 1).name: Field required", id="a missing field"),
        pytest.param(
            seed(credentials={"company_id": "a"}),
            "credentials.public_key: a text that is not empty is needed",
            id="half keys",
        ),
        pytest.param(seed(lines=[line("1", start="soon")]), "lines[0] (id 1).start", id="a start that is no date"),
        pytest.param(seed(lines=["1"]), "lines[0]: Input should be", id="a line that is a text"),
    ],
)
def test_a_bad_seed_is_refused_with_the_place_and_the_reason(document: Any, words: str) -> None:
    with pytest.raises(SeedError) as caught:
        seed_from(document, "seed")
    assert words in str(caught.value)


def test_every_problem_of_a_seed_is_told_at_once() -> None:
    with pytest.raises(SeedError) as caught:
        seed_from(seed(lines=[line("x")], services=[service("77", unit_cost="much")]), "seed")
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("psa: [", "is neither YAML nor JSON", id="broken YAML"),
        pytest.param(b"\xff\xfe\x00", "is neither YAML nor JSON", id="bytes that are no text"),
    ],
)
def test_a_file_that_is_no_document_is_refused_with_its_name(tmp_path: Path, content: str | bytes, words: str) -> None:
    file = tmp_path / "seed.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SeedError, match=words):
        read_document(file)


def test_an_unquoted_infinity_is_refused_as_any_text_that_is_no_number(tmp_path: Path) -> None:
    file = tmp_path / "seed.yaml"
    file.write_text(WRITTEN.replace("22.10", ".inf"), encoding="utf-8")
    with pytest.raises(SeedError, match=r"services\[0\] \(id 77\)\.unit_price: a decimal number in quotes"):
        seed_from(read_document(file), "seed.yaml")


def test_a_seed_file_that_is_missing_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_document(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        pytest.param({"rules": [{"match": "GET", "do": "explode"}]}, "there is no fault 'explode'", id="no such fault"),
        pytest.param({"rules": [{"match": "(", "do": "drop"}]}, "no regular expression", id="a broken pattern"),
        pytest.param({"rules": [{"match": "G", "do": "drop", "nth": 0}]}, "rules[0].nth", id="the zeroth"),
        pytest.param(
            {"rules": [{"match": "G", "do": "drop", "nth": 1, "every": 2}]}, "exclude each other", id="nth and every"
        ),
        pytest.param({"rate": {"429": "1.5"}}, "rate", id="a probability above one"),
        pytest.param({"rule": []}, "faults: rule: Extra inputs", id="a misspelt key"),
        pytest.param([], "faults are a mapping", id="a list"),
    ],
)
def test_bad_faults_are_refused_with_the_place_and_the_reason(document: Any, words: str) -> None:
    with pytest.raises(SeedError) as caught:
        faults_from(document, "faults")
    assert words in str(caught.value)


def test_a_faults_file_may_name_statuses_as_numbers_and_rates_as_fractions(tmp_path: Path) -> None:
    file = tmp_path / "faults.yaml"
    file.write_text("rules: [{match: PATCH, every: 2, do: 500}]\nseed: 7\nrate: {429: 0.05}\n", encoding="utf-8")
    faults = read_faults(file)
    assert faults.rules[0].do == "500"
    assert faults.rate == {"429": 0.05}


def test_without_a_faults_file_there_are_no_faults() -> None:
    assert read_faults(None).rules == ()
