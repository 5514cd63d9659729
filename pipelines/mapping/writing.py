"""Mapping entries as the text of a mapping file: sorted, one entry a line, the same for the same entries.

Belongs here: the spelling of every field, quoting, order.
Does not belong here: reading it back (``document``).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal

from pipelines.mapping.comparing import subject_of
from pipelines.mapping.entries import AccountMapping, MappingEntry, ServiceMapping, ServiceRule, SkippedKey, UnitRule
from pipelines.mapping.naming import RecordName, named_targets
from pipelines.quantities import text

SECTIONS = ("accounts", "services", "units")
NAMES = "names"
"""The section that decides nothing: what the ids of the others are called in the PSA that they are of."""

Value = str | list[str] | list[dict[str, str]]
_PLAIN_FIELDS = {"rule", "round"}


def write_mappings(entries: Iterable[MappingEntry]) -> str:
    """The YAML of a mapping file that says what the entries say.

    Sorted by what they are about and from when, so that a diff shows decisions and nothing else.
    """
    return _written(entries, _nothing)


def write_named_mappings(entries: Iterable[MappingEntry], names: Sequence[RecordName]) -> str:
    """The same file with the PSA's names: as a comment beside each id, and as a section that decides nothing."""
    called = {(str(each.kind), each.id): words_of(each) for each in names}

    def beside(entry: MappingEntry) -> str:
        told = [called.get(target, f"{target[0]} {target[1]}: no name known") for target in named_targets(entry)]
        return f"  # {on_one_line('; '.join(told))}" if told else ""

    rows = "".join(f"  - {_table(_name_fields(each))}\n" for each in names)
    return _written(entries, beside) + (f"\n{NAMES}:\n{rows}" if rows else f"\n{NAMES}: []\n")


def words_of(record: RecordName) -> str:
    """A record of the PSA for people: its name, and a service's code."""
    return " ".join(part for part in (record.name.strip(), f"[{record.code}]" if record.code else "") if part)


def _nothing(_: MappingEntry) -> str:
    return ""


def _written(entries: Iterable[MappingEntry], beside: Callable[[MappingEntry], str]) -> str:
    ordered = sorted(entries, key=lambda entry: (subject_of(entry), entry.validity.valid_from or date.min))
    return "\n".join(
        _section(name, [f"{entry_as_line(entry)}{beside(entry)}" for entry in ordered if subject_of(entry)[0] == name])
        for name in SECTIONS
    )


def _name_fields(record: RecordName) -> dict[str, Value]:
    known = {"code": record.code, "name": record.name}
    return {str(record.kind): record.id, **{field: words for field, words in known.items() if words.strip()}}


def entry_as_document(entry: MappingEntry) -> dict[str, Value]:
    """One entry with the fields of a mapping file; what is as it would be without saying so is left out."""
    dates = {"from": entry.validity.valid_from, "until": entry.validity.valid_until}
    return _decision(entry) | {name: day.isoformat() for name, day in dates.items() if day is not None}


def entry_as_line(entry: MappingEntry) -> str:
    """One entry as it stands on a line of a mapping file: ``{source: "Pax8", key: "acme-001", account: "250"}``."""
    return _table(entry_as_document(entry))


def _decision(entry: MappingEntry) -> dict[str, Value]:
    match entry:
        case AccountMapping():
            return {"source": entry.source, "key": entry.key, **_account_target(entry)}
        case ServiceMapping():
            return {"source": entry.source, "key": entry.key, **_service_target(entry)}
        case SkippedKey():
            return {"source": entry.source, "key": entry.key, "skip": entry.reason}
    return _unit_fields(entry)


def _account_target(entry: AccountMapping) -> dict[str, Value]:
    if entry.exclude is not None:
        return {"exclude": entry.exclude}
    if len(entry.shares) == 1:
        return {"account": entry.shares[0].target}
    return {"split": [{"account": share.target, "share": text(share.share)} for share in entry.shares]}


def _service_target(entry: ServiceMapping) -> dict[str, Value]:
    if entry.exclude is not None:
        return {"exclude": entry.exclude}
    fields: dict[str, Value] = {"services": [str(service) for service in entry.services]}
    if entry.rule is not ServiceRule.ONE:
        fields["rule"] = entry.rule.value
    if entry.shares:
        fields["shares"] = [text(share) for share in entry.shares]
    return fields if entry.percent == 100 else fields | {"percent": text(entry.percent)}


def _unit_fields(entry: UnitRule) -> dict[str, Value]:
    targets = {"line": entry.line, "account": entry.account, "service": entry.service}
    fields: dict[str, Value] = {name: target for name, target in targets.items() if target is not None}
    if entry.block is not None:
        fields["round"] = "up"
    numbers: dict[str, Decimal | None] = {
        "block": entry.block,
        "included": entry.included or None,
        "minimum": entry.minimum,
        "maximum": entry.maximum,
    }
    return fields | {name: text(number) for name, number in numbers.items() if number is not None}


def _section(name: str, lines: list[str]) -> str:
    if not lines:
        return f"{name}: []\n"
    return f"{name}:\n" + "".join(f"  - {line}\n" for line in lines)


def _table(fields: dict[str, Value] | dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}: {_spelled(name, value)}" for name, value in fields.items()) + "}"


def _spelled(name: str, value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_table(item) if isinstance(item, dict) else _quoted(item) for item in value) + "]"
    return str(value) if name in _PLAIN_FIELDS or name in {"from", "until"} else _quoted(str(value))


def _quoted(plain: str) -> str:
    return '"' + "".join(_escaped(character) for character in plain) + '"'


def _escaped(character: str) -> str:
    return f"\\{character}" if character in {'"', "\\"} else on_one_line(character)


def on_one_line(text: str) -> str:
    """Text of anybody as it may stand in a comment, or between quotes: printable characters as they are, all others,
    line breaks included, by their number, as YAML reads them."""
    return "".join(each if each.isprintable() else f"\\U{ord(each):08x}" for each in text)
