"""Puts made-up telemetry into the embedded warehouse."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import pyarrow as pa

from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.synthetic.tables import SyntheticTable, date_column, design_tables
from jetstream_argo.synthetic.telemetry import TelemetryPartition, make_telemetry
from jetstream_argo.warehouse.types import Job, Layout, Write

LABELS = {"synthetic": "true"}  # of tables that were made up
_ROWS_AT_ONCE = 4_000_000  # about a gigabyte


class Bulk(Protocol):
    """A warehouse that takes rows by the million."""

    def load_arrow(
        self,
        destination: str,
        table: pa.Table,
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout,
        columns: Sequence[Column],
    ) -> Job:
        """Write an Arrow table's rows to a table of these columns."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written to a table."""

    table: str
    rows: int
    dates: int


def generate(
    plan: AnalysisPlan,
    engine: Bulk,
    *,
    units: int,
    seed: int,
    effects: tuple[Effect, ...] = (),
    report: Callable[[Generated], None] | None = None,
) -> tuple[Generated, ...]:
    """Replace the tables that the plan reads by made-up ones, and return what they hold, by name.

    Tables that have a date are partitioned by it. `units` enroll; `report` is called with each table as soon as it is
    there. Equal arguments make equal rows.

    Raises:
        PlanError: an effect names what the plan does not read.
    """
    tables = {table.name: table for table in design_tables(plan, effects)}
    done = []
    for name, partitions in groupby(
        make_telemetry(plan, units=units, seed=seed, effects=effects), key=lambda partition: partition.table
    ):
        done.append(_write(engine, tables[name], list(partitions)))
        if report is not None:
            report(done[-1])
    return tuple(done)


def _write(engine: Bulk, table: SyntheticTable, partitions: Sequence[TelemetryPartition]) -> Generated:
    columns = tuple(Column(name, guess.type) for name, guess in table.columns.items())
    for index, chunk in enumerate(_chunks(partitions)):
        engine.load_arrow(
            table.name,
            chunk,
            write=Write.APPEND if index else Write.TRUNCATE,
            labels=LABELS,
            layout=Layout(partition_by=date_column(table.columns), labels=LABELS),
            columns=columns,
        )
    rows = sum(partition.rows.num_rows for partition in partitions)
    return Generated(table.name, rows, sum(partition.day is not None for partition in partitions))


def _chunks(partitions: Sequence[TelemetryPartition]) -> Iterator[pa.Table]:
    """Yield the rows in their order, whole dates and not too many at once."""
    gathered: list[pa.Table] = []
    rows = 0
    for partition in partitions:
        if gathered and rows + partition.rows.num_rows > _ROWS_AT_ONCE:
            yield pa.concat_tables(gathered)
            gathered, rows = [], 0
        gathered.append(partition.rows)
        rows += partition.rows.num_rows
    if gathered:
        yield pa.concat_tables(gathered)
