"""How a data source is read into daily partials, and partials become values; a part that fails costs only itself."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar

from jetstream_argo.config.model import Basis, Period
from jetstream_argo.engines.protocol import Job, Layout, Write
from jetstream_argo.errors import EngineError, InvalidQuery, TooBig, Unsupported
from jetstream_argo.plan.model import Composed, Metric, Read, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.report.entries import Entry, Kind, State
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.ledger import contiguous
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.values import Grid, direct_query, partials_query, values_query

_Part = TypeVar("_Part")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some work: how many queries wrote rows, and the failures, by metric."""

    written: int
    errors: tuple[tuple[str, EngineError], ...] = ()

    def __add__(self, other: "Outcome") -> "Outcome":
        return Outcome(self.written + other.written, self.errors + other.errors)


def ensure_partials(context: Context, source: Source, reads: Sequence[Read], metrics: Sequence[Metric]) -> Outcome:
    """Read what is missing of `reads` into the partials that `metrics` need, each date in one query if it can be."""
    needed = {c for m in metrics if isinstance(m.computation, Composed) for c in m.computation.partials}
    outcome = Outcome(0)
    for first, last, columns in _missing_reads(context, source, reads, needed):
        outcome += _read(context, source, first, last, columns)
    return outcome


def ensure_values(context: Context, source: Source, period: Period, metrics: Sequence[Metric]) -> Outcome:
    """Compute what is missing of the values of `metrics`, all of `source`, in the windows of `period` that are due."""
    outcome = Outcome(0)
    for basis in Basis:
        table = names.values(context.plan, basis, source.name, period)
        groups: dict[tuple[AnalysisWindow, ...], list[Metric]] = {}
        for metric in metrics:
            # Metrics that are the same thing under two names share a column.
            known = {each.column for group in groups.values() for each in group}
            if basis in bases_of(metric, period) and metric.column not in known:
                missing = context.ledger.missing_windows(table, metric.column, context.plan.windows(period))
                groups.setdefault(missing, []).append(metric)
        for missing, of_group in groups.items():
            for windows in contiguous(missing):
                grid = Grid(basis, period, windows, signal_slices(context, basis, period, windows))
                outcome += _values(context, source, grid, of_group)
    return outcome


def bases_of(metric: Metric, period: Period) -> tuple[Basis, ...]:
    """Return the bases on which values are computed: covariates are always those of all enrolled units."""
    wanted = dict.fromkeys(metric.bases)
    if period.before_enrollment:
        wanted[Basis.ENROLLMENTS] = None
    return tuple(wanted)


def signal_slices(
    context: Context, basis: Basis, period: Period, windows: Sequence[AnalysisWindow]
) -> tuple[DateSlice, ...]:
    """Return where the signals are that expose units in `windows`; nothing where no signal decides."""
    signal = context.plan.signal
    if signal is None or basis is not Basis.EXPOSURES:
        return ()
    indexes = {window.index for window in windows}
    dates = [each for each in signal.windows if each.period is period and each.index in indexes]
    first, last = min(each.first_date for each in dates), max(each.last_date for each in dates)
    return context.ledger.date_slices(names.signals(context.plan), [signal.partial.column], first, last)


def _missing_reads(
    context: Context, source: Source, reads: Sequence[Read], needed: set[str]
) -> Iterator[tuple[date, date, tuple[str, ...]]]:
    """Yield runs of dates of which the same columns are missing."""
    table = names.partials(context.plan, source.name)
    for read in reads:
        missing: dict[date, list[str]] = {}
        for column in read.columns:
            if column in needed:
                for day in context.ledger.missing_dates(table, column, read.first_date, read.last_date):
                    missing.setdefault(day, []).append(column)
        run: list[date] = []
        for day in sorted(missing):
            if run and (missing[day] != missing[run[-1]] or day.toordinal() != run[-1].toordinal() + 1):
                yield run[0], run[-1], tuple(missing[run[-1]])
                run = []
            run.append(day)
        if run:
            yield run[0], run[-1], tuple(missing[run[-1]])


def _read(context: Context, source: Source, first: date, last: date, columns: Sequence[str]) -> Outcome:
    table = names.partials(context.plan, source.name)

    def serves(part: Sequence[str]) -> tuple[str, ...]:
        return tuple(
            metric.name
            for metric in context.plan.metrics
            if isinstance(metric.computation, Composed) and not set(part).isdisjoint(metric.computation.partials)
        )

    def query(part: Sequence[str], first: date, last: date) -> tuple[Sql, Entry]:
        batch = context.batch(first, last, part[0])
        entry = replace(
            context.entry(Kind.PARTIALS, State.COMPUTED),
            table=table, batch=batch, keys=tuple(part), metrics=serves(part), source=source.name,
            first_date=first, last_date=last,
        )  # fmt: skip
        return partials_query(context.plan, source, part, first_date=first, last_date=last, batch=batch), entry

    def halves(first: date, last: date) -> tuple[tuple[date, date], ...]:
        middle = date.fromordinal((first.toordinal() + last.toordinal()) // 2)
        return ((first, middle), (date.fromordinal(middle.toordinal() + 1), last)) if first < last else ()

    def write(part: Sequence[str], first: date = first, last: date = last) -> Outcome:
        sql, entry = query(part, first, last)
        try:
            return _write(context, sql, entry, Layout(partition_by="submission_date", cluster_by=("analysis_id",)))
        except TooBig:
            if len(part) > 1 or not halves(first, last):
                raise
            return sum((write(part, *dates) for dates in halves(first, last)), start=Outcome(0))

    def check(part: Sequence[str]) -> None:
        context.engine.dry_run(query(part, first, last)[0])

    def give_up(part: Sequence[str], error: EngineError) -> Outcome:
        context.record([because(query(part, first, last)[1], error)])
        return Outcome(0, tuple((metric, error) for metric in serves(part)))

    return _isolate(columns, write=write, check=check, give_up=give_up)


def _values(context: Context, source: Source, grid: Grid, metrics: Sequence[Metric]) -> Outcome:
    plan = context.plan
    table = names.values(plan, grid.basis, source.name, grid.period)
    first, last = plan.experiment.timeline.dates(grid.windows[0].first_day, grid.windows[-1].last_day)
    partials = names.partials(plan, source.name)

    def named(part: Sequence[Metric]) -> tuple[str, ...]:
        columns = {metric.column for metric in part}
        return tuple(metric.name for metric in plan.metrics if metric.column in columns)

    def query(part: Sequence[Metric]) -> tuple[Sql, Entry]:
        batch = context.batch(grid.basis, grid.period, grid.windows[0].index, part[0].column)
        entry = replace(
            context.entry(Kind.VALUES, State.COMPUTED),
            table=table, batch=batch, keys=tuple(m.column for m in part), metrics=named(part),
            source=source.name, basis=grid.basis.value, period=grid.period.value,
            first_window=grid.windows[0].index, last_window=grid.windows[-1].index,
        )  # fmt: skip
        if not isinstance(part[0].computation, Composed):
            return direct_query(plan, source, part, grid, batch=batch), entry
        columns = tuple(
            dict.fromkeys(c for m in part if isinstance(m.computation, Composed) for c in m.computation.partials)
        )
        days = context.ledger.date_slices(partials, columns, first, last)
        return values_query(plan, source, part, grid, days=days, batch=batch), entry

    def write(part: Sequence[Metric]) -> Outcome:
        return _write(context, *query(part), Layout(partition_by="window_index", cluster_by=("analysis_id",)))

    def check(part: Sequence[Metric]) -> None:
        context.engine.dry_run(query(part)[0])

    def give_up(part: Sequence[Metric], error: EngineError) -> Outcome:
        context.record([because(query(part)[1], error)])
        return Outcome(0, tuple((name, error) for name in named(part)))

    ready = [metric for metric in metrics if not _incomplete(context, partials, metric, first, last)]
    composed = [metric for metric in ready if isinstance(metric.computation, Composed)]
    direct = [metric for metric in ready if not isinstance(metric.computation, Composed)]
    outcome = Outcome(0)
    for part in (composed, direct):
        if part:
            outcome += _isolate(part, write=write, check=check, give_up=give_up)
    return outcome


def _incomplete(context: Context, table: str, metric: Metric, first: date, last: date) -> bool:
    """Whether a partial that `metric` needs was not read: its failure is recorded where it happened."""
    return isinstance(metric.computation, Composed) and any(
        context.ledger.missing_dates(table, column, first, last) for column in metric.computation.partials
    )


def _write(context: Context, sql: Sql, entry: Entry, layout: Layout) -> Outcome:
    job: Job = context.engine.query_to_table(
        sql, entry.table, write=Write.APPEND, labels=context.labels(source=entry.source), layout=layout
    )
    context.record([replace(costed(entry, job), recorded_at=context.now())])
    return Outcome(1)


def costed(entry: Entry, *jobs: Job) -> Entry:
    """Return `entry` with what `jobs` cost."""
    return replace(
        entry,
        rows=sum(job.rows for job in jobs),
        bytes=sum(job.bytes for job in jobs),
        slot_ms=sum(job.slot_ms for job in jobs),
        seconds=round(sum(job.seconds for job in jobs), 3),
        jobs=tuple(job.id for job in jobs),
        partitions=sum(sum(job.scanned.values()) for job in jobs),
    )


def _isolate(
    parts: Sequence[_Part],
    *,
    write: Callable[[Sequence[_Part]], Outcome],
    check: Callable[[Sequence[_Part]], None],
    give_up: Callable[[Sequence[_Part], EngineError], Outcome],
) -> Outcome:
    """Write all `parts` in one query; if that cannot be, find those that fail, and write the others.

    The warehouse is first asked which parts it would refuse, which reads nothing. Only an error that depends on the
    rows, or a query that is too big, is found by writing the halves.
    """
    try:
        return write(parts)
    except (InvalidQuery, Unsupported, TooBig) as error:
        if len(parts) == 1:
            return give_up(parts, error)
        refused = [] if isinstance(error, TooBig) else list(_refused(parts, check))
        good = [part for part in parts if part not in [each for each, _ in refused]]
        outcome = Outcome(0)
        for part, why in refused:
            outcome += give_up([part], why)
        if refused:
            return outcome + (_isolate(good, write=write, check=check, give_up=give_up) if good else Outcome(0))
        middle = len(parts) // 2
        for half in (parts[:middle], parts[middle:]):
            outcome += _isolate(half, write=write, check=check, give_up=give_up)
        return outcome


def _refused(
    parts: Sequence[_Part], check: Callable[[Sequence[_Part]], None]
) -> Iterable[tuple[_Part, InvalidQuery | Unsupported]]:
    """Yield the parts whose SQL the warehouse refuses, with its reason."""
    try:
        check(parts)
    except (InvalidQuery, Unsupported) as error:
        if len(parts) == 1:
            yield parts[0], error
            return
        middle = len(parts) // 2
        yield from _refused(parts[:middle], check)
        yield from _refused(parts[middle:], check)
