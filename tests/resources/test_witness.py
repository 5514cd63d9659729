"""The witness in its file: it never goes back, is never half there, and speaks for its own tenant."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.audit import ChainPoint
from pipelines.writeback.ports import WitnessUnreadable
from resources.witness import WitnessFile
from tests.pipelines.writeback.office import Office, opened


def test_what_is_kept_is_seen_by_another_process_in_the_shape_of_an_anchor(tmp_path: Path) -> None:
    folder = tmp_path / "witness"
    assert WitnessFile(folder, "msp").seen() is None
    WitnessFile(folder, "msp").keep(ChainPoint(5, "ab"))
    assert WitnessFile(folder, "msp").seen() == ChainPoint(5, "ab")
    assert json.loads((folder / "msp.json").read_text()) == {"tenant": "msp", "sequence": 5, "hash": "ab"}


def test_it_never_goes_back_but_can_be_begun_anew(tmp_path: Path) -> None:
    witness = WitnessFile(tmp_path, "msp")
    witness.keep(ChainPoint(5, "ab"))
    witness.keep(ChainPoint(4, "cd"))
    assert witness.seen() == ChainPoint(5, "ab")
    witness.begin_anew(ChainPoint(2, "ef"))
    assert witness.seen() == ChainPoint(2, "ef")


def test_of_many_writers_at_once_the_furthest_one_stays(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: WitnessFile(tmp_path, "msp").keep(ChainPoint(n, str(n))), range(1, 41)))
    assert WitnessFile(tmp_path, "msp").seen() == ChainPoint(40, "40")


def test_the_witness_of_another_tenant_is_not_ours(tmp_path: Path) -> None:
    WitnessFile(tmp_path, "other").keep(ChainPoint(5, "ab"))
    ours = WitnessFile(tmp_path, "msp")
    assert ours.seen() is None
    ours.begin_anew(ChainPoint(1, "cd"))
    assert WitnessFile(tmp_path, "other").seen() == ChainPoint(5, "ab")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b'{"tenant": "msp", "seq', id="cut off"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[5]", id="another shape"),
        pytest.param(b'{"tenant": "msp", "sequence": null, "hash": "ab"}', id="no number"),
        pytest.param(b'{"tenant": "other", "sequence": 5, "hash": "ab"}', id="another tenant's, renamed"),
    ],
)
def test_a_damaged_file_is_not_taken_for_none_until_it_is_begun_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "msp.json").write_bytes(content)
    witness = WitnessFile(tmp_path, "msp")
    for act in (witness.seen, lambda: witness.keep(ChainPoint(9, "ab"))):
        with pytest.raises(WitnessUnreadable, match=r"msp\.json cannot be read"):
            act()
    assert (tmp_path / "msp.json").read_bytes() == content
    witness.begin_anew(ChainPoint(9, "ab"))
    assert witness.seen() == ChainPoint(9, "ab")


def test_a_writer_that_died_before_the_new_name_leaves_the_old_witness(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = WitnessFile(tmp_path, "msp")
    witness.keep(ChainPoint(5, "ab"))

    def die(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "replace", die)
    with pytest.raises(OSError, match="no space"):
        witness.keep(ChainPoint(6, "cd"))
    monkeypatch.undo()
    assert witness.seen() == ChainPoint(5, "ab")
    witness.keep(ChainPoint(6, "cd"))
    assert witness.seen() == ChainPoint(6, "cd")


def test_two_machines_that_take_turns_on_one_database_never_halt(store_url: str, tmp_path: Path) -> None:
    with opened(store_url, lines=4) as office:
        machines = [WitnessFile(tmp_path / name, "msp") for name in ("one", "two")]
        for number in range(1, 5):
            office.witness = machines[number % 2]
            office.approve(str(number))
            assert office.run().stop is None
            assert all(_is_known(office, each) for each in machines)
        assert len(office.psa.accepted) == 4


def _is_known(office: Office, machine: WitnessFile) -> bool:
    """Whether what a machine has seen, if anything, is a part of the trail."""
    seen = machine.seen()
    return seen is None or office.trail_hash(seen.sequence) == seen.entry_hash
