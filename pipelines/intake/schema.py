"""The contract of validated usage: what every row that leaves intake keeps, checked on eager frames.

Belongs here: the Pandera schema of typed rows and running it over one bounded batch.
Does not belong here: the row rules that make it hold (``compile``); a row that breaks it is our own mistake.
"""

import pandera.polars as pa
import polars as pl

from pipelines.intake.rows import Reduction, RowClass
from pipelines.quantities import PRECISION, SCALE

_EXACT = pl.Decimal(PRECISION, SCALE)


def _text(*checks: pa.Check, nullable: bool = True) -> pa.Column:
    return pa.Column(pl.String, checks=list(checks), nullable=nullable)


VALIDATED_USAGE = pa.DataFrameSchema(
    {
        "row": pa.Column(pl.Int64, pa.Check.ge(1), unique=True),
        "account_key": _text(pa.Check.str_length(min_value=1), nullable=False),
        "account_name": _text(nullable=False),
        "service_key": _text(pa.Check.str_length(min_value=1), nullable=False),
        "service_name": _text(nullable=False),
        "quantity": pa.Column(_EXACT),
        "unit_cost": pa.Column(_EXACT, nullable=True),
        "amount": pa.Column(_EXACT, nullable=True),
        "currency": _text(pa.Check.str_matches(r"^[A-Z]{3}$")),
        "commitment_term": _text(),
        "billing_cycle": _text(),
        "subscription_id": _text(),
        "charge_start": pa.Column(pl.Date, nullable=True),
        "charge_end": pa.Column(pl.Date, nullable=True),
        "term_end": pa.Column(pl.Date, nullable=True),
        "renewal_quantity": pa.Column(_EXACT, nullable=True),
        "charge_kind": _text(),
        "charge_class": _text(pa.Check.isin([str(name) for name in RowClass]), nullable=False),
        "method": _text(pa.Check.isin([str(name) for name in Reduction]), nullable=False),
        "is_negated": pa.Column(pl.Boolean),
        "size_quantity": pa.Column(_EXACT, nullable=True),
        "unit_key": _text(pa.Check.str_length(min_value=1)),
        "is_cycle": pa.Column(pl.Boolean),
        "is_rounded": pa.Column(pl.Boolean),
    },
    strict=False,
)
"""Grain: one valid row. ``LazyFrame`` validation looks at the schema alone, so frames are eager."""

_CELLS = VALIDATED_USAGE.update_column("row", unique=False).add_columns({"cell": pa.Column(pl.Int32, pa.Check.ge(0))})
_CELLS.unique = ["row", "cell"]
"""Grain: one valid cell of an unpivoted record."""


def validated(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of one batch, unchanged.

    Raises ``pandera.errors.SchemaError`` when a row breaks the contract: then the row rules have a defect, and nothing
    of the file may be published.
    """
    return (_CELLS if "cell" in rows.columns else VALIDATED_USAGE).validate(rows)
