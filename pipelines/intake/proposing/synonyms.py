"""The header texts by which distributors call a profile's columns, English and German.

Belongs here: the table, finding the header row by it.
Does not belong here: what cells hold (``marks``).
"""

from collections.abc import Sequence

from pipelines.intake.headers import Header, normal_header

SYNONYMS: dict[str, tuple[str, ...]] = {
    "account_key": (
        "Customer ID", "Customer No", "Customer Number", "Company ID", "Account ID", "Kundennummer", "Kunden-Nr.",
        "Customer", "Company", "End Customer", "Company Name", "Customer Name", "Account", "Site", "Kunde", "Endkunde",
    ),
    "service_key": (
        "SKU", "Part Number", "Item Number", "Item", "Product ID", "Artikelnummer", "Artikel-Nr.", "Artikel",
        "Product", "Service", "Product Name", "Produkt",
    ),
    "quantity": ("Quantity", "Qty", "Seats", "Licenses", "Licences", "Units", "Menge", "Anzahl", "Lizenzen"),
}  # fmt: skip
"""In order of preference: a number or an id names a customer more firmly than a name does."""

WITHIN = 30


def column_for(header: Header, field: str) -> list[str]:
    """The names of the header's columns that a field's synonyms fit, the preferred one first."""
    places = (header.position(name) for name in SYNONYMS[field])
    return [header.name(place) for place in dict.fromkeys(places) if place is not None]


def likely_header(records: Sequence[Sequence[str]]) -> Header | None:
    """The first of the first thirty records that bears synonyms of two fields; None where there is none."""
    known = {normal_header(name): field for field, names in SYNONYMS.items() for name in names}
    for row, record in enumerate(records[:WITHIN], 1):
        if len({known[cell] for cell in map(normal_header, record) if cell in known}) > 1:
            return Header(row, tuple(record))
    return None
