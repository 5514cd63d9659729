"""The sandbox speaks HaloPSA: tokens, paths, pages, and the one write that replaces all lines of an invoice.

Belongs here: requests and answers of HaloPSA's REST interface, its error bodies, its oddities.
Does not belong here: records and their fields (``halopsa_shapes``), faults.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trueup.sandbox.psa import halopsa_shapes as shapes
from trueup.sandbox.psa.asking import moment_for
from trueup.sandbox.psa.exact import exact_json, from_json
from trueup.sandbox.psa.state import Moment, State

API = "/api"
TOKEN = "/auth/token"  # noqa: S105  a path
TOKEN_SECONDS = 3600
DEFAULT_PAGE, LARGEST_PAGE = 50, 100

_Handler = Callable[[Request], Awaitable[Response]]
_LISTS = {"/Client": "clients", "/Item": "items", "/RecurringInvoice": "invoices"}
_FORM = "application/x-www-form-urlencoded"


class Failure(Exception):  # noqa: N818  an answer, raised where it is found out
    """An answer that is an error, in the vendor's shape."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class HaloPsaProtocol:
    """HaloPSA's interface over a state. Tokens live as long as this process at most."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tokens: dict[str, float] = {}

    def routes(self) -> list[BaseRoute]:
        """All paths that are served."""
        return [
            Route(TOKEN, self._give_token, methods=["POST"]),
            *self._collection("/Client", self._clients),
            *self._collection("/Item", self._items),
            self._route("/RecurringInvoice", self._post, "POST"),
            *self._collection("/RecurringInvoice", self._invoices),
        ]

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """A failure in the vendor's shape."""
        return _answer({"message": message}, status, headers)

    def empty(self, path: str) -> Response:
        """A list of none, or a record that holds nothing."""
        name = _LISTS.get(path.removeprefix(API))
        return _answer({"record_count": 0, name: []} if name else {})

    def _route(self, path: str, handler: _Handler, method: str = "GET") -> Route:
        async def guarded(request: Request) -> Response:
            try:
                self._check_token(request)
                return await handler(request)
            except Failure as failure:
                return self.error(failure.status, str(failure))

        return Route(API + path, guarded, methods=[method])

    def _collection(self, path: str, records_of: Callable[[Request], list[dict[str, Any]]]) -> list[Route]:
        async def listed(request: Request) -> Response:
            return _page(request, _LISTS[path], records_of(request))

        async def single(request: Request) -> Response:
            number = request.path_params["id"]
            for record in records_of(request):
                if record["id"] == number:
                    return _answer(record)
            raise Failure(404, f"{path} {number} does not exist.")

        return [self._route(f"{path}/{{id:int}}", single), self._route(path, listed)]

    async def _give_token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        if request.headers.get("Content-Type", "").partition(";")[0] != _FORM:
            return _answer({"error": "invalid_request", "error_description": "A form is expected."}, 400)
        if form.get("grant_type") != "client_credentials" or not form.get("scope"):
            return _answer({"error": "unsupported_grant_type"}, 400)
        given = {"tenant": request.query_params.get("tenant", "")}
        given |= {name: form.get(name, "") for name in ("client_id", "client_secret")}
        accepted = self._state.now().credentials
        if "" in given.values() or (accepted and accepted != given):
            return _answer({"error": "invalid_client"}, 400)
        life = self._state.now().token_seconds or TOKEN_SECONDS
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.monotonic() + life
        return _answer({"access_token": token, "token_type": "Bearer", "expires_in": life})

    def _check_token(self, request: Request) -> None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer" or self._tokens.get(token, 0) <= time.monotonic():
            raise Failure(401, "The token is missing, unknown or expired.")

    def _clients(self, request: Request) -> list[dict[str, Any]]:
        accounts = moment_for(request, self._state).accounts.values()
        return [shapes.client(account) for account in accounts if account.active or _shows_inactive(request)]

    def _items(self, request: Request) -> list[dict[str, Any]]:
        services = moment_for(request, self._state).services.values()
        return [shapes.item(service) for service in services if service.active or _shows_inactive(request)]

    def _invoices(self, request: Request) -> list[dict[str, Any]]:
        moment = moment_for(request, self._state)
        has_lines = request.query_params.get("includelines") == "true" or "id" in request.path_params
        return [shapes.invoice(each, moment, has_lines=has_lines) for each in moment.agreements.values()]

    async def _post(self, request: Request) -> Response:
        invoices = await _json_body(request)
        moment = self._state.now()
        try:
            for invoice in shapes.checked(invoices, moment):
                agreement = str(invoice["id"])
                self._state.replace_lines(agreement, partial(shapes.lines_of, invoice), _asker(moment))
        except shapes.Invalid as invalid:
            raise Failure(400, str(invalid)) from None
        now = self._state.now()
        last = now.agreements[str(invoices[-1]["id"])]
        return _answer(shapes.invoice(last, now, has_lines=True), 201)


def _asker(moment: Moment) -> str:
    return (moment.credentials or {}).get("client_id", "the application")


def _shows_inactive(request: Request) -> bool:
    # The vendor's lists leave out what is inactive unless they are asked; a record by its id is always shown.
    return request.query_params.get("includeinactive") == "true" or "id" in request.path_params


async def _json_body(request: Request) -> Any:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Failure(415, "The body must be application/json.")
    try:
        return from_json(await request.body())
    except (ValueError, RecursionError):
        raise Failure(400, "The body is not JSON.") from None


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(exact_json(body), status, headers, media_type="application/json")


def _page(request: Request, name: str, records: list[dict[str, Any]]) -> Response:
    """A page, if pages are asked for by the vendor's own spelling; else the beginning, whatever page is named."""
    ordered = sorted(records, key=lambda record: record["id"])
    size = min(_number(request, "page_size", DEFAULT_PAGE), LARGEST_PAGE)
    page = _number(request, "page_no", 1) if request.query_params.get("pageinate") == "true" else 1
    return _answer({"record_count": len(ordered), name: ordered[(page - 1) * size : page * size]})


def _number(request: Request, name: str, default: int) -> int:
    value = request.query_params.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise Failure(400, f"{name} must be a whole number from 1.")
    return int(value)
