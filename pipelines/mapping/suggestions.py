"""Suggestions as people see them: targets of the PSA that a key may mean, with what speaks for each.

Belongs here: the shapes.
Does not belong here: making suggestions (``suggesting``), writing them as a file (``offering``).
"""

from dataclasses import dataclass

from pipelines.mapping.seen import SeenKey


@dataclass(frozen=True)
class Target:
    """An active account or service of the PSA; only services have a code."""

    id: str
    name: str
    code: str | None = None


@dataclass(frozen=True)
class Suggestion:
    """A target that a key may mean. ``is_exact``: their names are equal in the form in which keys compare."""

    target: Target
    score: int
    is_exact: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SuggestedKey:
    """A key that waits for a decision, with what it may mean, the likeliest first."""

    key: SeenKey
    suggestions: tuple[Suggestion, ...]

    @property
    def only_exact(self) -> Suggestion | None:
        """The one target of exactly its name; None where there is none or several bear it."""
        exact = [suggestion for suggestion in self.suggestions if suggestion.is_exact]
        return exact[0] if len(exact) == 1 else None
