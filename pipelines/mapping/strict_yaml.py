"""YAML without its traps: a tree of tables, lists and scalars, each with its line, nothing converted.

Belongs here: syntax, doubled fields, aliases, tags, nesting; what type YAML would take a scalar for.
Does not belong here: what the fields mean (``fields``, ``document``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

DEEPEST = 10
"""Levels of nesting; a mapping file needs six. Bounds the recursion over hostile input."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Any = yaml.resolver.Resolver()
_DIGITS = re.compile(r"-?[0-9]+")


class ScalarKind(StrEnum):
    """What YAML takes a scalar for. ``ambiguous`` is what its readers disagree on: floats, booleans, hexadecimals."""

    TEXT = "text"
    INTEGER = "integer"
    DATE = "date"
    NULL = "null"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"


_KINDS = {
    "tag:yaml.org,2002:str": ScalarKind.TEXT,
    "tag:yaml.org,2002:timestamp": ScalarKind.DATE,
    "tag:yaml.org,2002:null": ScalarKind.NULL,
}


@dataclass(frozen=True)
class Scalar:
    """One value, as the characters that stand in the file: ``007`` stays ``007``."""

    line: int
    text: str
    kind: ScalarKind


@dataclass(frozen=True)
class Listing:
    """A YAML sequence."""

    line: int
    items: tuple["Node", ...]


@dataclass(frozen=True)
class Table:
    """A YAML mapping; each field stands in it once."""

    line: int
    fields: dict[str, "Node"]


Node = Scalar | Listing | Table


@dataclass(frozen=True)
class YamlProblem:
    """What the file may not hold, at which line, and what to write instead."""

    line: int | None
    problem: str
    remedy: str


def read_yaml(text: str) -> tuple[Node | None, tuple[YamlProblem, ...]]:
    """The document's tree (None when it is empty or broken) and everything that is wrong with its syntax."""
    composer = _Composer(text)
    try:
        return composer.document(), tuple(composer.problems)
    except yaml.YAMLError as error:
        return None, (*composer.problems, _syntax_problem(error))


def is_readable(node: Node) -> bool:
    """Whether nothing in the tree was complained about as an alias."""
    match node:
        case Listing():
            return all(map(is_readable, node.items))
        case Table():
            return all(map(is_readable, node.fields.values()))
    return node.kind is not ScalarKind.UNREADABLE


def _syntax_problem(error: yaml.YAMLError) -> YamlProblem:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or " ".join(str(error).split())
    return YamlProblem(mark.line + 1 if mark else None, f"this is no YAML: {what}", "Mend the syntax at this place")


class _Composer:
    """Builds the tree from YAML's events, so that an alias is seen before anything expands it."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self.problems: list[YamlProblem] = []

    def document(self) -> Node | None:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), 1)
        next(self._events)  # the document ends
        following = next(self._events)
        if not isinstance(following, yaml.StreamEndEvent):
            self._note(following, "a second document begins here", "Write one document per file, without ---")
        return root

    def _note(self, event: yaml.Event, problem: str, remedy: str) -> None:
        self.problems.append(YamlProblem(_line(event), problem, remedy))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if depth > DEEPEST:
            mark: Any = event.start_mark
            raise yaml.MarkedYAMLError(problem="it is nested too deeply", problem_mark=mark)
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._note(event, f"the tag {tag} is not allowed", "Leave the tag out")
        match event:
            case yaml.MappingStartEvent():
                return self._table(event, depth)
            case yaml.SequenceStartEvent():
                return self._listing(event, depth)
            case yaml.ScalarEvent():
                return Scalar(_line(event), event.value, _kind(event))
        self._note(event, f"the alias *{getattr(event, 'anchor', '')} is not allowed", "Write the value out")
        return Scalar(_line(event), "", ScalarKind.UNREADABLE)

    def _listing(self, start: yaml.Event, depth: int) -> Listing:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Listing(_line(start), tuple(items))

    def _table(self, start: yaml.Event, depth: int) -> Table:
        fields: dict[str, Node] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._node(event, depth + 1)
            value = self._node(next(self._events), depth + 1)
            if not isinstance(name, Scalar):
                self._note(event, "a field's name is not plain text", "Write name: value")
            elif name.text in fields:
                self._note(event, f"the field {name.text} stands here twice", "Keep one of them")
            else:
                fields[name.text] = value
        return Table(_line(start), fields)


def _line(event: yaml.Event) -> int:
    return int(getattr(event.start_mark, "line", 0)) + 1


def _kind(event: yaml.ScalarEvent) -> ScalarKind:
    if not event.implicit[0]:
        return ScalarKind.TEXT
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == "tag:yaml.org,2002:int" and _DIGITS.fullmatch(event.value):
        return ScalarKind.INTEGER
    return _KINDS.get(tag, ScalarKind.AMBIGUOUS)
