"""Environment and workspace file become one frozen ``Settings``: the only reader of ``os.environ``.

Belongs here: every setting's key, default, check and meaning; secrets; where a workspace keeps its folders.
Does not belong here: opening anything that a setting names.
"""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomlkit
import tomlkit.exceptions

from pipelines.review.billing_currency import BillingCurrency, read_rates
from pipelines.review.proration import DayCount
from pipelines.writeback.groups import OLDEST_LOOK

FILE_NAME = "trueup.toml"
PSA_KINDS = ("connectwise", "autotask", "halopsa", "syncro")
MOST_LOOK_SECONDS = int(OLDEST_LOOK.total_seconds())
FOLDERS = ("inbox", "archive", "lake", "profiles", "exports", "scratch", "witness", "pace", "dagster")


class SettingsError(Exception):
    """A workspace or a setting is missing or wrong; the text says which and what to do."""


Parser = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text that is not empty")
    return value.strip()


def _tenant(value: Any) -> str:
    text = _text(value)
    if len(text) > 40 or not text.replace("-", "").isalnum() or text != text.lower() or not text.isascii():
        raise ValueError("a short id of small letters, digits and hyphens")
    return text


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    raise ValueError("true or false")


def _zone(value: Any) -> str:
    try:
        ZoneInfo(_text(value))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("a time zone of the IANA list, for example Europe/Berlin") from error
    return str(value)


def _currency(value: Any) -> str:
    text = _text(value)
    if len(text) != 3 or not text.isalpha() or not text.isupper():
        raise ValueError("an ISO 4217 code, for example USD")
    return text


def _day(value: Any) -> int:
    number = int(str(value))
    if not 1 <= number <= 28:
        raise ValueError("a day of the month from 1 to 28")
    return number


def _seconds(value: Any) -> int:
    number = int(str(value))
    if number < 0:
        raise ValueError("a number of seconds, not negative")
    return number


def _positive(value: Any) -> int:
    number = int(str(value))
    if number < 1:
        raise ValueError("a whole number from 1 on")
    return number


def _look(value: Any) -> int:
    number = _seconds(value)
    if number > MOST_LOOK_SECONDS:
        raise ValueError(f"seconds from 0 to {MOST_LOOK_SECONDS}")
    return number


def _bound(value: Any) -> Decimal:
    try:
        bound = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError("a decimal number") from error
    if not bound.is_finite() or bound < 0:
        raise ValueError("a decimal number, not negative")
    return bound


def _day_count(value: Any) -> str:
    if value not in tuple(DayCount):
        raise ValueError(f"one of: {', '.join(DayCount)}")
    return str(value)


def _rates(value: Any) -> str:
    text = _text(value)
    read_rates(text)
    return text


def _store_url(value: Any) -> str:
    text = _text(value)
    if not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError("sqlite:///path or postgresql://user@host/database")
    return text


def _bucket_url(value: Any) -> str:
    text = _text(value)
    if not text.startswith("file://"):
        raise ValueError("file:///folder (object storage and SFTP are not supported yet)")
    return text


def _kind(value: Any) -> str:
    if value not in PSA_KINDS:
        raise ValueError(f"one of: {', '.join(PSA_KINDS)}")
    return str(value)


def _url(value: Any) -> str:
    text = _text(value).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("the host root of the PSA, for example https://api-na.myconnectwise.net")
    return text


def _optional(parser: Parser) -> Parser:
    return lambda value: None if value in (None, "", "null") else parser(value)


@dataclass(frozen=True)
class Setting:
    """One key of the workspace file: its meaning, default and check."""

    key: str
    default: Any
    parse: Parser
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting("tenant", "main", _tenant, "Short id of the MSP; it stands in every table, path and partition."),
    Setting("store.url", None, _optional(_store_url), "The operational store. Empty: trueup.db in the workspace."),
    Setting("bucket.url", None, _optional(_bucket_url), "Where usage files arrive. Empty: inbox in the workspace."),
    Setting("psa.kind", "connectwise", _kind, "Which PSA is billed from."),
    Setting("psa.base_url", None, _optional(_url), "Host root of the PSA; the adapter adds the vendor's path."),
    Setting("psa.allow_loopback", False, _flag, "Allow a PSA on this machine: for the sandbox only."),
    Setting(
        "psa.requests_per_minute", None, _optional(_positive), "Most requests a minute. Empty: as the kind allows."
    ),
    Setting("billing.timezone", "UTC", _zone, "On whose calendar a month begins and ends."),
    Setting("billing.currency", "USD", _currency, "Currency where an agreement names none."),
    Setting("billing.rates", None, _optional(_rates), "What other currencies are worth in it, from which day."),
    Setting("billing.day", 3, _day, "Day of the month on which the past month is reconciled by itself."),
    Setting("billing.day_count", "actual", _day_count, "How many days a month has when a part of it is shown."),
    Setting("writeback.quiet_period_seconds", None, _optional(_seconds), "Wait before a lost answer is read back."),
    Setting("writeback.look_seconds", MOST_LOOK_SECONDS, _look, "How old a look at a line may be when it is written."),
    Setting("bounds.line_quantity", None, _optional(_bound), "Largest change of one line's quantity."),
    Setting("bounds.lines_per_run", None, _optional(_seconds), "Most lines written in one run."),
    Setting("bounds.account_amount", None, _optional(_bound), "Most money changed per account in one run."),
    Setting("bounds.run_amount", None, _optional(_bound), "Most money changed in one run."),
    Setting("review.single_person", True, _flag, "One person reviews; names given on the command line are asserted."),
)
_BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Settings:
    """One workspace: one MSP with one PSA tenant. Frozen; made once per front door."""

    root: Path
    values: Mapping[str, Any]
    environ: Mapping[str, str]

    @property
    def tenant(self) -> str:
        """The short id of the MSP."""
        return str(self.values["tenant"])

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the operational store."""
        return str(self.values["store.url"] or f"sqlite:///{self.root / 'trueup.db'}")

    @property
    def inbox(self) -> Path:
        """The folder in which usage files arrive."""
        url = self.values["bucket.url"]
        return Path(url.removeprefix("file://")) if url else self.root / "inbox"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the billing calendar."""
        return ZoneInfo(str(self.values["billing.timezone"]))

    @property
    def currency(self) -> str:
        """The billing currency."""
        return str(self.values["billing.currency"])

    @property
    def billing_currency(self) -> BillingCurrency:
        """The billing currency with the rates that are configured."""
        rates = self.values["billing.rates"]
        return BillingCurrency(self.currency, read_rates(rates) if rates else ())

    @property
    def psa_base_url(self) -> str | None:
        """Host root of the PSA, None while none is configured."""
        url = self.values["psa.base_url"]
        return None if url is None else str(url)

    def folder(self, name: str) -> Path:
        """A folder of the workspace, by its name in ``FOLDERS``."""
        return self.root / name

    def secret(self, name: str) -> str | None:
        """A secret by its plain name, for example ``TRUEUP_PSA_PUBLIC_KEY``.

        The tenant's own name (``TRUEUP_<TENANT>_PSA_PUBLIC_KEY``) comes first; ``<name>_FILE`` may name a file that
        only its owner can read. Raises ``SettingsError`` when such a file is open to others.
        """
        own = name.replace("TRUEUP_", f"TRUEUP_{self.tenant.upper().replace('-', '_')}_", 1)
        for candidate in (own, name):
            if self.environ.get(candidate):
                return self.environ[candidate]
            if self.environ.get(f"{candidate}_FILE"):
                return _private_text(Path(self.environ[f"{candidate}_FILE"]))
        return None


def _private_text(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(f"{path} can be read by others (mode {mode:04o}): chmod 600 it")
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from error


def environment() -> dict[str, str]:
    """The process environment, read once per front door and passed on."""
    return dict(os.environ)


def workspace_folder(chosen: Path | None, environ: Mapping[str, str]) -> Path:
    """The workspace a command means: the option, else ``TRUEUP_WORKSPACE``, else ``./workspace``."""
    return (chosen or Path(environ.get("TRUEUP_WORKSPACE") or "workspace")).absolute()


def workspace_folders(environ: Mapping[str, str]) -> list[Path]:
    """The workspaces a deployment serves: ``TRUEUP_WORKSPACES`` (separated like ``PATH``), else the single one."""
    listed = [Path(item).absolute() for item in environ.get("TRUEUP_WORKSPACES", "").split(os.pathsep) if item]
    return listed or [workspace_folder(None, environ)]


def load_settings(root: Path, environ: Mapping[str, str]) -> Settings:
    """The settings of a workspace.

    Raises ``SettingsError`` naming the file, the key and the remedy.
    """
    file = root / FILE_NAME
    values = {setting.key: setting.default for setting in SETTINGS}
    for key, value in _flat(_document(file)).items():
        values[key] = _checked(key, value, file)
    settings = Settings(root, values, environ)
    own = settings.currency
    if any(rate.currency == own for rate in settings.billing_currency.rates):
        raise SettingsError(
            f"{file}: billing.rates names {own}, the billing currency itself; say what one unit of another currency is "
            f"worth in {own}"
        )
    return settings


def _document(file: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(
            f"{file.parent} is no workspace (no {FILE_NAME} there): run `trueup init {file.parent}` first"
        ) from error
    except (OSError, UnicodeDecodeError, tomlkit.exceptions.TOMLKitError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _checked(key: str, value: Any, file: Path) -> Any:
    if key not in _BY_KEY:
        raise SettingsError(f"{file}: {key} is no setting; known are {', '.join(_BY_KEY)}")
    try:
        return _BY_KEY[key].parse(value)
    except ValueError as error:
        raise SettingsError(f"{file}: {key} = {value!r} is not {error}") from error


def get_setting(settings: Settings, key: str) -> Any:
    """A setting's value by its key. Raises ``SettingsError`` for an unknown key."""
    if key not in _BY_KEY:
        raise SettingsError(f"{key} is no setting; known are {', '.join(_BY_KEY)}")
    return settings.values[key]


def set_setting(root: Path, key: str, value: str) -> None:
    """Change one setting in the workspace file, keeping its comments.

    Raises ``SettingsError`` and leaves the file as it was when key or value is wrong.
    """
    file = root / FILE_NAME
    document = _document(file)
    parsed = _checked(key, value, file)
    table: Any = document
    *sections, name = key.split(".")
    for section in sections:
        table = table.setdefault(section, tomlkit.table())
    table[name] = "" if parsed is None else str(parsed) if isinstance(parsed, Decimal) else parsed
    file.write_text(tomlkit.dumps(document), encoding="utf-8")


def create_workspace(root: Path, *, tenant: str, created_at: datetime) -> None:
    """Make the folder, its sub-folders and the commented workspace file. An existing file is kept.

    Raises ``SettingsError`` when the folder cannot be made or the tenant id is no short id.
    """
    _checked("tenant", tenant, root / FILE_NAME)
    try:
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        if not (root / FILE_NAME).exists():
            (root / FILE_NAME).write_text(_new_file(tenant, created_at), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{root} cannot be made a workspace: {error.strerror}") from error


def _new_file(tenant: str, created_at: datetime) -> str:
    document = tomlkit.document()
    document.add(tomlkit.comment(f"A TrueUp workspace, made {created_at:%Y-%m-%d}. Secrets never stand here."))
    for setting in SETTINGS:
        table: Any = document
        *sections, name = setting.key.split(".")
        for section in sections:
            table = table.setdefault(section, tomlkit.table())
        table.add(tomlkit.comment(setting.meaning))
        table.add(name, tenant if setting.key == "tenant" else "" if setting.default is None else setting.default)
    return tomlkit.dumps(document)
