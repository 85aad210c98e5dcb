"""Puts made-up telemetry into the embedded warehouse."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
ROWS_AT_ONCE = 250_000  # about 75 MB, and there are two


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
    rows_at_once: int = ROWS_AT_ONCE,
) -> tuple[Generated, ...]:
    """Replace the tables that the plan reads by made-up ones, and return what they hold, by name.

    Tables that have a date are partitioned by it. `units` enroll; `report` is called with each table as soon as it is
    there. Whole dates are made while others are written, at most `rows_at_once` at a time but for a date with more.
    Equal arguments make equal rows.

    Raises:
        PlanError: an effect names what the plan does not read.
    """
    tables = {table.name: table for table in design_tables(plan, effects)}
    done = []
    telemetry = make_telemetry(plan, units=units, seed=seed, effects=effects)
    with ThreadPoolExecutor(max_workers=1) as writer:
        for written in _written(engine, tables, telemetry, rows_at_once, writer):
            done.append(written)
            if report is not None:
                report(written)
    return tuple(done)


def _written(
    engine: Bulk,
    tables: Mapping[str, SyntheticTable],
    telemetry: Iterable[TelemetryPartition],
    rows_at_once: int,
    writer: ThreadPoolExecutor,
) -> Iterator[Generated]:
    """Write the tables, and yield what each holds when it is there; while rows are written the next are made."""
    writing: Future[object] | None = None
    table: Generated | None = None
    for name, partitions in groupby(telemetry, key=lambda partition: partition.table):
        rows = dates = 0
        for index, chunk in enumerate(_chunks(partitions, rows_at_once)):
            if writing is not None:
                writing.result()
            if index == 0 and table is not None:
                yield table
            writing = writer.submit(_write, engine, tables[name], chunk, Write.APPEND if index else Write.TRUNCATE)
            rows += _rows(chunk)
            dates += sum(partition.day is not None for partition in chunk)
        table = Generated(name, rows, dates)
    if writing is not None and table is not None:
        writing.result()
        yield table


def _write(engine: Bulk, table: SyntheticTable, chunk: Sequence[TelemetryPartition], write: Write) -> None:
    engine.load_arrow(
        table.name,
        pa.concat_tables(partition.rows for partition in chunk),
        write=write,
        labels=LABELS,
        layout=Layout(partition_by=date_column(table.columns), labels=LABELS),
        columns=tuple(Column(name, guess.type) for name, guess in table.columns.items()),
    )


def _chunks(partitions: Iterable[TelemetryPartition], rows_at_once: int) -> Iterator[list[TelemetryPartition]]:
    """Yield the partitions in their order, not too many at once."""
    gathered: list[TelemetryPartition] = []
    for partition in partitions:
        if gathered and _rows(gathered) + partition.rows.num_rows > rows_at_once:
            yield gathered
            gathered = []
        gathered.append(partition)
    if gathered:
        yield gathered


def _rows(partitions: Sequence[TelemetryPartition]) -> int:
    return sum(partition.rows.num_rows for partition in partitions)
