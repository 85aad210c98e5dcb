"""How what the files say becomes a plan: which windows are due, what is read for them, and what is estimated."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import assert_never

from jetstream_argo.config import model as config
from jetstream_argo.config.model import Basis, ExperimentConfig, Period
from jetstream_argo.errors import NotRunnable, PlanError
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.decompose import decompose
from jetstream_argo.plan.model import (
    SCHEMA_VERSION,
    AnalysisPlan,
    Composed,
    Covariate,
    Direct,
    Enrollments,
    Experiment,
    Metric,
    MetricStatistics,
    Partial,
    PeriodWindows,
    Source,
)
from jetstream_argo.plan.reads import reads_of
from jetstream_argo.plan.signal import signal_key, signal_of
from jetstream_argo.plan.statistics import metric_statistics
from jetstream_argo.plan.windows import Timeline, due_windows


@dataclass(frozen=True, slots=True)
class _Split:
    """A metric and the partials it is composed of."""

    metric: Metric
    partials: tuple[Partial, ...]


def resolve(settings: ExperimentConfig, *, as_of: date, dataset: str) -> AnalysisPlan:
    """Return the plan for everything that can be computed from telemetry up to and including `as_of`.

    After the end date nothing but the day after it is waited for: later telemetry is not the experiment's. `dataset`
    is where results go unless the configuration names a dataset itself.

    Raises:
        NotRunnable: the experiment is skipped, private without a dataset of its own, or a rollout.
        PlanError: enrollment lasts until the end date; or a metric's expression is not SQL.
    """
    _refuse(settings)
    timeline = Timeline(settings.start_date, settings.enrollment_days, settings.end_date)
    _ = timeline.observation_days
    last = as_of if settings.end_date is None else min(as_of, settings.end_date + timedelta(days=1))
    enrollments = _enrollments(settings)
    periods = tuple(
        PeriodWindows(asked.period, due_windows(asked.period, timeline, as_of=last))
        for asked in sorted(settings.periods, key=lambda asked: list(Period).index(asked.period))
    )
    statistics = tuple(wanted for asked in settings.periods for wanted in metric_statistics(asked))
    split = tuple(_metrics(settings, enrollments, statistics))
    periods = _with_covariates(periods, split, timeline, last)
    sources = tuple(_sources(settings, split, periods, timeline))
    return AnalysisPlan(
        schema_version=SCHEMA_VERSION,
        experiment=_experiment(settings, timeline),
        as_of=as_of,
        dataset=settings.dataset or dataset,
        enrollments=enrollments,
        signal=signal_of(settings, timeline, periods, key=enrollments.key),
        bases=tuple(basis for basis in Basis if any(basis in each.metric.bases for each in split)),
        periods=periods,
        sources=sources,
        metrics=tuple(each.metric for each in split),
        statistics=_keyed(statistics, split, settings),
    )


def _refuse(settings: ExperimentConfig) -> None:
    reason = None
    if settings.skip:
        reason = "its configuration says skip = true"
    elif settings.is_rollout:
        reason = "it is a rollout, which has nothing to compare"
    elif settings.is_private and not settings.dataset:
        reason = "it is private and names no dataset_id of its own"
    elif not settings.branches:
        reason = "it has no branches"
    if reason:
        raise NotRunnable(f"{settings.slug}: is not analysed: {reason}")


def _experiment(settings: ExperimentConfig, timeline: Timeline) -> Experiment:
    return Experiment(
        slug=settings.slug,
        app_name=settings.app_name,
        analysis_unit=settings.analysis_unit,
        branches=settings.branches,
        reference_branch=settings.reference_branch,
        timeline=timeline,
        is_complete=settings.is_complete,
        is_private=settings.is_private,
        sample_size=settings.sample_size,
        outcomes=settings.outcomes,
        url=settings.url,
    )


def _enrollments(settings: ExperimentConfig) -> Enrollments:
    wanted = {segment.data_source for segment in settings.segments}
    sources = tuple(source for source in settings.segment_data_sources if source.name in wanted)
    key = digest(
        settings.enrollments_sql,
        settings.exposures_sql,
        [[s.name, s.data_source, s.select_expression] for s in settings.segments],
        [[s.name, s.from_expression, s.id_column, s.date_column, s.window_start, s.window_end] for s in sources],
    )
    return Enrollments(
        key, settings.enrollment_kind, settings.enrollments_sql, settings.exposures_sql, settings.segments, sources
    )


def _metrics(
    settings: ExperimentConfig, enrollments: Enrollments, statistics: tuple[MetricStatistics, ...]
) -> Iterator[_Split]:
    """Yield every metric that has statistics, that others are made of, or that others are adjusted by."""
    defined = {metric.name: metric for metric in settings.metrics}
    periods: dict[str, dict[Period, None]] = {}
    for wanted in statistics:
        for name in (wanted.metric, *defined[wanted.metric].depends_on):
            periods.setdefault(name, {})[wanted.period] = None
        for statistic in wanted.statistics:
            if statistic.covariate:
                _refuse_covariate(settings, wanted.metric, statistic.covariate, defined)
                periods.setdefault(statistic.covariate.metric, {})[statistic.covariate.period] = None
    sources = {source.name: source for source in settings.data_sources}
    for metric in _with_sanity(settings, tuple(defined[name] for name in periods), periods):
        due = tuple(period for period in Period if period in periods[metric.name])
        yield _split(metric, sources, due, enrollments, settings)


def _refuse_covariate(
    settings: ExperimentConfig, metric: str, covariate: Covariate, defined: Mapping[str, config.Metric]
) -> None:
    known = defined.get(covariate.metric)
    if known is None or known.depends_on or defined[metric].depends_on:
        what = "is not a metric of this experiment" if known is None else "or the metric has no values of its own"
        raise PlanError(
            f"{settings.slug}: metrics.{metric}: covariate_adjustment by {covariate.metric!r}: {what}; "
            f"adjust by a metric with a select_expression"
        )


def _with_sanity(
    settings: ExperimentConfig, metrics: tuple[config.Metric, ...], periods: dict[str, dict[Period, None]]
) -> Iterator[config.Metric]:
    """Yield the metrics, then for each source that can tell: did a unit's rows name another branch, or none?"""
    yield from metrics
    for source in settings.data_sources:
        used = [metric for metric in metrics if metric.data_source == source.name]
        if not used or source.branch_expression is None:
            continue
        in_row = f"({source.branch_expression})"
        checks = {
            f"{source.name}_has_contradictory_branch": f"LOGICAL_OR({in_row} != e.branch)",
            f"{source.name}_has_non_enrolled_data": f"LOGICAL_OR({in_row} IS NULL)",
        }
        for name, expression in checks.items():
            if name not in periods:
                periods[name] = dict.fromkeys(period for metric in used for period in periods[metric.name])
                yield config.Metric(name, source.name, expression, (), (Basis.ENROLLMENTS, Basis.EXPOSURES))


def _split(
    metric: config.Metric,
    sources: Mapping[str, config.DataSource],
    periods: tuple[Period, ...],
    enrollments: Enrollments,
    settings: ExperimentConfig,
) -> _Split:
    source = sources[metric.data_source] if metric.data_source else None
    split = None
    column = ""
    if source is not None and metric.select_expression is not None:
        rows = _identity(source, enrollments)
        try:
            split = decompose(
                metric.select_expression,
                date_column=source.date_column,
                name_column=lambda text: "p_" + digest(rows, text),
            )
        except PlanError as error:
            raise PlanError(f"{settings.slug}: metrics.{metric.name}.{error}") from error
        column = "m_" + digest(rows, _how(split.computation, metric.select_expression), signal_key(settings))
    return _Split(
        Metric(
            name=metric.name,
            source=source.name if source else "",
            select_expression=metric.select_expression or "",
            computation=split.computation if split else None,
            column=column,
            depends_on=metric.depends_on,
            bases=_bases(metric, settings),
            periods=periods,
            friendly_name=metric.friendly_name,
            description=metric.description,
            bigger_is_better=metric.bigger_is_better,
        ),
        split.partials if split else (),
    )


def _bases(metric: config.Metric, settings: ExperimentConfig) -> tuple[Basis, ...]:
    """Leave out the exposures basis where nothing records exposures: it would have no units."""
    if settings.exposures_sql is not None or settings.exposure_signal is not None:
        return metric.bases
    left = tuple(basis for basis in metric.bases if basis is not Basis.EXPOSURES)
    if not left:
        raise PlanError(
            f"{settings.slug}: metrics.{metric.name}.analysis_bases: is 'exposures' alone, which nothing records; "
            f"add an exposure_signal or an exposure_query, or the basis 'enrollments'"
        )
    return left


def _how(computation: Composed | Direct, expression: str) -> list[str]:
    """What decides a metric's values, beside the rows."""
    match computation:
        case Composed():
            return ["composed", *computation.partials, computation.finaliser]
        case Direct():
            return ["direct", expression]
        case _:
            assert_never(computation)


def _identity(source: config.DataSource, enrollments: Enrollments) -> list[str | None]:
    """Everything but the expression that decides a partial: which rows are read, and for which units."""
    return [enrollments.key, source.from_expression, source.id_column, source.date_column, source.branch_expression]


def _with_covariates(
    periods: tuple[PeriodWindows, ...], split: tuple[_Split, ...], timeline: Timeline, as_of: date
) -> tuple[PeriodWindows, ...]:
    """Add the pre-enrollment periods that only covariates need."""
    known = {due.period: due for due in periods}
    needed = {period for each in split for period in each.metric.periods}
    return tuple(
        known.get(period) or PeriodWindows(period, due_windows(period, timeline, as_of=as_of))
        for period in Period
        if period in known or period in needed
    )


def _sources(
    settings: ExperimentConfig, split: tuple[_Split, ...], periods: tuple[PeriodWindows, ...], timeline: Timeline
) -> Iterator[Source]:
    for source in settings.data_sources:
        mine = [each for each in split if each.metric.source == source.name]
        if not mine:
            continue
        partials = {partial.column: partial for each in mine for partial in each.partials}
        yield Source(
            name=source.name,
            from_expression=source.from_expression,
            id_column=source.id_column,
            date_column=source.date_column,
            branch_expression=source.branch_expression,
            partials=tuple(partials[column] for column in sorted(partials)),
            reads=reads_of([each.metric for each in mine], periods, timeline),
        )


def _keyed(
    statistics: tuple[MetricStatistics, ...], split: tuple[_Split, ...], settings: ExperimentConfig
) -> tuple[MetricStatistics, ...]:
    """Name each leaf by a hash of the values it reads and of what it does with them."""
    metrics = {each.metric.name: each.metric for each in split}
    segments = [segment.name for segment in settings.segments]

    def key(wanted: MetricStatistics) -> str:
        metric = metrics[wanted.metric]
        read = [metrics[name].column for name in (wanted.metric, *metric.depends_on)]
        asked = [
            [
                each.name,
                each.parameters,
                [[step.name, step.arguments] for step in each.pre_treatments],
                [metrics[each.covariate.metric].column, each.covariate.period] if each.covariate else None,
            ]
            for each in wanted.statistics
        ]
        return "s_" + digest(wanted.period, wanted.metric, read, metric.bases, asked, segments, settings.branches)

    return tuple(replace(wanted, key=key(wanted)) for wanted in statistics)
