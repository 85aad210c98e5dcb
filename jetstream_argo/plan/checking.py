"""Whether every metric of a configuration can be computed, with every statistic that is asked of it."""

import json
from collections.abc import Iterator

from jetstream_argo.config.model import ExperimentConfig, Metric
from jetstream_argo.errors import ConfigError, PlanError, Problem, nearest
from jetstream_argo.plan.model import Covariate, Statistic
from jetstream_argo.plan.parameters import params_of
from jetstream_argo.plan.split.decompose import parsed
from jetstream_argo.plan.statistics import statistic
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.needs import RatioNeed
from jetstream_argo.stats.pretreatments import parse_pre_treatment


def check_metrics(settings: ExperimentConfig) -> None:
    """Check expressions, and the statistics' names, parameters, pre-treatments and covariates.

    Raises:
        ConfigError: names every problem of every metric, with the file that defines the metric.
    """
    distinct = tuple(dict.fromkeys(_problems(settings)))  # the same statistic is asked for in several periods
    if distinct:
        raise ConfigError(settings.slug, distinct)


def _problems(settings: ExperimentConfig) -> Iterator[Problem]:
    metrics = {metric.name: metric for metric in settings.metrics}
    for metric in settings.metrics:
        if metric.select_expression is not None:
            try:
                parsed(metric.select_expression)
            except PlanError as error:
                yield _in_file(Problem(f"metrics.{metric.name}.select_expression", str(error)), metric)
    for asked in settings.periods:
        for summary in asked.summaries:
            metric = metrics[summary.metric]
            try:
                found = tuple(_of_statistic(statistic(summary, asked.period), metric, metrics, settings.slug))
            except ConfigError as error:
                found = error.problems
            yield from (_in_file(problem, metric) for problem in found)


def _in_file(problem: Problem, metric: Metric) -> Problem:
    return Problem(f"{metric.file}, {problem.where}" if metric.file else problem.where, problem.what)


def _of_statistic(asked: Statistic, metric: Metric, metrics: dict[str, Metric], file: str) -> Iterator[Problem]:
    where = f"metrics.{metric.name}.statistics.{asked.name}"
    for step in asked.pre_treatments:
        try:
            place = f"{where}.pre_treatments.{step.name}"
            parse_pre_treatment(step.name, json.loads(step.arguments), file=file, where=place)
        except ConfigError as error:
            yield from error.problems
    try:
        params = params_of(asked, file=file, where=where)
    except ConfigError as error:
        yield from error.problems
        return
    yield from _misplaced(params, metric, where)
    if asked.covariate is not None:
        yield from _unusable(asked.covariate, metrics, f"{where}.covariate_adjustment.metric")


def _unusable(covariate: Covariate, metrics: dict[str, Metric], where: str) -> Iterator[Problem]:
    known = metrics.get(covariate.metric)
    if known is None:
        what = f"is {covariate.metric!r}, which is no metric of this experiment{nearest(covariate.metric, metrics)}"
        yield Problem(where, what)
    elif known.depends_on:
        yield Problem(where, f"is {covariate.metric!r}, which is made of other metrics and has no values of its own")


def _misplaced(params: Method, metric: Metric, where: str) -> Iterator[Problem]:
    need = params.need()
    if not isinstance(need, RatioNeed):
        if metric.depends_on:
            made_of = ", ".join(metric.depends_on)
            what = f"cannot be had of a metric that is made of others ({made_of}); only ratios can"
            yield Problem(where, what)
        return
    if not metric.depends_on:
        yield Problem(where, "is of a metric that is made of others; give it depends_on, with those two")
        return
    for name, part in (("numerator", need.numerator), ("denominator", need.denominator)):
        if part not in metric.depends_on:
            what = f"is {part!r}, which is not in depends_on{nearest(part, metric.depends_on)}"
            yield Problem(f"{where}.{name}", what)
