"""Reads a CSV file: all of it as text, with the delimiter that its first line shows."""

import csv
import gzip
import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TextIO

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.warehouse.duckdb.incoming.finding import path_literal
from jetstream_argo.warehouse.duckdb.incoming.model import Content, Field, File, IncomingQuery, ReadOptions
from jetstream_argo.warehouse.duckdb.incoming.names import column_names
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal

if TYPE_CHECKING:
    import _csv

_DELIMITERS = (",", ";", "\t", "|")
_SPOKEN = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "bar"}
_LARGEST_CELL = 1 << 27
# What no column is called, and what the values below a header look like.
_VALUE = re.compile(
    r"\s*([+-]?\d[\d.,]*([eE][+-]?\d+)?|\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{4})\s*"
)


def csv_reading(file: File, options: ReadOptions) -> IncomingQuery:
    """Return how to read a CSV file. Its first line has the columns' names, unless the options say otherwise.

    Raises:
        ConfigError: there is no header, or its names cannot be used.
    """
    delimiter = options.delimiter or _delimiter(file, options)
    first = _first_record(file, options, delimiter)
    written = options.columns or tuple(first)
    if options.columns and len(options.columns) != len(first):
        what = f"has {len(first)} columns, and --columns names {len(options.columns)}"
        raise ConfigError(file.shown, [Problem("line 1", what)])
    if not options.columns:
        _check_header(file, first)
    names = column_names(written, file.shown)
    raw = [f"c{place}" for place in range(len(names))]
    columns = ", ".join(f"{text_literal(name)}: 'VARCHAR'" for name in raw)
    encoding = f", encoding = {text_literal(options.encoding)}" if options.encoding else ""
    packed = ", compression = 'gzip'" if file.is_packed else ""
    # By itself DuckDB would take 16 of the longest lines at once for a packed file, whose size it cannot know: 2 GiB.
    memory = f"max_line_size = {_LARGEST_CELL}, buffer_size = {_LARGEST_CELL}"
    rows = (
        f"read_csv({path_literal(file.path)}, auto_detect = false, header = {str(options.has_header).lower()}, "
        f"columns = {{{columns}}}, delim = {text_literal(delimiter)}, quote = '\"', escape = '\"', nullstr = '', "
        f"allow_quoted_nulls = false, {memory}{encoding}{packed})"
    )
    selected = ", ".join(f"{name} AS {quoted(own)}" for name, own in zip(raw, names, strict=True))
    renamed = tuple(f"{old!r} is called {new}" for old, new in zip(written, names, strict=True) if old != new)
    spoken = _SPOKEN.get(delimiter, repr(delimiter))
    return IncomingQuery(
        shown=file.shown,
        sql=f"SELECT {selected} FROM {rows}",
        fields=tuple(Field(own, old, Content.TEXT) for own, old in zip(names, written, strict=True)),
        place=partial(_place, file, options, delimiter),
        notes=(*((f"separated by {spoken}",) if delimiter != "," else ()), *renamed),
    )


def explained(message: str) -> Problem:
    """Return the problem that DuckDB found with a CSV file, in our words.

    >>> str(explained("CSV Error on Line: 4 Original Line: 3,4,5 Expected Number of Columns: 2 Found: 3 Possible"))
    "line 4: has 3 columns where the header has 2: '3,4,5'; mend the line, or quote what has a delimiter in it"
    """
    line = re.search(r"CSV Error on Line: (\d+)", message)
    where = f"line {line[1]}" if line else ""
    text = re.search(r"Original Line: (.*?) (Expected Number|Value with|Invalid unicode|Maximum line)", message)
    shown = f": {text[1][:80]!r}" if text else ""
    count = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if count:
        advice = "mend the line, or quote what has a delimiter in it"
        return Problem(where, f"has {count[2]} columns where the header has {count[1]}{shown}; {advice}")
    if "unterminated quote" in message:
        return Problem(where, f"begins a quote that does not end{shown}; close it, or double quotes within quotes")
    if "state machine" in message:
        what = "mixes ends of lines, or has quotes within a value that are not doubled"
        return Problem(where, f"{what}; write it anew with one kind of each (`dos2unix` mends the ends of lines)")
    if "not utf-8" in message:
        return Problem(where, "is not UTF-8; say how the file is written, such as --encoding latin-1 or utf-16")
    return Problem(where, message.partition(" Possible ")[0].removeprefix("Invalid Input Error: "))


def _check_header(file: File, first: list[str]) -> None:
    if first and first[0].startswith("sep="):
        what = "is Excel's hint on what separates columns, and no names; remove the line"
        raise ConfigError(file.shown, [Problem("line 1", what)])
    values = [cell for cell in first if _VALUE.fullmatch(cell)]
    if values:
        what = (
            f"the first line holds values such as {values[0]!r}, no names of columns; name them with "
            f"--no-header --columns NAME,NAME,… (the file has {len(first)}), or --columns alone to replace the line"
        )
        raise ConfigError(file.shown, [Problem("line 1", what)])


def _delimiter(file: File, options: ReadOptions) -> str:
    """Return the delimiter that splits the first record into most columns, none of them with a quote; else a comma."""

    def fitness(delimiter: str) -> tuple[bool, int]:
        record = _first_record(file, options, delimiter)
        return not any('"' in cell for cell in record), len(record)

    return max(_DELIMITERS, key=fitness)


def _first_record(file: File, options: ReadOptions, delimiter: str) -> list[str]:
    try:
        with _opened(file, options) as text:
            return next((record for record in _records(text, delimiter) if record), [])
    except UnicodeDecodeError as error:
        what = "is not UTF-8; say how the file is written, such as --encoding latin-1 or utf-16"
        raise ConfigError(file.shown, [Problem("line 1", what)]) from error
    except (csv.Error, LookupError, OSError, EOFError) as error:
        raise ConfigError(file.shown, [Problem("line 1", f"cannot be read: {error}")]) from error


def _place(file: File, options: ReadOptions, delimiter: str, number: int) -> str:
    """Return the line of the file in which a record begins; lines that are empty are no records."""
    with _opened(file, options) as text:
        reader = _records(text, delimiter)
        wanted = number + (1 if options.has_header else 0)
        before, found, is_single = 0, 0, False
        for record in reader:
            is_single = is_single or (found == 0 and len(record) == 1)
            found += 1 if record or is_single else 0
            if found == wanted:
                return f"line {before + 1}"
            before = reader.line_num
    return f"record {number}"


def _records(text: TextIO, delimiter: str) -> "_csv.Reader":
    return csv.reader(text, delimiter=delimiter)


@contextmanager
def _opened(file: File, options: ReadOptions) -> Iterator[TextIO]:
    csv.field_size_limit(min(sys.maxsize, _LARGEST_CELL))
    with gzip.open(file.path) if file.is_packed else file.path.open("rb") as raw:
        yield io.TextIOWrapper(raw, encoding=options.encoding or "utf-8-sig", newline="")
