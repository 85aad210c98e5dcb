"""Lists the tables of a warehouse for people: with their columns, dates and rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Damaged
from jetstream_argo.loading.dates import Dates, dates_of
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.protocol import Engine

_OWN = "experiment"  # the label of tables in which an experiment's rows are kept


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table, as it is listed; without columns it is damaged, as `note` says."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    dates: tuple[tuple[str, Dates], ...]
    note: str = ""

    def lines(self) -> Iterator[str]:
        """Yield what to tell people."""
        dates = "".join(f", {name} {dates}" for name, dates in self.dates)
        yield f"{self.name}: {self.note or counted(self.rows, 'row') + dates}"
        if self.columns:
            yield "  " + ", ".join(f"{column.name} {column.type}" for column in self.columns)


def listed(engine: Engine, dataset: str, *, include_all: bool = False) -> Iterator[ListedTable]:
    """Yield the tables of a dataset by name; those of experiments, and views, only with `include_all`."""
    for name in names_of(engine, dataset, include_all=include_all):
        try:
            info = engine.info(name)
        except Damaged as error:
            yield ListedTable(name, 0, (), (), str(error))
            continue
        if info is None:
            continue
        if info.view_sql is not None:
            yield ListedTable(name, 0, info.columns, (), "a view")
            continue
        dates = tuple(dates_of(engine, name, info.columns).items())
        yield ListedTable(name, info.rows, info.columns, dates)


def names_of(engine: Engine, dataset: str, *, include_all: bool = False) -> Iterator[str]:
    """Yield the names of a dataset's tables; those of experiments, and views, only with `include_all`."""
    for table in engine.tables(dataset):
        if include_all or not (table.is_view or _OWN in table.labels):
            yield table.name


def embedded_datasets(folder: Path, project: str) -> tuple[str, ...]:
    """Return the datasets of an embedded warehouse, by name."""
    root = folder / project
    return tuple(sorted(path.name for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()
