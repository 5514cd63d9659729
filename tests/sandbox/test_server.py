"""The sandbox as a process: its first line, its end, its refusals.

Belongs here: ``serve`` in a process of its own.
Does not belong here: what is served.
"""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.sandbox.seeds import ADDITION, ask, replace_quantity, seed
from trueup.sandbox.psa.running import running_sandbox
from trueup.sandbox.psa.seed import SeedError
from trueup.sandbox.psa.server import HOST, serve

SERVE = "import sys; from pathlib import Path; from trueup.sandbox.psa.server import serve; "
WAIT_SECONDS = 60


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    """A seed with one line of ten."""
    file = tmp_path / "seed.json"
    file.write_text(json.dumps(seed()), encoding="utf-8")
    return file


@contextmanager
def _process(seed_file: Path, state: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    state_text = f"Path({str(state)!r})" if state else "None"
    code = f"{SERVE}serve('connectwise', Path({str(seed_file)!r}), 0, {state_text}, None)"
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    first = process.stdout.readline()
    match = re.fullmatch(r"ready (http://127\.0\.0\.1:\d+)\n", first)
    assert match is not None, first
    return match[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_says_where_it_serves_and_ends_cleanly_on_a_signal(seed_file: Path, number: signal.Signals) -> None:
    with _process(seed_file) as process:
        url = _url(process)
        assert ask(url, ADDITION).json()["quantity"] == 10
        process.send_signal(number)
        rest, errors = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, rest, errors) == (0, "", "")


def test_a_kill_after_a_write_loses_nothing_of_the_state(seed_file: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with _process(seed_file, state) as process:
        assert ask(_url(process), ADDITION, method="PATCH", json=replace_quantity(12)).status_code == 200
        process.kill()
        process.wait(WAIT_SECONDS)
    with running_sandbox(seed_file, state_path=state) as running:
        assert running.quantity("1") == "12"
        assert len(running.writes()) == 1


def test_a_signal_ends_it_though_an_answer_is_still_delayed(seed_file: Path, tmp_path: Path) -> None:
    with _process(seed_file) as process:
        url = _url(process)
        faults = {"rules": [{"match": "GET", "do": "delay:300s"}]}
        httpx.post(f"{url}/__sandbox/faults", json=faults, trust_env=False)
        with pytest.raises(httpx.ReadTimeout):
            ask(url, ADDITION, timeout=0.2)
        process.terminate()
        process.communicate(timeout=WAIT_SECONDS)
        assert process.returncode == 0


def test_it_listens_on_loopback_only(seed_file: Path) -> None:
    assert HOST == "127.0.0.1"
    with _process(seed_file) as process:
        port = int(_url(process).rpartition(":")[2])
        with pytest.raises(OSError, match=r"refused|unreachable|denied"):
            socket.create_connection(("127.0.0.2", port), timeout=5)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        pytest.param("bms", "{}", "does not speak 'bms'; it speaks: connectwise", id="another PSA"),
        pytest.param("connectwise", '{"psa": "halopsa"}', "does not speak 'halopsa'", id="a seed for another PSA"),
        pytest.param("connectwise", "{}", "psa is missing", id="an empty seed"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_listens(
    tmp_path: Path, kind: str, content: str, words: str
) -> None:
    file = tmp_path / "seed.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SeedError, match=words):
        serve(kind, file, 0)


def test_a_port_that_is_taken_is_told_in_words(seed_file: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SeedError, match=rf"port {port} on 127\.0\.0\.1 cannot be used: .*in use"):
            serve("connectwise", seed_file, port)


def test_a_running_sandbox_leaves_no_thread_behind() -> None:
    before = set(threading.enumerate())
    with running_sandbox(seed()) as running:
        ask(running.url, ADDITION)
    assert set(threading.enumerate()) == before


def test_an_error_inside_the_block_still_stops_the_sandbox() -> None:
    urls: list[str] = []
    with pytest.raises(KeyError):
        _fail_inside(urls)
    with pytest.raises(httpx.ConnectError):
        ask(urls[0], ADDITION)


def _fail_inside(urls: list[str]) -> None:
    with running_sandbox(seed()) as running:
        urls.append(running.url)
        raise KeyError(running.url)
