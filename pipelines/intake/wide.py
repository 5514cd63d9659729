"""Wide files: a record with one column per service, or per account, says several things at once.

Belongs here: what ``unpivot`` of a profile names, which columns of a header it means, what contradicts it.
Does not belong here: the rows that such a record becomes (``unpivot_rules``), other columns (``columns``).
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from pipelines.intake.columns import Address, Part
from pipelines.intake.rows import Reduction

MadeName = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]{0,39}\z")]
"""The name of a column that a profile makes; no column of the file has it."""

ORDERED = (Reduction.FIRST, Reduction.LAST, Reduction.LAST_BY_PERIOD_END, Reduction.RUNNING_TOTAL)
"""Methods that ask which of two rows comes later. The cells of one record stand side by side."""


class Unpivot(Part):
    """Columns of which each cell is a row of its own, beside the other cells of its record.

    ``columns`` lists them; ``but`` means every column with a header that the profile does not read otherwise, save
    those it lists. ``name`` is the column that holds the header of such a cell, ``value`` the one that holds the cell.
    A blank cell is a row that the profile ignores, or one that is rejected.
    """

    columns: Annotated[tuple[Address, ...], Field(min_length=1)] | None = None
    but: tuple[Address, ...] | None = None
    name: MadeName
    value: MadeName
    blank: Literal["ignore", "reject"] = "reject"

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if (self.columns is None) == (self.but is None):
            raise ValueError("say either which columns are rows (columns), or which of the other columns are not (but)")
        if self.name == self.value:
            raise ValueError("name and value are two columns")
        return self

    @property
    def made(self) -> tuple[str, str]:
        """The columns that come to those of the file."""
        return self.name, self.value

    @property
    def named(self) -> tuple[str, ...]:
        """The headers that a file must have, whether they become rows or not."""
        return self.columns or self.but or ()


def contradictions_of_unpivot(
    unpivot: Unpivot, methods: Iterable[Reduction], once: Iterable[str], per_cell: Iterable[tuple[str, Iterable[str]]]
) -> Iterator[str]:
    """What cannot be said of a wide file.

    ``once`` are the headers that must be read from the record itself. ``per_cell`` are numbers with the headers that
    each is read from: one that stands in the record once would count again for each of its cells.
    """
    if ordered := sorted(set(methods) & set(ORDERED)):
        yield f"aggregate.method {ordered[0]} asks for the order of rows; the cells of an unpivoted record have none"
    if both := sorted(set(once) & set(unpivot.made)):
        yield f"{both[0]!r} is unpivoted: month, part and the mark of control totals are read from the record itself"
    for field, headers in per_cell:
        if unpivot.value not in headers:
            yield (
                f"{field} is the same for all cells of an unpivoted record, and would count once for each: read it "
                f"from {unpivot.value!r}"
            )
