"""The proposed profile: all evidence put together, key by key, in the order of the document.

Belongs here: which evidence stands on which other, the order of the keys.
Does not belong here: the evidence itself (the other modules here), writing the file (``trueup.cli``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.intake.proposing.arriving import are_months, arrives_of
from pipelines.intake.proposing.choices import Choice, counted, listed
from pipelines.intake.proposing.contents import described, is_dates
from pipelines.intake.proposing.days import DAY_FIRST, Reading, dates_of, readings_of
from pipelines.intake.proposing.extras import (
    DAYS,
    MEASURES,
    TEXTS,
    Extras,
    charges_choice,
    currency_choice,
    end_choice,
    extras_of,
    term_map,
    unnamed_choice,
)
from pipelines.intake.proposing.filters import (
    SetAside,
    ended_rows,
    footer_conditions,
    last_seen_choice,
    set_aside,
    status_choice,
    status_place,
    totals_choices,
    trial_conditions,
)
from pipelines.intake.proposing.header_row import header_of
from pipelines.intake.proposing.keys import account_of, quantity_of, service_of
from pipelines.intake.proposing.kinds import class_of
from pipelines.intake.proposing.marks import NumberProposal, numbers_of
from pipelines.intake.proposing.methods import Grain, aggregate_choices
from pipelines.intake.proposing.sample import Sample, Table
from pipelines.intake.proposing.synonyms import places_named
from pipelines.intake.rows import Reduction
from pipelines.intake.sheet import UnreadableFile


@dataclass(frozen=True)
class Given:
    """What a person says about a sample: the profile's name, the file's path, and what no file tells."""

    name: str
    path: str = "usage.csv"
    source: str | None = None
    basis: str | None = None
    method: Reduction | None = None


@dataclass(frozen=True)
class Proposal:
    """The choices in the order of the document, the columns by which a person may compare methods, and the sample."""

    choices: tuple[Choice, ...]
    grain: Grain
    rows: int
    is_cut: bool
    unused: tuple[str, ...] = ()
    """The columns that nothing reads, each with what its cells are."""

    @property
    def left(self) -> list[Choice]:
        """What a person must fill in before the profile can be used."""
        return [choice for choice in self.choices if choice.need == "choose"]


def proposed(sample: Sample, given: Given) -> Proposal:
    """A profile for a sample file.

    Raises ``UnreadableFile`` when no header is found, or nothing stands below it.
    """
    header, place = header_of(sample.records)
    found = Table.below(header, sample.records)
    aside = set_aside(found)
    table = found.without(aside.numbers)
    if not table.rows:
        raise UnreadableFile(
            f"nothing stands below the header in record {header.row}: nothing shows how numbers and dates are written",
            "Take a file of a month with usage as the sample",
        )
    draft = _Draft(table, aside)
    choices = [*_said(given), draft.arrives(given), sample.layout, place, *draft.choices(given)]
    return Proposal(tuple(choices), draft.grain, len(table.rows), sample.is_cut, tuple(draft.unused()))


def _said(given: Given) -> Iterator[Choice]:
    yield Choice("profile", given.name, "its name; the name under which the month's usage is known")
    source = ("give --source",) if given.source is None else ()
    told = "the vendor or distributor, which no file tells" if given.source is None else "as you said"
    yield Choice("source", given.source, told, source, None if given.source else "choose")
    bases = (
        "subscription: what is held",
        "invoice: what was charged",
        "assigned: what people use",
        "devices: what was counted",
        "give --basis",
    )
    told = "what the file counts; two bases are never added on one line" if given.basis is None else "as you said"
    yield Choice("basis", given.basis, told, () if given.basis else bases, None if given.basis else "choose")


@dataclass
class _Draft:
    """The evidence of one table, each piece found once."""

    table: Table
    aside: SetAside
    readings: Mapping[str, Reading] = field(init=False)
    extras: Extras = field(init=False)
    numbers: NumberProposal = field(init=False)
    account: int | None = field(init=False)
    services: Sequence[int] = field(init=False)
    quantity: int | None = field(init=False)
    is_counted: bool = field(init=False)
    required: dict[str, Choice] = field(init=False)

    def __post_init__(self) -> None:
        table = self.table
        self.account, account = account_of(table)
        terms = [p for p in places_named(table, "commitment_term") if table.filled(p)]
        terms = terms or [p for p in places_named(table, "billing_cycle") if table.filled(p)]
        self.services, service = service_of(table, self.account, terms[0] if terms else None)
        self.quantity, quantity, self.is_counted = quantity_of(table, [self.account, *self.services])
        self.required = {"account_key": account, "service_key": service, "quantity": quantity}
        keys = [self.account, *(p for p in self.services if p not in terms), self.quantity]
        self.extras = self._fitting(extras_of(table, keys))
        self.readings = readings_of([text for texts in self._days().values() for text in texts])

    def _fitting(self, extras: Extras) -> Extras:
        """The optional columns all of whose cells can be read; others would reject rows that are right."""
        table, places = self.table, dict(extras.places)
        money = [name for name in MEASURES if name in places and could_count_money(table, places[name])]
        measured = [*([self.quantity] if self.quantity is not None else []), *(places[name] for name in money)]
        self.numbers = numbers_of([text for place in measured for text in table.texts(place)])
        for name in MEASURES:
            if name in places and (name not in money or self.numbers.unfit(table.texts(places[name]))):
                del places[name]
        if "period" in places and not are_months(table.texts(places["period"])):
            del places["period"]
        days = {name: readings_of(extras.texts(table, name)) for name in DAYS if name in places}
        shared = set.intersection(*(set(orders) for orders in days.values())) if days else {DAY_FIRST}
        for name, orders in days.items():
            if not orders or not shared:
                del places[name]
        return Extras(places, extras.has_interval and "charge_start" in places)

    def _days(self) -> dict[str, list[str]]:
        places = self.extras.places
        return {name: self.extras.texts(self.table, name) for name in DAYS if name in places}

    @property
    def grain(self) -> Grain:
        """What tells rows apart, and what the methods may need."""
        table, places = self.table, self.extras.places
        quantities = table.texts(self.quantity) if self.quantity is not None else []
        return Grain(
            key=[place for place in (self.account, *self.services) if place is not None],
            subscription=places.get("subscription_id"),
            has_end="charge_end" in places,
            amount=table.address(places["amount"]) if "amount" in places else None,
            has_kind="charge_kind" in places,
            is_counted=self.is_counted,
            has_negatives=any((value := self.numbers.value(text)) is not None and value < 0 for text in quantities),
        )

    def arrives(self, given: Given) -> Choice:
        """Where such files arrive, and where their month is read."""
        return arrives_of(given.name, given.path, self.table, self.extras, self.readings)

    def choices(self, given: Given) -> Iterator[Choice]:
        """All keys from ``columns`` on, in the order of the document."""
        yield from self._columns()
        has_numbers = self.quantity is not None or {*MEASURES} & {*self.extras.places}
        yield from self.numbers.choices if has_numbers else ()
        if (dates := self._dates()) is not None:
            yield dates
        yield from self._rows()
        yield from aggregate_choices(self._counted(), self.grain, given.method)
        for choice in (charges_choice(self.table, self.extras), term_map(self.table, self.extras)):
            if choice is not None:
                yield choice

    def _columns(self) -> Iterator[Choice]:
        table, extras = self.table, self.extras
        found = [
            self.required["account_key"],
            extras.choice(table, "account_name"),
            self.required["service_key"],
            extras.choice(table, "service_name"),
            self._quantity(),
            *(extras.choice(table, name) for name in MEASURES),
            currency_choice(table, extras, self.numbers.symbols),
            *(extras.choice(table, name) for name in (*TEXTS, "charge_start")),
            unnamed_choice(table, extras, "charge_start", is_dates),
            end_choice(table, extras, self.readings),
            *(extras.choice(table, name) for name in ("charge_kind", "period")),
        ]
        yield from (choice for choice in found if choice is not None)

    def unused(self) -> Iterator[str]:
        """The columns that no field reads, as far as they hold anything."""
        keys = [place for place in (self.account, *self.services, self.quantity) if place is not None]
        used = {*keys, *self.extras.places.values(), status_place(self.table)}
        for place in self.table.places:
            if place not in used and self.table.filled(place):
                yield f"{self.table.address(place)}: {described(self.table, place)}"

    def _quantity(self) -> Choice:
        """The choice of the quantity, with the cells that are no numbers."""
        choice = self.required["quantity"]
        unfit = [] if self.quantity is None else self.numbers.unfit(self.table.texts(self.quantity))
        if not unfit:
            return choice
        told = f"{choice.reason}; {counted(len(unfit))} rejected, because {listed(unfit, 3)} is no number"
        return replace(choice, reason=told, need=choice.need or "confirm")

    def _dates(self) -> Choice | None:
        """The formats of the dates that are read; of those that are not, what a person would want to know."""
        table = self.table
        read: dict[str, list[str]] = {}
        for name, texts in self._days().items():
            read.setdefault(table.header.name(self.extras.places[name]), []).extend(texts)
        if read:
            return dates_of(read, is_needed=True)
        others = {table.header.name(place): table.texts(place) for place in table.places if is_dates(table, place)}
        return dates_of(others, is_needed=False)

    def _rows(self) -> Iterator[Choice]:
        places = self.extras.places
        include = status_choice(self.table) or (last_seen_choice(self.table) if self.is_counted else None)
        if include is not None:
            yield include
        terms = [places[name] for name in ("commitment_term", "billing_cycle") if name in places]
        excluded = [*trial_conditions(self.table, terms), *footer_conditions(self.table, self.aside)]
        totals: list[Choice] = []
        parts = totals_choices(self.table, self.aside, self.numbers, self.quantity, places.get("amount"))
        for part, value, choice in parts:
            if part == "exclude" and isinstance(value, dict):
                excluded.append((value, choice.reason))
            else:
                totals.append(choice)
        if excluded:
            conditions = [condition for condition, _ in excluded]
            yield Choice("rows.exclude", conditions, "; ".join(told for _, told in excluded), (), "confirm")
        yield from totals
        if self.quantity is not None:
            told = "a negative number means that the file states changes; then a sum over it may be wrong"
            yield Choice("rows.negative", "flag", told, ("keep", "reject"))
        if self.quantity is not None and not self.numbers.has_marks:
            yield Choice("rows.fraction", "reject", "every quantity of the sample is whole", ("keep", "flag"))

    def _counted(self) -> Table:
        """The rows that carry quantity, as far as their states and charge kinds are known."""
        table = self.table.without(ended_rows(self.table))
        if "charge_kind" not in self.extras.places:
            return table
        place = self.extras.places["charge_kind"]
        kinds = zip(table.rows, table.texts(place), strict=True)
        return table.without({row.number for row, kind in kinds if class_of(kind) not in {"recurring", "cancel"}})


def could_count_money(table: Table, place: int) -> bool:
    """Whether most cells of a column hold digits, as money does."""
    filled = table.filled(place)
    return sum(any(character.isdigit() for character in text) for text in filled) * 2 > len(filled)
