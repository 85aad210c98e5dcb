"""Makes a metric's estimates from its stored values."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jetstream_argo.config.periods import Period
from jetstream_argo.errors import EngineError, NotLoaded
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.due import leaf_windows, value_windows
from jetstream_argo.plan.model import AnalysisPlan, Metric, MetricStatistics
from jetstream_argo.plan.ranges import contiguous
from jetstream_argo.plan.settling import counts_settle_on, estimates_settle_on
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.run.deleted_units import deleted_notes
from jetstream_argo.run.keeping import KeptLeaf, keep
from jetstream_argo.run.partials import ensure_partials
from jetstream_argo.run.portions import estimated_in_portions
from jetstream_argo.run.stored_values import covariates_of
from jetstream_argo.run.values import bases_of, ensure_values, signal_slices
from jetstream_argo.sql.counting import counting
from jetstream_argo.sql.values import WindowGrid
from jetstream_argo.store.estimates import latest_estimates
from jetstream_argo.store.estimates_table import IDENTITY
from jetstream_argo.store.removals import anew_since


def ensure_inputs(context: Context, leaf: MetricStatistics) -> NotLoaded | None:
    """Compute what is missing of the values that `leaf` reads; nothing is, unless its source could not.

    Returns:
        What some windows wait for, since telemetry of a date that they need is not there yet; None if nothing does.

    Raises:
        EngineError: the metric's values cannot be computed. A covariate that cannot be is left to be told in the rows.
    """
    awaited: list[NotLoaded] = []
    for metric in _parts(context, leaf):
        try:
            _ensure_values(context, metric, leaf.period)
        except NotLoaded as error:  # earlier windows may not need that date
            awaited.append(error)
    for covariate in covariates_of(leaf):
        try:
            _ensure_values(context, context.plan.metric(covariate.metric), covariate.period)
        except (EngineError, NotLoaded):
            continue  # recorded as that metric's failure; the estimates say that they are unadjusted
    return awaited[0] if awaited else None


def _parts(context: Context, leaf: MetricStatistics) -> tuple[Metric, ...]:
    """Return the metrics whose values `leaf` reads, but for covariates."""
    metric = context.plan.metric(leaf.metric)
    return tuple(context.plan.metric(name) for name in metric.depends_on or (metric.name,))


def _ensure_values(context: Context, metric: Metric, period: Period) -> None:
    if not _lacks_values(context, metric, period):
        return
    source = context.plan.source(metric.source)
    # Before enrollment, only those days: the stage that reads the others may be at work on them right now.
    reads = [read for read in source.reads if read.before_enrollment or not period.before_enrollment]
    outcome = ensure_partials(context, source, reads, [metric])
    outcome += ensure_values(context, source, period, [metric])
    for name, error in outcome.errors:
        if name == metric.name:
            raise error
    if outcome.awaited and _lacks_values(context, metric, period):
        raise outcome.awaited[0]


def _lacks_values(context: Context, metric: Metric, period: Period) -> bool:
    """Whether the values of some window that is due are not there, or not what they would be now."""
    return bool(_lacking(context, metric, period))


def _lacking(context: Context, metric: Metric, period: Period) -> frozenset[int]:
    """Return the windows that are due and whose values are not there, or not what they would be now."""
    currency, windows = context.currency(), value_windows(context.plan, metric, period)
    lacking: set[int] = set()
    for basis in bases_of(metric, period):
        current = currency.current_windows(metric, basis, period, windows)
        lacking.update(window.index for window in windows if window.index not in current)
    return frozenset(lacking)


@dataclass(frozen=True, slots=True)
class Done:
    """How many windows of a metric were estimated, and how many queries that took."""

    windows: int = 0
    queries: int = 0


def ensure_statistics(context: Context, leaf: MetricStatistics, *, awaits: bool = False) -> Done:
    """Estimate what is missing of `leaf`; return how much that was.

    All windows at once, unless the warehouse says that this is too big, or did so before. If it `awaits` telemetry,
    windows that lack values are left for later.
    """
    inputs = _stale(context, leaf)
    if awaits:
        later = {index for metric in _parts(context, leaf) for index in _lacking(context, metric, leaf.period)}
        inputs = {window: made_from for window, made_from in inputs.items() if window.index not in later}
    windows = tuple(inputs)
    if not windows:
        return Done()
    estimated = estimated_in_portions(context, leaf, windows)
    estimated = replace(estimated, notes=(*estimated.notes, *deleted_notes(context, leaf, windows)))
    settles_on = {window: estimates_settle_on(context.plan, leaf, window) for window in windows}
    keep(context, KeptLeaf(leaf.metric, leaf.period, leaf.key), inputs, settles_on, estimated)
    return Done(len(windows), len(estimated.jobs))


def ensure_counts(context: Context) -> int:
    """Count the units of every window whose counts are not up to date; return how many windows that was."""
    plan = context.plan
    currency = context.currency()
    stale: dict[Period, dict[AnalysisWindow, str]] = {}
    for due in plan.periods:
        inputs = {window: currency.of_counts(due.period, window) for window in due.windows}
        not_current = _not_current(context, _counts_leaf(plan, due.period), inputs)
        if not_current:
            stale[due.period] = not_current
    if not stale:
        return 0
    from jetstream_argo.estimating.estimate import count_units  # loads scipy

    units = counting(plan, currency.units)
    grids = [
        WindowGrid(basis, period, run, units, signal_slices(context, basis, period, run))
        for period, windows in stale.items()
        for basis in plan.bases
        for run in contiguous(tuple(windows))
    ]
    counted = count_units(plan, context.engine, grids, labels=context.labels())
    for period, windows in stale.items():
        settles_on = {window: counts_settle_on(plan, period, window) for window in windows}
        keep(context, _counts_leaf(plan, period), windows, settles_on, counted[period])
    return sum(map(len, stale.values()))


def _counts_leaf(plan: AnalysisPlan, period: Period) -> KeptLeaf:
    asked = plan.experiment
    split = [asked.branches, asked.branch_shares, asked.sample_ratio_alarm, asked.sample_ratio_deviation]
    return KeptLeaf(IDENTITY, period, "s_" + digest(IDENTITY, split, plan.bases, period))


def _stale(context: Context, leaf: MetricStatistics) -> dict[AnalysisWindow, str]:
    """Return the windows whose latest estimates are not what they would be now, with what they would be made from."""
    currency = context.currency()
    inputs = {window: currency.of_estimates(leaf, window) for window in leaf_windows(context.plan, leaf)}
    return _not_current(context, KeptLeaf(leaf.metric, leaf.period, leaf.key), inputs)


def _not_current(context: Context, leaf: KeptLeaf, inputs: Mapping[AnalysisWindow, str]) -> dict[AnalysisWindow, str]:
    latest = latest_estimates(context.ledger.entries).get((leaf.metric, leaf.period.value), {})
    since = anew_since(context.ledger.entries)
    return {
        window: made_from
        for window, made_from in inputs.items()
        if window.index not in latest
        or leaf.key not in latest[window.index].keys
        or latest[window.index].input_at(window.index) != made_from
        or (since is not None and latest[window.index].recorded_at < since)
    }
