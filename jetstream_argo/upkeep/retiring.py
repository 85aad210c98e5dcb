"""Removes the rows of units of an experiment that is over; its estimates stay, and the record of what was read."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.experiments import places_in
from jetstream_argo.run.existence import losses, lost
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State, read_entries
from jetstream_argo.upkeep.owned import unit_tables
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableInfo, Write

NODE = "retire"


@dataclass(frozen=True, slots=True)
class Retirable:
    """Tables of an experiment whose rows, a row of a unit each, nobody needs but for computing something anew."""

    place: Place
    last_at: datetime
    tables: tuple[TableInfo, ...]

    @property
    def bytes(self) -> int:
        """How much the warehouse stores of them."""
        return sum(table.bytes for table in self.tables)


def retirable(engine: Engine, owner: AnalysisPlan | Place) -> Retirable | None:
    """Return the tables of partials, signals, values and published rows that there are; None of what has no record.

    Who is assigned to which branch stays, and so do exposures and segments: they say whom results are of.
    """
    entries = read_entries(engine, owner)
    if not entries:
        return None
    asked = [table.name for table in unit_tables(owner, entries) if table.layout.partition_by]
    found = engine.infos(asked)
    return Retirable(place_of(owner), max(entry.recorded_at for entry in entries), tuple(found.values()))


def idle(engine: Engine, dataset: str, *, before: datetime) -> Iterator[Retirable]:
    """Yield the experiments of a dataset that nothing was recorded of since then, and that have such tables."""
    for place in places_in(engine, dataset):
        found = retirable(engine, place)
        if found is not None and found.tables and found.last_at < before:
            yield found


def retire(engine: Engine, found: Retirable, *, now: Callable[[], datetime], attempt: str) -> None:
    """Record that the rows are to go, delete their tables and the views of them, and record what no longer counts.

    The caller holds the lease alone. What stops half-way goes on when it is asked for again; a run that comes first
    finds out by itself what is gone.
    """
    owner = found.place
    about = Entry(recorded_at=now(), node=NODE, kind=Kind.RETIREMENT, state=State.COMPUTED, plan="", attempt=attempt)
    about = replace(about, rows=sum(table.rows for table in found.tables), bytes=0)
    _record(engine, owner, [about])
    for basis in Basis:
        for period in Period:
            engine.delete(names.values_view(owner, basis, period))
    for table in found.tables:
        engine.delete(table.name)
    gone = {table.name for table in found.tables}
    entries = [entry for entry in read_entries(engine, owner) if entry.table in gone]
    _record(
        engine,
        owner,
        [
            lost(replace(about, recorded_at=now(), kind=loss.entry.kind, state=State.LOST, rows=0), loss)
            for loss in losses(engine, entries, labels=_labels(owner))
        ],
    )


def _record(engine: Engine, owner: Place, entries: Sequence[Entry]) -> None:
    if entries:
        rows = [entry.row() for entry in entries]
        engine.load(names.status(owner), rows, COLUMNS, write=Write.APPEND, labels=_labels(owner))


def _labels(owner: Place) -> dict[str, str]:
    return {"experiment": owner.slug, "node": NODE}
