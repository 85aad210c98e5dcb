"""The statistics that a period asks for of each metric, with the covariates that they are adjusted by."""

from collections.abc import Iterator

from jetstream_argo.config.statistics import PeriodMetrics, Statistic
from jetstream_argo.plan.model import MetricStatistics


def metric_statistics(asked: PeriodMetrics) -> Iterator[MetricStatistics]:
    """Yield, per metric of one period, the statistics asked for; without their keys."""
    statistics: dict[str, list[Statistic]] = {}
    for summary in asked.summaries:
        statistics.setdefault(summary.metric, []).append(summary.statistic)
    for metric, of_metric in statistics.items():
        ordered = tuple(sorted(of_metric, key=lambda statistic: statistic.name))
        yield MetricStatistics(asked.period, metric, "", ordered)
