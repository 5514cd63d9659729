"""HaloPSA as seeds, and requests that speak to its sandbox without our adapter.

Belongs here: a small PSA as a seed document, tokens, a request.
Does not belong here: claims.
"""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.sandbox import seeds

API = "/api"
INVOICES = "/RecurringInvoice"
INVOICE = "/RecurringInvoice/9001"
KEYS = {"tenant": "acme", "client_id": "application", "client_secret": "hidden"}


def seed(**parts: Any) -> dict[str, Any]:
    """One account with one recurring invoice and one line of ten; ``parts`` take the place of whole sections."""
    return seeds.seed(**{"psa": "halopsa", **parts})


def form(**keys: str) -> dict[str, str]:
    """The form that asks for a token."""
    held = {**KEYS, **keys}
    given = {name: held[name] for name in ("client_id", "client_secret")}
    return {"grant_type": "client_credentials", "scope": "all", **given}


def ask_token(url: str, **keys: str) -> httpx.Response:
    """The answer to asking for a token."""
    tenant = {**KEYS, **keys}["tenant"]
    return httpx.post(f"{url}/auth/token", params={"tenant": tenant}, data=form(**keys), trust_env=False)


def token(url: str) -> str:
    """A good token."""
    return str(ask_token(url).json()["access_token"])


def ask(
    url: str, path: str, query: Mapping[str, Any] | None = None, *, method: str = "GET", **request: Any
) -> httpx.Response:
    """One request with a good token."""
    headers = {"Authorization": f"Bearer {token(url)}"}
    return httpx.request(method, f"{url}{API}{path}", params=query, headers=headers, trust_env=False, **request)


def lines_of(url: str) -> list[dict[str, Any]]:
    """The lines of the recurring invoice as the sandbox shows them."""
    return list(ask(url, INVOICE).json()["lines"])


def replace_lines(url: str, lines: list[Any]) -> httpx.Response:
    """Let other lines stand on the recurring invoice."""
    return ask(url, INVOICES, method="POST", json=[{"id": 9001, "lines": lines}])
