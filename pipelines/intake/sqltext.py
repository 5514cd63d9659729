"""SQL text: the one function that quotes literals, and the few expressions everything else is made of.

Belongs here: turning values into SQL literals.
Does not belong here: what is compared with them.
"""

from collections.abc import Iterable


def literal(value: str) -> str:
    """A text literal of DuckDB, whatever the text holds. Text of users reaches SQL through this function only."""
    return "'" + value.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """A parenthesised list of one or more text literals, for ``IN``."""
    return "(" + ", ".join(map(literal, values)) + ")"


def case(branches: Iterable[tuple[str, str]], otherwise: str = "NULL") -> str:
    """The first result whose condition is true, else ``otherwise``."""
    whens = " ".join(f"WHEN {condition} THEN {result}" for condition, result in branches)
    return f"CASE {whens} ELSE {otherwise} END" if whens else otherwise


def any_of(conditions: Iterable[str]) -> str:
    """True where one of the conditions is; false when there are none."""
    return "(" + (" OR ".join(conditions) or "false") + ")"


def all_of(conditions: Iterable[str]) -> str:
    """True where all of the conditions are; true when there are none."""
    return "(" + (" AND ".join(conditions) or "true") + ")"
