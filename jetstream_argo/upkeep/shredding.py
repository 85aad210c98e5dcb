"""Removes units from every table of an experiment that holds them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.existence import ordinal_of
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.text import Sql, identifier, literal, literals, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.store.removals import RowsLeft, removal_facts
from jetstream_argo.upkeep.owned import UnitTable, unit_tables
from jetstream_argo.warehouse.protocol import Engine, Write

NODE = "shred"
# BigQuery takes queries of up to 1 MB: https://cloud.google.com/bigquery/quotas#query_jobs
_LONGEST = 500_000  # characters of ids in one query


@dataclass(frozen=True, slots=True)
class Holding:
    """How many rows of the asked-for units a table holds, and how many others the batches that hold them."""

    table: UnitTable
    rows: int
    left: Mapping[int, RowsLeft]


def holdings(
    engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry], ids: Sequence[str]
) -> tuple[Holding, ...]:
    """Return the tables that hold rows of the units, and how many."""
    found = []
    for unit_table in unit_tables(owner, entries):
        if engine.info(unit_table.name) is not None:
            rows: Counter[_Cell] = Counter()
            removed: Counter[_Cell] = Counter()
            for part in parts(ids):
                for cell, count, of_units in _counted(engine, unit_table, part, owner):
                    rows[cell] = count
                    removed[cell] += of_units
            if removed.total():
                concerned = {batch for (batch, _), count in removed.items() if count}
                left: dict[int, dict[int | None, int]] = {batch: {} for batch in sorted(concerned)}
                for (batch, place), count in rows.items():
                    if batch in concerned:
                        left[batch][place] = count - removed[batch, place]
                found.append(Holding(unit_table, removed.total(), left))
    return tuple(found)


def shred(
    engine: Engine,
    owner: AnalysisPlan | Place,
    holdings: Iterable[Holding],
    ids: Sequence[str],
    *,
    now: Callable[[], datetime],
    attempt: str,
) -> Iterator[Holding]:
    """Record that each table is rewritten, rewrite it without the units, at one instant, and yield it.

    Nothing may write to the experiment's tables meanwhile: what is appended while a table is rewritten is lost. The
    ids are recorded nowhere: `upkeep.remembering` keeps their hashes, before anything is removed. What stops half-way
    goes on when it is asked for again; a table is recorded before it is rewritten, so that its results are known to be
    older whenever it stops.
    """
    place = place_of(owner)
    labels = _labels(owner)
    for holding in holdings:
        name = holding.table.name
        info = engine.info(name)
        about = holding.table.layout
        if info is not None:
            about = replace(about, description=info.description, labels=info.labels)
        entry = Entry(
            recorded_at=now(), node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt,
            table=name, rows=holding.rows, facts=removal_facts(holding.left),
        )  # fmt: skip
        engine.load(names.status(place), [entry.row()], COLUMNS, write=Write.APPEND, labels=labels)
        for part in parts(ids):
            engine.query_to_table(without(name, part), name, write=Write.TRUNCATE, labels=labels, layout=about)
        yield holding


def without(name: str, ids: Sequence[str]) -> Sql:
    """Return the query for a table's rows but for those of the units; rows of no unit stay."""
    return Sql(
        "-- All rows of the table but those of some units.\n"
        f"SELECT r.*\nFROM {table(name)} AS r\n"
        f"WHERE r.analysis_id IS NULL OR r.analysis_id NOT IN ({literals(ids)})\n"
    )


def parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the ids, each once and in order, in as few parts as queries take."""
    part: list[str] = []
    size = 0
    for unit_id in dict.fromkeys(ids):
        if part and size + len(literal(unit_id)) > _LONGEST:
            yield tuple(part)
            part, size = [], 0
        part.append(unit_id)
        size += len(literal(unit_id)) + 2
    if part:
        yield tuple(part)


# A batch, and a date or window of it.
_Cell = tuple[int, int | None]


def _counted(
    engine: Engine, unit_table: UnitTable, ids: Sequence[str], owner: AnalysisPlan | Place
) -> Iterator[tuple[_Cell, int, int]]:
    """Yield how many rows there are, and how many of them are of the units, by batch and date or window."""
    by = unit_table.layout.partition_by
    place = Sql(f"r.{identifier(by)}") if by else Sql("CAST(NULL AS INT64)")
    sql = Sql(
        "-- One row per batch and date or window: all rows, and those of some units.\n"
        f"SELECT r.batch, {place} AS place, COUNT(*) AS n, COUNTIF(r.analysis_id IN ({literals(ids)})) AS of_units\n"
        f"FROM {table(unit_table.name)} AS r\nGROUP BY r.batch, place\nORDER BY r.batch, place\n"
    )
    for batch, value, count, of_units in engine.query(sql, labels=_labels(owner)).rows:
        yield (int(str(batch)), ordinal_of(value)), int(str(count)), int(str(of_units))


def _labels(owner: AnalysisPlan | Place) -> dict[str, str]:
    return {"experiment": place_of(owner).slug, "node": NODE}
