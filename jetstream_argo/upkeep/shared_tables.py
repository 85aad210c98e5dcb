"""Removes what was read for several experiments: what is old, and whatever holds units that must go.

These tables are copies of what can be read again: one that holds such units is deleted as a whole, which costs those
who have not copied from it yet a scan of their own.
"""

from datetime import datetime, timedelta

from jetstream_argo.sql import names
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import Sql, literal, table
from jetstream_argo.store.shared import KEPT_DAYS, shared_tables
from jetstream_argo.upkeep.gone import Gone
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Purged

_ALL = everywhere("s", "submission_date")
_LABELS = {"experiment": "several", "node": "upkeep"}


def remove_old(engine: Engine, dataset: str, *, now: datetime) -> tuple[str, ...]:
    """Delete the tables of scans that were made too long ago; return their names.

    BigQuery does so by itself; this is for engines that do not.
    """
    found = (*shared_tables(engine, dataset), *shared_tables(engine, dataset, names.SHARED_WORK))
    old = [
        info.name
        for info in engine.infos(found).values()
        if info.created is not None and info.created < now - timedelta(days=KEPT_DAYS)
    ]
    _delete(engine, old)
    return tuple(old)


def remove_of_units(engine: Engine, dataset: str, gone: Gone, *, holder: str, wait_seconds: float) -> tuple[str, ...]:
    """Delete the tables that hold rows of the units, after scans that are being made; return their names."""
    sql = f"INNER JOIN {table(gone.table)} AS g\n  ON g.analysis_id = s.analysis_id\nWHERE {_ALL}"
    return _remove(engine, dataset, sql, holder=holder, wait_seconds=wait_seconds)


def remove_of_experiment(engine: Engine, place: names.Place, *, holder: str, wait_seconds: float) -> tuple[str, ...]:
    """Delete the tables that hold rows of an experiment's units, after scans that go on; return their names."""
    sql = f"WHERE s.shared_experiment = {literal(place.slug)} AND s.analysis_id IS NOT NULL AND {_ALL}"
    return _remove(engine, place.dataset, sql, holder=holder, wait_seconds=wait_seconds)


def _remove(engine: Engine, dataset: str, which: str, *, holder: str, wait_seconds: float) -> tuple[str, ...]:
    if engine.info(names.shared_scans(dataset)) is None:
        return ()
    with engine.lease(names.shared_lease(dataset), exclusive=True, holder=holder, wait_seconds=wait_seconds):
        holding = [name for name in shared_tables(engine, dataset) if _has_rows(engine, name, which)]
        _delete(engine, holding)
    return tuple(holding)


def _has_rows(engine: Engine, name: str, which: str) -> bool:
    sql = f"-- How many rows are concerned.\nSELECT COUNT(*) AS n\nFROM {table(name)} AS s\n{which}\n"
    ((rows,),) = engine.query(Sql(sql), labels=_LABELS).rows
    return bool(rows)


def _delete(engine: Engine, tables: list[str]) -> Purged:
    for name in tables:
        engine.delete(name)
    return engine.purge(tables)
