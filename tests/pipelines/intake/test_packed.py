"""Compressed files: unpacked by what they are, whatever they are called, and refused in words when they cannot be."""

import contextlib
import gzip
import io
import random
import zipfile
from pathlib import Path

import pytest

from pipelines.intake import packed
from pipelines.intake.packed import is_packed, unpack
from pipelines.intake.sheet import UnreadableFile
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.reading import profile_of, read_text

CSV = b"Account,Service,Quantity\nAcme,M365,12\nBeta,M365,7\n"


def zipped(*files: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return out.getvalue()


def unpacked(content: bytes) -> bytes:
    stream, target = io.BytesIO(content), io.BytesIO()
    assert is_packed(stream)
    unpack(stream, len(content), target)
    return target.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(UnreadableFile) as refused:
        unpacked(content)
    return str(refused.value)


def test_all_members_of_a_gzip_file_are_one_file() -> None:
    assert unpacked(gzip.compress(CSV[:30]) + gzip.compress(CSV[30:])) == CSV


def test_the_one_data_file_of_a_zip_is_found_beside_what_a_mac_leaves_there() -> None:
    content = zipped(("export/", b""), ("export/usage.csv", CSV), ("__MACOSX/export/._usage.csv", b"x"), (".DS", b"y"))
    assert unpacked(content) == CSV


@pytest.mark.parametrize("pack", [gzip.compress, lambda content: zipped(("usage.csv", content))], ids=["gz", "zip"])
@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz", "usage.bin"])
def test_a_packed_file_says_what_the_plain_one_says(tmp_path: Path, pack: object, name: str) -> None:
    assert callable(pack)
    file = tmp_path / name
    file.write_bytes(pack(CSV))
    reader = DuckDbFileReader()
    assert reader.fits(file, profile_of())
    read, wanted = reader.read(file, profile_of(), file_name=name), read_text(tmp_path, CSV, profile_of())
    assert (read.refusal, read.rows, read.quantity) == (None, wanted.rows, wanted.quantity)
    assert [row["account_key"] for row in read.table.to_pylist()] == ["Acme", "Beta"]


def test_a_file_that_is_not_packed_is_left_alone() -> None:
    assert not is_packed(io.BytesIO(CSV))
    assert not is_packed(io.BytesIO(b""))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(zipped(), "must hold one data file and holds 0: none", id="an empty zip"),
        pytest.param(
            zipped(("a.csv", CSV), ("b.csv", CSV)), "holds 2: a.csv, b.csv. Unpack it and drop", id="two data files"
        ),
        pytest.param(zipped(("[Content_Types].xml", b"<x/>")), "a workbook", id="a workbook"),
        pytest.param(zipped(("a.csv.gz", gzip.compress(CSV))), "holds another archive", id="gzip in zip"),
        pytest.param(gzip.compress(zipped(("a.csv", CSV))), "holds another archive", id="zip in gzip"),
        pytest.param(gzip.compress(CSV)[:-12], "damaged or cut off", id="a cut gzip"),
        pytest.param(zipped(("a.csv", CSV))[:-12], "damaged or cut off", id="a cut zip"),
    ],
)
def test_what_cannot_be_unpacked_is_refused_with_the_reason_and_the_remedy(content: bytes, words: str) -> None:
    assert words in refusal(content)


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zipped(("a.csv", CSV)))
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flags] |= 1
    assert "is encrypted" in refusal(bytes(content))


def test_a_bomb_is_refused_before_it_is_unpacked_whole() -> None:
    bomb = gzip.compress(b"0" * (packed.SMALL * 2))
    assert "no usage file does" in refusal(bomb)


def test_rows_that_repeat_each_other_are_no_bomb() -> None:
    rows = CSV + b"".join(b"Acme %d,M365 Business Premium,12\n" % (n % 50) for n in range(2_500_000))
    assert len(rows) > packed.SMALL
    assert unpacked(gzip.compress(rows, 1)) == rows


def test_an_archive_with_any_bytes_changed_is_read_or_refused() -> None:
    chance = random.Random(7)
    for pack in (gzip.compress(CSV), zipped(("usage.csv", CSV))):
        for _ in range(1_500):
            content = bytearray(pack)
            for _ in range(chance.randint(1, 3)):
                content[chance.randrange(4, len(content))] = chance.randrange(256)
            with contextlib.suppress(UnreadableFile):
                unpacked(bytes(content))


def test_a_zip_whose_directory_points_to_nowhere_is_damaged_and_no_failing_disk(tmp_path: Path) -> None:
    content = zipped(("usage.csv", CSV))
    read = read_text(tmp_path, content[:10] + content[40:], profile_of())
    assert str(read.refusal).startswith("the archive is damaged or cut off (its directory points to nowhere)")
