"""Partitions and clusters a table, and says what a write to it has to say of that."""

from dataclasses import dataclass

from google.cloud.bigquery import (
    LoadJobConfig,
    PartitionRange,
    QueryJobConfig,
    RangePartitioning,
    Table,
    TimePartitioning,
)

from jetstream_argo.errors import InvalidQuery, nearest
from jetstream_argo.warehouse.types import Layout, Write

# Window indices and such: one partition each. BigQuery allows 10,000 partitions a table.
INTEGER_PARTITIONS = range(4_000)

_DISPOSITIONS = {Write.TRUNCATE: "WRITE_TRUNCATE", Write.APPEND: "WRITE_APPEND", Write.EMPTY: "WRITE_EMPTY"}


@dataclass(frozen=True, slots=True)
class Storage:
    """A table's partitioning and clustering in Google's words."""

    days: TimePartitioning | None = None
    integers: RangePartitioning | None = None
    clusters: tuple[str, ...] = ()

    @property
    def column(self) -> str | None:
        """The column that the table is partitioned by; None where it is not, or by ingestion time."""
        partitioning = self.days or self.integers
        return None if partitioning is None else partitioning.field


def storage_of(table: Table) -> Storage:
    """Return how a table is stored; a write must repeat it, and cannot change it."""
    return Storage(table.time_partitioning, table.range_partitioning, tuple(table.clustering_fields or ()))


def storage_for(layout: Layout, types: dict[str, str]) -> Storage:
    """Return how a new table with columns of those types is to be stored.

    Raises:
        InvalidQuery: it cannot be partitioned by that column.
    """
    name = layout.partition_by
    match types.get(name) if name is not None else "":
        case "":
            return Storage(clusters=layout.cluster_by)
        case "DATE" | "TIMESTAMP" | "DATETIME":
            return Storage(days=TimePartitioning(field=name), clusters=layout.cluster_by)
        case "INT64":
            span = INTEGER_PARTITIONS
            numbers = RangePartitioning(field=name, range_=PartitionRange(span.start, span.stop, span.step))
            return Storage(integers=numbers, clusters=layout.cluster_by)
        case None:
            raise InvalidQuery(f"cannot partition by {name!r}: there is no such column{nearest(str(name), types)}")
        case type_:
            raise InvalidQuery(f"cannot partition by {name!r}: it is {type_}, and not DATE, TIMESTAMP or INT64")


def writes(config: QueryJobConfig | LoadJobConfig, write: Write, storage: Storage, *, existing: bool) -> None:
    """Make `config` write its rows in that way."""
    config.write_disposition = _DISPOSITIONS[write]
    config.create_disposition = "CREATE_IF_NEEDED"
    if write is Write.APPEND and existing:
        config.schema_update_options = ["ALLOW_FIELD_ADDITION"]
    if storage.days is not None:
        config.time_partitioning = storage.days
    if storage.integers is not None:
        config.range_partitioning = storage.integers
    if storage.clusters:
        config.clustering_fields = list(storage.clusters)
