"""Keys: which text names an account, a service, a subscription, a unit that is counted, and which text no longer does.

Belongs here: joining parts, what Excel leaves of an id, blank and hidden keys.
Does not belong here: how keys of files and mappings compare (``pipelines.mapping.keys``).
"""

from pipelines.intake.columns import Column
from pipelines.intake.expression import EXPORT_AGAIN, FIX_CELL, JUDGED, READ, TEXTS, Expression
from pipelines.intake.sqltext import all_of, any_of, case, literal
from pipelines.intake.text_rules import meaning

LONGEST_KEY = 500
"""Characters of a key; a longer one is text that slipped into the column."""

_DAMAGED = (
    r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}"
    r"|#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FORMULA!|#+)"
)
"""What Excel leaves of an id that it took for a number or a formula; ``#FORMULA!`` is our word for one not computed."""

_HIDDEN = r"[\x00-\x08\x0e-\x1f\x7f\x{202a}-\x{202e}\x{2066}-\x{2069}]"
"""Control characters and those that turn the writing direction: they make one key show as another."""

_DIGITS_LOST = "digits are lost; export again without opening the file in Excel"

_BACKSLASHES = literal(r"(\\+)(\||$)")
_DOUBLED = literal(r"\1\1\2")
_ESCAPED = literal(r"\|")


def add_keys(rows: Expression) -> None:
    """Account and service keys and counted units, never blank; subscription ids, which may be."""
    columns = rows.profile.columns
    for name, column in (("account", columns.account_key), ("service", columns.service_key)):
        before = len(rows.checks)
        parts = _key_parts(rows, f"{name}_key", column)
        rows.layers[READ][f"{name}_key"] = _joined(parts) if column.parts else parts[0]
        blank = all_of(f"{part} = ''" for part in parts)
        rows.check(blank, rows.position(column), f"the {name} key is blank", FIX_CELL)
        # Where columns are shifted or cut off, no cell can be trusted to be the key.
        unread = any_of(["defect IS NOT NULL", *(check.condition for check in rows.checks[before:])])
        rows.layers[JUDGED][f"read_{name}"] = case([(f"NOT {unread}", f"{name}_key")], "NULL::VARCHAR")
    rows.layers[READ]["subscription_id"] = _subscription(rows, columns.subscription_id)
    rows.layers[READ]["unit_key"] = _unit(rows, columns.quantity.count_distinct)


def _subscription(rows: Expression, column: Column | None) -> str:
    if column is None:
        return "NULL::VARCHAR"
    parts = _key_parts(rows, "subscription_id", column)
    is_blank = all_of(f"{part} = ''" for part in parts)
    return case([(is_blank, "NULL")], _joined(parts) if column.parts else parts[0])


def _unit(rows: Expression, column: Column | None) -> str:
    """What tells one unit from another where distinct values are counted."""
    if column is None:
        return "NULL::VARCHAR"
    (unit,) = _key_parts(rows, "unit_key", column)
    untold = "the value that is counted is blank: nobody can tell whether it is one more unit"
    rows.check(f"{unit} = ''", rows.position(column), untold, FIX_CELL)
    return unit


def _key_parts(rows: Expression, name: str, column: Column) -> list[str]:
    """The columns that hold the parts of a key, with the checks that each is a key at all."""
    names = []
    for place, part in enumerate(column.parts or (column,)):
        text = f"{name}_{place}"
        rows.layers[TEXTS][text] = _part(rows, part)
        _check_part(rows, text, part)
        names.append(text)
    return names


def _part(rows: Expression, part: Column) -> str:
    """The text of a part; where a mapped field reads the same cell in the same way, what its spelling means."""
    for name, meanings in rows.profile.maps.declared.items():
        mapped = getattr(rows.profile.columns, name)
        if mapped is not None and _is_same_reading(rows, part, mapped):
            return meaning(rows.text(part), meanings)
    return rows.text(part)


def _is_same_reading(rows: Expression, one: Column, other: Column) -> bool:
    place = rows.header.column(one)
    if place is None or place != rows.header.column(other):
        return False
    return (one.extract, one.replace, one.case) == (other.extract, other.replace, other.case)


def _check_part(rows: Expression, text: str, part: Column) -> None:
    place = rows.position(part)
    rows.check(f"regexp_full_match({text}, {literal(_DAMAGED)})", place, _DIGITS_LOST, EXPORT_AGAIN)
    hidden = "the key holds hidden characters that control the writing"
    rows.check(f"regexp_matches({text}, {literal(_HIDDEN)})", place, hidden, FIX_CELL)
    rows.check(f"length({text}) > {LONGEST_KEY}", place, f"the key is longer than {LONGEST_KEY} characters", FIX_CELL)


def _joined(parts: list[str]) -> str:
    """The parts with ``|`` between them, so that no two lists of parts give one text.

    A ``|`` inside a part is written with a backslash before it; backslashes that stand before a ``|`` or end a part
    are doubled.
    """
    doubled = (f"regexp_replace({part}, {_BACKSLASHES}, {_DOUBLED}, 'g')" for part in parts)
    return " || '|' || ".join(f"replace({part}, '|', {_ESCAPED})" for part in doubled)
