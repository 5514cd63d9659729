"""Fixtures of the sandbox's tests.

Belongs here: a running sandbox.
Does not belong here: our adapters.
"""

from collections.abc import Iterator

import pytest

from tests.sandbox.seeds import seed
from trueup.sandbox.psa.running import SandboxHandle, running_sandbox


@pytest.fixture
def sandbox() -> Iterator[SandboxHandle]:
    """A sandbox with one line of ten."""
    with running_sandbox(seed()) as running:
        yield running
