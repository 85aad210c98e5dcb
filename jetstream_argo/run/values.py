"""Merges partials into values per unit and analysis window; a metric that fails costs only itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import EXIT_RETRY, JetstreamArgoError, NodeError, TooBig
from jetstream_argo.plan.due import value_windows
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.ranges import contiguous
from jetstream_argo.plan.sources import Composed, Direct, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.deleted_units import units_left
from jetstream_argo.run.exposed import values_of_enrolled
from jetstream_argo.run.fitting import fitting_pieces
from jetstream_argo.run.partials import awaiting, partials_of, rows_of, write
from jetstream_argo.run.reading import Wanted, due
from jetstream_argo.run.sparse import BILLED, UNBILLED, may_be_sparse, units_assigned, units_with_rows
from jetstream_argo.run.splitting import Piece, WorkResult, isolate
from jetstream_argo.sql import names
from jetstream_argo.sql.exposed import exposed_values_query
from jetstream_argo.sql.slices import DateSlice, WindowSlice
from jetstream_argo.sql.sparse import sparse_values_query
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import enrolled
from jetstream_argo.sql.values import WindowGrid, direct_query, values_query
from jetstream_argo.store.coverage import ANYBODY
from jetstream_argo.store.entries import FORMAT_SPARSE, Entry, Kind, State
from jetstream_argo.store.marks import mark_facts, marked_batches, repeating_batches, with_marks, with_repeats
from jetstream_argo.store.sparse import of_basis, sparse_facts


def ensure_values(context: Context, source: Source, period: Period, metrics: Sequence[Metric]) -> WorkResult:
    """Compute the values of `metrics`, all of `source`, in the windows of `period` that are due and not up to date.

    A window is left out while a date that it needs was not read; why, is known where the date was to be read.

    Raises:
        NodeError: the signals that expose units are not counted.
    """
    outcome = _look_at_rows(context, source, period, metrics)
    for basis in Basis:
        wanted = [metric for metric in metrics if basis in bases_of(metric, period)]
        if wanted and context.plan.windows(period):
            signal_slices(
                context, basis, period, context.plan.windows(period)
            )  # before anything, so that none is missed
        for stale, of_group in _stale(context, basis, period, wanted).items():
            for run in contiguous([window for window, _ in stale]):
                outcome += _values(_Values(context, source, basis, period, dict(stale)), of_group, run)
    return outcome


def bases_of(metric: Metric, period: Period) -> tuple[Basis, ...]:
    """Return the bases on which values are computed: covariates are always those of all enrolled units."""
    wanted = dict.fromkeys(metric.bases)
    if period.before_enrollment:
        wanted[Basis.ENROLLMENTS] = None
    return tuple(wanted)


def units_of(context: Context, basis: Basis, *, exposures: bool = True) -> Sql:
    """Return the relation of the units; on the basis of enrollments without exposures, unless they are asked for."""
    units = context.currency().units
    if basis is Basis.ENROLLMENTS and not exposures:
        units = replace(units, exposures=None)
    return enrolled(context.plan, units, segments=False)


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
    dates = signal.windows_of(period, windows)
    first, last = min(window.first_date for window in dates), max(window.last_date for window in dates)
    table, column = names.signals(context.plan), signal.partial.column
    assignments = context.currency().units.assignments
    missing = context.ledger.missing_dates(table, column, first, last, assignments)
    if missing:
        raise NodeError(
            f"{table}: the exposure signals of {next(iter(missing))} are not counted; do the node `exposures` first",
            exit_code=EXIT_RETRY,
        )
    return context.ledger.date_slices(table, [column], first, last, assignments)


def _look_at_rows(context: Context, source: Source, period: Period, metrics: Sequence[Metric]) -> WorkResult:
    """Record which rows the source has on the dates that direct metrics read, so that it is known when they change."""
    windows = context.plan.windows(period)
    if not windows or not any(isinstance(metric.computation, Direct) for metric in metrics):
        return WorkResult(0)
    first, last = context.plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
    rows = rows_of(context, source)
    found = due(context, rows, [Wanted(first, last, (source.key,))], (ANYBODY,))
    for reading in found.readings:
        entry = replace(
            context.entry(Kind.ROWS, State.COMPUTED),
            table=rows.table,
            batch=context.batch("rows", reading.first_date, reading.last_date),
            keys=reading.columns,
            source=source.name,
        )
        if found.telemetry is not None:
            context.record([found.telemetry.read(entry, reading.first_date, reading.last_date)])
    return awaiting(context, Kind.ROWS, rows, found)


_Stale = tuple[tuple[AnalysisWindow, str], ...]


def _stale(context: Context, basis: Basis, period: Period, metrics: Sequence[Metric]) -> dict[_Stale, list[Metric]]:
    """Return, by windows whose values are not what they would be now, and their inputs now, the metrics concerned."""
    currency = context.currency()
    groups: dict[_Stale, list[Metric]] = {}
    columns: set[str] = set()
    for metric in metrics:
        if metric.column in columns:
            continue  # metrics that are the same thing under two names share a column
        columns.add(metric.column)
        table = names.values(context.plan, basis, metric.source, period)
        batches = context.ledger.batches_in(table, metric.column)
        stale = []
        for window in value_windows(context.plan, metric, period):
            inputs = currency.of_values(metric, basis, period, window)
            found = batches.get(window.index)
            if inputs is not None and (found is None or found.inputs != inputs):
                stale.append((window, inputs))
        if stale:
            groups.setdefault(tuple(stale), []).append(metric)
    return groups


@dataclass(frozen=True, slots=True)
class _Values:
    """Values of one source, basis and period: parts are metrics, at windows, made from `inputs`."""

    context: Context
    source: Source
    basis: Basis
    period: Period
    inputs: Mapping[AnalysisWindow, str]

    def write(self, piece: Piece[Metric]) -> WorkResult:
        layout = self.context.layout(partition_by="window_index", cluster_by=("analysis_id",))
        is_sparse, entry = self.is_sparse(piece), self._entry(piece)
        if is_sparse:
            units = of_basis(self.context.currency().units, self.basis)
            entry = replace(entry, facts=sparse_facts(units), format=FORMAT_SPARSE)
        sql = self._sql(piece, is_sparse=is_sparse)
        write(self.context, sql, entry, layout, self._facts if self.marked(piece) else None)
        return WorkResult(1)

    def is_sparse(self, piece: Piece[Metric]) -> bool:
        """Return whether only units with rows get values of their own, the others being told of together."""
        plan, ledger, windows = self.context.plan, self.context.ledger, self._windows(piece)
        if not all(may_be_sparse(plan, metric, self.basis, self.period) for metric in piece.parts):
            return False
        if self.marked(piece):
            return False
        first, last = plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
        partials, assignments = names.partials(plan, self.source.name), names.assignments(plan)
        rows = units_with_rows(ledger, partials, partials_of(piece.parts[0])[0], first, last)
        units = units_assigned(ledger, assignments, self.context.currency().units.batches)
        usual = BILLED if self.context.engine.bills_partitions else UNBILLED
        return (self.context.sparsity or usual).pays(units, rows, days=len(windows))

    def _facts(self, entry: Entry) -> str:
        return mark_facts(units_left(self.context, entry))

    def marked(self, piece: Piece[Metric]) -> tuple[DateSlice, ...]:
        """Return where the rows are that only say that a unit was deleted upstream; there are none as a rule."""
        table = names.partials(self.context.plan, self.source.name)
        if not marked_batches(self.context.ledger.entries, table):
            return ()
        return tuple(part for part in self._days(piece) if part.marked)

    def _days(self, piece: Piece[Metric]) -> tuple[DateSlice, ...]:
        """Return where the partials are."""
        plan, windows = self.context.plan, self._windows(piece)
        columns = tuple(dict.fromkeys(column for metric in piece.parts for column in partials_of(metric)))
        first, last = plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
        table = names.partials(plan, self.source.name)
        assignments = self.context.currency().units.assignments
        days = self.context.ledger.date_slices(table, columns, first, last, assignments)
        entries = self.context.ledger.entries
        return with_repeats(with_marks(days, marked_batches(entries, table)), repeating_batches(entries, table))

    def check(self, piece: Piece[Metric]) -> None:
        self.context.engine.dry_run(self._sql(piece, is_sparse=self.is_sparse(piece)))

    def give_up(self, piece: Piece[Metric], error: JetstreamArgoError) -> WorkResult:
        entry = because(self._entry(piece), error)
        self.context.record([entry])
        return WorkResult(0, tuple((metric, error) for metric in entry.metrics))

    def too_big(self, piece: Piece[Metric], error: TooBig) -> None:
        self.context.record([because(self._entry(piece), error)])

    def _entry(self, piece: Piece[Metric]) -> Entry:
        plan = self.context.plan
        columns = tuple(metric.column for metric in piece.parts)
        return replace(
            self.context.entry(Kind.VALUES, State.COMPUTED),
            table=self._table(self.basis),
            batch=self._batch(piece),
            keys=columns,
            metrics=tuple(metric.name for metric in plan.metrics if metric.column in columns),
            source=self.source.name,
            basis=self.basis.value,
            period=self.period.value,
            first_window=piece.first,
            last_window=piece.last,
            inputs=tuple(self.inputs[window] for window in self._windows(piece)),
        )

    def _batch(self, piece: Piece[Metric]) -> int:
        return self.context.batch(self.basis, self.period, piece.first, piece.parts[0].column)

    def _windows(self, piece: Piece[Metric]) -> tuple[AnalysisWindow, ...]:
        return tuple(w for w in self.context.plan.windows(self.period) if piece.first <= w.index <= piece.last)

    def _enrolled(self, piece: Piece[Metric]) -> tuple[WindowSlice, ...]:
        """Return where the same values of all enrolled units are; nothing where it takes less to merge single days."""
        windows = self._windows(piece)
        by_day = windows[0].days == 1 and bool(partials_of(piece.parts[0]))
        if self.basis is not Basis.EXPOSURES or by_day or self.marked(piece):
            return ()
        return values_of_enrolled(self.context, self._table(Basis.ENROLLMENTS), piece.parts, self.period, windows)

    def _table(self, basis: Basis) -> str:
        return names.values(self.context.plan, basis, self.source.name, self.period)

    def _sql(self, piece: Piece[Metric], *, is_sparse: bool) -> Sql:
        context, plan = self.context, self.context.plan
        windows, batch = self._windows(piece), self._batch(piece)
        columns = tuple(dict.fromkeys(column for metric in piece.parts for column in partials_of(metric)))
        units = units_of(context, self.basis, exposures=not columns)
        grid = WindowGrid(
            self.basis, self.period, windows, units, signal_slices(context, self.basis, self.period, windows)
        )
        slices = self._enrolled(piece)
        if slices:
            enrolled = self._table(Basis.ENROLLMENTS)
            return exposed_values_query(plan, piece.parts, grid, enrolled=enrolled, slices=slices, batch=batch)
        if not columns:
            return direct_query(plan, self.source, piece.parts, grid, batch=batch)
        table = names.partials(plan, self.source.name)
        newest = {column: context.ledger.newest_batch(table, column) for column in columns}
        probes = {column: found for column, found in newest.items() if found is not None}
        query = sparse_values_query if is_sparse else values_query
        return query(
            plan, self.source, piece.parts, grid,
            days=self._days(piece), probes=probes, batch=batch,
        )  # fmt: skip


def _values(work: _Values, metrics: Sequence[Metric], windows: Sequence[AnalysisWindow]) -> WorkResult:
    """Compute composed metrics in one query and direct ones in another."""
    table = names.values(work.context.plan, work.basis, work.source.name, work.period)
    outcome = WorkResult(0)
    for composed in (True, False):
        parts = tuple(metric for metric in metrics if isinstance(metric.computation, Composed) is composed)
        for uniform in _uniform_pieces(work, Piece(parts, windows[0].index, windows[-1].index)) if parts else ():
            for piece in fitting_pieces(work.context, uniform):
                outcome += isolate(work, piece, below=work.context.ledger.too_big(Kind.VALUES, table))
    return outcome


def _uniform_pieces(work: _Values, piece: Piece[Metric]) -> tuple[Piece[Metric], ...]:
    """Return metrics of which values of the same units are not known together, so that a row's reason is about all.

    And of which the values of units without rows can be told together, or those that have a row for each of them.
    """
    marked = bool(work.marked(piece))
    groups: dict[tuple[object, ...], list[Metric]] = {}
    for metric in piece.parts:
        marks = [part.marked for part in work.marked(piece.of((metric,)))] if marked else []
        has_defaults = may_be_sparse(work.context.plan, metric, work.basis, work.period)
        groups.setdefault((has_defaults, *marks), []).append(metric)
    return tuple(piece.of(tuple(metrics)) for metrics in groups.values())
