"""The relational expression of a file's rows while it grows: layers of columns, and the checks a row can fail.

Belongs here: the layers, reading a cell's text, registering a check.
Does not belong here: any rule (``key_rules``, ``text_rules``, ``measure_rules``, ``day_rules``, ``filter_rules``).
"""

from dataclasses import dataclass, field
from datetime import date

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Column
from pipelines.intake.formula import Call, Cell, Formula, Words
from pipelines.intake.headers import Header
from pipelines.intake.profile import ImportProfile, read_columns
from pipelines.intake.sqltext import case, literal

EXPORT_AGAIN = "Export the file again from the distributor's portal and drop it unopened."
FIX_CELL = "Correct the cell (trueup rows fix), or disregard the row (trueup rows ignore)."
FIX_OR_PROFILE = "Correct the cell (trueup rows fix), or the profile if the whole column is written like this."

TRIMMED, UNGUARDED, TEXTS, READ, MEANT, VALUES, COMPARED, FILTERED, JUDGED, ANSWERED = range(10)
"""The layers, lowest first; a column stands on those of lower layers only."""


_BLANK_ENDS = literal(f"^[{BLANKS}]|[{BLANKS}]$")


@dataclass(frozen=True)
class Check:
    """One way in which a row is not understood. ``position`` is the column of the file that is at fault."""

    condition: str
    position: int | None
    reason: str
    remedy: str


@dataclass
class Expression:
    """What is known so far. ``doubts`` are the checks of whether a row belongs here at all; they come first."""

    profile: ImportProfile
    header: Header
    as_of: date | None = None
    """The day for which the file speaks; None where nobody knows it."""
    layers: list[dict[str, str]] = field(default_factory=lambda: [{} for _ in range(ANSWERED + 1)])
    doubts: list[Check] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    positions: set[int] = field(default_factory=set)
    steps: list[dict[str, str]] = field(default_factory=list)
    """Columns of calculations, after the layer of values; each stands on those of the steps before it."""

    def sql(self, records: str) -> str:
        """All layers around a relation of records."""
        sql = records
        for layer in (*self.layers[: VALUES + 1], *self.steps, *self.layers[VALUES + 1 :]):
            columns = "".join(f", {expression} AS {name}" for name, expression in layer.items())
            sql = f"SELECT *{columns} FROM ({sql})"
        return sql

    def cell(self, position: int) -> str:
        """The column that holds a cell, trimmed and without the guards that keep Excel from changing it."""
        given, cell = f"t{position}", f"u{position}"
        self.positions.add(position)
        self.layers[TRIMMED][given] = trimmed(f"c{position}")
        formula = f"starts_with({given}, '=\"') AND ends_with({given}, '\"') AND length({given}) > 2"
        apostrophe = f"regexp_matches({given}, '^''[0-9(.,-]')"
        self.layers[UNGUARDED][cell] = case(
            [
                (formula, trimmed(f"substr({given}, 3, length({given}) - 3)")),
                (apostrophe, trimmed(f"substr({given}, 2)")),
            ],
            given,
        )
        return cell

    def text(self, column: Column | None) -> str:
        """The text of a single column or constant; blank where an optional column is missing."""
        if column is None:
            return "''"
        if column.constant is not None:
            return literal(column.constant)
        if (formula := self.profile.formula(column)) is not None:
            return _transformed(self.formula_text(formula), column)
        position = self.header.column(column)
        return "''" if position is None else _transformed(self.cell(position), column)

    def formula_text(self, formula: Formula) -> str:
        """The text of a formula that is no number."""
        if isinstance(formula, Words):
            return literal(formula.value)
        if isinstance(formula, Cell):
            return self.text(Column(column=formula.address))
        if not isinstance(formula, Call):
            raise TypeError(f"{formula} is a number")
        text = self.formula_text(formula.arguments[0])
        if formula.function == "coalesce":
            given = (f"nullif({self.formula_text(argument)}, '')" for argument in formula.arguments)
            return f"coalesce({', '.join(given)}, '')"
        if formula.function == "lower":
            return f"lower({text})"
        if formula.function == "extract":
            pattern = formula.arguments[1]
            return _transformed(text, Column(column="-", extract=getattr(pattern, "value", None)))
        return trimmed(text)

    def position(self, column: Column) -> int | None:
        """The column of the file that an operator is shown for a field: the first that is read for it."""
        read = read_columns(self.profile, column)
        return next((place for leaf in read if (place := self.header.column(leaf)) is not None), None)

    def add_step(self, depth: int, name: str, sql: str) -> None:
        """A column that is calculated from values and from steps of a lower depth; depths start at 1."""
        while len(self.steps) < depth:
            self.steps.append({})
        self.steps[depth - 1][name] = sql

    def check(self, condition: str, position: int | None, reason: str, remedy: str) -> None:
        """A row for which the condition is true is rejected, unless an earlier check rejects it."""
        self.checks.append(Check(condition, position, reason, remedy))

    def doubt(self, condition: str, position: int | None, reason: str, remedy: str) -> None:
        """A row for which the condition is true is rejected, because nobody knows whether it counts."""
        self.doubts.append(Check(condition, position, reason, remedy))


def trimmed(sql: str) -> str:
    """The text without blanks at its ends. Trimming is a hundred times slower than asking whether there are any."""
    return case([(f"regexp_matches({sql}, {_BLANK_ENDS})", f"trim({sql}, {literal(BLANKS)})")], sql)


def _transformed(sql: str, column: Column) -> str:
    """What a profile does with a cell's text: extract, then replace, then case."""
    plain = sql
    if column.extract is not None:
        sql = f"regexp_extract({sql}, {literal(column.extract)}, {min(column.groups, 1)})"
    for old, new in column.replace:
        sql = f"replace({sql}, {literal(old)}, {literal(new)})"
    if column.case is not None:
        sql = f"{column.case}({sql})"
    return sql if sql is plain else trimmed(sql)
