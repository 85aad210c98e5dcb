"""The list of signatures, read when it is first asked for a function."""

from functools import cache
from importlib import resources

from jetstream_argo.warehouse.duckdb.signatures.model import FunctionEntry, Signature, parse

FILES = ("numbers", "text", "time", "json", "nested", "logic", "casts", "aggregates", "windows")


@cache
def entries(file: str) -> tuple[FunctionEntry, ...]:
    """Return the functions and operators of one file, in its order."""
    folder = resources.files("jetstream_argo.warehouse.duckdb.signatures")
    return tuple(parse(folder.joinpath(f"{file}.txt").read_text(encoding="utf-8")))


@cache
def by_name() -> dict[str, FunctionEntry]:
    """Return all entries by their names."""
    return {entry.name: entry for file in FILES for entry in entries(file)}


@cache
def signatures_of(name: str) -> tuple[Signature, ...]:
    """Return a function's signatures; none if it has none."""
    entry = by_name().get(name)
    return entry.signatures() if entry is not None else ()
