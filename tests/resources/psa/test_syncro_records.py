"""Syncro's records in our words, field by field.

Belongs here: absent, null and unknown values; texts, cents and flags.
Does not belong here: HTTP.
"""

from decimal import Decimal
from typing import Any

import pytest

from pipelines.agreements.records import Agreement
from resources.psa.errors import PsaError, Refused, Unavailable
from resources.psa.syncro_records import (
    account_from,
    agreement_from,
    counter_of,
    is_recurring,
    items_of,
    line_from,
    service_from,
)


def _agreement(**fields: Any) -> Agreement:
    return agreement_from({"id": 9001, "name": "Managed", "customer_id": 250, **fields})


def _item(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "product_id": 77, "quantity": "10.0", "schedule_id": 9001, **fields}


@pytest.mark.parametrize(
    ("fields", "name", "is_active"),
    [
        pytest.param({"business_name": " Acme ", "fullname": "Ann Lee"}, "Acme", True, id="a business"),
        pytest.param({"business_name": None, "fullname": "Ann Lee"}, "Ann Lee", True, id="a person"),
        pytest.param({"business_name": "", "business_then_name": "Ann", "disabled": True}, "Ann", False, id="disabled"),
        pytest.param({"disabled": None}, "", True, id="nothing said"),
    ],
)
def test_an_account_is_a_business_or_a_person_and_active_until_disabled(
    fields: dict[str, Any], name: str, is_active: bool
) -> None:
    account = account_from({"id": 250, **fields})
    assert (account.id, account.name, account.is_active) == ("250", name, is_active)


def test_a_service_is_a_product_with_exact_prices() -> None:
    prices = {"price_cost": Decimal("17.10"), "price_retail": 22, "upc_code": "EXM"}
    service = service_from({"id": 77, "name": "Plan", "description": "Long", "disabled": False, **prices})
    assert vars(service) == {
        "id": "77",
        "code": "EXM",
        "name": "Plan",
        "is_active": True,
        "unit_cost": Decimal("17.10"),
        "unit_price": Decimal(22),
    }


def test_a_product_that_says_little_has_no_code_and_no_prices() -> None:
    service = service_from({"id": 77, "name": None, "description": "Long", "disabled": True, "unknown": {}})
    assert (service.code, service.name, service.is_active) == ("", "Long", False)
    assert (service.unit_cost, service.unit_price) == (None, None)


@pytest.mark.parametrize(("paused", "is_active"), [(False, True), (None, True), (True, False)])
def test_a_schedule_is_active_until_it_is_paused(paused: bool | None, is_active: bool) -> None:
    agreement = _agreement(paused=paused)
    assert (agreement.account_id, agreement.is_active) == ("250", is_active)
    assert (agreement.start_date, agreement.end_date, agreement.currency, agreement.prorates) == (
        None,
        None,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("quantity", "exact"),
    [
        ("10", "10"),
        ("9.99", "9.99"),
        ("0.0", "0"),
        ("-3.0", "-3"),
        ("0.0000000001", "0.0000000001"),
        ("12345678901234567890.1234567891", "12345678901234567890.1234567891"),
        ("1.00000000000000", "1"),
    ],
)
def test_a_quantity_is_the_exact_decimal_of_its_text(quantity: str, exact: str) -> None:
    assert line_from(_item(quantity=quantity), _agreement()).quantity == Decimal(exact)


@pytest.mark.parametrize(
    ("cents", "amount"),
    [(2200, "22"), (1, "0.01"), (0, "0"), (-5, "-0.05"), (int("12" * 14), "12121212121212121212121212.12")],
)
def test_whole_cents_are_exact_money(cents: int, amount: str) -> None:
    assert line_from(_item(retail_cents=cents), _agreement()).unit_price == Decimal(amount)


def test_a_line_belongs_to_the_account_of_its_schedule_and_has_no_dates() -> None:
    line = line_from(_item(retail_cents=2200, cost_cents=None), _agreement())
    assert (line.agreement_id, line.account_id, line.service_id) == ("9001", "250", "77")
    assert (line.unit_price, line.unit_cost, line.start_date, line.end_date) == (Decimal(22), None, None, None)
    assert line.psa_included == 0


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        pytest.param({"quantity": 10}, Unavailable, "quantity is 10, not a decimal in a text", id="a number"),
        pytest.param({"quantity": None}, Unavailable, "quantity is None", id="null"),
        pytest.param({"quantity": ""}, Unavailable, "quantity is ''", id="an empty text"),
        pytest.param({"quantity": "1e3"}, Unavailable, "quantity is '1e3'", id="an exponent"),
        pytest.param({"quantity": "NaN"}, Unavailable, "quantity is 'NaN'", id="no number"),
        pytest.param({"quantity": "1,5"}, Unavailable, "quantity is '1,5'", id="a comma"),
        pytest.param({"quantity": "٣"}, Unavailable, "quantity is", id="digits of another script"),
        pytest.param({"quantity": "0.00000000001"}, Refused, "more than 10 decimal places", id="too fine"),
        pytest.param({"quantity": "1" * 29}, Refused, "more than 28 digits before the point", id="too large"),
        pytest.param({"retail_cents": "2200"}, Unavailable, "retail_cents is '2200', not whole cents", id="cents text"),
        pytest.param({"cost_cents": Decimal("1.5")}, Unavailable, "not whole cents", id="half a cent"),
        pytest.param({"retail_cents": 10**28}, Refused, "more than 28 digits", id="too much money"),
        pytest.param({"retail_cents": True}, Unavailable, "retail_cents is True", id="a truth"),
        pytest.param({"product_id": "77"}, Unavailable, "has no product_id", id="an id of text"),
        pytest.param({"schedule_id": 9002}, Unavailable, "says that it stands on schedule 9002", id="another schedule"),
        pytest.param({"schedule_id": None}, Unavailable, "has no schedule_id", id="no schedule"),
    ],
)
def test_a_line_that_cannot_be_read_exactly_fails_the_copy(
    fields: dict[str, Any], kind: type[PsaError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        line_from(_item(**fields), _agreement())
    assert words in str(caught.value)
    assert "line 1 of schedule 9001" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "recurs"),
    [
        pytest.param({}, True, id="a product"),
        pytest.param({"one_time_charge": False}, True, id="with every invoice"),
        pytest.param({"one_time_charge": True}, False, id="once"),
        pytest.param({"product_id": None}, False, id="a text without a product"),
    ],
)
def test_only_a_product_with_every_invoice_recurs(fields: dict[str, Any], recurs: bool) -> None:
    assert is_recurring(_item(**fields)) is recurs


@pytest.mark.parametrize(
    ("fields", "counter"),
    [
        ({}, None),
        ({"recurring_type_id": None, "asset_type_id": None, "device_ids": []}, None),
        ({"recurring_type_id": 3}, "recurring_type_id"),
        ({"asset_type_id": 0}, "asset_type_id"),
        ({"device_ids": [4]}, "device_ids"),
    ],
)
def test_a_line_that_syncro_may_count_is_told_by_its_field(fields: dict[str, Any], counter: str | None) -> None:
    assert counter_of(_item(**fields)) == counter


@pytest.mark.parametrize("name", ["lines", "line_items"])
def test_the_lines_of_a_schedule_stand_under_one_of_two_names(name: str) -> None:
    assert items_of({"id": 9001, name: [_item()]}) == [_item()]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({}, "comes without one list of its lines", id="none"),
        pytest.param({"lines": [], "line_items": []}, "without one list of its lines", id="two lists"),
        pytest.param({"lines": None}, "without one list of its lines", id="null"),
        pytest.param({"lines": {"1": {}}}, "without one list of its lines", id="an object"),
        pytest.param({"lines": ["x"]}, "a line of schedule 9001 has no id", id="a text"),
        pytest.param({"lines": [_item(), _item()]}, "schedule 9001 names a line twice", id="one twice"),
    ],
)
def test_lines_that_are_not_whole_are_not_taken_for_none(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        items_of({"id": 9001, **fields})


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(lambda: _agreement(paused="no"), "schedule 9001: paused is 'no', not true or false", id="a flag"),
        pytest.param(lambda: _agreement(customer_id=None), "schedule 9001 has no customer_id", id="no customer"),
        pytest.param(lambda: account_from({"id": True}), "a customer has no id", id="a truth as id"),
        pytest.param(lambda: account_from({"id": 5, "disabled": 1}), "customer 5: disabled is 1", id="one as truth"),
        pytest.param(
            lambda: service_from({"id": 7, "price_retail": "22.00"}),
            "product 7: price_retail is '22.00', not a number",
            id="a price of text",
        ),
    ],
)
def test_a_record_in_words_we_do_not_know_fails_the_copy(make: Any, words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        make()
    assert words in str(caught.value)
