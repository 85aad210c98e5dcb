"""Builds a plan from a resolved configuration: windows that are due, what is read for them, what is estimated."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from jetstream_argo.config import exclusions as excluding
from jetstream_argo.config.dates import LONGEST_DAYS
from jetstream_argo.config.model import Basis, ExperimentConfig, Segment, SegmentDataSource
from jetstream_argo.config.names import wrong_with_dataset
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import NotRunnable, PlanError
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.dates import column_behind
from jetstream_argo.plan.metrics import SplitMetric, metrics_of, source_key
from jetstream_argo.plan.model import SCHEMA_VERSION, AnalysisPlan, Experiment, MetricStatistics, PeriodWindows
from jetstream_argo.plan.population import Enrollments, Exclusion, Exclusions
from jetstream_argo.plan.reads import reads_of
from jetstream_argo.plan.signal import signal_of
from jetstream_argo.plan.sources import Source
from jetstream_argo.plan.statistics import metric_statistics
from jetstream_argo.plan.windows import Timeline, due_windows


def resolve(settings: ExperimentConfig, *, as_of: date, dataset: str) -> AnalysisPlan:
    """Return the plan for everything that can be computed from telemetry up to and including `as_of`.

    After the end date nothing but the day after it is waited for: later telemetry is not the experiment's. `dataset`
    is where results go unless the configuration names a dataset itself.

    Raises:
        NotRunnable: the experiment is skipped, private without a dataset of its own, or a rollout.
        PlanError: `dataset` is no dataset's name; enrollment lasts until the end date; or a metric's expression is not
            SQL.
    """
    _refuse(settings)
    if wrong := wrong_with_dataset(settings.dataset or dataset):
        raise PlanError(f"{settings.slug}: {wrong}")
    timeline = Timeline(settings.start_date, settings.enrollment_days, settings.end_date)
    _ = timeline.observation_days
    last = as_of if settings.end_date is None else min(as_of, settings.end_date + timedelta(days=1))
    if (last - timeline.start).days > LONGEST_DAYS:
        raise PlanError(
            f"{settings.slug}: runs from {timeline.start} to {last}, which is more than {LONGEST_DAYS} days; "
            "correct start_date, or set end_date"
        )
    enrollments = _enrollments(settings)
    periods = tuple(
        PeriodWindows(asked.period, due_windows(asked.period, timeline, as_of=last))
        for asked in sorted(settings.periods, key=lambda asked: list(Period).index(asked.period))
    )
    statistics = tuple(wanted for asked in settings.periods for wanted in metric_statistics(asked))
    split = tuple(metrics_of(settings, statistics))
    periods = _with_covariates(periods, split, timeline, last)
    sources = tuple(_sources(settings, split, periods, timeline))
    return AnalysisPlan(
        schema_version=SCHEMA_VERSION,
        experiment=_experiment(settings, timeline),
        as_of=as_of,
        dataset=settings.dataset or dataset,
        enrollments=enrollments,
        signal=signal_of(settings, timeline, periods),
        bases=tuple(basis for basis in Basis if any(basis in part.metric.bases for part in split)),
        periods=periods,
        sources=sources,
        metrics=tuple(part.metric for part in split),
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
        branch_shares=settings.branch_ratios,
        sample_ratio_alarm=settings.sample_ratio_alarm,
        deletions=settings.deletions,
        allow_empty_branches=settings.allow_empty_branches,
        sample_ratio_deviation=settings.sample_ratio_deviation,
    )


def _enrollments(settings: ExperimentConfig) -> Enrollments:
    wanted = {segment.data_source for segment in settings.segments}
    wanted |= {exclusion.data_source for exclusion in settings.exclusions.named}
    sources = {source.name: source for source in settings.segment_data_sources if source.name in wanted}
    return Enrollments(
        key="a_" + digest(settings.enrollments_sql.strip()),
        kind=settings.enrollment_kind,
        sql=settings.enrollments_sql,
        exposures_sql=settings.exposures_sql,
        segments=settings.segments,
        segment_sources=tuple(sources.values()),
        exposures_key="x_" + digest(settings.exposures_sql),
        segment_columns=tuple(_segment_column(segment, sources[segment.data_source]) for segment in settings.segments),
        date_column=column_behind(settings.enrollments_sql, "enrollment_date"),
        exposures_date_column=column_behind(settings.exposures_sql or "", "exposure_date"),
        settle_days=settings.settle_days,
        exclusions=Exclusions(
            settings.exclusions.several_branches,
            settings.exclusions.several_alarm,
            tuple(_exclusion(exclusion, sources) for exclusion in settings.exclusions.named),
        ),
    )


def _exclusion(exclusion: excluding.ExclusionRule, sources: Mapping[str, SegmentDataSource]) -> Exclusion:
    if not exclusion.data_source:
        return Exclusion(exclusion.name, exclusion.condition)
    rows = Segment(exclusion.name, exclusion.data_source, exclusion.select_expression)
    column = _segment_column(rows, sources[exclusion.data_source])
    return Exclusion(exclusion.name, "", rows, column, exclusion.post_treatment)


def _segment_column(segment: Segment, source: SegmentDataSource) -> str:
    rows = [source.from_expression, source.id_column, source.date_column, source.window_start, source.window_end]
    return "g_" + digest(rows, segment.select_expression)


def _with_covariates(
    periods: tuple[PeriodWindows, ...], split: tuple[SplitMetric, ...], timeline: Timeline, as_of: date
) -> tuple[PeriodWindows, ...]:
    """Add the pre-enrollment periods that only covariates need."""
    known = {due.period: due for due in periods}
    needed = {period for part in split for period in part.metric.periods}
    return tuple(
        known.get(period) or PeriodWindows(period, due_windows(period, timeline, as_of=as_of))
        for period in Period
        if period in known or period in needed
    )


def _sources(
    settings: ExperimentConfig, split: tuple[SplitMetric, ...], periods: tuple[PeriodWindows, ...], timeline: Timeline
) -> Iterator[Source]:
    for source in settings.data_sources:
        of_source = [part for part in split if part.metric.source == source.name]
        if not of_source:
            continue
        partials = {partial.column: partial for part in of_source for partial in part.partials}
        yield Source(
            name=source.name,
            from_expression=source.from_expression,
            id_column=source.id_column,
            date_column=source.date_column,
            branch_expression=source.branch_expression,
            partials=tuple(partials[column] for column in sorted(partials)),
            reads=reads_of([part.metric for part in of_source], periods, timeline),
            key=source_key(source),
            settle_days=source.settle_days,
            may_be_empty=source.may_be_empty,
        )


def _keyed(
    statistics: tuple[MetricStatistics, ...], split: tuple[SplitMetric, ...], settings: ExperimentConfig
) -> tuple[MetricStatistics, ...]:
    """Name each leaf by a hash of the values it reads and of what it does with them.

    Segments are no part of it: they are among the inputs, which the record holds.
    """
    metrics = {part.metric.name: part.metric for part in split}

    def key(wanted: MetricStatistics) -> str:
        metric = metrics[wanted.metric]
        read = [metrics[name].column for name in (wanted.metric, *metric.depends_on)]
        asked = [
            [
                statistic.name,
                statistic.parameters,
                [[step.name, step.arguments] for step in statistic.pre_treatments],
                [metrics[statistic.covariate.metric].column, statistic.covariate.period]
                if statistic.covariate
                else None,
            ]
            for statistic in wanted.statistics
        ]
        facts = [metric.bases, metric.bigger_is_better]
        return "s_" + digest(wanted.period, wanted.metric, read, facts, asked, settings.branches)

    return tuple(replace(wanted, key=key(wanted)) for wanted in statistics)
