"""Reads dates of a source again on purpose, and carries over what units had that are gone since.

The rows are first written to a table of their own and compared with those that count. Only what somebody has agreed to
is copied beside these, and recorded, so that it counts from then on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import JetstreamArgoError, PlanError, TooBig
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.sources import Direct, Source
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.run.departing import clipped, departed_batch, marked_units, store_units
from jetstream_argo.run.fitting import fitting_pieces
from jetstream_argo.run.partials import costed, counts_of, partials_of, piece_of, rows_of
from jetstream_argo.run.reading import Reading, readings_of
from jetstream_argo.run.splitting import Piece, WorkResult, isolate
from jetstream_argo.run.telemetry import Rows, Telemetry, look, record_wait
from jetstream_argo.sql import names
from jetstream_argo.sql.departed import Departed, Fresh, absent_query, carried, restated_units
from jetstream_argo.sql.partials import partials_query
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.sql.units import enrolled
from jetstream_argo.store.coverage import ANYBODY
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.marks import RESTATED, mark_facts, marked_batches
from jetstream_argo.warehouse.types import Write

NODE = "restate"


@dataclass(frozen=True, slots=True)
class AffectedUnits:
    """How many units of a branch a restatement concerns, by the rows that they had and have in its dates.

    `new` had none; `changed` have others; rows of `carried` units stay, since telemetry has these no more; `gone` have
    none any more.
    """

    new: int
    changed: int
    carried: int
    gone: int


@dataclass(frozen=True, slots=True)
class Restatement:
    """What somebody has to agree to: units by branch, and the entries that make it count.

    `direct` names metrics that are computed from the source's rows as they are now: nothing is carried over for these.
    `failed` holds metrics whose columns could not be read: those stay as they are.
    """

    source: str
    first: date
    last: date
    changed: Mapping[str, AffectedUnits]
    entries: tuple[Entry, ...]
    direct: tuple[str, ...] = ()
    failed: tuple[tuple[str, JetstreamArgoError], ...] = ()


def prepare(context: Context, name: str, first: date, last: date, *, carry: bool) -> Restatement:
    """Read the dates of a source into a table of their own, and compare them with what counts.

    Raises:
        PlanError: nothing was ever read of these dates.
        NotLoaded: some of them are not there yet.
    """
    source = context.plan.source(name)
    rows = rows_of(context, source)
    readings, direct = _readings(context, source, rows, first, last), _direct_dates(context, source, rows, first, last)
    if not readings and not direct:
        raise PlanError(
            f"{name}: nothing was read from {first} to {last}, so that there is nothing to replace or to carry over; "
            "`run` reads what was not read yet, and units that are gone by now have no rows then"
        )
    telemetry = look(context, rows, first, last)
    days = list(dates_between(first, last))
    awaited = telemetry.awaited(days)
    if awaited:
        entry = replace(context.entry(Kind.RESTATEMENT, State.WAITING), table=rows.table, source=name)
        raise record_wait(context, entry, awaited)
    context.engine.delete(names.restated(context.plan, name))
    gone = _gone(context, source, first, last) if carry else None
    work = _Restated(context, source, telemetry, gone)
    outcome = WorkResult(0)
    below = context.ledger.too_big(Kind.PARTIALS, rows.table)
    for reading in readings:
        for piece in fitting_pieces(context, piece_of(reading)):
            outcome += isolate(work.of(reading), piece, below=below)
    return Restatement(
        source=name,
        first=first,
        last=last,
        changed=work.changes(readings) if work.entries else {},
        entries=(*work.entries, *_direct_entries(context, source, telemetry, direct)),
        direct=tuple(metric.name for metric in context.plan.metrics if direct and _is_direct(metric, name)),
        failed=outcome.errors,
    )


def commit(context: Context, restatement: Restatement) -> None:
    """Let what was prepared count: all of it, or nothing."""
    plan = context.plan
    staged = names.restated(plan, restatement.source)
    if any(entry.kind is Kind.PARTIALS for entry in restatement.entries):
        context.engine.query_to_table(
            Sql(
                f"-- All rows that were restated.\nSELECT r.*\nFROM {table(staged)} AS r\n"
                f"WHERE {everywhere('r', 'submission_date')}\n"
            ),
            names.partials(plan, restatement.source),
            write=Write.APPEND,
            labels=context.labels(source=restatement.source),
            layout=context.layout(partition_by="submission_date", cluster_by=("analysis_id",)),
        )
    about = replace(
        context.entry(Kind.RESTATEMENT, State.COMPUTED),
        table=names.partials(plan, restatement.source),
        source=restatement.source,
        first_date=restatement.first,
        last_date=restatement.last,
        facts=canonical({"branches": {branch: asdict(units) for branch, units in restatement.changed.items()}}),
    )
    now = context.now()
    context.record([*(replace(entry, recorded_at=now) for entry in restatement.entries), about])


def clean(context: Context, source: str) -> None:
    """Remove what was prepared."""
    context.engine.delete(names.restated(context.plan, source))


def _readings(context: Context, source: Source, rows: Rows, first: date, last: date) -> tuple[Reading, ...]:
    """Return the dates and columns of the plan that were read before, whatever their state."""
    assignments = context.currency().units.assignments
    planned = [
        column for metric in context.plan.metrics if metric.source == source.name for column in partials_of(metric)
    ]
    found: dict[date, dict[str, tuple[int, ...]]] = {}
    for column in dict.fromkeys(planned):
        batches = context.ledger.batches_on(rows.table, column)
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            if any(of_day.batch is not None for of_day in batches.get(ordinal, {}).values()):
                found.setdefault(date.fromordinal(ordinal), {})[column] = assignments
    return tuple(readings_of(dict(sorted(found.items()))))


def _direct_dates(context: Context, source: Source, rows: Rows, first: date, last: date) -> tuple[Reading, ...]:
    """Return the dates whose rows were read into values directly."""
    batches = context.ledger.batches_on(rows.table, source.key)
    days = range(first.toordinal(), last.toordinal() + 1)
    found = {date.fromordinal(day): {source.key: (ANYBODY,)} for day in days if batches.get(day)}
    return tuple(readings_of(found))


def _direct_entries(
    context: Context, source: Source, telemetry: Telemetry, readings: Sequence[Reading]
) -> Iterator[Entry]:
    for reading in readings:
        entry = replace(
            context.entry(Kind.ROWS, State.COMPUTED),
            table=telemetry.rows.table,
            batch=context.batch("rows", reading.first_date, reading.last_date),
            keys=reading.columns,
            source=source.name,
            facts=RESTATED,
        )
        yield telemetry.read(entry, reading.first_date, reading.last_date)


def _is_direct(metric: Metric, source: str) -> bool:
    return metric.source == source and isinstance(metric.computation, Direct)


def _gone(context: Context, source: Source, first: date, last: date) -> int | None:
    """Return the batch of units that neither the assignments' source nor these dates have; None without any."""
    departed = departed_batch(context)
    if departed is None:
        return None
    batch = context.batch("absent", source.name, first, last)
    deleted = context.plan.experiment.deletions.units_query
    sql = absent_query(context.plan, source, first, last, departed=departed, batch=batch, deleted=deleted)
    return batch if store_units(context, sql, batch).rows else None


@dataclass(slots=True)
class _Restated:
    """Partials of one source, written to the table of restated rows: parts are columns, at dates.

    `entries` are those to record once they count.
    """

    context: Context
    source: Source
    telemetry: Telemetry
    gone: int | None
    assignments: tuple[int, ...] = ()
    entries: list[Entry] = field(default_factory=list)

    def of(self, reading: Reading) -> "_Restated":
        """Return the same work for the assignments of a reading."""
        self.assignments = reading.assignments
        return self

    def write(self, piece: Piece[str]) -> WorkResult:
        """Write a piece, and keep what is to be recorded of it."""
        context, entry = self.context, self._entry(piece)
        staged = names.restated(context.plan, self.source.name)
        job = context.engine.query_to_table(
            self._sql(piece),
            staged,
            write=Write.APPEND,
            labels=context.labels(source=self.source.name),
            layout=context.layout(partition_by="submission_date", cluster_by=("analysis_id",)),
        )
        departed = self._departed(piece)
        if departed is not None:
            marks = marked_units(context, staged, entry) if departed.reasons else {}
            entry = replace(entry, facts=mark_facts(marks, carried=True))
        self.entries.append(replace(costed(entry, job), counts=counts_of(entry, job)))
        return WorkResult(1)

    def check(self, piece: Piece[str]) -> None:
        """Ask the warehouse whether it would accept the query."""
        self.context.engine.dry_run(self._sql(piece))

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> WorkResult:
        """Leave the columns as they are, and tell whose they are."""
        return WorkResult(0, tuple((metric, error) for metric in self._entry(piece).metrics))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        """Nothing is recorded before somebody has agreed."""

    def changes(self, readings: Sequence[Reading]) -> dict[str, AffectedUnits]:
        """Return, by branch, how many units what was written concerns."""
        columns = tuple(dict.fromkeys(column for entry in self.entries for column in entry.keys))
        earlier = [
            part for reading in readings for part in self._earlier(columns, reading.first_date, reading.last_date)
        ]
        fresh = Fresh(Sql(""), self.source, columns, self._units(), self.assignments, 0)
        sql = restated_units(self.context.plan, fresh, earlier, departed=self.gone)
        rows = self.context.engine.query(sql, labels=self.context.labels(source=self.source.name)).rows
        return {str(branch): AffectedUnits(*(int(str(n)) for n in counts)) for branch, *counts in rows}

    def _sql(self, piece: Piece[str]) -> Sql:
        first, last = date.fromordinal(piece.first), date.fromordinal(piece.last)
        batch, units = self._batch(piece), self._units()
        query = partials_query(
            self.source, piece.parts, units, self.assignments, first_date=first, last_date=last, batch=batch
        )
        departed = self._departed(piece)
        if departed is None:
            return query
        fresh = Fresh(query, self.source, piece.parts, units, self.assignments, batch)
        return carried(self.context.plan, fresh, departed)

    def _departed(self, piece: Piece[str]) -> Departed | None:
        if self.gone is None:
            return None
        earlier = self._earlier(piece.parts, date.fromordinal(piece.first), date.fromordinal(piece.last))
        marked = marked_batches(self.context.ledger.entries, self.telemetry.rows.table)
        return Departed(self.gone, earlier, any(not marked.isdisjoint(part.batches) for part in earlier))

    def _earlier(self, columns: Sequence[str], first: date, last: date) -> tuple[DateSlice, ...]:
        assignments = self.context.currency().units.assignments
        found = self.context.ledger.date_slices(self.telemetry.rows.table, columns, first, last, assignments)
        return clipped(found, first, last)

    def _units(self) -> Sql:
        return enrolled(self.context.plan, self.context.currency().units, exposures=False, segments=False)

    def _batch(self, piece: Piece[str]) -> int:
        return self.context.batch(self.source.name, piece.first, piece.last, piece.parts[0], *self.assignments)

    def _entry(self, piece: Piece[str]) -> Entry:
        metrics = self.context.plan.metrics
        entry = replace(
            self.context.entry(Kind.PARTIALS, State.COMPUTED),
            table=self.telemetry.rows.table,
            batch=self._batch(piece),
            keys=piece.parts,
            metrics=tuple(m.name for m in metrics if not set(partials_of(m)).isdisjoint(piece.parts)),
            source=self.source.name,
            assignments=self.assignments,
        )
        return self.telemetry.read(entry, date.fromordinal(piece.first), date.fromordinal(piece.last))
