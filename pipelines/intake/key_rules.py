"""Keys: which text names an account, a service, a subscription, a counted unit, a part, and which text no longer does.

Belongs here: joining parts, what Excel leaves of an id, blank and hidden keys.
Does not belong here: how keys of files and mappings compare (``pipelines.mapping.keys``).
"""

from collections.abc import Sequence
from dataclasses import replace

from pipelines.intake.columns import Column
from pipelines.intake.comparison_rules import compared
from pipelines.intake.expression import (
    ANSWERED,
    COMPARED,
    EXPORT_AGAIN,
    FILTERED,
    FIX_CELL,
    FIX_OR_PROFILE,
    JUDGED,
    READ,
    TEXTS,
    Expression,
)
from pipelines.intake.profile import read_columns
from pipelines.intake.rows import Reduction
from pipelines.intake.sqltext import all_of, any_of, case, literal
from pipelines.intake.text_rules import meaning
from pipelines.intake.unpivot_rules import is_made

LONGEST_KEY = 500
"""Characters of a key; a longer one is text that slipped into the column."""

_DAMAGED = (
    r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-]?[0-9]{1,3}"
    r"|#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FORMULA!|#+)"
)
"""What Excel leaves of an id that it took for a number or a formula; ``#FORMULA!`` is our word for one not computed."""

_DATED = (
    r"(?i)[0-9]{1,2}-(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)-[0-9]{1,2}"
)
"""What Excel makes of a part number such as ``SEP-3``: several numbers become one and the same day."""

_HIDDEN = r"[\x00-\x08\x0e-\x1f\x7f\x{202a}-\x{202e}\x{2066}-\x{2069}]"
"""Control characters and those that turn the writing direction: they make one key show as another."""

_FEWEST_ZEROS = 3
"""Zeros that ids must end in before they are suspected; those of real ids do so once in a thousand files."""

_NO_ACCOUNT = "nobody can tell whose row it is: the cell cannot be compared as rekey says"

_DIGITS_LOST = "digits are lost; export again without opening the file in Excel"

_MADE_A_DATE = "Excel may have made a date of it; export again without opening the file in Excel"

_BACKSLASHES = literal(r"(\\+)(\||$)")
_DOUBLED = literal(r"\1\1\2")
_ESCAPED = literal(r"\|")


def add_keys(rows: Expression) -> None:
    """Account and service keys, counted units and parts of a month, never blank; subscription ids, which may be."""
    columns = rows.profile.columns
    _add_account(rows)
    before = len(rows.checks)
    rows.layers[READ]["service_key"] = _key(rows, "service_key", columns.service_key, "the service key is blank")
    _add_read(rows, "service", before)
    rows.layers[READ]["subscription_id"] = _subscription(rows, columns.subscription_id)
    rows.layers[READ]["unit_key"] = _unit(rows, columns.quantity.count_distinct)
    _add_part(rows)


def columns_of_cut_ids(names: Sequence[str]) -> str:
    """Whether all ids of more than fifteen digits in each of the columns end in zeros from there; null without any.

    Over the relation ``answers``. Excel makes zeros of every further digit, so that ids which began alike become one;
    a single id that ends in zeros may be right, so nothing is refused.
    """
    asked = (
        f"bool_and(right({name}, -15) = repeat('0', length({name}) - 15)) FILTER ({_long(name)})" for name in names
    )
    return f"SELECT {', '.join(asked)} FROM answers WHERE kind = 'valid'"


def count_of_cut_ids(name: str) -> str:
    """How many such ids a column has; no row where they end in so few zeros that they may be right."""
    ids = f"SELECT DISTINCT {name} AS id FROM answers WHERE kind = 'valid' AND {_long(name)}"
    return f"SELECT count(*) FROM ({ids}) HAVING sum(length(id) - 15) >= {_FEWEST_ZEROS}"


def _long(name: str) -> str:
    """Whether a cell is a number of more than fifteen digits."""
    return f"length({name}) > 15 AND regexp_full_match({name}, '[1-9][0-9]*')"


def _add_account(rows: Expression) -> None:
    """The account that the account columns name, or the first rule of ``rekey`` whose condition holds."""
    before, blank = len(rows.checks), "the account key is blank"
    key = _key(rows, "account_key", rows.profile.columns.account_key, blank)
    if not rows.profile.rekey:
        rows.layers[READ]["account_key"] = key
        return _add_read(rows, "account", before)
    _only_where("rekeyed_by = -1", rows, before)
    fitting, keys = [], [("rekeyed_by = -1", key)]
    for place, rule in enumerate(rows.profile.rekey):
        name, column = f"rekey{place}", Column(column=rule.where.column)
        rows.layers[COMPARED][name] = compared(rows, name, rule.where)
        rows.check(f"rekeyed_by IS NULL AND {name} IS NULL", rows.position(column), _NO_ACCOUNT, FIX_OR_PROFILE)
        fitting += [(f"{name} IS NULL", "NULL"), (name, str(place))]
        own = len(rows.checks)
        keys.append((f"rekeyed_by = {place}", _key(rows, f"{name}_key", rule.account_key, blank)))
        _only_where(f"rekeyed_by = {place}", rows, own)
    rows.layers[FILTERED]["rekeyed_by"] = case(fitting, "-1")
    rows.layers[JUDGED]["account_key"] = case(keys, "NULL::VARCHAR")
    return _add_read(rows, "account", before)


def _only_where(condition: str, rows: Expression, since: int) -> None:
    """Checks of a key are for rows that take it."""
    rows.checks[since:] = [
        replace(check, condition=f"{condition} AND ({check.condition})") for check in rows.checks[since:]
    ]


def _key(rows: Expression, name: str, column: Column, blank: str) -> str:
    parts = _key_parts(rows, name, column)
    rows.check(all_of(f"{part} = ''" for part in parts), rows.position(column), blank, FIX_CELL)
    return _joined(parts) if column.parts else parts[0]


def _add_read(rows: Expression, name: str, since: int) -> None:
    """The key of a rejected row as far as it can be read, by the checks of its own."""
    # Where columns are shifted or cut off, no cell can be trusted to be the key.
    unread = any_of(["defect IS NOT NULL", *(f"({check.condition})" for check in rows.checks[since:])])
    # Only of rejected rows is it asked, and copying the keys of millions of others would take its time; but where rows
    # are final, those that are valid by themselves may be rejected later.
    is_asked = "true" if Reduction.NONE in rows.profile.methods else "problem IS NOT NULL"
    read = case([(f"{is_asked} AND NOT {unread}", f"{name}_key")], "NULL::VARCHAR")
    # A rejected record of a wide file speaks for the keys of all its cells.
    is_one_of_many = is_made(rows, getattr(rows.profile.columns, f"{name}_key"))
    rows.layers[ANSWERED][f"read_{name}"] = "NULL::VARCHAR" if is_one_of_many else read


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


def _add_part(rows: Expression) -> None:
    """The column ``part``, NULL where nobody knows it; then a row may be of any part."""
    column = rows.profile.part_column
    if column is None:
        rows.layers[ANSWERED]["part"] = "NULL::VARCHAR"
        return
    before = len(rows.checks)
    rows.layers[READ]["part_key"] = _key(rows, "part_key", column, "names no part of the month")
    own, rows.checks[before:] = rows.checks[before:], []
    rows.doubts += own
    unknown = any_of(f"({check.condition})" for check in own)
    if (totals := rows.profile.rows.totals) and _reads(rows, column, totals.column):
        unknown = f"({unknown} OR is_total)"  # the cell that says *total* names no part
    # Where columns are shifted or cut off, no cell can be trusted to name it.
    is_broken = "(defect IS NOT NULL AND NOT is_total)"
    rows.layers[ANSWERED]["part"] = case([(f"NOT ({is_broken} OR {unknown})", "part_key")], "NULL::VARCHAR")


def _reads(rows: Expression, column: Column, address: str) -> bool:
    place = rows.header.position(address)
    return any(rows.header.column(leaf) == place for leaf in read_columns(rows.profile, column))


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
    rows.check(f"regexp_full_match({text}, {literal(_DATED)})", place, _MADE_A_DATE, EXPORT_AGAIN)
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
