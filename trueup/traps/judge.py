"""Whether a played scenario came out right, from nothing but the product's own JSON documents.

Belongs here: the five verdicts, which change or finding carries which flag.
Does not belong here: playing a scenario, printing results.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipelines.quantities import text
from trueup.traps.schema import Scenario

Document = Mapping[str, Any]


class TrapVerdict(StrEnum):
    """How a scenario came out; the worst that applies, worst first after ``right``."""

    RIGHT = "right"
    WRONG_WRITE = "wrong_write"
    MISSED = "missed"
    UNFLAGGED = "unflagged"
    FORBIDDEN_FLAG = "forbidden_flag"


@dataclass(frozen=True)
class Judgement:
    """The verdict on one scenario with one line of words."""

    scenario: str
    verdict: TrapVerdict
    words: str

    @property
    def is_right(self) -> bool:
        """Whether the scenario came out as worked out by hand."""
        return self.verdict is TrapVerdict.RIGHT


_STANDING = {"propose": "proposed", "rerun": "proposed", "write": "written"}
"""The status of the changes that count in a phase: what is proposed, or what was carried out."""

_SPEECHLESS = {"incomplete", "empty", "refused"}
"""Verdicts of a source that may not speak."""

_UNMAPPED = {"unmapped_account", "unmapped_service"}


def judge(
    scenario: Scenario,
    run: Document,
    changes: Sequence[Document],
    findings: Sequence[Document],
    psa_after: Mapping[str, str] | None = None,
) -> Judgement:
    """The verdict on a scenario.

    ``run`` is what ``trueup run --json`` printed, ``changes`` is ``changes list --json``, ``findings`` is
    ``findings --json``; for a rerun the two lists under ``recomputed``. ``psa_after`` is what each line of the PSA
    holds in the end, needed where the scenario expects something of it.
    """
    figures = [change for change in changes if change["status"] == _STANDING[scenario.phase] and change["line_id"]]
    raised = raised_flags(run, changes, findings)
    for verdict, faults in (
        (TrapVerdict.WRONG_WRITE, [*_wrong(scenario, figures), *_left_wrong(scenario, psa_after or {})]),
        (TrapVerdict.MISSED, _missed(scenario, figures)),
        (TrapVerdict.UNFLAGGED, _unflagged(scenario, raised)),
        (TrapVerdict.FORBIDDEN_FLAG, _forbidden(scenario, raised)),
    ):
        if faults:
            return Judgement(scenario.id, verdict, "; ".join(faults))
    return Judgement(scenario.id, TrapVerdict.RIGHT, _in_words(scenario))


def _wrong(scenario: Scenario, figures: Iterable[Document]) -> list[str]:
    expected = scenario.expect.proposals
    return [
        f"line {change['line_id']} goes to {change['quantity_after']}, {_due(expected.get(change['line_id']))}"
        for change in figures
        if expected.get(change["line_id"]) != Decimal(change["quantity_after"])
    ]


def _left_wrong(scenario: Scenario, psa_after: Mapping[str, str]) -> list[str]:
    return [
        f"line {line} holds {psa_after.get(line)} in the end, where {text(figure)} is due"
        for line, figure in scenario.expect.psa_after.items()
        if line not in psa_after or Decimal(psa_after[line]) != figure
    ]


def _due(figure: Decimal | None) -> str:
    return "where nothing is due" if figure is None else f"where {text(figure)} is due"


def _missed(scenario: Scenario, figures: Iterable[Document]) -> list[str]:
    found = {change["line_id"] for change in figures}
    return [
        f"line {line} should go to {text(figure)}, nothing stands"
        for line, figure in scenario.expect.proposals.items()
        if line not in found
    ]


def _unflagged(scenario: Scenario, raised: set[str]) -> list[str]:
    return [f"{flag} is not raised" for flag in scenario.expect.flags if flag not in raised]


def _forbidden(scenario: Scenario, raised: set[str]) -> list[str]:
    return [f"{flag} is raised and must not be" for flag in scenario.expect.flags_forbidden if flag in raised]


def _in_words(scenario: Scenario) -> str:
    moves = [f"{line} → {text(figure)}" for line, figure in scenario.expect.proposals.items()]
    return " · ".join([", ".join(moves) or "nothing", *scenario.expect.flags])


def raised_flags(run: Document, changes: Iterable[Document], findings: Iterable[Document]) -> set[str]:
    """The flags of the scenario vocabulary that a run raised.

    A finding's kind is a flag of its own name; the rest is what the scenario rules say carries a flag.
    """
    kinds = {finding["kind"] for finding in findings}
    flags = {kind.replace("_", "-") for kind in kinds}
    if kinds & _UNMAPPED:
        flags.add("unmapped")
    for source in run["sources"]:
        flags |= _flags_of_source(source)
    for change in changes:
        flags |= _flags_of_change(change)
    return flags


def _flags_of_source(source: Document) -> set[str]:
    flags = {"incomplete-source"} if source["verdict"] in _SPEECHLESS else set()
    return flags | ({"rejected-row"} if source["rows"]["totals"] > 0 else set())


def _flags_of_change(change: Document) -> set[str]:
    if change["status"] == "stale":
        return {"stale-approval"}
    if change["status"] not in _STANDING.values():
        return set()
    flags = {"vanished"} if change["kind"] == "vanished" and "confirm_zero" in change["needs"] else set()
    return flags | ({"proration"} if "proration" in change["flags"] else set())
