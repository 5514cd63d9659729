"""HaloPSA's bearer token: fetched on first use, renewed before it expires and once when a read finds it refused.

Belongs here: asking for a token, how long it is used, keeping it and the secret out of every text.
Does not belong here: requests for records (``halopsa``), HTTP in general (``http``).
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import httpx

from resources.psa.answers import Redaction, failure_of, json_of
from resources.psa.errors import Forbidden, Gone, PsaError, Refused, Unavailable

TOKEN_PATH = "/auth/token"  # noqa: S105  a path

SCOPE = "read:customers read:items read:invoices edit:invoices"
"""What is read and written, and nothing else."""

ASSUMED_SECONDS = 300
"""How long a token is used whose answer does not tell its life."""

MARGIN_SECONDS = 60
"""How long before its end a token is renewed; a short-lived one in the middle of its life."""


@dataclass(frozen=True)
class HaloPsaCredentials:
    """An API application's id and secret, and the tenant it belongs to."""

    tenant: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return f"HaloPsaCredentials(tenant={self.tenant!r}, client hidden)"

    def check(self) -> None:
        """Raises ``Refused`` when a credential cannot be right, naming only which."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value or not value.isascii() or not value.isprintable() or value != value.strip():
                raise Refused(f"the credential {field.name} is empty or has blanks or other characters around it")


class HaloToken(httpx.Auth):
    """The token of one connection, put on every request of it. ``clock`` counts seconds.

    Only a read is sent again with a new token: after a 401 a write is left to whoever decides about writes.
    """

    requires_response_body = True

    def __init__(self, credentials: HaloPsaCredentials, clock: Callable[[], float] = time.monotonic) -> None:
        credentials.check()
        self._credentials = credentials
        self._clock = clock
        self._token: str | None = None
        self._renew_at = 0.0
        self._hidden = [credentials.client_id, credentials.client_secret]

    def __repr__(self) -> str:
        return f"HaloToken({self._credentials!r})"

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send a request with a token, asking for one first where none is held that still lives."""
        if self._token is None or self._clock() >= self._renew_at:
            yield from self._fetched(request)
        response = yield self._bearing_token(request)
        if response.status_code != 401:
            return
        self._token = None
        if request.method == "GET":
            yield from self._fetched(request)
            yield self._bearing_token(request)

    def failure(self, response: httpx.Response, what: str, _: Redaction) -> PsaError | None:
        """What a failed answer stands for, without any token that this connection ever held."""
        return failure_of(response, what, self._redaction())

    def _redaction(self) -> Redaction:
        return Redaction(self._hidden)

    def _bearing_token(self, request: httpx.Request) -> httpx.Request:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def _fetched(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        # The host of the request itself, and no redirect is followed: the secret goes nowhere else.
        answer = yield self._question(request)
        failure = failure_of(answer, f"POST {TOKEN_PATH}", self._redaction())
        if isinstance(failure, Refused | Forbidden | Gone) and not answer.is_redirect:
            raise Forbidden(f"the PSA gives no token: check tenant, client id and secret, and psa.base_url ({failure})")
        if failure is not None:
            raise failure
        self._keep(json_of(answer, f"POST {TOKEN_PATH}"))

    def _question(self, request: httpx.Request) -> httpx.Request:
        held = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": held.client_id,
            "client_secret": held.client_secret,
            "scope": SCOPE,
        }
        url = request.url.copy_with(path=TOKEN_PATH, query=None).copy_set_param("tenant", held.tenant)
        # Timeouts and the guard of the address travel in the extensions.
        return httpx.Request("POST", url, data=form, extensions=request.extensions)

    def _keep(self, answer: Any) -> None:
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            raise Unavailable(f"POST {TOKEN_PATH} answers no token: check psa.base_url")
        life = _seconds(answer.get("expires_in"))
        self._token = token
        self._renew_at = self._clock() + life - min(MARGIN_SECONDS, life / 2)
        self._hidden.append(token)


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 < value < 1e9:
        return ASSUMED_SECONDS
    return float(value)
