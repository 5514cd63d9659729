"""One entry of a mapping file, read field by field: what is wrong is noted, and reading goes on.

Belongs here: text, numbers, dates and lists as the file may spell them; unknown and missing fields.
Does not belong here: which fields an account, a service or a unit rule has (``document``).
"""

import difflib
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pipelines.mapping.entries import Validity
from pipelines.mapping.problems import MappingProblem
from pipelines.mapping.strict_yaml import Listing, Node, Scalar, ScalarKind, Table
from pipelines.quantities import PRECISION, SCALE

_NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_READABLE_AS_TEXT = {ScalarKind.TEXT, ScalarKind.INTEGER}


class EntryFields:
    """The fields of one entry. A reader returns a stand-in for what it cannot read; then ``problems`` says why.

    ``problems`` is shared by all entries of a file. A field that is null counts as not given.
    """

    def __init__(
        self, section: str, entry: int, table: Table, known: Sequence[str], problems: list[MappingProblem]
    ) -> None:
        """Look at one entry and note the fields that are not among the known ones."""
        self._section, self._entry, self._table, self._known = section, entry, table, known
        self.problems = problems
        for name in table.fields:
            if name not in known:
                self._note_unknown(name)

    def note(self, field: str | None, problem: str, remedy: str) -> None:
        """Note what is wrong with a field, or with the entry as a whole."""
        node = self._table.fields.get(field, self._table) if field else self._table
        self.problems.append(MappingProblem(self._section, self._entry, field, problem, remedy, node.line))

    def has(self, name: str) -> bool:
        """Whether the field is given."""
        return self._given(name) is not None

    def says_null(self, name: str) -> bool:
        """Whether the field is written and left empty on purpose."""
        return name in self._table.fields and not self.has(name)

    def one_of(self, names: Sequence[str]) -> str | None:
        """The one field of several that is given. None, and noted, when none or more than one is."""
        given = [name for name in names if self.has(name)]
        if len(given) == 1:
            return given[0]
        problem = f"{' and '.join(given)} exclude each other" if given else f"none of {', '.join(names)} is given"
        self.note(given[1] if given else None, problem, f"Give exactly one of {', '.join(names)}")
        return None

    def refuse(self, names: Sequence[str], beside: str) -> None:
        """Note every one of these fields that is given although it means nothing beside another."""
        for name in names:
            if self.has(name):
                self.note(name, f"{name} means nothing beside {beside}", "Leave it out")

    def text(self, name: str) -> str:
        """A text that must be given and is not blank, exactly as written."""
        node = self._given(name)
        if node is None:
            self.note(name, f"{name} is missing", f"Write {name}")
            return ""
        return self._text(name, node)

    def identifier(self, name: str) -> str:
        """A text without blanks around it: an id or a source's name."""
        return self._unpadded(name, self.text(name))

    def identifiers(self, name: str) -> tuple[str, ...]:
        """A list of ids without doubles, at least one."""
        texts = [self._unpadded(name, self._text(name, item)) for item in self._items(name)]
        return self.distinct(name, tuple(texts))

    def distinct(self, name: str, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The same texts; noted when one stands there twice."""
        for doubled in sorted({text for text in texts if text and texts.count(text) > 1}):
            self.note(name, f'"{doubled}" stands here twice', "Name each one once")
        return texts

    def parts(self, name: str, known: Sequence[str]) -> tuple["EntryFields", ...]:
        """A list of tables inside the entry, each to be read like an entry of its own."""
        tables = []
        for item in self._items(name):
            if isinstance(item, Table):
                tables.append(EntryFields(self._section, self._entry, item, known, self.problems))
            else:
                self._note_shape(name, f"Write {{{known[0]}: ..., {known[1]}: ...}}")
        return tuple(tables)

    def inner(self, name: str, known: Sequence[str]) -> "EntryFields | None":
        """A table inside the entry, to be read like an entry of its own; None when it is not given or is no table."""
        node = self._given(name)
        if isinstance(node, Table):
            return EntryFields(self._section, self._entry, node, known, self.problems)
        if node is not None:
            self._note_shape(name, f"Write {name}: {{{known[0]}: ...}}")
        return None

    def word(self, name: str, words: Sequence[str]) -> str:
        """One of several words; noted, and the first of them, when it is another one."""
        text = self.text(name)
        if text in words:
            return text
        if text:
            self.note(name, f'"{text}" is not known here', f"Write one of {', '.join(words)}")
        return words[0]

    def number(self, name: str, places: int = SCALE) -> Decimal | None:
        """An exact number with at most that many decimals; None when it is not given or cannot be read."""
        node = self._given(name)
        return None if node is None else self._number(name, node, places)

    def numbers(self, name: str) -> tuple[Decimal, ...]:
        """A list of exact numbers, at least one; without those that could not be read."""
        read = [self._number(name, item, SCALE) for item in self._items(name)]
        return tuple(number for number in read if number is not None)

    def validity(self) -> Validity:
        """From when (inclusive) until when (exclusive) the entry holds."""
        start, end = self._day("from"), self._day("until")
        if start is not None and end is not None and end <= start:
            self.note("until", f"the entry holds on no day: until {end} is not after from {start}", "Mend the dates")
        return Validity(start, end)

    def _given(self, name: str) -> Node | None:
        node = self._table.fields.get(name)
        return None if isinstance(node, Scalar) and node.kind is ScalarKind.NULL else node

    def _note_unknown(self, name: str) -> None:
        near = difflib.get_close_matches(name, self._known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        self.note(name, f"there is no field {name}", f"{hint}An entry here takes {', '.join(self._known)}")

    def _note_shape(self, name: str, remedy: str) -> None:
        self.note(name, f"{name} has the wrong shape", remedy)

    def _items(self, name: str) -> tuple[Node, ...]:
        node = self._given(name)
        if not isinstance(node, Listing):
            self._note_shape(name, f"Write a list: {name}: [...]")
            return ()
        if not node.items:
            self.note(name, f"{name} is an empty list", "Name at least one, or leave the entry out")
        return node.items

    def _text(self, name: str, node: Node) -> str:
        if not isinstance(node, Scalar) or node.kind is ScalarKind.NULL:
            self._note_shape(name, f'Write one text: {name}: "..."')
            return ""
        if node.kind not in _READABLE_AS_TEXT:
            problem = f"{node.text} without quotes is read differently by different programs"
            self.note(name, problem, f'Put it in quotes: "{node.text}"')
        elif not node.text.strip() and node.kind is ScalarKind.TEXT:
            self.note(name, f"{name} is blank", f"Write {name}")
        return node.text

    def _unpadded(self, name: str, text: str) -> str:
        if text and text.strip() != text and text.strip():
            self.note(name, f'"{text}" has blanks around it', f'Write "{text.strip()}"')
        return text

    def _number(self, name: str, node: Node, places: int) -> Decimal | None:
        known_problems = len(self.problems)
        text = self._text(name, node)
        parts = _NUMBER.fullmatch(text)
        if len(self.problems) > known_problems:
            return None
        if parts is None:
            self.note(name, f'"{text}" is no number', 'Write digits and a decimal point: "12" or "0.6"')
            return None
        if len(parts[2] or "") > places or len(parts[1]) > PRECISION - SCALE:
            limit = f"{PRECISION - SCALE} digits before the point and {places} after it"
            self.note(name, f'"{text}" cannot be kept exactly', f"Write at most {limit}")
        return Decimal(text)

    def _day(self, name: str) -> date | None:
        node = self._given(name)
        if node is None:
            return None
        text = node.text if isinstance(node, Scalar) else ""
        try:
            return date.fromisoformat(text if _DATE.fullmatch(text) else "")
        except ValueError:
            self._note_shape(name, f"Write a date: {name}: 2027-01-31")
        return None
