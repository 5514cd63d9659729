"""A profile's YAML as plain data, read without YAML's surprises, and written back in one canonical spelling.

Belongs here: which scalars mean what, what a document may not contain.
Does not belong here: what a profile may say (``profile``).
"""

import re
from decimal import Decimal
from enum import StrEnum

import yaml

MAX_CHARACTERS = 256 * 1024
"""No profile is a hundredth of this; a larger text is not one."""


class DocumentError(Exception):
    """The text is no YAML document that can be taken at its word. ``str`` is for operators."""


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of its 1.2 core: ``Yes`` and ``00047`` are text, ``0.1`` is an exact decimal.

    Belongs to no vendor: YAML 1.1 reads ``NO`` as false, ``00047`` as 39 and ``12:30`` as 750.
    """

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """The next node; an alias is refused, because a few of them unfold into gigabytes."""
        if self.check_event(yaml.events.AliasEvent):
            raise DocumentError("aliases (*name) are not allowed in a profile: write the value out")
        if getattr(self.peek_event(), "tag", None) is not None:  # type: ignore[no-untyped-call]
            raise DocumentError("tags (!name) are not allowed in a profile: write the plain value")
        return super().compose_node(parent, index)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """The text of a scalar; a half of a surrogate pair is no text that could be stored."""
        value = str(super().construct_scalar(node))
        value.encode()
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping; a key that stands twice is refused, since the last one would win in silence."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise DocumentError(f"the key {name!r} stands twice (line {key.start_mark.line + 1})")
            seen.add(name)
        return super().construct_mapping(node, deep)


class _Dumper(yaml.SafeDumper):
    """Writes what ``_Loader`` reads."""


_Loader.yaml_implicit_resolvers = _Dumper.yaml_implicit_resolvers = {}


def _scalar(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})\\Z"), list(first))


_scalar("bool", "true|false", "tf")
_scalar("null", "~|null|", "~n")
_scalar("int", "-?(?:0|[1-9][0-9]{0,27})", "-0123456789")
_scalar("float", r"-?(?:0|[1-9][0-9]{0,27})\.[0-9]{1,10}", "-0123456789")
_scalar("timestamp", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "0123456789")
_Loader.yaml_implicit_resolvers[""] = [("tag:yaml.org,2002:null", re.compile(r"\Z"))]


def _decimal(loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    return Decimal(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def _represent_decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    plain = format(value, "f")
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in plain else 'int'}", plain)


_Dumper.add_representer(Decimal, _represent_decimal)
_Dumper.add_multi_representer(StrEnum, lambda dumper, value: dumper.represent_str(str(value)))


def read_document(text: str) -> dict[str, object]:
    """The mapping that the text holds: text, whole numbers, decimals, dates, true, false and null, nested.

    Raises ``DocumentError`` with words for operators, whatever the text is.
    """
    if len(text) > MAX_CHARACTERS:
        raise DocumentError(f"the text is longer than {MAX_CHARACTERS:,} characters")
    try:
        data = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DocumentError(f"this is no readable YAML: {_place(error)}") from None
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise DocumentError("the document is not a list of 'key: value' lines")
    return data


def _place(error: Exception) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem} in line {error.problem_mark.line + 1}"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return " ".join(str(error).split())


def write_document(data: dict[str, object]) -> str:
    """The same data in one canonical spelling: keys in order, nothing folded. ``read_document`` reads it back."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=10_000, default_flow_style=False)
