"""The table of PSA kinds keeps step with settings and sandbox.

Belongs here: claims over all kinds.
Does not belong here: any vendor's protocol.
"""

import pytest

from resources.psa.kinds import KINDS
from resources.settings import PSA_KINDS
from trueup.sandbox.psa.dialects import DIALECTS
from trueup.sandbox.psa.seed import CREDENTIALS


def test_every_kind_can_be_set_and_is_spoken_by_the_sandbox() -> None:
    assert list(KINDS) == list(PSA_KINDS) == list(DIALECTS) == list(CREDENTIALS)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_bears_its_own_name_and_asks_for_secrets(name: str) -> None:
    assert KINDS[name].name == name
    assert len(set(KINDS[name].secrets)) == len(KINDS[name].secrets) > 0
