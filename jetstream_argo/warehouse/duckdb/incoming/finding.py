"""Finds the files that are meant, and how each is written."""

import glob
import gzip
import re
from collections.abc import Sequence
from pathlib import Path

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.warehouse.duckdb.incoming.model import File, Format
from jetstream_argo.warehouse.duckdb.types import text_literal

_BY_ENDING = {
    ".csv": Format.CSV, ".tsv": Format.CSV, ".txt": Format.CSV, ".json": Format.JSON, ".jsonl": Format.JSON,
    ".ndjson": Format.JSON, ".parquet": Format.PARQUET, ".pq": Format.PARQUET,
}  # fmt: skip
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_BOM = b"\xef\xbb\xbf"
_BEGINNING = 512
_PATTERN = re.compile(r"[*?\[]")


def found_files(named: Sequence[str], *, format_: Format | None = None) -> tuple[File, ...]:
    """Return the files that are named: by path, by a pattern such as `orders-*.csv`, or as a folder of Parquet files.

    Raises:
        ConfigError: there is no such file, or it is empty.
    """
    return tuple(described_file(path, str(path), format_=format_) for name in named for path in _paths(name))


def described_file(path: Path, shown: str, *, format_: Format | None = None) -> File:
    """Return how a file is written: by the ending of its name, or else by how it begins.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    ending = Path(shown.removesuffix(".gz")).suffix.lower()
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
        is_packed = beginning.startswith(_GZIP)
        if is_packed:
            with gzip.open(path) as unpacked:
                beginning = unpacked.read(_BEGINNING)
    except (OSError, EOFError) as error:
        what = getattr(error, "strerror", None) or str(error)
        raise ConfigError(shown, [Problem("", f"cannot be read: {what}")]) from error
    if shown.endswith(".gz") and not is_packed and beginning:
        raise ConfigError(shown, [Problem("", "is not packed by gzip, as its name says; rename it, or pack it again")])
    if not beginning.removeprefix(_BOM).strip():
        raise ConfigError(shown, [Problem("", "is empty; there is nothing to load")])
    return File(path, shown, format_ or _BY_ENDING.get(ending) or _of_content(beginning), is_packed)


def path_literal(path: Path) -> str:
    """Return a file's path for DuckDB, which takes `*`, `?` and `[` for a pattern even where a file is called so.

    >>> path_literal(Path("a*[1].csv"))
    "'a[*][[]1].csv'"
    """
    return text_literal(_PATTERN.sub(lambda found: f"[{found[0]}]", str(path)))


def _of_content(beginning: bytes) -> Format:
    if beginning.startswith(_PARQUET):
        return Format.PARQUET
    return Format.JSON if beginning.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[") else Format.CSV


def _paths(name: str) -> list[Path]:
    path = Path(name)
    try:
        if path.is_dir():
            return _inside(path)
        if path.exists():
            return [path]
    except (OSError, ValueError) as error:
        raise ConfigError(name, [Problem("", f"is no file's name: {error}")]) from error
    found = sorted(Path(match) for match in glob.glob(name, recursive=True))  # noqa: PTH207  # a pattern may be absolute
    files = [match for match in found if match.is_file()]
    if not files:
        what = "no file has such a name" if glob.has_magic(name) else "there is no such file"
        raise ConfigError(name, [Problem("", f"{what}, looked for in {Path.cwd()}; check the path")])
    return files


def _inside(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*.parquet") if path.is_file())
    if not files:
        what = "is a folder without Parquet files; name its files, such as 'FOLDER/*.csv'"
        raise ConfigError(str(folder), [Problem("", what)])
    return files
