"""What a change that begins inside a month makes of that month: the amount for its days, with the formula.

Belongs here: the day-count conventions and the formula, to be shown beside a change.
Does not belong here: writing it anywhere. Whether and how a part of a month is invoiced is the PSA's own doing.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from pipelines.periods import BillingPeriod
from pipelines.quantities import money, money_text, price_text, text
from pipelines.review.changes import Change

_DAYS_OF_THIRTY = 30


class DayCount(StrEnum):
    """How many days a month has when a part of it is billed. Named in settings; never rename one."""

    ACTUAL = "actual"
    THIRTY = "thirty"


@dataclass(frozen=True)
class Proration:
    """The part of a month that a change holds for: its days, all days, and what the difference makes in them."""

    days: int
    of_days: int
    amount: Decimal
    formula: str

    def as_json(self) -> dict[str, int | str]:
        """Plain JSON, the amount as text."""
        return {"days": self.days, "of_days": self.of_days, "amount": money_text(self.amount), "formula": self.formula}


def prorated(change: Change, day_count: DayCount) -> Proration | None:
    """The first part of a month of a change, from its effective date to the end of that month.

    None when it begins with a month, so that no part is billed, and when the price is not known. Distributors count so:
    unit price ÷ days of the period × days used × units.
    """
    begins, price = change.effective_date, change.unit_price
    if begins.day == 1 or price is None:
        return None
    month = BillingPeriod(begins.year, begins.month)
    days, of_days = (month.end_date - begins).days, (month.end_date - month.first_day).days
    if day_count is DayCount.THIRTY:
        days, of_days = max(_DAYS_OF_THIRTY - begins.day + 1, 0), _DAYS_OF_THIRTY
    amount = money(change.step * price * days / of_days)
    formula = (
        f"{text(change.step)} × {price_text(price)} × {days}/{of_days} days of {month.key} ({day_count}) = "
        f"{money_text(amount)}{f' {change.currency}' if change.currency else ''}"
    )
    return Proration(days, of_days, amount, formula)
