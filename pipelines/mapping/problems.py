"""What is wrong with a mapping file, in words an operator can act on.

Belongs here: one problem with its place and remedy, and the error that carries all of them.
Does not belong here: finding them (``document``, ``fields``, ``checking``).
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class MappingProblem:
    """One thing that is wrong, where it stands and what to do.

    ``section`` is ``accounts``, ``services`` or ``units``, or ``file`` for the document as a whole. ``entry`` counts
    from 1 inside the section, ``line`` from 1 inside the file; both are None where there is none to name.
    """

    section: str
    entry: int | None
    field: str | None
    problem: str
    remedy: str
    line: int | None = None

    def __str__(self) -> str:
        """``accounts, entry 3, field share (line 7): what is wrong. What to do.``"""
        place = [self.section]
        place += [f"entry {self.entry}"] if self.entry is not None else []
        place += [f"field {self.field}"] if self.field is not None else []
        line = f" (line {self.line})" if self.line is not None else ""
        return f"{', '.join(place)}{line}: {self.problem}. {self.remedy}."


class MappingError(Exception):
    """A mapping file is refused as a whole: nothing of it was recorded. Lists every problem."""

    def __init__(self, problems: Sequence[MappingProblem]) -> None:
        """Carry the problems, in the order of the file."""
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join([f"the mapping file has {count}:", *(f"  {problem}" for problem in self.problems)]))
