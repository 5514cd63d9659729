"""A sandbox PSA's records as Autotask shows them, and what may stand in an adjustment.

Belongs here: field names, picklists, instants, the closed list of an adjustment's fields.
Does not belong here: paths, pages, credentials (``autotask``), the arithmetic of units (``autotask_units``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

from trueup.sandbox.psa.autotask_units import last_day, rows_of
from trueup.sandbox.psa.seed import Account, Agreement, Line, Service
from trueup.sandbox.psa.state import Moment

ACTIVE, INACTIVE = 1, 0
RECURRING_SERVICE = 7
CUSTOMER = 1
PICKLISTS: Mapping[str, Mapping[str, Mapping[int, str]]] = {
    "Companies": {"companyType": {CUSTOMER: "Customer", 2: "Lead", 3: "Prospect", 6: "Vendor"}},
    "Contracts": {
        "status": {INACTIVE: "Inactive", ACTIVE: "Active"},
        "contractType": {1: "Time and Materials", 3: "Fixed Price", RECURRING_SERVICE: "Recurring Service"},
    },
}
"""Entity, field, value, label."""

_LARGEST = 2**31 - 1


def company(account: Account) -> dict[str, Any]:
    """A company."""
    return {
        "id": int(account.id),
        "companyName": account.name,
        "companyNumber": f"C{account.id}",
        "companyType": CUSTOMER,
        "isActive": account.active,
        "parentCompanyID": None,
    }


def service(record: Service) -> dict[str, Any]:
    """A service of the catalogue. It has no field for a code of the seed, so that stands in the description."""
    return {
        "id": int(record.id),
        "name": record.name,
        "description": record.code,
        "isActive": record.active,
        "periodType": 1,
        "unitCost": record.unit_cost,
        "unitPrice": record.unit_price,
        "vendorCompanyID": None,
    }


def contract(record: Agreement) -> dict[str, Any]:
    """A contract. The vendor's end date is the last day, ours the day after."""
    return {
        "id": int(record.id),
        "companyID": int(record.account),
        "contractName": record.name,
        "contractNumber": "",
        "contractType": RECURRING_SERVICE,
        "contractPeriodType": 1,
        "startDate": _midnight(record.start),
        "endDate": _midnight(record.end - timedelta(days=1) if record.end else None),
        "status": ACTIVE if record.active else INACTIVE,
    }


def contract_service(line: Line) -> dict[str, Any]:
    """A contract service. How many there are of it stands in its rows of units."""
    return {
        "id": int(line.id),
        "contractID": int(line.agreement),
        "serviceID": int(line.service),
        "unitPrice": line.unit_price,
        "unitCost": line.unit_cost,
        "internalDescription": line.description,
        "invoiceDescription": line.invoice_text,
        "quoteItemID": None,
    }


@lru_cache(maxsize=10_000)
def units(line: Line, agreement: Agreement, today: date) -> list[dict[str, Any]]:
    """The rows of a contract service, one for each period. Kept, since every question looks through all of them."""
    return [
        {
            "id": row.id,
            "contractID": int(line.agreement),
            "contractServiceID": int(line.id),
            "serviceID": int(line.service),
            "startDate": _midnight(row.start),
            "endDate": _midnight(last_day(row)),
            "units": row.units,
            "price": line.unit_price,
            "cost": line.unit_cost,
            "approveAndPostDate": _midnight(row.end) if row.is_posted else None,
            "vendorCompanyID": None,
        }
        for row in rows_of(line, agreement, today)
    ]


@dataclass(frozen=True)
class Entity:
    """One kind of record: the fields that a query may name, and the records of a moment."""

    fields: frozenset[str]
    records: Callable[[Moment, date], list[dict[str, Any]]]


ENTITIES: Mapping[str, Entity] = {
    "Companies": Entity(
        frozenset({"id", "companyName", "companyNumber", "companyType", "isActive", "parentCompanyID"}),
        lambda moment, _: [company(each) for each in moment.accounts.values()],
    ),
    "Services": Entity(
        frozenset({"id", "name", "description", "isActive", "periodType", "unitCost", "unitPrice", "vendorCompanyID"}),
        lambda moment, _: [service(each) for each in moment.services.values()],
    ),
    "Contracts": Entity(
        frozenset({"id", "companyID", "contractName", "contractNumber", "contractType", "contractPeriodType"})
        | {"startDate", "endDate", "status"},
        lambda moment, _: [contract(each) for each in moment.agreements.values()],
    ),
    "ContractServices": Entity(
        frozenset({"id", "contractID", "serviceID", "unitPrice", "unitCost", "internalDescription"})
        | {"invoiceDescription", "quoteItemID"},
        lambda moment, _: [contract_service(each) for each in moment.lines.values()],
    ),
    "ContractServiceUnits": Entity(
        frozenset({"id", "contractID", "contractServiceID", "serviceID", "startDate", "endDate", "units"})
        | {"price", "cost", "approveAndPostDate", "vendorCompanyID"},
        lambda moment, today: [
            row for line in moment.lines.values() for row in units(line, moment.agreements[line.agreement], today)
        ],
    ),
}


def picklists(entity: str) -> dict[str, Any]:
    """What the vendor tells of an entity's fields, as far as they are picklists."""
    return {
        "fields": [
            {
                "name": name,
                "dataType": "integer",
                "isPickList": True,
                "picklistValues": [
                    {"value": str(value), "label": label, "isActive": True} for value, label in values.items()
                ],
            }
            for name, values in PICKLISTS[entity].items()
        ]
    }


class Malformed(Exception):  # noqa: N818  what it is
    """An adjustment whose fields are not of the kinds that they must be."""


@dataclass(frozen=True)
class Adjustment:
    """A posted adjustment: so many units more, or fewer, from a day on."""

    contract_id: str | None
    line_id: str | None
    service_id: str | None
    unit_change: int
    effective_date: date
    may_repeat: bool


_REFERENCES = ("contractID", "contractServiceID", "serviceID", "quoteItemID")
_POSTABLE = {*_REFERENCES, "unitChange", "effectiveDate", "adjustedUnitPrice", "adjustedUnitCost", "allowRepeatService"}


def adjustment_from(body: Any) -> Adjustment:
    """The adjustment in a request. Raises ``Malformed``."""
    if not isinstance(body, Mapping):
        raise Malformed("The adjustment must be an object.")
    unknown = [name for name in body if name not in _POSTABLE]
    if unknown:
        raise Malformed(f"There is no field {unknown[0]}.")
    contract_id, line_id, service_id, _ = (_reference(body, name) for name in _REFERENCES)
    return Adjustment(
        contract_id=contract_id,
        line_id=line_id,
        service_id=service_id,
        unit_change=_whole(body, "unitChange"),
        effective_date=_day(body, "effectiveDate"),
        may_repeat=body.get("allowRepeatService") is True,
    )


def _reference(body: Mapping[str, Any], name: str) -> str | None:
    return None if body.get(name) is None else str(_whole(body, name))


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST:
        raise Malformed(f"{name} must be a 32-bit integer.")
    return value


def _day(body: Mapping[str, Any], name: str) -> date:
    try:
        instant = datetime.fromisoformat(str(body.get(name)))
        if instant.tzinfo is None:
            raise ValueError(name)
    except ValueError:
        raise Malformed(f"{name} must be a full instant with an offset.") from None
    return instant.astimezone(UTC).date()


def _midnight(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None
