"""How a data source is read into daily partials, and partials become values; a part that fails costs only itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.config.model import Basis, Period
from jetstream_argo.engines.protocol import Job, Layout, Write
from jetstream_argo.errors import EXIT_RETRY, JetstreamArgoError, NodeError, TooBig
from jetstream_argo.plan.due import value_windows
from jetstream_argo.plan.model import Composed, Metric, Read, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.splitting import Outcome, Piece, isolate
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.values import Grid, direct_query, partials_query, values_query
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.ledger import contiguous


def ensure_partials(context: Context, source: Source, reads: Sequence[Read], metrics: Sequence[Metric]) -> Outcome:
    """Read what is missing of `reads` into the partials that `metrics` need, each date in one query if it can be."""
    needed = {column for metric in metrics for column in _columns(metric)}
    outcome = Outcome(0)
    below = context.ledger.too_big(Kind.PARTIALS, names.partials(context.plan, source.name))
    for first, last, columns in _missing_reads(context, source, reads, needed):
        piece = Piece(columns, first.toordinal(), last.toordinal())
        outcome += isolate(_Partials(context, source), piece, below=below)
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
                missing = context.ledger.missing_windows(
                    table, metric.column, value_windows(context.plan, metric, period)
                )
                groups.setdefault(missing, []).append(metric)
        for missing, of_group in groups.items():
            for windows in contiguous(missing):
                outcome += _values(_Values(context, source, basis, period), of_group, windows)
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
    """Return where the signals are that expose units in `windows`; nothing where no signal decides.

    Raises:
        NodeError: they are not counted yet, since the node that does so was passed over.
    """
    signal = context.plan.signal
    if signal is None or basis is not Basis.EXPOSURES:
        return ()
    indexes = {window.index for window in windows}
    dates = [each for each in signal.windows if each.period is period and each.index in indexes]
    first, last = min(each.first_date for each in dates), max(each.last_date for each in dates)
    table = names.signals(context.plan)
    missing = context.ledger.missing_dates(table, signal.partial.column, first, last)
    if missing:
        raise NodeError(
            f"{table}: the exposure signals of {missing[0]} are not counted; do the node `exposures` first",
            exit_code=EXIT_RETRY,
        )
    return context.ledger.date_slices(table, [signal.partial.column], first, last)


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


@dataclass(frozen=True, slots=True)
class _Partials:
    """Partials of one source: parts are columns, places are dates."""

    context: Context
    source: Source

    def write(self, piece: Piece[str]) -> Outcome:
        layout = self.context.layout(partition_by="submission_date", cluster_by=("analysis_id",))
        return _write(self.context, *self._query(piece), layout)

    def check(self, piece: Piece[str]) -> None:
        self.context.engine.dry_run(self._query(piece)[0])

    def give_up(self, piece: Piece[str], error: JetstreamArgoError) -> Outcome:
        entry = because(self._query(piece)[1], error)
        self.context.record([entry])
        return Outcome(0, tuple((metric, error) for metric in entry.metrics))

    def too_big(self, piece: Piece[str], error: TooBig) -> None:
        self.context.record([because(self._query(piece)[1], error)])

    def _query(self, piece: Piece[str]) -> tuple[Sql, Entry]:
        plan = self.context.plan
        first, last = date.fromordinal(piece.first), date.fromordinal(piece.last)
        batch = self.context.batch(first, last, piece.parts[0])
        entry = replace(
            self.context.entry(Kind.PARTIALS, State.COMPUTED),
            table=names.partials(plan, self.source.name),
            batch=batch,
            keys=piece.parts,
            metrics=tuple(m.name for m in plan.metrics if not set(piece.parts).isdisjoint(_columns(m))),
            source=self.source.name,
            first_date=first,
            last_date=last,
        )
        query = partials_query(plan, self.source, piece.parts, first_date=first, last_date=last, batch=batch)
        return query, entry


@dataclass(frozen=True, slots=True)
class _Values:
    """Values of one source, basis and period: parts are metrics, places are windows."""

    context: Context
    source: Source
    basis: Basis
    period: Period

    def write(self, piece: Piece[Metric]) -> Outcome:
        layout = self.context.layout(partition_by="window_index", cluster_by=("analysis_id",))
        return _write(self.context, *self._query(piece), layout)

    def check(self, piece: Piece[Metric]) -> None:
        self.context.engine.dry_run(self._query(piece)[0])

    def give_up(self, piece: Piece[Metric], error: JetstreamArgoError) -> Outcome:
        entry = because(self._query(piece)[1], error)
        self.context.record([entry])
        return Outcome(0, tuple((metric, error) for metric in entry.metrics))

    def too_big(self, piece: Piece[Metric], error: TooBig) -> None:
        self.context.record([because(self._query(piece)[1], error)])

    def _query(self, piece: Piece[Metric]) -> tuple[Sql, Entry]:
        plan = self.context.plan
        batch = self.context.batch(self.basis, self.period, piece.first, piece.parts[0].column)
        columns = tuple(metric.column for metric in piece.parts)
        entry = replace(
            self.context.entry(Kind.VALUES, State.COMPUTED),
            table=names.values(plan, self.basis, self.source.name, self.period),
            batch=batch,
            keys=columns,
            metrics=tuple(metric.name for metric in plan.metrics if metric.column in columns),
            source=self.source.name,
            basis=self.basis.value,
            period=self.period.value,
            first_window=piece.first,
            last_window=piece.last,
        )
        return self._sql(piece, batch), entry

    def _sql(self, piece: Piece[Metric], batch: str) -> Sql:
        plan = self.context.plan
        windows = tuple(w for w in plan.windows(self.period) if piece.first <= w.index <= piece.last)
        grid = Grid(self.basis, self.period, windows, signal_slices(self.context, self.basis, self.period, windows))
        columns = tuple(dict.fromkeys(column for metric in piece.parts for column in _columns(metric)))
        if not columns:
            return direct_query(plan, self.source, piece.parts, grid, batch=batch)
        first, last = plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
        days = self.context.ledger.date_slices(names.partials(plan, self.source.name), columns, first, last)
        return values_query(plan, self.source, piece.parts, grid, days=days, batch=batch)


def _values(work: _Values, metrics: Sequence[Metric], windows: Sequence[AnalysisWindow]) -> Outcome:
    """Compute composed metrics in one query and direct ones in another."""
    context, plan = work.context, work.context.plan
    first, last = plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
    partials = names.partials(plan, work.source.name)
    ready = [metric for metric in metrics if not _incomplete(context, partials, metric, first, last)]
    table = names.values(plan, work.basis, work.source.name, work.period)
    outcome = Outcome(0)
    for parts in ([m for m in ready if _columns(m)], [m for m in ready if not _columns(m)]):
        if parts:
            piece = Piece(tuple(parts), windows[0].index, windows[-1].index)
            outcome += isolate(work, piece, below=context.ledger.too_big(Kind.VALUES, table))
    return outcome


def _columns(metric: Metric) -> tuple[str, ...]:
    """The partials that a metric is composed of; none of one that is computed directly."""
    return metric.computation.partials if isinstance(metric.computation, Composed) else ()


def _incomplete(context: Context, table: str, metric: Metric, first: date, last: date) -> bool:
    """Whether a partial that `metric` needs was not read: its failure is recorded where it happened."""
    return any(context.ledger.missing_dates(table, column, first, last) for column in _columns(metric))


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
