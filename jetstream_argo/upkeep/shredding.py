"""Removes units from every table of an experiment that holds them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.store.removals import RowsLeft, removal_facts
from jetstream_argo.upkeep.counting import NOTHING_COUNTED, Survey, UnitRows, count_alone
from jetstream_argo.upkeep.gone import NODE, Gone, labels_of
from jetstream_argo.upkeep.owned import UnitTable, unit_tables
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write


@dataclass(frozen=True, slots=True)
class Holding:
    """How many rows of the asked-for units a table holds, and how many others the batches that hold them."""

    table: UnitTable
    rows: int
    left: Mapping[int, RowsLeft]


def holdings(
    engine: Engine,
    owner: AnalysisPlan | Place,
    entries: Sequence[Entry],
    gone: Gone,
    before: Survey = NOTHING_COUNTED,
) -> tuple[Holding, ...]:
    """Return the tables that hold rows of the units, and how many; every table is read once.

    Those that have not changed since they were counted `before`, with other experiments' tables, are not read again.
    """
    found = []
    tables = unit_tables(owner, entries)
    there = engine.infos([unit_table.name for unit_table in tables])
    for unit_table in tables:
        info = there.get(unit_table.name)
        if info is None:
            continue
        rows = before.of(info)
        if rows is None:
            rows = count_alone(engine, unit_table, gone, labels_of(owner))
        if any(at.of_units for at in rows):
            found.append(_holding(unit_table, rows))
    return tuple(found)


def _holding(unit_table: UnitTable, rows: Sequence[UnitRows]) -> Holding:
    left: dict[int, dict[int | None, int]] = {}
    for at in rows:
        left.setdefault(at.batch, {})[at.place] = at.rows - at.of_units
    concerned = sorted({at.batch for at in rows if at.of_units})
    return Holding(unit_table, sum(at.of_units for at in rows), {batch: left[batch] for batch in concerned})


def shred(
    engine: Engine,
    owner: AnalysisPlan | Place,
    holdings: Iterable[Holding],
    gone: Gone,
    *,
    now: Callable[[], datetime],
    attempt: str,
    anew: bool = False,
) -> Iterator[Holding]:
    """Record that each table is rewritten, rewrite it once without the units, at one instant, and yield it.

    Nothing may write to the experiment's tables meanwhile: what is appended while a table is rewritten is lost. The
    ids are recorded nowhere: `upkeep.remembering` keeps their hashes, before anything is removed. What stops half-way
    goes on when it is asked for again; a table is recorded before it is rewritten, so that its results are known to be
    older whenever it stops. With `anew` the record asks for these to be made again by whoever estimates next.
    """
    place = place_of(owner)
    labels = labels_of(owner)
    for holding in holdings:
        name = holding.table.name
        info = engine.info(name)
        about = holding.table.layout
        if info is not None:
            about = replace(about, description=info.description, labels=info.labels)
        entry = Entry(
            recorded_at=now(), node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt,
            table=name, rows=holding.rows, facts=removal_facts(holding.left, anew=anew),
        )  # fmt: skip
        engine.load(names.status(place), [entry.row()], COLUMNS, write=Write.APPEND, labels=labels)
        engine.query_to_table(without(holding.table, gone), name, write=Write.TRUNCATE, labels=labels, layout=about)
        yield holding


def without(unit_table: UnitTable, gone: Gone) -> Sql:
    """Return the query for a table's rows but for those of the units; rows of no unit stay."""
    return Sql(
        "-- All rows of the table but those of some units.\n"
        f"SELECT r.*\nFROM {table(unit_table.name)} AS r\n"
        f"LEFT JOIN {table(gone.table)} AS g\n  ON g.analysis_id = r.analysis_id\n"
        f"WHERE g.analysis_id IS NULL\n  AND {everywhere('r', unit_table.layout.partition_by)}\n"
    )
