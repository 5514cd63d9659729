"""One scenario as a world to play it in: profiles, files in order of arrival, mappings, a PSA seed, the months.

Belongs here: the translation, a pure function of the scenario.
Does not belong here: writing files, starting servers, running anything.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import yaml

from pipelines.intake.arrivals import is_temporary
from pipelines.intake.conventions import folded_kind
from pipelines.mapping.keys import match_key
from pipelines.periods import BillingPeriod
from pipelines.quantities import text
from trueup.traps.schema import AccountKey, PsaLine, Scenario, ServiceKey, UsageRow

DEFAULT_MONTH = BillingPeriod(2025, 12)
"""The month of a scenario whose rows bear no date, or one in it."""

LINES_START = "2020-01-01"
"""Long before every month: all lines are live in all of them."""

_KINDS = {"set": "connectwise", "delta": "autotask"}
"""How a PSA takes a change, and the kind that is played for it."""

LAST_PERIOD_FILE = "last-period.csv"


@dataclass(frozen=True)
class WorldFile:
    """One file that arrives. ``inbox_path`` fits its profile's pattern; by path, files sort in order of arrival."""

    source: str
    profile: str
    period: BillingPeriod
    name: str
    inbox_path: str
    content: bytes


@dataclass(frozen=True)
class World:
    """Everything a scenario is played with.

    ``profiles`` and ``mappings`` are YAML texts, ``seed`` is the PSA sandbox's; ``files`` stand in order of arrival,
    those of the previous month first. ``lines_today`` is what a rerun finds in the PSA.
    """

    period: BillingPeriod
    previous: BillingPeriod
    profiles: dict[str, str]
    files: tuple[WorldFile, ...]
    mappings: str
    seed: dict[str, Any]
    lines_today: list[dict[str, Any]]

    @property
    def psa_kind(self) -> str:
        """The kind of PSA that the scenario is played on."""
        return str(self.seed["psa"])


@dataclass(frozen=True)
class _Layout:
    """How one source's files look, and under which names the product knows it. Grain: one per source of a scenario.

    ``source`` is its name in the scenario, ``name`` the product's: a name may not begin or end with blanks there.
    """

    source: str
    name: str
    profile: str
    columns: tuple[str, ...]


_CELLS = {
    "Account": "account",
    "Service": "service",
    "Quantity": "quantity",
    "Term": "term",
    "Subscription": "subscription",
    "Charge": "charge",
    "Period End": "period_end",
}
"""Header to field, in the order of the columns; the first three stand in every file."""

_OPTIONAL: dict[str, tuple[str, Any]] = {
    "Term": ("commitment_term", "Term"),
    "Subscription": ("subscription_id", "Subscription"),
    "Charge": ("charge_kind", "Charge"),
    "Period End": ("charge_end", {"column": "Period End", "inclusive": True}),
}
"""Columns that stand in a file only where the scenario uses them, with what the profile maps them to."""


def build_world(scenario: Scenario) -> World:
    """The world of a scenario. The same scenario always gives the same bytes."""
    period = _month(scenario)
    profiles, names = _profile_names(scenario.sources), _source_names(scenario.sources)
    layouts = [
        _Layout(source, names[source], profiles[source], _columns(scenario, source)) for source in scenario.sources
    ]
    return World(
        period=period,
        previous=period.previous,
        profiles={layout.profile: _yaml(_profile(scenario, layout)) for layout in layouts},
        files=(*_files_before(scenario, layouts, period.previous), *_files_now(scenario, layouts, period)),
        mappings=_yaml(_mappings(scenario, names)),
        seed=_seed(scenario),
        lines_today=_lines(scenario, scenario.psa_lines, [line.quantity for line in scenario.psa_lines]),
    )


def _yaml(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10_000)


def _month(scenario: Scenario) -> BillingPeriod:
    days = [date.fromisoformat(row.period_end) for row in scenario.usage if row.period_end]
    months = {BillingPeriod(day.year, day.month) for day in days}
    return DEFAULT_MONTH if not months or DEFAULT_MONTH in months else max(months)


# --- profiles -------------------------------------------------------------------------------------------------------


def _profile_names(sources: Iterable[str]) -> dict[str, str]:
    """Source to profile name. Names are folder names too, so letters that are not plain ones become hyphens."""
    plain = {source: re.sub(r"[^a-z0-9]+", "-", source.lower())[:40].strip("-") or "source" for source in sources}
    return {source: f"trap-{name}" for source, name in _told_apart(plain).items()}


def _source_names(sources: Iterable[str]) -> dict[str, str]:
    return _told_apart({source: match_key(source) or "source" for source in sources})


def _told_apart(names: dict[str, str]) -> dict[str, str]:
    """The same names, numbered from the second one on where several are equal."""
    apart: dict[str, str] = {}
    for source, name in names.items():
        candidates = (f"{name}{f'-{n}' if n > 1 else ''}" for n in range(1, len(names) + 1))
        apart[source] = next(candidate for candidate in candidates if candidate not in apart.values())
    return apart


def _columns(scenario: Scenario, source: str) -> tuple[str, ...]:
    rows = [row for row in scenario.usage if row.source == source]
    used = {header for header in _OPTIONAL if any(getattr(row, _CELLS[header]) is not None for row in rows)}
    if "term" in scenario.options.service_key:
        used.add("Term")
    if scenario.options.aggregation == "last_by_period_end":
        used.add("Period End")
    return tuple(header for header in _CELLS if header not in _OPTIONAL or header in used)


def _profile(scenario: Scenario, layout: _Layout) -> dict[str, Any]:
    options = scenario.options
    profile: dict[str, Any] = {
        "profile": layout.profile,
        "source": layout.name,
        "basis": scenario.sources[layout.source].kind,
        "arrives": {
            "pattern": f"{layout.profile}/{{period}}/*/*",
            "period": "from_path",
            "complete": {"min_rows": 1, "max_drop": _share(1 - options.min_rows_ratio)},
        },
        "file": {"format": "csv", "encoding": ["utf-8-sig"], "delimiter": ",", "quote": '"'},
        "header": {"row": 1},
        "columns": _mapped_columns(scenario, layout),
        "numbers": {"decimal": options.decimal_mark, "thousands": _group_mark(scenario)},
        "dates": ["%Y-%m-%d"],
        "aggregate": {"method": options.aggregation, "by": ["account", "service"]},
    }
    if rows := _row_rules(scenario):
        profile["rows"] = rows
    if "Charge" in layout.columns:
        charges = {"recurring": options.quantity_charges, "proration": options.proration_charges}
        profile["charges"] = {name: _spelled_once(kinds) for name, kinds in charges.items()}
    return profile


def _share(share: Decimal) -> str:
    percent = share * 100
    return f"{text(percent)}%" if percent == percent.to_integral_value() else text(share)


def _spelled_once(kinds: Iterable[str]) -> list[str]:
    return list({folded_kind(kind): kind for kind in kinds}.values())


def _group_mark(scenario: Scenario) -> str | None:
    options = scenario.options
    # A mark declared for decimals cannot group as well: then the scenario has declared no group mark.
    return None if options.group_mark in {options.decimal_mark, ""} else options.group_mark


def _mapped_columns(scenario: Scenario, layout: _Layout) -> dict[str, Any]:
    headers = [part.capitalize() for part in scenario.options.service_key]
    required = {"account_key": "Account", "service_key": headers[0] if len(headers) == 1 else headers}
    optional = {field: column for header, (field, column) in _OPTIONAL.items() if header in layout.columns}
    return required | {"quantity": "Quantity"} | optional


def _row_rules(scenario: Scenario) -> dict[str, Any]:
    options = scenario.options
    rules: dict[str, Any] = {}
    if options.total_patterns:
        rules["totals"] = {"column": "Account", "match": _any_of(options.total_patterns), "of": "quantity"}
    if options.failure_patterns:
        rules["failures"] = {"match": _any_of(options.failure_patterns)}
    return rules


def _any_of(patterns: Iterable[str]) -> str:
    """One expression for several, any letter case; it may name ``(?i)`` only at its very start."""
    plain = [pattern.removeprefix("(?i)") for pattern in patterns]
    return f"(?i){plain[0] if len(plain) == 1 else '|'.join(f'(?:{pattern})' for pattern in plain)}"


# --- files ----------------------------------------------------------------------------------------------------------


def _files_before(scenario: Scenario, layouts: Iterable[_Layout], month: BillingPeriod) -> Iterator[WorldFile]:
    for layout in layouts:
        if count := scenario.sources[layout.source].rows_last_period:
            rows = [_filler(scenario, number) for number in range(1, count + 1)]
            yield _file(layout, month, 0, LAST_PERIOD_FILE, rows)


def _filler(scenario: Scenario, number: int) -> UsageRow:
    """A data row of the month before: only that it stands there matters."""
    charges = scenario.options.quantity_charges
    return UsageRow(
        account=f"Customer {number}",
        service="Service",
        quantity="1",
        subscription=f"last-{number}",
        charge=charges[0] if charges else None,
    )


def _files_now(scenario: Scenario, layouts: Iterable[_Layout], month: BillingPeriod) -> Iterator[WorldFile]:
    arrivals = [
        (number, layout, drop.file) for layout in layouts for number, drop in scenario.drops_of(layout.source).items()
    ]
    for number, layout, name in sorted(arrivals, key=lambda arrival: arrival[0]):
        yield _file(layout, month, number, name, scenario.rows_of(layout.source, number))


def _file(layout: _Layout, month: BillingPeriod, number: int, name: str, rows: Iterable[UsageRow]) -> WorldFile:
    plain = _file_name(name)
    return WorldFile(
        source=layout.name,
        profile=layout.profile,
        period=month,
        name=plain,
        inbox_path=f"{layout.profile}/{month.key}/{number:04d}/{plain}",
        content=_csv(layout.columns, rows).encode(),
    )


def _file_name(name: str) -> str:
    """A name as one piece of a path, and none that the inbox takes for an upload in progress."""
    plain = re.sub(r"[/\\\x00-\x1f]", "_", name)
    return f"file {plain}.csv" if is_temporary(plain) else plain


def _csv(columns: tuple[str, ...], rows: Iterable[UsageRow]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([getattr(row, _CELLS[column]) or "" for column in columns])
    return out.getvalue()


# --- mappings -------------------------------------------------------------------------------------------------------


def _mappings(scenario: Scenario, names: dict[str, str]) -> dict[str, Any]:
    accounts = [
        {"source": names[source], "key": entry.source_account, "account": entry.account_id}
        for entry in scenario.mappings.accounts
        for source in _sources_of(scenario, entry)
    ]
    services = [
        {
            "source": names[source],
            "key": _service_key(scenario, entry),
            "services": [product.id for product in entry.products],
        }
        | ({"rule": entry.mode} if entry.mode != "one" else {})
        for entry in scenario.mappings.services
        for source in _sources_of(scenario, entry)
    ]
    units = [rule for line in _lines_then(scenario) if (rule := _unit_rule(line))]
    return {"accounts": _once(accounts), "services": _once(services), "units": units}


def _sources_of(scenario: Scenario, entry: AccountKey | ServiceKey) -> list[str]:
    return list(scenario.sources) if entry.source is None else [entry.source]


def _ids(entry: ServiceKey) -> list[str]:
    return list(dict.fromkeys(product.id for product in entry.products))


def _service_key(scenario: Scenario, entry: ServiceKey) -> str:
    parts = {"service": entry.source_service, "term": entry.term or ""}
    key = scenario.options.service_key
    if len(key) == 1:
        return parts[key[0]]
    return "|".join(_escaped(parts[part].strip()) for part in key)


def _escaped(part: str) -> str:
    """A part of a key as intake joins it: a bar bears a backslash, backslashes before a bar or the end are doubled."""
    return re.sub(r"(\\+)(\||\Z)", r"\1\1\2", part).replace("|", "\\|")


def _once(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries without those that only repeat a decision under another spelling of blanks."""
    known: dict[str, dict[str, Any]] = {}
    for entry in entries:
        decision = entry | {"key": match_key(entry["key"])}
        known.setdefault(repr(sorted(decision.items())), entry)
    return list(known.values())


def _unit_rule(line: PsaLine) -> dict[str, str]:
    rule = {}
    if line.included is not None:
        rule["included"] = text(line.included)
    if line.rounding is not None:
        rule |= {"round": "up", "block": text(line.rounding.block)}
    if line.minimum is not None:
        rule["minimum"] = text(line.minimum)
    return {"line": line.line, **rule} if rule else {}


# --- the PSA --------------------------------------------------------------------------------------------------------


def _seed(scenario: Scenario) -> dict[str, Any]:
    then = _lines_then(scenario)
    return {
        "psa": _KINDS[scenario.api],
        "accounts": [{"id": key, "name": name, "active": True} for key, name in _accounts(scenario).items()],
        "services": [_service(key, name) for key, name in _products(scenario).items()],
        "agreements": [_agreement(key, *named) for named, key in _agreement_ids(scenario).items()],
        "lines": _lines(scenario, then, [_quantity_then(scenario, line) for line in then]),
        "credentials": None,
    }


def _agreement_ids(scenario: Scenario) -> dict[tuple[str, str], str]:
    """Account id and agreement name to the agreement's id."""
    named = dict.fromkeys((line.account_id, line.agreement) for line in scenario.psa_lines)
    return {name: str(9001 + number) for number, name in enumerate(named)}


def _lines(scenario: Scenario, lines: Sequence[PsaLine], quantities: Sequence[Decimal]) -> list[dict[str, Any]]:
    agreements = _agreement_ids(scenario)
    return [
        _line(line, agreements[line.account_id, line.agreement], quantity)
        for line, quantity in zip(lines, quantities, strict=True)
    ]


def _accounts(scenario: Scenario) -> dict[str, str]:
    """Account id to its name today; an account without lines keeps the name of its mapping."""
    mapped = {entry.account_id: entry.account or entry.account_id for entry in scenario.mappings.accounts}
    return mapped | {line.account_id: line.account for line in scenario.psa_lines}


def _products(scenario: Scenario) -> dict[str, str]:
    mapped = {
        product.id: product.name or product.id for entry in scenario.mappings.services for product in entry.products
    }
    return mapped | {line.product_id: line.product for line in scenario.psa_lines}


def _service(key: str, name: str) -> dict[str, Any]:
    return {"id": key, "code": f"SKU-{key}", "name": name, "active": True, "unit_cost": "8.00", "unit_price": "10.00"}


def _agreement(key: str, account: str, name: str) -> dict[str, Any]:
    return {
        "id": key,
        "account": account,
        "name": name,
        "active": True,
        "prorate": False,
        "start": LINES_START,
        "end": None,
        "currency": "USD",
    }


def _lines_then(scenario: Scenario) -> list[PsaLine]:
    """The lines that stood when the month was proposed: in a rerun, without those made since."""
    return [line for line in scenario.psa_lines if scenario.phase != "rerun" or line.existed_in_period]


def _quantity_then(scenario: Scenario, line: PsaLine) -> Decimal:
    then = line.as_of_period_quantity if scenario.phase == "rerun" else None
    return line.quantity if then is None else then


def _line(line: PsaLine, agreement: str, quantity: Decimal) -> dict[str, Any]:
    return {
        "id": line.line,
        "agreement": agreement,
        "service": line.product_id,
        "quantity": text(quantity),
        "psa_included": "0",
        "start": LINES_START,
        "end": None,
        "unit_price": "10.00",
        "unit_cost": "8.00",
    }
