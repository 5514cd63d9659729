"""PostgreSQL that is restarted at once at any moment of a month: the run ends or says so, the next comes to the same.

Belongs here: taking a file in and publishing its month over the real ledgers, without an orchestrator.
Does not belong here: write-back (``test_restarts``), computing figures, which asks nothing of the store.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from pipelines.agreements.records import NO_RECORDS, PsaRecords
from pipelines.intake.waiting import archive_waiting, take_waiting
from pipelines.reconciliation.inputs import MonthFigures
from pipelines.review.publishing import publish_month
from resources.store import changes, inbox, reconciliations, usage
from resources.store.arrival_ledger import StoreArrivalLedger
from resources.store.engine import Store
from resources.store.errors import StoreUnavailable
from resources.store.ledgers import StoreCopyLedger, StoreUsageLedger
from resources.store.months import StoreMonthLedger
from tests.pipelines.intake.office import BY_PATH, JULY, SOURCE, TWELVE, Office
from tests.pipelines.months import NOW, delta
from tests.postgres import Server, find_programs, program_folders
from tests.resources.store import samples
from tests.resources.store.test_months_at_once import MSP
from tests.torture import figure

Restart = Callable[[], None]

EVERY = figure(2, 1)
"""Which moments are tried: every second one, the first or the second at first, or all of them."""


@pytest.fixture(scope="module")
def durable_server() -> Iterator[Server]:
    """A server that has written down what it acknowledged."""
    server = Server(find_programs(program_folders()), settings=("fsync=off", "max_connections=20"))
    yield server
    server.stop()


@dataclass
class Moments:
    """Counts what a run asks of its store, and does something at one of these moments."""

    at: int = 0
    act: Restart = lambda: None
    seen: int = 0

    def come(self) -> None:
        """One moment more."""
        self.seen += 1
        if self.seen == self.at:
            self.act()


class WatchedStore(Store):
    """The usual store, with a moment before and after every commit and after every look."""

    def __init__(self, url: str, moments: Moments) -> None:
        super().__init__(url, "msp")
        self._moments = moments

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The usual transaction."""
        with super().transaction() as conn:
            yield conn
            self._moments.come()
        self._moments.come()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """The usual look."""
        with super().reading() as conn:
            self._moments.come()
            yield conn


class Figures:
    """A lake whose figures of July say that line 1 should hold twelve."""

    def read_psa(self, _: str) -> PsaRecords:
        """Nothing is asked of the PSA here."""
        return NO_RECORDS

    def read_figures(self, _period: str, _key: str) -> MonthFigures:
        """One difference."""
        return MonthFigures((delta(sources=(SOURCE,)),), (), (), ())


@dataclass
class Month:
    """One workspace whose July has a file and no PSA but a copy's record."""

    url: str
    office: Office
    runs: int = field(default=0)

    def run(self, moments: Moments) -> None:
        """What the assets of a month do, one after the other."""
        store = WatchedStore(self.url, moments)
        self.runs += 1
        try:
            ports = replace(self.office.ports, arrivals=StoreArrivalLedger(store), usage=StoreUsageLedger(store))
            archive_waiting(ports, JULY, SOURCE)
            take_waiting(ports, JULY, SOURCE)
            StoreCopyLedger(store).record(samples.copy(f"copy-{self.runs}"))
            publish_month(MSP, JULY, StoreMonthLedger(store), Figures(), run_id=f"run-{self.runs}", now=NOW)
        finally:
            store.close()

    def stands(self) -> dict[str, Any]:
        """Everything that a person would see of the month, without ids and times."""
        store = Store(self.url, "msp")
        with store.reading() as conn:
            published = reconciliations.latest_reconciliation(conn, "msp", JULY.key)
            found = {
                "files": [(each.path, each.status) for each in inbox.arrivals(conn, "msp")],
                "readings": [
                    (each.revision, each.quantity, each.rows, each.verdict)
                    for each in usage.current_revisions(conn, "msp", JULY.key)
                ],
                "changes": [
                    (each.revision, each.status, each.quantity_after) for each in changes.latest_changes(conn, "msp")
                ],
                "verdict": published and published.verdict,
            }
        store.close()
        return found


def new_month(server: Server, template: str, folder: Path) -> Month:
    """A month of its own: its database, its inbox with one file."""
    folder.mkdir()
    office = Office(folder, BY_PATH)
    office.drop("in/2026-07/a.csv", TWELVE)
    return Month(server.url(server.create_database(template)), office)


def failure_of(month: Month, moments: Moments) -> StoreUnavailable | None:
    """What a run failed of; None when it came to its end."""
    try:
        month.run(moments)
    except StoreUnavailable as unavailable:
        return unavailable
    return None


def test_a_restart_at_any_moment_of_a_month_changes_nothing_of_its_figures(
    durable_server: Server, tmp_path: Path
) -> None:
    template = durable_server.make_template()
    quiet, counted = new_month(durable_server, template, tmp_path / "quiet"), Moments()
    quiet.run(counted)
    expected = quiet.stands()
    assert [each[:2] for each in expected["readings"]] == [(1, Decimal(12))]
    assert [each[2] for each in expected["changes"]] == [Decimal(12)]

    told = 0
    for at in range(random.SystemRandom().randint(1, EVERY), counted.seen + 1, EVERY):
        month = new_month(durable_server, template, tmp_path / str(at))
        unavailable = failure_of(month, Moments(at, durable_server.restart_at_once))
        if unavailable is None:
            assert month.stands() == expected, f"moment {at}"
        else:
            assert unavailable.would_retry_help
            assert "cannot be reached" in str(unavailable)
            told += 1
        month.run(Moments())
        assert month.stands() == expected, f"moment {at}"
    assert 0 < told < counted.seen
