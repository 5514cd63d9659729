"""Microsoft Partner Center's reconciliation file, as the shipped profile ``microsoft-nce`` reads it.

Belongs here: the published header, charge rows in Microsoft's convention (signed ``BillableQuantity``, ``Quantity`` the
size after the change), the keys. All customers, ids and prices are invented.
Does not belong here: what is used (``story``).
"""

import csv
import io
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from pipelines.periods import BillingPeriod
from pipelines.quantities import money_text, text
from trueup.demo.catalogue import ANNUAL, MICROSOFT, PRODUCTS, Product
from trueup.demo.customers import CUSTOMERS, OWN_DOMAIN, OWN_NAME, OWN_USES, Customer
from trueup.demo.story import Use, uses

PROFILE = "microsoft-nce"

# The columns that Microsoft documents for the new-commerce reconciliation file, in its order.
HEADER = (
    *("PartnerId", "CustomerId", "CustomerName", "CustomerDomainName", "CustomerCountry", "InvoiceNumber", "MpnId"),
    *("ResellerMpnId", "OrderId", "OrderDate", "ProductId", "SkuId", "AvailabilityId", "SkuName", "ProductName"),
    *("ChargeType", "UnitPrice", "Quantity", "Subtotal", "TaxTotal", "Total", "Currency"),
    *("PriceAdjustmentDescription", "PublisherName", "PublisherId", "SubscriptionDescription", "SubscriptionId"),
    *("ChargeStartDate", "ChargeEndDate", "TermAndBillingCycle", "EffectiveUnitPrice", "UnitType", "AlternateId"),
    *("BillableQuantity", "BillingFrequency", "PricingCurrency", "PCToBCExchangeRate", "PCToBCExchangeRateDate"),
    *("MeterDescription", "ReservationOrderId", "CreditReasonCode", "SubscriptionStartDate", "SubscriptionEndDate"),
    *("ReferenceId", "ProductQualifiers", "PromotionId", "ProductCategory"),
)


@dataclass(frozen=True)
class _Tenant:
    name: str
    domain: str


@dataclass(frozen=True)
class _Charge:
    """One row. ``billable`` is what the row adds, ``size`` how many seats the subscription has after it."""

    tenant: _Tenant
    product: Product
    subscription: str
    kind: str
    billable: Decimal
    size: Decimal
    starts_on: date
    subtotal: Decimal


def inbox_path(period: BillingPeriod) -> str:
    """Where the file of a month arrives."""
    return f"{PROFILE}/{period.key}/reconciliation.csv"


def _id(*names: str) -> str:
    """A stable id in Microsoft's shape; the same names always give the same one."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, ".".join(names)))


def account_key(domain: str) -> str:
    """The key by which the file names a customer: its tenant id."""
    return _id(domain)


def service_key(product: Product) -> str:
    """The key by which the profile names a product: product, SKU and term."""
    return "|".join([*product.code.split(":"), "P1Y" if product.term == ANNUAL else "P1M"])


def microsoft_file(period: BillingPeriod, *, is_current: bool) -> bytes:
    """The file of a month: this one, or a normal one. UTF-8 with a byte order mark and CRLF, as it is downloaded."""
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(_record(charge, period) for charge in _charges(period, is_current=is_current))
    return out.getvalue().encode("utf-8-sig")


def _charges(period: BillingPeriod, *, is_current: bool) -> Iterator[_Charge]:
    for use in uses(MICROSOFT, is_current=is_current):
        yield from _subscriptions(use, period)
    if is_current:
        yield from _changes_within(period)
    own = _Tenant(OWN_NAME, OWN_DOMAIN)
    yield _cycle(own, PRODUCTS["bp"], OWN_USES["bp"], period)


def _subscriptions(use: Use, period: BillingPeriod) -> Iterator[_Charge]:
    """The recurring charges of what a customer uses: as a rule one subscription with one row."""
    tenant, product = _tenant(use.customer), PRODUCTS[use.product]
    match use.customer.id, use.product:
        case "265", "bp":  # two subscriptions of one product
            yield _cycle(tenant, product, Decimal(40), period)
            yield _cycle(tenant, product, use.units - 40, period, "second")
        case "258", "bp":  # its year ended: the row is a renewal
            yield replace(_cycle(tenant, product, use.units, period), kind="renew")
        case ("251", "bp") if use.units > use.customer.uses["bp"]:  # seats were added after the cycle began
            yield from _grown(_cycle(tenant, product, use.customer.uses["bp"], period), use.units, period)
        case _:
            yield _cycle(tenant, product, use.units, period)


def _cycle(tenant: _Tenant, product: Product, units: Decimal, period: BillingPeriod, name: str = "") -> _Charge:
    """The charge of a whole month for one subscription; ``name`` tells a customer's second one apart."""
    subscription = _id(tenant.domain, product.code, product.term, name)
    subtotal = units * product.unit_cost
    return _Charge(tenant, product, subscription, "cycleCharge", units, units, period.first_day, subtotal)


def _grown(first: _Charge, seats: Decimal, period: BillingPeriod) -> Iterator[_Charge]:
    added = seats - first.size
    cost = added * first.product.unit_cost / 2
    yield first
    yield replace(first, kind="addQuantity", billable=added, size=seats, starts_on=_mid(period), subtotal=cost)


def _changes_within(period: BillingPeriod) -> Iterator[_Charge]:
    by_id = {customer.id: customer for customer in CUSTOMERS}
    yield from _cancelled(_normal(by_id["254"], "exo", period), period)
    yield _money(_normal(by_id["259"], "bp", period), "prorateCredit", Decimal("-9.05"))
    yield _money(_normal(by_id["265"], "bp", period), "customerCredit", Decimal("-37.40"))
    yield _money(_normal(by_id["273"], "e3", period), "loyaltyRebate", Decimal("-25.00"))


def _normal(customer: Customer, product: str, period: BillingPeriod) -> _Charge:
    return _cycle(_tenant(customer), PRODUCTS[product], customer.uses[product], period)


def _cancelled(first: _Charge, period: BillingPeriod) -> Iterator[_Charge]:
    """A subscription that was billed for the month and cancelled within it: a seen zero, not an absence."""
    refund = -first.subtotal / 2
    yield first
    yield replace(
        first,
        kind="cancelImmediate",
        billable=-first.size,
        size=Decimal(0),
        starts_on=_mid(period),
        subtotal=refund,
    )


def _money(first: _Charge, kind: str, subtotal: Decimal) -> _Charge:
    return replace(first, kind=kind, billable=Decimal(1), size=Decimal(1), subtotal=subtotal)


def _tenant(customer: Customer) -> _Tenant:
    return _Tenant(customer.name, customer.domain)


def _mid(period: BillingPeriod) -> date:
    return period.first_day.replace(day=16)


def _record(charge: _Charge, period: BillingPeriod) -> dict[str, str]:
    product_id, sku = charge.product.code.split(":")
    price = money_text(charge.product.unit_cost)
    return {
        "PartnerId": _id(OWN_DOMAIN, "partner"),
        "CustomerId": account_key(charge.tenant.domain),
        "CustomerName": charge.tenant.name,
        "CustomerDomainName": charge.tenant.domain,
        "CustomerCountry": "US",
        "InvoiceNumber": f"G{period.year}{period.month:02d}0417",
        "ProductId": product_id,
        "SkuId": sku,
        "SkuName": charge.product.name,
        "ProductName": charge.product.name,
        "ChargeType": charge.kind,
        "UnitPrice": price,
        "Quantity": text(charge.size),
        "Subtotal": money_text(charge.subtotal),
        "TaxTotal": "0.00",
        "Total": money_text(charge.subtotal),
        "Currency": "USD",
        "PublisherName": "Microsoft Corporation",
        "SubscriptionDescription": charge.product.name,
        "SubscriptionId": charge.subscription,
        "ChargeStartDate": f"{charge.starts_on.isoformat()}T00:00:00Z",
        "ChargeEndDate": f"{period.last_day.isoformat()}T00:00:00Z",
        "TermAndBillingCycle": charge.product.term,
        "EffectiveUnitPrice": price,
        "UnitType": "Licenses",
        "BillableQuantity": text(charge.billable),
        "BillingFrequency": "Monthly",
        "PricingCurrency": "USD",
        "PCToBCExchangeRate": "1",
        "PCToBCExchangeRateDate": f"{period.first_day.isoformat()}T00:00:00Z",
        "SubscriptionStartDate": period.shifted(-8).first_day.isoformat(),
        "SubscriptionEndDate": period.shifted(3).last_day.isoformat(),
    }
