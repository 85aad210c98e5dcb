"""Lays the nodes of a DAG out in Argo's graph: which of them share a group, and what each is called there.

Argo's UI shows of more than three children the first, the last, and a grey "N hidden nodes" between. Statistics that
wait for the same nodes are therefore a graph of their own, whose node turns red when one of them fails.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from jetstream_argo.argo.manifest.titles import distinct
from jetstream_argo.dag.build import gives_results, is_target
from jetstream_argo.dag.model import Dag, Node, SourceTask, StatisticsTask
from jetstream_argo.dag.names import readable

_FEWEST = 2  # statistics that are worth a group


@dataclass(frozen=True, slots=True)
class LeafGroup:
    """Statistics of one period that wait for the same nodes."""

    title: str
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class WorkflowLayout:
    """The nodes of a Workflow by what Argo calls them: `single` ones, and those in `groups`."""

    titles: Mapping[str, str]
    single: tuple[Node, ...]
    groups: tuple[LeafGroup, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes that have a pod."""
        return (*self.single, *(node for group in self.groups for node in group.nodes))

    @property
    def pods(self) -> int:
        """How many pods there are without retries, that of the exit handler left out."""
        return len(self.nodes)

    def dependencies(self, node: Node) -> tuple[str, ...]:
        """Return the titles of the nodes that `node`, or the group that it is in, waits for, sorted."""
        return tuple(sorted(self.titles[dependency] for dependency in node.dependencies))

    def names(self) -> Iterator[str]:
        """Yield the names of all tasks below that of the whole graph, such as `week-clients-stats.week-uri-count`."""
        yield from (self.titles[node.id] for node in self.single)
        for group in self.groups:
            yield group.title
            yield from (f"{group.title}.{self.titles[node.id]}" for node in group.nodes)

    def targets(self) -> Mapping[str, tuple[str, ...]]:
        """Return the tasks of the whole graph that have each metric's results."""
        places = [(self.titles[node.id], (node,)) for node in self.single]
        return _by_metric([*places, *((group.title, group.nodes) for group in self.groups)])

    def targets_in(self, group: LeafGroup) -> Mapping[str, tuple[str, ...]]:
        """Return the tasks of a group that have each metric's results."""
        return _by_metric((self.titles[node.id], (node,)) for node in group.nodes)


def layout(dag: Dag) -> WorkflowLayout:
    """Return where in Argo's graph each node is."""
    together: dict[tuple[object, ...], list[Node]] = {}
    for node in dag.nodes:
        if isinstance(node.task, StatisticsTask):
            together.setdefault((node.task.period, *node.dependencies), []).append(node)
    grouped = [tuple(nodes) for nodes in together.values() if len(nodes) >= _FEWEST]
    wanted = {node.id: _wanted(node) for node in dag.nodes}
    # A group is known by its first node here, since no node has an id with a space.
    titles = distinct({**wanted, **{_key(nodes): _group_title(dag, nodes) for nodes in grouped}})
    inside = {node.id for nodes in grouped for node in nodes}
    return WorkflowLayout(
        titles=titles,
        single=tuple(node for node in dag.nodes if node.id not in inside),
        groups=tuple(LeafGroup(titles[_key(nodes)], nodes) for nodes in grouped),
    )


def _key(nodes: tuple[Node, ...]) -> str:
    return f"group of {nodes[0].id}"


def _wanted(node: Node) -> str:
    return node.id.removeprefix("stats-") if isinstance(node.task, StatisticsTask) else node.id


def _group_title(dag: Dag, nodes: tuple[Node, ...]) -> str:
    """Return the words for a group: its period, and the sources whose values it takes."""
    needed = [dag.node(dependency) for dependency in nodes[0].dependencies]
    sources = dict.fromkeys(
        dependency.id.removeprefix(f"{dependency.task.stage.value}-")
        for dependency in needed
        if isinstance(dependency.task, SourceTask)
    )
    task = nodes[0].task
    assert isinstance(task, StatisticsTask)  # groups hold nothing else
    return readable(task.period.value.replace("preenrollment_", "pre-"), *sources, "stats")


def _by_metric(places: Iterable[tuple[str, tuple[Node, ...]]]) -> Mapping[str, tuple[str, ...]]:
    results = [(title, node) for title, nodes in places for node in nodes if gives_results(node)]
    metrics = dict.fromkeys(metric for _, node in results for metric in node.metrics)
    return {
        metric: tuple(dict.fromkeys(title for title, node in results if is_target(node, metric))) for metric in metrics
    }
