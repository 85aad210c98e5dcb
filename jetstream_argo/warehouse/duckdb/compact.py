"""Decides when a table of many small files is made one of few."""

from dataclasses import replace

from jetstream_argo.warehouse.duckdb.copying import BATCH, copied, ranged
from jetstream_argo.warehouse.duckdb.integrity import damage
from jetstream_argo.warehouse.duckdb.pointer import DataFile, Version
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.duckdb.views import parquet_rows

_MANY = 32
_SMALL_BYTES = 8 * 1024 * 1024


def compacted(store: Store, session: Session, name: TableName, version: Version) -> Version:
    """Return the version with its small files merged, in their order, where too many of them are alike.

    Alike are files of one partition and of one batch, because a statement that names batches is given their files and
    no others. A table that is not clustered, such as a log, is read whole: there all files are alike.

    The caller holds the lock of the table. Nothing is deleted: who reads files of the version before goes on. Damaged
    files stay as they are.
    """
    together: dict[tuple[object, ...], list[DataFile]] = {}
    for file in version.files:
        if file.bytes < _SMALL_BYTES:
            together.setdefault((file.partition, *_batch(version, file)), []).append(file)
    for files in together.values():
        folder = store.folder(name)
        if len(files) > _MANY and not any(damage(folder / file.name, file) for file in files):
            version = _merged(store, session, name, version, tuple(files))
    return version


def _batch(version: Version, file: DataFile) -> tuple[object, ...]:
    """Return what files of the same batch have in common."""
    if not version.layout.cluster_by or BATCH not in file.columns:
        return ()
    found = file.ranges.get(BATCH)
    is_single = found is not None and not found.nulls and found.least == found.greatest
    return (found.least,) if found is not None and is_single else ("file", file.name)


def _merged(store: Store, session: Session, name: TableName, version: Version, files: tuple[DataFile, ...]) -> Version:
    gone = {file.name for file in files}
    rows = parquet_rows(store, name, version, files)
    keyed = ranged(version.columns, version.layout)
    target = store.folder(name) / store.new_name()
    copy = copied(session, rows, target, version.columns, keyed, sql="")
    merged = replace(copy.file, partition=files[0].partition)
    first = version.files.index(files[0])
    kept = [file for file in version.files[:first] if file.name not in gone]
    after = [file for file in version.files[first:] if file.name not in gone]
    return replace(version, files=(*kept, merged, *after))
