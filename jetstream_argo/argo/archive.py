"""How definitions that are published as an archive get into a folder."""

import io
import tarfile
from pathlib import Path

from jetstream_argo.engines.objects import get
from jetstream_argo.errors import ConfigError, Problem


def unpack_archive(url: str, folder: Path) -> Path:
    """Return the folder that holds the files of a .tar.gz: the archive's own single folder, if it has just one.

    Raises:
        NotFound, AccessDenied, Transient: the address says so, or does not answer.
        ConfigError: what is there is no archive, or one that writes outside of its folder.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(get(url)), mode="r:gz") as archive:
            archive.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ConfigError(url, [Problem("", f"is no usable .tar.gz: {error}")]) from error
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
