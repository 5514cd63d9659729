"""Pax8's list of subscriptions, as the shipped profile ``pax8-subscriptions`` reads it.

Belongs here: the columns, the statuses, the keys. All companies, products and prices are invented.
Does not belong here: what is used (``story``).
"""

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pipelines.periods import BillingPeriod
from pipelines.quantities import money_text, text
from trueup.demo.catalogue import PAX8, PRODUCTS, TRIAL, UNMAPPED, Product
from trueup.demo.customers import OWN_NAME, OWN_USES
from trueup.demo.story import Use, uses

PROFILE = "pax8-subscriptions"
WAREHOUSE = "Harbour Freight (Warehouse)"
WAREHOUSE_ACCOUNT = "271"
"""A second company at Pax8 for one customer: both keys lead to one account."""

_WAREHOUSE_SEATS = {"mail": Decimal(18), "edr": Decimal(15)}
_NEW_COMPANY = "Zephyr Kite School"
"""A company that nobody has mapped yet."""

_TERMS = {"Monthly": "P1M", "1-Year": "P1Y"}

HEADER = (
    *("Company Name", "Company ID", "Product Name", "SKU", "Quantity", "Status", "Billing Term", "Commitment Term"),
    *("Price", "Partner Cost", "Currency", "Subscription ID"),
)


@dataclass(frozen=True)
class _Subscription:
    """One row; ``quantity`` is the text of its cell."""

    company: str
    product: Product
    quantity: str
    status: str = "Active"
    number: int = 1


def inbox_path(period: BillingPeriod, name: str = "subscriptions.csv") -> str:
    """Where the file of a month arrives."""
    return f"pax8/{period.key}/{name}"


def account_key(company: str) -> str:
    """The key by which the file names a company: its id."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"pax8.{company}"))


def service_key(product: Product) -> str:
    """The key by which the profile names a product: its SKU and what its term means."""
    return f"{product.code}|{_TERMS[product.term]}"


def pax8_file(*, is_current: bool) -> bytes:
    """The file of a month: this one, or a normal one. A snapshot bears no date."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for row in sorted(_subscriptions(is_current=is_current), key=lambda row: row.company):
        writer.writerow(_record(row))
    return out.getvalue().encode()


def _subscriptions(*, is_current: bool) -> Iterator[_Subscription]:
    for use in uses(PAX8, is_current=is_current):
        yield from _of_use(use, is_current=is_current)
    yield _Subscription(OWN_NAME, PRODUCTS["mail"], text(OWN_USES["mail"]))
    yield _Subscription("Northstar Robotics", TRIAL, "10")
    yield _Subscription("Juniper Yoga, Inc.", PRODUCTS["vault"], "4", status="Trial")
    if is_current:
        yield _Subscription(_NEW_COMPANY, PRODUCTS["backup"], "140")
        yield _Subscription("Maple & Main Realty", UNMAPPED, "4")
        yield _Subscription("Copperfield Books", PRODUCTS["mail"], "9", status="Cancelled")


def _of_use(use: Use, *, is_current: bool) -> Iterator[_Subscription]:
    company, product = use.customer.name, PRODUCTS[use.product]
    match use.customer.id, use.product:
        case account, ("mail" | "edr") as shared if account == WAREHOUSE_ACCOUNT:
            yield _Subscription(company, product, text(use.units - _WAREHOUSE_SEATS[shared]))
            yield _Subscription(WAREHOUSE, product, text(_WAREHOUSE_SEATS[shared]))
        case ("260", "mail") if is_current:  # the second quantity was typed by hand
            yield _Subscription(company, product, "8")
            yield _Subscription(company, product, "6 seats", number=2)
        case _:
            yield _Subscription(company, product, text(use.units))


def _record(row: _Subscription) -> list[str]:
    product = row.product
    return [
        row.company,
        account_key(row.company),
        product.name,
        product.code,
        row.quantity,
        row.status,
        "Monthly",
        product.term,
        money_text(product.unit_cost * Decimal("1.25")),
        money_text(product.unit_cost),
        "USD",
        str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{row.company}.{product.code}.{row.number}")),
    ]
