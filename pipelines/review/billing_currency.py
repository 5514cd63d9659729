"""The currency in which a tenant bounds money, and what other money comes to in it.

Belongs here: dated exchange rates as they are configured, the one that holds on a day, converting a change's money.
Does not belong here: what is proposed, approved or written, all of which stays in the currency of its agreement.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from pipelines.review.changes import Change

_RATE = re.compile(r"([A-Z]{3}) (\d+(?:\.\d+)?) from (\d{4}-\d{2}-\d{2})")
_MEANT = "what one unit is worth in billing.currency, such as CAD 0.73 from 2026-10-01; CAD 0.7261 from 2026-11-01"


@dataclass(frozen=True)
class DatedRate:
    """What one unit of a currency is worth in the billing currency, from a day on until the next rate of it."""

    currency: str
    rate: Decimal
    since: date


@dataclass(frozen=True)
class BillingCurrency:
    """The tenant's own currency, and the rates that it configured. Without a rate nothing is converted."""

    code: str
    rates: tuple[DatedRate, ...] = ()

    def amount_of(self, change: Change) -> Decimal | None:
        """What a change's money is in this currency, at the rate of its effective date. None when that is not known.

        Exact: nothing is rounded.
        """
        if change.amount_delta is None or change.currency is None:
            return None
        if change.currency == self.code:
            return change.amount_delta
        rate = self._rate_on(change.currency, change.effective_date)
        return None if rate is None else change.amount_delta * rate

    def total(self, changes: Sequence[Change]) -> Decimal | None:
        """The known money of changes together. None when some of it is in a currency without a rate."""
        known = [change for change in changes if change.amount_delta is not None and change.currency is not None]
        amounts = [amount for change in known if (amount := self.amount_of(change)) is not None]
        return sum(amounts, Decimal(0)) if len(amounts) == len(known) else None

    def _rate_on(self, currency: str, day: date) -> Decimal | None:
        held = [each for each in self.rates if each.currency == currency and each.since <= day]
        return max(held, key=lambda each: each.since).rate if held else None


def read_rates(text: str) -> tuple[DatedRate, ...]:
    """The rates of a text, ``CODE RATE from DAY`` each, with semicolons between them.

    Raises ``ValueError`` that says what is meant when one of them is not that, is not above zero, or stands twice.
    """
    rates = [_rate(each.strip()) for each in text.split(";") if each.strip()]
    if not rates or len({(each.currency, each.since) for each in rates}) < len(rates):
        raise ValueError(f"{_MEANT}, one for each currency and day")
    return tuple(rates)


def _rate(text: str) -> DatedRate:
    found = _RATE.fullmatch(text)
    try:
        rate = found and DatedRate(found[1], Decimal(found[2]), date.fromisoformat(found[3]))
    except ValueError as error:
        raise ValueError(f"{_MEANT}; {text!r} names no day") from error
    if not rate or rate.rate <= 0:
        raise ValueError(f"{_MEANT}; {text!r} is none")
    return rate
