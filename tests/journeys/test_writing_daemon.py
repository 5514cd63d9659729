"""With the daemon running, an approval on the command line is written without a hand touching it."""

from pathlib import Path

from tests.journeys.desk import USAGE, Desk
from tests.journeys.test_dagster_ui import served_ui, wait_for


def test_an_approval_is_written_by_the_daemon_and_once(desk: Desk, tmp_path: Path) -> None:
    desk.drop("generic/2026-10/usage.csv", USAGE)
    desk.run()
    with served_ui(desk.root, tmp_path / "dagster.log"):
        desk.approve("1")
        wait_for("the write", lambda: desk.statuses("1") == ["written"])
        assert desk.wrote() == [("1", "10", "12")]
    assert [action for action, _ in desk.events()] == ["approved", "intended", "concluded"]
