"""The seed of a sandbox PSA: its accounts, services, agreements and lines in our words, checked before they are used.

Belongs here: the shape of a seed, reading it from a file, telling what is wrong with it.
Does not belong here: what happens to the records afterwards (``state``), a vendor's words.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from pipelines.quantities import text

CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "connectwise": ("company_id", "public_key", "private_key", "client_id"),
    "autotask": ("company_id", "username", "secret", "integration_code"),
    "halopsa": ("tenant", "client_id", "client_secret"),
    "syncro": ("subdomain", "api_key"),
}
"""The credentials that each kind of PSA asks for, by the names that a seed gives them."""

LARGEST_ID = 2**31 - 1
"""Ids are 32-bit numbers on the wire."""


class SeedError(Exception):
    """A seed, state or faults file, or a human edit, cannot be used. The text names every problem with its place."""


def _id(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or not str(value).isascii():
        raise ValueError("an id is a whole number")
    if not str(value).isdigit() or not 0 < int(value) <= LARGEST_ID or str(int(value)) != str(value):
        raise ValueError(f"an id is a whole number from 1 to {LARGEST_ID}, because the vendor's ids are")
    return str(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise ValueError('a decimal number in quotes, for example "12.5"')
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError('a decimal number in quotes, for example "12.5"') from None
    if not number.is_finite() or (number and not -30 < number.adjusted() < 30):
        raise ValueError("a number that is finite and of less than 30 digits")
    return number


Id = Annotated[str, BeforeValidator(_id)]
Quantity = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(text)]
Price = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer("{:f}".format)]
"""Shown as it was given: prices keep their cents."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Record):
    """A customer."""

    id: Id
    name: str
    active: bool = True


class Service(_Record):
    """A catalogue item, prices per unit."""

    id: Id
    code: str
    name: str
    active: bool = True
    unit_cost: Price | None = None
    unit_price: Price | None = None


class Agreement(_Record):
    """A contract of an account. ``end`` is exclusive: the first day on which it does not run."""

    id: Id
    account: Id
    name: str
    active: bool = True
    prorate: bool = False
    start: date | None = None
    end: date | None = None
    currency: str | None = None


class EarlierUnits(_Record):
    """How many a line held until a day, that day excluded, where the PSA keeps a quantity for each period."""

    until: date
    units: Quantity


class Line(_Record):
    """An agreement line. ``end`` is exclusive. The fields after the costs are there only where something set them.

    ``quantity`` is what holds in the end. ``earlier_units`` say what held before it, ``posted_until`` up to which day,
    excluded, its periods are billed; both are for PSAs that keep a quantity for each period. ``vendor_fields`` are
    fields of the vendor's own by its own names, shown to clients as they stand.
    """

    id: Id
    agreement: Id
    service: Id
    quantity: Quantity
    psa_included: Quantity = Decimal(0)
    start: date | None = None
    end: date | None = None
    unit_price: Price | None = None
    unit_cost: Price | None = None
    name: str | None = None
    description: str | None = None
    invoice_text: str | None = None
    serial_number: str | None = None
    earlier_units: tuple[EarlierUnits, ...] | None = None
    posted_until: date | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None
    vendor_fields: Mapping[str, Any] | None = None

    @property
    def marker(self) -> str | None:
        """What a writer left in one of the line's texts, to know its line again."""
        return self.serial_number or self.invoice_text or self.description or None


class Write(_Record):
    """One accepted write to one field of a line: ``quantity`` or ``end``; ``before`` is null for a new line."""

    at: datetime
    line_id: str
    field: str
    before: str | None
    after: str | None
    effective_date: date | None
    marker: str | None


class Seed(_Record):
    """A whole PSA.

    ``credentials`` are the only ones that are accepted. ``writes`` is there when the state of an earlier server is
    loaded again. ``token_seconds`` is how long a token lives, for vendors that give tokens.
    """

    psa: str
    accounts: tuple[Account, ...] = ()
    services: tuple[Service, ...] = ()
    agreements: tuple[Agreement, ...] = ()
    lines: tuple[Line, ...] = ()
    credentials: Mapping[str, str] | None = None
    writes: tuple[Write, ...] = ()
    token_seconds: Annotated[int, Field(ge=1)] | None = None


def read_document(file: Path) -> Any:
    """The JSON or YAML in a file, fractions as ``Decimal``. Raises ``SeedError`` naming the file."""
    try:
        content = file.read_text(encoding="utf-8")
        if file.suffix == ".json":
            return json.loads(content, parse_float=Decimal)
        return yaml.load(content, Loader=_ExactLoader)  # noqa: S506  a SafeLoader that reads fractions as Decimal
    except OSError as error:
        raise SeedError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, yaml.YAMLError) as error:
        raise SeedError(f"{file} is neither YAML nor JSON: {error}") from error


def seed_from(document: Any, where: str) -> Seed:
    """A checked seed. Raises ``SeedError`` with every problem: its place, the record's id, what is expected."""
    if not isinstance(document, Mapping):
        raise SeedError(f"{where}: a seed is a mapping of psa, accounts, services, agreements, lines, credentials")
    if "psa" not in document:
        raise SeedError(f"{where}: psa is missing; it names the kind, for example connectwise")
    check_kind(str(document["psa"]))
    try:
        seed = Seed.model_validate(document)
    except ValidationError as error:
        raise SeedError(problems_of(error, document, where)) from error
    problems = [*_unknown_credentials(seed), *_doubled(seed), *_dangling(seed)]
    if problems:
        raise SeedError("\n".join(f"{where}: {problem}" for problem in problems))
    return seed


def check_kind(kind: str) -> None:
    """Raises ``SeedError`` for a PSA that no sandbox speaks for yet."""
    if kind not in CREDENTIALS:
        raise SeedError(f"the sandbox does not speak {kind!r}; it speaks: {', '.join(CREDENTIALS)}")


def problems_of(error: ValidationError, document: Any, where: str) -> str:
    """What is wrong with a document, a line per problem, with the place as a path and the record's id."""
    return "\n".join(
        f"{where}: {_place(problem['loc'], document)}: {_words(problem['msg'])}" for problem in error.errors()
    )


def _words(message: str) -> str:
    return message.removeprefix("Value error, ")


def _place(location: tuple[int | str, ...], document: Any) -> str:
    path, record = "", document
    for step in location:
        record = record[step] if _has(record, step) else None
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
        if isinstance(step, int) and isinstance(record, Mapping) and "id" in record:
            path += f" (id {record['id']})"
    return path.lstrip(".")


def _has(record: Any, step: int | str) -> bool:
    return step in record if isinstance(record, Mapping) else isinstance(record, list) and isinstance(step, int)


def _unknown_credentials(seed: Seed) -> list[str]:
    if seed.credentials is None:
        return []
    names = CREDENTIALS[seed.psa]
    return [
        *(
            f"credentials.{name}: a text that is not empty is needed"
            for name in names
            if not seed.credentials.get(name)
        ),
        *(f"credentials.{name}: {seed.psa} knows no such credential" for name in seed.credentials if name not in names),
    ]


def _doubled(seed: Seed) -> list[str]:
    problems = []
    for things in ("accounts", "services", "agreements", "lines"):
        ids = [record.id for record in getattr(seed, things)]
        problems += [f"{things}: id {each} stands there twice" for each in sorted({i for i in ids if ids.count(i) > 1})]
    return problems


def _dangling(seed: Seed) -> list[str]:
    accounts, services, agreements = (
        {record.id for record in things} for things in (seed.accounts, seed.services, seed.agreements)
    )
    return [
        *(f"agreement {a.id}: there is no account {a.account}" for a in seed.agreements if a.account not in accounts),
        *(f"line {n.id}: there is no agreement {n.agreement}" for n in seed.lines if n.agreement not in agreements),
        *(f"line {n.id}: there is no service {n.service}" for n in seed.lines if n.service not in services),
    ]


class _ExactLoader(yaml.SafeLoader):
    """YAML whose unquoted fractions are ``Decimal``: a float would change them before we look."""


def _exact_fraction(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Decimal | str:
    value = loader.construct_scalar(node)
    try:
        return Decimal(value)
    except InvalidOperation:
        return value


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _exact_fraction)
