"""Remembers which units were removed, so that none comes back with telemetry that still holds it."""

from datetime import datetime

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner, place_of
from jetstream_argo.sql.shredded import hashes_query, keyed_hash
from jetstream_argo.sql.text import fill, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.upkeep.gone import NODE, Gone, labels_of
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Write

_HASHES = (Column("key", "STRING"), Column("hash", "STRING"))


def remember(  # what is written, by name
    engine: Engine, owner: Owner, gone: Gone, *, new_key: str, now: datetime, attempt: str, assigned: bool = False
) -> None:
    """Keep a keyed hash of each unit, and record that there are some; with `assigned` of those that are enrolled alone.

    The key that was kept first goes for all of an experiment; `new_key` is that where there is none. It stands in its
    table alone: in no query, no label and no record.
    """
    place = place_of(owner)
    name = names.shredded(place)
    labels = labels_of(owner)
    if engine.info(name) is None:
        # The key is read from its table afterwards, so that it stands in no text of a query.
        first = keyed_hash(new_key, _first(engine, gone, labels))
        engine.load(name, [{"key": new_key, "hash": first}], _HASHES, write=Write.TRUNCATE, labels=labels)
    hashes = hashes_query(owner, gone.table, assigned=assigned)
    job = engine.query_to_table(hashes, name, write=Write.APPEND, labels=labels)
    entry = Entry(
        recorded_at=now, node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt, table=name,
        rows=job.rows if assigned else gone.number,
    )  # fmt: skip
    engine.load(names.status(place), [entry.row()], COLUMNS, write=Write.APPEND, labels=labels)


def _first(engine: Engine, gone: Gone, labels: dict[str, str]) -> str:
    ((unit,),) = engine.query(fill("first_unit", gone=table(gone.table)), labels=labels).rows
    return str(unit)
