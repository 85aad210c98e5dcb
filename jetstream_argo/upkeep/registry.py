"""Lists the tables that hold units, for a service that deletes units wherever they are."""

from collections.abc import Iterator
from dataclasses import dataclass

from jetstream_argo.sql.names import Place
from jetstream_argo.sql.units import UNIT_COLUMN
from jetstream_argo.store.entries import read_entries
from jetstream_argo.store.shared import SHARED_LAYOUT, shared_tables
from jetstream_argo.upkeep.owned import unit_tables
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, TableInfo


@dataclass(frozen=True, slots=True)
class RegisteredTable:
    """A table with units in its column `field`; `partition_type` is the type of the column that it is partitioned by.

    Values of `field` are those of the unit's column in telemetry, as text; rows of no unit have NULL there. Where units
    of several experiments are in it, `experiment` is empty.
    """

    dataset: str
    table: str
    field: str
    partitioned_by: str | None
    partition_type: str | None
    requires_partition_filter: bool
    clustered_by: tuple[str, ...]
    rows: int
    experiment: str


def registered(engine: Engine, place: Place) -> Iterator[RegisteredTable]:
    """Yield those of an experiment that there are."""
    tables = unit_tables(place, read_entries(engine, place))
    there = engine.infos([table.name for table in tables])
    for table in tables:
        if table.name in there:
            yield _registered(there[table.name], table.layout, place.slug)


def shared_in(engine: Engine, dataset: str) -> Iterator[RegisteredTable]:
    """Yield those of a dataset that hold units of several experiments, and are deleted within days."""
    for info in engine.infos(tuple(shared_tables(engine, dataset))).values():
        yield _registered(info, SHARED_LAYOUT, "")


def _registered(info: TableInfo, layout: Layout, experiment: str) -> RegisteredTable:
    by = layout.partition_by
    types = {column.name: column.type for column in info.columns}
    dataset, _, name = info.name.rpartition(".")
    return RegisteredTable(
        dataset=dataset,
        table=name,
        field=UNIT_COLUMN,
        partitioned_by=by,
        partition_type=types.get(by) if by else None,
        requires_partition_filter=layout.requires_filter,
        clustered_by=layout.cluster_by,
        rows=info.rows,
        experiment=experiment,
    )
