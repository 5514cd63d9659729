"""Import profiles and usage files as Hypothesis invents them.

Belongs here: strategies for profiles, records and whole files.
Does not belong here: cells (``usage_cells``), what is right (``tests.pipelines.intake.judge``), claims.

Strategies keep to what the contract, the trap rules and the profile language decide. Left out on purpose: a currency
that is no code, names of several columns, backslashes beside a ``|``, letters that change their number with their case,
a record that the end of the file cuts off.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from hypothesis import strategies as st

from pipelines.intake.profile import ImportProfile, load_profile
from tests.resources.warehouse.usage_cells import (
    BLANKS,
    CHARGES,
    CYCLES,
    DATES,
    FINE,
    HEADERS,
    NUMBER_HEADERS,
    NUMBERS,
    TERMS,
    numbers,
)

Draw = Callable[[st.SearchStrategy[Any]], Any]

# --- profiles ---------------------------------------------------------------------------------------------------------


def maybe(draw: Draw, value: Any, share: int = 2) -> Any:
    """The value in one of ``share`` cases, else None."""
    return value if draw(st.integers(1, share)) == 1 else None


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """A condition on a text, a number or a day, with one or two operators."""
    words = st.sampled_from(["Active", "Trial", "active", "renew", "Total", ""])
    figures = st.sampled_from([0, 3, 12, 250])
    days = st.sampled_from(["2026-07-01", "2026-07-31", "2024-02-29"])
    bound = draw(st.one_of(figures, days))
    by_text = [
        {"in": ["Active", draw(words)]},
        {"not_in": [draw(words), "Cancelled"]},
        {"eq": draw(words)},
        {"ne": draw(words)},
        {"matches": draw(st.sampled_from(["^A", "(?i)^active$", "^$", "a.*e", "[0-9]"]))},
        {"blank": True},
        {"not_blank": True},
        {"not_blank": True, "ne": "Trial"},
    ]
    by_value: list[dict[str, Any]] = [{name: bound} for name in ("lt", "le", "gt", "ge")]
    by_value += [{"ge": 0, "lt": draw(figures)}, {"eq": draw(figures)}, {"ne": draw(figures)}]
    by_value += [{"not_in": [draw(figures), "x"]}, {"in": [draw(figures), draw(figures)]}]
    is_day = isinstance(bound, str)
    near = {"within_days": draw(st.sampled_from([0, 30, 900]))}
    column, operators = draw(
        st.one_of(
            st.tuples(st.sampled_from(["Start", "End"]), st.just(near)),
            st.tuples(st.sampled_from(["State", "Kind", "Account", "Term"]), st.sampled_from(by_text)),
            st.tuples(st.sampled_from(["Start", "End"] if is_day else ["Quantity", "Cost"]), st.sampled_from(by_value)),
        )
    )
    return {"column": column, **operators}


def key_column(draw: Draw, header: str) -> Any:
    """A key: a header, synonyms, several columns, or a part of a cell."""
    return draw(
        st.sampled_from(
            [header] * 4
            + [
                {"any_of": ["Not There", header]},
                [header, "Term"],
                [header, "Cycle", {"constant": "x|y"}],
                {"column": header, "extract": "^([^|]*)"},
                {"column": header, "extract": "[a-z0-9]+", "case": "upper"},
                {"column": header, "replace": {"a": "b", "b": ""}, "case": "lower"},
                f"{header}#1",
            ]
        )
    )


ENDS = [{"column": "Interval", "range": "end"}, {"column": "Interval", "range": "end", "inclusive": True}]


def _columns(draw: Draw) -> dict[str, Any]:
    quantity = draw(
        st.sampled_from(
            ["Quantity"] * 6
            + [
                {"sum": ["Quantity", "Extra"]},
                {"column": "Quantity", "extract": "[0-9.,-]+"},
                {"any_of": ["Seats", "Quantity"]},
            ]
        )
    )
    columns = {
        "account_key": key_column(draw, "Account"),
        "account_name": maybe(draw, "Account Name"),
        "service_key": key_column(draw, "SKU"),
        "service_name": maybe(draw, "Product"),
        "quantity": quantity,
        "unit_cost": maybe(draw, "Cost"),
        "amount": maybe(draw, "Amount"),
        "currency": draw(st.sampled_from([None, "Currency", {"constant": "EUR"}])),
        "commitment_term": draw(st.sampled_from([None, "Term", {"constant": "P1M"}])),
        "billing_cycle": maybe(draw, "Cycle"),
        "subscription_id": draw(st.sampled_from([None, "Subscription", ["Subscription", "Cycle"]])),
        "charge_start": draw(st.sampled_from([None, "Start", {"column": "Interval", "range": "start"}])),
        "charge_end": draw(st.sampled_from([None, "End", {"column": "End", "inclusive": True}, *ENDS])),
        "term_end": draw(st.sampled_from([None, None, "End", {"column": "Start", "inclusive": True}])),
        "charge_kind": maybe(draw, "Kind"),
    }
    if columns["subscription_id"] and columns["term_end"]:
        columns["renewal_quantity"] = maybe(draw, "Extra")
    return {name: column for name, column in columns.items() if column is not None}


def _rows(draw: Draw) -> dict[str, Any]:
    rows = {
        "include": draw(st.lists(conditions(), max_size=2)) if draw(st.booleans()) else None,
        "exclude": draw(st.lists(conditions(), max_size=2)) if draw(st.booleans()) else None,
        "totals": maybe(draw, {"column": draw(st.sampled_from(["Account", "SKU"])), "match": "(?i)^(grand )?total$"}),
        "failures": maybe(draw, {"match": "(?i)could not connect"}),
        "zero": draw(st.sampled_from(["keep", "flag", "ignore"])),
        "negative": draw(st.sampled_from(["keep", "flag", "reject"])),
        "fraction": draw(st.sampled_from(["keep", "flag", "reject"])),
    }
    return {name: value for name, value in rows.items() if value}


SIGNS = [None, "Amount", "Extra", {"any_of": ["Net", "Cost"]}, {"column": "Amount", "extract": "^-?[0-9]+"}]


UNITS = ["Subscription", "State", "Account", {"column": "Subscription", "case": "upper"}]


def _aggregate(draw: Draw, columns: dict[str, Any]) -> dict[str, Any]:
    aggregate: dict[str, Any] = {"method": draw(st.sampled_from(["sum", "sum", "max", "count", "first", "last"]))}
    if "charge_kind" in columns and draw(st.booleans()):
        aggregate = {"method": "running_total", "size_column": "Size", "cycle": ["cycleCharge", "Renew"]}
    elif "charge_end" in columns and draw(st.booleans()):
        aggregate = {"method": "last_by_period_end"}
    elif draw(st.integers(1, 3)) == 1:
        aggregate = {"method": "signed_sum", "sign_column": draw(st.sampled_from(SIGNS))}
    elif draw(st.integers(1, 8)) == 1:
        columns["quantity"] = {"count": "rows"}
        aggregate = {}
    elif draw(st.integers(1, 6)) == 1:
        columns["quantity"] = {"count_distinct": draw(st.sampled_from(UNITS))}
        aggregate = {}
    if aggregate.get("method", "count") != "count" and draw(st.integers(1, 3)) == 1:
        own = st.fixed_dictionaries({"where": conditions(), "method": st.sampled_from(["sum", "max", "last"])})
        aggregate["classes"] = draw(st.lists(own, min_size=1, max_size=2))
    return aggregate


def _layout(draw: Draw) -> dict[str, Any]:
    return {
        "encoding": draw(
            st.sampled_from([["utf-8-sig"], ["utf-8"], ["utf-8", "cp1252"], ["utf-8", "cp1252"], ["utf-16"]])
        ),
        "delimiter": draw(st.sampled_from([",", ";", "\t", "|"])),
        "quote": draw(st.sampled_from(['"', '"', "~"])),
    }


WIDE = [
    {"columns": ["Extra", "Size"]},
    {"columns": ["Quantity", "Extra", "Size", "Quantity#2"]},
    {"columns": ["Size", "Product"]},
    {"but": ["Product", "Account Name", "Note", "Interval", "Month"]},
]


def _make_wide(draw: Draw, document: dict[str, Any]) -> None:
    """A profile for records of which several cells say how much there is."""
    columns, made = document["columns"], {"name": "metric", "value": "held"}
    blank = draw(st.sampled_from(["ignore", "ignore", "reject"]))
    document["unpivot"] = {**draw(st.sampled_from(WIDE)), **made, "blank": blank}
    columns["quantity"] = "held"
    columns["service_key"] = draw(st.sampled_from(["metric", ["SKU", "metric"], {"column": "metric", "case": "upper"}]))
    if "amount" in columns:
        columns["amount"] = "held"
    document["aggregate"] = {"method": draw(st.sampled_from(["sum", "max", "none"]))}


PARTS = [*["Hub"] * 3, ["Hub", "Currency"], {"column": "Hub", "extract": "^[A-Z ]+", "case": "lower"}, "Currency"]

FORMULAS = [
    'Quantity + "Extra" * 2',
    "round(Cost / Quantity, 2) - -1",
    "coalesce(Quantity, Extra, 0)",
    "coalesce(Extra, 1) / (Quantity - 3)",
    "round(Quantity * 0.333, 0) + extract(Subscription, '[0-9]')",
    "Quantity * Extra * Cost",
]
TEXTS = ["coalesce(lower(SKU), Product, 'none')", "trim(extract(SKU, '^([A-Za-z0-9]*)'))", "lower(Product)"]


def _derived(draw: Draw, document: dict[str, Any]) -> dict[str, str]:
    """Derived columns, each in the place of one that was read from the file."""
    columns, derived = document["columns"], {}
    for name, formulas in (("quantity", FORMULAS), ("amount", FORMULAS), ("service_key", TEXTS)):
        is_counted = name == "quantity" and "method" not in document["aggregate"]
        if draw(st.integers(1, 4)) == 1 and not is_counted:
            derived[f"made_{name}"] = draw(st.sampled_from(formulas))
            columns[name] = f"made_{name}"
    return derived


@dataclass(frozen=True)
class InventedFile:
    """A profile and a file that was written for it."""

    profile: ImportProfile
    content: bytes


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A profile as its YAML says it."""
    columns = _columns(draw)
    document: dict[str, Any] = {
        "profile": "invented",
        "source": "Acme Distribution",
        "basis": draw(st.sampled_from(["subscription", "invoice", "devices"])),
        "file": _layout(draw),
        "header": draw(st.sampled_from([{"row": 1}, {"row": 3}, {"find": True, "within": 5}])),
        "aggregate": _aggregate(draw, columns),
        "columns": columns,
        "numbers": NUMBERS[draw(st.sampled_from(sorted(NUMBERS)))],
        "dates": draw(st.sampled_from(DATES)),
        "rows": _rows(draw),
        "charges": CHARGES,
        "maps": {
            "commitment_term": TERMS,
            "billing_cycle": CYCLES,
            "currency": {"US-Dollar": "USD"},
            "charge_kind": {"Seat change": "addQuantity"},
        },
    }
    if draw(st.integers(1, 5)) == 1:
        _make_wide(draw, document)
    document["derived"] = {} if "unpivot" in document else _derived(draw, document)
    if draw(st.integers(1, 3)) == 1:
        keys = st.sampled_from(
            ["Account Name", {"constant": "own"}, ["SKU", "Account"], {"column": "Term", "case": "upper"}]
        )
        rules = st.fixed_dictionaries({"where": conditions(), "account_key": keys})
        document["rekey"] = draw(st.lists(rules, min_size=1, max_size=2))
    if draw(st.integers(1, 4)) == 1 and "within_days" not in str(document):
        columns["period"] = "Month"
        document["arrives"] = {"pattern": "x/*", "period": "from_column"}
    if draw(st.integers(1, 3)) == 1:
        columns["part"] = draw(st.sampled_from(PARTS))
        document.setdefault("arrives", {"pattern": "x/*", "period": "from_arrival"})["part"] = "from_column"
    return document


# --- files ------------------------------------------------------------------------------------------------------------


SHAPES = ["wild", "total", "failure", "blank", "empty", "more", "fewer", "trailing"]


@st.composite
def records(draw: st.DrawFn, headers: Sequence[str], convention: dict[str, Any]) -> list[str]:
    """A record that is fine but for a few cells, or a total, a failure, blank, or has cells too many or too few."""
    shape = draw(
        st.sampled_from(["odd"] * 16 + ["wild", "total", "failure", "blank", "empty", "more", "fewer", "trailing"])
    )
    if shape in {"blank", "empty"}:
        return [draw(st.sampled_from(BLANKS)) for _ in headers] if shape == "blank" else []
    some = st.sets(st.sampled_from(list(headers)), max_size=3)
    chosen = set(headers) if shape == "wild" else set() if shape == "more" else draw(some)
    figures = numbers(convention)
    cells = {name: draw(HEADERS.get(name, figures)) if name in chosen else FINE.get(name, "") for name in headers}
    cells |= {"total": {"Account": "Grand Total"}, "failure": {"Product": "could NOT connect"}}.get(shape, {})
    record = list(cells.values())
    extra = {"more": ["surplus"], "trailing": ["", "\u00a0"]}.get(shape, [])
    return record[: draw(st.integers(1, len(record)))] if shape == "fewer" else [*record, *extra]


def _header(draw: Draw, headers: Sequence[str]) -> list[str]:
    """The headers as a portal writes them: odd letter case, blanks, a doubled and an unnamed column."""
    odd = st.sampled_from([str, str, str.upper, str.lower, lambda name: f" {name}\u00a0 "])
    return [draw(odd)(name) for name in headers]


def _profile(document: dict[str, Any]) -> ImportProfile:
    # What was drawn twice is one object, which YAML would write as an alias.
    return load_profile(yaml.safe_dump(json.loads(json.dumps(document)), allow_unicode=True))


@st.composite
def usage_files(draw: st.DrawFn) -> InventedFile:
    """A profile, and a file with a preamble, the header and up to forty records."""
    document = draw(documents())
    profile = _profile(document)
    headers = draw(st.permutations([*HEADERS, *NUMBER_HEADERS]))
    before = document["header"].get("row", draw(st.integers(1, 5))) - 1
    preamble = [draw(st.sampled_from([[], ["Usage of July"], ["", ""], ["Account", "July"]])) for _ in range(before)]
    doubled = ["Quantity", "", "Note"]
    body = draw(st.lists(records(headers, document["numbers"]), min_size=draw(st.integers(1, 25)), max_size=40))
    rows = [*preamble, [*_header(draw, headers), *doubled], *[_widened(record, len(headers)) for record in body]]
    return InventedFile(profile, encoded(draw, profile, rows))


def _widened(record: list[str], width: int) -> list[str]:
    """The record with cells for the doubled and the unnamed column, which nobody reads."""
    return [*record[:width], "99", "noise", "", *record[width:]] if len(record) >= width else record


def encoded(draw: Draw, profile: ImportProfile, rows: Sequence[Sequence[str]]) -> bytes:
    """The rows as bytes of the profile's dialect."""
    layout, out = profile.file, io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    line_end = draw(st.sampled_from(["\r\n", "\n"]))
    writer = csv.writer(
        out, delimiter=layout.separator, quotechar=layout.quote, quoting=quoting, lineterminator=line_end
    )
    writer.writerows(rows)
    is_whole = len(rows[-1]) >= max(map(len, rows))
    text = out.getvalue().removesuffix(line_end) if is_whole and draw(st.booleans()) else out.getvalue()
    return next(content for encoding in layout.encoding[::-1] if (content := _in(encoding, text)) is not None)


def _in(encoding: str, text: str) -> bytes | None:
    try:
        return text.encode(encoding, "strict")
    except UnicodeEncodeError:
        return None


# --- one odd cell a record --------------------------------------------------------------------------------------------

PLAIN_COLUMNS: dict[str, Any] = {
    "account_key": "Account",
    "service_key": ["SKU", "Term"],
    "quantity": "Quantity",
    "amount": "Amount",
    "subscription_id": "Subscription",
    "charge_start": "Start",
    "charge_end": {"column": "Interval", "range": "end", "inclusive": True},
}
DENSE_HEADERS = ("Account", "SKU", "Term", "Quantity", "Amount", "Subscription", "Start", "Interval")


@st.composite
def dense_files(draw: st.DrawFn, convention: str) -> InventedFile:
    """A file under one convention of numbers in which every record has one odd cell, mostly a number or a date."""
    document = {
        "profile": "dense",
        "source": "Acme Distribution",
        "basis": "invoice",
        "columns": PLAIN_COLUMNS,
        "numbers": NUMBERS[convention],
        "dates": draw(st.sampled_from(DATES)),
        "aggregate": {"method": "sum"},
    }
    figures = numbers(NUMBERS[convention])
    odd = ["Quantity", "Amount", "Amount", "Quantity", *DENSE_HEADERS] * 6
    fine = {name: FINE.get(name, "") for name in DENSE_HEADERS}
    rows = [list((fine | {one: draw(HEADERS.get(one, figures))}).values()) for one in odd]
    profile = _profile(document)
    return InventedFile(profile, encoded(draw, profile, [DENSE_HEADERS, *rows]))
