"""What this month differs in from a normal one: the cases the demo shows.

| case | where | what TrueUp must make of it |
|---|---|---|
| increase, seats added in the month | O'Malley, Microsoft 365 Business Premium | 12 → 15 (`addQuantity`) |
| increase, one of three tiers | Willow Creek, workstations on Silver | 18 → 21 |
| increase, one of three tiers | Redwood, workstations on Gold | 33 → 35 |
| increase in whole blocks | Papillon, 712.9 GB of backup | 700 → 800 |
| increase after an allowance | Nimbus & Finch, 9 network devices, 2 included | 6 → 7 |
| increase, two sources on one line | Maple & Main, 12 from Pax8 and 11 from Beacon | 20 → 23 |
| increase, two vendor keys on one account | Harbour Freight and its warehouse, 33 and 15 | 45 → 48 |
| increase, service renamed in the PSA | Søndergaard, Mail Guard sold as "Inbox Shield" | 31 → 34 |
| decrease | Kestrel, servers | 6 → 5 |
| decrease | Brightwater, mail protection | 40 → 36 |
| cancelled subscription | Café Größenwahn, Exchange Online (`cancelImmediate`) | 6 → 0, needs its own tick |
| vanished | Copperfield, mail protection: its subscription is cancelled, no row is left | 9 → 0, needs its own tick |
| new found revenue | Müller, 4 Visio; Zoë's, 3 network devices | on no agreement line |
| a rejected row holds a decrease | Quarry Lane, mail protection: 8 and "6 seats" | held at 14 |
| two lines could be meant | Golden Acorn, servers on two agreements | ambiguous, nothing proposed |
| unmapped account | Zephyr Kite School, backup | reported, nothing lost |
| unmapped service | Ledgerly Cloud Books at Maple & Main | reported, nothing lost |
| excluded account | the MSP's own licences, in every source | counted as excluded |
| excluded service | the trial of the password vault at Northstar | counted as excluded |
| proration | a `prorateCredit` at Søndergaard | money for part of a month: reported, changes no quantity |
| credit | a `customerCredit` at Müller | money, changes no quantity |
| unknown charge kind | a `loyaltyRebate` at Northstar | kept, reported, never counted |
| the same file again | Pax8, under another name | counts once |
| control total | Beacon, at the foot | set aside, and it agrees |

All else is billed right.

Belongs here: this month's units, the rules that turn units into billed ones, the lines as they stand in the PSA.
Does not belong here: how a source writes a row (``microsoft``, ``pax8``, ``beacon``).
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from trueup.demo.catalogue import PRODUCTS
from trueup.demo.customers import CUSTOMERS, Customer, service_of

BACKUP, NETWORK = "514", "545"
BLOCK = Decimal(100)
"""Backup is sold in whole blocks of so many GB."""

INCLUDED = {"253545": Decimal(2), "262545": Decimal(2)}
"""Network devices that the base fee of two customers covers, by line."""

THIS_MONTH: dict[tuple[str, str], Decimal] = {
    ("251", "bp"): Decimal(15),
    ("252", "workstations"): Decimal(21),
    ("254", "exo"): Decimal(0),
    ("255", "servers"): Decimal(5),
    ("256", "backup"): Decimal("712.9"),
    ("258", "mail"): Decimal(36),
    ("259", "mail"): Decimal(34),
    ("262", "network"): Decimal(9),
    ("263", "servers"): Decimal(9),
    ("264", "workstations"): Decimal(35),
    ("265", "visio"): Decimal(4),
    ("267", "shield"): Decimal(11),
    ("268", "mail"): Decimal(0),
    ("271", "edr"): Decimal(48),
    ("272", "network"): Decimal(3),
}
"""Units of this month where they differ from the normal one, by customer and product."""

SECOND_AGREEMENT = ("263", "Branch offices", {"2635441": ("544", Decimal(3))})
"""Golden Acorn's second agreement: three of its eight servers stand there."""


@dataclass(frozen=True)
class Use:
    """What one customer uses of one product in one month, all its vendor keys together."""

    customer: Customer
    product: str
    units: Decimal


@dataclass(frozen=True)
class BilledLine:
    """An agreement line as it stands in the PSA. The id of a line is its customer's and its service's."""

    id: str
    agreement: str
    service: str
    quantity: Decimal


def uses(source: str, *, is_current: bool) -> list[Use]:
    """What all customers use of a source's products: this month, or in a normal one. Unused products are left out."""
    return [
        Use(customer, product, units)
        for customer in CUSTOMERS
        for product in PRODUCTS
        if PRODUCTS[product].source == source and (units := _units(customer, product, is_current=is_current))
    ]


def _units(customer: Customer, product: str, *, is_current: bool) -> Decimal:
    normal = customer.uses.get(product, Decimal(0))
    return THIS_MONTH.get((customer.id, product), normal) if is_current else normal


def agreement_of(customer: str, number: int = 1) -> str:
    """The id of a customer's agreement."""
    return f"{number}{customer}"


def billed_lines() -> list[BilledLine]:
    """The lines as they stand: a normal month, billed right."""
    lines = [line for customer in CUSTOMERS for line in _lines_of(customer)]
    customer, _, second = SECOND_AGREEMENT
    return lines + [BilledLine(key, agreement_of(customer, 2), *held) for key, held in second.items()]


def _lines_of(customer: Customer) -> list[BilledLine]:
    used: dict[str, Decimal] = {}
    for product, units in customer.uses.items():
        service = service_of(customer, PRODUCTS[product])
        used[service] = used.get(service, Decimal(0)) + units
    lines = []
    for service, units in used.items():
        key = f"{customer.id}{service}"
        quantity = _billed(key, service, units) - _on_second_agreement(customer, service)
        lines.append(BilledLine(key, agreement_of(customer.id), service, quantity))
    return lines


def _billed(line: str, service: str, units: Decimal) -> Decimal:
    billable = units - INCLUDED.get(line, Decimal(0))
    blocks = (billable / BLOCK).to_integral_value(ROUND_CEILING)
    return blocks * BLOCK if service == BACKUP else billable


def _on_second_agreement(customer: Customer, service: str) -> Decimal:
    owner, _, lines = SECOND_AGREEMENT
    elsewhere = (quantity for held, quantity in lines.values() if owner == customer.id and held == service)
    return sum(elsewhere, Decimal(0))
