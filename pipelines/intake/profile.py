"""Import profiles: everything that is particular to one distributor's file, declared and versioned by content.

Belongs here: the profile language, its checks, its version.
Does not belong here: reading a file with it (``sheet``, ``headers``, ``compile``).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from pipelines.intake.columns import Address, Column, ColumnOrShorthand, Part, Pattern, Text
from pipelines.intake.conditions import Condition
from pipelines.intake.conventions import Charges, Maps, Numbers
from pipelines.intake.dates import DateFormatError, date_pattern
from pipelines.intake.document import DocumentError, read_document, write_document
from pipelines.intake.formula import Formula, FormulaError, cells_of, is_number, read_formula
from pipelines.intake.layout import Arrives, Complete, FileLayout, HeaderPlace, PartFrom, PeriodFrom
from pipelines.intake.rows import Reduction
from pipelines.intake.wide import MadeName, Unpivot, contradictions_of_unpivot


class Basis(StrEnum):
    """What a source counts. Two bases are never added on one line. Stored and shown; never rename one."""

    SUBSCRIPTION = "subscription"
    INVOICE = "invoice"
    ASSIGNED = "assigned"
    DEVICES = "devices"


@dataclass(frozen=True)
class ProfileProblem:
    """One thing that is wrong with a profile: the key, what is wrong with it, what to do."""

    key: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.key}: {self.problem}. {self.remedy}"


class ProfileError(Exception):
    """A profile cannot be used. ``str`` tells an operator everything that is wrong with it."""

    def __init__(self, problems: tuple[ProfileProblem, ...]) -> None:
        super().__init__("the import profile cannot be used: " + " ".join(map(str, problems)))
        self.problems = problems


class Columns(Part):
    """The canonical fields and where each is read. Names default to keys."""

    account_key: ColumnOrShorthand
    account_name: ColumnOrShorthand | None = None
    service_key: ColumnOrShorthand
    service_name: ColumnOrShorthand | None = None
    quantity: ColumnOrShorthand
    unit_cost: ColumnOrShorthand | None = None
    amount: ColumnOrShorthand | None = None
    currency: ColumnOrShorthand | None = None
    commitment_term: ColumnOrShorthand | None = None
    billing_cycle: ColumnOrShorthand | None = None
    subscription_id: ColumnOrShorthand | None = None
    charge_start: ColumnOrShorthand | None = None
    charge_end: ColumnOrShorthand | None = None
    term_end: ColumnOrShorthand | None = None
    renewal_quantity: ColumnOrShorthand | None = None
    charge_kind: ColumnOrShorthand | None = None
    period: ColumnOrShorthand | None = None
    part: ColumnOrShorthand | None = None

    @property
    def mapped(self) -> dict[str, Column]:
        """The columns that are mapped, by canonical field, in the order of the fields."""
        return {name: column for name, column in self if column is not None}

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        for name, column in self.mapped.items():
            for what, is_used, fields in (
                (
                    "count, count_distinct and sum",
                    bool(column.count or column.count_distinct or column.sum),
                    {"quantity"},
                ),
                ("a list of headers", bool(column.parts), _COMPOSABLE),
                ("inclusive", column.inclusive, {"charge_end", "term_end"}),
                ("range", column.range is not None, {"charge_start", "charge_end"}),
                ("a constant", column.constant is not None, _COMPOSABLE | _CONSTANT),
            ):
                if is_used and name not in fields:
                    raise ValueError(f"{what} cannot be used for {name}, only for {', '.join(sorted(fields))}")
        return self


_COMPOSABLE = {"account_key", "account_name", "service_key", "service_name", "subscription_id", "part"}
_CONSTANT = {"currency", "commitment_term", "billing_cycle", "charge_kind"}


class Totals(Part):
    """Control totals: rows set aside and compared with the rows they add up."""

    column: Address
    match: Pattern
    of: Literal["quantity", "amount"] = "quantity"


class Failures(Part):
    """What a collector writes in place of an account or service that it could not read."""

    match: Pattern


class Rows(Part):
    """Which rows count: all conditions of ``include`` hold, none of ``exclude`` does."""

    include: tuple[Condition, ...] = ()
    exclude: tuple[Condition, ...] = ()
    totals: Totals | None = None
    failures: Failures | None = None
    zero: Literal["keep", "flag", "ignore"] = "keep"
    negative: Literal["keep", "flag", "reject"] = "keep"
    fraction: Literal["keep", "flag", "reject"] = "keep"


class RowsOfOneMethod(Part):
    """Rows that are reduced by a method of their own: those that the condition holds for."""

    where: Condition
    method: Reduction


class Rekey(Part):
    """Rows whose account is another than the one the account columns name: those that the condition holds for."""

    where: Condition
    account_key: ColumnOrShorthand

    @model_validator(mode="after")
    def _a_key(self) -> Self:
        column = self.account_key
        if not (column.addresses or column.parts or column.constant) or column.range or column.inclusive:
            raise ValueError("account_key of a rekey rule is a header, a list of headers or a constant")
        return self


class Aggregate(Part):
    """How the rows of one subscription become one quantity; subscriptions always add."""

    method: Reduction | None = None
    by: tuple[Literal["account", "service", "term"], ...] = ("account", "service")
    sign_column: ColumnOrShorthand | None = None
    size_column: ColumnOrShorthand | None = None
    cycle: tuple[Text, ...] = ()
    classes: tuple[RowsOfOneMethod, ...] = ()

    @model_validator(mode="after")
    def _grain(self) -> Self:
        if len(set(self.by)) != len(self.by) or not {"account", "service"} <= set(self.by):
            raise ValueError("by names account and service, and term or not, each once")
        for name, column in (("sign_column", self.sign_column), ("size_column", self.size_column)):
            if column and not column.addresses:
                raise ValueError(f"{name} is a single column")
            if column and column.range:
                raise ValueError(f"range cannot be used for {name}, only for charge_end, charge_start")
        return self


def _date_format(value: str) -> str:
    try:
        date_pattern(value)
    except DateFormatError as error:
        raise ValueError(str(error)) from None
    return value


def _formula(value: str) -> str:
    try:
        read_formula(value)
    except FormulaError as error:
        raise ValueError(str(error)) from None
    return value


FormulaText = Annotated[Text, AfterValidator(_formula)]


class ImportProfile(Part):
    """How one kind of file is read. Immutable; two profiles of one content have one version."""

    name: Annotated[str, Field(alias="profile", pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    source: Annotated[Text, Field(min_length=1, max_length=100)]
    basis: Basis
    arrives: Arrives | None = None
    file: FileLayout = FileLayout()
    header: HeaderPlace = HeaderPlace(row=1)
    columns: Columns
    numbers: Numbers = Numbers()
    dates: tuple[Annotated[Text, AfterValidator(_date_format)], ...] = ()
    rows: Rows = Rows()
    aggregate: Aggregate = Aggregate()
    charges: Charges = Charges()
    maps: Maps = Maps()
    derived: dict[MadeName, FormulaText] = Field(default_factory=dict)
    rekey: tuple[Rekey, ...] = ()
    unpivot: Unpivot | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for problem in _contradictions(self):
            raise ValueError(problem)
        return self

    @property
    def method(self) -> Reduction:
        """How rows are reduced; a quantity that is counted names it by itself."""
        return self.aggregate.method or _counting(self.columns.quantity) or Reduction.COUNT

    @property
    def methods(self) -> set[Reduction]:
        """Every method that may reduce rows."""
        return {self.method, *(rows.method for rows in self.aggregate.classes)}

    @property
    def used_columns(self) -> Iterator[Column]:
        """Every column that the profile reads: fields, signs, sizes, filters, classes, totals."""
        yield from self.columns.mapped.values()
        yield from (rule.account_key for rule in self.rekey)
        yield from (column for column in (self.aggregate.sign_column, self.aggregate.size_column) if column)
        for condition in self.conditions:
            yield Column(column=condition.column)
        if self.rows.totals:
            yield Column(column=self.rows.totals.column)

    @cached_property
    def formulas(self) -> dict[str, Formula]:
        """The formulas of the derived columns, by name."""
        return {name: read_formula(text) for name, text in self.derived.items()}

    def formula(self, column: Column) -> Formula | None:
        """The formula of a derived column; None for a column of the file."""
        return self.formulas.get(column.column or "")

    def is_derived_number(self, column: Column) -> bool:
        """Whether a column is derived and a number."""
        formula = self.formula(column)
        return formula is not None and is_number(formula)

    @property
    def made_columns(self) -> tuple[str, ...]:
        """The columns that come to those of the file: one for the header of an unpivoted cell, one for the cell."""
        return self.unpivot.made if self.unpivot else ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition that a row is held against."""
        of_classes = (rows.where for rows in self.aggregate.classes)
        of_rekey = (rule.where for rule in self.rekey)
        return (*self.rows.include, *self.rows.exclude, *of_classes, *of_rekey)

    @property
    def period_column(self) -> Column | None:
        """The column that gives each row its period, None when the whole file has one."""
        if self.arrives is None or self.arrives.period is not PeriodFrom.COLUMN:
            return None
        return self.columns.period or self.columns.charge_start

    @property
    def part_column(self) -> Column | None:
        """The column that gives each row its part of the month, None when the whole file is for one."""
        if self.arrives is None or self.arrives.part is not PartFrom.COLUMN:
            return None
        return self.columns.part

    @property
    def is_by_row(self) -> bool:
        """Whether rows have a month or a part of their own, so that one file may speak for several drops."""
        return self.period_column is not None or self.part_column is not None

    @property
    def complete(self) -> Complete:
        """When a file of this profile is complete."""
        return self.arrives.complete if self.arrives else Complete()

    @cached_property
    def content(self) -> str:
        """The profile in one canonical spelling, which ``load_profile`` reads back."""
        return write_document(self.model_dump(exclude_defaults=True, by_alias=True))

    @cached_property
    def version(self) -> str:
        """Twelve hex digits that name the content."""
        return hashlib.sha256(self.content.encode()).hexdigest()[:12]

    @property
    def label(self) -> str:
        """Name and version as reports show them."""
        return f"{self.name}@{self.version[:4]}"


def _counting(quantity: Column) -> Reduction | None:
    """The method that a quantity sets by itself; None where it is read from the file."""
    if quantity.count_distinct:
        return Reduction.COUNT_DISTINCT
    return Reduction.COUNT if quantity.count else None


def _contradictions(profile: ImportProfile) -> Iterator[str]:
    """Keys that are right by themselves and wrong together."""
    columns, aggregate = profile.columns, profile.aggregate
    counting = _counting(columns.quantity)
    if aggregate.method is None and counting is None:
        yield "aggregate.method is missing: how rows become a quantity is never guessed (sum, max, count ...)"
    if counting and profile.method is not counting:
        what = "rows" if counting is Reduction.COUNT else "distinct values"
        yield f"quantity counts {what}, which sets aggregate.method to {counting}; {profile.method} contradicts it"
    if profile.method is Reduction.COUNT_DISTINCT and not columns.quantity.count_distinct:
        yield "aggregate.method count_distinct needs columns.quantity {count_distinct: Header}"
    if aggregate.classes and profile.methods & {Reduction.COUNT, Reduction.COUNT_DISTINCT}:
        yield "aggregate.classes sort rows that state a quantity; they cannot be used with count and count_distinct"
    if Reduction.LAST_BY_PERIOD_END in profile.methods and columns.charge_end is None:
        yield "aggregate.method last_by_period_end needs columns.charge_end"
    if Reduction.RUNNING_TOTAL in profile.methods and not (aggregate.size_column and columns.charge_kind):
        yield "aggregate.method running_total needs aggregate.size_column and columns.charge_kind"
    if aggregate.sign_column and Reduction.SIGNED_SUM not in profile.methods:
        yield f"aggregate.sign_column belongs to method signed_sum; {profile.method} asks for no sign"
    if profile.complete.currencies and columns.currency is None:
        yield "arrives.complete.currencies needs columns.currency"
    if profile.rows.totals and profile.rows.totals.of == "amount" and columns.amount is None:
        yield "rows.totals.of amount needs columns.amount"
    yield from _contradictions_of_parts(profile)
    yield from _contradictions_of_days(profile)
    yield from _contradictions_of_derived(profile)
    yield from _contradictions_of_made(profile)


def _contradictions_of_parts(profile: ImportProfile) -> Iterator[str]:
    is_by_column = profile.arrives is not None and profile.arrives.part is PartFrom.COLUMN
    if is_by_column and profile.columns.part is None:
        yield "arrives.part from_column needs columns.part"
    if profile.columns.part and not is_by_column:
        yield "columns.part says which part of a month a row is for: it belongs to arrives.part from_column"


def _contradictions_of_derived(profile: ImportProfile) -> Iterator[str]:
    columns, aggregate = profile.columns, profile.aggregate
    leaves = [leaf for column in profile.used_columns for leaf in column.leaves]
    for name, formula in profile.formulas.items():
        if any(name in leaf.any_of for leaf in leaves):
            yield f"the derived column {name!r} cannot be one of several headers (any_of)"
        if name not in {leaf.column for leaf in leaves}:
            yield f"the derived column {name!r} is read by nothing"
        if both := set(cells_of(formula)) & set(profile.derived):
            yield f"the derived column {name!r} is made of another one, {sorted(both)[0]!r}: write that formula out"
    measures = [columns.quantity, *columns.quantity.sum, columns.unit_cost, columns.amount]
    measures += [aggregate.sign_column, aggregate.size_column]
    for leaf in leaves:
        if profile.is_derived_number(leaf) and (leaf not in measures or leaf.extract or leaf.replace or leaf.case):
            yield (
                f"the derived column {leaf.column!r} is a number: it can be quantity, unit_cost, amount, sign_column "
                "or size_column, as it is"
            )


def _contradictions_of_made(profile: ImportProfile) -> Iterator[str]:
    if profile.unpivot is None:
        return
    columns, rows = profile.columns, profile.rows
    read = [address for column in profile.used_columns for address in _addresses(profile, column)]
    for name in profile.made_columns:
        if name in profile.derived:
            yield f"the name {name!r} is that of a derived column and that of an unpivoted one"
        if name not in read:
            yield f"the unpivoted column {name!r} is read by nothing"
    once = [*([rows.totals.column] if rows.totals else [])]
    once += [*_addresses(profile, profile.period_column), *_addresses(profile, profile.part_column)]
    measures = {"amount": columns.amount, "size_column": profile.aggregate.size_column}
    counted = {} if _counting(columns.quantity) else {"quantity": columns.quantity}
    per_cell = [(name, _addresses(profile, column)) for name, column in (counted | measures).items() if column]
    yield from contradictions_of_unpivot(profile.unpivot, profile.methods, once, per_cell)


def _addresses(profile: ImportProfile, column: Column | None) -> list[str]:
    read = read_columns(profile, column) if column else ()
    return [address for leaf in read for address in leaf.addresses]


def _contradictions_of_days(profile: ImportProfile) -> Iterator[str]:
    columns = profile.columns
    is_by_column = profile.arrives is not None and profile.arrives.period is PeriodFrom.COLUMN
    if (columns.charge_start or columns.charge_end or columns.term_end) and not profile.dates:
        yield "charge dates are mapped, but dates names no format"
    if columns.renewal_quantity and not (columns.subscription_id and columns.term_end):
        yield "renewal_quantity is mapped without subscription_id and term_end: whose units become how many, and when?"
    if any(condition.within_days is not None for condition in profile.conditions):
        if not profile.dates:
            yield "within_days compares days, but dates names no format"
        if is_by_column:
            yield "within_days counts from one day for the whole file: it cannot be used with period from_column"
    if is_by_column and profile.period_column is None:
        yield "arrives.period from_column needs columns.period or columns.charge_start"


def read_columns(profile: ImportProfile, column: Column) -> Iterator[Column]:
    """The single columns of the file that are read for a column; for a derived one, those of its formula."""
    for leaf in column.leaves:
        formula = profile.formula(leaf)
        yield from [leaf] if formula is None else (Column(column=address) for address in cells_of(formula))


@lru_cache(maxsize=256)
def load_profile(text: str) -> ImportProfile:
    """The profile that a YAML text declares; a text read lately is not read again.

    Raises ``ProfileError`` that names every key at fault, what is wrong with it and what to do.
    """
    try:
        return ImportProfile.model_validate(read_document(text))
    except DocumentError as error:
        problem = ProfileProblem("document", str(error), "Write the profile as YAML, one key a line.")
        raise ProfileError((problem,)) from None
    except ValidationError as error:
        raise ProfileError(tuple(map(_problem, error.errors()))) from None


def _problem(error: ErrorDetails) -> ProfileProblem:
    key = ".".join(map(str, error["loc"])) or "profile"
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return ProfileProblem(key, "is no key of the profile language", "Remove it or correct its spelling.")
    if error["type"] == "missing":
        return ProfileProblem(key, "is missing", "Add it.")
    if "not supported yet" in message:
        return ProfileProblem(key, message, "Remove it, or wait for a version that reads it.")
    return ProfileProblem(key, message[:1].lower() + message[1:], "Correct the value.")
