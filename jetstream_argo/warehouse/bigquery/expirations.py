"""Keeps BigQuery from deleting our tables or their partitions by itself.

A new table takes the default expirations of its dataset, and no job can say that it is to have none:
https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets. Days that lie further back than partitions last are
dropped as they are written, so that a new table's partitions are to last long until that is taken away, too.
"""

from dataclasses import replace
from datetime import timedelta

from google.cloud.bigquery import Dataset, Table, TimePartitioning

from jetstream_argo.warehouse.bigquery.storage import Storage

_LONG = timedelta(days=36_500)


def may_expire(dataset: Dataset | None) -> bool:
    """Return whether a new table may take an expiration from its dataset; None is a dataset that may not be read."""
    return (
        dataset is None
        or dataset.default_table_expiration_ms is not None
        or dataset.default_partition_expiration_ms is not None
    )


def expires(table: Table) -> bool:
    """Return whether a table or its partitions expire."""
    return table.expires is not None or _partitions_expire(table)


def lasting(storage: Storage, dataset: Dataset | None) -> Storage:
    """Return how a new table is to be stored at first, so that it keeps all of its partitions."""
    if storage.days is None or not may_expire(dataset):
        return storage
    length = int(_LONG.total_seconds() * 1000)
    return replace(storage, days=TimePartitioning(storage.days.type_, storage.days.field, expiration_ms=length))


def keep_partitions(table: Table) -> tuple[str, ...]:
    """Have a table's partitions stay; return what of the table was changed by that."""
    if not _partitions_expire(table):
        return ()
    partitioning = table.time_partitioning
    partitioning.expiration_ms = None  # sent as null; what is left out of a patch stays
    table.time_partitioning = partitioning
    return ("time_partitioning",)


def _partitions_expire(table: Table) -> bool:
    return table.time_partitioning is not None and table.time_partitioning.expiration_ms is not None
