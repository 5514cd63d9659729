"""Which decimal and grouping marks the cells of a quantity column prove.

Belongs here: the evidence of single cells, and what follows when they disagree or prove nothing.
Does not belong here: the number grammar (``pipelines.intake.numbers``).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MARKS = {".": ",", ",": "."}


@dataclass(frozen=True)
class Marks:
    """The decimal mark, None where a person must choose, and why. ``has_marks``: whether any cell holds one."""

    decimal: str | None
    reason: str
    has_marks: bool = True


def marks_of(cells: Iterable[str]) -> Marks:
    """The decimal mark that the cells prove. ``1.234`` alone proves nothing: it is 1234 or 1 and 234 thousandths."""
    marked = [cell for cell in cells if re.search(r"[0-9][.,][0-9]", cell)]
    proofs = {mark: cell for cell in marked if (mark := _proved(cell))}
    if not marked:
        return Marks(".", "no cell has a mark; a fraction is rejected until a file proves its mark", has_marks=False)
    if len(proofs) == 1:
        mark, cell = proofs.popitem()
        return Marks(mark, f"proved by {cell!r}")
    if proofs:
        return Marks(None, f"the cells contradict each other: {' and '.join(map(repr, proofs.values()))}")
    return Marks(None, f'{marked[0]!r} can be read in two ways, so write "." or ","')


def _proved(cell: str) -> str | None:
    found = re.findall(r"[.,]", cell)
    last: str = found[-1]
    if len(set(found)) > 1:
        return last
    if len(found) > 1:
        return MARKS[last]
    whole, places = re.split(r"[.,]", re.sub(r"[^0-9.,]", "", cell))
    could_group = len(places) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if could_group else last
