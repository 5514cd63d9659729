"""The demo's world for any month: PSA seed, mappings, profiles and the files of two months.

Belongs here: putting the parts together.
Does not belong here: the story (``story``) and the files' formats (one module per source).
"""

from dataclasses import dataclass
from typing import Any

import yaml

from pipelines.periods import BillingPeriod
from pipelines.quantities import money_text, text
from trueup.demo import beacon, microsoft, pax8
from trueup.demo.catalogue import BEACON, MICROSOFT, PAX8, PRODUCTS, SERVICES, TRIAL, Product
from trueup.demo.customers import CUSTOMERS, OWN_DOMAIN, OWN_NAME, Customer
from trueup.demo.story import BACKUP, BLOCK, INCLUDED, SECOND_AGREEMENT, BilledLine, agreement_of, billed_lines

LINES_START = "2020-01-01"
"""Before every month that the demo may be played in."""

_SERVICE_KEYS = {MICROSOFT: microsoft.service_key, PAX8: pax8.service_key, BEACON: beacon.service_key}


@dataclass(frozen=True)
class DemoWorld:
    """Everything the demo is played with.

    ``seed`` is the PSA sandbox's, ``mappings`` and ``profiles`` (by name) are YAML texts, ``files`` maps a path below
    the inbox to its bytes, in order of arrival: the previous month first.
    """

    seed: dict[str, Any]
    mappings: str
    profiles: dict[str, str]
    files: dict[str, bytes]


def demo_world(period: BillingPeriod) -> DemoWorld:
    """The world in which the demo reconciles that month. The same month always gives the same bytes."""
    return DemoWorld(
        seed=_seed(),
        mappings=yaml.safe_dump(_mappings(), allow_unicode=True, sort_keys=False, width=10_000),
        profiles={beacon.PROFILE: beacon.profile()},
        files=_files(period.previous, is_current=False) | _files(period, is_current=True) | _again(period),
    )


def _files(period: BillingPeriod, *, is_current: bool) -> dict[str, bytes]:
    return {
        microsoft.inbox_path(period): microsoft.microsoft_file(period, is_current=is_current),
        pax8.inbox_path(period): pax8.pax8_file(is_current=is_current),
        beacon.inbox_path(period): beacon.beacon_file(period, is_current=is_current),
    }


def _again(period: BillingPeriod) -> dict[str, bytes]:
    """The same content under another name; its path sorts after that of the first."""
    return {pax8.inbox_path(period, "subscriptions_downloaded_again.csv"): pax8.pax8_file(is_current=True)}


# --- mappings -------------------------------------------------------------------------------------------------------


def _mappings() -> dict[str, Any]:
    return {
        "accounts": [entry for customer in CUSTOMERS for entry in _account_entries(customer)] + _own_accounts(),
        "services": [*_service_entries(), _trial()],
        "units": [
            {"service": BACKUP, "round": "up", "block": text(BLOCK)},
            *({"line": line, "included": text(units)} for line, units in INCLUDED.items()),
        ],
    }


def _account_entries(customer: Customer) -> list[dict[str, Any]]:
    companies = [customer.name] + ([pax8.WAREHOUSE] if customer.id == pax8.WAREHOUSE_ACCOUNT else [])
    return [
        {"source": MICROSOFT, "key": microsoft.account_key(customer.domain), "account": customer.id},
        *({"source": PAX8, "key": pax8.account_key(company), "account": customer.id} for company in companies),
        {"source": BEACON, "key": customer.name, "account": customer.id},
    ]


def _own_accounts() -> list[dict[str, Any]]:
    keys = {
        MICROSOFT: microsoft.account_key(OWN_DOMAIN),
        PAX8: pax8.account_key(OWN_NAME),
        BEACON: beacon.OWN_KEY,
    }
    return [{"source": source, "key": key, "exclude": "our own licences"} for source, key in keys.items()]


def _service_entries() -> list[dict[str, Any]]:
    return [_service_entry(product) for product in PRODUCTS.values()]


def _service_entry(product: Product) -> dict[str, Any]:
    entry = {"source": product.source, "key": _service_key(product), "services": list(product.services)}
    return entry | ({"rule": "first_present"} if len(product.services) > 1 else {})


def _trial() -> dict[str, Any]:
    return {"source": TRIAL.source, "key": _service_key(TRIAL), "exclude": "trial"}


def _service_key(product: Product) -> str:
    return _SERVICE_KEYS[product.source](product)


# --- the PSA --------------------------------------------------------------------------------------------------------


def _seed() -> dict[str, Any]:
    return {
        "psa": "connectwise",
        "accounts": [{"id": customer.id, "name": customer.name, "active": True} for customer in CUSTOMERS],
        "services": [
            {
                "id": service.id,
                "code": service.code,
                "name": service.name,
                "active": True,
                "unit_cost": money_text(service.unit_cost),
                "unit_price": money_text(service.unit_price),
            }
            for service in SERVICES
        ],
        "agreements": _agreements(),
        "lines": [_line(line) for line in billed_lines()],
        "credentials": None,
    }


def _agreements() -> list[dict[str, Any]]:
    owner, name, _ = SECOND_AGREEMENT
    first = [_agreement(agreement_of(customer.id), customer.id, "Managed Services") for customer in CUSTOMERS]
    return [*first, _agreement(agreement_of(owner, 2), owner, name)]


def _agreement(key: str, account: str, name: str) -> dict[str, Any]:
    return {
        "id": key,
        "account": account,
        "name": name,
        "active": True,
        "prorate": False,
        "start": LINES_START,
        "end": None,
        "currency": "USD",
    }


def _line(line: BilledLine) -> dict[str, Any]:
    service = next(service for service in SERVICES if service.id == line.service)
    return {
        "id": line.id,
        "agreement": line.agreement,
        "service": line.service,
        "quantity": text(line.quantity),
        "psa_included": "0",
        "start": LINES_START,
        "end": None,
        "unit_price": money_text(service.unit_price),
        "unit_cost": money_text(service.unit_cost),
    }
