"""Remembers which units were removed, so that none comes back with telemetry that still holds it."""

from collections.abc import Sequence
from datetime import datetime

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Owner, place_of
from jetstream_argo.sql.shredded import keyed_hash
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import COLUMNS, Entry, Kind, State
from jetstream_argo.warehouse.protocol import Engine, Write

NODE = "shred"
_HASHES = (Column("key", "STRING"), Column("hash", "STRING"))


def remember(engine: Engine, owner: Owner, ids: Sequence[str], *, new_key: str, now: datetime, attempt: str) -> None:
    """Keep a keyed hash of each unit, and record that there are some.

    The key that was kept first goes for all of an experiment; `new_key` is that where there is none. It stands in its
    table alone: in no query, no label and no record.
    """
    place = place_of(owner)
    name = names.shredded(place)
    labels = {"experiment": place.slug, "node": NODE}
    key = _key(engine, name, labels) if engine.info(name) is not None else new_key
    rows = [{"key": key, "hash": keyed_hash(key, unit)} for unit in dict.fromkeys(ids)]
    engine.load(name, rows, _HASHES, write=Write.APPEND, labels=labels)
    entry = Entry(
        recorded_at=now, node=NODE, kind=Kind.DELETION, state=State.COMPUTED, plan="", attempt=attempt, table=name,
        rows=len(rows),
    )  # fmt: skip
    engine.load(names.status(place), [entry.row()], COLUMNS, write=Write.APPEND, labels=labels)


def _key(engine: Engine, name: str, labels: dict[str, str]) -> str:
    sql = f"-- One row: the key.\nSELECT MIN(s.key) AS key\nFROM {table(name)} AS s\n"
    ((key,),) = engine.query(Sql(sql), labels=labels).rows
    return str(key)
