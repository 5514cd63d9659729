"""The sandbox speaks Autotask: zone, credentials, queries and their pages, thresholds, and the adjustment.

Belongs here: requests and answers of Autotask's REST interface, its error bodies, its oddities.
Does not belong here: records and their fields (``autotask_shapes``), the query language (``autotask_filters``), faults.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from pipelines.quantities import text
from trueup.sandbox.psa import autotask_shapes as shapes
from trueup.sandbox.psa.asking import moment_for
from trueup.sandbox.psa.autotask_filters import FilterError, predicate
from trueup.sandbox.psa.autotask_units import adjusted, units_on
from trueup.sandbox.psa.exact import exact_json, from_json
from trueup.sandbox.psa.seed import Agreement, Line
from trueup.sandbox.psa.state import FieldChange, Moment, State

API = "/ATServicesRest/V1.0"
LARGEST_PAGE = 500
THRESHOLD = 10_000
"""Calls in a rolling hour. They are counted and told; nothing is suspended at the end of them."""

_HOUR = timedelta(hours=1)
_HEADERS = {"username": "UserName", "secret": "Secret", "integration_code": "ApiIntegrationCode"}

_Handler = Callable[[Request], Awaitable[Response]]


class Failure(Exception):  # noqa: N818  an answer, raised where it is found out
    """An answer that is an error. Autotask tells broken rules, and wrong credentials, under status 500."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class AutotaskProtocol:
    """Autotask's interface over a state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._calls: deque[datetime] = deque()

    def routes(self) -> list[BaseRoute]:
        """All paths that are served."""
        return [
            Route(f"{API}/ZoneInformation", _told(self._zone)),
            self._route("/ThresholdInformation", self._threshold),
            *(route for name in shapes.ENTITIES for route in self._entity(name)),
            *(self._route(f"/{name}/entityInformation/fields", partial(_fields, name)) for name in shapes.PICKLISTS),
            self._route("/ContractServiceAdjustments", self._adjust, "POST"),
        ]

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """A failure in the vendor's shape."""
        return _answer({"errors": [message]}, status, headers)

    def empty(self, path: str) -> Response:
        """No records, as a user without rights sees them; or a count of none."""
        if path.endswith("/count"):
            return _answer({"queryCount": 0})
        return _answer({"items": [], "pageDetails": _page_details(0, LARGEST_PAGE, None)})

    def _route(self, path: str, handler: _Handler, method: str = "GET") -> Route:
        async def guarded(request: Request) -> Response:
            self._count_call()
            self._authorise(request)
            return await handler(request)

        return Route(API + path, _told(guarded), methods=[method])

    def _entity(self, name: str) -> list[Route]:
        return [
            self._route(f"/{name}/query", partial(self._query, name), "POST"),
            self._route(f"/{name}/query/next", partial(self._query, name), "POST"),
            self._route(f"/{name}/query/count", partial(self._counted, name), "POST"),
            self._route(f"/{name}/{{id:int}}", partial(self._single, name)),
        ]

    # --- who asks ---------------------------------------------------------------------------------------------------

    async def _zone(self, request: Request) -> Response:
        held = self._state.now().credentials or {}
        user = request.query_params.get("user")
        if not user or user != held.get("username", user):
            raise Failure(500, "Zone information could not be determined for this user.")
        company = held.get("company_id", "sandbox")
        root = f"{request.url.scheme}://{request.url.netloc}"
        told = {"zoneName": "Sandbox", "url": f"{root}/ATServicesRest/", "webUrl": f"{root}/"}
        return _answer({**told, "ci": int(company) if company.isdigit() else company})

    def _authorise(self, request: Request) -> None:
        held = self._state.now().credentials
        given = {name: request.headers.get(header, "") for name, header in _HEADERS.items()}
        if not all(given.values()):
            raise Failure(401, "The headers UserName, Secret and ApiIntegrationCode are required.")
        if held and any(held[name] != value for name, value in given.items()):
            # The vendor's oddity: wrong credentials may come as a fault of the server.
            raise Failure(500, "The username or secret is not valid.")

    def _count_call(self) -> None:
        now = self._state.time()
        self._calls.append(now)
        while self._calls[0] < now - _HOUR:
            self._calls.popleft()

    async def _threshold(self, _: Request) -> Response:
        return _answer(
            {
                "externalRequestThreshold": THRESHOLD,
                "requestThresholdTimeframe": 60,
                "currentTimeframeRequestCount": len(self._calls),
            }
        )

    # --- reading ----------------------------------------------------------------------------------------------------

    async def _query(self, entity: str, request: Request) -> Response:
        query = await _json_body(request)
        size = query.get("maxRecords", LARGEST_PAGE)
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST_PAGE:
            raise Failure(500, f"maxRecords must be from 1 to {LARGEST_PAGE}.")
        after = int(request.query_params.get("after", "-1"))
        found = [each for each in self._matching(entity, request, query) if each["id"] > after]
        shown = found[:size]
        following = None
        if len(found) > size:
            following = f"{request.url.scheme}://{request.url.netloc}{API}/{entity}/query/next?after={shown[-1]['id']}"
        return _answer({"items": shown, "pageDetails": _page_details(len(shown), size, following)})

    async def _counted(self, entity: str, request: Request) -> Response:
        query = await _json_body(request)
        return _answer({"queryCount": len(self._matching(entity, request, query))})

    async def _single(self, entity: str, request: Request) -> Response:
        number = request.path_params["id"]
        records = self._records(entity, request)
        return _answer({"item": next((record for record in records if record["id"] == number), None)})

    def _matching(self, entity: str, request: Request, query: Mapping[str, Any]) -> list[dict[str, Any]]:
        meets = predicate(query.get("filter"), shapes.ENTITIES[entity].fields)
        return sorted(
            (record for record in self._records(entity, request) if meets(record)), key=lambda record: record["id"]
        )

    def _records(self, entity: str, request: Request) -> list[dict[str, Any]]:
        moment = moment_for(request, self._state)
        return shapes.ENTITIES[entity].records(moment, self._state.time().date())

    # --- writing ----------------------------------------------------------------------------------------------------

    async def _adjust(self, request: Request) -> Response:
        posted = shapes.adjustment_from(await _json_body(request))
        moment = self._state.now()
        line = _line_for(posted, moment)
        by = request.headers["UserName"]
        if line is None:
            created = self._state.add_line(_new_line(posted, moment), by)
            return _answer({"itemId": int(created.id)})
        _check_rules(posted, line, moment.agreements[line.agreement])
        self._state.change_line(line.id, partial(_adjusted, posted), by)
        return _answer({"itemId": len(self._state.now().writes)})


def _told(handler: _Handler) -> _Handler:
    """The handler, its failures told in the vendor's shape."""

    async def tell(request: Request) -> Response:
        try:
            return await handler(request)
        except Failure as failure:
            return _answer({"errors": [str(failure)]}, failure.status)
        except FilterError as error:
            return _answer({"errors": [str(error)]}, 500)
        except shapes.Malformed as malformed:
            return _answer({"errors": [str(malformed)]}, 400)

    return tell


async def _fields(entity: str, _: Request) -> Response:
    return _answer(shapes.picklists(entity))


def _line_for(posted: shapes.Adjustment, moment: Moment) -> Line | None:
    """The contract service that an adjustment is for; None for one that the contract does not have yet."""
    if posted.line_id is not None:
        line = moment.lines.get(posted.line_id)
        if line is None or posted.contract_id not in (None, line.agreement):
            raise Failure(500, f"Contract service {posted.line_id} does not exist.")
        return line
    if posted.contract_id not in moment.agreements or posted.service_id not in moment.services:
        raise Failure(500, "Either contractServiceID, or contractID and serviceID, must name what exists.")
    wanted = (posted.contract_id, posted.service_id)
    held = [line for line in moment.lines.values() if (line.agreement, line.service) == wanted]
    return held[0] if held and not posted.may_repeat else None


def _new_line(posted: shapes.Adjustment, moment: Moment) -> Line:
    """The contract service that is created without a word when an adjustment names one that is not there."""
    if posted.unit_change <= 0:
        raise Failure(500, "A contract service cannot have fewer than 0 units.")
    service = moment.services[str(posted.service_id)]
    return Line.model_validate(
        {
            "id": "1",
            "agreement": posted.contract_id,
            "service": service.id,
            "quantity": posted.unit_change,
            "start": posted.effective_date,
            "unit_price": service.unit_price,
            "unit_cost": service.unit_cost,
        }
    )


def _check_rules(posted: shapes.Adjustment, line: Line, agreement: Agreement) -> None:
    day = posted.effective_date
    if (agreement.start and day < agreement.start) or (agreement.end and day >= agreement.end):
        raise Failure(500, "The effective date is outside of the contract's dates.")
    if line.posted_until is not None and day < line.posted_until:
        raise Failure(500, "The period of the effective date is approved and posted.")
    steps = [step.units for step in line.earlier_units or () if step.until > day]
    if min([*steps, units_on(line, day), line.quantity]) + posted.unit_change < 0:
        raise Failure(500, "A contract service cannot have fewer than 0 units.")


def _adjusted(posted: shapes.Adjustment, line: Line) -> tuple[Line, list[FieldChange]]:
    after = adjusted(line, posted.effective_date, posted.unit_change)
    change = FieldChange("quantity", text(line.quantity), text(after.quantity), posted.effective_date)
    return after, [change]


def _page_details(count: int, asked: int, following: str | None) -> dict[str, Any]:
    return {"count": count, "requestCount": asked, "prevPageUrl": None, "nextPageUrl": following}


async def _json_body(request: Request) -> Any:
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise Failure(415, "The body must be application/json.")
    try:
        body = from_json(await request.body())
    except (ValueError, RecursionError):
        raise Failure(400, "The body is not JSON.") from None
    if not isinstance(body, Mapping):
        raise Failure(400, "The body must be an object.")
    return body


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(exact_json(body), status, headers, media_type="application/json")
