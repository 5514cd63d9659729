"""Compressed files, told by their first bytes whatever their name: what is inside, within bounds.

Belongs here: gzip with any number of members, zip with one data file, what makes an archive unreadable.
Does not belong here: what the unpacked bytes mean (``sheet``), where they are put (``resources.warehouse.reading``).
"""

import errno
import gzip
import struct
import zipfile
import zlib
from typing import IO, BinaryIO

from pipelines.intake.sheet import UnreadableFile

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
EMPTY_ZIP = b"PK\x05\x06"

_TYPES = "[Content_Types].xml"
"""The part that every workbook has."""

MOST_BYTES = 4 * 1024**3
"""Unpacked bytes of one file; ten million rows of a wide export are half of it."""

MOST_TIMES = 250
"""How many times larger an unpacked file may be, once it is large at all: rows that repeat each other pack a hundred
times, a file that was made to fill a disk a thousand times."""

SMALL = 64 * 1024**2
_CHUNK = 1024 * 1024

# The last two are what zipfile says of a directory that points to nowhere.
_DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, struct.error, ValueError)

_SEND_AGAIN = "Fetch the file again from the distributor's portal, or unpack it and drop the data file"
_DROP_ONE = "Unpack it and drop the data file alone"


def is_packed(stream: BinaryIO, *, reads_workbooks: bool = False) -> bool:
    """Whether the file is an archive; the stream is at its start afterwards.

    A workbook is a zip file as well, and where workbooks are read it is no archive.
    """
    start = stream.read(4)
    is_packed_ = start.startswith(GZIP) or start in {ZIP, EMPTY_ZIP}
    if start == ZIP and reads_workbooks:
        is_packed_ = not _is_workbook(stream)
    stream.seek(0)
    return is_packed_


def _is_workbook(stream: BinaryIO) -> bool:
    """Whether a zip file may be a workbook; a broken one may be."""
    try:
        with zipfile.ZipFile(stream) as archive:
            return _TYPES in archive.namelist()
    except _DAMAGED:
        return True


def unpack(stream: BinaryIO, size: int, target: BinaryIO, *, reads_workbooks: bool = False) -> None:
    """Write what is inside a packed file of ``size`` bytes to ``target``.

    Raises ``UnreadableFile`` when it is damaged, encrypted, holds none or several files, another archive, or more than
    a usage file can be.
    """
    try:
        if stream.read(2) == GZIP:
            stream.seek(0)
            with gzip.open(stream) as inside:
                _copy(inside, size, target, reads_workbooks)
        else:
            stream.seek(0)
            with zipfile.ZipFile(stream) as archive, archive.open(_data_file(archive)) as inside:
                _copy(inside, size, target, reads_workbooks)
    except _DAMAGED as error:
        raise UnreadableFile(f"the archive is damaged or cut off ({error})", _SEND_AGAIN) from None
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # A directory that points to before the start of the file; a disk that fails says something else.
        raise UnreadableFile(
            "the archive is damaged or cut off (its directory points to nowhere)", _SEND_AGAIN
        ) from None
    except NotImplementedError as error:
        raise UnreadableFile(f"the archive is packed in a way that is not known ({error})", _DROP_ONE) from None


def _data_file(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    names = [info.filename for info in archive.infolist()]
    if _TYPES in names:
        raise UnreadableFile(
            "the file is a workbook, and the profile reads text",
            "Set file.format of the profile to xlsx, or save the sheet as CSV (UTF-8) and drop that",
        )
    files = [info for info in archive.infolist() if _is_data(info)]
    if len(files) != 1:
        listed = ", ".join(info.filename for info in files[:10]) or "none"
        raise UnreadableFile(f"the archive must hold one data file and holds {len(files)}: {listed}", _DROP_ONE)
    if files[0].flag_bits & 1:
        raise UnreadableFile("the archive is encrypted", _DROP_ONE)
    return files[0]


def _is_data(info: zipfile.ZipInfo) -> bool:
    """Folders and what Macs and editors leave behind are no data."""
    parts = info.filename.split("/")
    return not info.is_dir() and "__MACOSX" not in parts and not parts[-1].startswith(".")


def _copy(inside: IO[bytes] | gzip.GzipFile, size: int, target: BinaryIO, reads_workbooks: bool) -> None:
    written = 0
    while chunk := inside.read(_CHUNK):
        # What an unpacked zip is when workbooks are read is for their parser to say.
        is_archive = chunk.startswith(GZIP) or (chunk[:4] in {ZIP, EMPTY_ZIP} and not reads_workbooks)
        if not written and is_archive:
            raise UnreadableFile("the archive holds another archive", _DROP_ONE)
        written += len(chunk)
        if written > MOST_BYTES or written > max(SMALL, MOST_TIMES * size):
            raise UnreadableFile(
                f"the archive unpacks to more than {written // 1024**2:,} MB out of {size:,} bytes: no usage file does",
                _SEND_AGAIN,
            )
        target.write(chunk)
