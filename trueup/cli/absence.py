"""``trueup explain`` of what is not there: a line, or a key of a file.

Belongs here: gathering the month as it was last reconciled, printing the reasons.
Does not belong here: the reasons (``pipelines.reconciliation.absence``), the trail of a change (``explaining``).
"""

from dataclasses import dataclass
from typing import Any

from pipelines.periods import BillingPeriod
from pipelines.reconciliation.absence import KnownMonth, about_key, about_line
from pipelines.reconciliation.month import month_view
from pipelines.review.publishing import psa_of
from resources.store import reconciliations
from resources.workspace import Workspace
from trueup.cli.printing import CommandError, Exit


@dataclass(frozen=True)
class Asked:
    """What somebody asks about: a line, or a source with an account and a service key."""

    line: str | None
    source: str | None
    account_key: str | None
    service_key: str | None

    def __post_init__(self) -> None:
        keys = (self.source, self.account_key, self.service_key)
        is_about_line = self.line is not None and not any(keys)
        if not is_about_line and (self.line is not None or None in keys):
            raise CommandError("name a change, or --line, or --source with --account-key and --service-key", Exit.USAGE)


def absence(opened: Workspace, period: BillingPeriod, asked: Asked) -> dict[str, Any]:
    """Why there is nothing, as the month was last reconciled."""
    month = _known_month(opened, period)
    if asked.line is not None:
        reasons = about_line(month, asked.line)
    else:
        reasons = about_key(month, asked.source or "", asked.account_key or "", asked.service_key or "")
    named = {name: value for name, value in vars(asked).items() if value is not None}
    return {"period": period.key, **named, "as_of": month.view.at.isoformat(), "reasons": reasons}


def _known_month(opened: Workspace, period: BillingPeriod) -> KnownMonth:
    with opened.store.reading() as conn:
        last = reconciliations.latest_reconciliation(conn, opened.tenant.id, period.key)
    if last is None:
        raise CommandError(f"{period.key} was never reconciled: trueup run --period {period.key}", Exit.NOT_RECONCILED)
    view = month_view(period, opened.month_ledger.read_month(period, as_of=last.at), last.at)
    figures = opened.lake.read_figures(period.key, str(last.summary["figures"]))
    return KnownMonth(view, figures, psa_of(view, opened.lake), opened.tenant.day_of(view.at))
