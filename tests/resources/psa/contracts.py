"""The contracts of all kinds of PSA, by kind.

Belongs here: the table.
Does not belong here: any contract.
"""

from collections.abc import Callable

import httpx

from tests.resources.psa import autotask_contract, connectwise_contract, halopsa_contract, syncro_contract

CONTRACTS: dict[str, Callable[..., httpx.BaseTransport]] = {
    "connectwise": connectwise_contract.under_contract,
    "autotask": autotask_contract.under_contract,
    "halopsa": halopsa_contract.under_contract,
    "syncro": syncro_contract.under_contract,
}
"""A transport under a kind's contract: it passes requests on and judges them, and the answers unless told not to."""
