"""The part of an experiment that is asked for: some metrics, some periods, or the metrics of some data sources."""

from collections.abc import Sequence
from dataclasses import dataclass

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import IDENTITY, filtered
from jetstream_argo.dag.model import Dag, StatisticsTask
from jetstream_argo.errors import PlanError, UnknownReference
from jetstream_argo.plan.model import AnalysisPlan


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; an empty field asks for all. Where several are given, what all of them name."""

    metrics: tuple[str, ...] = ()
    periods: tuple[Period, ...] = ()
    sources: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is left out."""
        return not (self.metrics or self.periods or self.sources)


EVERYTHING = Selection()


def selected_metrics(plan: AnalysisPlan, selection: Selection) -> tuple[str, ...]:
    """Return the metrics that are asked for, in their order; none where all are.

    A metric that is made of others belongs to the sources of those.

    Raises:
        UnknownReference: the plan has no metric, or no data source, of some name.
        PlanError: no metric is asked for that is of these sources.
    """
    known = [IDENTITY, *(metric.name for metric in plan.metrics)]
    for name in selection.metrics:
        if name not in known:
            raise UnknownReference("metric", name, known=known, used_by="the metric filter")
    if not selection.sources:
        return selection.metrics
    sources = [source.name for source in plan.sources]
    for name in selection.sources:
        if name not in sources:
            raise UnknownReference("data source", name, known=sources, used_by="the source filter")
    found = tuple(
        metric.name
        for metric in plan.metrics
        if (not selection.metrics or metric.name in selection.metrics)
        and any(plan.metric(name).source in selection.sources for name in (metric.depends_on or (metric.name,)))
    )
    if not found:
        metric_names, source_names = ", ".join(selection.metrics), ", ".join(selection.sources)
        raise PlanError(
            f"{plan.experiment.slug}: none of the metrics {metric_names} is of the data source {source_names}"
        )
    return found


def with_needed(plan: AnalysisPlan, metrics: Sequence[str]) -> tuple[str, ...]:
    """Return `metrics`, and those that they are made of and adjusted by; none where `metrics` are none."""
    names: dict[str, None] = {}
    for leaf in plan.statistics:
        if leaf.metric in metrics:
            names |= dict.fromkeys((leaf.metric, *plan.metric(leaf.metric).depends_on))
            names |= dict.fromkeys(statistic.covariate.metric for statistic in leaf.statistics if statistic.covariate)
    return tuple(names)


def selected(plan: AnalysisPlan, dag: Dag, selection: Selection) -> Dag:
    """Return the part of `dag`, the nodes of `plan`, that computes what is asked for and what that needs.

    Raises:
        UnknownReference: the plan has nothing of some name.
        PlanError: nothing of what is asked for is due.
    """
    if selection.is_everything or not dag.nodes:
        return dag
    metrics = selected_metrics(plan, selection)
    due = [node.task.period for node in dag.nodes if isinstance(node.task, StatisticsTask)]
    for period in selection.periods:
        if period not in due:
            there = ", ".join(dict.fromkeys(due))
            raise PlanError(f"{plan.experiment.slug}: nothing of period {period} is due by {plan.as_of}; of {there} is")
    estimated = [metric for metric in metrics if metric in dag.last.metrics] if selection.sources else metrics
    return filtered(dag, estimated, selection.periods)
