"""Builds the nodes of an analysis plan, in order, and finds those that a choice of metrics needs."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import (
    CountsTask,
    Dag,
    EnrollmentsTask,
    ExportTask,
    Node,
    SignalTask,
    SourceTask,
    Stage,
    StatisticsTask,
    Task,
)
from jetstream_argo.dag.names import unique_names
from jetstream_argo.errors import PlanError, UnknownReference
from jetstream_argo.plan.due import leaf_windows, value_windows
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.plan.sources import Source

# What fits one Argo DAG and can still be read in its UI.
BUDGET = 150

IDENTITY = "identity"
LAST = "export"  # the id of the node that runs at the end


@dataclass(frozen=True, slots=True)
class _Step:
    """A task with what it reads and writes, as names of relations; edges follow from them."""

    task: Task
    words: tuple[str, ...]
    reads: tuple[tuple[str, ...], ...]
    writes: tuple[tuple[str, ...], ...]
    metrics: tuple[str, ...]


def build_dag(plan: AnalysisPlan, *, budget: int = BUDGET) -> Dag:
    """Return the nodes that compute everything that is due in `plan`; none if nothing is.

    Over `budget`, the statistics of one period and source are batched into one node: those of the period with the
    most nodes first, until it fits.

    Raises:
        PlanError: even with all statistics batched there are more nodes than `budget`.
    """
    leaves = [_leaf(plan, wanted) for wanted in plan.statistics if leaf_windows(plan, wanted)]
    trunk = _trunk(plan)
    steps = [*trunk, *_batched(plan, leaves, room=budget - len(trunk) - 1)]
    if len(steps) + 1 > budget:
        raise PlanError(
            f"{plan.experiment.slug}: needs {len(steps) + 1} nodes, {budget} are allowed; "
            f"split the experiment's metrics over fewer data sources"
        )
    nodes = _linked(steps)
    every_metric = tuple(dict.fromkeys(metric for node in nodes for metric in node.metrics))
    last = Node(LAST, ExportTask(), tuple(node.id for node in nodes), every_metric)
    return Dag(nodes, last)


def filtered(dag: Dag, metrics: Collection[str], periods: Collection[Period] = ()) -> Dag:
    """Return the part of `dag` that computes `metrics` in `periods`, and what they need; empty ones ask for all.

    Units are counted whatever is asked for, since nobody should read estimates of a split that was not checked.

    Raises:
        UnknownReference: no node computes a metric of that name.
    """
    if not metrics and not periods:
        return dag
    for metric in metrics:
        if metric not in dag.last.metrics:
            raise UnknownReference("metric", metric, known=dag.last.metrics, used_by="the metric filter")
    wanted = metrics or dag.last.metrics
    needed = [
        node.id for node in dag.nodes if _is_in(node, periods) and any(is_target(node, metric) for metric in wanted)
    ]
    by_id = {node.id: node for node in dag.nodes}
    keep = dict.fromkeys(needed)
    while needed:
        node = by_id[needed.pop()]
        needed += [dependency for dependency in node.dependencies if dependency not in keep]
        keep |= dict.fromkeys(node.dependencies)
    kept = tuple(node for node in dag.nodes if node.id in keep)
    last = Node(dag.last.id, dag.last.task, tuple(node.id for node in kept), dag.last.metrics)
    return Dag(kept, last)


def gives_results(node: Node) -> bool:
    """Return whether the node's rows are results, rather than what others compute results from."""
    return isinstance(node.task, StatisticsTask | CountsTask)


def is_target(node: Node, metric: str) -> bool:
    """Return whether a request for `metric` is for this node's results; the nodes that it waits for are added later."""
    return isinstance(node.task, CountsTask) or (gives_results(node) and metric in node.metrics)


def _is_in(node: Node, periods: Collection[Period]) -> bool:
    return not (periods and isinstance(node.task, StatisticsTask)) or node.task.period in periods


def _trunk(plan: AnalysisPlan) -> list[_Step]:
    """Everything but the statistics."""
    if not any(due.windows for due in plan.periods):
        return []
    steps = [_Step(EnrollmentsTask(), ("enrollments",), (), (("enrollments",),), ())]
    if plan.signal:
        steps.append(_Step(SignalTask(), ("exposures",), (("enrollments",),), (("signal",),), ()))
    exposure = (("enrollments",), ("signal",)) if plan.signal else (("enrollments",),)
    steps.append(_Step(CountsTask(), ("counts",), exposure, (), (IDENTITY,)))
    for source in plan.sources:
        steps += _source_steps(plan, source)
    return steps


def _source_steps(plan: AnalysisPlan, source: Source) -> Iterable[_Step]:
    for stage in Stage:
        reading = [read for read in source.reads if stage is (Stage.PRE if read.before_enrollment else Stage.DAY)]
        periods = [period for period in stage.periods if plan.windows(period)]
        computed = [
            metric
            for metric in plan.metrics
            if metric.source == source.name
            and any(period in metric.periods and value_windows(plan, metric, period) for period in periods)
        ]
        if not (computed or (reading and stage in (Stage.PRE, Stage.DAY))):
            continue
        reads: list[tuple[str, ...]] = [("enrollments",)]
        if plan.signal and any(Basis.EXPOSURES in metric.bases for metric in computed):
            reads.append(("signal",))
        # Days before the last enrollment are read once, for the windows before and after enrollment.
        earlier = list(Stage)[: list(Stage).index(stage)]
        reads += [("partials", source.name, before) for before in earlier if before in (Stage.PRE, Stage.DAY)]
        writes: list[tuple[str, ...]] = [("values", source.name, period) for period in periods]
        if reading:
            writes.append(("partials", source.name, stage))
        yield _Step(SourceTask(source.name, stage), (stage, source.name), tuple(reads), tuple(writes), ())


def _leaf(plan: AnalysisPlan, wanted: MetricStatistics) -> _Step:
    metric = plan.metric(wanted.metric)
    reads = [("values", plan.metric(name).source, wanted.period) for name in (metric.depends_on or (metric.name,))]
    for statistic in wanted.statistics:
        if statistic.covariate:
            covariate = statistic.covariate
            reads.append(("values", plan.metric(covariate.metric).source, covariate.period))
    words = ("stats", _short(wanted.period), metric.name)
    return _Step(StatisticsTask(wanted.period, (metric.name,)), words, tuple(reads), (), (metric.name,))


def _short(period: Period) -> str:
    return period.value.replace("preenrollment_", "pre-")


def _batched(plan: AnalysisPlan, leaves: list[_Step], *, room: int) -> list[_Step]:
    """Batch statistics by (period, source), the period with the most leaves first, until they fit in `room`."""

    def period(step: _Step) -> Period:
        assert isinstance(step.task, StatisticsTask)  # leaves are nothing else
        return step.task.period

    while len(leaves) > room:
        sizes = {p: sum(period(leaf) is p and len(leaf.metrics) == 1 for leaf in leaves) for p in Period}
        largest = max(sizes, key=lambda p: sizes[p])
        groups: dict[str, list[_Step]] = {}
        for leaf in leaves:
            if period(leaf) is largest:
                groups.setdefault(plan.metric(leaf.metrics[0]).source, []).append(leaf)
        if not sizes[largest] or all(len(group) == 1 for group in groups.values()):
            break
        batches = [_batch(largest, source, group) for source, group in groups.items()]
        leaves = [*(leaf for leaf in leaves if period(leaf) is not largest), *batches]
    return leaves


def _batch(period: Period, source: str, leaves: list[_Step]) -> _Step:
    metrics = tuple(metric for leaf in leaves for metric in leaf.metrics)
    reads = tuple(dict.fromkeys(relation for leaf in leaves for relation in leaf.reads))
    words = ("stats", _short(period), "all", source or "derived")
    return _Step(StatisticsTask(period, metrics), words, reads, (), metrics)


def _linked(steps: list[_Step]) -> tuple[Node, ...]:
    """Give every step an id, and an edge from the steps that write what it reads; no edge that others imply."""
    names = unique_names(step.words for step in steps)
    writer = {relation: names[step.words] for step in steps for relation in step.writes}
    dependencies = {
        names[step.words]: list(dict.fromkeys(writer[relation] for relation in step.reads if relation in writer))
        for step in steps
    }
    by_id = {names[step.words]: step for step in steps}
    order = list(TopologicalSorter(dependencies).static_order())
    ancestors: dict[str, set[str]] = {}
    for id in order:
        ancestors[id] = set(dependencies[id]).union(*(ancestors[dependency] for dependency in dependencies[id]))
    kept = {
        id: tuple(
            dependency
            for dependency in dependencies[id]
            if not any(dependency in ancestors[other] for other in dependencies[id])
        )
        for id in by_id
    }
    metrics = {id: list(step.metrics) for id, step in by_id.items()}
    for id in reversed(order):
        for dependency in kept[id]:
            metrics[dependency] = list(dict.fromkeys([*metrics[dependency], *metrics[id]]))
    # In the order of the steps, which is one in which they can run: a step reads what earlier ones write.
    return tuple(Node(id, step.task, kept[id], tuple(sorted(metrics[id]))) for id, step in by_id.items())
