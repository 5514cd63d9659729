"""Safety bounds: how much one run may change before a person has to look.

Belongs here: the bounds, what exceeds them, in an operator's words.
Does not belong here: where they are set (``resources.settings``).
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipelines.quantities import money_text, text
from pipelines.review.billing_currency import BillingCurrency
from pipelines.review.changes import Change


@dataclass(frozen=True)
class Bounds:
    """The most that may be changed; None is without bound. Amounts are absolute, in the billing currency."""

    currency: BillingCurrency
    line_quantity: Decimal | None = None
    lines_per_run: int | None = None
    account_amount: Decimal | None = None
    run_amount: Decimal | None = None

    def line_excess(self, change: Change) -> str | None:
        """Why one change is too much by itself; None when it is not."""
        bound, step = self.line_quantity, abs(change.step)
        if bound is None or step <= bound:
            return None
        return f"it changes the line by {text(step)}, and bounds.line_quantity is {text(bound)}"

    def run_excess(self, changes: Sequence[Change]) -> str | None:
        """Why these changes together are too much for one run; None when they are not.

        Money that is not known, or in a currency without a rate, cannot be within a bound on money.
        """
        if self.lines_per_run is not None and len(changes) > self.lines_per_run:
            return f"{len(changes)} lines would be written, and bounds.lines_per_run is {self.lines_per_run}"
        if self.account_amount is None and self.run_amount is None:
            return None
        return self._unknown_money(changes) or self._money_excess(changes)

    def _unknown_money(self, changes: Sequence[Change]) -> str | None:
        for change in changes:
            if self.currency.amount_of(change) is None:
                name = f"{change.change_id}@{change.revision}"
                return f"{self._unknown(change, name)}, so no bound on money can be held"
        return None

    def _unknown(self, change: Change, name: str) -> str:
        if change.amount_delta is None or change.currency is None:
            return f"the money of {name} is not known"
        in_vain = f"billing.rates has no rate for {change.effective_date}"
        return f"the money of {name} is in {change.currency}, and {in_vain}"

    def _money_excess(self, changes: Sequence[Change]) -> str | None:
        by_account: dict[str, Decimal] = defaultdict(Decimal)
        for change in changes:
            by_account[change.account_id] += abs(self.currency.amount_of(change) or Decimal(0))
        for account, amount in sorted(by_account.items()):
            if self.account_amount is not None and amount > self.account_amount:
                return self._too_much(f"account {account}", amount, "bounds.account_amount", self.account_amount)
        total = sum(by_account.values(), Decimal(0))
        if self.run_amount is not None and total > self.run_amount:
            return self._too_much("one run", total, "bounds.run_amount", self.run_amount)
        return None

    def _too_much(self, whom: str, amount: Decimal, name: str, bound: Decimal) -> str:
        return f"{money_text(amount)} {self.currency.code} would change for {whom}, and {name} is {money_text(bound)}"
