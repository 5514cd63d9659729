"""What the invented MSP sells: services of its PSA, and the vendors' products that feed them.

Belongs here: services with prices, products with the vendor's own codes.
Does not belong here: who uses what (``customers``, ``story``).
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Service:
    """A service in the PSA's catalogue; prices per unit and month, in US dollars."""

    id: str
    code: str
    name: str
    unit_price: Decimal
    unit_cost: Decimal


@dataclass(frozen=True)
class Product:
    """What a vendor counts. ``code`` is the vendor's own key, ``services`` what it is sold as."""

    source: str
    code: str
    name: str
    services: tuple[str, ...]
    unit_cost: Decimal
    term: str = ""


MICROSOFT = "Microsoft"
PAX8 = "Pax8"
BEACON = "Beacon RMM"

TIERS = {"Bronze": "541", "Silver": "542", "Gold": "543"}
"""Three bundles on one workstation count: exactly one of them stands on a customer's agreement."""

ANNUAL = "One-Year commitment for monthly/yearly billing"
MONTHLY = "One-Month commitment for monthly billing"


def _service(key: str, code: str, name: str, price: str, cost: str) -> Service:
    return Service(key, code, name, Decimal(price), Decimal(cost))


SERVICES: tuple[Service, ...] = (
    _service("501", "M365-BP-Y", "Microsoft 365 Business Premium, annual", "26.00", "18.70"),
    _service("502", "M365-BP-M", "Microsoft 365 Business Premium, monthly", "31.20", "22.44"),
    _service("503", "M365-E3-Y", "Microsoft 365 E3, annual", "42.00", "30.60"),
    _service("504", "EXO-P1-Y", "Exchange Online Plan 1, annual", "5.50", "3.40"),
    _service("505", "VISIO-P2-Y", "Visio Plan 2, annual", "18.00", "12.75"),
    _service("506", "DEF-BUS-Y", "Defender for Business, annual", "4.20", "2.55"),
    _service("512", "INBOX", "Inbox Shield", "3.75", "2.10"),
    _service("513", "VAULT", "Password Vault", "4.50", "2.40"),
    _service("514", "BACKUP-GB", "Cloud Backup, GB in blocks of 100", "0.12", "0.05"),
    _service("521", "EDR", "Managed Endpoint Protection", "6.90", "3.20"),
    _service("541", "WS-BRONZE", "Managed Workstation Bronze", "29.00", "2.10"),
    _service("542", "WS-SILVER", "Managed Workstation Silver", "49.00", "2.10"),
    _service("543", "WS-GOLD", "Managed Workstation Gold", "69.00", "2.10"),
    _service("544", "SRV", "Managed Server", "120.00", "6.40"),
    _service("545", "NET", "Managed Network Device", "15.00", "1.10"),
)


def _product(source: str, code: str, name: str, services: str, cost: str, term: str = "") -> Product:
    return Product(source, code, name, tuple(services.split()), Decimal(cost), term)


PRODUCTS: dict[str, Product] = {
    "bp": _product(MICROSOFT, "CFQ7TTC0LDM1:0002", "Microsoft 365 Business Premium", "501", "18.70", ANNUAL),
    "bpm": _product(MICROSOFT, "CFQ7TTC0LDM1:0002", "Microsoft 365 Business Premium", "502", "22.44", MONTHLY),
    "e3": _product(MICROSOFT, "CFQ7TTC0LDM2:0001", "Microsoft 365 E3", "503", "30.60", ANNUAL),
    "exo": _product(MICROSOFT, "CFQ7TTC0LDM3:0001", "Exchange Online (Plan 1)", "504", "3.40", ANNUAL),
    "visio": _product(MICROSOFT, "CFQ7TTC0LDM4:0004", "Visio Plan 2", "505", "12.75", ANNUAL),
    "defender": _product(MICROSOFT, "CFQ7TTC0LDM5:0001", "Microsoft Defender for Business", "506", "2.55", ANNUAL),
    "mail": _product(PAX8, "NWD-MGD-STD", "Northwind Mail Guard", "512", "2.10", "Monthly"),
    "edr": _product(PAX8, "SHB-EDR-100", "SafeHarbor EDR", "521", "3.20", "1-Year"),
    "backup": _product(PAX8, "VLT-BKP-GB", "Vaultline Backup (GB)", "514", "0.05", "Monthly"),
    "vault": _product(PAX8, "KEY-PWV-TEAM", "Keyring Password Vault", "513", "2.40", "Monthly"),
    "workstations": _product(BEACON, "Workstations", "Workstations", "541 542 543", "2.10"),
    "servers": _product(BEACON, "Servers", "Servers", "544", "6.40"),
    "network": _product(BEACON, "Network devices", "Network devices", "545", "1.10"),
    "shield": _product(BEACON, "Endpoint Shield", "Endpoint Shield", "521", "3.20"),
}
"""By the short name that the tables of customers use, in the order of their columns."""

TRIAL = _product(PAX8, "KEY-PWV-TRIAL", "Keyring Password Vault, trial", "", "0.00", "Monthly")
"""Excluded by a mapping: nobody is billed for a trial."""

UNMAPPED = _product(PAX8, "LDG-BOOKS-S", "Ledgerly Cloud Books", "", "9.80", "Monthly")
"""New this month: no mapping leads it anywhere."""
