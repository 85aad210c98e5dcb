"""Reads from BigQuery's metadata about the rows of a table's dates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from google.cloud.bigquery import Table

from jetstream_argo.warehouse.types import DateVersion, Knowledge

_SHARD = re.compile(r"(?P<family>.*\D)(?P<day>\d{8})", re.DOTALL)
_DAY_DIGITS = len("20260504")


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition that has rows in storage. `id` is its day or hour as BigQuery writes it, or None: the whole table."""

    table: str
    id: str | None
    rows: int
    bytes: int
    modified: datetime


@dataclass(frozen=True, slots=True)
class Shard:
    """A table that holds the rows of the day in its name; its family is what begins all their names."""

    family: str
    day: date


def shard_of(table_id: str) -> Shard | None:
    """Return which day's rows a table has by its name, None where the name has no day.

    >>> shard_of("events_20260504")
    Shard(family='events_', day=datetime.date(2026, 5, 4))
    >>> shard_of("events_20269999")
    """
    found = _SHARD.fullmatch(table_id)
    day = None if found is None else day_of(found["day"])
    return None if found is None or day is None else Shard(found["family"], day)


def day_of(digits: str) -> date | None:
    """Return the day that the first eight digits write, None where there is no such day."""
    try:
        return datetime.strptime(digits[:_DAY_DIGITS], "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None


def knowledge_of(table: Table) -> tuple[Knowledge, str]:
    """Return what can be known of the versions of a table's dates, and where that is nothing, why."""
    kind = table.table_type or "TABLE"
    if kind not in {"TABLE", "SNAPSHOT"}:
        return Knowledge.UNKNOWN, f"it is of the type {kind}, whose rows BigQuery has no versions of"
    partitioning = table.time_partitioning
    if partitioning is None:
        return Knowledge.NOT_BY_DATE, ""
    if partitioning.type_ in {"DAY", "HOUR"}:
        return Knowledge.BY_DATE, ""
    # A month that has changed says of none of its dates whether it has, or whether it is there yet.
    return Knowledge.UNKNOWN, f"it is partitioned by {partitioning.type_}, which has no versions of dates; use DAY"


def dates_of(partitions: Iterable[Partition]) -> dict[date, DateVersion]:
    """Return the versions of the dates of one table: hours are added up, and a shard's rows are its day's."""
    dates: dict[date, DateVersion] = {}
    for partition in partitions:
        shard = shard_of(partition.table)
        day = day_of(partition.id) if partition.id is not None else None if shard is None else shard.day
        if day is not None:
            found = DateVersion(partition.rows, partition.bytes, partition.modified.isoformat())
            dates[day] = _added(dates[day], found) if day in dates else found
    return dates


def _added(left: DateVersion, right: DateVersion) -> DateVersion:
    return DateVersion(left.rows + right.rows, left.bytes + right.bytes, max(left.modified, right.modified))
