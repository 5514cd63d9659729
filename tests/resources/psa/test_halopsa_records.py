"""HaloPSA's records in our words, field by field.

Belongs here: absent, null and unknown values; dates, states and numbers; which lines count themselves.
Does not belong here: HTTP.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.agreements.records import Agreement
from resources.psa.errors import PsaError, Refused, Unavailable
from resources.psa.halopsa_records import (
    account_from,
    agreement_from,
    bills_a_service,
    counted_by_psa,
    line_from,
    raw_lines,
    service_from,
)

TODAY = date(2026, 11, 3)


def _agreement(**fields: Any) -> Agreement:
    return agreement_from({"id": 9001, "name": "Managed", "client_id": 250, **fields}, TODAY)


def _line(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "_itemid": 77, "qty_order": 10, **fields}


@pytest.mark.parametrize(("fields", "is_active"), [({}, True), ({"inactive": None}, True), ({"inactive": True}, False)])
def test_an_account_is_active_unless_it_is_said_not_to_be(fields: dict[str, Any], is_active: bool) -> None:
    account = account_from({"id": 250, "name": " Acme ", **fields})
    assert (account.id, account.name, account.is_active) == ("250", "Acme", is_active)


@pytest.mark.parametrize(
    ("fields", "code", "cost", "price"),
    [
        pytest.param({}, "", None, None, id="nothing said"),
        pytest.param({"costprice": 3, "baseprice": 4}, "", 3, 4, id="the usual prices"),
        pytest.param(
            {"costprice": 3, "baseprice": 4, "recurringcost": 0, "recurringprice": 5}, "", 0, 5, id="recurring prices"
        ),
        pytest.param(
            {"internalreference": " ", "supplier_part_code": "CFQ7"}, "CFQ7", None, None, id="a vendor's code"
        ),
        pytest.param({"internalreference": "A", "externalreference": "B"}, "A", None, None, id="our own code"),
    ],
)
def test_a_service_has_the_first_code_and_the_recurring_prices(
    fields: dict[str, Any], code: str, cost: int | None, price: int | None
) -> None:
    service = service_from({"id": 77, "name": "M365", **fields})
    assert (service.code, service.name, service.unit_cost, service.unit_price) == (code, "M365", cost, price)
    assert service.is_active is True


@pytest.mark.parametrize(
    ("fields", "is_active", "end"),
    [
        pytest.param({}, True, None, id="nothing said"),
        pytest.param({"disabled": False, "enddate": None}, True, None, id="running"),
        pytest.param({"enddate": "2026-11-03T00:00:00"}, True, date(2026, 11, 4), id="its last day"),
        pytest.param({"enddate": "2026-11-02T00:00:00"}, False, date(2026, 11, 3), id="the day after"),
        pytest.param({"enddate": "0001-01-01T00:00:00"}, True, None, id="the platform's word for none"),
        pytest.param({"enddate": "1900-01-01T00:00:00"}, True, None, id="another word for none"),
        pytest.param({"enddate": "9999-12-31T23:59:59.999Z"}, True, None, id="never"),
        pytest.param({"disabled": True}, False, None, id="disabled"),
    ],
)
def test_an_agreement_is_active_while_it_runs(fields: dict[str, Any], is_active: bool, end: date | None) -> None:
    agreement = _agreement(**fields)
    assert (agreement.is_active, agreement.end_date, agreement.prorates) == (is_active, end, False)


@pytest.mark.parametrize(
    ("fields", "currency"),
    [
        ({}, None),
        ({"currency": "EUR", "currency_code_name": "Euro"}, "EUR"),
        ({"currency": "", "currency_code_name": "GBP"}, "GBP"),
    ],
)
def test_a_currency_is_the_text_that_stands_there(fields: dict[str, Any], currency: str | None) -> None:
    assert _agreement(**fields).currency == currency


def test_a_line_belongs_to_the_account_of_its_agreement() -> None:
    line = line_from(_line(ihid=9001, unknown=[1], startdate="2025-01-01T00:00:00", unit_price=22), _agreement())
    assert (line.id, line.agreement_id, line.account_id, line.service_id) == ("1", "9001", "250", "77")
    assert (line.start_date, line.end_date) == (date(2025, 1, 1), None)
    assert (line.unit_price, line.unit_cost) == (Decimal(22), None)
    assert (line.quantity, line.psa_included) == (Decimal(10), Decimal(0))


@pytest.mark.parametrize(
    ("quantity", "read"),
    [(Decimal("0.1"), "0.1"), (None, "0"), (Decimal("1.00000000000000"), "1"), (-3, "-3"), (Decimal("1E+1"), "10")],
)
def test_quantities_are_exact(quantity: Any, read: str) -> None:
    assert line_from(_line(qty_order=quantity), _agreement()).quantity == Decimal(read)


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        pytest.param({"id": 1, "_itemid": 77}, Unavailable, "comes without its quantity", id="no quantity"),
        pytest.param(_line(qty_order="10"), Unavailable, "qty_order is '10', not a number", id="a text"),
        pytest.param(_line(qty_order=Decimal("1E-11")), Refused, "more than 10 decimal places", id="too fine"),
        pytest.param(_line(ihid=7), Unavailable, "says that it belongs to 7", id="another invoice's"),
        pytest.param(_line(_itemid="77"), Unavailable, "has no _itemid in the PSA's answer", id="an item of text"),
        pytest.param(_line(enddate="soon"), Unavailable, "enddate is 'soon', not a date", id="no date"),
        pytest.param(_line(unit_price="22"), Unavailable, "unit_price is '22', not a number", id="a price of text"),
    ],
)
def test_a_line_that_cannot_be_read_exactly_fails_the_copy(
    line: dict[str, Any], kind: type[PsaError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        line_from(line, _agreement())
    assert words in str(caught.value)
    assert "line 1 of recurring invoice 9001" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "bills"),
    [
        ({}, True),
        ({"_itemid": 0}, False),
        ({"_itemid": None}, False),
        ({"isgroupdesc": True}, False),
        ({"isinactive": True}, False),
        ({"isinactive": None, "_is_calculated_line": True}, True),
    ],
)
def test_texts_headings_and_inactive_lines_bill_no_service(fields: dict[str, Any], bills: bool) -> None:
    assert bills_a_service(_line(**fields), _agreement()) is bills


def test_a_line_that_does_not_tell_its_item_is_not_taken_for_a_text() -> None:
    with pytest.raises(Unavailable, match="line 1 of recurring invoice 9001 comes without its item"):
        bills_a_service({"id": 1, "qty_order": 1}, _agreement())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, None),
        ({"recurring_invoice_quantity_type": None, "_is_calculated_line": None, "quantity_users": None}, None),
        ({"recurring_invoice_quantity_type": 0, "_is_calculated_line": False, "quantity_users": []}, None),
        ({"recurring_invoice_quantity_type": 2}, "its quantity is of type 2"),
        ({"recurring_invoice_quantity_type": "0"}, "its quantity is of type 0"),
        ({"recurring_invoice_quantity_type": False}, "its quantity is of type False"),
        ({"_is_calculated_line": True}, "it is a calculated line"),
        ({"_is_calculated_line": "no"}, "it is a calculated line"),
        (
            {"quantity_licences": [{"id": 1}], "quantity_assets": [{"id": 2}]},
            "its quantity is counted from licences and assets",
        ),
        ({"quantity_subscriptions": [{}]}, "its quantity is counted from subscriptions"),
        ({"quantity_users": {"id": 1}}, "its quantity is counted from users"),
    ],
)
def test_a_line_that_the_psa_may_count_itself_is_told_by_its_reason(fields: dict[str, Any], words: str | None) -> None:
    assert counted_by_psa(_line(**fields)) == words


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (None, "comes without its lines, which are not taken for none"),
        ({}, "comes without its lines"),
        ([{"qty_order": 1}], "a line of recurring invoice 9001 has no id"),
        (["text"], "a line of recurring invoice 9001 has no id"),
        ([_line(), _line()], "shows a line twice"),
    ],
)
def test_lines_that_cannot_be_whole_are_no_lines(lines: Any, words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        raw_lines({"id": 9001, "lines": lines})
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"disabled": "no"}, "disabled is 'no', not true or false"),
        ({"client_id": None}, "recurring invoice 9001 has no client_id"),
        ({"startdate": 20250101}, "startdate is 20250101, not a date"),
    ],
)
def test_an_agreement_in_words_we_do_not_know_fails_the_copy(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        _agreement(**fields)
    assert words in str(caught.value)
