"""Holds the ids of units that are to be removed, however many, in a table that does not last."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.sql.text import Sql, fill, identifier
from jetstream_argo.sql.units import UNIT_COLUMN
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

NODE = "shred"
_TEMPORARY = Layout(temporary=True)


@dataclass(frozen=True, slots=True)
class Gone:
    """Units that are to be removed: their ids are in `table`, in which each stands once, and `number` of them."""

    table: str
    number: int


@contextmanager
def loaded(engine: Engine, owner: AnalysisPlan | Place, ids: Iterable[str], *, attempt: str) -> Iterator[Gone]:
    """Hold the ids, however many, in a table that is deleted when this ends, and whatever happens within a day."""
    name = _name(owner, attempt)
    rows: list[Mapping[str, Value]] = [{UNIT_COLUMN: unit} for unit in dict.fromkeys(ids)]
    columns = (Column(UNIT_COLUMN, "STRING"),)
    try:
        engine.load(name, rows, columns, write=Write.TRUNCATE, labels=labels_of(owner), layout=_TEMPORARY)
        yield Gone(name, len(rows))
    finally:
        engine.delete(name)


@contextmanager
def asked(engine: Engine, owner: AnalysisPlan | Place, query: str, *, attempt: str) -> Iterator[Gone]:
    """Hold the ids that a query gives in such a table; the query runs once, and no id leaves the warehouse.

    Raises:
        PlanError: the query has no column of units.
    """
    name, text = _name(owner, attempt), query.strip().rstrip(";")
    column = identifier(_column(engine, text))
    sql = fill("units_to_remove", column=column, unit=Sql(UNIT_COLUMN), query=Sql(text))
    try:
        job = engine.query_to_table(sql, name, write=Write.TRUNCATE, labels=labels_of(owner), layout=_TEMPORARY)
        yield Gone(name, job.rows)
    finally:
        engine.delete(name)


def labels_of(owner: AnalysisPlan | Place) -> dict[str, str]:
    """Return the labels of jobs that remove units."""
    return {"experiment": place_of(owner).slug, "node": NODE}


def _column(engine: Engine, query: str) -> str:
    columns = [column.name for column in engine.dry_run(Sql(query)).columns]
    if len(columns) == 1:
        return columns[0]
    for column in columns:
        if column.lower() == UNIT_COLUMN:
            return column
    raise PlanError(f"--query: gives the columns {', '.join(columns)}; call that of the units {UNIT_COLUMN}")


def _name(owner: AnalysisPlan | Place, attempt: str) -> str:
    return names.scratch(place_of(owner), attempt, "gone")
