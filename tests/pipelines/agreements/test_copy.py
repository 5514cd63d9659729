"""Copying the PSA whole or not at all.

Belongs here: the use case over a source, a lake and a ledger that live in memory.
Does not belong here: a vendor's protocol, the store, the lake.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from pipelines.agreements.copy import PsaUnavailable, copy_psa
from pipelines.agreements.records import (
    NO_RECORDS,
    Account,
    Agreement,
    AgreementLine,
    CopyStatus,
    PsaCopy,
    PsaRecords,
    Service,
)
from pipelines.identity import AccountId, AgreementId, AgreementLineId, ServiceId

TODAY = date(2026, 11, 3)
START = datetime(2026, 11, 3, 6, 0, tzinfo=UTC)
AGREEMENT = Agreement(
    AgreementId("9001"), AccountId("250"), "Managed", is_active=True, prorates=True, start_date=None, end_date=None,
    currency="USD",
)  # fmt: skip
LINE = AgreementLine(
    AgreementLineId("1"), AgreementId("9001"), AccountId("250"), ServiceId("77"), Decimal(10), Decimal(0), None, None,
    None, None,
)  # fmt: skip
RECORDS = PsaRecords(
    accounts=(Account(AccountId("250"), "Acme", is_active=True),),
    services=(Service(ServiceId("77"), "M365-BP", "M365 BP", is_active=True, unit_cost=None, unit_price=None),),
    agreements=(AGREEMENT,),
    lines=(LINE,),
)


@dataclass
class Psa:
    """A PSA that answers with these records, or fails with this error."""

    records: PsaRecords = RECORDS
    error: Exception | None = None
    asked_for: list[date] = field(default_factory=list)

    def read_records(self, today: date) -> PsaRecords:
        self.asked_for.append(today)
        if self.error:
            raise self.error
        return self.records


@dataclass
class Lake:
    """A lake that keeps copies in memory."""

    copies: dict[str, PsaRecords] = field(default_factory=dict)

    def write_psa(self, copy_id: str, records: PsaRecords) -> str:
        self.copies[copy_id] = records
        return f"msp/psa/{copy_id}"


@dataclass
class Ledger:
    """A ledger that keeps attempts in memory, in order."""

    copies: list[PsaCopy] = field(default_factory=list)

    def newest_complete_copy(self) -> PsaCopy | None:
        return next((copy for copy in reversed(self.copies) if copy.status is CopyStatus.COMPLETE), None)

    def record(self, copy: PsaCopy) -> None:
        self.copies.append(copy)


@dataclass
class Room:
    """A lake and a ledger, with a clock that ticks a second per look and ids that count."""

    lake: Lake = field(default_factory=Lake)
    ledger: Ledger = field(default_factory=Ledger)
    _seconds: Callable[[], int] = field(default_factory=lambda: count().__next__)
    _numbers: Callable[[], int] = field(default_factory=lambda: count(1).__next__)

    def copy(self, psa: Psa) -> PsaCopy:
        return copy_psa(
            psa,
            self.lake,
            self.ledger,
            kind="connectwise",
            base_url="https://psa.example",
            company="acme",
            clock=lambda: START + timedelta(seconds=self._seconds()),
            new_id=lambda: f"copy-{self._numbers()}",
            today=TODAY,
        )


def test_a_complete_copy_is_kept_and_recorded_with_its_counts() -> None:
    room, psa = Room(), Psa()
    copy = room.copy(psa)
    assert copy == PsaCopy(
        "copy-1",
        "connectwise",
        "https://psa.example",
        CopyStatus.COMPLETE,
        START,
        START + timedelta(seconds=1),
        "msp/psa/copy-1",
        {"accounts": 1, "services": 1, "agreements": 1, "lines": 1},
        company="acme",
    )
    assert room.lake.copies == {"copy-1": RECORDS}
    assert room.ledger.copies == [copy]
    assert psa.asked_for == [TODAY]


def test_a_copy_that_failed_is_recorded_with_the_reason_and_keeps_no_records() -> None:
    room = Room()
    copy = room.copy(Psa(error=PsaUnavailable("the PSA did not answer within 60 s")))
    assert copy.status is CopyStatus.FAILED
    assert copy.message == "the PSA did not answer within 60 s"
    assert copy.lake_path is None
    assert copy.counts == {}
    assert copy.finished_at == START + timedelta(seconds=1)
    assert (copy.base_url, copy.company) == ("https://psa.example", "acme")
    assert room.lake.copies == {}
    assert room.ledger.copies == [copy]


@pytest.mark.parametrize("things", ["accounts", "services", "agreements", "lines"])
def test_a_psa_that_suddenly_answers_nothing_gives_a_failed_copy(things: str) -> None:
    room = Room()
    room.copy(Psa())
    copy = room.copy(Psa(_without(things)))
    assert copy.status is CopyStatus.FAILED
    assert copy.message is not None
    assert copy.message.startswith(f"the PSA answers no {things} at all, and the last complete copy had 1.")
    assert "check the rights of the API member" in copy.message
    assert list(room.lake.copies) == ["copy-1"]


def _without(things: str) -> PsaRecords:
    empty: PsaRecords = replace(RECORDS, **{things: ()})
    return empty


def test_an_empty_answer_stays_a_failure_however_often_it_is_repeated() -> None:
    room = Room()
    room.copy(Psa())
    copies = [room.copy(Psa(_without("agreements"))) for _ in range(3)]
    assert [copy.status for copy in copies] == [CopyStatus.FAILED] * 3


def test_no_lines_are_the_truth_when_the_last_active_agreement_has_ended() -> None:
    room = Room()
    room.copy(Psa())
    ended = replace(RECORDS, agreements=(replace(AGREEMENT, is_active=False),), lines=())
    copy = room.copy(Psa(ended))
    assert copy.status is CopyStatus.COMPLETE
    assert copy.counts["lines"] == 0


def test_a_first_copy_may_find_an_empty_psa() -> None:
    copy = Room().copy(Psa(NO_RECORDS))
    assert copy.status is CopyStatus.COMPLETE
    assert set(copy.counts.values()) == {0}


def test_a_fault_of_our_own_is_not_taken_for_the_psa_s() -> None:
    room = Room()
    with pytest.raises(KeyError):
        room.copy(Psa(error=KeyError("a bug")))
    assert room.ledger.copies == []
