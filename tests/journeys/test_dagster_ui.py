"""The Dagster UI and daemon on a workspace: a dropped file is reconciled without a hand touching it.

One smoke test: the UI takes a minute or two to come up, so everything that needs it is asked here.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.journeys.desk import USAGE, Desk

PATIENCE = 240.0
"""Seconds until the UI serves and the daemon has run two jobs on a slow machine."""

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(what: str, is_true: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return once the claim holds; fail with its words when it does not in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if is_true():
            return
        time.sleep(1)
    pytest.fail(f"{what} did not happen within {seconds:.0f} s")


def serves(url: str) -> bool:
    """Whether the UI answers."""
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@contextmanager
def served_ui(root: Path, log: Path) -> Iterator[str]:
    """``trueup dev`` as a user starts it, stopped with everything it started."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "trueup"), "dev", "--workspace", str(root), "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for("the UI", lambda: serves(url))
        yield url
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=30)


@contextmanager
def opened_page() -> Iterator[Page]:
    """A page in headless Chromium."""
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM)
        try:
            yield browser.new_page(viewport={"width": 1600, "height": 1000})
        finally:
            browser.close()


def screenshots(tmp_path: Path) -> Path:
    """Where screenshots go: ``TRUEUP_SCREENSHOTS`` for people who want to look, else the test's own folder."""
    folder = Path(os.environ.get("TRUEUP_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_a_dropped_file_is_reconciled_by_the_daemon_and_shown_in_the_ui(desk: Desk, tmp_path: Path) -> None:
    log = tmp_path / "dagster.log"
    with served_ui(desk.root, log) as url:
        desk.drop("generic/2026-10/usage.csv", USAGE + "gamma,M365 BP,5\n")
        wait_for("the proposal", lambda: desk.proposals() == {"1": "12"})
        with opened_page() as page:
            page.goto(f"{url}/asset-groups")
            for group in ("intake", "agreements", "mapping", "reconciliation", "review"):
                expect(page.get_by_text(group, exact=True).first).to_be_visible(timeout=60_000)
            page.wait_for_timeout(2_000)
            page.screenshot(path=screenshots(tmp_path) / "groups.png")
            page.goto(f"{url}/locations/trueup/asset-groups/intake/lineage")
            expect(page.get_by_text("validated_usage", exact=True).first).to_be_visible(timeout=60_000)
            expect(page.get_by_text("3 / 3 Passed").first).to_be_visible(timeout=60_000)
            page.screenshot(path=screenshots(tmp_path) / "intake.png")
            page.goto(f"{url}/assets/reconciliation_deltas?view=overview")
            expect(page.get_by_text("What differs between used and billed").first).to_be_visible(timeout=60_000)
            page.wait_for_timeout(2_000)
            page.screenshot(path=screenshots(tmp_path) / "deltas.png")
            page.goto(f"{url}/assets/proposed_changes?view=checks")
            expect(page.get_by_text("month_could_be_reconciled").first).to_be_visible(timeout=60_000)
            page.wait_for_timeout(2_000)
            page.screenshot(path=screenshots(tmp_path) / "checks.png")
            page.goto(f"{url}/assets/proposed_changes?view=partitions&partition=2026-10%7Cacme")
            expect(page.get_by_text("largest changes").first).to_be_visible(timeout=60_000)
            page.wait_for_timeout(2_000)
            page.screenshot(path=screenshots(tmp_path) / "month.png")
        desk.map(accounts=[{"source": "generic", "key": "gamma", "account": "251"}])
        wait_for("the proposal that follows from the mapping", lambda: desk.proposals() == {"1": "12", "2": "13"})
