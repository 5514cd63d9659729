"""Autotask's query language: which records a filter lets through.

Belongs here: the operators, groups of conditions, comparing a field with what is asked.
Does not belong here: pages and paths (``autotask``), user-defined fields, which are answered as not understood.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]


class FilterError(Exception):
    """A filter that is not understood, with the words that are answered."""


def predicate(filters: Any, fields: frozenset[str]) -> Predicate:
    """Whether a record meets every one of the filters. Raises ``FilterError`` for what is outside the language."""
    if not isinstance(filters, list) or not filters:
        raise FilterError("A query needs a filter: a list of at least one condition.")
    parts = [_condition(each, fields) for each in filters]
    return lambda record: all(part(record) for part in parts)


def _condition(condition: Any, fields: frozenset[str]) -> Predicate:
    if not isinstance(condition, Mapping) or set(condition) - {"op", "field", "value", "items"}:
        raise FilterError("A condition is an object of op, field and value, or of op and items.")
    op = condition.get("op")
    if op in _GROUPS:
        parts = [_condition(each, fields) for each in condition.get("items") or []]
        return lambda record: _GROUPS[op](part(record) for part in parts)
    field, value = condition.get("field"), condition.get("value")
    if field not in fields:
        raise FilterError(f"Unable to find {field} in the entity.")
    if op in _PRESENCE:
        return lambda record: (record.get(field) is not None) == _PRESENCE[op]
    if op not in _OPERATORS:
        raise FilterError(f"The operator {op} is not known.")
    return lambda record: _OPERATORS[op](record.get(field), value)


_GROUPS: Mapping[Any, Callable[[Any], bool]] = {"and": all, "or": any}
_PRESENCE: Mapping[Any, bool] = {"exist": True, "notExist": False}


def _compared(sign: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(held: Any, asked: Any) -> bool:
        return held is not None and sign(*_alike(held, asked))

    return compare


def _within(held: Any, asked: Any) -> bool:
    if not isinstance(asked, list):
        raise FilterError("The operator in needs a list of values.")
    return any(_OPERATORS["eq"](held, each) for each in asked)


def _holds(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def check(held: Any, asked: Any) -> bool:
        return isinstance(held, str) and isinstance(asked, str) and test(held.casefold(), asked.casefold())

    return check


_OPERATORS: Mapping[Any, Callable[[Any, Any], bool]] = {
    "eq": _compared(lambda left, right: bool(left == right)),
    "noteq": _compared(lambda left, right: bool(left != right)),
    "gt": _compared(lambda left, right: bool(left > right)),
    "gte": _compared(lambda left, right: bool(left >= right)),
    "lt": _compared(lambda left, right: bool(left < right)),
    "lte": _compared(lambda left, right: bool(left <= right)),
    "beginsWith": _holds(str.startswith),
    "endsWith": _holds(str.endswith),
    "contains": _holds(str.__contains__),
    "in": _within,
    "notIn": lambda held, asked: not _within(held, asked),
}


def _alike(held: Any, asked: Any) -> tuple[Any, Any]:
    """Both values in one kind: instants, texts without regard to case, numbers."""
    if isinstance(held, str) and isinstance(asked, str):
        instants = _instant(held), _instant(asked)
        return instants if None not in instants else (held.casefold(), asked.casefold())
    if isinstance(held, bool) == isinstance(asked, bool) and isinstance(asked, int | Decimal):
        return held, asked
    raise FilterError(f"{asked!r} cannot be compared with this field.")


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
