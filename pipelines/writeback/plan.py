"""The plan of a month as a file: what would be written, request by request, with the hashes that bind it.

Belongs here: the document of ``trueup plan``.
Does not belong here: making requests (the PSA's adapter), writing the file.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from pipelines.agreements.allowances import shown_allowance
from pipelines.audit import canonical_json
from pipelines.quantities import money_text, text
from pipelines.review.binding import LinePlan, PsaIdentity
from pipelines.review.changes import Change
from pipelines.review.proration import Proration
from pipelines.review.summary import money_by_currency
from pipelines.writeback.ports import HoldsFrom, VendorRequest


@dataclass(frozen=True)
class PlannedChange:
    """One change of a plan. ``request`` is None, with the reason in ``obstacle``, where nothing could be written.

    ``approved_hash`` is what an approval that holds was bound to; where it is not the plan's own hash, the approval is
    void and would not be carried out. ``psa_included`` is what the PSA subtracts from the line by itself, ``part`` what
    the change makes of a month that it begins inside.
    """

    change: Change
    plan: LinePlan
    request: VendorRequest | None
    obstacle: str | None
    approved_hash: str | None
    holds_from: HoldsFrom
    psa_included: Decimal | None = None
    part: Proration | None = None


def plan_document(period: str, tenant: str, psa: PsaIdentity, planned: Sequence[PlannedChange], now: datetime) -> Any:
    """The plan of a month, plain JSON. ``plan_hash`` names all that would be written, and not when it was asked."""
    changes = [_as_json(each) for each in planned]
    return {
        "period": period,
        "tenant": tenant,
        "psa": vars(psa),
        "made_at": now.isoformat(),
        "plan_hash": hashlib.sha256(canonical_json(changes).encode()).hexdigest(),
        "amounts": money_by_currency(each.change for each in planned if each.request is not None),
        "changes": changes,
    }


def _as_json(planned: PlannedChange) -> dict[str, Any]:
    change = planned.change
    return {
        "id": change.change_id,
        "revision": change.revision,
        "status": str(change.status),
        "kind": str(change.kind),
        "account": {"id": change.account_id, "name": change.account_name},
        "service": {"id": change.service_id, "name": change.service_name},
        "agreement_id": change.agreement_id,
        "line_id": change.line_id,
        "field": planned.plan.document["field"],
        "quantity_before": None if change.quantity_before is None else text(change.quantity_before),
        "quantity_after": text(change.quantity_after),
        "psa_included": shown_allowance(planned.psa_included),
        "amount_delta": None if change.amount_delta is None else money_text(change.amount_delta),
        "cost_delta": None if change.cost_delta is None else money_text(change.cost_delta),
        "margin_delta": None if change.margin_delta is None else money_text(change.margin_delta),
        "proration": None if planned.part is None else planned.part.as_json(),
        "currency": change.currency,
        "effective_date": change.effective_date.isoformat(),
        "when": str(change.when),
        "holds_from": str(planned.holds_from),
        "needs": list(change.needs),
        "plan_hash": planned.plan.hash,
        "approved_hash": planned.approved_hash,
        "request": None if planned.request is None else planned.request.as_document(),
        "cannot_be_written": planned.obstacle,
    }
