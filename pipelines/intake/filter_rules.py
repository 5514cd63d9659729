"""Which rows count at all, and by which method: include, exclude, classes, control totals, a collector's failures.

Belongs here: conditions, total rows, failure rows.
Does not belong here: comparing a total with its rows (``completeness``).
"""

from collections.abc import Iterator

from pipelines.intake.columns import Column
from pipelines.intake.comparison_rules import compared, searched
from pipelines.intake.conditions import Condition
from pipelines.intake.expression import COMPARED, FILTERED, FIX_OR_PROFILE, JUDGED, Expression
from pipelines.intake.profile import read_columns
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
        rows.layers[COMPARED]["is_total"] = searched(rows.text(Column(column=rules.totals.column)), rules.totals.match)
        rows.layers[JUDGED]["service_parts"] = f"[{', '.join(_service_parts(rows, place))}]"


def _failures(rows: Expression) -> Iterator[str]:
    """The pattern in any cell that an account or service is read from."""
    columns, failures = rows.profile.columns, rows.profile.rows.failures
    named = (columns.account_key, columns.account_name, columns.service_key, columns.service_name)
    leaves = {leaf for column in named if column for leaf in read_columns(rows.profile, column)}
    places = {place for leaf in leaves if (place := rows.header.column(leaf)) is not None}
    if failures:
        for place in sorted(places):
            yield searched(rows.cell(place), failures.match)


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
        rows.layers[COMPARED][name] = compared(rows, name, own.where)
        rows.check(f"method IS NULL AND {name} IS NULL", rows.position(column), _NO_METHOD, FIX_OR_PROFILE)
        fitting += [(f"{name} IS NULL", "NULL"), (name, literal(own.method))]
    rows.layers[FILTERED]["method"] = case(fitting, literal(rows.profile.method))


def _add_condition(rows: Expression, name: str, condition: Condition) -> str:
    column = Column(column=condition.column)
    rows.layers[COMPARED][name] = compared(rows, name, condition)
    rows.doubt(f"passes IS NULL AND {name} IS NULL", rows.position(column), _UNTOLD, FIX_OR_PROFILE)
    return name
