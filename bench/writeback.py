"""Write-back of many approved changes to a sandbox PSA: requests a change, and the time beside what a rate allows.

Belongs here: a store full of approvals, one run of write-back, counting what leaves.
Does not belong here: intake and reconciliation (``product``), the limits (``__main__``).

Run as ``python -m bench.writeback KIND CHANGES RATE PER_AGREEMENT``: RATE is in requests a minute, 0 for none. So many
changes to each agreement, each raising a line that stands by two. It prints its figures as JSON.
"""

import itertools
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from bench.serving import served
from pipelines.agreements.records import CopyStatus, PsaCopy
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ChangeId, ServiceId
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.approval import Actor, ChangeFilter, DecisionAction, Wish, decide_matching
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change, ChangeStatus, When
from pipelines.writeback.bounds import Bounds
from pipelines.writeback.means import Means
from pipelines.writeback.pace import pace_of
from pipelines.writeback.protocol import write_back
from resources.psa.http import Patience, Timeouts
from resources.psa.kinds import KINDS, Connection, OpenPsa
from resources.store import changes, copies
from resources.store.decision_ledger import StoreDecisionLedger
from resources.store.engine import Store
from resources.store.write_ledger import StoreWriteLedger
from resources.witness import WitnessFile

TENANT, COMPANY, PERIOD = "bench", "sandbox", "2026-10"
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
PRICE, COST = Decimal(22), Decimal(18)
FIRST_AGREEMENT = 9000


class Counting(httpx.HTTPTransport):
    """Counts requests and those that were answered with 429."""

    def __init__(self) -> None:
        super().__init__(trust_env=False)
        self.requests = 0
        self.throttled = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Count, and pass it on."""
        self.requests += 1
        response = super().handle_request(request)
        self.throttled += response.status_code == httpx.codes.TOO_MANY_REQUESTS
        return response


def main(kind: str, count: int, rate: int, per_agreement: int) -> None:
    """Write that many changes and print what it took."""
    changed = [_change(number, FIRST_AGREEMENT + (number - 1) // per_agreement) for number in range(1, count + 1)]
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "seed.json"
        seed.write_text(json.dumps(_seed(kind, changed)), encoding="utf-8")
        store = Store(f"sqlite:///{folder}/trueup.db", TENANT)
        store.upgrade()
        with served(seed, kind) as url:
            _approve(store, kind, url, changed)
            print(json.dumps(_write(store, Path(folder), kind, url, rate)))
        store.close()


def _write(store: Store, folder: Path, kind: str, url: str, rate: int) -> dict[str, Any]:
    counting = Counting()
    with _opened(kind, url, rate, counting) as psa:
        means = Means(
            ledger=StoreWriteLedger(store),
            witness=WitnessFile(folder, TENANT),
            psa=psa.billing,
            pace=pace_of(None, timedelta(seconds=Timeouts().read), KINDS[kind].traits.longest_run),
            bounds=Bounds(BillingCurrency("USD")),
            batch_id="bench",
            today=NOW.date(),
            clock=store.clock,
            sleep=lambda wait: time.sleep(wait.total_seconds()),
            watch=lambda _step, _change: None,
            model=KINDS[kind].traits.model,
        )
        started = time.perf_counter()
        batch = write_back(means)
        seconds = time.perf_counter() - started
    return {
        "written": batch.counts().get(str(ChangeStatus.WRITTEN), 0),
        "requests": counting.requests,
        "throttled": counting.throttled,
        "seconds": seconds,
    }


@contextmanager
def _opened(kind: str, url: str, rate: int, transport: httpx.BaseTransport) -> Iterator[OpenPsa]:
    secrets = dict.fromkeys(KINDS[kind].secrets, COMPANY)
    identity = PsaIdentity(kind, url, COMPANY)
    psa = KINDS[kind].open(Connection(identity, secrets, True, Patience(), rate or None, transport))
    try:
        yield psa
    finally:
        psa.client.close()


def _approve(store: Store, kind: str, url: str, changed: list[Change]) -> None:
    with store.transaction() as conn:
        copy = PsaCopy(
            copy_id="copy-1",
            kind=kind,
            base_url=url,
            company=COMPANY,
            status=CopyStatus.COMPLETE,
            started_at=NOW,
            finished_at=NOW,
            lake_path="psa/copy-1",
            counts={},
        )
        copies.record_copy(conn, TENANT, copy)
        changes.insert_changes(conn, TENANT, changed)
    numbers = itertools.count(1)
    decided = decide_matching(
        StoreDecisionLedger(store),
        ChangeFilter(PERIOD),
        Wish(DecisionAction.APPROVED, Actor("bench", is_asserted=True)),
        currency=BillingCurrency("USD"),
        now=store.clock(),
        new_id=lambda: f"decision-{next(numbers)}",
    )
    if len(decided.decisions) != len(changed):
        raise SystemExit(f"{len(decided.decisions)} of {len(changed)} changes were approved")


def _change(number: int, agreement: int) -> Change:
    return Change(
        change_id=ChangeId(f"change-{number:06}"),
        revision=1,
        period=PERIOD,
        kind=DeltaKind.INCREASE,
        status=ChangeStatus.PROPOSED,
        sources=("Bench",),
        account_id=AccountId("250"),
        account_name="Bench",
        service_id=ServiceId("77"),
        service_name="Seats",
        agreement_id=AgreementId(str(agreement)),
        line_id=AgreementLineId(str(number)),
        quantity_before=Decimal(10),
        quantity_after=Decimal(12),
        unit_price=PRICE,
        unit_cost=COST,
        amount_delta=2 * PRICE,
        currency="USD",
        effective_date=date(2026, 11, 1),
        when=When.NOW,
        needs=(),
        flags=(),
        evidence_count=0,
        evidence=(),
        provenance_hash="bench",
        proposed_at=NOW,
    )


def _seed(kind: str, changed: list[Change]) -> dict[str, Any]:
    prices = {"unit_price": str(PRICE), "unit_cost": str(COST)}
    agreements = dict.fromkeys(str(change.agreement_id) for change in changed)
    return {
        "psa": kind,
        "accounts": [{"id": "250", "name": "Bench"}],
        "services": [{"id": "77", "code": "SEATS", "name": "Seats", **prices}],
        "agreements": [
            {"id": number, "account": "250", "name": "Managed", "start": "2024-01-01"} for number in agreements
        ],
        "lines": [
            {
                "id": change.line_id,
                "agreement": change.agreement_id,
                "service": "77",
                "quantity": "10",
                "start": "2024-01-01",
                **prices,
            }
            for change in changed
        ],
    }


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
