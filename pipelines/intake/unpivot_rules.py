"""The rows that a record of a wide file becomes, and how they are one record again when it is accounted for.

Belongs here: one row for each unpivoted cell, blank cells, what a whole record is by what its rows are.
Does not belong here: which columns are unpivoted (``wide``, ``headers``), any rule of a row by itself.
"""

from collections.abc import Sequence

from pipelines.intake.columns import Column
from pipelines.intake.expression import COMPARED, FIX_CELL, Expression
from pipelines.intake.headers import Header
from pipelines.intake.profile import read_columns
from pipelines.intake.sqltext import case, literal, literals

_ALONE = ("rejected", "ignored")
"""Kinds of which a record has one answer, however many of its cells are of the kind."""


def unpivoted(records: str, header: Header, places: Sequence[int]) -> str:
    """The records once for each of these cells, with the place of that ``cell`` and the columns the profile makes."""
    named = ", ".join(f"({place}, {literal(header.name(place))})" for place in places)
    name, value = (len(header.cells) + made for made in range(2))
    cells = case(((f"cell = {place}", f"c{place}") for place in places), "''")
    return (
        f"SELECT records.*, cell, header AS c{name}, {cells} AS c{value} "
        f"FROM ({records}) AS records CROSS JOIN (VALUES {named}) AS cells(cell, header)"
    )


def folded(answers: str) -> str:
    """What the answers for the cells of a record say of the record as a whole, which is of one kind.

    One cell that is not understood rejects the record, since nobody knows what else in it is wrong. Else it is what
    most is known of: its valid rows, or those of a control total; ignored only where all its cells are.
    """
    weight = case((("kind = 'rejected'", "0"), ("kind = 'totals'", "1"), ("kind = 'valid'", "2")), "3")
    of_record = "PARTITION BY row"
    first = f"row_number() OVER ({of_record}, kind ORDER BY is_failure DESC, cell) = 1"
    is_whole = f"kind NOT IN ('{_ALONE[0]}', '{_ALONE[1]}') OR {first}"
    return f"SELECT * FROM ({answers}) QUALIFY {weight} = min({weight}) OVER ({of_record}) AND ({is_whole})"


def add_cells(rows: Expression) -> None:
    """The column ``is_blank_cell``: whether the cell that a row is made of says nothing, and the row is ignored."""
    unpivot, is_blank = rows.profile.unpivot, "false"
    if unpivot is not None and (place := rows.header.position(unpivot.value)) is not None:
        is_blank = f"{rows.cell(place)} IN {literals(['', *rows.profile.numbers.nil])}"
        if unpivot.blank == "reject":
            rows.check(is_blank, place, "the cell is blank, and unpivot of the profile rejects such cells", FIX_CELL)
            is_blank = "false"
    rows.layers[COMPARED]["is_blank_cell"] = is_blank


def is_made(rows: Expression, column: Column) -> bool:
    """Whether what a column says differs from cell to cell of one record."""
    made = rows.profile.made_columns
    return any(address in made for leaf in read_columns(rows.profile, column) for address in leaf.addresses)
