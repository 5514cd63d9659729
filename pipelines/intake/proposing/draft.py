"""The proposed profile as YAML: each key with its reason and alternatives beside it.

Belongs here: putting the evidence together, what is left for a person to choose.
Does not belong here: the evidence itself (``dialect``, ``synonyms``, ``marks``), writing the file (``trueup.cli``).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.intake.headers import Header
from pipelines.intake.proposing.dialect import Dialect, dialect_of
from pipelines.intake.proposing.marks import MARKS, Marks, marks_of
from pipelines.intake.proposing.synonyms import column_for, likely_header
from pipelines.intake.sheet import UnreadableFile, is_blank

TOTALS = "(?i)^(grand |sub)?(total|summe|gesamt|gesamtsumme|zwischensumme)\\b"
_TOTAL = re.compile(TOTALS)


@dataclass(frozen=True)
class Choice:
    """One key of the profile: its value (None: a person must choose), why, and what else it could be."""

    key: str
    value: object
    reason: str
    alternatives: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The key as a line of YAML, which reads JSON as it stands."""
        others = f"; or {', '.join(self.alternatives)}" if self.alternatives else ""
        told = " ".join(f"{'choose: ' if self.value is None else ''}{self.reason}{others}".split())
        return f"{self.key}: {json.dumps(self.value, ensure_ascii=False)}  # {told}"


def proposed(content: bytes, name: str, source: str | None, basis: str | None) -> list[Choice]:
    """The choices for a sample file, in the order of the document; ``columns.`` stands before a column's key.

    Raises ``UnreadableFile`` when no header is found.
    """
    dialect = dialect_of(content)
    header = likely_header(dialect.records)
    if header is None:
        raise UnreadableFile("no record looks like a header: none names two of customer, service and quantity",
                             "Write the profile by hand; docs/profiles.md has one to copy")  # fmt: skip
    rows = [record for record in dialect.records[header.row :] if not is_blank(record)]
    columns = {field: column_for(header, field) for field in ("account_key", "service_key", "quantity")}
    marks = marks_of(_cells(header, rows, columns["quantity"]))
    return [
        Choice("profile", name, "its name"),
        Choice("source", source, "the vendor or distributor", () if source else ("give --source",)),
        Choice("basis", basis, "what the file counts: subscription, invoice, assigned or devices"),
        _file(dialect),
        Choice("header", {"row": header.row}, "the first record that names two of customer, service and quantity"),
        *(_column(field, found) for field, found in columns.items()),
        _numbers(marks),
        *_rows(header, rows, marks),
        _method(header, rows, columns),
    ]  # fmt: skip


def yaml_of(choices: Sequence[Choice]) -> str:
    """The document; the columns stand under their own key."""
    lines = []
    for choice in choices:
        if choice.key == "columns.account_key":
            lines.append("columns:")
        lines.append(choice.line.replace("columns.", "  ", 1) if choice.key.startswith("columns.") else choice.line)
    return "\n".join(lines) + "\n"


def _file(dialect: Dialect) -> Choice:
    value = {"format": "csv", "encoding": dialect.encoding, "delimiter": dialect.delimiter}
    return Choice("file", value, "the encoding fits every byte, and most records have the same width")


def _column(field: str, found: list[str]) -> Choice:
    reason = "by its header" if found else "no header of the file is a known name for it"
    return Choice(f"columns.{field}", found[0] if found else None, reason, tuple(found[1:]))


def _numbers(marks: Marks) -> Choice:
    if marks.decimal is None:
        return Choice("numbers", {"decimal": None}, f"choose: {marks.reason}")
    value = {"decimal": marks.decimal, **({"thousands": MARKS[marks.decimal]} if marks.has_marks else {})}
    return Choice("numbers", value, marks.reason)


def _method(header: Header, rows: Sequence[Sequence[str]], columns: dict[str, list[str]]) -> Choice:
    keys = list(zip(*(_cells(header, rows, columns[field]) for field in ("account_key", "service_key")), strict=False))
    if keys and len(set(keys)) == len(keys):
        return Choice("aggregate", {"method": "sum"}, "no key has two rows here, so the sample proves none",
                      ("last_by_period_end", "max", "signed_sum"))  # fmt: skip
    return Choice("aggregate", {"method": None}, "choose: keys have several rows, which only the distributor explains",
                  ("sum", "last_by_period_end", "max", "signed_sum"))  # fmt: skip


def _rows(header: Header, rows: Sequence[Sequence[str]], marks: Marks) -> list[Choice]:
    value: dict[str, object] = {} if marks.has_marks else {"fraction": "reject"}
    total = next(((row, place) for row in rows for place, cell in enumerate(row) if _TOTAL.match(cell.strip())), None)
    if total:
        row, place = total
        if place >= len(header.cells):
            raise UnreadableFile(f"the total {row[place]!r} stands beyond the header", "Write the profile by hand")
        value["totals"] = {"column": header.name(place), "match": TOTALS, "of": "quantity"}
    told = f"{total[0][total[1]]!r} is no customer's row" if total else "every quantity of the sample is whole"
    return [Choice("rows", value, told)] if value else []


def _cells(header: Header, rows: Sequence[Sequence[str]], found: list[str]) -> list[str]:
    place = header.position(found[0]) if found else None
    return [] if place is None else [row[place].strip() if place < len(row) else "" for row in rows]
