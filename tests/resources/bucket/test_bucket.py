"""Every byte received is kept under its hash, and one look sees what lies in the inbox."""

import hashlib
import os
from pathlib import Path

import pytest

from resources.bucket.archive import Archive
from resources.bucket.inbox import InboxFolder


def test_bytes_are_kept_under_their_hash_and_stored_once(tmp_path: Path) -> None:
    file = tmp_path / "usage.csv"
    file.write_bytes(b"Account,Service,Quantity\n")
    archive = Archive(tmp_path / "archive")
    digest = archive.store(file)
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()
    assert archive.store(file) == digest
    assert [p.name for p in (tmp_path / "archive").rglob("*") if p.is_file()] == [digest]
    assert archive.path(digest).read_bytes() == file.read_bytes()


def test_a_file_that_cannot_be_read_leaves_nothing_behind(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    with pytest.raises(FileNotFoundError):
        archive.store(tmp_path / "missing.csv")
    assert list((tmp_path / "archive").iterdir()) == []


def test_a_look_sees_files_in_folders_by_path_and_notices_an_overwritten_one(tmp_path: Path) -> None:
    (tmp_path / "pax8" / "2026-10").mkdir(parents=True)
    (tmp_path / "pax8" / "2026-10" / "b.csv").write_text("1")
    (tmp_path / "a.csv").write_text("22")
    first = InboxFolder(tmp_path).look()
    assert [(found.path, found.size_bytes) for found in first] == [("a.csv", 2), ("pax8/2026-10/b.csv", 1)]
    os.utime(tmp_path / "a.csv", ns=(1, 1))
    assert InboxFolder(tmp_path).look()[0].version != first[0].version


def test_links_are_not_followed_out_of_the_inbox(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("x")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    (inbox / "link.csv").symlink_to(tmp_path / "secret.csv")
    (inbox / "up").symlink_to(tmp_path)
    assert InboxFolder(inbox).look() == []


def test_a_missing_inbox_is_an_error_never_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        InboxFolder(tmp_path / "gone").look()


def test_settling_waits_while_a_file_still_grows(tmp_path: Path) -> None:
    growing = tmp_path / "usage.csv"
    growing.write_text("a")
    waits: list[float] = []

    def write_twice(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) < 3:
            growing.write_text("a" * (len(waits) + 1))

    InboxFolder(tmp_path).wait_until_settled(1.0, write_twice)
    assert waits == [1.0, 1.0, 1.0]


def test_an_empty_inbox_is_settled_at_once(tmp_path: Path) -> None:
    InboxFolder(tmp_path).wait_until_settled(1.0, lambda _: pytest.fail("nothing to wait for"))
