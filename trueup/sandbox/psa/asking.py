"""What every dialect reads out of a request: which moment it is answered from.

Belongs here: the parts of a request that no vendor's protocol has a say in.
Does not belong here: credentials, paths and bodies (the dialects).
"""

from datetime import timedelta

from starlette.requests import Request

from trueup.sandbox.psa.state import Moment, State

AGE = "sandbox_age"
"""Key of the request's scope: how old the answer to a read shall be, in seconds."""


def moment_for(request: Request, state: State) -> Moment:
    """The records that a read is answered from: as they stand, unless a fault asks for older ones."""
    age = request.scope.get(AGE)
    return state.as_of(timedelta(seconds=age)) if age else state.now()
