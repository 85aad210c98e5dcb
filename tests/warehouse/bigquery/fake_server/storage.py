"""How the fake's tables are partitioned and clustered, in the service's words and in the embedded engine's."""

from collections.abc import Mapping
from datetime import timedelta

from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout
from tests.warehouse.bigquery.fake_server.wire import Resource

STORAGE = ("timePartitioning", "rangePartitioning", "clustering")


def layout_of(storage: Mapping[str, object]) -> Layout:
    """Return the layout of a table that is stored so; ingestion time is nothing that the embedded engine knows."""
    by = storage.get("timePartitioning") or storage.get("rangePartitioning")
    clustering = storage.get("clustering")
    return Layout(
        partition_by=str(by["field"]) if isinstance(by, dict) and by.get("field") else None,
        cluster_by=tuple(clustering["fields"]) if isinstance(clustering, dict) else (),
    )


def storage_in(engine: EmbeddedEngine, name: str) -> Resource:
    """Return how a table is stored that was made behind the fake's back: by days or numbers, as its layout says."""
    version = engine._store.current(engine._store.name(name))
    if version is None or version.view_sql is not None:
        return {}
    layout = version.layout
    storage: Resource = {"clustering": {"fields": list(layout.cluster_by)}} if layout.cluster_by else {}
    types = {column.name: column.type for column in version.columns}
    match types.get(layout.partition_by or ""):
        case None:
            return storage
        case "INT64":
            span = {"start": "0", "end": "4000", "interval": "1"}
            return {**storage, "rangePartitioning": {"field": layout.partition_by, "range": span}}
        case _:
            return {**storage, "timePartitioning": {"type": "DAY", "field": layout.partition_by}}


def same_storage(left: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Return whether a write that says the one fits a table stored as the other: how long partitions last is no part
    of it.
    """
    return _without_expiration(left) == _without_expiration(other)


def lasting(storage: Mapping[str, object]) -> timedelta | None:
    """Return how long the partitions of a table last, None where they stay."""
    days = storage.get("timePartitioning")
    length = days.get("expirationMs") if isinstance(days, dict) else None
    return timedelta(milliseconds=int(length)) if length else None


def _without_expiration(storage: Mapping[str, object]) -> Resource:
    kept = {key: value for key, value in storage.items() if key in STORAGE and value}
    days = kept.get("timePartitioning")
    if isinstance(days, dict):
        kept["timePartitioning"] = {key: value for key, value in days.items() if key != "expirationMs"}
    return kept
