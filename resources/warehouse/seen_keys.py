"""The keys that stand in usage rows of the lake, each with its names and the months it was seen in.

Belongs here: reading keys out of the readings' Parquet files, in bounded memory.
Does not belong here: what a key may mean (``pipelines.mapping``).
"""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from pipelines.intake.rows import CARRY_QUANTITY
from pipelines.mapping.entries import KeyKind
from pipelines.mapping.seen import SeenKey
from resources.warehouse.answers import scratch_folder
from resources.warehouse.scratch import limits

_MOST_NAMES = 5
"""Names of one key that are told: a key with more is no name of one thing."""

# Names first, months later: the lists that DuckDB cannot spill are then as long as a key has names, not rows.
_KEYS = """
    with named as (
        select
            source,
            match_{kind} as match_key,
            coalesce({kind}_name, {kind}_key) as name,
            min({kind}_key) as key,
            min(period) as first_seen,
            max(period) as last_seen,
            bool_or(period = $month) as is_current
        from read_parquet($files)
        where list_contains($classes, charge_class)
        group by all
    )
    select
        source,
        min(key) as key,
        list_slice(
            coalesce(list(name order by name) filter (where is_current), list(name order by name)), 1, {most}
        ) as names,
        min(first_seen) as first_seen,
        max(last_seen) as last_seen,
        bool_or(is_current) as is_current
    from named
    group by source, match_key
    order by source, key, match_key
"""


def seen_keys(files: Sequence[Path], month: str, scratch_root: Path) -> list[SeenKey]:
    """Every key in the rows of these readings that say how much is used; accounts first, then by source and key.

    A key of the month bears the names it has in it, another one all it ever had.
    """
    if not files:
        return []
    with scratch_folder(scratch_root) as folder, duckdb.connect(config=limits(folder)) as connection:
        return [key for kind in KeyKind for key in _of_kind(connection, kind, files, month)]


def _of_kind(connection: duckdb.DuckDBPyConnection, kind: KeyKind, files: Sequence[Path], month: str) -> list[SeenKey]:
    values = {"month": month, "files": [str(file) for file in files], "classes": [str(each) for each in CARRY_QUANTITY]}
    rows = connection.execute(_KEYS.format(kind=kind, most=_MOST_NAMES), values).fetchall()
    return [
        SeenKey(kind, source, key, tuple(names), first_seen, last_seen, is_current)
        for source, key, names, first_seen, last_seen, is_current in rows
    ]
