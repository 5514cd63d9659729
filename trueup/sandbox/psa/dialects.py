"""The protocols that the sandbox speaks, by the kind of PSA that a seed names.

Belongs here: the table of dialects and what each offers.
Does not belong here: any vendor's paths and fields (its own modules).
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.responses import Response
from starlette.routing import BaseRoute

from trueup.sandbox.psa.autotask import AutotaskProtocol
from trueup.sandbox.psa.connectwise import ConnectWiseProtocol
from trueup.sandbox.psa.halopsa import HaloPsaProtocol
from trueup.sandbox.psa.state import State
from trueup.sandbox.psa.syncro import SyncroProtocol


class Dialect(Protocol):
    """A vendor's protocol over a state."""

    def routes(self) -> list[BaseRoute]:
        """All paths that are served."""
        ...

    def error(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
        """An answer of the vendor's that says no, in the vendor's shape."""
        ...

    def empty(self, path: str) -> Response:
        """What the vendor answers on a path when there is nothing to show."""
        ...


DIALECTS: Mapping[str, Callable[[State], Dialect]] = {
    "connectwise": ConnectWiseProtocol,
    "autotask": AutotaskProtocol,
    "halopsa": HaloPsaProtocol,
    "syncro": SyncroProtocol,
}
"""The dialect of each kind of PSA. Its credentials stand in ``seed.CREDENTIALS``."""
