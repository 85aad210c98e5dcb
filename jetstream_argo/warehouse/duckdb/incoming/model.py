"""A file or frame before it is a table, and what was inferred of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from jetstream_argo.dialect.types import Column


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class File:
    """A file to read. `shown` is what people call it; `is_packed` says that it is compressed by gzip."""

    path: Path
    shown: str
    format: Format
    is_packed: bool = False


class Content(StrEnum):
    """What the values of a column are until a type was inferred."""

    TEXT = "text"  # of a CSV file: anything may be written as text
    NUMBERS = "numbers"  # of JSON, as they are written
    WORDS = "words"  # texts that are meant as texts; only dates and times are looked for
    TYPED = "typed"  # of Parquet and frames: DuckDB's type is theirs


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a file: under which name it is loaded, how the file calls it, and DuckDB's type of its values."""

    name: str
    written: str
    content: Content
    type: str = "VARCHAR"


@dataclass(frozen=True, slots=True)
class IncomingQuery:
    """A file or frame as a query of DuckDB, whose columns are the fields by name.

    `place` says where the record of a number, counted from 1, stands; it may read the file again.
    """

    shown: str
    sql: str
    fields: tuple[Field, ...]
    place: Callable[[int], str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inferred:
    """A column of the table to be, the expression of DuckDB's for its values, and what people should know of it."""

    column: Column
    expression: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A type that was asked for, with the format in which dates or times are written if that is not ISO's."""

    type: str
    format: str = ""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read, where the files do not say it themselves.

    `columns` replaces the names in the header line, or gives them where there is none.
    """

    format: Format | None = None
    delimiter: str = ""
    encoding: str = ""
    columns: tuple[str, ...] = ()
    has_header: bool = True
    decimal_comma: bool = False
    nulls: tuple[str, ...] = ()
    types: dict[str, Wish] = field(default_factory=dict)
