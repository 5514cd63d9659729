"""ConnectWise's condition language, the part of it that a careful client needs.

Belongs here: ``id>5 and company/id=250``: comparing fields with numbers, "texts", [instants], true, false, null,
lists after ``in``; sorting by a field.
Does not belong here: ``or``, ``like``, ``contains`` and parentheses, which are answered as not understood.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

Record = Mapping[str, Any]
Predicate = Callable[[Record], bool]


class ConditionError(Exception):
    """A condition or an order that the PSA does not understand, with the words it answers."""


_TOKEN = re.compile(
    r"""\s*(?: (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | \[(?P<instant>[^\]]*)\]
    | (?P<number>-?\d+(?:\.\d+)?) | (?P<sign><=|>=|!=|=|<|>) | (?P<mark>[(),])
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*(?:/[A-Za-z_][A-Za-z0-9_]*)*) )""",
    re.VERBOSE,
)
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def predicate(conditions: str, fields: frozenset[str]) -> Predicate:
    """Whether a record meets the conditions. Raises ``ConditionError`` for words outside the language or ``fields``."""
    parts: list[Predicate] = []
    tokens = _Tokens(conditions)
    while tokens.has_more():
        if parts:
            tokens.expect("and")
        parts.append(_comparison(tokens, fields))
    return lambda record: all(part(record) for part in parts)


def sorted_by(order: str, records: Sequence[Record], fields: frozenset[str]) -> list[Record]:
    """The records in the order ``field [asc|desc], ...``; records without the field come first."""
    ordered = list(records)
    for part in reversed(order.split(",")):
        path, _, direction = part.strip().partition(" ")
        _check_field(path, fields)
        if direction.strip().lower() not in {"", "asc", "desc"}:
            raise ConditionError(f"orderBy is not understood: {part.strip()!r}")
        is_descending = direction.strip().lower() == "desc"
        ordered.sort(key=partial(_sort_key, path), reverse=is_descending)
    return ordered


def value_at(record: Record, path: str) -> Any:
    """The value of a field, ``/`` leading into references; None where a step is missing."""
    value: Any = record
    for step in path.split("/"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


class _Tokens:
    def __init__(self, text: str) -> None:
        self._tokens: list[_Token] = []
        end = 0
        while text[end:].strip():
            match = _TOKEN.match(text, end)
            if match is None:
                raise ConditionError(f"conditions are not understood from {text[end:].strip()[:40]!r}")
            self._tokens.append(_Token(str(match.lastgroup), match.group(str(match.lastgroup))))
            end = match.end()

    def has_more(self) -> bool:
        return bool(self._tokens)

    def take(self) -> _Token:
        if not self._tokens:
            raise ConditionError("conditions end too early")
        return self._tokens.pop(0)

    def expect(self, text: str) -> None:
        token = self.take()
        if token.text.lower() != text:
            raise ConditionError(f"conditions are not understood: {token.text!r} where {text!r} belongs")


def _comparison(tokens: _Tokens, fields: frozenset[str]) -> Predicate:
    path = tokens.take()
    if path.kind != "word":
        raise ConditionError(f"conditions are not understood: {path.text!r} where a field belongs")
    _check_field(path.text, fields)
    sign = tokens.take()
    if sign.text.lower() == "in":
        wanted = _list(tokens)
        return lambda record: any(_compare(value_at(record, path.text), "=", each) for each in wanted)
    if sign.kind != "sign":
        raise ConditionError(f"conditions are not understood: {sign.text!r} where a comparison belongs")
    value = _value(tokens.take())
    return lambda record: _compare(value_at(record, path.text), sign.text, value)


def _check_field(path: str, fields: frozenset[str]) -> None:
    if path.split("/", maxsplit=1)[0] not in fields:
        raise ConditionError(f"there is no field {path!r}")


def _list(tokens: _Tokens) -> list[Any]:
    tokens.expect("(")
    values = [_value(tokens.take())]
    while (mark := tokens.take()).text == ",":
        values.append(_value(tokens.take()))
    if mark.text != ")":
        raise ConditionError(f"conditions are not understood: {mark.text!r} where ')' belongs")
    return values


def _value(token: _Token) -> Any:
    if token.kind == "text":
        return re.sub(r"\\(.)", r"\1", token.text[1:-1]).casefold()
    if token.kind == "number":
        return Decimal(token.text)
    if token.kind == "instant":
        return _instant(token.text)
    if token.kind == "word" and token.text.lower() in _WORDS:
        return _WORDS[token.text.lower()]
    raise ConditionError(f"conditions are not understood: {token.text!r} where a value belongs")


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ConditionError(f"[{text}] is no instant") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _compare(held: Any, sign: str, asked: Any) -> bool:
    if asked is None:
        return (held is None) == (sign == "=") and sign in {"=", "!="}
    if held is None:
        return False
    return bool(_SIGNS[sign](_like(held, asked), asked))


def _like(held: Any, asked: Any) -> Any:
    """The held value in the kind of the one it is compared with, as a database would do."""
    if isinstance(asked, datetime) and isinstance(held, str):
        return _instant(held)
    if isinstance(asked, str) and isinstance(held, str):
        return held.casefold()
    if isinstance(asked, bool) and isinstance(held, bool):
        return held
    if _is_number(asked) and _is_number(held):
        return held
    raise ConditionError(f"{held!r} and {asked!r} cannot be compared")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _sort_key(path: str, record: Record) -> tuple[bool, Any]:
    value = value_at(record, path)
    if isinstance(value, Mapping):
        raise ConditionError("orderBy needs a plain field, not a reference")
    return (value is not None, "" if value is None else value)
