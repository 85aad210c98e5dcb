"""Forecasts what a run would read of telemetry, and how much, without reading a row or writing anything."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from jetstream_argo.errors import EngineError, NotLoaded
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Source
from jetstream_argo.run.assigning import unread_enrollments
from jetstream_argo.run.context import Context
from jetstream_argo.run.forecast_direct import DirectReading, direct_readings
from jetstream_argo.run.partials import partials_of, rows_of, signal_rows
from jetstream_argo.run.reading import Due, Reading, Wanted, due
from jetstream_argo.run.telemetry import Rows, Telemetry, look
from jetstream_argo.run.traits import Traits, traits_of, unread_traits
from jetstream_argo.run.unwritten import unwritten
from jetstream_argo.sql import names
from jetstream_argo.sql.enrollments import signals_query
from jetstream_argo.sql.partials import partials_query
from jetstream_argo.sql.text import Sql, in_brackets, table
from jetstream_argo.sql.units import nobody
from jetstream_argo.store.coverage import ANYBODY
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Knowledge


class Why(StrEnum):
    """Why dates would be read."""

    NEW = "not read yet"
    COLUMNS = "for metrics that are new or changed"
    UNITS = "for units that came late"
    CHANGED = "changed since they were read"
    DIRECT = "for metrics that are computed directly"


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Dates of a source, both included, that a run would read. `rows` and `bytes` are None where nobody can say.

    `scans` is how many times it would read them: once, but for metrics that are computed directly.
    """

    source: str
    first_date: date
    last_date: date
    why: Why
    rows: int | None
    bytes: int | None
    scans: int = 1

    @property
    def partition_days(self) -> int:
        """How many dates are read, counted as often as they are."""
        return self.scans * ((self.last_date - self.first_date).days + 1)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would read, in its order; what it would wait for; and of what nobody can say, and why."""

    upcoming: tuple[Upcoming, ...]
    awaited: tuple[str, ...]
    refused: tuple[str, ...]


def forecast(
    plan: AnalysisPlan,
    engine: Engine,
    ledger: Ledger,
    *,
    now: Callable[[], datetime],
    metrics: Collection[str] = (),
    by_dry_run: bool = False,
) -> Forecast:
    """Return what a run would read for `metrics`, or for all where none are named.

    Bytes are those that storage has of the dates, or what the warehouse's dry runs say, which is less where it reads
    some columns only. What a run finds out about units meanwhile, such as that more have come, is not foreseen.
    """
    reading = Ledger(list(ledger.entries))  # what is seen of dates is noted there, and nowhere else
    context = Context(plan, codec.sha256(plan), "forecast", unwritten(engine), "none", now, ledger=reading)
    wanted = tuple(metric for metric in plan.metrics if not metrics or metric.name in metrics)
    work = _Forecasting(context, by_dry_run=by_dry_run)
    found = tuple(work.upcoming(wanted))
    return Forecast(found, tuple(dict.fromkeys(work.awaited)), tuple(dict.fromkeys(work.refused)))


class _Forecasting:
    def __init__(self, context: Context, *, by_dry_run: bool) -> None:
        self._context = context
        self._by_dry_run = by_dry_run
        self.awaited: list[str] = []
        self.refused: list[str] = []

    def upcoming(self, metrics: Sequence[Metric]) -> Iterator[Upcoming]:
        """Yield what is read of units, then of signals, then source by source."""
        yield from self._foreseen("enrollments", self._enrollments())
        for traits in traits_of(self._context):
            yield from self._foreseen(traits.rows.name, self._traits(traits))
        yield from self._foreseen("exposures", self._signal())
        for source in self._context.plan.sources:
            own = tuple(metric for metric in metrics if metric.source == source.name)
            yield from self._foreseen(source.name, self._partials(source, own))
            yield from self._foreseen(source.name, self._direct(source, own))

    def _foreseen(self, name: str, upcoming: Iterator[Upcoming]) -> Iterator[Upcoming]:
        """Yield what can be foreseen, and note why not where the warehouse refuses or dates are not there."""
        try:
            yield from upcoming
        except NotLoaded as error:
            self.awaited.append(str(error))
        except EngineError as error:
            self.refused.append(f"{name}: {error}")

    def _enrollments(self) -> Iterator[Upcoming]:
        plan = self._context.plan
        telemetry = unread_enrollments(self._context)
        if telemetry is not None:
            known = bool(self._context.currency().units.batches)
            first, last = plan.experiment.timeline.start, plan.experiment.timeline.last_enrollment
            query = Sql(plan.enrollments.sql)
            yield self._upcoming(telemetry, first, last, Why.CHANGED if known else Why.NEW, query)

    def _traits(self, traits: Traits) -> Iterator[Upcoming]:
        context, first, last = self._context, traits.first_date, traits.last_date
        if not context.currency().units.assignments:
            query = traits.query(context.currency().units, traits.columns, (ANYBODY,), 0)
            yield self._upcoming(look(context, traits.rows, first, last), first, last, Why.NEW, query)
            return
        todo, telemetry = unread_traits(context, traits)
        if todo and telemetry is not None:
            is_recorded = any(context.ledger.batches_for(traits.rows.table, column) for column in todo)
            units = context.currency().units
            query = traits.query(units, tuple(todo), units.assignments, 0)
            yield self._upcoming(telemetry, first, last, Why.CHANGED if is_recorded else Why.NEW, query)

    def _signal(self) -> Iterator[Upcoming]:
        signal = self._context.plan.signal
        if signal is not None:
            plan, units = self._context.plan, self._context.currency().units
            rows, wanted = signal_rows(self._context, signal)

            def query(reading: Reading) -> Sql:
                first, last = reading.first_date, reading.last_date
                return signals_query(plan, signal, units, (ANYBODY,), first_date=first, last_date=last, batch=0)

            yield from self._readings(rows, self._due(rows, wanted), query)

    def _partials(self, source: Source, metrics: Sequence[Metric]) -> Iterator[Upcoming]:
        needed = {column for metric in metrics for column in partials_of(metric)}
        wanted = [
            Wanted(read.first_date, read.last_date, tuple(column for column in read.columns if column in needed))
            for read in source.reads
        ]
        rows = rows_of(self._context, source)

        def query(reading: Reading) -> Sql:
            first, last = reading.first_date, reading.last_date
            return partials_query(
                source, reading.columns, nobody(), (ANYBODY,), first_date=first, last_date=last, batch=0
            )

        yield from self._readings(rows, self._due(rows, wanted), query)

    def _due(self, rows: Rows, wanted: Sequence[Wanted]) -> Due:
        assignments = self._context.currency().units.assignments or (ANYBODY,)
        found = due(self._context, rows, wanted, assignments)
        if found.awaited:
            self.awaited.append(found.awaited[min(found.awaited)])
        return found

    def _readings(self, rows: Rows, found: Due, query: Callable[[Reading], Sql]) -> Iterator[Upcoming]:
        for reading in found.readings if found.telemetry is not None else ():
            first, last = reading.first_date, reading.last_date
            assert found.telemetry is not None  # where there are readings, there is what they are read from
            yield self._upcoming(found.telemetry, first, last, self._why(rows.table, reading), query(reading))

    def _why(self, table: str, reading: Reading) -> Why:
        """Return why dates are read that lack the same columns for the same assignments."""
        ledger, day = self._context.ledger, reading.first_date.toordinal()
        recorded = [ledger.batches_on(table, column).get(day, {}) for column in reading.columns]
        if any({ANYBODY, *reading.assignments} & {*assignments} for assignments in recorded):
            return Why.CHANGED
        if any(recorded):
            return Why.UNITS
        earlier = (e for e in ledger.entries if e.table == table and e.batch is not None and day in e.extent)
        return Why.COLUMNS if any(earlier) else Why.NEW

    def _direct(self, source: Source, metrics: Sequence[Metric]) -> Iterator[Upcoming]:
        for reading in direct_readings(self._context, source, metrics):
            telemetry = look(self._context, rows_of(self._context, source), reading.first_date, reading.last_date)
            yield self._of_direct(telemetry, reading)

    def _of_direct(self, telemetry: Telemetry, reading: DirectReading) -> Upcoming:
        found = self._upcoming(telemetry, reading.first_date, reading.last_date, Why.DIRECT, reading.sql)
        times = reading.bases
        rows = None if found.rows is None else found.rows * times
        return replace(found, rows=rows, bytes=None if found.bytes is None else found.bytes * times, scans=times)

    def _upcoming(self, telemetry: Telemetry, first: date, last: date, why: Why, query: Sql) -> Upcoming:
        rows, stored = _stored(telemetry, first, last)
        size = self._dry_run(query) if self._by_dry_run else stored
        return Upcoming(telemetry.rows.name, first, last, why, rows, size)

    def _dry_run(self, sql: Sql) -> int | None:
        context = self._context
        if not context.currency().units.batches:  # then the table of assignments may not be there
            anybody = in_brackets(Sql(f"SELECT n.*, 0 AS batch FROM {nobody()} AS n"))
            sql = Sql(sql.replace(table(names.assignments(context.plan)), anybody))
        try:
            return context.engine.dry_run(sql).bytes
        except EngineError:
            return None  # what is wrong with it is told where the files are checked


def _stored(telemetry: Telemetry, first: date, last: date) -> tuple[int | None, int | None]:
    """Return how many rows and bytes the tables have of the dates; None where some table does not tell."""
    if not telemetry.versions or any(table.knowledge is not Knowledge.BY_DATE for table in telemetry.versions):
        return None, None
    found = [version for table in telemetry.versions for day, version in table.dates.items() if first <= day <= last]
    return sum(version.rows for version in found), sum(version.bytes for version in found)
