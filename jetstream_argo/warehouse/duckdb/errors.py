"""Turns errors of DuckDB's into this package's."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from jetstream_argo.errors import AccessDenied, EngineError, InvalidQuery, TooBig, Transient, Unsupported
from jetstream_argo.warehouse.duckdb.memory import LEAST_MIB

_QUOTED = re.compile(r'"([^"]+)"')
_POSITION = re.compile(r"\n+LINE \d+:.*", re.DOTALL)
# What DuckDB says in its own terms, and what is said instead.
_SPOKEN = (
    (re.compile(r"Conversion Error: Type INT128 with value (\S+) can't be cast .*INT64.*"), r"INT64 overflow: \1"),
    (re.compile(r".*Division by zero in expression \((.*?)\)\. Use TRY.*"), r"division by zero"),
    (re.compile(r"Invalid Input Error: "), ""),
)
_LIMIT = re.compile(r"/([\d.]+) (bytes|KiB|MiB) used")
_SMALL = f"DuckDB needs {LEAST_MIB} MiB for tables of any size, the record of what was done among them: allow it"
_PASSING = ("no space left", "disk full", "too many open files", "cannot open file", "could not open", "could not read")


@contextmanager
def translated_errors(sql: str) -> Iterator[None]:
    """Raise this package's errors for DuckDB's; they refer to the query `sql` as it was written.

    Raises:
        InvalidQuery: a column, type or value does not fit.
        TooBig: memory or disk for spilled data ran out.
        Transient: a file could not be read or written, or the query was interrupted.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise _classified(error, sql) from error


@contextmanager
def file_errors() -> Iterator[None]:
    """Raise this package's errors for those of the file system.

    Raises:
        AccessDenied: this account may not read or write a file.
        Transient: a file cannot be read or written now, as on a disk that is full.
    """
    try:
        yield
    except PermissionError as error:
        raise AccessDenied(f"{error.filename}: {error.strerror}; let this account read and write it") from error
    except OSError as error:
        raise Transient(f"{error.filename or 'warehouse'}: {error.strerror or error}") from error


def line_of(text: str, sql: str) -> str:
    """Return ` (line n: …)` for the first line of the query that has `text`, or nothing."""
    for number, line in enumerate(sql.splitlines(), start=1):
        if text.lower() in line.lower():
            return f" (line {number}: {line.strip()[:100]})"
    return ""


def _has_little_memory(text: str) -> bool:
    """Return whether DuckDB says that it has less memory than it needs for tables however small.

    >>> _has_little_memory("could not allocate block of size 256.0 KiB (3.9 MiB/4.0 MiB used)")
    True
    >>> _has_little_memory("could not allocate block of size 256.0 KiB (1.4 GiB/1.5 GiB used)")
    False
    """
    limit = _LIMIT.search(text)
    return limit is not None and (limit[2] != "MiB" or float(limit[1]) < LEAST_MIB)


def _classified(error: Exception, sql: str) -> EngineError:
    import duckdb

    text = " ".join(_POSITION.sub("", str(error)).split())
    match error:
        case duckdb.InternalException() | duckdb.FatalException():
            return Unsupported(f"DuckDB fails at this query: {text.partition('Stack Trace')[0].strip()}")
        case duckdb.OutOfMemoryException():
            found = text.partition(" Possible solutions")[0]
            instead = _SMALL if _has_little_memory(found) else "ask for fewer metrics or dates, or allow it"
            return TooBig(f"{found}; {instead} more in the warehouse's address, with memory_mib")
        case duckdb.IOException() | duckdb.InterruptException() | duckdb.ConnectionException():
            return Transient(text)
        case _ if any(words in text.lower() for words in _PASSING):
            return Transient(text)
    for pattern, words in _SPOKEN:
        text = pattern.sub(words, text)
    named = _QUOTED.search(text)
    return InvalidQuery(text + (line_of(named[1], sql) if named else ""))
