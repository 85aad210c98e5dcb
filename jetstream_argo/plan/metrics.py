"""The metrics that a plan computes, and the partials that they are made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from jetstream_argo.config import model as config
from jetstream_argo.config.model import Basis, ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Covariate
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import Metric, MetricStatistics
from jetstream_argo.plan.signal import signal_key
from jetstream_argo.plan.sources import Composed, Direct, Partial
from jetstream_argo.plan.split.decompose import decompose


@dataclass(frozen=True, slots=True)
class SplitMetric:
    """A metric and the partials it is composed of."""

    metric: Metric
    partials: tuple[Partial, ...]


@dataclass(frozen=True, slots=True)
class PartialNames:
    """Names the columns of partials over some rows by what is computed of them."""

    rows: tuple[str | None, ...]

    def __call__(self, expression: str) -> str:
        """Return the column of an expression."""
        return "p_" + digest(self.rows, expression)


def metrics_of(settings: ExperimentConfig, statistics: tuple[MetricStatistics, ...]) -> Iterator[SplitMetric]:
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
        yield _split(metric, sources, due, settings)


def _refuse_covariate(
    settings: ExperimentConfig, metric: str, covariate: Covariate, defined: Mapping[str, config.MetricDefinition]
) -> None:
    known = defined.get(covariate.metric)
    if known is None or known.depends_on or defined[metric].depends_on:
        what = "is not a metric of this experiment" if known is None else "or the metric has no values of its own"
        raise PlanError(
            f"{settings.slug}: metrics.{metric}: covariate_adjustment by {covariate.metric!r}: {what}; "
            f"adjust by a metric with a select_expression"
        )


def _with_sanity(
    settings: ExperimentConfig, metrics: tuple[config.MetricDefinition, ...], periods: dict[str, dict[Period, None]]
) -> Iterator[config.MetricDefinition]:
    """Yield the metrics, then for each source that can tell: did a unit's rows name another branch, or none?"""
    yield from metrics
    for source in settings.data_sources:
        used = [metric for metric in metrics if metric.data_source == source.name]
        if not used or source.branch_expression is None:
            continue
        in_row = f"({source.branch_expression})"
        checks = {
            f"{source.name}_has_contradictory_branch": f"COALESCE(LOGICAL_OR({in_row} != e.branch), FALSE)",
            f"{source.name}_has_non_enrolled_data": f"LOGICAL_OR({in_row} IS NULL)",
        }
        for name, expression in checks.items():
            if name not in periods:
                periods[name] = dict.fromkeys(period for metric in used for period in periods[metric.name])
                yield config.MetricDefinition(name, source.name, expression, (), (Basis.ENROLLMENTS, Basis.EXPOSURES))


def _split(
    metric: config.MetricDefinition,
    sources: Mapping[str, config.DataSource],
    periods: tuple[Period, ...],
    settings: ExperimentConfig,
) -> SplitMetric:
    source = sources[metric.data_source] if metric.data_source else None
    split = None
    column = ""
    if source is not None and metric.select_expression is not None:
        rows = _identity(source)
        try:
            split = decompose(metric.select_expression, date_column=source.date_column, name_column=PartialNames(rows))
        except PlanError as error:
            where = f"{metric.file or settings.slug}: metrics.{metric.name}.select_expression"
            raise PlanError(f"{where}: {error}") from error
        column = "m_" + digest(rows, _how(split.computation, metric.select_expression), signal_key(settings))
    return SplitMetric(
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
            unit=metric.unit,
            role=metric.role,
            non_inferiority_margin=metric.non_inferiority_margin,
        ),
        split.partials if split else (),
    )


def _bases(metric: config.MetricDefinition, settings: ExperimentConfig) -> tuple[Basis, ...]:
    """Leave out the exposures basis where nothing records exposures: it would have no units."""
    if settings.exposures_sql is not None or settings.exposure_signal is not None:
        return metric.bases
    left = tuple(basis for basis in metric.bases if basis is not Basis.EXPOSURES)
    if not left:
        raise PlanError(
            f"{metric.file or settings.slug}: metrics.{metric.name}.analysis_bases: is 'exposures' alone, which "
            f"nothing records; add an exposure_signal or an exposure_query, or the basis 'enrollments'"
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


def source_key(source: config.DataSource) -> str:
    """Return a hash of which rows are read, as it is written."""
    return "r_" + digest(_identity(source))


def _identity(source: config.DataSource) -> tuple[str | None, ...]:
    """Everything but the expression that decides a partial of a unit: which rows are read."""
    return (source.from_expression, source.id_column, source.date_column, source.branch_expression)
