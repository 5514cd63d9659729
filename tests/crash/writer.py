"""A writer as a process of its own: one run of write-back that can end or freeze itself in the midst of it.

Belongs here: write-back over a store and a sandbox PSA without an orchestrator; the naive writer it is compared with.
Does not belong here: what is approved, judging what came of it.
"""

import argparse
import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx

from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import ChangeStatus
from pipelines.writeback import protocol
from pipelines.writeback.batch import BatchOutcome
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.groups import USUAL, Grouping
from pipelines.writeback.means import Means, Step
from pipelines.writeback.pace import Pace
from pipelines.writeback.ports import BilledPsa
from resources.psa.autotask import Autotask, AutotaskCredentials
from resources.psa.autotask_writing import AutotaskBilling
from resources.psa.connectwise import ConnectWise, ConnectWiseCredentials
from resources.psa.connectwise_writing import ConnectWiseBilling
from resources.psa.halopsa import HaloPsa
from resources.psa.halopsa_token import HaloPsaCredentials
from resources.psa.halopsa_writing import HaloPsaBilling
from resources.psa.http import Patience
from resources.psa.kinds import KINDS
from resources.store import changes
from resources.store.engine import Store
from resources.store.write_ledger import StoreWriteLedger
from resources.witness import WitnessFile

TENANT = "msp"
COMPANY = "sandbox"
IN_FLIGHT = "in_flight"
"""The moment between ``INTENDED`` and ``SENT`` when the last byte has left and no answer has come."""

_POSTED_TO = ("/ContractServiceAdjustments", "/additions", "/RecurringInvoice")
_BODY_LEFT = "http11.send_request_body.complete"

CameTo = Callable[[str], None]
"""Told at every moment of a run: the steps of the protocol, and ``IN_FLIGHT``."""


@dataclass(frozen=True)
class Ending:
    """What a process does to itself: the signal, at the nth time that it comes to a moment."""

    moment: str
    nth: int
    by: signal.Signals


class Telling:
    """Tells each moment on stdout, a line each, before anything happens at it."""

    def __init__(self, ending: Ending | None) -> None:
        self._ending = ending
        self._seen = 0

    def __call__(self, moment: str) -> None:
        """Come to a moment; the process may not come back from it."""
        os.write(1, f"{moment}\n".encode())
        if self._ending is None or moment != self._ending.moment:
            return
        self._seen += 1
        if self._seen == self._ending.nth:
            os.kill(os.getpid(), self._ending.by)


class _WatchedTransport(httpx.HTTPTransport):
    """The usual transport, which also tells when a write has left this process whole."""

    def __init__(self, came_to: CameTo) -> None:
        super().__init__(trust_env=False)
        self._came_to = came_to

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        guard = request.extensions["trace"]

        def trace(event: str, info: Mapping[str, Any]) -> None:
            guard(event, info)
            if _is_write(request) and event == _BODY_LEFT:
                self._came_to(IN_FLIGHT)

        request.extensions["trace"] = trace
        return super().handle_request(request)


def _is_write(request: httpx.Request) -> bool:
    return request.method == "PATCH" or (request.method == "POST" and request.url.path.endswith(_POSTED_TO))


@contextmanager
def _billing(kind: str, psa_url: str, came_to: CameTo) -> Iterator[BilledPsa]:
    identity = PsaIdentity(kind, psa_url, COMPANY)
    reached: dict[str, Any] = {
        "allow_loopback": True,
        "transport": _WatchedTransport(came_to),
        "patience": Patience(attempts=3, first_wait=0.1, max_wait=0.5),
    }
    keys = (COMPANY,) * 4
    if kind == "autotask":
        with Autotask(psa_url, AutotaskCredentials(*keys), **reached) as psa:
            yield AutotaskBilling(psa, identity)
    elif kind == "halopsa":
        with HaloPsa(psa_url, HaloPsaCredentials(*keys[:3]), **reached) as halo:
            yield HaloPsaBilling(halo, identity)
    else:
        with ConnectWise(psa_url, ConnectWiseCredentials(*keys), **reached) as client:
            yield ConnectWiseBilling(client, identity)


def write_back(
    store: Store,
    witness: Path,
    psa_url: str,
    pace: Pace,
    came_to: CameTo,
    kind: str,
    grouping: Grouping = USUAL,
) -> BatchOutcome:
    """One run of write-back, as the asset does it. ``witness`` is the folder of the trail's witness."""
    with _billing(kind, psa_url, came_to) as psa:
        means = Means(
            ledger=StoreWriteLedger(store),
            witness=WitnessFile(witness, TENANT),
            psa=psa,
            pace=pace,
            bounds=Bounds(BillingCurrency("USD")),
            batch_id=secrets.token_hex(8),
            today=store.clock().date(),
            clock=store.clock,
            sleep=lambda wait: time.sleep(wait.total_seconds()),
            watch=lambda step, _: came_to(step),
            model=KINDS[kind].traits.model,
            grouping=grouping,
        )
        return protocol.write_back(means)


def write_naively(store: Store, psa_url: str, came_to: CameTo, kind: str) -> None:
    """What write-back must not be: send what is approved, mark it afterwards, and do it again after a crash.

    It leaves no intent, never looks at a line, and takes whatever is not marked for not sent.
    """
    with _billing(kind, psa_url, came_to) as psa:
        for approved in StoreWriteLedger(store).approved(store.clock(), None):
            change = approved.change
            came_to(Step.CLAIMED)
            psa.send(KINDS[kind].preview(change))
            came_to(Step.SENT)
            with store.transaction() as conn:
                changes.set_status(conn, TENANT, change.change_id, change.revision, ChangeStatus.WRITTEN)
            came_to(Step.RECORDED)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store_url")
    parser.add_argument("psa_url")
    parser.add_argument("--witness", type=Path, required=True, help="the folder of the trail's witness")
    parser.add_argument("--kind", choices=KINDS, required=True, help="the kind of PSA")
    parser.add_argument("--naive", action="store_true", help="the naive writer")
    parser.add_argument("--end-after", choices=[*Step, IN_FLIGHT], help="the moment at which the process ends itself")
    parser.add_argument("--nth", type=int, default=1, help="the how-manieth such moment it is")
    parser.add_argument("--alone", type=int, default=USUAL.alone, help="lines that are taken one by one at first")
    parser.add_argument("--freeze", action="store_true", help="stop, to be continued, and do not die")
    for wait in ("quiet", "lease", "hesitation"):
        parser.add_argument(f"--{wait}", type=float, required=True)
    return parser.parse_args(arguments)


def live(arguments: Sequence[str], out: Connection, errors: Connection) -> None:
    """A whole life: ``out`` is told every moment, and its outcome as JSON in the last line if it came to its end."""
    os.dup2(out.fileno(), 1)
    os.dup2(errors.fileno(), 2)
    given = _parsed(arguments)
    by = signal.SIGSTOP if given.freeze else signal.SIGKILL
    came_to = Telling(Ending(given.end_after, given.nth, by) if given.end_after else None)
    store = Store(given.store_url, TENANT)
    if given.naive:
        write_naively(store, given.psa_url, came_to, given.kind)
        return
    pace = Pace(*(timedelta(seconds=wait) for wait in (given.quiet, given.lease, given.hesitation)))
    grouping = Grouping(alone=given.alone)
    batch = write_back(store, given.witness, given.psa_url, pace, came_to, given.kind, grouping)
    os.write(1, f"{json.dumps(batch.as_json())}\n".encode())
