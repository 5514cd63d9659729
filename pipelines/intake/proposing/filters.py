"""Which records of a sample are no usage: totals, footers, subscriptions that have ended.

Belongs here: finding them, holding totals against the sum, the conditions that leave rows out.
Does not belong here: the reader's own rule for totals (``pipelines.intake.completeness``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipelines.intake.conventions import folded_kind
from pipelines.intake.proposing.choices import Choice, counted, flow, listed, shown
from pipelines.intake.proposing.contents import are_words, is_dates
from pipelines.intake.proposing.kinds import ENDED, LIVE, TRIALS
from pipelines.intake.proposing.marks import NumberProposal
from pipelines.intake.proposing.sample import Row, Table, cell_text
from pipelines.intake.proposing.synonyms import places_named
from pipelines.quantities import text as plain

TOTALS = "(?i)^((grand|sub|sum|gesamt|zwischen|sous)[ -]?)?(totals?|summe|gesamt|totaal|totale|suma|razem):?$"
"""The whole cell, so that a customer called *Total Fitness* is none."""

_TOTAL = re.compile(TOTALS)
_MOST_FOOTERS = 3


@dataclass(frozen=True)
class SetAside:
    """Records of the sample that are no rows of data: totals by their column, footers by theirs."""

    totals: tuple[tuple[Row, int], ...]
    footers: tuple[tuple[Row, int], ...]

    @property
    def numbers(self) -> set[int]:
        """Their record numbers."""
        return {row.number for row, _ in (*self.totals, *self.footers)}


def set_aside(table: Table) -> SetAside:
    """The totals anywhere below the header, and the footers behind the last row of data."""
    totals = tuple((row, place) for row in table.rows if (place := _total_place(table, row)) is not None)
    numbers = {row.number for row, _ in totals}
    footers: list[tuple[Row, int]] = []
    for row in reversed(table.rows):
        if row.number in numbers:
            continue
        filled = [place for place, cell in enumerate(row.cells) if cell_text(cell)]
        if len(filled) != 1 or len(table.header.cells) < 3 or filled[0] >= len(table.header.cells):
            break
        footers.append((row, filled[0]))
    return SetAside(totals, tuple(footers[:_MOST_FOOTERS]))


def _total_place(table: Table, row: Row) -> int | None:
    places = (place for place, cell in enumerate(row.cells[: len(table.header.cells)]) if _TOTAL.match(cell_text(cell)))
    return next(places, None)


# --- totals ----------------------------------------------------------------------------------------------------------


def totals_choices(
    table: Table, aside: SetAside, numbers: NumberProposal, quantity: int | None, amount: int | None
) -> Iterator[tuple[str, object, Choice]]:
    """Totals: as control totals where they agree with the sum, else for a person to decide."""
    if not aside.totals:
        return
    places = [place for _, place in aside.totals]
    column = max(dict.fromkeys(places), key=places.count)
    own = [row for row, place in aside.totals if place == column]
    words = listed(list(dict.fromkeys(cell_text(row.cells[column]) for row in own)))
    for of, measured in (("quantity", quantity), ("amount", amount)):
        if measured is not None and (told := _agreement(table, own, numbers, measured)) is not None:
            value = {"column": table.address(column), "match": TOTALS, "of": of}
            reason = f"{words} in {_records(own)} says {told}, which is what the rows add up to: checked in every file"
            yield "totals", value, Choice("rows.totals", value, reason, (_excluding(table, column),))
            break
    else:
        yield from _disagreeing(table, own, words, column, numbers, quantity)


def _disagreeing(
    table: Table, own: Sequence[Row], words: str, column: int, numbers: NumberProposal, quantity: int | None
) -> Iterator[tuple[str, object, Choice]]:
    stated = [] if quantity is None else [cell_text(row.cells[quantity]) for row in own if quantity < len(row.cells)]
    total = {"column": table.address(column), "match": TOTALS, "of": None}
    alternatives = ("of: quantity, if it should: the file is incomplete until they agree", "of: amount, likewise",
                    f"take it away and write {_excluding(table, column)}")  # fmt: skip
    if not any(stated):
        reason = f"{words} in {_records(own)} is no customer's row and states no quantity that could be checked"
        condition = {"column": table.address(column), "matches": TOTALS}
        yield "exclude", condition, Choice("rows.exclude", [condition], reason, (), "confirm")
        return
    added = sum((numbers.value(text) or Decimal(0) for text in table.texts(quantity or 0)), Decimal(0))
    reason = f"{words} in {_records(own)} says {listed(stated)}, the rows add up to {plain(added)}"
    yield "totals", total, Choice("rows.totals", total, reason, alternatives, "choose")


def _excluding(table: Table, column: int) -> str:
    return f"exclude: {flow([{'column': table.address(column), 'matches': '...'}])} with the same text, unchecked"


def _agreement(table: Table, own: Sequence[Row], numbers: NumberProposal, measured: int) -> str | None:
    """What all totals say, where each says what the rows add up to."""
    added = sum((numbers.value(text) or Decimal(0) for text in table.texts(measured)), Decimal(0))
    texts = [cell_text(row.cells[measured]) if measured < len(row.cells) else "" for row in own]
    return texts[0] if texts and all(numbers.value(text) == added for text in texts) else None


def _records(rows: Sequence[Row]) -> str:
    return f"record{'s' if len(rows) > 1 else ''} " + ", ".join(str(row.number) for row in rows[:5])


# --- footers and states ---------------------------------------------------------------------------------------------


def footer_conditions(table: Table, aside: SetAside) -> Iterator[tuple[dict[str, object], str]]:
    """A condition for each footer, its digits left open, and what it leaves out."""
    seen = set()
    for row, place in aside.footers:
        text = cell_text(row.cells[place])
        if not text.isprintable() or len(text) > 120:
            continue
        pattern = "^" + re.sub("[0-9]+", "[0-9]+", re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)) + "$"
        if pattern not in seen:
            seen.add(pattern)
            condition: dict[str, object] = {"column": table.address(place), "matches": pattern}
            yield condition, f"record {row.number} is a footer: {shown(text)}"


def trial_conditions(table: Table, places: Iterable[int]) -> Iterator[tuple[dict[str, object], str]]:
    """Trials that stand in the columns of terms: a condition for each such column, and what it leaves out."""
    for place in places:
        values = table.values(place)
        trials = [text for text in values if folded_kind(text) in TRIALS]
        if trials:
            rows = counted(sum(values[text] for text in trials))
            yield (
                {"column": table.address(place), "in": trials},
                f"{rows} of {listed(trials)}, which nobody is billed for",
            )


def ended_rows(table: Table) -> set[int]:
    """The records whose state is known to have ended, and is no charge of this month any more."""
    place = status_place(table)
    if place is None or not any(folded_kind(text) in LIVE for text in table.filled(place)):
        return set()
    states = zip(table.rows, table.texts(place), strict=True)
    return {row.number for row, text in states if folded_kind(text) in ENDED}


def status_place(table: Table) -> int | None:
    """The column that says in which state a subscription is."""
    return next((place for place in places_named(table, "status") if are_words(table, place)), None)


def last_seen_choice(table: Table) -> Choice | None:
    """For lists of devices: whether one that has not been seen for long still counts."""
    place = next((place for place in places_named(table, "last_seen") if is_dates(table, place)), None)
    if place is None:
        return None
    recent = [{"column": table.address(place), "within_days": 30}]
    reason = "every row counts, also a device that has not been seen for long; some vendors charge only recent ones"
    return Choice("rows.include", [], reason, (f"{flow(recent)}, which needs dates",), "confirm")


def status_choice(table: Table) -> Choice | None:
    """Only rows in a state that is billed; a state that is not known is for a person to place."""
    place = status_place(table)
    if place is None:
        return None
    values = table.values(place)
    live = [text for text in values if folded_kind(text) in LIVE]
    ended = [text for text in values if folded_kind(text) in ENDED]
    unknown = [text for text in values if text not in live and text not in ended]
    if not live:
        return None
    left = ", ".join(f"{shown(text)} ({counted(values[text])})" for text in ended[:8]) or "none in the sample"
    column = table.address(place)
    if unknown:
        told = ", ".join(f"{shown(text)} ({counted(values[text])})" for text in unknown[:8])
        alternatives = (f"in: {flow([*live, *unknown])}, to count them", f"in: {flow(live)}, not to",
                        "[], to count every row")  # fmt: skip
        reason = f"whether rows in the state {told} count is not known; known to count: {listed(live)}, not to: {left}"
        return Choice("rows.include", [{"column": column, "in": None}], reason, alternatives, "choose")
    reason = f"rows that are billed; left out: {left}. A state that comes later is left out too, and counted as ignored"
    exclude = f"[], with exclude: {flow([{'column': column, 'in': ended}])}" if ended else "[], to count every row"
    return Choice("rows.include", [{"column": column, "in": live}], reason, (exclude,), "confirm")
