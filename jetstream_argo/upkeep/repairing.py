"""Makes an experiment's record and tables agree again: what is lost is forgotten, and what nobody needs is removed.

What a run can make again it makes from what is left: values from partials, estimates from values, and only what is
needed of telemetry. A repair that is stopped goes on when it is asked for again.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from jetstream_argo.errors import PlanError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.existence import lost, was_repaired
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import fill, literals, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State, read_entries
from jetstream_argo.upkeep.inspecting import NODE, Stray, damages, labels, missing, strays
from jetstream_argo.upkeep.owned import own_tables, owned, storage
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Purged, Write


def repair(engine: Engine, owner: AnalysisPlan | Place, *, now: Callable[[], datetime], attempt: str) -> Purged:
    """Repair everything that `inspect` finds; the caller holds the lease alone.

    Raises:
        PlanError: nothing of the record can be read.
    """
    _mend_record(engine, owner)
    entries = read_entries(engine, owner)
    everything = [info.name for info in owned(engine, owner, entries).tables]
    damaged = dict.fromkeys(name for name, _ in damages(engine, everything))
    if damaged:
        _record(engine, owner, [Entry(now(), NODE, Kind.REPAIR, State.WAITING, plan="", attempt=attempt)])
    for name in damaged:
        engine.salvage(name)
    found = [
        lost(Entry(now(), NODE, loss.entry.kind, State.LOST, plan="", attempt=attempt), loss)
        for loss in missing(engine, owner, entries)
    ]
    if damaged or not was_repaired(entries):
        found.append(Entry(now(), NODE, Kind.REPAIR, State.COMPUTED, plan="", attempt=attempt))
    if found:
        _record(engine, owner, found)
    entries = (*entries, *found)
    for stray in strays(engine, owner, entries):
        _remove(engine, owner, entries, stray)
    return engine.purge(storage(engine, owner, entries))


def _record(engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> None:
    rows = [entry.row() for entry in entries]
    engine.load(names.status(owner), rows, COLUMNS, write=Write.APPEND, labels=labels(owner))


def _mend_record(engine: Engine, owner: AnalysisPlan | Place) -> None:
    """Keep what can be read of the record; what only the rest recorded is computed anew."""
    record = names.status(owner)
    for damaged in engine.verify(record):
        if damaged.whole_table:
            raise PlanError(
                f"{damaged.file}: nothing of the record of {place_of(owner).slug} can be read, and without it nobody "
                "knows which rows count; `jetstream-argo delete --plan FILE` removes what there is, and a run computes "
                "it anew"
            )
        engine.salvage(record)
        return


def _remove(engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry], stray: Stray) -> None:
    if not stray.is_needed:
        engine.delete(stray.table)
        return
    layout = own_tables(owner, entries)[stray.table]
    info = engine.info(stray.table)
    if info is not None:
        layout = replace(layout, description=info.description, labels=info.labels)
    sql = fill(
        "counted_batches",
        stored=table(stray.table),
        batches=literals(stray.batches),
        everywhere=everywhere("r", layout.partition_by),
    )
    engine.query_to_table(sql, stray.table, write=Write.TRUNCATE, labels=labels(owner), layout=layout)
