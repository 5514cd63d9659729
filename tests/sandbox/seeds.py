"""Seeds and requests that tests of the sandbox and of the PSA adapters share.

Belongs here: small PSAs as seed documents, and a client that speaks to the sandbox without our adapter.
Does not belong here: claims.
"""

import base64
from collections.abc import Mapping
from typing import Any

import httpx

API = "/v4_6_release/apis/3.0"
KEYS = {"company_id": "acme", "public_key": "pub", "private_key": "priv", "client_id": "guid"}
ADDITION = "/finance/agreements/9001/additions/1"
ADDITIONS = "/finance/agreements/9001/additions"


def seed(**parts: Any) -> dict[str, Any]:
    """One account with one agreement and one line of ten; ``parts`` take the place of whole sections."""
    return {
        "psa": "connectwise",
        "accounts": [{"id": "250", "name": "Acme", "active": True}],
        "services": [service("77")],
        "agreements": [agreement("9001")],
        "lines": [line("1")],
        "credentials": None,
        **parts,
    }


def service(number: str, **fields: Any) -> dict[str, Any]:
    """A service in a seed."""
    prices = {"unit_cost": "18.00", "unit_price": "22.00"}
    return {"id": number, "code": f"SKU-{number}", "name": f"Service {number}", "active": True, **prices, **fields}


def agreement(number: str, **fields: Any) -> dict[str, Any]:
    """An agreement in a seed."""
    dates = {"start": "2025-01-01", "end": None}
    told = {"id": number, "account": "250", "name": "Managed", "active": True, "prorate": True, "currency": "USD"}
    return {**told, **dates, **fields}


def line(number: str, **fields: Any) -> dict[str, Any]:
    """A line in a seed."""
    numbers = {"quantity": "10", "psa_included": "0", "unit_price": "22.00", "unit_cost": "18.00"}
    dates = {"start": "2025-01-01", "end": None}
    return {"id": number, "agreement": "9001", "service": "77", **numbers, **dates, **fields}


def many(make: Any, count: int, **fields: Any) -> list[dict[str, Any]]:
    """That many records of one sort, ids from 1."""
    return [make(str(number), **fields) for number in range(1, count + 1)]


def account(number: str, **fields: Any) -> dict[str, Any]:
    """An account in a seed."""
    return {"id": number, "name": f"Account {number}", "active": True, **fields}


def headers(**keys: str) -> dict[str, str]:
    """The headers that ConnectWise asks for."""
    held = {**KEYS, **keys}
    token = base64.b64encode(f"{held['company_id']}+{held['public_key']}:{held['private_key']}".encode()).decode()
    return {"Authorization": f"Basic {token}", "clientId": held["client_id"]}


def ask(
    url: str, path: str, query: Mapping[str, Any] | None = None, *, method: str = "GET", **request: Any
) -> httpx.Response:
    """One request with good credentials."""
    asked = {**headers(), **request.pop("headers", {})}
    return httpx.request(method, f"{url}{API}{path}", params=query, headers=asked, trust_env=False, **request)


def replace_quantity(value: Any) -> list[dict[str, Any]]:
    """ConnectWise's patch of a quantity."""
    return [{"op": "replace", "path": "quantity", "value": value}]
