"""Asks BigQuery's metadata about the rows that tables have of some dates: one query for each dataset."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, TypeAlias

from google.cloud.bigquery import Table

from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import AccessDenied, CostExceeded, EngineError
from jetstream_argo.sql.text import Sql, fill, lines, literal, table
from jetstream_argo.warehouse.bigquery.partitions import Partition, Shard, dates_of, knowledge_of, shard_of
from jetstream_argo.warehouse.bigquery.references import MOST_LISTED
from jetstream_argo.warehouse.bigquery.tables import Tables
from jetstream_argo.warehouse.types import Knowledge, TableVersions

# "INFORMATION_SCHEMA.PARTITIONS is limited to 1000 tables."
# https://cloud.google.com/bigquery/docs/information-schema-partitions
MOST_TABLES = 1_000

_LAST_SHARDS = 3  # the newest that has rows is looked for among so many

Rows: TypeAlias = Iterable[Mapping[str, Value]]


class Days(NamedTuple):
    """The days `first` to `last`, both included."""

    first: date
    last: date

    def include(self, other: "Days") -> bool:
        """Return whether all of the other days are among these."""
        return self.first <= other.first and other.last <= self.last


class DatasetTables(NamedTuple):
    """A dataset, and where it is."""

    project: str
    name: str
    location: str


@dataclass(slots=True)
class Metadata:
    """Asks BigQuery with `run`, which runs a query in a location; `cut` are tables of lists that may lack others."""

    tables: Tables
    run: Callable[[Sql, str], Rows]
    cut: set[str] = field(default_factory=set)

    def versions(self, names: Sequence[str], days: Days) -> dict[str, TableVersions]:
        """Return the versions of the dates of every table, by its full name."""
        found: dict[str, TableVersions] = {}
        datasets: defaultdict[DatasetTables, list[str]] = defaultdict(list)
        for name, looked in self._looked_at(names).items():
            known = self._without_query(name, looked)
            if isinstance(known, TableVersions):
                found[name] = known
            else:
                datasets[known].append(name)
        for dataset, members in datasets.items():
            try:
                found |= self._in_dataset(dataset, members, days)
            except (AccessDenied, CostExceeded) as error:
                found |= {name: _unknown(name, _refusal(error, name)) for name in members}
        return found

    def _looked_at(self, names: Sequence[str]) -> dict[str, Table | AccessDenied | None]:
        families = {name: _family(name) or name for name in names}  # the shards of a family are alike
        chosen = {kind: name for name, kind in families.items()}
        looked = dict(zip(chosen, self.tables.look_at(list(chosen.values())), strict=True))
        return {name: looked[kind] for name, kind in families.items()}

    def _without_query(self, name: str, looked: Table | AccessDenied | None) -> TableVersions | DatasetTables:
        if name in self.cut:
            listed = f"it was read together with {MOST_LISTED} tables or more, of which BigQuery lists no more"
            return _unknown(name, f"{listed}: read fewer at once")
        if looked is None:
            return _unknown(name, "it does not exist")
        if isinstance(looked, AccessDenied):
            return _unknown(name, _refusal(looked, name))
        knowledge, reason = knowledge_of(looked)
        if knowledge is Knowledge.UNKNOWN:
            return _unknown(name, reason)
        if knowledge is Knowledge.NOT_BY_DATE and _family(name) is None:
            return TableVersions(name, knowledge)
        return DatasetTables(looked.project, looked.dataset_id, looked.location)

    def _in_dataset(self, dataset: DatasetTables, names: Sequence[str], days: Days) -> dict[str, TableVersions]:
        families = {family: self._shards(family) for name in names if (family := _family(name))}
        asked = dict.fromkeys(_table_id(name) for name in names if _family(name) is None)
        for shards in families.values():
            inside = [name for name, shard in shards.items() if days.first <= shard.day <= days.last]
            asked |= dict.fromkeys([*inside, *list(shards)[-_LAST_SHARDS:]])
        partitions = self._partitions(dataset, list(asked), days)
        found = {}
        for name in names:
            dates = dates_of(partitions[_table_id(name)])
            shards = families.get(_family(name) or "", {})
            days_with_rows = [
                *dates,
                *(shard.day for shard_name, shard in shards.items() if partitions.get(shard_name)),
            ]
            found[name] = TableVersions(name, Knowledge.BY_DATE, dates, max(days_with_rows, default=None))
        return found

    def _shards(self, family: str) -> dict[str, Shard]:
        """Return the tables of a family, oldest first."""
        dataset, prefix = family.rsplit(".", 1)
        listed = [_table_id(table.name) for table in self.tables.list(dataset, prefix=prefix) if not table.is_view]
        return {name: shard for name in listed if (shard := shard_of(name)) is not None and shard.family == prefix}

    def _partitions(
        self, dataset: DatasetTables, tables: Sequence[str], days: Days
    ) -> defaultdict[str, list[Partition]]:
        found: defaultdict[str, list[Partition]] = defaultdict(list)
        for start in range(0, len(tables), MOST_TABLES):
            query = _query(dataset, tables[start : start + MOST_TABLES], days)
            for partition in _read(self.run(query, dataset.location)):
                found[partition.table].append(partition)
        return found


def _query(dataset: DatasetTables, tables: Sequence[str], days: Days) -> Sql:
    """Return the query whose rows are the partitions of those days, and the last of every table."""
    first, last = (literal(f"{day:%Y%m%d}") for day in days)
    return fill(
        "partitions",
        partitions=table(f"{dataset.project}.{dataset.name}.INFORMATION_SCHEMA.PARTITIONS"),
        tables=lines([literal(name) for name in tables]),
        first=first,
        last=last,
    )


def _read(rows: Rows) -> Iterator[Partition]:
    for row in rows:
        match row:
            case {
                "table_name": str(name),
                "partition_id": str() | None as key,
                "total_rows": int(count),
                "total_bytes": int() | None as size,
                "modified": datetime() as modified,
            }:
                yield Partition(name, key, count, size or 0, modified)
            case _:
                raise EngineError(f"INFORMATION_SCHEMA.PARTITIONS: {row!r} describes no partition; report this")


def _unknown(name: str, reason: str) -> TableVersions:
    return TableVersions(name, Knowledge.UNKNOWN, reason=f"{name}: {reason}")


def _refusal(error: EngineError, name: str) -> str:
    if isinstance(error, CostExceeded):
        return f"{error} (a query of metadata is billed 10 MB)"
    dataset = name.rsplit(".", 1)[0]
    return f"{error}\ngrant the account roles/bigquery.metadataViewer on the dataset {dataset}"


def _family(name: str) -> str | None:
    """Return the name without its day, if it ends in one."""
    shard = shard_of(_table_id(name))
    return None if shard is None else f"{name.rsplit('.', 1)[0]}.{shard.family}"


def _table_id(name: str) -> str:
    return name.rsplit(".", 1)[1]
