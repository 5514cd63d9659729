"""Closing a month: it is told as it was last reconciled, whatever arrives or changes afterwards.

Belongs here: when a month may be closed, the decision to close or reopen it, its Protocol.
Does not belong here: reading a month as of an instant (the ledger), what arrived since (``attention``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from pipelines.periods import BillingPeriod
from pipelines.reconciliation.month import MonthLedger, ReconciledAs, month_view
from pipelines.review.approval import Actor


class CannotCloseError(Exception):
    """The month does not stand as it was last reconciled, so there is nothing that could be frozen. Says what helps."""


@dataclass(frozen=True)
class Closing:
    """A month frozen: nothing that became known after ``as_of`` counts in it."""

    period: str
    as_of: datetime
    by: Actor
    at: datetime


@dataclass(frozen=True)
class Reopening:
    """A closed month follows its newest inputs again."""

    period: str
    by: Actor
    at: datetime


class ClosingLedger(MonthLedger, Protocol):
    """Where months are closed."""

    def frozen_at(self, period: BillingPeriod) -> datetime | None:
        """The instant that a closed month is known up to; None for an open one."""
        ...

    def reconciled_as(self) -> Mapping[str, ReconciledAs]:
        """What each month was last reconciled from."""
        ...

    def close(self, closing: Closing) -> None:
        """Record that a month is closed."""
        ...


def close_month(ledger: ClosingLedger, period: BillingPeriod, *, by: Actor, now: datetime) -> Closing:
    """Freeze a month as of its last reconciliation: its readings, mapping decisions and PSA copy.

    Raises ``CannotCloseError`` when it is closed already, was never reconciled with a PSA copy, or something arrived
    since: then what people saw last is not what would be frozen.
    """
    key = period.key
    if ledger.frozen_at(period) is not None:
        raise CannotCloseError(f"{key} is closed already")
    last = ledger.reconciled_as().get(key)
    if last is None:
        raise CannotCloseError(f"{key} was never reconciled: trueup run --period {key}")
    if not last.is_psa_copied:
        raise CannotCloseError(f"{key} was last reconciled without a PSA copy, so nothing is known: run it again")
    present = month_view(period, ledger.read_month(period), now)
    frozen = month_view(period, ledger.read_month(period, as_of=last.at), now)
    if not present.input_hash == frozen.input_hash == last.input_hash or not frozen.is_psa_copied:
        raise CannotCloseError(
            f"a file or a mapping arrived since {key} was last reconciled: trueup run --period {key}, look at it, "
            "then close it"
        )
    closing = Closing(key, last.at, by, now)
    ledger.close(closing)
    return closing
