"""A workspace's settings are checked key by key, and secrets never stand in its file."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from resources.settings import (
    FOLDERS,
    SETTINGS,
    Settings,
    SettingsError,
    create_workspace,
    get_setting,
    load_settings,
    set_setting,
    workspace_folder,
    workspace_folders,
)

MADE_AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    create_workspace(tmp_path / "acme", tenant="acme", created_at=MADE_AT)
    return tmp_path / "acme"


def loaded(root: Path, **environ: str) -> Settings:
    return load_settings(root, environ)


def test_a_new_workspace_has_its_folders_and_every_setting_explained(root: Path) -> None:
    written = (root / "trueup.toml").read_text()
    assert all((root / folder).is_dir() for folder in FOLDERS)
    assert all(setting.meaning in written for setting in SETTINGS)
    assert loaded(root).tenant == "acme"


def test_the_embedded_defaults_need_no_server(root: Path) -> None:
    settings = loaded(root)
    assert settings.store_url == f"sqlite:///{root / 'trueup.db'}"
    assert settings.inbox == root / "inbox"
    assert settings.psa_base_url is None
    assert settings.currency == "USD"
    assert str(settings.zone) == "UTC"
    assert settings.folder("lake") == root / "lake"


def test_making_a_workspace_again_keeps_its_settings(root: Path) -> None:
    set_setting(root, "billing.currency", "EUR")
    create_workspace(root, tenant="acme", created_at=MADE_AT)
    assert loaded(root).currency == "EUR"


@pytest.mark.parametrize(
    ("key", "value", "stored"),
    [
        ("psa.allow_loopback", "true", True),
        ("billing.day", "5", 5),
        ("billing.rates", "CAD 0.73 from 2026-10-01", "CAD 0.73 from 2026-10-01"),
        ("bounds.line_quantity", "12.5", Decimal("12.5")),
        ("bounds.line_quantity", "null", None),
        ("bounds.lines_per_run", "100", 100),
        ("bucket.url", "file:///srv/files", "file:///srv/files"),
        ("store.url", "postgresql://trueup@localhost/trueup", "postgresql://trueup@localhost/trueup"),
        ("psa.base_url", "https://api-na.myconnectwise.net/", "https://api-na.myconnectwise.net"),
    ],
)
def test_a_changed_setting_reads_back(root: Path, key: str, value: str, stored: object) -> None:
    set_setting(root, key, value)
    assert get_setting(loaded(root), key) == stored


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("tenant", "Acme Corp", "a short id"),
        ("billing.timezone", "Mars/Olympus", "IANA"),
        ("billing.currency", "dollars", "ISO 4217"),
        ("billing.rates", "CAD 0,73", "what one unit is worth in billing.currency"),
        ("billing.day", "31", "from 1 to 28"),
        ("psa.kind", "excel", "one of: connectwise"),
        ("psa.base_url", "ftp://host", "host root"),
        ("psa.allow_loopback", "perhaps", "true or false"),
        ("store.url", "mysql://x", "sqlite:///path"),
        ("bucket.url", "s3://x", "not supported yet"),
        ("bounds.run_amount", "-1", "not negative"),
        ("bounds.run_amount", "much", "a decimal number"),
        ("writeback.quiet_period_seconds", "-1", "not negative"),
        ("nonsense", "1", "is no setting"),
        ("tenant", " ", "not empty"),
    ],
)
def test_a_wrong_setting_is_refused_and_the_file_stays_as_it_was(root: Path, key: str, value: str, words: str) -> None:
    before = (root / "trueup.toml").read_bytes()
    with pytest.raises(SettingsError, match=words):
        set_setting(root, key, value)
    assert (root / "trueup.toml").read_bytes() == before


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="run `trueup init"):
        loaded(tmp_path)


def test_a_broken_file_is_named(root: Path) -> None:
    (root / "trueup.toml").write_text("tenant = ")
    with pytest.raises(SettingsError, match=r"trueup\.toml cannot be read"):
        loaded(root)


def test_an_unknown_key_is_refused(root: Path) -> None:
    with pytest.raises(SettingsError, match="known are tenant"):
        get_setting(loaded(root), "psa.url")


def test_a_tenants_own_secret_comes_first(root: Path) -> None:
    settings = loaded(root, TRUEUP_PSA_PUBLIC_KEY="plain", TRUEUP_ACME_PSA_PUBLIC_KEY="own")
    assert settings.secret("TRUEUP_PSA_PUBLIC_KEY") == "own"
    assert loaded(root).secret("TRUEUP_PSA_PUBLIC_KEY") is None


def test_a_secret_may_stand_in_a_file_that_only_its_owner_reads(root: Path, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("hidden\n")
    secret.chmod(0o600)
    settings = loaded(root, TRUEUP_PSA_PUBLIC_KEY_FILE=str(secret))
    assert settings.secret("TRUEUP_PSA_PUBLIC_KEY") == "hidden"
    secret.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.secret("TRUEUP_PSA_PUBLIC_KEY")
    secret.unlink()
    with pytest.raises(SettingsError, match="cannot be read"):
        settings.secret("TRUEUP_PSA_PUBLIC_KEY")


def test_the_workspace_is_the_option_then_the_environment_then_a_folder_here(tmp_path: Path) -> None:
    assert workspace_folder(tmp_path, {"TRUEUP_WORKSPACE": "/elsewhere"}) == tmp_path
    assert workspace_folder(None, {"TRUEUP_WORKSPACE": "/elsewhere"}) == Path("/elsewhere")
    assert workspace_folder(None, {}) == Path("workspace").absolute()
    assert workspace_folders({"TRUEUP_WORKSPACES": "/a:/b"}) == [Path("/a"), Path("/b")]
    assert workspace_folders({"TRUEUP_WORKSPACE": "/a"}) == [Path("/a")]


def test_a_workspace_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot be made a workspace"):
        create_workspace(tmp_path / "file", tenant="acme", created_at=MADE_AT)
