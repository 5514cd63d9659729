"""A sandbox PSA's records as HaloPSA shows them, and an array of lines that was sent as lines of ours.

Belongs here: field names, dates, which lines count themselves, what may be sent.
Does not belong here: paths, paging, tokens (``halopsa``).
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Context, Decimal
from typing import Any

from trueup.sandbox.psa.seed import Account, Agreement, Line, Service
from trueup.sandbox.psa.state import Moment

_EXACT = Context(prec=100)
"""Python rounds to 28 digits by itself, fewer than a quantity may have."""

_COUNTED_FROM = ("quantity_licences", "quantity_subscriptions", "quantity_users", "quantity_assets")
_USUAL: Mapping[str, Any] = {
    "isinactive": False,
    "isgroupdesc": False,
    "_is_calculated_line": False,
    "recurring_invoice_quantity_type": 0,
    **{name: [] for name in _COUNTED_FROM},
    "prorata_data": [],
}
"""Fields that every line shows, as they stand where nothing else was set."""

_OURS = {"id", "ihid", "_itemid", "item_code", "item_shortdescription", "comment_1", "qty_order"}
_OURS |= {"unit_price", "unit_cost", "net_amount", "startdate", "enddate"}
"""Fields of a line that are kept as fields of ours; all others are kept as they were sent."""


class Invalid(Exception):  # noqa: N818  what the vendor calls a request that it does not take
    """A request that is not taken."""


def client(account: Account) -> dict[str, Any]:
    """A client."""
    return {"id": int(account.id), "name": account.name, "inactive": not account.active}


def item(service: Service) -> dict[str, Any]:
    """A recurring item."""
    return {
        "id": int(service.id),
        "name": service.name,
        "internalreference": service.code,
        "isrecurringitem": True,
        "inactive": not service.active,
        "recurringprice": service.unit_price,
        "recurringcost": service.unit_cost,
    }


def invoice(record: Agreement, moment: Moment, *, has_lines: bool) -> dict[str, Any]:
    """A recurring invoice. The vendor's end date is the last day, ours the day after."""
    lines = [each for each in moment.lines.values() if each.agreement == record.id]
    stamps = [each.updated_at for each in lines if each.updated_at]
    shown = {
        "id": int(record.id),
        "client_id": int(record.account),
        "client_name": moment.accounts[record.account].name,
        "name": record.name,
        "is_recurring_invoice": True,
        "disabled": not record.active,
        "startdate": _midnight(record.start),
        "enddate": _midnight(record.end - timedelta(days=1)) if record.end else None,
        "currency": record.currency,
        "contains_calculated_quantity": any(_counts_itself(_rest(each)) for each in lines),
        "last_modified": max(stamps).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if stamps else None,
    }
    return shown | ({"lines": [line(each, moment) for each in lines]} if has_lines else {})


def line(record: Line, moment: Moment) -> dict[str, Any]:
    """A line of a recurring invoice."""
    service = moment.services[record.service]
    price = record.unit_price
    return {
        "id": int(record.id),
        "ihid": int(record.agreement),
        "_itemid": int(service.id),
        "item_code": service.code,
        "item_shortdescription": record.description or service.name,
        "comment_1": record.invoice_text,
        "qty_order": record.quantity,
        "unit_price": price,
        "unit_cost": record.unit_cost,
        "net_amount": None if price is None else _EXACT.multiply(record.quantity, price),
        "startdate": _midnight(record.start),
        "enddate": _midnight(record.end - timedelta(days=1)) if record.end else None,
        **_rest(record),
    }


def checked(body: Any, moment: Moment) -> Iterator[Mapping[str, Any]]:
    """The invoices of a posted array, each with its lines. Raises ``Invalid`` before any of them is given."""
    if not isinstance(body, list) or not body:
        raise Invalid("The body must be an array of recurring invoices.")
    for each in body:
        if not isinstance(each, Mapping) or set(each) != {"id", "lines"} or not isinstance(each["lines"], list):
            raise Invalid("The sandbox takes a recurring invoice as an object of id and lines, and nothing else.")
        if str(each["id"]) not in moment.agreements:
            raise Invalid(f"Recurring invoice {each['id']} does not exist.")
        lines_of(each, moment)
    yield from body


def lines_of(invoice_sent: Mapping[str, Any], moment: Moment) -> list[Line]:
    """The lines that stand after an invoice's array was taken: those that it holds, and no others. Raises ``Invalid``.

    A line that counts itself keeps its quantity, whatever was sent.
    """
    agreement = str(invoice_sent["id"])
    lines = [_line_of(sent, agreement, moment) for sent in invoice_sent["lines"]]
    ids = [each.id for each in lines if each.id != _NEW]
    if len(set(ids)) < len(ids):
        raise Invalid("A line was sent twice.")
    return lines


_NEW = "0"


def _line_of(sent: Any, agreement: str, moment: Moment) -> Line:
    if not isinstance(sent, Mapping):
        raise Invalid(f"A line must be an object, not {sent!r:.40}.")
    standing = _standing(sent.get("id"), agreement, moment)
    service = str(sent.get("_itemid"))
    if service not in moment.services:
        raise Invalid(f"Item {service} does not exist.")
    rest = {key: value for key, value in sent.items() if key not in _OURS and value != _USUAL.get(key, _OURS)}
    quantity = _number(sent, "qty_order") or Decimal(0)
    if standing is not None and _counts_itself(_rest(standing)):
        quantity = standing.quantity
    end = _day(sent, "enddate")
    words = _words(sent, "item_shortdescription")
    values = {
        "id": _NEW if standing is None else standing.id,
        "agreement": agreement,
        "service": service,
        "quantity": quantity,
        "psa_included": Decimal(0) if standing is None else standing.psa_included,
        "unit_price": _number(sent, "unit_price"),
        "unit_cost": _number(sent, "unit_cost"),
        "start": _day(sent, "startdate"),
        "end": end + timedelta(days=1) if end else None,
        "description": None if words == moment.services[service].name else words,
        "invoice_text": _words(sent, "comment_1"),
        "vendor_fields": rest or None,
    }
    if standing is not None:
        # Equal numbers stay as they are written: 22.00 is not made 22.
        return standing.model_copy(update={name: new for name, new in values.items() if new != getattr(standing, name)})
    return Line.model_validate(values | {"id": "1"}).model_copy(update={"id": _NEW})


def _standing(number: Any, agreement: str, moment: Moment) -> Line | None:
    if number is None:
        return None
    standing = moment.lines.get(str(number))
    if isinstance(number, bool) or not isinstance(number, int) or standing is None or standing.agreement != agreement:
        raise Invalid(f"Recurring invoice {agreement} has no line {number!r:.40}.")
    return standing


def _rest(record: Line) -> dict[str, Any]:
    return {**_USUAL, **(record.vendor_fields or {})}


def _counts_itself(rest: Mapping[str, Any]) -> bool:
    is_entered = rest["recurring_invoice_quantity_type"] in (0, None) and not rest["_is_calculated_line"]
    return not is_entered or any(rest[name] for name in _COUNTED_FROM)


def _number(sent: Mapping[str, Any], field: str) -> Decimal | None:
    value = sent.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -30 < Decimal(value).adjusted() < 30:
        raise Invalid(f"{field} must be a number.")
    return Decimal(value)


def _words(sent: Mapping[str, Any], field: str) -> str | None:
    value = sent.get(field)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"{field} must be a text.")
    return value


def _day(sent: Mapping[str, Any], field: str) -> date | None:
    value = sent.get(field)
    if value is None:
        return None
    try:
        if "T" not in str(value):
            raise ValueError(value)
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise Invalid(f"{field} must be like 2026-11-01T00:00:00.") from None


def _midnight(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00" if day else None
