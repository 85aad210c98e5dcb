"""Reads a data source into daily partials, and counts an exposure signal; a part that fails costs itself."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import EngineError, JetstreamArgoError, TooBig
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.population import Signal
from jetstream_argo.plan.sources import Composed, PlannedRead, Source
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.copying import SharedCopy, SharedRows, copied_facts, left_over
from jetstream_argo.run.departing import clipped, departed_of, marked_units
from jetstream_argo.run.fitting import fitting_pieces
from jetstream_argo.run.gathering import SourceRows, rows_for
from jetstream_argo.run.reading import Due, Reading, Wanted, due
from jetstream_argo.run.splitting import Piece, WorkResult, isolate
from jetstream_argo.run.telemetry import Rows, Telemetry, record_wait
from jetstream_argo.sql import names
from jetstream_argo.sql.departed import Departed, Fresh, marked
from jetstream_argo.sql.enrollments import signals_query
from jetstream_argo.sql.partials import partials_query
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import enrolled
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.marks import mark_facts
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.types import Job, Layout, Write

logger = logging.getLogger(__name__)


def rows_of(context: Context, source: Source) -> Rows:
    """Return the rows of a data source."""
    return Rows(
        name=source.name,
        sql=rows_alone(source.from_expression, source.date_column),
        date_column=source.date_column,
        settle_days=source.settle_days,
        table=names.partials(context.plan, source.name),
        may_be_empty=source.may_be_empty,
    )


def ensure_partials(
    context: Context, source: Source, reads: Sequence[PlannedRead], metrics: Sequence[Metric]
) -> WorkResult:
    """Read what is missing of `reads`, or has changed, into the partials that `metrics` need.

    Each date is read in one query if it can be. Dates that are not there yet are told in the outcome, and the others
    are read.
    """
    needed = {column for metric in metrics for column in partials_of(metric)}
    wanted = [
        Wanted(read.first_date, read.last_date, tuple(column for column in read.columns if column in needed))
        for read in reads
    ]
    rows = rows_of(context, source)
    assignments = context.currency().units.assignments
    found = due(context, rows, wanted, assignments)
    outcome = awaiting(context, Kind.PARTIALS, rows, found)
    if found.telemetry is None or not found.readings:
        return outcome
    below = context.ledger.too_big(Kind.PARTIALS, rows.table)
    shared = SharedRows.of(context, source)
    with rows_for(context, source, found.readings, below=below) as gathered:
        for reading in found.readings:
            departed = departed_of(context, found.telemetry, reading)
            copied = () if departed is not None else _copied(shared, found.telemetry, reading)
            outcome += WorkResult(len(copied))
            for rest in left_over(reading, copied):
                pieces = fitting_pieces(context, piece_of(rest))
                gathered.begin(queries=len(pieces))
                work = _Partials(context, gathered, rest, found.telemetry, departed)
                for piece in pieces:
                    outcome += isolate(work, piece, below=below)
    return outcome


def piece_of(reading: Reading) -> Piece[str]:
    """Return a reading as a piece: its columns, on all of its dates."""
    return Piece(reading.columns, reading.first_date.toordinal(), reading.last_date.toordinal())


def _copied(shared: SharedRows, telemetry: Telemetry, reading: Reading) -> tuple[SharedCopy, ...]:
    """Take what was read for several experiments, and return what was taken: a copy that fails is left to be read."""
    done: list[SharedCopy] = []
    context, source = shared.context, shared.source
    for copy in shared.copies(telemetry, reading):
        first, last = copy.first_date, copy.last_date
        batch = context.batch(first, last, copy.columns[0], *reading.assignments, copy.taken_from.batch)
        entry = _entry(context, source, telemetry.rows.table, batch, copy.columns, reading.assignments)
        entry = copied_facts(telemetry.read(entry, first, last), copy)
        try:
            write_dates(context, shared.query(copy, reading.assignments, batch), entry)
        except EngineError as error:
            logger.warning("not copied", extra={"table": copy.taken_from.table, "reason": str(error)})
            continue
        done.append(copy)
    return tuple(done)


def _entry(
    context: Context, source: Source, table: str, batch: int, columns: tuple[str, ...], assignments: tuple[int, ...]
) -> Entry:
    return replace(
        context.entry(Kind.PARTIALS, State.COMPUTED),
        table=table,
        batch=batch,
        keys=columns,
        metrics=tuple(m.name for m in context.plan.metrics if not set(partials_of(m)).isdisjoint(columns)),
        source=source.name,
        assignments=assignments,
    )


def partials_of(metric: Metric) -> tuple[str, ...]:
    """Return the partials that a metric is composed of; none of one that is computed directly."""
    return metric.computation.partials if isinstance(metric.computation, Composed) else ()


def awaiting(context: Context, kind: Kind, rows: Rows, found: Due) -> WorkResult:
    """Return, and record, which dates are not there yet."""
    if not found.awaited:
        return WorkResult(0)
    entry = replace(context.entry(kind, State.WAITING), table=rows.table, source=rows.name)
    return WorkResult(0, awaited=(record_wait(context, entry, found.awaited),))


def ensure_signals(context: Context) -> str:
    """Count the exposure signal's rows on every date that lacks it; return a line that says how many dates.

    Raises:
        NotLoaded: some dates are not there yet; the others were counted.
    """
    plan = context.plan
    signal = plan.signal
    if signal is None:
        return "there is no exposure signal"
    units = context.currency().units
    rows, wanted = signal_rows(context, signal)
    found = due(context, rows, wanted, units.assignments)
    dates = 0
    pieces = [(reading, piece) for reading in found.readings for piece in fitting_pieces(context, piece_of(reading))]
    for reading, piece in pieces:
        first, last = date.fromordinal(piece.first), date.fromordinal(piece.last)
        batch = context.batch(first, last, *reading.assignments)
        sql = signals_query(plan, signal, units, reading.assignments, first_date=first, last_date=last, batch=batch)
        entry = replace(
            context.entry(Kind.SIGNALS, State.COMPUTED), table=rows.table, batch=batch, keys=reading.columns
        )
        if found.telemetry is not None:
            write_dates(
                context, sql, found.telemetry.read(replace(entry, assignments=reading.assignments), first, last)
            )
        dates += (last - first).days + 1
    for error in awaiting(context, Kind.SIGNALS, rows, found).awaited:
        raise error
    return f"read {counted(dates, 'date')}" if dates else "up to date"


def signal_rows(context: Context, signal: Signal) -> tuple[Rows, tuple[Wanted, ...]]:
    """Return the rows that mean exposure, and which of their dates are wanted."""
    rows = Rows(
        name=signal.name,
        sql=rows_alone(signal.from_expression, signal.date_column),
        date_column="submission_date",
        settle_days=signal.settle_days,
        table=names.signals(context.plan),
    )
    return rows, (Wanted(signal.first_date, signal.last_date, (signal.partial.column,)),)


@dataclass(frozen=True, slots=True)
class _Partials:
    """Partials of one source: parts are columns, at dates."""

    context: Context
    rows: SourceRows
    reading: Reading
    telemetry: Telemetry
    departed: Departed | None = None

    def write(self, piece: Piece[str]) -> WorkResult:
        sql, entry = self._query(piece)
        facts = self._facts if self.departed is not None else None
        write_dates(self.context, sql, entry, facts, before=self.rows.spent())
        return WorkResult(1)

    def _facts(self, entry: Entry) -> str:
        return mark_facts(marked_units(self.context, entry.table, entry))

    def check(self, piece: Piece[str]) -> None:
        self.context.engine.dry_run(self._query(piece)[0])

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> WorkResult:
        entry = because(self._query(piece)[1], error)
        self.context.record([entry])
        return WorkResult(0, tuple((metric, error) for metric in entry.metrics))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        self.context.record([because(self._query(piece)[1], error)])
        self.rows.gather()

    def _query(self, piece: Piece[str]) -> tuple[Sql, Entry]:
        plan, assignments = self.context.plan, self.reading.assignments
        first, last = date.fromordinal(piece.first), date.fromordinal(piece.last)
        batch = self.context.batch(first, last, piece.parts[0], *assignments)
        table = self.telemetry.rows.table
        entry = _entry(self.context, self.rows.source, table, batch, piece.parts, assignments)
        units = enrolled(plan, self.context.currency().units, exposures=False, segments=False)
        query = partials_query(
            self.rows.source, piece.parts, units, assignments, first_date=first, last_date=last, batch=batch
        )
        if self.departed is not None:
            earlier = clipped(self.departed.earlier, first, last)
            if earlier:
                fresh = Fresh(query, self.rows.source, piece.parts, units, assignments, batch)
                query = marked(plan, fresh, replace(self.departed, earlier=earlier))
        return query, self.telemetry.read(entry, first, last)


# Gives, when the rows of an entry are written, the facts about them.
Facts = Callable[[Entry], str]


def write_dates(
    context: Context, sql: Sql, entry: Entry, facts: Facts | None = None, *, before: Sequence[Job] = ()
) -> None:
    """Append the rows of a query to a table that is partitioned by date, and record that they are complete.

    The jobs `before` were needed for it, and what they cost is recorded with it.
    """
    layout = context.layout(partition_by="submission_date", cluster_by=("analysis_id",))
    write(context, sql, entry, layout, facts, before=before)


def write(
    context: Context,
    sql: Sql,
    entry: Entry,
    layout: Layout,
    facts: Facts | None = None,
    *,
    before: Sequence[Job] = (),
) -> None:
    """Append the rows of a query to the table of `entry`, and record that they are complete, with facts about them."""
    job = context.engine.query_to_table(
        sql, entry.table, write=Write.APPEND, labels=context.labels(source=entry.source), layout=layout
    )
    if facts is not None and job.rows:
        entry = replace(entry, facts=facts(entry))
    context.record([replace(costed(entry, *before, job), recorded_at=context.now(), counts=counts_of(entry, job))])


def counts_of(entry: Entry, job: Job) -> tuple[int, ...]:
    """Return how many rows were written of each date or window; nothing where the warehouse does not say."""
    if not len(entry.extent):
        return (job.rows,)
    if set(job.written) <= {""}:
        return ()
    dated = entry.first_date is not None
    return tuple(
        job.written.get(date.fromordinal(place).isoformat() if dated else str(place), 0) for place in entry.extent
    )


def costed(entry: Entry, *jobs: Job) -> Entry:
    """Return `entry` with what `jobs` cost, and with what kept them from some rows or values."""
    restrictions = dict.fromkeys(name for job in jobs for name in job.restrictions)
    if restrictions:
        facts = json.loads(entry.facts) if entry.facts else {}
        entry = replace(entry, facts=canonical({**facts, "restrictions": list(restrictions)}))
    return replace(
        entry,
        rows=sum(job.rows for job in jobs),
        bytes=sum(job.bytes for job in jobs),
        slot_ms=sum(job.slot_ms for job in jobs),
        seconds=round(sum(job.seconds for job in jobs), 3),
        jobs=tuple(job.id for job in jobs),
        partitions=sum(sum(job.scanned.values()) for job in jobs),
    )
