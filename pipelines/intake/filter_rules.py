"""Which rows count at all, and by which method: include, exclude, classes, control totals, a collector's failures.

Belongs here: conditions, total rows, failure rows.
Does not belong here: comparing a total with its rows (``completeness``).
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Column
from pipelines.intake.conditions import Condition, Operand
from pipelines.intake.day_rules import read_day
from pipelines.intake.expression import COMPARED, FILTERED, FIX_OR_PROFILE, JUDGED, Expression
from pipelines.intake.measure_rules import read_number
from pipelines.intake.numbers import TYPE
from pipelines.intake.sqltext import all_of, any_of, case, literal

_UNTOLD = "nobody can tell whether the row counts: the cell cannot be compared as the profile says"

_NO_METHOD = "nobody can tell which method reduces the row: the cell cannot be compared as aggregate.classes says"


def add_filters(rows: Expression) -> None:
    """Columns: ``passes`` (NULL: it cannot be told), ``is_total``, ``is_failure``, ``service_parts``, ``totalled``."""
    rules = rows.profile.rows
    kept = [_add_condition(rows, f"include{place}", condition) for place, condition in enumerate(rules.include)]
    dropped = [_add_condition(rows, f"exclude{place}", condition) for place, condition in enumerate(rules.exclude)]
    rows.layers[FILTERED]["passes"] = f"{all_of(kept)} AND NOT {any_of(dropped)}"
    rows.layers[COMPARED]["is_failure"] = any_of(_failures(rows))
    rows.layers[COMPARED]["is_total"] = "false"
    rows.layers[JUDGED]["service_parts"] = "NULL::VARCHAR[]"
    rows.layers[JUDGED]["totalled"] = "amount" if rules.totals and rules.totals.of == "amount" else "measured"
    if rules.totals:
        place = rows.header.column(Column(column=rules.totals.column))
        rows.layers[COMPARED]["is_total"] = _searched(rows.text(Column(column=rules.totals.column)), rules.totals.match)
        rows.layers[JUDGED]["service_parts"] = f"[{', '.join(_service_parts(rows, place))}]"


def _failures(rows: Expression) -> Iterator[str]:
    """The pattern in any cell that an account or service is read from."""
    columns, failures = rows.profile.columns, rows.profile.rows.failures
    named = (columns.account_key, columns.account_name, columns.service_key, columns.service_name)
    leaves = {leaf for column in named if column for leaf in column.leaves}
    places = {place for leaf in leaves if (place := rows.header.column(leaf)) is not None}
    if failures:
        for place in sorted(places):
            yield _searched(rows.cell(place), failures.match)


def _service_parts(rows: Expression, totals_place: int | None) -> Iterator[str]:
    """The parts of the service key; the cell that says *total* names no service."""
    column = rows.profile.columns.service_key
    for place, part in enumerate(column.parts or (column,)):
        text = f"service_key_{place}"
        is_own_cell = totals_place is not None and rows.header.column(part) == totals_place
        yield case([("is_total", "''")], text) if is_own_cell else text


def add_method(rows: Expression) -> None:
    """The column ``method``: that of the first class whose condition holds, NULL where that cannot be told."""
    fitting: list[tuple[str, str]] = []
    for place, own in enumerate(rows.profile.aggregate.classes):
        name, column = f"class{place}", Column(column=own.where.column)
        rows.layers[COMPARED][name] = all_of(_comparisons(rows, name, rows.text(column), own.where))
        rows.check(f"method IS NULL AND {name} IS NULL", rows.position(column), _NO_METHOD, FIX_OR_PROFILE)
        fitting += [(f"{name} IS NULL", "NULL"), (name, literal(own.method))]
    rows.layers[FILTERED]["method"] = case(fitting, literal(rows.profile.method))


def _add_condition(rows: Expression, name: str, condition: Condition) -> str:
    column = Column(column=condition.column)
    rows.layers[COMPARED][name] = all_of(_comparisons(rows, name, rows.text(column), condition))
    rows.doubt(f"passes IS NULL AND {name} IS NULL", rows.position(column), _UNTOLD, FIX_OR_PROFILE)
    return name


def _comparisons(rows: Expression, name: str, cell: str, condition: Condition) -> Iterator[str]:
    """One expression for each operator that the condition names."""
    for listed, negation in ((condition.in_, ""), (condition.not_in, "NOT ")):
        if listed is not None:
            yield negation + any_of(_compared(rows, name, cell, "=", operand) for operand in listed)
    for single, negation in ((condition.eq, ""), (condition.ne, "NOT ")):
        if single is not None:
            yield negation + _compared(rows, name, cell, "=", single)
    for operator, bound in (("<", condition.lt), ("<=", condition.le), (">", condition.gt), (">=", condition.ge)):
        if bound is not None:
            yield _compared(rows, name, cell, operator, bound)
    if condition.within_days is not None:
        yield _within(rows, name, cell, condition.within_days)
    if condition.matches is not None:
        yield _searched(cell, condition.matches)
    if condition.blank:
        yield f"{cell} = ''"
    if condition.not_blank:
        yield f"{cell} <> ''"


def _within(rows: Expression, name: str, cell: str, days: int) -> str:
    """Whether the cell's day is near the day for which the file speaks; a clock that runs ahead is near."""
    if rows.as_of is None:
        return "NULL::BOOLEAN"
    return _compared(rows, name, cell, ">=", rows.as_of - timedelta(days=days))


def _compared(rows: Expression, name: str, cell: str, operator: str, operand: Operand) -> str:
    """A comparison: false without a value, NULL where the cell cannot be read as what it is compared with."""
    if isinstance(operand, Decimal):
        number = read_number(rows, f"{name}_number", cell)
        value = f"{number.value} {operator} CAST({literal(format(operand, 'f'))} AS {TYPE})"
        return f"({case([(number.is_nil, 'false')], value)})"
    if isinstance(operand, date):
        day = read_day(rows, f"{name}_day", cell)
        value = f"{day.value} {operator} DATE {literal(operand.isoformat())}"
        is_blank = f"{cell} = ''"
        return f"({case([(is_blank, 'false'), (day.is_ambiguous, 'NULL')], value)})"
    return f"({cell} {operator} {literal(operand.strip(BLANKS))})"


def _searched(sql: str, pattern: str) -> str:
    return f"regexp_matches({sql}, {literal(pattern)})"
