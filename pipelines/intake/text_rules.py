"""Names, terms, currencies and charge kinds: what the spellings of a file mean.

Belongs here: maps, folding of charge kinds, the class of a row.
Does not belong here: keys (``key_rules``).
"""

from pipelines.intake.blanks import BLANKS
from pipelines.intake.columns import Column
from pipelines.intake.conventions import folded_kind
from pipelines.intake.expression import ANSWERED, FIX_OR_PROFILE, MEANT, READ, TEXTS, VALUES, Expression
from pipelines.intake.rows import RowClass
from pipelines.intake.sqltext import case, literal, literals

MAPPED = ("commitment_term", "billing_cycle", "currency", "charge_kind")
"""Fields whose spellings a profile may map."""


def add_texts(rows: Expression) -> None:
    """Names, mapped texts, the class of each row and whether it states a whole size."""
    columns = rows.profile.columns
    name = _name(rows, columns.account_name, "account_key")
    if rows.profile.rekey:
        # The name that stands in the row is that of the account it was taken from.
        rows.layers[ANSWERED]["account_name"] = case([("rekeyed_by = -1", name)], "account_key")
    else:
        rows.layers[MEANT]["account_name"] = name
    rows.layers[MEANT]["service_name"] = _name(rows, columns.service_name, "service_key")
    for name in MAPPED:
        _add_mapped(rows, name)
    if columns.currency:
        wrong = "currency IS NOT NULL AND NOT regexp_full_match(currency, '[A-Z]{3}')"
        place = rows.position(columns.currency)
        rows.check(wrong, place, "is no currency code of three letters (ISO 4217)", FIX_OR_PROFILE)
    rows.layers[MEANT]["folded_kind"] = f"lower(regexp_replace(charge_kind, {literal(f'[-_{BLANKS}]')}, '', 'g'))"
    rows.layers[VALUES]["charge_class"] = _charge_class(rows)
    cycle = [folded_kind(kind) for kind in rows.profile.aggregate.cycle]
    rows.layers[VALUES]["is_cycle"] = f"coalesce(folded_kind IN {literals(cycle)}, false)" if cycle else "false"


def meaning(sql: str, meanings: dict[str, str]) -> str:
    """What a spelling means; one that no map names stands for itself."""
    return case(((f"{sql} = {literal(old.strip(BLANKS))}", literal(new)) for old, new in meanings.items()), sql)


def _name(rows: Expression, column: Column | None, key: str) -> str:
    """A name for people; the key where there is none."""
    if column is None:
        return key
    parts = (f"nullif({rows.text(part)}, '')" for part in column.parts or (column,))
    return f"coalesce(nullif(concat_ws(' ', {', '.join(parts)}), ''), {key})"


def _add_mapped(rows: Expression, name: str) -> None:
    meanings = rows.profile.maps.declared.get(name, {})
    text = f"{name}_text"
    rows.layers[TEXTS][text] = rows.text(getattr(rows.profile.columns, name))
    meant = meaning(text, meanings)
    rows.layers[READ][name] = f"nullif({f'upper({meant})' if name == 'currency' else meant}, '')"
    known = literals(["", *(old.strip(BLANKS) for old in meanings), *meanings.values()])
    rows.layers[READ][f"{name}_unmapped"] = case(
        [(f"{text} NOT IN {known}", text)] if meanings else [], "NULL::VARCHAR"
    )


def _charge_class(rows: Expression) -> str:
    """Without a column of charge kinds every row is recurring; a kind in no list, or none, is unknown."""
    if rows.profile.columns.charge_kind is None:
        return literal(RowClass.RECURRING)
    classes = ((name, kinds) for name, kinds in rows.profile.charges.by_class if kinds)
    return case(((f"folded_kind IN {literals(k)}", literal(name)) for name, k in classes), literal(RowClass.UNKNOWN))
