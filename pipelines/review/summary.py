"""A month in a few lines of Markdown, for the metadata that operators read.

Belongs here: tables of the largest changes and of the sources, money per currency.
Does not belong here: the full lists (the command line and the console show those).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from pipelines.quantities import money_text, text
from pipelines.review.changes import Change

MOST_ROWS = 20
"""Changes shown in a table: what fits on a screen."""


def money_by_currency(changes: Iterable[Change]) -> dict[str, str]:
    """The sum of the amounts per currency; currencies are never added across."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for change in changes:
        if change.amount_delta is not None and change.currency:
            sums[change.currency] += change.amount_delta
    return {currency: money_text(amount) for currency, amount in sorted(sums.items())}


def changes_as_markdown(changes: Sequence[Change]) -> str:
    """The changes with the most money at stake, largest first."""
    largest = sorted(changes, key=lambda change: abs(change.amount_delta or Decimal(0)), reverse=True)[:MOST_ROWS]
    rows = [
        (
            str(change.kind),
            change.account_name,
            change.service_name,
            "no line" if change.quantity_before is None else text(change.quantity_before),
            text(change.quantity_after),
            "" if change.amount_delta is None else f"{money_text(change.amount_delta)} {change.currency}",
        )
        for change in largest
    ]
    return _table(("kind", "account", "service", "before", "after", "money"), rows)


def sources_as_markdown(sources: Iterable[dict[str, Any]]) -> str:
    """The row accounting of every expected file."""
    columns = ("in", "valid", "rejected", "ignored", "totals", "blank", "header", "preamble")
    rows = [
        (
            source["source"],
            source["file"] or "not arrived",
            source["verdict"],
            *(str(source["rows"][column]) for column in columns),
            "; ".join(source["reasons"]),
        )
        for source in sources
    ]
    return _table(("source", "file", "verdict", *columns, "reasons"), rows)


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_line(headers), _line(["---"] * len(headers)), *(_line(row) for row in rows)]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    # A pipe or a line break in a customer's name must not break the table.
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
