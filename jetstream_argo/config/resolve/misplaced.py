"""Finds statistics that are asked of metrics that cannot have them."""

from collections.abc import Iterator, Mapping

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.statistics import Covariate, PeriodMetrics
from jetstream_argo.errors import Problem, nearest
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.needs import RatioNeed


def misplaced_statistics(
    asked: PeriodMetrics, metrics: Mapping[str, MetricDefinition | None]
) -> Iterator[tuple[str, Problem]]:
    """Yield what is wrong with the statistics of a period, each with the file that defines the metric.

    A metric is None where something else is wrong with it, which is reported elsewhere.
    """
    for summary in asked.summaries:
        metric, statistic = metrics[summary.metric], summary.statistic
        if metric is None:
            continue
        where = f"metrics.{metric.name}.statistics.{statistic.name}"
        for problem in _wrong_metric(statistic.method, metric, where):
            yield metric.file, problem
        if statistic.covariate is not None:
            for problem in _wrong_covariate(statistic.covariate, metrics, f"{where}.covariate_adjustment.metric"):
                yield metric.file, problem


def _wrong_covariate(
    covariate: Covariate, metrics: Mapping[str, MetricDefinition | None], where: str
) -> Iterator[Problem]:
    if covariate.metric not in metrics:
        what = f"is {covariate.metric!r}, which is no metric of this experiment{nearest(covariate.metric, metrics)}"
        yield Problem(where, what)
        return
    known = metrics[covariate.metric]
    if known is not None and known.depends_on:
        yield Problem(where, f"is {covariate.metric!r}, which is made of other metrics and has no values of its own")


def _wrong_metric(method: Method, metric: MetricDefinition, where: str) -> Iterator[Problem]:
    need = method.need()
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
