"""A sandbox PSA's records as ConnectWise shows them, and ConnectWise's edits as changes of our records.

Belongs here: field names, dates, states, the closed lists of what may be patched and posted.
Does not belong here: paths, paging, credentials (``connectwise``).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import Any

from pipelines.quantities import text
from trueup.sandbox.psa.seed import Account, Agreement, Line, Service
from trueup.sandbox.psa.state import FieldChange, Moment

_EXACT = Context(prec=100)
"""Python rounds to 28 digits by itself, fewer than a quantity may have."""


@dataclass(frozen=True)
class Problem:
    """One entry of ConnectWise's list of errors."""

    code: str
    message: str
    field: str = ""


class Invalid(Exception):  # noqa: N818  what the vendor calls an object that it does not take
    """An edit that is not taken, with every problem."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


COMPANY_FIELDS = frozenset({"id", "identifier", "name", "status", "types", "deletedFlag", "_info"})
ITEM_FIELDS = frozenset(
    {"id", "identifier", "description", "inactiveFlag", "productClass", "price", "cost", "recurringFlag", "_info"}
)
AGREEMENT_FIELDS = frozenset(
    {"id", "name", "type", "company", "contact", "startDate", "endDate", "noEndingDateFlag", "cancelledFlag"}
    | {"prorateFlag", "billingCycle", "agreementStatus", "currency", "_info"}
)
ADDITION_FIELDS = frozenset(
    {"id", "product", "quantity", "lessIncluded", "billedQuantity", "billCustomer", "unitPrice", "unitCost"}
    | {"extPrice", "extCost", "effectiveDate", "cancelledDate", "agreementId", "agreementStatus"}
    | {"description", "invoiceDescription", "serialNumber", "_info"}
)
"""What may be named in conditions: everything the sandbox ever shows, whether or not a record has it."""


def company(account: Account) -> dict[str, Any]:
    """A company."""
    status = {"id": 1, "name": "Active"} if account.active else {"id": 2, "name": "Inactive"}
    return {
        "id": int(account.id),
        "identifier": f"C{account.id}",
        "name": account.name,
        "status": status,
        "types": [{"id": 1, "name": "Customer"}],
        "deletedFlag": False,
        "_info": {},
    }


def item(service: Service) -> dict[str, Any]:
    """A catalogue item."""
    return _without_nulls(
        {
            "id": int(service.id),
            "identifier": service.code,
            "description": service.name,
            "customerDescription": service.name,
            "subcategory": {"id": 1, "name": "Licences"},
            "type": {"id": 1, "name": "Services"},
            "inactiveFlag": not service.active,
            "productClass": "Service",
            "price": service.unit_price,
            "cost": service.unit_cost,
            "recurringFlag": True,
            "_info": {},
        }
    )


def agreement(record: Agreement, moment: Moment) -> dict[str, Any]:
    """An agreement. The vendor's end date is the last day, ours the day after."""
    account = moment.accounts[record.account]
    return _without_nulls(
        {
            "id": int(record.id),
            "name": record.name,
            "type": {"id": 1, "name": "Managed Services"},
            "company": {"id": int(account.id), "identifier": f"C{account.id}", "name": account.name},
            "contact": {"id": 1, "name": "Accounts"},
            "startDate": _midnight(record.start),
            "endDate": _midnight(record.end - timedelta(days=1)) if record.end else None,
            "noEndingDateFlag": record.end is None,
            "cancelledFlag": not record.active,
            "prorateFlag": record.prorate,
            "billingCycle": {"id": 2, "name": "Monthly"},
            "agreementStatus": _status(record),
            "currency": {"id": 1, "currencyCode": record.currency} if record.currency else None,
            "_info": {},
        }
    )


def addition(line: Line, moment: Moment) -> dict[str, Any]:
    """An addition. Dates that are not set are absent, as the live system leaves them out."""
    service = moment.services[line.service]
    billed = max(_EXACT.subtract(line.quantity, line.psa_included), Decimal(0))
    return _without_nulls(
        {
            "id": int(line.id),
            "product": {"id": int(service.id), "identifier": service.code},
            "quantity": line.quantity,
            "lessIncluded": line.psa_included,
            "billedQuantity": billed,
            "billCustomer": "Billable",
            "unitPrice": line.unit_price,
            "unitCost": line.unit_cost,
            "extPrice": None if line.unit_price is None else _EXACT.multiply(billed, line.unit_price),
            "extCost": None if line.unit_cost is None else _EXACT.multiply(billed, line.unit_cost),
            "effectiveDate": _midnight(line.start),
            "cancelledDate": _midnight(line.end),
            "agreementId": int(line.agreement),
            "agreementStatus": _status(moment.agreements[line.agreement]),
            "description": line.description or service.name,
            "invoiceDescription": line.invoice_text,
            "serialNumber": line.serial_number,
            "_info": _info(line),
        }
    )


def patched(operations: Any, line: Line) -> tuple[Line, list[FieldChange]]:
    """The line after a JSON patch, and which fields changed. All operations or none. Raises ``Invalid``."""
    if not isinstance(operations, list) or not operations:
        raise Invalid(Problem("InvalidObject", "the patch must be an array of operations"))
    changes = []
    for operation in operations:
        after = _after(line, operation)
        field = _PATCHABLE[operation["path"]].ours
        # Also when nothing changes: a value that was sent twice was accepted twice.
        changes.append(FieldChange(field, _shown(line, field), _shown(after, field)))
        line = after
    return line, changes


def posted(body: Any, agreement_id: str, moment: Moment) -> Line:
    """The new line of a posted addition, still without an id of its own. Raises ``Invalid`` with every problem.

    A price or cost that is not given is the catalogue's.
    """
    if not isinstance(body, Mapping):
        raise Invalid(Problem("InvalidObject", "the addition must be an object"))
    problems = [Problem("InvalidField", f"{field} cannot be set", field) for field in body if field not in _POSTABLE]
    problems += [_missing(field) for field in ("product", "billCustomer") if body.get(field) is None]
    if problems:
        raise Invalid(*problems)
    values = {known.ours: known.read(body[field], field) for field, known in _POSTABLE.items() if field in body}
    service = moment.services.get(values["service"])
    if service is None:
        raise Invalid(Problem("InvalidReference", f"product {values['service']} does not exist", "product"))
    values = {"unit_price": service.unit_price, "unit_cost": service.unit_cost, **values}
    line = {"id": "1", "agreement": agreement_id, "quantity": Decimal(0)}
    return Line.model_validate(line | _without_nulls(values))


def _missing(field: str) -> Problem:
    return Problem("MissingRequiredField", f"{field} is required", field)


def _after(line: Line, operation: Any) -> Line:
    if not isinstance(operation, Mapping) or set(operation) - {"op", "path", "value"}:
        raise Invalid(Problem("InvalidObject", "an operation is an object of op, path and value"))
    op, path = operation.get("op"), operation.get("path")
    if op not in ("add", "replace", "remove"):
        raise Invalid(Problem("InvalidOperation", f"op {op!r} is not one of add, replace, remove"))
    if not isinstance(path, str) or path not in _PATCHABLE:
        raise Invalid(Problem("InvalidPath", f"path {path!r} cannot be patched", str(path)))
    if op != "remove" and "value" not in operation:
        raise Invalid(Problem("InvalidObject", f"op {op!r} needs a value", path))
    known = _PATCHABLE[path]
    value = None if op == "remove" else operation["value"]
    return line.model_copy(update={known.ours: known.read(value, path)})


def _shown(line: Line, field: str) -> str | None:
    value: Decimal | date | None = getattr(line, field)
    return text(value) if isinstance(value, Decimal) else _day(value)


def _quantity(value: Any, field: str) -> Decimal:
    number = _number(value, field)
    if number is None:
        raise Invalid(Problem("InvalidValue", f"{field} must be a number", field))
    return number


def _number(value: Any, field: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -30 < Decimal(value).adjusted() < 30:
        raise Invalid(Problem("InvalidValue", f"{field} must be a number", field))
    return Decimal(value)


def _instant(value: Any, field: str) -> date | None:
    if value is None:
        return None
    try:
        if not str(value).endswith("Z") or "T" not in str(value):
            raise ValueError(value)
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Invalid(Problem("InvalidValue", f"{field} must be like 2026-11-01T00:00:00Z", field)) from None


def _reference(value: Any, field: str) -> str:
    number = value.get("id") if isinstance(value, Mapping) else None
    if isinstance(number, bool) or not isinstance(number, int):
        raise Invalid(Problem("InvalidReference", f"{field} must be a reference with an id", field))
    return str(number)


def _words(longest: int) -> Callable[[Any, str], str | None]:
    def read(value: Any, field: str) -> str | None:
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            raise Invalid(Problem("InvalidValue", f"{field} must be a text of at most {longest} characters", field))
        return value

    return read


def _billable(value: Any, field: str) -> None:
    if value != "Billable":
        raise Invalid(Problem("InvalidValue", f"{field} must be Billable: the sandbox knows nothing else", field))


@dataclass(frozen=True)
class _Field:
    ours: str
    read: Callable[[Any, str], Any]


_PATCHABLE: Mapping[str, _Field] = {
    "quantity": _Field("quantity", _quantity),
    "cancelledDate": _Field("end", _instant),
}
_POSTABLE: Mapping[str, _Field] = {
    "product": _Field("service", _reference),
    "quantity": _Field("quantity", _quantity),
    "lessIncluded": _Field("psa_included", _number),
    "billCustomer": _Field("billed", _billable),
    "unitPrice": _Field("unit_price", _number),
    "unitCost": _Field("unit_cost", _number),
    "effectiveDate": _Field("start", _instant),
    "cancelledDate": _Field("end", _instant),
    "description": _Field("description", _words(6000)),
    "invoiceDescription": _Field("invoice_text", _words(6000)),
    "serialNumber": _Field("serial_number", _words(50)),
}


def _status(record: Agreement) -> str:
    return "Active" if record.active else "Cancelled"


def _midnight(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00Z" if day else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _info(line: Line) -> dict[str, str]:
    stamp = line.updated_at.strftime("%Y-%m-%dT%H:%M:%SZ") if line.updated_at else None
    return _without_nulls({"lastUpdated": stamp, "updatedBy": line.updated_by})


def _without_nulls(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
