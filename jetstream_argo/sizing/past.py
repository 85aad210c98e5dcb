"""The experiment that is made up to size another one: everybody of a past period, in both of its two branches.

Each branch holds the same units, so that its statistics are those of the whole population, and the difference of the
two has the standard error of two branches of that size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeAlias

from pydantic import JsonValue

from jetstream_argo.config.exclusions import SeveralBranches
from jetstream_argo.config.model import SETTLE_DAYS, Basis, DataSource, ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import read_statistic
from jetstream_argo.config.statistics import PeriodMetrics, Statistic, Summary
from jetstream_argo.errors import PlanError
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, literals, union_all
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.methods.population_ratio import PopulationRatio
from jetstream_argo.stats.methods.ratio_delta import RatioDelta
from jetstream_argo.stats.methods.welch_mean import WelchMean

WEEK = 7
MEAN, RATIO = "welch_mean", "ratio_delta"
_Means: TypeAlias = BootstrapMean | LinearModelMean | WelchMean
_Ratios: TypeAlias = PopulationRatio | RatioDelta
_BRANCHES = ("everybody", "everybody again")


def past_experiment(config: ExperimentConfig, *, weeks: int, as_of: date) -> ExperimentConfig:
    """Return an experiment with the metrics of `config` that ended when the telemetry of `as_of` had settled.

    Everybody enrolls who has rows in any of the data sources on a day of the enrollment period; conditions that exclude
    units hold for them too, but for those about branches. Each metric has a mean, or a ratio, each week, with the
    covariate that it is adjusted by or else itself in the week before.

    Raises:
        PlanError: there is no metric that has a mean or a ratio.
    """
    start = as_of - timedelta(days=config.enrollment_days + WEEK * weeks + SETTLE_DAYS)
    sources = tuple(
        replace(source, experiments_column_type=None, branch_expression=None) for source in config.data_sources
    )
    summaries = tuple(_summaries(config))
    if not summaries:
        raise PlanError(f"{config.slug}: no metric has a mean or a ratio that could be sized")
    return replace(
        config,
        slug=f"{config.slug}-size",
        branches=_BRANCHES,
        branch_ratios=(),
        reference_branch=_BRANCHES[0],
        sample_ratio_alarm=0.0,
        start_date=start,
        end_date=None,
        is_complete=False,
        enrollment_kind="sizing",
        enrollments_sql=_everybody(sources, start, start + timedelta(days=config.enrollment_days)),
        exposures_sql=None,
        exposure_signal=None,
        segments=(),
        data_sources=sources,
        metrics=tuple(replace(metric, bases=(Basis.ENROLLMENTS,)) for metric in config.metrics),
        periods=(PeriodMetrics(Period.CUMULATIVE_WEEKLY, summaries),),
        exclusions=replace(config.exclusions, several_branches=SeveralBranches.KEEP, several_alarm=1.0),
        skip=False,
    )


def _summaries(config: ExperimentConfig) -> Iterator[Summary]:
    """Yield a mean or a ratio for each metric, clipped and treated as in the first statistic that has one."""
    asked = [summary for period in config.periods for summary in period.summaries]
    for metric in config.metrics:
        own = [summary.statistic for summary in asked if summary.metric == metric.name]
        if metric.depends_on:
            ratio = next((statistic for statistic in own if isinstance(statistic.method, _Ratios)), None)
            if ratio is not None:
                yield Summary(metric.name, _statistic(metric.name, RATIO, dict(_of_ratio(ratio.method)), ratio))
        elif own:
            like = next((statistic for statistic in own if isinstance(statistic.method, _Means)), None)
            covariate = next((statistic.covariate for statistic in own if statistic.covariate is not None), None)
            table: dict[str, JsonValue] = {
                "covariate_adjustment": {
                    "metric": metric.name if covariate is None else covariate.metric,
                    "period": (Period.PREENROLLMENT_WEEK if covariate is None else covariate.period).value,
                }
            }
            if like is not None and isinstance(like.method, _Means):
                table["drop_highest"] = like.method.drop_highest
            yield Summary(metric.name, _statistic(metric.name, MEAN, table, like))


def _statistic(metric: str, name: str, table: dict[str, JsonValue], like: Statistic | None) -> Statistic:
    """Return a statistic of values that are treated as those of another one."""
    found = read_statistic(name, table, metric=metric, period=Period.CUMULATIVE_WEEKLY)
    return found if like is None else replace(found, pre_treatments=like.pre_treatments)


def _of_ratio(method: Method) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(method, _Ratios):
        yield "numerator", method.numerator
        yield "denominator", method.denominator
        yield "drop_highest", method.drop_highest


def _everybody(sources: Sequence[DataSource], first: date, last: date) -> Sql:
    seen = union_all(
        Sql(
            f"SELECT {unit_of(source.id_column)} AS unit, {date_of(source.date_column)} AS day\n"
            f"FROM {source.from_expression} AS ds\nWHERE {between(source.date_column, first, last)}"
        )
        for source in sources
    )
    return fill("everybody", seen=seen, branches=literals(_BRANCHES))
