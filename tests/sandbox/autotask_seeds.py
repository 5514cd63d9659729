"""Autotask seeds and requests that tests of the sandbox and of the adapter share.

Belongs here: credentials, a small PSA, and a client that speaks to the sandbox without our adapter.
Does not belong here: claims.
"""

from typing import Any

import httpx

from tests.sandbox import seeds

API = "/ATServicesRest/V1.0"
KEYS = {"company_id": "4711", "username": "api@acme.example", "secret": "s3cret", "integration_code": "guid"}
ADJUSTMENTS = "/ContractServiceAdjustments"


def seed(**parts: Any) -> dict[str, Any]:
    """One account with one agreement and one line of ten, as ``seeds.seed`` has it, with credentials."""
    return seeds.seed(**{"psa": "autotask", "credentials": KEYS, **parts})


def headers(**keys: str) -> dict[str, str]:
    """The headers that Autotask asks for."""
    held = {**KEYS, **keys}
    return {"UserName": held["username"], "Secret": held["secret"], "ApiIntegrationCode": held["integration_code"]}


def ask(url: str, path: str, body: Any = None, *, method: str | None = None, **request: Any) -> httpx.Response:
    """One request with good credentials: a POST where there is a body."""
    asked = {"headers": headers(), **request}
    verb = method or ("GET" if body is None else "POST")
    return httpx.request(verb, f"{url}{API}{path}", json=body, trust_env=False, **asked)


def query(url: str, entity: str, *filters: dict[str, Any], **parts: Any) -> httpx.Response:
    """A query, of everything where it has no filter."""
    everything = {"op": "gte", "field": "id", "value": 0}
    return ask(url, f"/{entity}/query", {"filter": list(filters) or [everything], **parts})


def adjustment(**parts: Any) -> dict[str, Any]:
    """Two more of line 1 from a day on."""
    usual = {"contractID": 9001, "contractServiceID": 1, "unitChange": 2, "effectiveDate": "2026-11-01T00:00:00Z"}
    return {name: value for name, value in {**usual, **parts}.items() if value is not None}


def units(url: str, line: int = 1) -> list[tuple[str, str, int]]:
    """The rows of a line as (first day, last day, units), those before autumn 2026 left out."""
    found = query(url, "ContractServiceUnits", {"op": "eq", "field": "contractServiceID", "value": line})
    rows = ((row["startDate"][:10], row["endDate"][:10], row["units"]) for row in found.json()["items"])
    return [row for row in rows if "2026-10" <= row[0] < "2027-01"]
