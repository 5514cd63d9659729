"""The forms in which PSAs take a new quantity, each with a kind that does: what is approved, what is in the seed.

Belongs here: what differs between the write models, for scenes and simulations.
Does not belong here: writers, judging.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.changes import Change
from resources.psa.kinds import KINDS
from tests.resources.store import samples
from tests.sandbox import seeds

LINES_PER_AGREEMENT = 10
_FIRST_AGREEMENT, _FIRST_SERVICE = 9000, 1000


@dataclass(frozen=True)
class Model:
    """One form of writing. ``write`` finds its request among ``METHOD path``; ``makes``: the line is not there yet."""

    name: str
    kind: str
    write: str
    makes: bool = False

    def change(self, number: int) -> Change:
        """From the line's number to two and a half more, or two: every line has numbers of its own."""
        after = number + Decimal("2" if KINDS[self.kind].traits.is_integer_only else "2.5")
        place: dict[str, Any] = {"line_id": str(number), "quantity_before": Decimal(number)}
        if self.makes:
            place = {"line_id": None, "quantity_before": None, "kind": DeltaKind.UNBILLED}
            place["service_id"] = str(_FIRST_SERVICE + number)
        return samples.change(
            f"change-{number:04}",
            **place,
            agreement_id=str(_FIRST_AGREEMENT + (number - 1) // LINES_PER_AGREEMENT),
            quantity_after=after,
            unit_price=Decimal(22),
            unit_cost=Decimal(18),
            amount_delta=Decimal(55),
            needs=(),
        )

    def seed(self, changed: Sequence[Change]) -> dict[str, Any]:
        """The PSA as the approvals saw it."""
        agreements = dict.fromkeys(str(change.agreement_id) for change in changed)
        services = dict.fromkeys(str(change.service_id) for change in changed)
        lines = [] if self.makes else [_line(change) for change in changed]
        return seeds.seed(
            psa=self.kind,
            services=[seeds.service(number) for number in services],
            agreements=[seeds.agreement(number) for number in agreements],
            lines=lines,
        )

    def name_of(self, line: dict[str, Any]) -> str:
        """The name of the change that a line of the PSA belongs to."""
        return str(int(line["service"]) - _FIRST_SERVICE) if self.makes else str(line["id"])


def _line(change: Change) -> dict[str, Any]:
    return seeds.line(str(change.line_id), agreement=change.agreement_id, quantity=str(change.quantity_before))


def name_of(change: Change) -> str:
    """The name of a change in a scene: its number."""
    return str(int(change.change_id.removeprefix("change-")))


ABSOLUTE = Model("absolute", "connectwise", "PATCH")
DELTA = Model("delta", "autotask", "Adjustments")
REPLACE_LINES = Model("replace_lines", "halopsa", "POST /api/RecurringInvoice")
CREATED_LINE = Model("created_line", "connectwise", "POST .*/additions", makes=True)

MODELS = {model.name: model for model in (ABSOLUTE, DELTA, REPLACE_LINES, CREATED_LINE)}
"""Every form of writing, by name."""
