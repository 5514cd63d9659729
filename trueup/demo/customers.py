"""Who the invented MSP serves, and what each customer used when everything was billed right.

Belongs here: the customers with their normal month.
Does not belong here: what this month differs in (``story``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from trueup.demo.catalogue import PRODUCTS, TIERS, Product


@dataclass(frozen=True)
class Customer:
    """One customer. ``uses``: product to units of a normal month; ``tier`` is the bundle its workstations are on."""

    id: str
    name: str
    domain: str
    tier: str
    uses: dict[str, Decimal]


OWN_NAME = "Fernweh Managed IT"
OWN_DOMAIN = "fernweh-it.example"
OWN_USES = {"bp": Decimal(12), "mail": Decimal(12), "workstations": Decimal(9)}
"""The MSP's own licences: in every file, on no agreement, excluded by a mapping."""

_COLUMNS = tuple(PRODUCTS)

# id  | name | domain | tier | units of every product, in the order of the catalogue:
#     bp  bpm e3 exo vis def | mail edr backup vault | workstations servers network shield
_TABLE = """
250 | Bäckerei Löwenzahn        | loewenzahn.example  | Bronze |  8 0  0  3  0  0 | 11  0  180.5   9 |  9 1  2  9
251 | O'Malley & Daughters      | omalley.example     | Bronze | 12 2  0  4  0  0 | 18  0  240     0 | 14 1  3 14
252 | Willow Creek Dental       | willowcreek.example | Silver | 16 0  0  5  0  0 | 21 18  412.75 18 | 18 2  4  0
253 | Tidewater Surf Supply     | tidewater.example   | Bronze | 10 3  0  2  0  0 | 15  0   96     0 | 11 1  7 12
254 | Café Größenwahn           | groessenwahn.example| Bronze |  4 0  0  6  0  0 | 10  0    0     0 |  5 0  2  5
255 | Kestrel Aviation Services | kestrel.example     | Gold   |  0 0 40 10  5  0 | 50 48 2150    45 | 42 6 12  0
256 | Papillon Éditions         | papillon.example    | Silver | 15 2  0  3  2  0 | 20  0  655.2   0 | 16 1  3 17
257 | Hopscotch Nursery         | hopscotch.example   | Bronze |  6 0  0  9  0  0 | 15  0    0     0 |  7 0  2  7
258 | Brightwater Accounting    | brightwater.example | Silver | 32 0  0  8  0 32 | 40 37  980    35 | 34 3  6  0
259 | Søndergaard Møbler        | sondergaard.example | Silver | 20 0  0 11  0  0 | 31  0  530    22 | 22 2  5 24
260 | Quarry Lane Veterinary    | quarrylane.example  | Bronze | 11 0  0  3  0  0 | 14  0  275.4   0 | 12 1  3 13
261 | D'Angelo Brothers         | dangelo.example     | Bronze |  7 0  0 12  0  0 | 19  0    0     0 |  8 0  2  8
262 | Nimbus & Finch Architects | nimbusfinch.example | Gold   |  0 0 26  2  9  0 | 28 30 4210.6  27 | 27 3  8  0
263 | Golden Acorn Credit Union | goldenacorn.example | Gold   |  0 0 52 20  0 52 | 72 63 3120    58 | 55 8 15  0
264 | Redwood Legal LLP         | redwood.example     | Gold   |  0 0 31  4  0  0 | 35 35 1875.3  33 | 33 2  6  0
265 | Müller Präzisionstechnik  | mueller-pt.example  | Silver | 65 0  0 22  0  0 | 87 70 2540    66 | 65 5 14  0
266 | Lighthouse Physiotherapy  | lighthouse.example  | Bronze |  9 0  0  4  0  0 | 13  0  120     0 | 10 1  2 11
267 | Maple & Main Realty       | maplemain.example   | Silver | 18 4  0  6  0  0 | 24 12  350     0 | 19 1  4  8
268 | Copperfield Books         | copperfield.example | Bronze |  5 0  0  4  0  0 |  9  0    0     0 |  6 0  2  6
269 | Ferreira Construções      | ferreira.example    | Silver | 22 5  0 15  0  0 | 42 20  610    24 | 24 2  6  6
270 | Juniper Yoga, Inc.        | juniperyoga.example | Bronze |  3 0  0  5  0  0 |  8  0    0     0 |  4 0  1  4
271 | Harbour Freight Forwarding| harbourff.example   | Silver | 36 6  0 18  0  0 | 60 45 1460    40 | 38 4  9  0
272 | Zoë's Flower Room         | zoesflowers.example | Bronze |  3 0  0  2  0  0 |  5  0    0     0 |  3 0  0  3
273 | Northstar Robotics        | northstar.example   | Gold   |  0 0 46  3 12 46 | 49 55 5890    52 | 48 7 18  0
"""


def _read(table: str) -> Iterator[Customer]:
    for line in table.strip().splitlines():
        key, name, domain, tier, *units = (cell.strip() for cell in line.split("|"))
        numbers = [Decimal(number) for number in " ".join(units).split()]
        uses = {column: number for column, number in zip(_COLUMNS, numbers, strict=True) if number}
        yield Customer(key, name, domain, tier, uses)


CUSTOMERS: tuple[Customer, ...] = tuple(_read(_TABLE))


def service_of(customer: Customer, product: Product) -> str:
    """The PSA service on which a customer is billed for a product: workstations by the customer's tier."""
    return TIERS[customer.tier] if len(product.services) > 1 else product.services[0]
