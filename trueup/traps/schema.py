"""The scenario file of schema ``trueup.traps/1``, read into typed values or refused with the place of every error.

Belongs here: the fields of a scenario and what makes one impossible to play.
Does not belong here: what a scenario turns into (``world``) and whether TrueUp did right (``judge``).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from pipelines.mapping.keys import match_key

SCHEMA = "trueup.traps/1"
MAIN_SOURCE = "main"
"""The source of rows that name none."""

ServicePart = Literal["service", "term"]


class TrapFileError(Exception):
    """A scenario file cannot be played; the text names every scenario and field that is wrong."""


class _Loader(yaml.SafeLoader):
    """YAML whose plain scalars are text, except null: ``12``, ``10.40`` and ``007`` arrive as they are written."""


_Loader.yaml_implicit_resolvers = {}
for _first in ("~", "n", "N", ""):
    _Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), [_first])


def _as_text(value: Any) -> Any:
    return value if value is None or isinstance(value, (str, list, dict)) else str(value)


Text = Annotated[str, BeforeValidator(_as_text)]
"""Ids and cells: a number in the file stands for its digits."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Head(BaseModel):
    """Levels at which a file may carry words of its own (baselines, notes)."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)


class Drop(_Part):
    """One file of a source. ``content`` stands for its hash: drops that share it hold the same bytes."""

    file: Text = Field(min_length=1)
    content: Text | None = None


class Source(_Part):
    """Who delivers. ``drops`` by number, in order of arrival; None: one file for every drop that rows name.

    ``rows_last_period`` is the number of data rows of the month before, None when it is not known.
    """

    kind: Literal["subscription", "invoice", "assigned", "devices"]
    rows_last_period: int | None = Field(default=None, ge=0)
    drops: dict[int, Drop] | None = None


class Options(_Part):
    """What the import profile declares."""

    aggregation: Literal["sum", "last_by_period_end"] = "sum"
    service_key: tuple[ServicePart, ...] = ("service",)
    decimal_mark: str = "."
    group_mark: str | None = ","
    quantity_charges: tuple[Text, ...] = ()
    proration_charges: tuple[Text, ...] = ()
    min_rows_ratio: Decimal = Field(default=Decimal("0.5"), ge=0, le=1)
    failure_patterns: tuple[Text, ...] = ()
    total_patterns: tuple[Text, ...] = ()


class UsageRow(_Part):
    """One record of a file. Cells are the text that stands there; None is an empty cell."""

    account: Text | None
    service: Text | None
    quantity: Text | None
    source: Text = MAIN_SOURCE
    drop: int = 1
    term: Text | None = None
    subscription: Text | None = None
    charge: Text | None = None
    period_end: Text | None = None


class Rounding(_Part):
    """Whole blocks, rounded up."""

    mode: Literal["ceil"]
    block: Decimal = Field(gt=0)


class PsaLine(_Part):
    """One agreement line; ``quantity`` is what it holds when changes are proposed, today's in a rerun.

    ``api`` is how its PSA takes a change: ``set`` an absolute quantity, ``delta`` a signed difference.
    """

    line: Text = Field(min_length=1)
    account_id: Text = Field(min_length=1)
    account: Text
    agreement: Text
    product_id: Text = Field(min_length=1)
    product: Text
    quantity: Decimal
    included: Decimal | None = None
    minimum: Decimal | None = None
    rounding: Rounding | None = None
    live_quantity: Decimal | None = None
    as_of_period_quantity: Decimal | None = None
    api: Literal["set", "delta"] = "set"

    @property
    def existed_in_period(self) -> bool:
        """Whether the line stood in the month: only an explicit null says that it did not."""
        return self.as_of_period_quantity is not None or "as_of_period_quantity" not in self.model_fields_set


class AccountKey(_Part):
    """A source's text leads to a PSA account; without ``source`` it does so for every source."""

    source_account: Text
    account_id: Text = Field(min_length=1)
    account: Text | None = None
    source: Text | None = None


class Product(_Part):
    """A PSA product, with its name at the time of mapping."""

    id: Text = Field(min_length=1)
    name: Text | None = None


class ServiceKey(_Part):
    """A source's text, and its term where the key has one, leads to PSA products."""

    source_service: Text
    products: tuple[Product, ...] = Field(min_length=1)
    mode: Literal["one", "first_present"] = "one"
    term: Text | None = None
    source: Text | None = None


class Mappings(_Part):
    """What was decided before the month."""

    accounts: tuple[AccountKey, ...] = ()
    services: tuple[ServiceKey, ...] = ()


class ApprovedChange(_Part):
    """Write phase: an approval that stands."""

    line: Text
    before: Decimal
    after: Decimal


class WriteFault(_Part):
    """Write phase: the answer to a write is lost; ``landed`` says whether it took effect."""

    line: Text
    kind: Literal["timeout"]
    landed: bool


class Expectation(_Part):
    """The right result, worked out by hand. ``proposals`` is exact, ``flags`` the least that must be raised."""

    proposals: dict[Text, Decimal]
    flags: tuple[Text, ...] = ()
    flags_forbidden: tuple[Text, ...] = ()
    psa_after: dict[Text, Decimal] = Field(default_factory=dict)


class Scenario(_Head):
    """One small month."""

    id: Text = Field(min_length=1)
    title: Text = ""
    phase: Literal["propose", "write", "rerun"] = "propose"
    sources: dict[Text, Source] = Field(min_length=1)
    options: Options = Field(default_factory=Options)
    usage: tuple[UsageRow, ...]
    psa_lines: tuple[PsaLine, ...]
    mappings: Mappings
    expect: Expectation
    approved: tuple[ApprovedChange, ...] = ()
    write_faults: tuple[WriteFault, ...] = ()

    @property
    def api(self) -> Literal["set", "delta"]:
        """How the PSA of this scenario takes a change."""
        return self.psa_lines[0].api if self.psa_lines else "set"

    def drops_of(self, source: str) -> dict[int, Drop]:
        """The files of a source by number, declared ones or else those its rows name; at least one, if empty."""
        declared = self.sources[source].drops
        if declared is not None:
            return dict(sorted(declared.items()))
        numbers = {row.drop for row in self.usage if row.source == source} or {1}
        return {number: Drop(file="usage.csv") for number in sorted(numbers)}

    def rows_of(self, source: str, drop: int) -> tuple[UsageRow, ...]:
        """The rows of one file, in its order. A drop without rows holds those of the first with its content."""
        drops = self.drops_of(source)
        label = drops[drop].content
        shared = [number for number in drops if label is not None and drops[number].content == label]
        for number in [drop, *shared]:
            rows = tuple(row for row in self.usage if row.source == source and row.drop == number)
            if rows:
                return rows
        return ()


class TrapFile(_Head):
    """A file of scenarios."""

    schema_name: Literal["trueup.traps/1"] = Field(alias="schema")
    count: int | None = None
    traps: tuple[Scenario, ...]


def read_traps(text: str) -> TrapFile:
    """The scenarios of a file.

    Raises ``TrapFileError`` with a line for every field that is wrong, the scenario named first.
    """
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        raise TrapFileError(f"this is no YAML: {error}") from error
    if not isinstance(document, dict):
        raise TrapFileError(f"the file must be a mapping with the keys schema ({SCHEMA}) and traps")
    try:
        file = TrapFile.model_validate(document)
    except ValidationError as error:
        raise TrapFileError(
            "\n".join(_in_words(document, item["loc"], item["msg"]) for item in error.errors())
        ) from None
    if problems := list(_impossible(file)):
        raise TrapFileError("\n".join(problems))
    return file


def _in_words(document: dict[str, Any], place: Sequence[str | int], message: str) -> str:
    if place[:1] == ("traps",) and len(place) > 1 and isinstance(place[1], int):
        trap = document["traps"][place[1]]
        name = trap.get("id") if isinstance(trap, dict) else None
        return f"{name or f'scenario {place[1] + 1}'}: {_field(place[2:]) or 'the scenario'}: {message}"
    return f"{_field(place)}: {message}"


def _field(place: Iterable[str | int]) -> str:
    path = ""
    for step in place:
        path += f"[{step + 1}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return path


def _impossible(file: TrapFile) -> Iterator[str]:
    if file.count is not None and file.count != len(file.traps):
        yield f"count: it says {file.count}, the file holds {len(file.traps)} scenarios"
    seen: set[str] = set()
    for scenario in file.traps:
        if scenario.id in seen:
            yield f"{scenario.id}: id: two scenarios bear it"
        seen.add(scenario.id)
        for check in _CHECKS:
            yield from (f"{scenario.id}: {problem}" for problem in check(scenario))


def _usage_problems(scenario: Scenario) -> Iterator[str]:
    for number, row in enumerate(scenario.usage, start=1):
        if row.source not in scenario.sources:
            yield f"usage[{number}].source: {row.source!r} is none of the sources {', '.join(scenario.sources)}"
        elif row.drop not in scenario.drops_of(row.source):
            yield f"usage[{number}].drop: the source {row.source!r} declares no drop {row.drop}"
        if row.period_end is not None and not _is_date(row.period_end):
            yield f"usage[{number}].period_end: {row.period_end!r} is no date, write YYYY-MM-DD"


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _drop_problems(scenario: Scenario) -> Iterator[str]:
    for source in scenario.sources:
        first_with: dict[str, int] = {}
        for number, drop in scenario.drops_of(source).items():
            first = first_with.setdefault(drop.content, number) if drop.content is not None else number
            if _cells(scenario, source, number) != _cells(scenario, source, first):
                yield f"sources.{source}.drops.{number}.content: it is that of drop {first}, but the rows differ"


def _cells(scenario: Scenario, source: str, drop: int) -> list[dict[str, Any]]:
    return [row.model_dump(exclude={"drop"}) for row in scenario.rows_of(source, drop)]


def _line_problems(scenario: Scenario) -> Iterator[str]:
    lines = [line.line for line in scenario.psa_lines]
    for number, line in enumerate(lines, start=1):
        if line in lines[: number - 1]:
            yield f"psa_lines[{number}].line: {line} stands twice"
    for line in sorted({*scenario.expect.proposals, *scenario.expect.psa_after} - set(lines)):
        yield f"expect: line {line} is none of psa_lines"


def _api_problems(scenario: Scenario) -> Iterator[str]:
    for number, line in enumerate(scenario.psa_lines, start=1):
        if line.api != scenario.api:
            yield f"psa_lines[{number}].api: a scenario has one PSA, and line 1 says {scenario.api}"
    if scenario.api == "delta" and scenario.write_faults and len(scenario.approved) > 1:
        yield "write_faults: a delta's address names no line, so approve only the line whose answer is lost"


def _mapping_problems(scenario: Scenario) -> Iterator[str]:
    for number, entry in enumerate(scenario.mappings.services, start=1):
        if entry.mode == "one" and len(entry.products) != 1:
            yield f"mappings.services[{number}].products: mode one leads to exactly one product"
    for part, decisions in (("accounts", _account_decisions(scenario)), ("services", _service_decisions(scenario))):
        yield from (f"mappings.{part}{problem}" for problem in _decision_problems(scenario, decisions))


@dataclass(frozen=True)
class _Decision:
    """What one mapping entry says about one key."""

    source: str | None
    key: tuple[str, ...]
    target: tuple[str, ...]


def _account_decisions(scenario: Scenario) -> list[_Decision]:
    entries = scenario.mappings.accounts
    return [_Decision(entry.source, (match_key(entry.source_account),), (entry.account_id,)) for entry in entries]


def _service_decisions(scenario: Scenario) -> list[_Decision]:
    entries = scenario.mappings.services
    return [
        _Decision(entry.source, _key_parts(scenario, entry), tuple(product.id for product in entry.products))
        for entry in entries
    ]


def _key_parts(scenario: Scenario, entry: ServiceKey) -> tuple[str, ...]:
    parts = {"service": entry.source_service, "term": entry.term or ""}
    return tuple(match_key(parts[part]) for part in scenario.options.service_key)


def _decision_problems(scenario: Scenario, decisions: Sequence[_Decision]) -> Iterator[str]:
    decided: dict[tuple[str, tuple[str, ...]], tuple[int, tuple[str, ...]]] = {}
    for number, decision in enumerate(decisions, start=1):
        if decision.source is not None and decision.source not in scenario.sources:
            yield f"[{number}].source: {decision.source!r} is none of the sources"
        if not any(decision.key):
            yield f"[{number}]: its key is blank"
        for source in scenario.sources if decision.source is None else [decision.source]:
            first, target = decided.setdefault((source, decision.key), (number, decision.target))
            if target != decision.target:
                yield f"[{number}]: entry {first} leads the same key of {source!r} elsewhere"


def _option_problems(scenario: Scenario) -> Iterator[str]:
    for option in ("failure_patterns", "total_patterns"):
        for number, pattern in enumerate(getattr(scenario.options, option), start=1):
            try:
                re.compile(pattern)
            except re.error as error:
                yield f"options.{option}[{number}]: {pattern!r} is no regular expression: {error}"
    if not scenario.options.service_key:
        yield "options.service_key: name at least one of service, term"


_CHECKS = (_usage_problems, _drop_problems, _line_problems, _api_problems, _mapping_problems, _option_problems)
"""What makes a scenario impossible, in the order in which it is told."""
