"""What is proposed for a key of a profile, and the proposal written as YAML that reads back as it was meant.

Belongs here: a choice with its reason and alternatives, text of strangers' files made safe to show and to write.
Does not belong here: the evidence for any choice.
"""

import json
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Need = Literal["choose", "confirm"]
"""``choose``: the sample does not prove a value, and the profile is refused until a person gives one. ``confirm``: the
sample speaks for the value, and a person has to look at it."""

WIDTH = 116
_MOST_SHOWN = 48

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./()-]+)*")
_NOT_PLAIN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""Words that one or another reader of YAML takes for something else than text."""


@dataclass(frozen=True)
class Choice:
    """One key of the profile, dotted (``columns.quantity``): its value, why, what else it could be, as YAML.

    A value of None under ``choose`` is what a person must fill in.
    """

    key: str
    value: object
    reason: str
    alternatives: tuple[str, ...] = ()
    need: Need | None = None

    def as_json(self) -> dict[str, object]:
        """The choice for machines."""
        return {
            "key": self.key,
            "value": self.value,
            "reason": self.reason,
            "alternatives": list(self.alternatives),
            "needs": self.need,
        }


def shown(text: str) -> str:
    """Text of a file as a sentence may hold it: in quotes, on one line, cut, and without anything that acts."""
    cut = text[:_MOST_SHOWN] + ("..." if len(text) > _MOST_SHOWN else "")
    return "'" + visible(cut) + "'"


def visible(text: str) -> str:
    """The text with every character that does not print written as its number."""
    return "".join(character if character.isprintable() else _number(character) for character in text)


def _number(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def listed(texts: Sequence[str], most: int = 5) -> str:
    """Texts of a file for a sentence, the first of them."""
    rest = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(map(shown, texts[:most])) + rest


def counted(rows: int) -> str:
    """A number of rows in words."""
    return "1 row" if rows == 1 else f"{rows} rows"


def flow(value: object) -> str:
    """A value on one line of YAML: what every reader of YAML reads back as the same value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and value.lower() not in _NOT_PLAIN
        return value if is_plain else visible(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return json.dumps(value)


def yaml_of(choices: Sequence[Choice], title: str = "", ending: Sequence[str] = ()) -> str:
    """The document: above each key why it is so, what else it could be, and what a person has to do."""
    lines = _comment(title, "") if title else []
    for block, inside in groupby(choices, key=lambda choice: choice.key.partition(".")[0]):
        group = list(inside)
        is_nested = "." in group[0].key
        lines += [f"{block}:"] if is_nested else []
        for choice in group:
            lines += _lines(choice, "  " if is_nested else "")
    for sentence in ending:
        lines += _comment(sentence, "")
    return "\n".join(lines) + "\n"


def _lines(choice: Choice, indent: str) -> list[str]:
    need = f"{choice.need.upper()}: " if choice.need else ""
    told = _comment(need + choice.reason, indent)
    for alternative in choice.alternatives:
        told += _comment(f"or: {alternative}", indent)
    key = choice.key.rpartition(".")[2]
    return [*told, f"{indent}{key}: {flow(choice.value)}"]


def _comment(text: str, indent: str) -> list[str]:
    """Comment lines; the text cannot end one early, whatever it holds."""
    start = f"{indent}# "
    return textwrap.wrap(
        visible(" ".join(text.split())),
        WIDTH,
        initial_indent=start,
        subsequent_indent=start + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
