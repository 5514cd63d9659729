"""Broken files without end, each made from a number, read and held against the judge.

Belongs here: what can happen to the bytes of a file, what one reading must hold, running many of them.
Does not belong here: how many are run, and by how many processes (``test_fuzz``).
"""

import gzip
import io
import random
import tempfile
import traceback
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from pipelines.intake.completeness import judge_file
from pipelines.intake.layout import FileLayout
from pipelines.intake.profile import ImportProfile, load_profile
from pipelines.intake.shipped import shipped_profiles
from resources.warehouse.reading import DuckDbFileReader
from tests.pipelines.intake.judge import UnreadableFileError, judge
from tests.resources.warehouse.agreement import assert_agreement, assert_slices

SAMPLES = Path(__file__).parents[2] / "samples"
OWN_PROFILE = {"04_cp1252": "04_encodings", "04_utf16": "04_encodings", "28_first": "28_reissued"}
AS_OF = date(2026, 7, 31)

Mutation = Callable[[random.Random, bytes], bytes]

TEXTS = [
    *('"', '""', '"""', '="', "'", ",", ";", "\t", "|", "(", "-", ".", "1e9", "nan", "9" * 29),
    *("\n", "\r", "\r\n", "\0", "\x0b", "\x0c", "\x1a", "\x85", "\u2028"),
    *(" ", "\u00a0", "\u200b", "\ufeff", "\u202e", "\ufb00", "e\u0301"),
]
MARKS = [*(text.encode() for text in TEXTS), b"\x80", b"\xff", b"\xfe\xff", b"\xed\xa0\x80", b"\xc3"]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp437", "utf-7"]
ARCHIVES = (b"\x1f\x8b", b"PK\x03\x04", b"PK\x05\x06")
STARTS = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\0\0", b"\x1f\x8b\x08\0", *ARCHIVES, b"\xef"]
SIZES = [1_000, 30_000, 131_072, 131_073, 140_000]
"""Characters of a cell; the fourth is one more than a cell may have."""


@dataclass(frozen=True)
class BrokenFile:
    """A file that nobody wrote by hand, and the profile under which it arrives."""

    name: str
    content: bytes
    profile: ImportProfile


# --- what can happen to a file ----------------------------------------------------------------------------------------


def flip(rng: random.Random, content: bytes) -> bytes:
    """Turn a few bits."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 6) if content else 0):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def cut_off(rng: random.Random, content: bytes) -> bytes:
    """End the file early, or begin it late."""
    place = rng.randint(0, len(content))
    return content[:place] if rng.random() < 0.8 else content[place:]


def insert(rng: random.Random, content: bytes) -> bytes:
    """Put something between two bytes, a few times."""
    for _ in range(rng.randint(1, 4)):
        place = rng.randint(0, len(content))
        content = content[:place] + rng.choice(MARKS) + content[place:]
    return content


def cut_out(rng: random.Random, content: bytes) -> bytes:
    """Lose a piece."""
    first = rng.randint(0, len(content))
    return content[:first] + content[first + rng.randint(1, 12) :]


def repeat(rng: random.Random, content: bytes) -> bytes:
    """Bear a piece twice, mostly whole lines; the header as well."""
    lines = content.splitlines(keepends=True)
    if rng.random() < 0.6 and lines:
        place = rng.choice([0, rng.randrange(len(lines))])
        return b"".join([*lines[: place + 1], *lines[place:]])
    first = rng.randint(0, len(content))
    piece = content[first : first + rng.randint(1, 60)]
    return content[:first] + piece * rng.randint(2, 3) + content[first + len(piece) :]


def mix_up(rng: random.Random, content: bytes) -> bytes:
    """Bring lines into another order."""
    lines = content.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines)


def other_encoding(rng: random.Random, content: bytes) -> bytes:
    """Write the same text under another encoding than the one it says."""
    return content.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "ignore")


def start(rng: random.Random, content: bytes) -> bytes:
    """Begin like something else."""
    return rng.choice(STARTS) + content


def line_ends(rng: random.Random, content: bytes) -> bytes:
    """End lines in another way, all or one of them."""
    other = rng.choice([b"\r\n", b"\r", b"\n\n", b"\r\r\n", b"\x85"])
    return content.replace(b"\n", other, rng.choice([-1, 1, 2]))


def huge(rng: random.Random, content: bytes) -> bytes:
    """Hold a cell beyond all measure."""
    place = rng.randint(0, len(content))
    return content[:place] + rng.choice([b"x", b"1", b'"', b" "]) * rng.choice(SIZES) + content[place:]


def packed(rng: random.Random, content: bytes) -> bytes:
    """Be an archive, whole or damaged, one in another, with bytes behind it."""
    content = rng.choice([_gzipped, _zipped, _gzipped, _as_workbook])(rng, content)
    harm = rng.choice([None, None, None, flip, cut_off, insert, cut_out, packed])
    return content if harm is None else harm(rng, content)


def _gzipped(rng: random.Random, content: bytes) -> bytes:
    place = rng.randint(0, len(content))
    members = [content] if rng.random() < 0.5 else [content[:place], content[place:]]
    return b"".join(gzip.compress(member, 1, mtime=0) for member in members) + rng.choice([b"", b"", b"\0" * 9, b"x"])


def _zipped(rng: random.Random, content: bytes) -> bytes:
    out = io.BytesIO()
    names = rng.choice([["u.csv"], ["u.csv"], ["x/u.csv", "__MACOSX/u.csv"], ["a.csv", "b.csv"], []])
    with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


def _as_workbook(rng: random.Random, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("[Content_Types].xml", "xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


MUTATIONS: list[Mutation] = [flip, cut_off, insert, insert, cut_out, repeat, mix_up, other_encoding, start, line_ends]


@cache
def originals() -> list[BrokenFile]:
    """The samples that mutations start from."""
    shipped = {name.replace("-", "_"): as_text(load_profile(text)) for name, text in shipped_profiles().items()}
    found = []
    for path in sorted((SAMPLES / "nastiness").glob("*.csv")):
        profile = path.with_name(f"{OWN_PROFILE.get(path.stem, path.stem)}.yaml").read_text(encoding="utf-8")
        found.append(BrokenFile(path.name, path.read_bytes(), load_profile(profile)))
    for path in sorted((SAMPLES / "intake").glob("*.csv")):
        profiles = [profile for name, profile in shipped.items() if name in path.stem or path.stem in name]
        found += [BrokenFile(path.name, path.read_bytes(), profile) for profile in profiles]
    return found


def as_text(profile: ImportProfile) -> ImportProfile:
    """The profile; that of a workbook for its sheet saved as CSV, since its samples are kept so."""
    return profile.model_copy(update={"file": FileLayout()}) if profile.file.is_workbook else profile


def broken_file(seed: int) -> BrokenFile:
    """The file of a number: always the same one."""
    rng = random.Random(seed)
    original = rng.choice(originals())
    content = original.content if rng.random() < 0.95 else rng.randbytes(rng.randint(0, 400))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = rng.choice(MUTATIONS)(rng, content)
    if rng.random() < 0.03:
        content = huge(rng, content)
    if rng.random() < 0.08:
        content = packed(rng, content)
    return BrokenFile(original.name, content, original.profile)


# --- what each reading must hold --------------------------------------------------------------------------------------


def text_in(content: bytes) -> bytes | None:
    """The bytes that a file means, unpacked where it is an archive; None where it does not hold one file of text."""
    if not content.startswith(ARCHIVES):
        return content
    try:
        inside = _unpacked(content)
    except (OSError, EOFError, zlib.error, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None
    return None if inside.startswith(ARCHIVES) else inside


def _unpacked(content: bytes) -> bytes:
    if content.startswith(b"\x1f\x8b"):
        return gzip.decompress(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        [name] = [name for name in archive.namelist() if not name.startswith("__MACOSX")]
        return archive.read(name)


def hold(reader: DuckDbFileReader, file: BrokenFile, path: Path) -> None:
    """Read the file, and hold what the reader says against the judge, record by record."""
    path.write_bytes(file.content)
    said = reader.read(path, file.profile, file_name=file.name, as_of=AS_OF)
    verdict, reasons = judge_file(file.profile, said, None)
    assert all(reason.strip() for reason in reasons), reasons
    text = text_in(file.content)
    try:
        records = None if text is None else judge(text, file.profile, AS_OF)
    except UnreadableFileError:
        records = None
    if records is None:
        assert said.refusal is not None, "read, and the judge cannot read it"
        assert (verdict, said.rows.total) == ("refused", 0)
    else:
        assert said.refusal is None, f"refused, and the judge reads it: {said.refusal}"
        assert_agreement(said, records)
        assert_slices(said, records)


def hold_all(seeds: range) -> list[str]:
    """What went wrong with the files of these numbers."""
    return list(_wrong(seeds))


def _wrong(seeds: range) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        reader = DuckDbFileReader(Path(folder) / "scratch")
        for seed in seeds:
            try:
                hold(reader, broken_file(seed), Path(folder) / "usage.csv")
            except Exception:
                yield f"seed {seed}: {traceback.format_exc(limit=-3)}"
