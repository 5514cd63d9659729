"""The sandbox PSA as an ASGI application: a vendor's protocol, faults around it, and a door of its own beside it.

Belongs here: putting the parts together, and the sandbox's own door ``/__sandbox/``.
Does not belong here: sockets, threads and signals (``server``, ``running``).
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trueup.sandbox.psa.dialects import DIALECTS, Dialect
from trueup.sandbox.psa.exact import from_json
from trueup.sandbox.psa.faults import FaultPlan, faults_from
from trueup.sandbox.psa.injection import OWN, FaultInjection
from trueup.sandbox.psa.seed import SeedError
from trueup.sandbox.psa.state import State


def sandbox_app(state: State, plan: FaultPlan) -> ASGIApp:
    """The application that serves a state with faults, in the dialect that its seed names."""
    dialect = DIALECTS[state.now().psa](state)
    app = Starlette(
        routes=[
            Route(f"{OWN}state", _answer_state(state), methods=["GET"]),
            Route(f"{OWN}state", _edit(state.merge), methods=["POST"]),
            Route(
                f"{OWN}faults", _edit(lambda document: plan.replace(faults_from(document, "faults"))), methods=["POST"]
            ),
            *dialect.routes(),
        ],
        exception_handlers={HTTPException: _in_words_of(dialect)},
    )
    return FaultInjection(app, plan, dialect)


def _answer_state(state: State) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_: Request) -> Response:
        return JSONResponse(state.now().as_document())

    return answer


def _edit(apply: Callable[[Any], None]) -> Callable[[Request], Awaitable[Response]]:
    async def edit(request: Request) -> Response:
        try:
            apply(from_json(await request.body()))
        except (SeedError, json.JSONDecodeError, UnicodeDecodeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({})

    return edit


def _in_words_of(dialect: Dialect) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def tell(_: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        return dialect.error(status, str(error))

    return tell
