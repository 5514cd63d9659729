"""Claims about runs that reconcile one month at the same moment: one publishes, and the others begin anew."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest

from pipelines.agreements.records import NO_RECORDS, PsaRecords
from pipelines.reconciliation.inputs import MonthFigures
from pipelines.reconciliation.month import Tenant
from pipelines.review.changes import ChangeStatus
from pipelines.review.publishing import MonthOutcome, publish_month
from resources.store import changes, copies, reconciliations
from resources.store.engine import Store
from resources.store.errors import StoreConflict
from resources.store.months import StoreMonthLedger
from tests.pipelines.months import NOW, OCTOBER, delta
from tests.resources.store import samples

RUNS, ROUNDS = 8, 50
MSP = Tenant("msp", "USD", ZoneInfo("UTC"))


class Figures:
    """A lake whose figures of any month say that line 1 should hold so many."""

    def __init__(self, quantity: int) -> None:
        self._quantity = Decimal(quantity)

    def read_psa(self, _: str) -> PsaRecords:
        """Nothing is asked of the PSA here."""
        return NO_RECORDS

    def read_figures(self, _period: str, _key: str) -> MonthFigures:
        """One difference."""
        found = delta(quantity_used=self._quantity, quantity_after=self._quantity, rows_digest=str(self._quantity))
        return MonthFigures((replace(found, amount_delta=(self._quantity - 10) * 22),), (), (), ())


@pytest.fixture
def stores(store: Store, store_url: str) -> Iterator[list[Store]]:
    """One opened store for each run, as if each were a process; October has a reading and a copy."""
    samples.published(store, samples.revision())
    with store.transaction() as conn:
        copies.record_copy(conn, store.tenant, samples.copy())
    opened = [Store(store_url, "msp") for _ in range(RUNS)]
    yield opened
    for each in opened:
        each.close()


def publish(store: Store, quantity: int, run: str) -> MonthOutcome | StoreConflict:
    """One run, or how another one came before it."""
    try:
        return publish_month(MSP, OCTOBER, StoreMonthLedger(store), Figures(quantity), run_id=run, now=NOW)
    except StoreConflict as overtaken:
        return overtaken


def test_of_eight_runs_of_a_month_at_once_one_publishes_each_number(store: Store, stores: list[Store]) -> None:
    together = Barrier(RUNS, timeout=60)

    def run(number: int, quantity: int) -> MonthOutcome | StoreConflict:
        together.wait()
        return publish(stores[number], quantity, f"run-{quantity}-{number}")

    with ThreadPoolExecutor(RUNS) as threads:
        for round_number in range(1, ROUNDS + 1):
            quantity = 10 + round_number
            ended = list(threads.map(run, range(RUNS), [quantity] * RUNS))
            outcomes = [each for each in ended if isinstance(each, MonthOutcome)]
            conflicts = [each for each in ended if isinstance(each, StoreConflict)]
            assert sorted(len(each.plan.insert) for each in outcomes) == [0] * (len(outcomes) - 1) + [1]
            assert all("Run it again" in str(each) and each.would_retry_help for each in conflicts)
            with store.reading() as conn:
                [standing] = changes.latest_changes(conn, "msp")
            assert (standing.revision, standing.quantity_after) == (round_number, Decimal(quantity))
            assert standing.status is ChangeStatus.PROPOSED
    again = publish(store, 10 + ROUNDS, "again")
    assert isinstance(again, MonthOutcome)
    assert again.plan.insert == ()


def test_a_run_that_was_slow_does_not_replace_what_a_later_one_found(store: Store) -> None:
    samples.published(store, samples.revision())
    slow, quick = StoreMonthLedger(store), StoreMonthLedger(store)

    class OvertakenLake(Figures):
        """Figures that take so long to read that another run publishes meanwhile."""

        def read_figures(self, period: str, key: str) -> MonthFigures:
            samples.published(store, samples.revision(2))
            publish_month(MSP, OCTOBER, quick, Figures(12), run_id="quick", now=NOW)
            return super().read_figures(period, key)

    with pytest.raises(StoreConflict, match="Another run reconciled 2026-10 at the same time, and what it found stand"):
        publish_month(MSP, OCTOBER, slow, OvertakenLake(11), run_id="slow", now=NOW)
    with store.reading() as conn:
        latest = reconciliations.latest_reconciliation(conn, "msp", "2026-10")
    assert latest is not None
    assert latest.run_id == "quick"
