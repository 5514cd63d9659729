"""Autotask's records in our words: its field names, picklists, instants and rows of units.

Belongs here: one function per record, and what absent, null and unknown values mean.
Does not belong here: requests and paging (``autotask``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from resources.psa.errors import Refused, Unavailable
from resources.psa.fields import Record, day_in, id_of, money_in, text_in


@dataclass(frozen=True)
class Labels:
    """The values of a tenant's picklists that mean something to us. The numbers are the tenant's own."""

    active_contracts: frozenset[int]
    recurring_contracts: frozenset[int]
    customers: frozenset[int]


@dataclass(frozen=True)
class UnitsRow:
    """How many of a contract service are billed in one period. ``end_date`` is exclusive."""

    start_date: date
    end_date: date
    units: Decimal
    posted_date: date | None

    def covers(self, day: date) -> bool:
        """Whether the day lies in the period."""
        return self.start_date <= day < self.end_date


def labels_from(company_fields: Any, contract_fields: Any) -> Labels:
    """The meaning of a tenant's picklists, by label. Raises ``Refused`` for a label that is not there."""
    return Labels(
        active_contracts=_values(contract_fields, "Contracts", "status", "Active"),
        recurring_contracts=_values(contract_fields, "Contracts", "contractType", "Recurring Service"),
        customers=_values(company_fields, "Companies", "companyType", "Customer"),
    )


def _values(told: Any, entity: str, name: str, label: str) -> frozenset[int]:
    fields = told.get("fields") if isinstance(told, Mapping) else None
    if not isinstance(fields, list):
        raise Unavailable(f"{entity}: the PSA does not tell its fields, so its picklists cannot be read")
    entries = [
        entry
        for field in fields
        if isinstance(field, Mapping) and field.get("name") == name
        for entry in field.get("picklistValues") or ()
    ]
    values = frozenset(_picked(entry, f"{entity}.{name}") for entry in entries if _is_labelled(entry, label))
    if not values:
        raise Refused(
            f"the picklist {name} of Autotask's {entity} has no entry {label!r}: TrueUp reads it by that label; give "
            f"the entry its usual name again"
        )
    return values


def _is_labelled(entry: Any, label: str) -> bool:
    told = entry.get("label") if isinstance(entry, Mapping) else None
    return isinstance(told, str) and told.strip().casefold() == label.casefold()


def _picked(entry: Record, what: str) -> int:
    value = str(entry.get("value"))
    if not value.isascii() or not value.isdigit():
        raise Unavailable(f"{what}: the value of a picklist's entry is {value!r:.60}, not a number")
    return int(value)


def account_from(company: Record, labels: Labels) -> Account:
    """An account. Companies that are inactive, or no customers (leads, vendors), are not active."""
    number = id_of(company, "a company")
    what = f"company {number}"
    is_customer = id_of(company, what, "companyType") in labels.customers
    return Account(
        AccountId(str(number)), text_in(company, "companyName"), _flag(company, "isActive", what) and is_customer
    )


def service_from(item: Record) -> Service:
    """A service of the catalogue. It has no code. Its prices are defaults; what is billed stands on the line."""
    number = id_of(item, "a service")
    what = f"service {number}"
    return Service(
        id=ServiceId(str(number)),
        code="",
        name=text_in(item, "name"),
        is_active=_flag(item, "isActive", what),
        unit_cost=money_in(item, "unitCost", what),
        unit_price=money_in(item, "unitPrice", what),
    )


def agreement_from(contract: Record, labels: Labels, today: date) -> Agreement:
    """A contract as of today: active are those of recurring services whose status says so and that have not ended.

    The vendor's end date is read as the last day that is billed (not verified against a live tenant), so ours, which
    is exclusive, is the day after. No field tells the currency, or whether a contract prorates.
    """
    number = id_of(contract, "a contract")
    what = f"contract {number}"
    end = _day_after(day_in(contract, "endDate", what))
    is_recurring = id_of(contract, what, "contractType") in labels.recurring_contracts
    is_running = id_of(contract, what, "status") in labels.active_contracts
    return Agreement(
        id=AgreementId(str(number)),
        account_id=AccountId(str(id_of(contract, what, "companyID"))),
        name=text_in(contract, "contractName"),
        is_active=is_recurring and is_running and (end is None or end > today),
        prorates=False,
        start_date=day_in(contract, "startDate", what),
        end_date=end,
        currency=None,
    )


def agreement_id_of(contract_service: Record) -> AgreementId:
    """The agreement on which a contract service stands."""
    return AgreementId(str(id_of(contract_service, "a contract service", "contractID")))


def line_from(
    contract_service: Record, agreement: Agreement, quantity: Decimal, start_date: date | None
) -> AgreementLine:
    """A contract service with the quantity that its units say. It ends with its contract."""
    number = id_of(contract_service, f"a service of contract {agreement.id}")
    what = f"contract service {number}"
    return AgreementLine(
        id=AgreementLineId(str(number)),
        agreement_id=agreement.id,
        account_id=agreement.account_id,
        service_id=ServiceId(str(id_of(contract_service, what, "serviceID"))),
        quantity=quantity,
        psa_included=Decimal(0),
        unit_price=money_in(contract_service, "unitPrice", what),
        unit_cost=money_in(contract_service, "unitCost", what),
        start_date=start_date,
        end_date=None,
    )


def copied_line(
    contract_service: Record, agreement: Agreement, rows: Mapping[int, Sequence[UnitsRow]], day: date
) -> AgreementLine:
    """A line with what it holds on a day; without any row of units it holds nothing.

    The rows may be no more than those around the day, so a start is known only if it is not before that.
    """
    number = id_of(contract_service, "a contract service")
    mine = rows.get(number, ())
    first = min(mine, key=lambda row: row.start_date, default=None)
    row = row_for(mine, day, f"contract service {number}") or first
    start = first.start_date if first and first.start_date >= day else None
    return line_from(contract_service, agreement, row.units if row else Decimal(0), start)


def units_from(record: Record) -> UnitsRow:
    """One row of units. Raises ``Unavailable`` for a row without a number or without its dates."""
    what = f"units row {id_of(record, 'a row of units')}"
    start, last = day_in(record, "startDate", what), day_in(record, "endDate", what)
    if start is None or last is None or last < start:
        raise Unavailable(f"{what} has no period from startDate to endDate, so the answer cannot be used")
    return UnitsRow(
        start_date=start,
        end_date=last + timedelta(days=1),
        units=Decimal(id_of(record, what, "units")),
        posted_date=day_in(record, "approveAndPostDate", what),
    )


def row_for(rows: Sequence[UnitsRow], day: date, what: str) -> UnitsRow | None:
    """The row that covers a day, else the latest that starts before it; None when all start later.

    Raises ``Refused`` when two cover the day: nobody knows which of them is billed, or whether both are.
    """
    covering = [row for row in rows if row.covers(day)]
    if len(covering) > 1:
        raise Refused(f"{what} has {len(covering)} rows of units for {day}: TrueUp does not understand this line")
    earlier = [row for row in rows if row.start_date <= day]
    return covering[0] if covering else max(earlier, key=lambda row: row.start_date, default=None)


def rows_by_line(records: Iterable[Record]) -> dict[int, list[UnitsRow]]:
    """Rows of units by the id of their contract service."""
    rows: dict[int, list[UnitsRow]] = {}
    for record in records:
        rows.setdefault(id_of(record, "a row of units", "contractServiceID"), []).append(units_from(record))
    return rows


def _day_after(day: date | None) -> date | None:
    return day + timedelta(days=1) if day else None


def _flag(record: Record, field: str, what: str) -> bool:
    value = record.get(field)
    if not isinstance(value, bool):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not true or false, so the answer cannot be used")
    return value
