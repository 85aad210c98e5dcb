"""What becomes of a manifest's Workflow when this machine is the cluster."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from jetstream_argo.argo.emulator.graph import Phase, may_start, needs, phase_of, targets, wanted
from jetstream_argo.argo.emulator.manifest import Manifest, Task, Workflow
from jetstream_argo.argo.emulator.pods import Here, PodRun, lay_out, run_pod
from jetstream_argo.argo.emulator.processes import Processes
from jetstream_argo.argo.emulator.substitution import substituted
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, PlanError, UnknownReference


@dataclass(frozen=True, slots=True)
class NodeRun:
    """Where a node is, and what its pod came to once it has ended."""

    name: str
    phase: Phase
    pod: PodRun | None = None
    was_done: bool = False

    @property
    def message(self) -> str:
        """What the last attempt said."""
        return self.pod.attempts[-1].message if self.pod else ""

    @property
    def exit_code(self) -> int:
        """The exit code of the last attempt."""
        return self.pod.attempts[-1].exit_code if self.pod else EXIT_DONE

    @property
    def seconds(self) -> float:
        """How long its processes ran, all attempts together."""
        return sum(attempt.seconds for attempt in self.pod.attempts) if self.pod else 0.0


@dataclass(frozen=True, slots=True)
class WorkflowRun:
    """How all nodes ended; `nodes` holds those that the targets need, and the one of onExit last."""

    phase: Phase
    nodes: tuple[NodeRun, ...]

    @property
    def exit_code(self) -> int:
        """0 when all succeeded; 75 when a retry may do more, and 2 when only a changed definition will."""
        if self.phase is Phase.SUCCEEDED:
            return EXIT_DONE
        failed = [node for node in self.nodes if node.phase is Phase.FAILED]
        return EXIT_DEFINITION if all(node.exit_code == EXIT_DEFINITION for node in failed) else EXIT_RETRY


Watch = Callable[[NodeRun], None]


def interpret(
    manifest: Manifest,
    parameters: Mapping[str, str],
    here: Here,
    *,
    watch: Watch,
    done: frozenset[str] = frozenset(),
) -> WorkflowRun:
    """Run a manifest's Workflow to its end, as Argo would.

    Args:
        manifest: as read from its file.
        parameters: values that go before those in the manifest, as with `argo submit -p`.
        here: what stands for the cluster.
        watch: is told whenever a node starts or ends.
        done: nodes that succeeded in an earlier run and are not run again, as with `argo retry`.

    Raises:
        PlanError: a target does not exist, so that Argo would refuse the Workflow; nothing has run.
    """
    workflow = manifest.workflow
    known = _known(workflow, parameters)
    for graph in workflow.spec.graphs:  # all but the last hold one task, the next graph
        aims = targets(graph, substituted(graph.target, known))
        tasks = wanted(graph, aims)
    lay_out(manifest, here)
    processes = Processes()
    run = _Run(workflow, known, here, processes, watch)
    try:
        nodes = run.graph(tasks, done)
        phase = phase_of(tasks, aims, {node.name: node.phase for node in nodes})
        if workflow.spec.on_exit:
            last = run.on_exit(phase)
            nodes = (*nodes, last)
            phase = phase if last.phase is Phase.SUCCEEDED else last.phase
    except BaseException:
        processes.stop()
        raise
    return WorkflowRun(phase, nodes)


def _known(workflow: Workflow, parameters: Mapping[str, str]) -> dict[str, str]:
    own = {parameter.name: parameter.value for parameter in workflow.spec.arguments.parameters}
    for name, value in parameters.items():
        if name not in own:
            raise UnknownReference("parameter", name, known=own, used_by="-p")
        if "{{" in value:
            raise PlanError(f"-p {name}={value!r}: Argo would evaluate what is in braces; give a plain value")
    known = {f"workflow.parameters.{name}": value for name, value in {**own, **parameters}.items()}
    name = workflow.metadata.name or f"{workflow.metadata.generate_name}here"
    return {**known, "workflow.name": name}


@dataclass(frozen=True, slots=True)
class _Run:
    workflow: Workflow
    known: Mapping[str, str]
    here: Here
    processes: Processes
    watch: Watch

    def graph(self, tasks: tuple[Task, ...], done: frozenset[str]) -> tuple[NodeRun, ...]:
        """Return how the tasks ended. What each waits for is before it."""
        ended: dict[str, NodeRun] = {}
        running: dict[Future[NodeRun], str] = {}
        most = min(self.here.jobs, self.workflow.spec.parallelism)
        with ThreadPoolExecutor(most) as threads:
            try:
                while len(ended) < len(tasks):
                    for task in self._ready(tasks, ended, set(running.values()), most - len(running)):
                        self._start(task, ended, running, threads, done)
                    for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                        ended[running.pop(future)] = future.result()
                        self.watch(future.result())
            except BaseException:
                self.processes.stop()  # before the threads are waited for
                raise
        return tuple(ended[task.name] for task in tasks)

    def _ready(self, tasks: tuple[Task, ...], ended: Mapping[str, NodeRun], running: set[str], room: int) -> list[Task]:
        waiting = [task for task in tasks if task.name not in ended and task.name not in running]
        return [task for task in waiting if all(need in ended for need in needs(task))][:room]

    def _start(
        self,
        task: Task,
        ended: dict[str, NodeRun],
        running: dict[Future[NodeRun], str],
        threads: ThreadPoolExecutor,
        done: frozenset[str],
    ) -> None:
        if task.name in done:
            ended[task.name] = NodeRun(task.name, Phase.SUCCEEDED, was_done=True)
        elif not may_start(task, {name: node.phase for name, node in ended.items()}):
            ended[task.name] = NodeRun(task.name, Phase.OMITTED)
        else:
            self.watch(NodeRun(task.name, Phase.RUNNING))
            running[threads.submit(self._pod, task.name, task.template, _inputs(task, self.known))] = task.name
            return
        self.watch(ended[task.name])

    def on_exit(self, phase: Phase) -> NodeRun:
        """Run what runs whatever happened."""
        name = self.workflow.spec.on_exit
        self.watch(NodeRun(name, Phase.RUNNING))
        node = self._pod(name, name, {"workflow.status": str(phase)})
        self.watch(node)
        return node

    def _pod(self, name: str, template: str, more: Mapping[str, str]) -> NodeRun:
        found = self.workflow.spec.template(template)
        known = {**self.known, **more}
        pod = run_pod(self.workflow, found, known, name=name, here=self.here, processes=self.processes)
        return NodeRun(name, pod.attempts[-1].phase, pod)


def _inputs(task: Task, known: Mapping[str, str]) -> dict[str, str]:
    given = task.arguments.parameters
    return {f"inputs.parameters.{parameter.name}": substituted(parameter.value, known) for parameter in given}
