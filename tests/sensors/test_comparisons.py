"""Sensors compare and ask; what they compare is a pure function, told here."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pipelines.intake.arrivals import Assignment, InboxFile
from pipelines.intake.waiting import WaitingFile
from pipelines.periods import BillingPeriod
from pipelines.reconciliation.month import ReconciledAs
from sensors.arrivals import requests_for, settled
from sensors.inputs import is_month_end_due, months_to_reconcile

NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
OCTOBER = BillingPeriod(2026, 10)


def waiting(path: str = "pax8/2026-10/a.csv", source: str = "Pax8", attempts: int = 0) -> WaitingFile:
    """A file of October that waits."""
    file = InboxFile(path, 10, "10-1")
    return WaitingFile(file, OCTOBER, source, attempts, Assignment("p", source, OCTOBER))


def test_files_of_one_source_and_month_are_one_run() -> None:
    requests = requests_for("acme", [waiting(), waiting("pax8/2026-10/b.csv"), waiting("n.csv", "Ninja")], NOW)
    assert [request.partition_key for request in requests] == ["2026-10|acme:Ninja", "2026-10|acme:Pax8"]


def test_a_file_that_failed_is_asked_for_under_a_new_key() -> None:
    first, again = requests_for("acme", [waiting()], NOW), requests_for("acme", [waiting(attempts=1)], NOW)
    assert first[0].run_key != again[0].run_key
    assert requests_for("acme", [waiting()], NOW)[0].run_key == first[0].run_key


def test_a_run_that_died_before_it_tried_is_asked_for_again_within_the_hour() -> None:
    now, later = requests_for("acme", [waiting()], NOW), requests_for("acme", [waiting()], NOW + timedelta(hours=1))
    assert now[0].run_key != later[0].run_key


@pytest.mark.parametrize(
    ("before", "is_settled"),
    [({}, False), ({"pax8/2026-10/a.csv": "9-1"}, False), ({"pax8/2026-10/a.csv": "10-1"}, True)],
    ids=["never seen", "still growing", "unchanged"],
)
def test_a_file_is_left_alone_until_two_looks_agree(before: dict[str, str], is_settled: bool) -> None:
    assert bool(settled(before, [waiting()])) is is_settled


def test_a_month_is_asked_for_when_its_inputs_moved_and_only_then() -> None:
    done = {"2026-10": ReconciledAs("h1", True, NOW), "2026-09": ReconciledAs("h9", True, NOW)}
    assert months_to_reconcile({"2026-10": "h1", "2026-09": "h9"}, done, NOW) == []
    assert [month for month, _ in months_to_reconcile({"2026-10": "h2", "2026-09": "h9"}, done, NOW)] == ["2026-10"]
    assert [month for month, _ in months_to_reconcile({"2026-11": "h3"}, done, NOW)] == ["2026-11"]


def test_a_month_without_a_psa_copy_is_tried_again_hourly() -> None:
    failed = {"2026-10": ReconciledAs("h1", False, NOW)}
    assert months_to_reconcile({"2026-10": "h1"}, failed, NOW + timedelta(minutes=59)) == []
    assert len(months_to_reconcile({"2026-10": "h1"}, failed, NOW + timedelta(minutes=61))) == 1


@pytest.mark.parametrize(
    ("today", "reconciled", "due"),
    [
        (date(2026, 11, 2), [], None),
        (date(2026, 11, 3), [], OCTOBER),
        (date(2026, 11, 20), [], OCTOBER),
        (date(2026, 11, 3), ["2026-10"], None),
        (date(2027, 1, 3), ["2026-10"], BillingPeriod(2026, 12)),
    ],
    ids=["before the day", "on the day", "a daemon that slept", "done", "across the year"],
)
def test_the_past_month_is_due_from_the_billing_day_until_it_is_done(
    today: date, reconciled: list[str], due: BillingPeriod | None
) -> None:
    assert is_month_end_due(today, 3, reconciled) == due
