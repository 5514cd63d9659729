"""Invented PSAs of every write model, which notice at once when a write does what it must not.

Belongs here: what a request holds in each model, carrying it out at once or late, taking care.
Does not belong here: what goes wrong when (``test_simulation``), the plain PSA (``office``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from pipelines.quantities import text
from pipelines.reconciliation.deltas import DeltaKind
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, ChangeName, Heard, LineSeen, VendorRequest, WriteModel
from tests.pipelines.writeback.office import Clock, InventedPsa, Trouble

BEFORE = Decimal(10)
LINES = ("1", "2", "3", "4")
AGREEMENTS = {"1": "9001", "2": "9001", "3": "9002", "4": "9002"}


def after(line: str) -> Decimal:
    """The number that was approved for a line."""
    return BEFORE + int(line)


@dataclass
class CarefulPsa(InventedPsa):
    """A PSA that sets quantities, and may carry out a request whose client is long gone.

    ``late`` are requests that it has and will carry out, each at its instant.
    """

    clock: Clock = field(default_factory=Clock)
    late: list[tuple[datetime, str, str]] = field(default_factory=list)
    model = WriteModel.ABSOLUTE

    @classmethod
    def stocked(cls, clock: Clock) -> "CarefulPsa":
        """With all lines at their number before."""
        return cls(dict.fromkeys(LINES, BEFORE), clock=clock)

    def proposal(self, line: str) -> dict[str, Any]:
        """The fields of a change in which the models differ."""
        return {"agreement_id": AGREEMENTS[line]}

    def see_line(self, change: Change, today: date) -> LineSeen:
        self.land()
        return super().see_line(change, today)

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        self.land()
        return super().see_lines(changes, today)

    def send(self, request: VendorRequest) -> Answer:
        self.land()
        return super().send(request)

    def land(self) -> None:
        """Carry out what is due by now."""
        for each in [each for each in self.late if each[0] <= self.clock()]:
            self.late.remove(each)
            self.take(*each[1:])

    def edit(self, line: str, quantity: int) -> None:
        """A person sets a line. What is in flight would meet it unseen: the hole that the write protocol names."""
        if not self.late:
            self.lines[line] = Decimal(quantity)

    def take(self, line: str, quantity: str) -> None:
        assert self.lines[line] == BEFORE, f"line {line} held {self.lines[line]} and was set to {quantity}"
        super().take(line, quantity)


@dataclass
class AddingPsa(CarefulPsa):
    """A PSA that adds what a request holds: one that comes twice is added twice."""

    model = WriteModel.DELTA

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        (change,) = changes
        step = change.quantity_after - (seen.quantity or Decimal(0))
        return VendorRequest("ADD", str(change.line_id), text(step))

    def take(self, line: str, quantity: str) -> None:
        super().take(line, text(self.lines[line] + Decimal(quantity)))


@dataclass
class ReplacingPsa(CarefulPsa):
    """A PSA whose requests hold all lines of an agreement: one that lands late undoes what was written meanwhile."""

    model = WriteModel.REPLACE_LINES
    agreements: Mapping[str, str] = field(default_factory=lambda: AGREEMENTS)

    def _shown(self, change: Change) -> LineSeen:
        lines = {line: text(held) for line, held in self.lines.items() if self._is_beside(line, change)}
        return replace(super()._shown(change), record=lines)

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        wanted = {str(change.line_id): text(change.quantity_after) for change in changes}
        lines = seen.record
        return VendorRequest("REPLACE", min(wanted), json.dumps({"lines": lines | wanted, "for": sorted(wanted)}))

    def take(self, line: str, quantity: str) -> None:
        sent = json.loads(quantity)
        moved = {each: held for each, held in sent["lines"].items() if self.lines[each] != Decimal(held)}
        assert set(moved) <= set(sent["for"]), f"the lines of {line} undid {moved}"
        for each in sent["for"]:
            super().take(each, sent["lines"][each])

    def _is_beside(self, line: str, change: Change) -> bool:
        return self.agreements[line] == change.agreement_id


@dataclass
class MakingPsa(CarefulPsa):
    """A PSA without the lines: a request makes one, and one that comes twice makes two."""

    @classmethod
    def stocked(cls, clock: Clock) -> "CarefulPsa":
        """With no line at all."""
        return cls({}, clock=clock)

    def proposal(self, line: str) -> dict[str, Any]:
        made: dict[str, Any] = {"line_id": None, "quantity_before": None, "kind": DeltaKind.UNBILLED}
        return {**super().proposal(line), **made, "service_id": line, "quantity_after": after(line)}

    def see_line(self, change: Change, today: date) -> LineSeen:
        return super().see_line(_placed(change), today)

    def see_lines(self, changes: Sequence[Change], today: date) -> Mapping[ChangeName, LineSeen]:
        return super().see_lines([_placed(change) for change in changes], today)

    def request_for(self, changes: Sequence[Change], seen: LineSeen) -> VendorRequest:
        return super().request_for([_placed(change) for change in changes], seen)

    def take(self, line: str, quantity: str) -> None:
        assert line not in self.lines, f"line {line} was made twice"
        self.accepted.append((line, quantity))
        self.lines[line] = Decimal(quantity)


def _placed(change: Change) -> Change:
    return replace(change, line_id=change.service_id)


def lands_late(line: str, wait: timedelta) -> Trouble:
    """The connection breaks, and the PSA carries the request out a while later."""

    def trouble(psa: InventedPsa, quantity: str) -> Answer:
        assert isinstance(psa, CarefulPsa)
        psa.late.append((psa.clock() + wait, line, quantity))
        return Answer(Heard.UNKNOWN, "the connection broke")

    return trouble


VENDORS = (CarefulPsa, AddingPsa, ReplacingPsa, MakingPsa)
"""One of each write model."""
