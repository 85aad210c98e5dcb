"""How units are removed from every table of an experiment that holds them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jetstream_argo.engines.protocol import Engine, Write
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.text import Sql, literal, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.store.removals import removal_facts
from jetstream_argo.upkeep.owned import UnitTable, unit_tables

NODE = "shred"
# BigQuery takes queries of up to 1 MB: https://cloud.google.com/bigquery/quotas#query_jobs
_LONGEST = 500_000  # characters of ids in one query


@dataclass(frozen=True, slots=True)
class Holding:
    """How many rows of the asked-for units a table holds, by batch."""

    table: UnitTable
    batches: Mapping[int, int]

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.batches.values())


def holdings(
    engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry], ids: Sequence[str]
) -> tuple[Holding, ...]:
    """Return the tables that hold rows of the units, and how many."""
    found = []
    for each in unit_tables(owner, entries):
        if engine.info(each.name) is not None:
            batches: Counter[int] = Counter()
            for part in parts(ids):
                batches.update(_counted(engine, each.name, part, owner))
            if batches:
                found.append(Holding(each, batches))
    return tuple(found)


def shred(
    engine: Engine,
    owner: AnalysisPlan | Place,
    held: Iterable[Holding],
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
    labels = {"experiment": place.slug, "node": NODE}
    for holding in held:
        name = holding.table.name
        info = engine.info(name)
        about = holding.table.layout
        if info is not None:
            about = replace(about, description=info.description, labels=info.labels)
        entry = Entry(
            recorded_at=now(), node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt,
            table=name, rows=holding.rows, facts=removal_facts(holding.batches),
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
        f"WHERE r.analysis_id IS NULL OR r.analysis_id NOT IN ({_literals(ids)})\n"
    )


def parts(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the ids, each once and in order, in as few parts as queries take."""
    part: list[str] = []
    size = 0
    for each in dict.fromkeys(ids):
        if part and size + len(literal(each)) > _LONGEST:
            yield tuple(part)
            part, size = [], 0
        part.append(each)
        size += len(literal(each)) + 2
    if part:
        yield tuple(part)


def _counted(engine: Engine, name: str, ids: Sequence[str], owner: AnalysisPlan | Place) -> dict[int, int]:
    sql = Sql(
        f"SELECT r.batch, COUNT(*) AS n FROM {table(name)} AS r\n"
        f"WHERE r.analysis_id IN ({_literals(ids)})\nGROUP BY r.batch\nORDER BY r.batch\n"
    )
    result = engine.query(sql, labels={"experiment": place_of(owner).slug, "node": NODE})
    return {int(str(batch)): int(str(n)) for batch, n in result.rows}


def _literals(ids: Sequence[str]) -> str:
    return ", ".join(literal(each) for each in ids)
