"""Reads and writes the pointer file of a table, which names the Parquet files that are the table's rows now.

The file is `{"format": 2, "crc32": "…", "table": {…}}`; the checksum is that of the text of `table`. Format 1, with the
table's fields at the top, is read: its files have neither ranges nor checksums, and its table counts as made at the
beginning of time, because nothing in it tells when it was. Format 3 is that of a table whose rows lie elsewhere: a
version that does not know of such would take it for empty.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Damaged, Unsupported
from jetstream_argo.warehouse.duckdb.ranges import Range
from jetstream_argo.warehouse.types import Layout

FORMAT = 3
_FORMAT_WITH_FILES = 2


@dataclass(frozen=True, slots=True)
class DataFile:
    """A Parquet file of a table. `columns` are those that it holds, `partition` the value that all its rows have.

    `ranges` are of the columns by which rows are looked for. `crc32` is empty where it was never computed.
    """

    name: str
    rows: int
    bytes: int
    columns: tuple[str, ...]
    partition: str | None = None
    ranges: Mapping[str, Range] = field(default_factory=dict)
    crc32: str = ""


@dataclass(frozen=True, slots=True)
class ExternalRows:
    """Rows that lie in files which the warehouse did not write: DuckDB's query for them, and the files or folders that
    it reads.

    `database` is a file of DuckDB's that the query reads, under the name `alias`; empty where it reads Parquet.
    """

    sql: str
    paths: tuple[str, ...]
    database: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One state of a table or view.

    `created` is when the table was made, in epoch seconds. `retired` says since when a replaced file is not needed.
    """

    generation: int = 0
    columns: tuple[Column, ...] = ()
    files: tuple[DataFile, ...] = ()
    layout: Layout = field(default_factory=Layout)
    view_sql: str | None = None
    retired: tuple[tuple[str, float], ...] = ()
    nonce: str = ""
    created: float = 0.0
    external: ExternalRows | None = None

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)

    @property
    def etag(self) -> str:
        return f"{self.generation}-{self.nonce}"

    def type_of(self, column: str) -> str | None:
        """Return a column's type, or None if there is none of that name, whose case does not matter."""
        return next((c.type.upper() for c in self.columns if c.name.lower() == column.lower()), None)


def encoded(version: Version) -> str:
    """Return the pointer file's text."""
    layout = version.layout
    column_lists = list(dict.fromkeys(file.columns for file in version.files))
    places = {columns: place for place, columns in enumerate(column_lists)}
    table = json.dumps(
        {
            "generation": version.generation,
            "nonce": version.nonce,
            "created": version.created,
            "columns": [[column.name, column.type] for column in version.columns],
            "held": column_lists,
            "files": [_encoded_file(file, places[file.columns]) for file in version.files],
            "partition_by": layout.partition_by,
            "cluster_by": list(layout.cluster_by),
            "description": layout.description,
            "labels": dict(layout.labels),
            "view_sql": version.view_sql,
            "retired": [list(entry) for entry in version.retired],
            **({} if version.external is None else {"elsewhere": asdict(version.external)}),
        }
    )
    return f"{_head(_FORMAT_WITH_FILES if version.external is None else FORMAT, table)}{table}}}"


def decoded(data: bytes, path: Path) -> Version:
    """Return the state that the pointer file at `path` says, which holds `data`.

    Raises:
        Damaged: the data is not what was written.
        Unsupported: a newer version of this package wrote it.
    """
    try:
        text = data.decode()
        pointer = json.loads(text)
        number = pointer["format"]
        if number > FORMAT:
            raise Unsupported(
                f"{path} has format {number}, and this version of jetstream-argo reads formats up to {FORMAT}; "
                "use the version that wrote it, or a newer one"
            )
        if number == 1:
            return _version(pointer, map(_decoded_file_1, pointer["files"]), created=0.0)
        head = f'{{"format": {number}, "crc32": "{pointer["crc32"]}", "table": '
        if _head(number, text[len(head) : -1]) != head:
            raise Damaged(str(path), "the pointer is not what was written: its checksum differs", whole_table=True)
        table = pointer["table"]
        files = (_decoded_file(table["held"], entry) for entry in table["files"])
        return _version(table, files, created=table["created"])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        what = "the pointer is not what was written" if data else "the pointer is empty"
        raise Damaged(str(path), what, whole_table=True) from error


def _head(number: int, table: str) -> str:
    return f'{{"format": {number}, "crc32": "{zlib.crc32(table.encode()):08x}", "table": '


def _encoded_file(file: DataFile, columns: int) -> list[object]:
    ranges = {name: [found.least, found.greatest, found.nulls] for name, found in file.ranges.items()}
    return [file.name, file.rows, file.bytes, columns, file.partition, ranges, file.crc32]


def _decoded_file(column_lists: list[list[str]], entry: list[Any]) -> DataFile:
    name, rows, size, columns, partition, ranges, checksum = entry
    found = {column: Range(*values) for column, values in ranges.items()}
    return DataFile(name, rows, size, tuple(column_lists[columns]), partition, found, checksum)


def _decoded_file_1(entry: list[Any]) -> DataFile:
    name, rows, size, columns, partition = entry
    return DataFile(name, rows, size, tuple(columns), partition)


def _version(table: dict[str, Any], files: Iterable[DataFile], *, created: float) -> Version:
    return Version(
        generation=table["generation"],
        columns=tuple(Column(name, type_) for name, type_ in table["columns"]),
        files=tuple(files),
        layout=Layout(
            partition_by=table["partition_by"],
            cluster_by=tuple(table["cluster_by"]),
            description=table["description"],
            labels=table["labels"],
        ),
        view_sql=table["view_sql"],
        retired=tuple((name, since) for name, since in table["retired"]),
        nonce=table["nonce"],
        created=created,
        external=_external(table.get("elsewhere")),
    )


def _external(found: dict[str, Any] | None) -> ExternalRows | None:
    return None if found is None else ExternalRows(**{**found, "paths": tuple(found["paths"])})
