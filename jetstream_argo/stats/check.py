"""Whether every statistic of a plan can be computed as it is asked for."""

import json
from collections.abc import Iterator

from jetstream_argo.errors import ConfigError, Problem, nearest
from jetstream_argo.plan.model import AnalysisPlan, Metric, Statistic
from jetstream_argo.stats.needs import RatioNeed
from jetstream_argo.stats.params import Params
from jetstream_argo.stats.planned import params_of
from jetstream_argo.stats.pretreatments import parse_pre_treatment


def check_statistics(plan: AnalysisPlan) -> None:
    """Check names, parameters, pre-treatments and covariates, and which statistics a metric made of others has.

    Raises:
        ConfigError: names every problem of every metric.
    """
    metrics = {metric.name: metric for metric in plan.metrics}
    problems = (
        problem
        for leaf in plan.statistics
        for statistic in leaf.statistics
        for problem in _problems(statistic, metrics[leaf.metric], metrics, plan.experiment.slug)
    )
    distinct = tuple(dict.fromkeys(problems))  # the same statistic is asked for in several periods
    if distinct:
        raise ConfigError(plan.experiment.slug, distinct)


def _problems(statistic: Statistic, metric: Metric, metrics: dict[str, Metric], file: str) -> Iterator[Problem]:
    where = f"metrics.{metric.name}.statistics.{statistic.name}"
    for step in statistic.pre_treatments:
        try:
            place = f"{where}.pre_treatments.{step.name}"
            parse_pre_treatment(step.name, json.loads(step.arguments), file=file, where=place)
        except ConfigError as error:
            yield from error.problems
    try:
        params = params_of(statistic, file=file, where=where)
    except ConfigError as error:
        yield from error.problems
        return
    yield from _misplaced(params, metric, where)
    covariate = metrics.get(statistic.covariate.metric) if statistic.covariate else None
    if covariate is not None and covariate.depends_on:
        what = f"is {covariate.name!r}, which is made of other metrics and has no values of its own"
        yield Problem(f"{where}.covariate_adjustment.metric", what)


def _misplaced(params: Params, metric: Metric, where: str) -> Iterator[Problem]:
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
