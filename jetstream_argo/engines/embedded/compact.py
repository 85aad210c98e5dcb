"""When a table of many small files is made one of few."""

from dataclasses import replace
from itertools import groupby

from jetstream_argo.engines.embedded.copying import copied, ranged
from jetstream_argo.engines.embedded.pointer import DataFile, Version
from jetstream_argo.engines.embedded.session import Session
from jetstream_argo.engines.embedded.store import Store, TableName
from jetstream_argo.engines.embedded.views import parquet_rows

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
    rows = parquet_rows(store, name, version, only=[file.name for file in files])
    keyed = ranged(version.columns, version.layout)
    merged = copied(session, rows, store.new_file(name), version.columns, keyed, sql="")
    merged = replace(merged, partition=files[0].partition)
    first = version.files.index(files[0])
    kept = [file for file in version.files[:first] if file.name not in gone]
    after = [file for file in version.files[first:] if file.name not in gone]
    return replace(version, files=(*kept, merged, *after))
