"""Tells of a table that is not there where it was looked for, what is there, and how it gets there."""

import re
from collections.abc import Iterator

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import NotFound
from jetstream_argo.warehouse.address import warehouse_argument
from jetstream_argo.warehouse.duckdb.store import POINTER, Store, TableName

_MOST = 12
# What tables and views of experiments are called: those of no data source.
_SUFFIXES = "|".join(period.suffix for period in Period)
_OWN = re.compile(rf"(statistics|enrollments)_.*|.*_[0-9a-f]{{8}}|.*_({'|'.join(Basis)})_({_SUFFIXES})")


def missing(store: Store, name: TableName) -> NotFound:
    """Return the error that there is no such table."""
    shown = store.short(name)
    if _OWN.fullmatch(name.table):
        return NotFound(shown, [store.short(other) for other in store.names(name.project, name.dataset)])
    there = list(_tables(store, name))
    more = ", …" if len(there) > _MOST else ""
    contents = f"has {', '.join(there[:_MOST])}{more}" if there else "has no tables yet"
    folder = store.folder(name).parent.parent.parent
    advice = f"put a file in: jetstream-argo load {shown} FILE{warehouse_argument(f'embedded:{folder}')}"
    return NotFound(shown, there, about=f"looked in the folder {folder.absolute()}, which {contents}; {advice}")


def _tables(store: Store, wanted: TableName) -> Iterator[str]:
    """Yield the tables of the warehouse that belong to no experiment: those of the dataset first."""
    root = store.folder(wanted).parent.parent.parent
    names = [TableName(*path.parent.relative_to(root).parts) for path in sorted(root.glob(f"*/*/*/{POINTER}"))]
    for name in sorted(names, key=lambda name: (name.project, name.dataset) != (wanted.project, wanted.dataset)):
        if not _OWN.fullmatch(name.table):
            yield store.short(name)
