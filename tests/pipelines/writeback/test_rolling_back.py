"""Rolling a run back: the opposite of what it wrote, proposed once, with a reason for all that is left out."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from pipelines.agreements.records import NO_RECORDS, AgreementLine
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ChangeId, ServiceId
from pipelines.mapping.entries import AccountMapping, ServiceMapping, Share
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.reconciliation.month import Tenant
from pipelines.review.changes import Change, ChangeStatus
from pipelines.writeback.attention import Ending, write_back_findings
from pipelines.writeback.ports import Cause
from pipelines.writeback.rolling_back import (
    CopiedPsa,
    NothingWrittenError,
    RollBack,
    irreversible,
    roll_back,
    roll_back_id,
)
from resources.store import changes, mappings
from resources.store.roll_back_ledger import StoreRollBackLedger
from tests.pipelines.writeback.office import COST, DANA, PRICE, START, TENANT, Office, opened
from tests.resources.store import samples

ACME = Tenant(TENANT, "USD", ZoneInfo("UTC"))
MADE = AgreementLine(
    AgreementLineId("70"),
    AgreementId("9001"),
    AccountId("250"),
    ServiceId("77"),
    Decimal(3),
    Decimal(0),
    Decimal(25),
    COST,
    None,
    None,
)
"""The line that a change for new found revenue made."""


@pytest.fixture
def office(sqlite_url: str) -> Iterator[Office]:
    """An office whose lines 1 to 3 are there, of ten seats each."""
    with opened(sqlite_url, lines=3) as made:
        yield made
        assert made.trail().faults == ()


def write(office: Office, *lines: str) -> None:
    """Approve raising these lines, and write that."""
    office.approve(*lines)
    assert office.run().counts() == {"written": len(lines)}


def taken_back(office: Office, batch: str = "batch-1", tenant: Tenant = ACME, psa: CopiedPsa | None = None) -> RollBack:
    """What rolling a run back comes to."""
    ledger = StoreRollBackLedger(office.store)
    return roll_back(batch, tenant, ledger, psa or CopiedPsa(), by=DANA, now=office.clock())


def reasons(made: RollBack) -> list[str]:
    """Why something was left out."""
    assert made.proposed == ()
    return [item.reason for item in made.left_out]


def decide(office: Office, change: Change, status: ChangeStatus) -> None:
    """Let a change stand otherwise."""
    with office.store.transaction() as conn:
        changes.set_status(conn, TENANT, change.change_id, change.revision, status)


def test_what_was_written_is_proposed_the_other_way_round(office: Office) -> None:
    write(office, "1", "2")
    made = taken_back(office)
    assert (made.already, made.left_out) == ((), ())
    first = made.proposed[0]
    assert first.change_id == roll_back_id(TENANT, "batch-1", ChangeId("change-1"))
    assert (first.revision, first.period, first.status) == (1, "2026-10", ChangeStatus.PROPOSED)
    assert (first.kind, first.quantity_before, first.quantity_after) == (DeltaKind.DECREASE, Decimal(11), Decimal(10))
    assert (first.line_id, first.amount_delta, first.batch_id) == ("1", -PRICE, None)
    assert (first.flags, first.needs, first.effective_date) == (("roll_back",), (), date(2026, 11, 1))
    with office.store.reading() as conn:
        stored = {change.change_id: change for change in changes.latest_changes(conn, TENANT)}
    original = stored[ChangeId("change-1")]
    assert stored[first.change_id] == first
    assert (first.sources, first.evidence) == (original.sources, original.evidence)
    assert original.status is ChangeStatus.WRITTEN


def test_what_fell_rises_again(office: Office) -> None:
    office.propose("1", kind=DeltaKind.DECREASE, quantity_after=Decimal(4), amount_delta=-6 * PRICE)
    office.decide("1")
    office.run()
    (made,) = taken_back(office).proposed
    assert (made.kind, made.quantity_after, made.amount_delta) == (DeltaKind.INCREASE, Decimal(10), 6 * PRICE)


def test_a_psa_that_takes_dates_is_told_one_that_has_not_begun_and_what_stays(office: Office) -> None:
    dated = replace(ACME, takes_dates=True)
    write(office, "1")
    (made,) = taken_back(office, tenant=dated).proposed
    assert made.effective_date == date(2026, 12, 1)
    assert "prorations" in " ".join(irreversible(dated))
    assert "prorations" not in " ".join(irreversible(ACME))


def test_asked_twice_it_proposes_nothing_new(office: Office) -> None:
    write(office, "1")
    (first,) = taken_back(office).proposed
    office.clock.pass_(hours=1)
    again = taken_back(office)
    assert (again.proposed, again.left_out, again.already) == ((), (), (first,))
    decide(office, first, ChangeStatus.DECLINED)
    assert [change.status for change in taken_back(office).already] == [ChangeStatus.DECLINED]


def test_a_roll_back_that_came_to_nothing_may_be_asked_for_again(office: Office) -> None:
    write(office, "1")
    (first,) = taken_back(office).proposed
    decide(office, first, ChangeStatus.STALE)
    dearer = copied(office, replace(MADE, id=AgreementLineId("1")))
    (again,) = taken_back(office, psa=dearer).proposed
    assert (again.change_id, again.revision) == (first.change_id, 2)
    assert (again.unit_price, again.amount_delta) == (Decimal(25), Decimal(-25))


def test_a_run_that_wrote_nothing_is_not_known(office: Office) -> None:
    with pytest.raises(NothingWrittenError, match="no run of write-back batch-9 wrote anything"):
        taken_back(office, "batch-9")


def test_a_line_that_held_the_number_before_is_not_ours_to_take_back(office: Office) -> None:
    office.approve("1")
    office.psa.lines["1"] = Decimal(11)
    office.run()
    assert reasons(taken_back(office)) == ["the line held 11 before anything was sent: this run did not write it"]


def test_a_line_with_another_open_change_is_left_out(office: Office) -> None:
    write(office, "1")
    office.propose("1", change_id=ChangeId("later"), quantity_before=Decimal(11), quantity_after=Decimal(15))
    assert reasons(taken_back(office)) == [
        "another change of it is open, later@1 (proposed): decide about that one",
    ]


def test_a_line_that_was_written_again_since_is_left_out(office: Office) -> None:
    write(office, "1", "2")
    office.propose("1", revision=2, quantity_before=Decimal(11), quantity_after=Decimal(15))
    office.decide("1")
    office.run()
    made = taken_back(office)
    assert [item.reason for item in made.left_out] == [
        "it was written again since, by run batch-2: roll that one back first"
    ]
    assert [change.line_id for change in made.proposed] == ["2"]


def new_line(office: Office) -> None:
    """Write a service that stood on no line."""
    fields = {"line_id": None, "quantity_before": None, "quantity_after": Decimal(3), "kind": DeltaKind.UNBILLED}
    office.propose("new", **fields)
    office.decide("new")
    assert office.run().counts() == {"written": 1}


def copied(office: Office, *lines: AgreementLine) -> CopiedPsa:
    """A copy of the PSA that was made after the run."""
    office.clock.pass_(minutes=1)
    return CopiedPsa(replace(NO_RECORDS, lines=lines), office.clock())


def test_a_line_that_was_made_goes_to_nothing_with_its_own_tick(office: Office) -> None:
    new_line(office)
    other = replace(MADE, id=AgreementLineId("71"), quantity=Decimal(9))
    (made,) = taken_back(office, psa=copied(office, MADE, other)).proposed
    assert (made.line_id, made.quantity_before, made.quantity_after) == ("70", Decimal(3), Decimal(0))
    assert (made.kind, made.needs, made.amount_delta) == (DeltaKind.DECREASE, ("confirm_zero",), Decimal(-75))


def test_a_line_that_was_made_must_have_been_copied_and_be_the_only_one(office: Office) -> None:
    new_line(office)
    old = CopiedPsa(replace(NO_RECORDS, lines=(MADE,)), START - timedelta(days=1))
    for psa in (None, old):
        assert "the PSA was not copied since" in reasons(taken_back(office, psa=psa))[0]
    both = copied(office, MADE, replace(MADE, id=AgreementLineId("71")))
    assert "agreement 9001 has 2 such lines of service 77" in reasons(taken_back(office, psa=both))[0]


def test_a_roll_back_is_approved_and_written_like_any_change_and_can_be_taken_back_itself(office: Office) -> None:
    write(office, "1")
    (made,) = taken_back(office).proposed
    office.decide_on(made)
    assert office.run().counts() == {"written": 1}
    assert office.psa.accepted == [("1", "11"), ("1", "10")]
    (again,) = taken_back(office, "batch-2").proposed
    assert (again.quantity_before, again.quantity_after) == (Decimal(10), Decimal(11))
    assert [change.status for change in taken_back(office).already] == [ChangeStatus.WRITTEN]


def test_an_approved_roll_back_is_not_voided_by_a_mended_mapping_or_by_a_file_that_is_read_again(
    office: Office,
) -> None:
    write(office, "1")
    (made,) = taken_back(office).proposed
    office.decide_on(made)
    with office.store.transaction() as conn:
        account = AccountMapping("Pax8", "acme", (Share("250", Decimal(1)),))
        service = ServiceMapping("Pax8", "M365", (ServiceId("77"),))
        mappings.record_entry(conn, TENANT, "entry-1", account, "dana", office.clock())
        mappings.record_entry(conn, TENANT, "entry-2", service, "dana", office.clock())
        samples.publish(conn, TENANT, samples.revision())
    assert office.run().counts() == {"written": 1}


def test_a_roll_back_whose_line_was_edited_is_stale_and_says_how_to_ask_again(office: Office) -> None:
    write(office, "1")
    (made,) = taken_back(office).proposed
    office.decide_on(made)
    office.psa.lines["1"] = Decimal(17)
    assert office.run().counts() == {"stale": 1}
    ending = Ending(Cause.LINE_MOVED, "the line holds 17", office.clock())
    stale, name = replace(made, status=ChangeStatus.STALE), (made.change_id, made.revision)
    (finding,) = write_back_findings("2026-10", [stale], {name: ending}, None, None)
    assert "trueup rollback" in finding.remedy
