"""Counts the rows of units that are to be removed: in a table, or in the tables of many experiments at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.errors import (
    AccessDenied,
    CostExceeded,
    Damaged,
    InvalidQuery,
    NotFound,
    TooBig,
    Unsupported,
)
from jetstream_argo.run.existence import ordinal_of
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import Sql, fill, identifier, table
from jetstream_argo.store.entries import Entry
from jetstream_argo.upkeep.gone import Gone
from jetstream_argo.upkeep.owned import UnitTable, unit_tables
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableInfo

# Of a statement. BigQuery takes 1,000 tables and 1 MB of text: https://cloud.google.com/bigquery/quotas#query_jobs. How
# many rows a join with the ids bears nobody says: as many as the largest tables of an experiment of 50 million units.
MOST_TABLES = 500
_MOST_CHARACTERS = 500_000
_MOST_ROWS = 20_000_000_000
_DAY_0 = date(1970, 1, 1).toordinal()
_NOT_TOGETHER = (AccessDenied, CostExceeded, Damaged, InvalidQuery, NotFound, TooBig, Unsupported)


@dataclass(frozen=True, slots=True)
class UnitRows:
    """How many rows a table has in a batch, and at a date or window of it, and how many are of the units."""

    batch: int
    place: int | None
    rows: int
    of_units: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What the tables of several experiments held when they were counted together, by name, each with its etag then."""

    counts: Mapping[str, tuple[str, tuple[UnitRows, ...]]]

    def of(self, info: TableInfo) -> tuple[UnitRows, ...] | None:
        """Return what was counted of a table; None where it was not, or has changed since."""
        etag, rows = self.counts.get(info.name, ("", ()))
        return rows if etag and etag == info.etag else None


NOTHING_COUNTED = Survey({})


def survey(engine: Engine, records: Mapping[Place, Sequence[Entry]], gone: Gone, labels: Mapping[str, str]) -> Survey:
    """Count the rows in the tables of all experiments by one statement, or by as few as BigQuery's limits allow.

    Nobody is kept from writing meanwhile: what changes is seen by its etag. An experiment that cannot be counted with
    others is left out, and whoever counts it alone is told why.
    """
    by_place: list[tuple[tuple[UnitTable, TableInfo], ...]] = []
    for place, entries in records.items():
        tables = unit_tables(place, entries)
        there = engine.infos([unit_table.name for unit_table in tables])
        by_place.append(tuple((found, there[found.name]) for found in tables if found.name in there))
    counts: dict[str, tuple[str, tuple[UnitRows, ...]]] = {}
    for together in _groups([tables for tables in by_place if tables]):
        counts |= _counted(engine, together, gone, labels)
    return Survey(counts)


def count_alone(engine: Engine, unit_table: UnitTable, gone: Gone, labels: Mapping[str, str]) -> tuple[UnitRows, ...]:
    """Return what is counted of one table."""
    return tuple(_asked(engine, [unit_table], gone, labels)[0])


_Tables = tuple[tuple[UnitTable, TableInfo], ...]


def _groups(by_place: Iterable[_Tables]) -> Iterator[list[_Tables]]:
    """Yield the experiments whose tables are counted together."""
    group: list[_Tables] = []
    for tables in by_place:
        if group and not _fit([*group, tables]):
            yield group
            group = []
        group.append(tables)
    if group:
        yield group


def _fit(group: Sequence[_Tables]) -> bool:
    tables = [found for tables in group for found in tables]
    characters = sum(len(_rows_of(0, unit_table)) for unit_table, _ in tables)
    rows = sum(info.rows for _, info in tables)
    return len(tables) <= MOST_TABLES and characters <= _MOST_CHARACTERS and rows <= _MOST_ROWS


def _counted(
    engine: Engine, group: Sequence[_Tables], gone: Gone, labels: Mapping[str, str]
) -> Mapping[str, tuple[str, tuple[UnitRows, ...]]]:
    """Return what is counted of the tables of some experiments: of halves of them where it cannot be of all."""
    tables = [found for of_place in group for found in of_place]
    try:
        found = _asked(engine, [unit_table for unit_table, _ in tables], gone, labels)
    except _NOT_TOGETHER:
        if len(group) == 1:
            return {}
        middle = len(group) // 2
        return {
            **_counted(engine, group[:middle], gone, labels),
            **_counted(engine, group[middle:], gone, labels),
        }
    return {info.name: (info.etag, _if_any(rows)) for (_, info), rows in zip(tables, found, strict=True)}


def _asked(engine: Engine, tables: Sequence[UnitTable], gone: Gone, labels: Mapping[str, str]) -> list[list[UnitRows]]:
    """Return what one statement counts of each table."""
    found: list[list[UnitRows]] = [[] for _ in tables]
    for number, batch, place, rows, of_units in engine.query(_query(tables, gone), labels=labels).rows:
        at = UnitRows(int(str(batch)), ordinal_of(place), int(str(rows)), int(str(of_units)))
        found[int(str(number))].append(at)
    return found


def _if_any(rows: Sequence[UnitRows]) -> tuple[UnitRows, ...]:
    return tuple(rows) if any(at.of_units for at in rows) else ()


def _query(tables: Sequence[UnitTable], gone: Gone) -> Sql:
    rows = "\n  UNION ALL\n".join(_rows_of(number, unit_table) for number, unit_table in enumerate(tables))
    return fill("unit_rows", rows=Sql(rows), gone=table(gone.table))


def _rows_of(number: int, unit_table: UnitTable) -> str:
    """Return the query for the rows of a table, with the ordinals of dates so that all tables have one type."""
    by = unit_table.layout.partition_by
    place = f"t.{identifier(by)}" if by else "CAST(NULL AS INT64)"
    if by == "submission_date":
        place = f"UNIX_DATE({place}) + {_DAY_0}"
    return (
        f"  SELECT {number} AS number, t.batch, {place} AS place, t.analysis_id\n"
        f"  FROM {table(unit_table.name)} AS t\n  WHERE {everywhere('t', by)}"
    )
