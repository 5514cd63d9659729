"""A real PostgreSQL server for the tests: started once per session, a database per test.

Belongs here: finding the programs, starting and stopping the server, making databases.
Does not belong here: what the tests keep in it.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from resources.store.engine import Store

START_SECONDS = 60
_TEMPLATE = "trueup_template"
_SPEED = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=60")
"""The data lives as long as the test session, so nothing need survive a crash of the machine."""


def program_folders() -> Iterator[Path]:
    """Where PostgreSQL's programs may be, the likeliest first."""
    if shutil.which("pg_config"):
        found = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        yield Path(found.stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -float(folder.parent.name))
    yield from (Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder)


def find_programs(folders: Iterable[Path]) -> Path:
    """The folder that holds ``initdb`` and ``postgres``. Fails the test, in words, when none does."""
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder.resolve()
    pytest.fail(
        "PostgreSQL's programs initdb and postgres were not found. Half of the store's tests need a real server: "
        "install the Debian package postgresql (apt-get install postgresql), or put its bin folder on PATH.",
        pytrace=False,
    )


class Server:
    """A running server on loopback. ``initdb`` refuses root, so under root it belongs to an unprivileged user."""

    def __init__(self, programs: Path, settings: Sequence[str] = _SPEED) -> None:
        self._programs = programs
        self._settings = settings
        self._owner = _unprivileged_user() if os.getuid() == 0 else None
        self._folder = Path(tempfile.mkdtemp(prefix="trueup-pg-"))
        self._numbers = itertools.count(1)
        if self._owner:
            shutil.chown(self._folder, self._owner)
        self.port = _free_port()
        self._initialise()
        self._process = self._start()

    def url(self, database: str) -> str:
        """The database's URL as a workspace would name it."""
        return f"postgresql://trueup@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str = "template0") -> str:
        """The name of a new database, a copy of ``template``."""
        name = f"test_{next(self._numbers)}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    def make_template(self) -> str:
        """The name of a database that bears the store's present schema and that nobody is connected to."""
        self._administer(f'CREATE DATABASE "{_TEMPLATE}" TEMPLATE template0')
        store = Store(self.url(_TEMPLATE), "template")
        store.upgrade()
        store.close()
        return _TEMPLATE

    def restart_at_once(self) -> None:
        """Stop the server as a crash would, in the midst of whatever it does, and start it again."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=START_SECONDS)
        self._process = self._start()

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self._process.terminate()
        try:
            self._process.wait(timeout=START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder)

    def _initialise(self) -> None:
        command = [str(self._programs / "initdb"), "-D", str(self._folder / "data"), "-U", "trueup", "-A", "trust"]
        options = ["-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [*command, *options], user=self._owner, cwd=self._folder, env=_environment(), check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def _start(self) -> subprocess.Popen[bytes]:
        listen = ["-h", "127.0.0.1", "-p", str(self.port), "-k", str(self._folder)]
        settings = [part for setting in self._settings for part in ("-c", setting)]
        log = self._folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._folder / "data"), *listen, *settings],
                user=self._owner, cwd=self._folder, env=_environment(), stdout=output, stderr=output,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"PostgreSQL did not start:\n{log.read_text()}", pytrace=False)
            time.sleep(0.05)
        return process

    def _answers(self) -> bool:
        try:
            self._administer("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _administer(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            conn.execute(statement.encode())


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _unprivileged_user() -> str:
    for name in ("postgres", "trueup-tests"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    subprocess.run(["useradd", "--system", "--no-create-home", "trueup-tests"], check=True, stdout=sys.stderr)
    return "trueup-tests"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """The session's server, started when the first test asks for it."""
    server = Server(find_programs(program_folders()))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """A database that was migrated once; tests get copies of it."""
    return postgres_server.make_template()


@pytest.fixture
def postgres_url(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """The URL of a migrated, empty database of the test's own."""
    name = postgres_server.create_database(postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def bare_postgres_url(postgres_server: Server) -> Iterator[str]:
    """The URL of a database without any table."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)
