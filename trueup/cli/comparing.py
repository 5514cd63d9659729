"""Before and after aggregation, side by side: the rows of a sample, and what each method makes of them.

Belongs here: reading a sample under its proposal, one column for each method that comes into question.
Does not belong here: the methods (dbt_project), what is proposed (``pipelines.intake.proposing``).
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pipelines.intake.completeness import judge_file
from pipelines.intake.profile import ImportProfile, ProfileError, load_profile
from pipelines.intake.proposing.choices import Choice, yaml_of
from pipelines.intake.proposing.draft import Proposal
from pipelines.intake.proposing.methods import methods_for, written
from pipelines.intake.readings import ReadFile
from pipelines.intake.rows import Reduction
from pipelines.quantities import text
from resources.workspace import DBT_PROJECT, utc_now

MOST_KEYS = 200
"""Keys of a comparison that are kept, those on which methods disagree first."""

_STAND_INS = {"source": "sample", "basis": "subscription"}
"""What a person has not said yet and what changes no quantity."""


@dataclass(frozen=True)
class Comparison:
    """A sample read under its proposal. ``keys`` are accounts and services with their rows and each method's answer."""

    verdict: str
    reasons: Sequence[str]
    read: ReadFile
    methods: Sequence[str]
    keys: Sequence[dict[str, Any]]

    @property
    def differing(self) -> int:
        """On how many keys the methods disagree."""
        return sum(bool(key["differs"]) for key in self.keys)

    def as_json(self) -> dict[str, Any]:
        """The comparison for machines."""
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "rows": self.read.rows.as_json(),
            "quantity": text(self.read.quantity),
            "rejected": len(self.read.rejected),
            "methods": list(self.methods),
            "keys_total": len(self.keys),
            "keys_differing": self.differing,
            "keys": list(self.keys[:MOST_KEYS]),
        }


def compared(file: Path, proposal: Proposal) -> Comparison | None:
    """The sample under its proposal by every method in question; None while something else is left to choose."""
    from resources.warehouse.reading import DuckDbFileReader  # noqa: PLC0415  DuckDB is needed by this command alone

    methods = _methods(proposal)
    profile = _stand_in(proposal, methods[-1])
    if profile is None:
        return None
    read = DuckDbFileReader().read(file, profile, file_name=file.name, overlays=(), as_of=utc_now().date())
    verdict, reasons = judge_file(profile, read, previous_rows=None)
    keys = [] if read.table is None or read.table.num_rows == 0 else _side_by_side(read.table, methods)
    return Comparison(str(verdict), reasons, read, [str(method) for method in methods], keys)


def _methods(proposal: Proposal) -> list[Reduction]:
    """The methods in question, at least one. ``none`` answers as ``last`` does where a key has one row."""
    if proposal.grain.is_counted:
        counts = any(_is_distinct(choice) for choice in proposal.choices)
        return [Reduction.COUNT_DISTINCT if counts else Reduction.COUNT]
    return [method for method in methods_for(proposal.grain) if method is not Reduction.NONE]


def _is_distinct(choice: Choice) -> bool:
    return choice.key == "columns.quantity" and isinstance(choice.value, dict) and "count_distinct" in choice.value


def _stand_in(proposal: Proposal, method: Reduction) -> ImportProfile | None:
    """The profile as it would be with a method; what only names the file may still be missing."""
    choices = [_stood_in(choice) for choice in proposal.choices if not choice.key.startswith("aggregate.")]
    if not proposal.grain.is_counted:
        aggregate = written(method, proposal.grain)
        choices += [Choice(f"aggregate.{key}", value, "to compare") for key, value in aggregate.items()]
    try:
        return load_profile(yaml_of(choices))
    except ProfileError:
        return None


def _stood_in(choice: Choice) -> Choice:
    if choice.value is None and choice.key in _STAND_INS:
        return replace(choice, value=_STAND_INS[choice.key])
    if choice.key == "charges" and isinstance(choice.value, dict):
        # Kinds that nobody has placed yet are unknown ones, whose rows carry nothing.
        return replace(choice, value={name: kinds for name, kinds in choice.value.items() if name != "choose"})
    return choice


def _side_by_side(table: Any, methods: Sequence[Reduction]) -> list[dict[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415

    from resources.warehouse.lake import Lake  # noqa: PLC0415
    from resources.warehouse.month import MonthWarehouse  # noqa: PLC0415  dbt's import costs a second

    quantities = dict(zip(table["row"].to_pylist(), table["quantity"].to_pylist(), strict=True))
    keys: dict[tuple[Any, ...], dict[str, Any]] = {}
    place = table.schema.get_field_index("method")
    with tempfile.TemporaryDirectory(prefix="trueup-new-") as scratch:
        root = Path(scratch)
        month = MonthWarehouse(Lake(root / "lake", "new"), root / "scratch", DBT_PROJECT)
        for method in methods:
            told = pa.array([str(method)] * table.num_rows, pa.string()).cast(table.schema.field(place).type)
            for key in month.aggregate_preview(table.set_column(place, table.schema.field(place), told)):
                name = (key["account_key"], key["service_key"], key["commitment_term"])
                found = keys.setdefault(name, _before(key, quantities))
                found["after"][str(method)] = key["quantity"]
    for found in keys.values():
        found["differs"] = len(set(found["after"].values())) > 1
    return sorted(keys.values(), key=lambda found: not found["differs"])


def _before(key: dict[str, Any], quantities: dict[int, Decimal]) -> dict[str, Any]:
    names = {name: key[name] for name in ("account_key", "service_key", "commitment_term")}
    return {**names, "before": [{"row": row, "quantity": text(quantities[row])} for row in key["rows"]], "after": {}}
