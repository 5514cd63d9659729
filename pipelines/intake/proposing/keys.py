"""Which columns of a sample name the account and the service, and which one counts.

Belongs here: choosing between columns that bear a required field's name, and what to do where none does.
Does not belong here: the names (``synonyms``), optional columns (``extras``).
"""

from collections.abc import Iterable

from pipelines.intake.proposing.choices import Choice, flow, shown
from pipelines.intake.proposing.contents import WHOLE, could_count, described, kind_of
from pipelines.intake.proposing.sample import Table
from pipelines.intake.proposing.synonyms import places_like, places_named

_PAIRS = (("productid", "skuid"),)
"""Ids that name a service only together: Microsoft numbers SKUs within a product."""

_MOST = 4


def account_of(table: Table) -> tuple[int | None, Choice]:
    """The column of the account key, None where a person must choose."""
    named = [place for place in places_named(table, "account_key") if table.filled(place)]
    if not named:
        return None, _unknown(table, "account_key", places_like(table, "account_key"))
    best = next((place for place in named if _tells_apart(table, place)), named[0])
    reason = "by its header"
    if best != named[0]:
        passed = table.header.name(named[0])
        reason += f"; {shown(passed)} says the same in every row, so it names you rather than your customers"
    blank = len(table.rows) - len(table.filled(best))
    reason += f"; blank in {blank} of {len(table.rows)} rows, which are rejected" if blank else ""
    others = dict.fromkeys([*named, *places_like(table, "account_key")])
    alternatives = _names(table, (place for place in others if place != best))
    return best, Choice("columns.account_key", table.address(best), reason, alternatives, "confirm" if blank else None)


def _tells_apart(table: Table, place: int) -> bool:
    """Whether a column differs between rows and is filled in most; a sample of few rows proves neither."""
    filled = table.filled(place)
    return len(table.rows) < 3 or (len(set(filled)) > 1 and len(filled) * 2 > len(table.rows))


def service_of(table: Table, account: int | None, term: int | None) -> tuple[list[int], Choice]:
    """The columns of the service key, none where a person must choose. Price and notice hang on the term."""
    pair = next((pair for pair in _PAIRS if set(pair) <= set(table.folded)), None)
    named = [place for place in places_named(table, "service_key") if place != account and table.filled(place)]
    if not named:
        like = [place for place in places_like(table, "service_key") if place != account]
        constant = "[{constant: NAME}] where all rows are of one service"
        unknown = _unknown(table, "service_key", like)
        return [], Choice(unknown.key, None, unknown.reason, (*unknown.alternatives, constant), "choose")
    parts = [table.folded.index(name) for name in pair] if pair else named[:1]
    reason = "the two ids name a service only together" if pair else "by its header"
    if term is not None:
        parts = [*parts, term]
        reason += f"; with {shown(table.header.name(term))}, because price and notice hang on the term"
    value = [table.address(part) for part in parts]
    others = [flow(value[:-1] if len(value) > 2 else value[0]) + " (without the term)"] if term is not None else []
    alternatives = (*others, *_names(table, (place for place in named if place not in parts)))
    return parts, Choice("columns.service_key", value if len(value) > 1 else value[0], reason, alternatives)


def quantity_of(table: Table, taken: Iterable[int | None]) -> tuple[int | None, Choice, bool]:
    """The column of the quantity, None where rows are counted or a person must choose; and whether they are counted."""
    named = [place for place in places_named(table, "quantity") if table.filled(place)]
    counting = [place for place in named if kind_of(table.texts(place)) in {WHOLE, "numbers"}] or named
    if counting:
        best = counting[0]
        alternatives = _names(table, (place for place in named if place != best))
        return best, Choice("columns.quantity", table.address(best), "by its header", alternatives), False
    devices = [place for place in places_named(table, "device") if table.filled(place)]
    if devices:
        return None, _counted(table, devices), True
    used = {*taken, *places_named(table, "unit_cost"), *places_named(table, "amount")}
    free = [place for place in table.places if place not in used and could_count(table, place)]
    like = [place for place in places_like(table, "quantity") if place in free]
    if len(one := like or free) == 1:
        reason = f"no header names a quantity; this is the only column that could be one: {described(table, one[0])}"
        return one[0], Choice("columns.quantity", table.address(one[0]), reason, ("{count: rows}",), "confirm"), False
    unknown = _unknown(table, "quantity", [*like, *(place for place in free if place not in like)])
    rows = "{count: rows} where each row is one unit"
    return None, Choice(unknown.key, None, unknown.reason, (*unknown.alternatives, rows), "choose"), False


def _counted(table: Table, devices: list[int]) -> Choice:
    """One row per device or user: counted, unless a name stands twice."""
    unit = devices[0]
    count, different = len(table.rows), len(table.values(unit))
    distinct = {"count_distinct": table.address(unit)}
    listing = f"no column counts, and each row names {shown(table.header.name(unit))}"
    if count == different:
        reason = f"{listing}: one row is one unit, {count} in all, none of them twice"
        return Choice("columns.quantity", {"count": "rows"}, reason, (flow(distinct),), "confirm")
    reason = f"{listing}, but {count} rows name {different} different ones"
    alternatives = (f"{{count: rows}}, {count} in all", f"{flow(distinct)}, {different} in all")
    return Choice("columns.quantity", None, reason, alternatives, "choose")


def _unknown(table: Table, field: str, places: list[int]) -> Choice:
    wanted = [place for place in places if table.filled(place)]
    if not wanted:
        wanted = [place for place in table.places if kind_of(table.texts(place)) in {"text", "GUIDs"}]
    named = (f"{flow(table.address(place))}: {described(table, place)}" for place in wanted[: _MOST * 2])
    return Choice(f"columns.{field}", None, "no header of the file is a known name for it", tuple(named), "choose")


def _names(table: Table, places: Iterable[int]) -> tuple[str, ...]:
    return tuple(flow(table.address(place)) for place in places)[:_MOST]
