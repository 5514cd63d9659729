"""How several rows of one key become one quantity: what a sample shows of it, and which methods come into question.

Belongs here: whether keys have several rows, the methods that fit the file's columns, in which order to think of them.
Does not belong here: the methods themselves (dbt_project), what each would give (``trueup.cli``).
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.intake.proposing.choices import Choice
from pipelines.intake.proposing.kinds import term_of
from pipelines.intake.proposing.sample import Table
from pipelines.intake.rows import Reduction

MEANINGS = {
    Reduction.NONE: "each row is final; where a key ever has two rows, both are rejected and a person is asked",
    Reduction.SUM: "quantities added: lists of what is held, metered use",
    Reduction.SIGNED_SUM: "added, subtracted where the amount is negative: bookings",
    Reduction.MAX: "the highest: contracts billed at high water",
    Reduction.LAST: "the last row in the file: files that the vendor sorts",
    Reduction.LAST_BY_PERIOD_END: "the row with the latest end: slices of a month with a full quantity each",
    Reduction.RUNNING_TOTAL: "changes added to the cycle row, else the size after the last change",
}


@dataclass(frozen=True)
class Grain:
    """The columns that tell keys and subscriptions apart, and what else a method needs."""

    key: Sequence[int]
    subscription: int | None
    has_end: bool
    amount: str | None
    has_kind: bool
    is_counted: bool
    has_negatives: bool


def methods_for(grain: Grain) -> tuple[Reduction, ...]:
    """The methods that the file's columns allow, the one that assumes least first."""
    methods = [Reduction.NONE, Reduction.SUM, Reduction.MAX, Reduction.LAST]
    if grain.has_end:
        methods.insert(1, Reduction.LAST_BY_PERIOD_END)
    if grain.amount or grain.has_negatives:
        methods.append(Reduction.SIGNED_SUM)
    return tuple(methods)


def written(method: Reduction, grain: Grain) -> dict[str, object]:
    """``aggregate`` with this method and what it needs."""
    sign = {"sign_column": grain.amount} if method is Reduction.SIGNED_SUM and grain.amount else {}
    return {"method": str(method), **sign}


def aggregate_choices(table: Table, grain: Grain, chosen: Reduction | None) -> list[Choice]:
    """The method, or that a person must choose it: the sum is often wrong, so none is taken without a word."""
    if grain.is_counted:
        return []
    if chosen:
        return [
            Choice(f"aggregate.{key}", value, "as you said" if key == "method" else "its sign decides")
            for key, value in written(chosen, grain).items()
        ]
    alternatives = {m: _written(m, grain) for m in methods_for(grain)}
    several = _several(table, grain)
    if several:
        told = f"{len(several)} of {_keys(table, grain)} keys have several rows, up to {max(several.values())}"
        reason = f"{told}; only the distributor knows how they become one quantity. Compare what each method gives"
        asked = tuple(text for method, text in alternatives.items() if method is not Reduction.NONE)
        return [Choice("aggregate.method", None, reason, asked, "choose")]
    what = "subscription" if grain.subscription is not None else "key"
    reason = (
        f"no {what} has two rows here, so on this sample every method gives the same and it proves none. With none the "
        "first file that has two rows of one is told to a person; write sum, max ... where you know it"
    )
    del alternatives[Reduction.NONE]
    return [Choice("aggregate.method", str(Reduction.NONE), reason, tuple(alternatives.values()), "confirm")]


def _written(method: Reduction, grain: Grain) -> str:
    sign = f" with sign_column: {grain.amount}" if method is Reduction.SIGNED_SUM and grain.amount else ""
    return f"{method}{sign}, {MEANINGS[method]}"


def _groups(table: Table, grain: Grain) -> Mapping[tuple[str, ...], int]:
    places = [*grain.key, *([grain.subscription] if grain.subscription is not None else [])]
    columns = [map(_spelling, table.texts(place)) for place in places]
    return Counter(zip(*columns, strict=True)) if columns else Counter()


def _spelling(text: str) -> str:
    """The text without what keys do not differ in; a term as what it means."""
    return term_of(text) or " ".join(unicodedata.normalize("NFKC", text).split())


def _several(table: Table, grain: Grain) -> dict[tuple[str, ...], int]:
    """The subscriptions, or keys without one, that have more than one row."""
    return {key: count for key, count in _groups(table, grain).items() if count > 1}


def _keys(table: Table, grain: Grain) -> int:
    return len(_groups(table, grain))
