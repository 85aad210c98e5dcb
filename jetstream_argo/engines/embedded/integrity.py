"""Whether files hold what was written to them."""

import os
import zlib
from pathlib import Path

_CHUNK = 1 << 20


def sync(path: Path) -> None:
    """Have the file's or folder's bytes on the disk before anything says that they are."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def crc32(path: Path) -> str:
    """Return the checksum of the file's bytes, eight hexadecimal digits."""
    checksum = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"
