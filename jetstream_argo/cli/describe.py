"""A plan, for people."""

from collections.abc import Collection, Iterator
from typing import assert_never

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import Dag, SourceTask, StatisticsTask
from jetstream_argo.dag.selection import EVERYTHING, Selection, selected_metrics
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, Metric, PeriodWindows
from jetstream_argo.plan.own_dates import costly_sources
from jetstream_argo.plan.sources import Composed, Direct


def described(plan: AnalysisPlan, dag: Dag, selection: Selection = EVERYTHING) -> Iterator[RenderableType]:
    """Yield what to print about `plan`: who, what is due, what is read, how each metric is computed, how many nodes.

    `dag` are the nodes of what is selected.
    """
    metrics = selected_metrics(plan, selection)
    shown = [metric for metric in plan.metrics if not metrics or metric.name in metrics]
    yield _heading(plan)
    yield _periods(plan, selection.periods)
    yield _sources(plan, shown)
    yield from (Text(sentence, style="yellow") for sentence in costly_sources(plan, metrics))
    yield _metrics(plan, shown)
    yield _nodes(plan, dag)


def _heading(plan: AnalysisPlan) -> Text:
    who = plan.experiment
    end = who.timeline.end or "open"
    reference = f", reference {who.reference_branch}" if who.reference_branch else ""
    sample = f", {who.sample_size} % sample" if who.sample_size else ""
    signal = f"exposure signal {plan.signal.name}" if plan.signal else "no exposure signal"
    segments = ", ".join(segment.name for segment in plan.enrollments.segments) or "none"
    return Text.assemble(
        (who.slug, "bold"),
        f" ({who.app_name}), as of {plan.as_of}, into {plan.dataset}\n"
        f"branches {', '.join(who.branches)}{reference}; unit {who.analysis_unit}{sample}\n"
        f"enrollment {who.timeline.start} … {who.timeline.last_enrollment} ({plan.enrollments.kind}), end {end}\n"
        f"bases {', '.join(plan.bases)}; {signal}; segments {segments}\n"
        f"plan {codec.sha256(plan)}",
    )


def _periods(plan: AnalysisPlan, periods: Collection[Period]) -> Table:
    table = Table("period", "windows due", "days", "dates", "metrics", title="Due", title_justify="left")
    for due in plan.periods:
        if periods and due.period not in periods:
            continue
        metrics = sum(due.period in metric.periods for metric in plan.metrics)
        table.add_row(due.period, *_windows(plan, due), str(metrics))
    return table


def _windows(plan: AnalysisPlan, due: PeriodWindows) -> tuple[str, str, str]:
    if not due.windows:
        return "none yet", "", ""
    first, last = due.windows[0], due.windows[-1]
    dates = plan.experiment.timeline.dates(first.first_day, last.last_day)
    count = f"{first.index} … {last.index}" if last.index > first.index else str(first.index)
    return count, f"{first.first_day} … {last.last_day}", f"{dates[0]} … {dates[1]}"


def _sources(plan: AnalysisPlan, shown: Collection[Metric]) -> Table:
    table = Table("source", "dates read once", "partials", "metrics", title="Data sources", title_justify="left")
    needed = {plan.metric(name).source for metric in shown for name in (metric.depends_on or (metric.name,))}
    for source in plan.sources:
        if source.name not in needed:
            continue
        days = sum((read.last_date - read.first_date).days + 1 for read in source.reads)
        span = f"{source.reads[0].first_date} … {source.reads[-1].last_date} ({days})" if source.reads else "none yet"
        metrics = sum(metric.source == source.name for metric in plan.metrics)
        table.add_row(source.name, span, str(len(source.partials)), str(metrics))
    return table


def _metrics(plan: AnalysisPlan, shown: Collection[Metric]) -> Table:
    table = Table("metric", "source", "computed", "statistics", title="Metrics", title_justify="left")
    for metric in shown:
        adjusted: dict[str, bool] = {}
        for leaf in plan.statistics:
            for statistic in leaf.statistics if leaf.metric == metric.name else ():
                adjusted[statistic.name] = adjusted.get(statistic.name, False) or statistic.covariate is not None
        asked = [f"{name} +covariate" if with_covariate else name for name, with_covariate in adjusted.items()]
        table.add_row(metric.name, metric.source or "-", _how(metric), ", ".join(asked) or "-")
    return table


def _how(metric: Metric) -> str:
    match metric.computation:
        case None:
            return f"from {', '.join(metric.depends_on)}"
        case Composed(partials):
            return f"from {len(partials)} daily partial{'s' if len(partials) > 1 else ''}"
        case Direct(reason):
            return f"directly: {reason}"
        case _:
            assert_never(metric.computation)


def _nodes(plan: AnalysisPlan, dag: Dag) -> str:
    if not dag.nodes:
        return f"nothing is due by {plan.as_of}: enrollment lasts until {plan.experiment.timeline.last_enrollment}"
    sources = sum(isinstance(node.task, SourceTask) for node in dag.nodes)
    leaves = [node.task for node in dag.nodes if isinstance(node.task, StatisticsTask)]
    batched = sum(len(task.metrics) > 1 for task in leaves)
    note = f", {batched} of them for all metrics of a source, to stay within the budget" if batched else ""
    return f"{len(dag.nodes) + 1} nodes: {sources} for data sources, {len(leaves)} for statistics{note}"
