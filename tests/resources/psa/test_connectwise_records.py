"""ConnectWise's records in our words, field by field.

Belongs here: absent, null and unknown values; dates, states and numbers.
Does not belong here: HTTP.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pipelines.agreements.records import Agreement
from resources.psa.connectwise_records import account_from, agreement_from, line_from, service_from
from resources.psa.errors import PsaError, Refused, Unavailable

TODAY = date(2026, 11, 3)


def _agreement(**fields: Any) -> Agreement:
    return agreement_from({"id": 9001, "name": "Managed", "company": {"id": 250}, **fields}, TODAY)


def _addition(**fields: Any) -> dict[str, Any]:
    return {"id": 1, "product": {"id": 77}, "quantity": 10, **fields}


@pytest.mark.parametrize(
    ("fields", "is_active"),
    [
        pytest.param({}, True, id="nothing said"),
        pytest.param({"status": {"id": 1, "name": "Active"}, "deletedFlag": False}, True, id="active"),
        pytest.param({"status": {"id": 9, "name": "VIP"}}, True, id="a state of the tenant's own"),
        pytest.param({"status": None, "deletedFlag": None}, True, id="nulls"),
        pytest.param({"status": {"id": 2, "name": "Inactive "}}, False, id="inactive"),
        pytest.param({"status": {"id": 3, "name": "Not-Approved"}}, False, id="not approved"),
        pytest.param({"deletedFlag": True, "status": {"name": "Active"}}, False, id="in the recycle bin"),
    ],
)
def test_an_account_is_active_unless_deleted_or_in_a_state_that_is_not_billed(
    fields: dict[str, Any], is_active: bool
) -> None:
    account = account_from({"id": 250, "name": " Acme ", **fields})
    assert (account.id, account.name, account.is_active) == ("250", "Acme", is_active)


def test_a_service_without_prices_has_none_and_without_a_description_is_called_by_its_code() -> None:
    service = service_from({"id": 77, "identifier": "M365", "cost": None, "unknownField": {"any": 1}})
    assert (service.code, service.name, service.unit_cost, service.unit_price) == ("M365", "M365", None, None)


def test_prices_are_rounded_at_the_tenth_place_halves_away_from_zero() -> None:
    service = service_from({"id": 77, "cost": Decimal("0.00000000005"), "price": Decimal("-1.00000000005")})
    assert (service.unit_cost, service.unit_price) == (Decimal("0.0000000001"), Decimal("-1.0000000001"))


@pytest.mark.parametrize(
    ("fields", "is_active", "end"),
    [
        pytest.param({}, True, None, id="nothing said"),
        pytest.param({"endDate": "2026-11-03T00:00:00Z"}, True, date(2026, 11, 4), id="its last day"),
        pytest.param({"endDate": "2026-11-02T00:00:00Z"}, False, date(2026, 11, 3), id="the day after"),
        pytest.param({"endDate": "2026-11-02T00:00:00Z", "noEndingDateFlag": True}, True, None, id="no ending date"),
        pytest.param({"endDate": None, "noEndingDateFlag": None}, True, None, id="nulls"),
        pytest.param({"cancelledFlag": True}, False, None, id="cancelled"),
        pytest.param({"agreementStatus": "Active"}, True, None, id="active"),
        pytest.param({"agreementStatus": "Expired"}, False, None, id="expired"),
        pytest.param({"agreementStatus": "Cancelled"}, False, None, id="cancelled by its status"),
        pytest.param({"agreementStatus": "Inactive"}, False, None, id="inactive"),
    ],
)
def test_an_agreement_is_active_while_it_runs(fields: dict[str, Any], is_active: bool, end: date | None) -> None:
    agreement = _agreement(**fields)
    assert (agreement.is_active, agreement.end_date) == (is_active, end)


def test_an_agreement_tells_proration_start_and_currency_when_they_are_there() -> None:
    full = _agreement(prorateFlag=True, startDate="2025-01-01T00:00:00Z", currency={"id": 1, "currencyCode": "EUR"})
    assert (full.prorates, full.start_date, full.currency) == (True, date(2025, 1, 1), "EUR")
    bare = _agreement(currency=None)
    assert (bare.prorates, bare.start_date, bare.currency) == (False, None, None)


def test_a_line_belongs_to_the_account_of_its_agreement() -> None:
    line = line_from(_addition(additionStatus="x", cancelledDate=None, effectiveDate=None), _agreement())
    assert (line.agreement_id, line.account_id, line.service_id) == ("9001", "250", "77")
    assert (line.start_date, line.end_date) == (None, None)


def test_the_day_of_a_date_is_kept_as_it_is_written() -> None:
    line = line_from(_addition(effectiveDate="2026-11-01T23:00:00Z", cancelledDate="2026-12-01"), _agreement())
    assert (line.start_date, line.end_date) == (date(2026, 11, 1), date(2026, 12, 1))


@pytest.mark.parametrize(
    ("fields", "quantity", "included"),
    [
        pytest.param({"quantity": Decimal("0.1"), "lessIncluded": 5}, "0.1", "5", id="a fraction"),
        pytest.param({"quantity": None, "lessIncluded": None}, "0", "0", id="null is none"),
        pytest.param({"quantity": Decimal("1E+1")}, "10", "0", id="an exponent"),
        pytest.param({"quantity": Decimal("1.00000000000000")}, "1", "0", id="zeros behind the tenth place"),
        pytest.param({"quantity": -3}, "-3", "0", id="negative"),
    ],
)
def test_quantities_are_exact(fields: dict[str, Any], quantity: str, included: str) -> None:
    line = line_from(_addition(**fields), _agreement())
    assert (line.quantity, line.psa_included) == (Decimal(quantity), Decimal(included))


def test_a_quantity_that_is_not_in_the_answer_is_not_taken_for_zero() -> None:
    with pytest.raises(Unavailable, match="addition 1 of agreement 9001 comes without its quantity"):
        line_from({"id": 1, "product": {"id": 77}}, _agreement())


@pytest.mark.parametrize(
    ("fields", "kind", "words"),
    [
        pytest.param({"quantity": Decimal("0.00000000001")}, Refused, "more than 10 decimal places", id="too fine"),
        pytest.param({"quantity": Decimal("1e28")}, Refused, "more than 28 digits before the point", id="too large"),
        pytest.param({"quantity": Decimal("1e999999")}, Refused, "more than 28 digits", id="far too large"),
        pytest.param({"quantity": "10"}, Unavailable, "quantity is '10', not a number", id="a text"),
        pytest.param({"quantity": True}, Unavailable, "quantity is True, not a number", id="a truth"),
        pytest.param({"effectiveDate": "soon"}, Unavailable, "effectiveDate is 'soon', not a date", id="no date"),
        pytest.param({"product": None}, Unavailable, "the product of addition 1", id="no product"),
        pytest.param({"product": 77}, Unavailable, "the product of addition 1", id="a bare id"),
    ],
)
def test_a_line_that_cannot_be_read_exactly_fails_the_copy(
    fields: dict[str, Any], kind: type[PsaError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        line_from(_addition(**fields), _agreement())
    assert words in str(caught.value)
    assert "of agreement 9001" in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({"cancelledFlag": "no"}, "cancelledFlag is 'no', not true or false", id="a flag of text"),
        pytest.param({"currency": "USD"}, "currency is 'USD', not a reference", id="a reference of text"),
        pytest.param({"company": {}}, "the company of agreement 9001 has no id", id="a company without an id"),
        pytest.param({"endDate": 20261103}, "endDate is 20261103, not a date", id="a date of digits"),
    ],
)
def test_an_agreement_in_words_we_do_not_know_fails_the_copy(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Unavailable) as caught:
        _agreement(**fields)
    assert words in str(caught.value)
