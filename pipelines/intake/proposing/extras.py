"""Which columns of a sample hold the optional fields: names, money, terms, subscriptions, charge dates and kinds.

Belongs here: choosing them by header and content, their maps and classes, why one is left out.
Does not belong here: required fields (``keys``), the formats of numbers and dates (``marks``, ``days``).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.intake.proposing.choices import Choice, counted, flow, listed, shown
from pipelines.intake.proposing.contents import CURRENCIES, are_words, is_currency, is_dates
from pipelines.intake.proposing.days import Reading, day_of, two_days
from pipelines.intake.proposing.kinds import class_of, sorted_kinds, term_of
from pipelines.intake.proposing.marks import SIGNS
from pipelines.intake.proposing.sample import Table
from pipelines.intake.proposing.synonyms import places_named

NAMES = ("account_name", "service_name")
MEASURES = ("unit_cost", "amount")
TEXTS = ("commitment_term", "billing_cycle", "subscription_id")
DAYS = ("charge_start", "charge_end")

_COMMON = ("USD", "EUR", "GBP", "AUD", "CAD")


@dataclass(frozen=True)
class Extras:
    """The columns of optional fields, by field."""

    places: Mapping[str, int]
    has_interval: bool = False
    """Both charge dates stand in one column's cells."""

    def texts(self, table: Table, field: str) -> list[str]:
        """What the cells of a field say; of two dates in one cell the field's own."""
        texts = table.texts(self.places[field])
        if not self.has_interval or field not in DAYS:
            return texts
        return [days[DAYS.index(field)] if (days := two_days(text)) else "" for text in texts]

    def choice(self, table: Table, field: str) -> Choice | None:
        """The choice of a field that is read as its column stands."""
        if field not in self.places:
            return None
        place = self.places[field]
        others = [other for other in places_named(table, field) if other != place and table.filled(other)]
        alternatives = tuple(flow(table.address(other)) for other in others[:3])
        value: object = table.address(place)
        if self.has_interval and field in DAYS:
            value, alternatives = {"column": value, "range": "start"}, ()
        return Choice(f"columns.{field}", value, "by its header", alternatives)


def extras_of(table: Table, taken: Iterable[int | None]) -> Extras:
    """The optional columns that the headers name and the cells allow. No column is money and a quantity at once."""
    found: dict[str, int] = {}
    used = set(taken)
    for field in (*MEASURES, *TEXTS, *DAYS, "currency", "charge_kind", "period"):
        place = next((p for p in places_named(table, field) if p not in used and _allows(table, field, p)), None)
        if place is not None:
            found[field] = place
            used.add(place)
    interval = None if "charge_end" in found else _interval(table)
    if interval is not None:
        found |= dict.fromkeys(DAYS, interval)
    if "currency" not in found and (codes := [p for p in table.places if p not in used and is_currency(table, p)]):
        found["currency"] = codes[0]
    for field in NAMES:
        place = next((p for p in places_named(table, field) if p not in used and table.filled(p)), None)
        if place is not None:
            found[field] = place
            used.add(place)
    return Extras(found, interval is not None)


def _interval(table: Table) -> int | None:
    places = (place for place in places_named(table, "interval") if table.filled(place))
    return next((place for place in places if all(map(two_days, table.filled(place)))), None)


def _allows(table: Table, field: str, place: int) -> bool:
    filled = table.filled(place)
    if field in DAYS:
        return is_dates(table, place)
    if field == "currency":
        return is_currency(table, place)
    if field == "charge_kind":
        return are_words(table, place) and any(map(class_of, filled))
    return bool(filled)


def unnamed_choice(table: Table, extras: Extras, field: str, could_be: Callable[[Table, int], bool]) -> Choice | None:
    """A field that no header names, where the cells of a column could be it: left out, and said."""
    if field in extras.places:
        return None
    places = [place for place in table.places if could_be(table, place) and place not in extras.places.values()]
    if not places:
        return None
    reason = "no header names it, so it is not read; by their cells it could be one of these"
    return Choice(f"columns.{field}", None, reason, tuple(flow(table.address(place)) for place in places[:4]))


def currency_choice(table: Table, extras: Extras, symbols: Sequence[str]) -> Choice | None:
    """The currency: a column of codes, or one that headers or symbols name; None where nothing speaks of money."""
    if "currency" in extras.places:
        place = extras.places["currency"]
        codes = ", ".join(sorted({text.upper() for text in table.filled(place)})[:6])
        return Choice("columns.currency", table.address(place), f"every cell is a currency code: {codes}")
    money = [extras.places[field] for field in MEASURES if field in extras.places]
    if not money:
        return None
    named = dict.fromkeys(code for place in money for code in _codes(table.header.cells[place]))
    signs = dict.fromkeys([*named, *(SIGNS[symbol] for symbol in symbols if symbol in SIGNS)])
    if len(signs) == 1:
        (code,) = signs
        told = f"the only currency that is written: {code}"
        return Choice("columns.currency", {"constant": code}, told, (), "confirm")
    told = f"{listed(symbols)} names more than one currency" if symbols else "the file names no currency"
    told = f"several are written: {', '.join(signs)}" if signs else told
    alternatives = tuple(flow({"constant": code}) for code in signs or _COMMON)
    told += "; without it money is shown without a currency"
    return Choice("columns.currency", None, told, alternatives, "confirm")


def _codes(header: str) -> Iterator[str]:
    words = header.replace("(", " ").replace(")", " ").replace("[", " ").replace("]", " ").split()
    for word in words:
        if word in CURRENCIES:
            yield word
        elif word in SIGNS:
            yield SIGNS[word]


def term_map(table: Table, extras: Extras) -> Choice | None:
    """What the spellings of the terms mean, where they are known."""
    if "commitment_term" not in extras.places:
        return None
    values = list(table.values(extras.places["commitment_term"]))
    known = {text: term for text in values if (term := term_of(text)) and term != text}
    if not known:
        return None
    unknown = [text for text in values if not term_of(text)]
    reason = "what these terms mean as ISO 8601 durations; the service key holds the duration then"
    reason += f"; {listed(unknown)} stays as it is" if unknown else ""
    return Choice("maps.commitment_term", known, reason, ("{}, to keep the file's own words",))


def charges_choice(table: Table, extras: Extras) -> Choice | None:
    """Which charge kinds count. An unknown one would never be counted, so a person has to place it."""
    if "charge_kind" not in extras.places:
        return None
    values = table.values(extras.places["charge_kind"])
    known, unknown = sorted_kinds(values)
    reason = "only recurring and cancel carry quantity; every other row is kept, shown and not counted"
    if not unknown:
        return Choice("charges", known, reason, (), "confirm")
    rows = ", ".join(f"{shown(kind)} ({counted(values[kind])})" for kind in unknown[:8])
    where = "move each to recurring, cancel, proration, one_off, tax, fee or credit and take away the key choose"
    return Choice(
        "charges", {**known, "choose": unknown}, f"what {rows} means is not known: {where}; {reason}", (), "choose"
    )


def end_choice(table: Table, extras: Extras, readings: Mapping[str, Reading]) -> Choice | None:
    """The column of the last day, and whether that day is charged: its dates beside those of the first day show it."""
    if "charge_end" not in extras.places:
        return None
    name = table.address(extras.places["charge_end"])
    plain: dict[str, object] = {"column": name, **({"range": "end"} if extras.has_interval else {})}
    inclusive = {**plain, "inclusive": True}
    spans = list(_spans(table, extras, readings))
    whole = sum(_is_whole(start, end) for start, end in spans)
    exclusive = sum(_same_day(start, end) for start, end in spans)
    told = "the sample does not show whether the last day is charged"
    if whole > exclusive:
        told = f"{whole} of {len(spans)} charges end on the day before a month is full, so the last day is charged"
    elif exclusive:
        told = f"{exclusive} of {len(spans)} charges end on the day a month is full, which is not charged any more"
    value, other = (inclusive, plain) if whole > exclusive else (plain, inclusive)
    return Choice("columns.charge_end", value, f"by its header; {told}", (flow(other),), "confirm")


def _spans(table: Table, extras: Extras, readings: Mapping[str, Reading]) -> Iterator[tuple[date, date]]:
    if "charge_start" not in extras.places or len(readings) != 1:
        return
    ((_, reading),) = readings.items()
    texts = (extras.texts(table, field) for field in DAYS)
    for start, end in zip(*texts, strict=True):
        first = next((day for f in reading.formats if (day := day_of(start, f))), None)
        last = next((day for f in reading.formats if (day := day_of(end, f))), None)
        if first and last and first < last:
            yield first, last


def _is_whole(start: date, last: date) -> bool:
    """Whether a charge fills months to their last day, be it calendar months or from one anniversary to the next."""
    end = last + timedelta(1)
    return _same_day(start, end) or (start.day == 1 and end.day == 1)


def _same_day(start: date, end: date) -> bool:
    return start.day == end.day and (start.year, start.month) != (end.year, end.month)
