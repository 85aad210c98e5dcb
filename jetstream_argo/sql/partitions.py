"""Conditions that name the column which a table of ours is partitioned by: without one BigQuery refuses to read it.

A column of its own, compared with a constant or with NULL, is what BigQuery leaves out partitions by:
https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries
"""

from datetime import date

from jetstream_argo.sql.text import Sql, identifier, literal

_LEAST = {"submission_date": literal(date.min), "window_index": literal(-1_000_000)}


def requires_filter(column: str | None) -> bool:
    """Return whether tables that are partitioned by this column are read with a filter on it alone.

    The record and the estimates, by day, are small, and are read as a whole.
    """
    return column in _LEAST


def everywhere(alias: str, column: str | None) -> Sql:
    """Return a condition on the partition column that all rows of the relation meet, those without a partition too.

    >>> everywhere("r", "window_index"), everywhere("r", None)
    ('(r.window_index >= -1000000 OR r.window_index IS NULL)', 'TRUE')
    """
    if column is None or not requires_filter(column):
        return Sql("TRUE")
    place = f"{alias}.{identifier(column)}"
    return Sql(f"({place} >= {_LEAST[column]} OR {place} IS NULL)")
