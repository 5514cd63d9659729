"""Autotask's records in our words, field by field.

Belongs here: what absent, null, unknown and wrongly typed values become.
Does not belong here: HTTP (``test_autotask``).
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from resources.psa.autotask_records import (
    Labels,
    UnitsRow,
    account_from,
    agreement_from,
    copied_line,
    labels_from,
    line_from,
    row_for,
    rows_by_line,
    service_from,
    units_from,
)
from resources.psa.errors import Refused, Unavailable

TODAY = date(2026, 11, 3)
LABELS = Labels(frozenset({1}), frozenset({7}), frozenset({1}))
COMPANY = {"id": 250, "companyName": " Acme ", "companyType": 1, "isActive": True}
CONTRACT = {"id": 1, "companyID": 250, "contractName": "Managed", "contractType": 7, "status": 1}
SERVICE = {"id": 77, "name": "Seats", "isActive": True}
HELD = {"id": 5, "contractID": 1, "serviceID": 77}
ROW = {"id": 9, "contractServiceID": 5, "startDate": "2026-11-01T00:00:00Z", "endDate": "2026-11-30", "units": 3}
AGREEMENT = agreement_from(CONTRACT, LABELS, TODAY)


def _row(start: str, end: str, units: int, posted: str | None = None) -> UnitsRow:
    days = [date.fromisoformat(day) for day in (start, end)]
    return UnitsRow(days[0], days[1], Decimal(units), date.fromisoformat(posted) if posted else None)


# --- accounts, services, agreements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "is_active"),
    [({}, True), ({"isActive": False}, False), ({"companyType": 3}, False), ({"id": 0}, True)],
)
def test_a_customer_that_is_active_is_an_active_account(fields: Mapping[str, Any], is_active: bool) -> None:
    account = account_from({**COMPANY, **fields}, LABELS)
    assert (account.name, account.is_active) == ("Acme", is_active)
    assert account.id == str(fields.get("id", 250))


def test_a_service_has_a_name_and_prices_that_may_be_missing() -> None:
    service = service_from({**SERVICE, "unitPrice": Decimal("1.23456789012"), "unitCost": None})
    assert (service.id, service.code, service.name) == ("77", "", "Seats")
    assert (service.unit_price, service.unit_cost) == (Decimal("1.2345678901"), None)


@pytest.mark.parametrize(
    ("fields", "is_active"),
    [
        pytest.param({}, True, id="a running one"),
        pytest.param({"status": 0}, False, id="another status"),
        pytest.param({"contractType": 1}, False, id="another type"),
        pytest.param({"endDate": "2026-11-02T00:00:00Z"}, False, id="its last day was yesterday"),
        pytest.param({"endDate": "2026-11-03T00:00:00.000Z"}, True, id="its last day is today"),
        pytest.param({"endDate": ""}, True, id="an end of nothing"),
    ],
)
def test_a_contract_is_active_by_type_status_and_last_day(fields: Mapping[str, Any], is_active: bool) -> None:
    assert agreement_from({**CONTRACT, **fields}, LABELS, TODAY).is_active is is_active


def test_a_contract_s_last_day_is_the_day_before_ours_and_its_days_are_not_moved() -> None:
    told = {**CONTRACT, "startDate": "2026-01-01T00:00:00Z", "endDate": "2026-12-31T00:00:00Z"}
    agreement = agreement_from(told, LABELS, TODAY)
    assert (agreement.start_date, agreement.end_date) == (date(2026, 1, 1), date(2027, 1, 1))
    assert (agreement.currency, agreement.prorates) == (None, False)


@pytest.mark.parametrize(
    ("make", "record", "words"),
    [
        (account_from, {**COMPANY, "isActive": None}, "company 250: isActive is None, not true or false"),
        (account_from, {**COMPANY, "companyType": "1"}, "company 250 has no companyType"),
        (account_from, {**COMPANY, "id": True}, "a company has no id"),
    ],
)
def test_a_company_of_an_unexpected_shape_is_an_error(make: Any, record: Mapping[str, Any], words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        make(record, LABELS)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"companyID": None}, "contract 1 has no companyID"),
        ({"status": "1"}, "contract 1 has no status"),
        ({"contractType": None}, "contract 1 has no contractType"),
        ({"endDate": 5}, "contract 1: endDate is 5, not a date"),
        ({"startDate": "01.02.2026"}, "contract 1: startDate is '01.02.2026', not a date"),
        ({"startDate": "2026-13-01"}, "contract 1: startDate is '2026-13-01', not a date"),
    ],
)
def test_a_contract_of_an_unexpected_shape_is_an_error(fields: Mapping[str, Any], words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        agreement_from({**CONTRACT, **fields}, LABELS, TODAY)


@pytest.mark.parametrize(
    ("price", "error", "words"),
    [
        ("22", Unavailable, "service 77: unitPrice is '22', not a number"),
        (True, Unavailable, "service 77: unitPrice is True, not a number"),
        (Decimal("1e28"), Refused, "service 77: unitPrice has more than 28 digits before the point"),
    ],
)
def test_a_price_of_an_unexpected_shape_is_an_error(price: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        service_from({**SERVICE, "unitPrice": price})


# --- picklists --------------------------------------------------------------------------------------------------------


def _fields(*entries: Any, name: str = "status") -> Any:
    kind = {"name": "contractType", "picklistValues": [{"value": 7, "label": "recurring service"}]}
    return {"fields": [{"name": "id"}, {"name": name, "picklistValues": list(entries)}, kind, "noise"]}


CUSTOMERS = {"fields": [{"name": "companyType", "picklistValues": [{"value": "4", "label": "Customer"}]}]}


def test_picklists_are_read_by_label_whatever_their_numbers_are() -> None:
    entries = [{"value": "31", "label": " ACTIVE"}, {"value": "5", "label": "active"}, {"value": "x", "label": "Draft"}]
    assert labels_from(CUSTOMERS, _fields(*entries, "noise")) == Labels(
        frozenset({31, 5}), frozenset({7}), frozenset({4})
    )


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(_fields({"value": "1", "label": "Aktiv"}), id="renamed"),
        pytest.param(_fields({"value": "1", "label": None}), id="without a label"),
        pytest.param(_fields({"value": "1", "label": "Active"}, name="state"), id="of another field"),
        pytest.param(_fields(), id="empty"),
    ],
)
def test_a_label_that_is_not_there_is_told_with_the_picklist(told: Any) -> None:
    with pytest.raises(Refused, match="the picklist status of Autotask's Contracts has no entry 'Active'"):
        labels_from(CUSTOMERS, told)


@pytest.mark.parametrize("value", ["one", None, "-1", 1.5])
def test_a_picklist_s_value_must_be_a_number(value: Any) -> None:
    with pytest.raises(Unavailable, match="status: the value of a picklist's entry is"):
        labels_from(CUSTOMERS, _fields({"value": value, "label": "Active"}))


# --- units and lines --------------------------------------------------------------------------------------------------


def test_a_row_of_units_ends_the_day_after_its_last() -> None:
    row = units_from({**ROW, "approveAndPostDate": "2026-12-02T00:00:00Z"})
    assert row == _row("2026-11-01", "2026-12-01", 3, "2026-12-02")
    assert [row.covers(date(2026, 11, day)) for day in (1, 30)] == [True, True]
    assert [row.covers(day) for day in (date(2026, 10, 31), date(2026, 12, 1))] == [False, False]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"units": None}, "units row 9 has no units"),
        ({"units": Decimal("3.5")}, "units row 9 has no units"),
        ({"units": "3"}, "units row 9 has no units"),
        ({"startDate": None}, "units row 9 has no period"),
        ({"endDate": None}, "units row 9 has no period"),
        ({"endDate": "2026-10-31"}, "units row 9 has no period"),
        ({"approveAndPostDate": True}, "units row 9: approveAndPostDate is True, not a date"),
        ({"id": None}, "a row of units has no id"),
        ({"contractServiceID": None}, "a row of units has no contractServiceID"),
    ],
)
def test_a_row_of_units_of_an_unexpected_shape_is_an_error(fields: Mapping[str, Any], words: str) -> None:
    with pytest.raises(Unavailable, match=words):
        rows_by_line([{**ROW, **fields}])


AUTUMN = [_row("2026-10-01", "2026-11-01", 1), _row("2026-11-01", "2026-12-01", 2), _row("2026-12-01", "2027-01-01", 3)]


@pytest.mark.parametrize(
    ("day", "units"),
    [
        ("2026-10-31", 1),
        ("2026-11-01", 2),
        ("2026-11-30", 2),
        ("2026-12-01", 3),
        ("2027-05-01", 3),
        ("2026-09-30", None),
    ],
)
def test_the_row_of_a_day_covers_it_or_is_the_latest_before(day: str, units: int | None) -> None:
    for rows in (AUTUMN, AUTUMN[::-1]):
        row = row_for(rows, date.fromisoformat(day), "line 5")
        assert (row.units if row else None) == units


def test_two_rows_for_one_day_are_not_understood() -> None:
    rows = [*AUTUMN, _row("2026-11-15", "2026-11-20", 9)]
    with pytest.raises(Refused, match="line 5 has 2 rows of units for 2026-11-15"):
        row_for(rows, date(2026, 11, 15), "line 5")


def test_a_line_bears_the_price_of_its_contract_service_and_ends_with_its_contract() -> None:
    line = line_from({**HELD, "unitPrice": 22, "unitCost": Decimal("17.1")}, AGREEMENT, Decimal(3), date(2026, 1, 1))
    assert (line.id, line.agreement_id, line.account_id, line.service_id) == ("5", "1", "250", "77")
    assert (line.quantity, line.unit_price, line.unit_cost) == (Decimal(3), Decimal(22), Decimal("17.1"))
    assert (line.start_date, line.end_date) == (date(2026, 1, 1), None)


@pytest.mark.parametrize(
    ("rows", "quantity", "start"),
    [
        (AUTUMN, 3, None),
        (AUTUMN[:1], 1, None),
        (AUTUMN[2:], 3, date(2026, 12, 1)),
        ([_row("2027-02-01", "2027-03-01", 4), _row("2027-01-01", "2027-02-01", 5)], 5, date(2027, 1, 1)),
        ([], 0, None),
    ],
)
def test_a_copied_line_holds_what_its_units_say_of_a_day(
    rows: list[UnitsRow], quantity: int, start: date | None
) -> None:
    line = copied_line(HELD, AGREEMENT, {5: rows}, date(2026, 12, 1))
    assert (line.quantity, line.start_date) == (Decimal(quantity), start)
