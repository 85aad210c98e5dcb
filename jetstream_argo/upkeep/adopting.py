"""Records rows that somebody else removed from our tables as removed on request, so that they are not missed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.run.existence import PLACE, gone_with_table, losses, rows_of_batches
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.store.removals import removal_facts
from jetstream_argo.upkeep.gone import NODE, labels_of
from jetstream_argo.upkeep.owned import unit_tables
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write


@dataclass(frozen=True, slots=True)
class Depleted:
    """Batches of a table that have fewer rows than were counted, `rows` in all."""

    table: str
    batches: tuple[Entry, ...]
    rows: int
    facts: str


def depleted(engine: Engine, place: Place, entries: Sequence[Entry], *, anew: bool) -> Iterator[Depleted]:
    """Yield the tables of units that lack rows, without those that are gone or were made anew, which are lost."""
    tables = {table.name for table in unit_tables(place, entries)}
    about = [entry for entry in entries if entry.table in tables or entry.kind is Kind.DELETION]
    found: dict[str, dict[int, Entry]] = {}
    infos = engine.infos(sorted({entry.table for entry in about if entry.table in tables}))
    for loss in losses(engine, about, labels=labels_of(place), closely=True):
        entry = loss.entry
        if entry.batch is not None and not gone_with_table(infos.get(entry.table), entry):
            found.setdefault(entry.table, {})[entry.batch] = entry
    for name, batches in found.items():
        kind = next(iter(batches.values())).kind
        there = rows_of_batches(engine, name, PLACE.get(kind), batches, labels_of(place))
        left = {batch: there.get(batch, {}) for batch in batches}
        rows = sum(entry.rows - sum(left[batch].values()) for batch, entry in batches.items())
        yield Depleted(name, tuple(batches.values()), rows, removal_facts(left, anew=anew))


def adopt(
    engine: Engine, place: Place, tables: Sequence[Depleted], *, now: Callable[[], datetime], attempt: str
) -> None:
    """Record that the rows which are lacking were removed on request, in one write."""
    entries = [
        Entry(
            recorded_at=now(), node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt,
            table=table.table, rows=table.rows, facts=table.facts,
        )
        for table in tables
    ]  # fmt: skip
    if entries:
        rows = [entry.row() for entry in entries]
        engine.load(names.status(place), rows, COLUMNS, write=Write.APPEND, labels=labels_of(place))
