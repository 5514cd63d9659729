"""A sandbox PSA's records as Syncro shows them, and Syncro's edits of lines as changes of our records.

Belongs here: field names, cents, quantities as texts, the closed lists of what may be set.
Does not belong here: paths, pages, credentials (``syncro``).
"""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from pipelines.quantities import text
from trueup.sandbox.psa.seed import Account, Agreement, Line, Service
from trueup.sandbox.psa.state import FieldChange, Moment

_EXACT = Context(prec=100)
"""Python rounds to 28 digits by itself, fewer than a quantity may have."""

_DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)

Record = dict[str, Any]


class Invalid(Exception):  # noqa: N818  what the vendor calls it
    """An edit that is not taken, with every sentence that the vendor would say."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = list(sentences)


def customer(account: Account) -> Record:
    """A customer."""
    return {
        "id": int(account.id),
        "firstname": None,
        "lastname": None,
        "fullname": account.name,
        "business_name": account.name,
        "business_then_name": account.name,
        "disabled": not account.active,
        "contacts": [],
    }


def product(service: Service) -> Record:
    """A product. Its prices are numbers, not cents."""
    return {
        "id": int(service.id),
        "price_cost": service.unit_cost,
        "price_retail": service.unit_price,
        "description": service.name,
        "name": service.name,
        "disabled": not service.active,
        "taxable": True,
        "product_category": None,
        "upc_code": service.code,
    }


def schedule(agreement: Agreement, moment: Moment) -> Record:
    """A recurring invoice with its lines. It has no end: one that is over is paused."""
    return {
        "id": int(agreement.id),
        "account_id": 1,
        "customer_id": int(agreement.account),
        "email_customer": False,
        "frequency": "Monthly",
        "name": agreement.name,
        "next_run": "2026-12-01T00:00:00.000Z",
        "paused": not agreement.active,
        "lines": [item(line, moment) for line in moment.lines.values() if line.agreement == agreement.id],
    }


def item(line: Line, moment: Moment) -> Record:
    """A line of a recurring invoice: its quantity a text, its prices in whole cents."""
    return {
        "id": int(line.id),
        "cost_cents": _cents(line.unit_cost),
        "description": line.description or "",
        "name": line.name or moment.services[line.service].name,
        "product_id": int(line.service),
        "quantity": _shown(line.quantity),
        "retail_cents": _cents(line.unit_price),
        "schedule_id": int(line.agreement),
        "taxable": False,
        "asset_type_id": None,
        "recurring_type_id": None,
        "device_ids": [],
        "one_time_charge": False,
    }


def edited(body: Any, line: Line) -> tuple[Line, list[FieldChange]]:
    """The line after an edit, and whether its quantity was set. Everything or nothing. Raises ``Invalid``."""
    values = _values(body, {"quantity", "name", "description"})
    changed = line.model_copy(update=values)
    if "quantity" not in values:
        return changed, []
    # Also when nothing changes: a value that was sent twice was accepted twice.
    return changed, [FieldChange("quantity", text(line.quantity), text(changed.quantity))]


def added(body: Any, agreement_id: str, moment: Moment) -> Line:
    """The new line of an edit, still without an id of its own. Raises ``Invalid``.

    A line without prices costs nothing, whatever its product says: the vendor is not known to be kinder.
    """
    values = _values(body, {"product_id", "quantity", "name", "description", "retail_cents", "cost_cents"})
    if not values.get("name"):
        raise Invalid("Name can't be blank")
    if values.get("service") not in moment.services:
        raise Invalid("Product must exist")
    given = {"id": "1", "agreement": agreement_id, "quantity": Decimal(0), "unit_price": "0.00", "unit_cost": "0.00"}
    return Line.model_validate(given | values)


def _values(body: Any, allowed: set[str]) -> dict[str, Any]:
    if not isinstance(body, Mapping):
        raise Invalid("The body must be an object")
    sentences = [f"{field} is not known" for field in body if field not in allowed]
    if sentences:
        raise Invalid(*sentences)
    values = {}
    for field, value in body.items():
        name, read = _FIELDS[field]
        values[name] = read(value, field)
    return values


def _quantity(value: Any, _: str) -> Decimal:
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise Invalid("Quantity is not a number")
    return Decimal(value)


def _name(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{field.capitalize()} can't be blank")
    return value


def _words(value: Any, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{field.capitalize()} is not a text")
    return value


def _id(value: Any, _: str) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _amount(value: Any, field: str) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 10**20:
        raise Invalid(f"{field} is not a number of cents")
    return Decimal(value).scaleb(-2)


_FIELDS = {
    "product_id": ("service", _id),
    "quantity": ("quantity", _quantity),
    "name": ("name", _name),
    "description": ("description", _words),
    "retail_cents": ("unit_price", _amount),
    "cost_cents": ("unit_cost", _amount),
}


def _shown(quantity: Decimal) -> str:
    """A quantity as the vendor shows it, with at least one place."""
    plain = text(quantity)
    return plain if "." in plain else f"{plain}.0"


def _cents(amount: Decimal | None) -> int | None:
    if amount is None:
        return None
    return int(_EXACT.multiply(amount, Decimal(100)).to_integral_value(ROUND_HALF_UP))
