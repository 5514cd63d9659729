"""Syncro's records in our words: customers, products, recurring invoices ("schedules") and their lines.

Belongs here: one function per record, and what absent, null and unknown values mean.
Does not belong here: requests and paging (``syncro``).
"""

import re
from decimal import Context, Decimal

from pipelines.agreements.records import Account, Agreement, AgreementLine, Service
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId
from pipelines.quantities import PRECISION, SCALE, rounded
from resources.psa.errors import Refused, Unavailable
from resources.psa.fields import Record, flag_in, id_of, money_in, text_in

LINES = ("lines", "line_items")
"""Under which name a schedule holds its lines: the first is the reference's, the second that of their path."""

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_WHOLE_DIGITS = PRECISION - SCALE
_CENTS = Context(prec=PRECISION * 2)
"""Python rounds to 28 digits by itself, fewer than an amount may have."""


def account_from(customer: Record) -> Account:
    """An account: a business, or a person where no business is named."""
    number = id_of(customer, "a customer")
    names = (text_in(customer, name) for name in ("business_name", "business_then_name", "fullname"))
    name = next((name for name in names if name), "")
    return Account(AccountId(str(number)), name, not flag_in(customer, "disabled", f"customer {number}"))


def service_from(product: Record) -> Service:
    """A product. Its prices are defaults; what is billed stands on the line."""
    number = id_of(product, "a product")
    what = f"product {number}"
    return Service(
        id=ServiceId(str(number)),
        code=text_in(product, "upc_code"),
        name=text_in(product, "name") or text_in(product, "description"),
        is_active=not flag_in(product, "disabled", what),
        unit_cost=money_in(product, "price_cost", what),
        unit_price=money_in(product, "price_retail", what),
    )


def agreement_from(schedule: Record) -> Agreement:
    """An agreement: a schedule is active until it is paused. It has no dates, no currency and no proration."""
    number = id_of(schedule, "a schedule")
    what = f"schedule {number}"
    return Agreement(
        id=AgreementId(str(number)),
        account_id=AccountId(str(id_of(schedule, what, "customer_id"))),
        name=text_in(schedule, "name"),
        is_active=not flag_in(schedule, "paused", what),
        prorates=False,
        start_date=None,
        end_date=None,
        currency=None,
    )


def items_of(schedule: Record) -> list[Record]:
    """All line items of a schedule, whatever they bill. Raises ``Unavailable`` when they are not whole."""
    what = f"schedule {id_of(schedule, 'a schedule')}"
    named = [schedule[name] for name in LINES if name in schedule]
    if len(named) != 1 or not isinstance(named[0], list):
        raise Unavailable(f"{what} comes without one list of its lines, which is not taken for none")
    items: list[Record] = named[0]
    ids = [id_of(item, f"a line of {what}") for item in items]
    if len(set(ids)) != len(ids):
        raise Unavailable(f"{what} names a line twice, so the answer cannot be used")
    return items


def is_recurring(item: Record) -> bool:
    """Whether a line bills a product with every invoice: not a text without a product, and not charged only once."""
    what = f"line {id_of(item, 'a line')}"
    return item.get("product_id") is not None and not flag_in(item, "one_time_charge", what)


def line_from(item: Record, agreement: Agreement) -> AgreementLine:
    """A line of a schedule. Its quantity is a decimal in a text, its prices are whole cents."""
    number = id_of(item, f"a line of schedule {agreement.id}")
    what = f"line {number} of schedule {agreement.id}"
    if "schedule_id" in item and str(id_of(item, what, "schedule_id")) != agreement.id:
        raise Unavailable(f"{what} says that it stands on schedule {item['schedule_id']}, so it cannot be used")
    return AgreementLine(
        id=AgreementLineId(str(number)),
        agreement_id=agreement.id,
        account_id=agreement.account_id,
        service_id=ServiceId(str(id_of(item, what, "product_id"))),
        quantity=_quantity(item, what),
        psa_included=Decimal(0),
        unit_price=_cents(item, "retail_cents", what),
        unit_cost=_cents(item, "cost_cents", what),
        start_date=None,
        end_date=None,
    )


def counter_of(item: Record) -> str | None:
    """The field by which Syncro may count a line's quantity by itself; None when a person sets it."""
    for field in ("recurring_type_id", "asset_type_id", "device_ids"):
        if item.get(field) not in (None, []):
            return field
    return None


def _quantity(item: Record, what: str) -> Decimal:
    value = item.get("quantity")
    if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
        raise Unavailable(f"{what}: quantity is {value!r:.60}, not a decimal in a text, so the answer cannot be used")
    number = _fitting(Decimal(value), "quantity", what)
    if number != rounded(number):
        raise Refused(f"{what}: quantity {value} has more than {SCALE} decimal places; correct it in the PSA")
    return number


def _cents(item: Record, field: str, what: str) -> Decimal | None:
    value = item.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unavailable(f"{what}: {field} is {value!r:.60}, not whole cents, so the answer cannot be used")
    return _fitting(Decimal(value), field, what).scaleb(-2, context=_CENTS)


def _fitting(number: Decimal, field: str, what: str) -> Decimal:
    if number and number.adjusted() >= _WHOLE_DIGITS:
        raise Refused(f"{what}: {field} has more than {_WHOLE_DIGITS} digits before the point; correct it in the PSA")
    return number
