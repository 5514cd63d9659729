"""Copying the PSA: whole or not at all, and every attempt recorded.

Belongs here: when a copy counts as complete, and what is recorded of one that does not.
Does not belong here: reading a vendor's PSA (``resources.psa``), the files of a copy (``resources.warehouse``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from pipelines.agreements.records import CopyStatus, PsaCopy, PsaRecords


class PsaUnavailable(Exception):  # noqa: N818  reads as the state it stands for; adapters' errors derive from it
    """The PSA could not be read to its end; the text says why in an operator's words.

    Every adapter's error about the PSA is one of these, so that this module can tell the world from a bug.
    """


class PsaForbidden(PsaUnavailable):
    """The PSA does not take the credentials, or they lack a right. Only a person can mend that."""


class RecordSource(Protocol):
    """A PSA that can be read."""

    def read_records(self, today: date) -> PsaRecords:
        """Everything there is now. Raises ``PsaUnavailable`` rather than answer with a part."""
        ...


class CopyLake(Protocol):
    """Where the records of complete copies are kept."""

    def write_psa(self, copy_id: str, records: PsaRecords) -> str:
        """Keep them; the answer is their path in the lake."""
        ...


class CopyLedger(Protocol):
    """Where attempts are recorded."""

    def newest_complete_copy(self) -> PsaCopy | None:
        """The newest copy that may be compared with."""
        ...

    def record(self, copy: PsaCopy) -> None:
        """Record an attempt, failed or not."""
        ...


@dataclass(frozen=True)
class _Attempt:
    copy_id: str
    kind: str
    base_url: str
    company: str | None
    started_at: datetime

    def complete(self, at: datetime, lake_path: str, counts: dict[str, int]) -> PsaCopy:
        return self._ended(CopyStatus.COMPLETE, at, lake_path, counts, None)

    def failed(self, at: datetime, message: str) -> PsaCopy:
        return self._ended(CopyStatus.FAILED, at, None, {}, message)

    def _ended(
        self, status: CopyStatus, at: datetime, lake_path: str | None, counts: dict[str, int], message: str | None
    ) -> PsaCopy:
        return PsaCopy(
            copy_id=self.copy_id,
            kind=self.kind,
            base_url=self.base_url,
            status=status,
            started_at=self.started_at,
            finished_at=at,
            lake_path=lake_path,
            counts=counts,
            message=message,
            company=self.company,
        )


def copy_psa(
    psa: RecordSource,
    lake: CopyLake,
    ledger: CopyLedger,
    *,
    kind: str,
    base_url: str,
    company: str | None,
    clock: Callable[[], datetime],
    new_id: Callable[[], str],
    today: date,
) -> PsaCopy:
    """One attempt to copy the PSA as it stands now, recorded whether it succeeded or not.

    A PSA that cannot be read, or that answers emptiness where there was something, gives a failed copy with the
    reason: a partial copy is no copy, and a failed or empty read is never zero. Nothing of it reaches the lake.
    Faults of our own lake and ledger are raised.
    """
    attempt = _Attempt(new_id(), kind, base_url, company, clock())
    try:
        records = psa.read_records(today)
        counts = record_counts(records)
        _refuse_sudden_emptiness(records, counts, ledger.newest_complete_copy())
    except PsaUnavailable as error:
        copy = attempt.failed(clock(), str(error))
    else:
        copy = attempt.complete(clock(), lake.write_psa(attempt.copy_id, records), counts)
    ledger.record(copy)
    return copy


def record_counts(records: PsaRecords) -> dict[str, int]:
    """How many records of each sort a copy has."""
    return {
        "accounts": len(records.accounts),
        "services": len(records.services),
        "agreements": len(records.agreements),
        "lines": len(records.lines),
    }


def _refuse_sudden_emptiness(records: PsaRecords, counts: dict[str, int], earlier: PsaCopy | None) -> None:
    for things in ("accounts", "services", "agreements", *_lines_if_expected(records)):
        had = earlier.counts.get(things, 0) if earlier else 0
        if had and not counts[things]:
            raise PsaUnavailable(
                f"the PSA answers no {things} at all, and the last complete copy had {had}. An empty answer is not "
                f"taken for zero: check the rights of the API member and the company, then run again"
            )


def _lines_if_expected(records: PsaRecords) -> tuple[str, ...]:
    # Lines are read of active agreements only: when the last one ends, having none is the truth.
    return ("lines",) if any(agreement.is_active for agreement in records.agreements) else ()
