"""A profile and a header become the one relational expression that types every row or says why it is rejected.

Belongs here: putting the row rules together, the judgement of each record.
Does not belong here: running it (``resources.warehouse.reading``), judging the whole file (``completeness``).
"""

from dataclasses import dataclass
from datetime import date

from pipelines.intake.day_rules import add_days
from pipelines.intake.expression import ANSWERED, EXPORT_AGAIN, JUDGED, Check, Expression
from pipelines.intake.filter_rules import add_filters, add_method
from pipelines.intake.headers import Header, unpivoted_places
from pipelines.intake.key_rules import add_keys
from pipelines.intake.measure_rules import ZERO, add_measures
from pipelines.intake.profile import ImportProfile
from pipelines.intake.rows import CARRY_QUANTITY, Reduction
from pipelines.intake.sqltext import all_of, any_of, case, literals
from pipelines.intake.text_rules import MAPPED, add_texts
from pipelines.intake.unpivot_rules import add_cells, folded, unpivoted


@dataclass(frozen=True)
class CompiledRows:
    """The expression over the relation ``records``, and what its answers mean.

    ``records`` has ``row``, ``defect`` (NULL, ``long`` or ``cut``), ``is_set_aside`` (a person ignores the record) and
    ``c<position>`` for each of ``positions``. Every record comes back once, with ``kind`` (``valid``, ``rejected``,
    ``ignored`` or ``totals``) and, where it is rejected, ``problem``: an index into ``checks``. ``is_bare`` says that
    none of its mapped cells holds anything.
    """

    sql: str
    positions: tuple[int, ...]
    checks: tuple[Check, ...]
    is_unpivoted: bool = False
    """A record may have several answers, each with the place of its ``cell``; all of them are of one kind."""

    @property
    def second_row(self) -> int:
        """The check that a row fails which is not the only one of its key, where rows are final."""
        return len(self.checks) - 1


def compile_rows(profile: ImportProfile, header: Header, as_of: date | None = None) -> CompiledRows:
    """How the rows of a file are read whose header is known. Text of users stands in literals only.

    ``as_of`` is the day for which the file speaks; without it no row is known to be ``within_days`` of it.
    """
    rows = Expression(profile, header, as_of)
    add_keys(rows)
    add_cells(rows)
    add_measures(rows)
    add_texts(rows)
    add_days(rows)
    add_filters(rows)
    add_method(rows)
    checks = (*_RECORD_CHECKS, *rows.doubts, *rows.checks, _SECOND_ROW)
    _add_judgement(rows, checks)
    rows.layers[JUDGED]["is_bare"] = all_of(f"t{place} = ''" for place in sorted(rows.positions))
    places = unpivoted_places(profile, header)
    if not places:
        sql = f"SELECT {', '.join(ANSWERS)} FROM ({rows.sql('SELECT * FROM records')})"
        return CompiledRows(sql, tuple(sorted(rows.positions)), checks)
    sql = rows.sql(unpivoted("SELECT * FROM records", header, places))
    in_the_file = {place for place in rows.positions if place < len(header.cells)}
    return CompiledRows(
        folded(f"SELECT {', '.join(ANSWERS)}, cell FROM ({sql})"),
        tuple(sorted(in_the_file | set(places))),
        checks,
        is_unpivoted=True,
    )


TYPED = (
    "account_key",
    "account_name",
    "service_key",
    "service_name",
    "quantity",
    "unit_cost",
    "amount",
    "currency",
    "commitment_term",
    "billing_cycle",
    "subscription_id",
    "charge_start",
    "charge_end",
    "term_end",
    "renewal_quantity",
    "charge_kind",
    "charge_class",
    "method",
    "is_negated",
    "size_quantity",
    "unit_key",
    "is_cycle",
    "is_rounded",
)
"""What is handed on of a valid row."""

ANSWERS = (
    *("row", "is_bare", "period", "part", "kind", "problem", "problem_value", "is_failure"),
    *("read_account", "read_service", "totalled", "service_parts", "rounded", "flag"),
    *(f"{name}_unmapped" for name in MAPPED),
    *TYPED,
)
"""Everything that is known of a record. ``totalled`` is what control totals add up, whatever the record is."""


_RECORD_CHECKS = (
    Check(
        "is_failure",
        None,
        "the collector reports a failure in place of an account or service",
        "Let the collector run again and drop its new file.",
    ),
    Check(
        "defect = 'long'",
        None,
        "the record has more cells than the header: a separator in an unquoted cell shifts its columns",
        "Export the file again with quoted cells, or disregard the row (trueup rows ignore).",
    ),
    Check("defect = 'cut'", None, "the file ends in the middle of this record", EXPORT_AGAIN),
)
"""What can be wrong with a record as a whole, before any of its cells is looked at."""


_SECOND_ROW = Check(
    "false",
    None,
    "another row of the file has the same account, service, subscription and currency, and the method none takes every "
    "row as final",
    "Disregard the row that does not count (trueup rows ignore), or name the method by which they make one quantity "
    "(aggregate.method of the profile).",
)
"""What no row can say by itself. All rows of the key fail it, since nobody knows which of them is the right one."""


def second_rows(match_account: str, match_service: str, *, by_term: bool) -> str:
    """The numbers of all records that share their key with another under the method ``none``.

    Over the relation ``answers``; ``match_account`` and ``match_service`` are the keys as they compare.
    """
    key = ["period", "part", "match_account", "match_service", "currency", "subscription_id"]
    key += ["commitment_term"] if by_term else []
    final = f"kind = 'valid' AND method = '{Reduction.NONE}' AND charge_class IN {literals(CARRY_QUANTITY)}"
    matched = f"SELECT *, {match_account} AS match_account, {match_service} AS match_service FROM answers WHERE {final}"
    return (
        f"SELECT DISTINCT row FROM (SELECT row, count(*) OVER (PARTITION BY {', '.join(key)}) AS times "
        f"FROM ({matched})) WHERE times > 1 ORDER BY row"
    )


def _add_judgement(rows: Expression, checks: tuple[Check, ...]) -> None:
    """What each record is, and for a rejected one the first check that it fails and the cell at fault."""
    rows.layers[JUDGED]["problem"] = case(
        [(f"({check.condition})", str(number)) for number, check in enumerate(checks)], "NULL::INT"
    )
    is_ignored_zero = ZERO if rows.profile.rows.zero == "ignore" else "false"
    rows.layers[ANSWERED]["kind"] = case(
        [
            ("is_set_aside", "'ignored'"),
            ("is_failure", "'rejected'"),
            ("is_total AND is_blank_cell", "'ignored'"),
            ("is_total", "'totals'"),
            ("defect IS NOT NULL", "'rejected'"),
            ("passes = false OR is_blank_cell", "'ignored'"),
            ("problem IS NOT NULL", "'rejected'"),
            (is_ignored_zero, "'ignored'"),
        ],
        "'valid'",
    )
    rows.layers[ANSWERED]["problem_value"] = _cell_at_fault(checks)


def _cell_at_fault(checks: tuple[Check, ...]) -> str:
    by_position: dict[int, list[str]] = {}
    for number, check in enumerate(checks):
        if check.position is not None:
            by_position.setdefault(check.position, []).append(str(number))
    cells = [
        (any_of(f"problem = {number}" for number in numbers), f"c{place}") for place, numbers in by_position.items()
    ]
    return case([("problem IS NULL", "NULL::VARCHAR"), *cells], "NULL::VARCHAR")
