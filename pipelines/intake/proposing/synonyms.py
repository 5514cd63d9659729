"""The header texts by which distributors call a profile's columns.

Belongs here: the table, which columns of a sample bear a field's names, which merely sound like one.
Does not belong here: what cells hold (``contents``), choosing between columns (``keys``, ``measures``, ``extras``).
"""

import re

from pipelines.intake.proposing.sample import Table, folded_header

SYNONYMS: dict[str, tuple[str, ...]] = {
    "account_key": (
        "Customer ID", "Customer No", "Customer Number", "Customer #", "Customer Code", "Customer Account ID",
        "End Customer ID", "Company ID", "Client ID", "Tenant ID", "Account ID", "Account No", "Account Number",
        "Acct #", "Acct No", "Subscription Account ID", "Customer Xsp Ref", "Line Item Usage Account ID",
        "End Customer Code", "Organization ID", "Site ID", "Site UID", "Kundennummer", "Kunden-Nr.", "Kunden ID",
        "Debitor", "Debitorennummer", "Klantnummer", "Numéro client", "Customer", "Company", "Client",
        "End Customer", "Company Name", "Customer Name", "End Customer Name", "Customer Company Name",
        "Client Name", "Account Name", "Organization", "Organization Name", "Organisation", "Account", "Site",
        "Site Name", "Tenant", "Kunde", "Kundenname", "Endkunde", "Firma", "Klant", "Cliente", "Klient", "Société",
    ),
    "account_name": (
        "Customer Name", "End Customer Name", "Company Name", "Customer Company Name", "Client Name",
        "Account Name", "Subscription Account Name", "Organization Name", "Customer", "Company", "Client",
        "End Customer", "Site Name", "Kundenname", "Kunde", "Endkunde", "Firma",
    ),
    "service_key": (
        "SKU", "SKU ID", "Part Number", "Part No", "Manufacturer Part Number", "MPN", "Vendor SKU",
        "Vendor Ressource SKU", "Vendor Resource SKU", "Arrow SKU", "Stock Code", "Dicker Data Stock Code",
        "Item Number", "Item Code", "Item No", "Item ID", "Product ID", "Product Code", "Product SKU",
        "Durable Offer ID", "Offer ID", "Plan ID", "Resource ID", "Subscription Resource ID", "Artikelnummer",
        "Artikel-Nr.", "Item", "Artikel", "Product", "Service", "Product Name", "Service Name", "Plan", "Offer",
        "Offer Name", "Line Item Product Code", "AZU ServiceName", "Produkt", "Dienst", "Leistung", "Device Type",
        "Usługa", "Product/Service", "Service/Produkt",
    ),
    "service_name": (
        "Product Name", "Service Name", "SKU Name", "Item Name", "Item Description", "Product Description",
        "Description", "Offer Name", "Vendor Product Name", "Product Product Name", "Subscription Resource Name",
        "Subscription Name", "Plan Name", "Plan", "Product", "Bezeichnung", "Artikelbezeichnung", "Beschreibung",
        "Produktname",
    ),
    "quantity": (
        "Billable Quantity", "Quantity", "Qty", "Current Quantity", "Seats", "Seat Count", "Seat", "Licenses",
        "Licences", "License Count", "Licence Count", "Units", "Unit Count", "User Licenses", "Agents Count",
        "Active Licenses", "Level Chargeable Quantity", "This Month Count", "Count", "Menge", "Anzahl", "Lizenzen",
        "Stück", "Aantal", "Quantité", "Ilość", "Cantidad", "Genutzt",
    ),
    "unit_cost": (
        "Unit Cost", "Partner Cost", "Unit Cost Price", "Cost Price", "Cost", "Seller Cost", "Reseller Cost",
        "Buy Price", "Partner Unit Price", "Effective Unit Price", "Country Reseller Unit", "Price EX",
        "Unit Price", "Price Per Unit", "Price", "Einkaufspreis", "EK", "Einzelpreis", "Stückpreis", "Preis",
    ),
    "amount": (
        "Cost Total", "Total Cost", "Partner Total", "Partner Subtotal", "Country Reseller Total",
        "Billing Pre Tax Total", "Amount EX", "Subtotal", "Line Total", "Amount", "Total", "Total Price", "Charge",
        "Line Item Unblended Cost", "Billed Cost", "Betrag", "Gesamt", "Gesamtpreis", "Summe", "Netto",
    ),
    "currency": (
        "Currency", "Currency Code", "Billing Currency", "Country Currency Code", "Pricing Currency",
        "Reseller Account Currency", "Währung", "Valuta", "Devise",
    ),
    "commitment_term": (
        "Commitment Term", "Commitment", "Term And Billing Cycle", "Term", "Subscription Term", "Term Duration",
        "Contract Term", "Subscription Period Type", "Laufzeit", "Vertragslaufzeit",
    ),
    "billing_cycle": (
        "Billing Term", "Billing Cycle", "Billing Frequency", "Billing Period Type", "Billing Periodicity",
        "Payment Frequency", "Billing Cycle Type", "Periodicity", "Frequency", "Abrechnungszyklus",
        "Zahlungsintervall",
    ),
    "subscription_id": (
        "Subscription ID", "Subscription Number", "Subscription No", "Subscription", "Ars Subscription ID",
        "Entitlement ID", "Contract ID", "Contract Number", "Contract", "Asset ID", "Abonnement-ID", "Vertrag",
        "Vertragsnummer",
    ),
    "charge_start": (
        "Charge Start Date", "Charge Start", "Charge Period Start", "Billing Period Start", "Billing Start Date",
        "Vendor Billing Start Date", "Period Start", "Period From", "Start Period", "Service Start",
        "Service Start Date", "Service Period Start", "Usage Start Date", "Usage Date",
        "Line Item Usage Start Date", "From Date", "Abrechnung von", "Zeitraum von", "Leistung von", "Von",
    ),
    "charge_end": (
        "Charge End Date", "Charge End", "Charge Period End", "Billing Period End", "Billing End Date",
        "Vendor Billing End Date", "Period End", "Period To", "End Period", "Service End", "Service End Date",
        "Service Period End", "Usage End Date", "Paid Until", "To Date", "Abrechnung bis", "Zeitraum bis",
        "Leistung bis", "Bis",
    ),
    "interval": (
        "Interval", "Charge Period", "Billing Period", "Service Period", "Usage Period", "Date Range", "Period",
        "Zeitraum", "Leistungszeitraum", "Abrechnungszeitraum",
    ),
    "charge_kind": (
        "Charge Type", "Charge Kind", "Transaction Type", "Row Type", "Line Type", "Line Item Line Item Type",
        "Bill Type", "Type", "Charge Category", "Billing Type", "Buchungsart", "Positionsart",
    ),
    "period": (
        "Billing Month", "Usage Month", "Period", "Month", "Invoice Month", "Report Period", "Report Month",
        "Abrechnungsmonat", "Monat", "Periode",
    ),
    "status": (
        "Status", "Subscription Status", "State", "Status Label", "Subscription State", "License Status", "Zustand",
        "Abo-Status",
    ),
    "last_seen": (
        "Last Seen", "Last Active", "Last Seen Time", "Last Contact", "Last Check In", "Last Online", "Last Logon",
        "Zuletzt gesehen",
    ),
    "device": (
        "Serial Number", "Serial", "Device ID", "UID", "UUID", "Agent UUID", "Hostname", "Host Name", "Host",
        "Computer Name", "Device Name", "Endpoint Name", "System Name", "Machine Name", "User Principal Name",
        "UPN", "User Name", "Username", "User", "Email", "E-Mail", "Mailbox", "Seriennummer", "Gerätename",
        "Benutzer",
    ),
}  # fmt: skip
"""In order of preference: a number or an id names a customer more firmly than a name does. ``interval`` and the
three at the end are no fields of usage: two dates in one cell, what may tell which rows count, what is one unit."""

REQUIRED = ("account_key", "service_key", "quantity")

_SOUNDS = {
    "account_key": "customer|client|account|company|tenant|organi[sz]ation|site|kunde|firma|klant",
    "service_key": "product|service|sku|item|article|artikel|plan|offer|partn|licen[cs]e|produkt|devicetype",
    "quantity": "qty|quantity|seat|licen[cs]es|units|count|menge|anzahl|amount",
}

_FOLDED = {field: tuple(map(folded_header, names)) for field, names in SYNONYMS.items()}


def fields_named(folded: tuple[str, ...]) -> set[str]:
    """The fields whose names stand among these folded headers."""
    return {field for field, names in _FOLDED.items() if set(names) & set(folded)}


def places_named(table: Table, field: str) -> list[int]:
    """The columns that bear one of a field's names, the preferred one first."""
    return [place for name in dict.fromkeys(_FOLDED[field]) for place in table.places if table.folded[place] == name]


def places_like(table: Table, field: str) -> list[int]:
    """The columns whose header merely sounds like a required field."""
    return [place for place in table.places if re.search(_SOUNDS[field], table.folded[place])]
