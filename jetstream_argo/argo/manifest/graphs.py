"""The graphs of a Workflow: the experiment's turn, the experiment's graph in it, and groups of statistics in that.

Edges are strict: what tolerates a failure and succeeds bars its retry. Groups are last in the graph, and nothing waits
for them.
"""

from hera.workflows import DAG
from hera.workflows import models as m

from jetstream_argo.argo.manifest import container, locks, target
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.layout import LeafGroup, WorkflowLayout
from jetstream_argo.dag.model import (
    CountsTask,
    EnrollmentsTask,
    ExportTask,
    Node,
    SignalTask,
    SourceTask,
    StatisticsTask,
    Task,
)
from jetstream_argo.plan.model import AnalysisPlan

ENTRYPOINT = "turn"
EXPERIMENT = "experiment"
PUBLISH = "publish"
# Attempts that failed before one that succeeded are among the failures, too: what counts is the graph.
HAS_FAILED = f"{{{{= workflow.failures matches 'displayName[^a-z]+{EXPERIMENT}[^a-z]+message' }}}}"


def graphs(plan: AnalysisPlan, layout: WorkflowLayout, deployment: Deployment) -> tuple[DAG, ...]:
    """Return the template that waits for the experiment's turn, its only task, and the groups in that."""
    turn, slot = locks.turn(plan.experiment.slug), locks.slot(deployment)
    tasks = [
        *(_task(node, layout, depends=layout.dependencies(node)) for node in layout.single),
        *(_whole_group(group, layout) for group in layout.groups),
    ]
    outer = DAG(
        name=ENTRYPOINT,
        fail_fast=False,
        # A failure is for publishing to tell, whose message becomes the Workflow's: that of a graph is empty in Argo.
        tasks=[m.DAGTask(name=EXPERIMENT, template=EXPERIMENT, continue_on=m.ContinueOn(failed=True, error=True))],
        synchronization=turn,
    )
    whole = target.of_graph(layout.targets())
    inner = DAG(name=EXPERIMENT, fail_fast=False, target=whole, tasks=[*tasks], synchronization=slot)
    return (outer, inner, *(_group(group, layout) for group in layout.groups))


def template_of(task: Task) -> str:
    """Return the name of the template that runs a task; the UI shows it, and nodes can be selected by it."""
    match task:
        case EnrollmentsTask():
            return "enrollments"
        case SignalTask():
            return "exposures"
        case CountsTask():
            return "counts"
        case SourceTask():
            return "source"
        case StatisticsTask():
            return "statistics"
        case ExportTask():
            return PUBLISH


def _group(group: LeafGroup, layout: WorkflowLayout) -> DAG:
    tasks = [_task(node, layout, depends=()) for node in group.nodes]
    return DAG(name=group.title, fail_fast=False, target=target.of_group(layout.targets_in(group)), tasks=[*tasks])


def _whole_group(group: LeafGroup, layout: WorkflowLayout) -> m.DAGTask:
    return m.DAGTask(name=group.title, template=group.title, depends=_all(layout.dependencies(group.nodes[0])))


def _task(node: Node, layout: WorkflowLayout, *, depends: tuple[str, ...]) -> m.DAGTask:
    return m.DAGTask(
        name=layout.titles[node.id],
        template=template_of(node.task),
        depends=_all(depends),
        arguments=m.Arguments(parameters=[m.Parameter(name=container.NODE, value=node.id)]),
    )


def _all(needs: tuple[str, ...]) -> str | None:
    return " && ".join(needs) or None
