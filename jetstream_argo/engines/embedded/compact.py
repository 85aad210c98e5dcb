"""When a table of many small files is made one of few."""

from dataclasses import replace
from itertools import groupby
from pathlib import Path

from jetstream_argo.engines.embedded.session import Session, parquet_rows
from jetstream_argo.engines.embedded.store import DataFile, Store, TableName, Version, sync
from jetstream_argo.engines.embedded.types import text_literal

_MANY = 32
_SMALL_BYTES = 8 * 1024 * 1024


def compacted(store: Store, session: Session, name: TableName, version: Version) -> Version:
    """Return the version with its small files merged, in their order, where one partition has too many of them.

    The caller holds the table's lock. Nothing is deleted: whoever reads the files of the version before goes on.
    """
    small = [file for file in version.files if file.bytes < _SMALL_BYTES]
    ordered = sorted(small, key=lambda file: (file.partition is not None, file.partition or ""))
    for _, group in groupby(ordered, key=lambda file: file.partition):
        files = tuple(group)
        if len(files) > _MANY:
            version = _merged(store, session, name, version, files)
    return version


def _merged(store: Store, session: Session, name: TableName, version: Version, files: tuple[DataFile, ...]) -> Version:
    gone = {file.name for file in files}
    held = tuple(column.name for column in version.columns)
    target = store.new_file(name)
    rows = parquet_rows(store, name, version, only=[file.name for file in files])
    statement = f"COPY ({rows}) TO {text_literal(str(target))} (FORMAT parquet, RETURN_STATS)"
    path, count, size = session.run(statement, "").fetchall()[0][:3]
    sync(Path(path))
    one = DataFile(target.name, int(count), int(size), held, files[0].partition)
    first = version.files.index(files[0])
    kept = [file for file in version.files[:first] if file.name not in gone]
    after = [file for file in version.files[first:] if file.name not in gone]
    return replace(version, files=(*kept, one, *after))
