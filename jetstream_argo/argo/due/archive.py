"""Unpacks definitions that are published as an archive into a folder."""

import io
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.objects import get

MOST_FILES = 50_000
MOST_BYTES = 512 * 1024 * 1024  # of all files, unpacked


def unpack_archive(url: str, folder: Path) -> Path:
    """Return the folder that holds the files of a .tar.gz: the archive's own single folder, if it has just one.

    Files and folders are made, with no rights of their own; links and devices are left out. The standard library's
    own filters are not there in Python 3.11.0 to 3.11.3.

    Raises:
        NotFound, AccessDenied, Transient: the address says so, or does not answer.
        ConfigError: what is there is no archive, one that writes outside of its folder, or one that is too large.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(get(url)), mode="r:gz") as archive:
            _unpack(archive, folder, url)
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        raise ConfigError(url, [Problem("", f"is no usable .tar.gz: {error}")]) from error
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _unpack(archive: tarfile.TarFile, folder: Path, url: str) -> None:
    files, size = 0, 0
    for member in archive:
        files, size = files + 1, size + max(member.size, 0)
        if files > MOST_FILES or size > MOST_BYTES:
            what = f"is no usable .tar.gz: it holds more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes"
            raise ConfigError(url, [Problem("", what)])
        place = folder / _inside(member.name)
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
        elif member.isfile() and (content := archive.extractfile(member)) is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.read())


def _inside(name: str) -> PurePosixPath:
    """Return the path of a member; it leads into the folder.

    Raises:
        ValueError: it does not.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{name!r} is outside of the folder")
    return path
