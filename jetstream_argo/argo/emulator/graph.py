"""Which tasks of a graph run, when, and what becomes of the graph: Argo's rules.

Source: workflow/controller/dag.go and workflow/common/ancestry.go of argo-workflows 4.1.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from jetstream_argo.argo.emulator.expression import evaluate
from jetstream_argo.argo.emulator.functions import is_truth
from jetstream_argo.argo.emulator.manifest import Graph, Task
from jetstream_argo.errors import PlanError


class Phase(StrEnum):
    """Where a node is, in Argo's words."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    ERROR = "Error"
    OMITTED = "Omitted"

    @property
    def is_over(self) -> bool:
        """Whether the node will not change any more."""
        return self not in (Phase.PENDING, Phase.RUNNING)


_RESULT = re.compile(r"(?P<task>[a-zA-Z][-a-zA-Z0-9]*)(?:\.(?P<result>[A-Za-z]+))?")
_RESULTS = {"Succeeded": Phase.SUCCEEDED, "Failed": Phase.FAILED, "Errored": Phase.ERROR, "Omitted": Phase.OMITTED}
_NEVER = ("Skipped", "Daemoned")  # results that no task has here, since what gives them is refused


def needs(task: Task) -> tuple[str, ...]:
    """Return the tasks that `depends` speaks of."""
    return tuple(dict.fromkeys(found["task"] for found in _RESULT.finditer(task.depends)))


def targets(graph: Graph, target: str) -> tuple[str, ...]:
    """Return the tasks that the graph is for: those that `target` names, or those that no other waits for.

    Raises:
        PlanError: `target` names a task that does not exist, which Argo refuses when the workflow is submitted.
    """
    known = {task.name for task in graph.tasks}
    for name in target.split():
        if name not in known:
            hint = name.removeprefix("unknown-metric-")
            reason = f"no metric is called {hint!r}" if hint != name else "no task is called so"
            raise PlanError(f"target {name!r} is not defined: {reason}; nothing has run")
    if target.split():
        return tuple(dict.fromkeys(target.split()))
    waited_for = {need for task in graph.tasks for need in needs(task)}
    return tuple(task.name for task in graph.tasks if task.name not in waited_for)


def wanted(graph: Graph, aims: tuple[str, ...]) -> tuple[Task, ...]:
    """Return the targets and all that they wait for, in an order in which they can run.

    Raises:
        PlanError: tasks wait for each other, or for one that does not exist.
    """
    tasks = {task.name: task for task in graph.tasks}
    if len(tasks) < len(graph.tasks):
        raise PlanError("the graph has two tasks of one name")
    ordered: dict[str, Task] = {}
    open_: set[str] = set()

    def visit(name: str, by: str) -> None:
        if name in ordered:
            return
        if name not in tasks or name in open_:
            what = "which waits for it" if name in open_ else "which is no task"
            raise PlanError(f"task {by!r} waits for {name!r}, {what}")
        open_.add(name)
        for need in needs(tasks[name]):
            visit(need, name)
        ordered[name] = tasks[name]

    for aim in aims:
        visit(aim, "")
    return tuple(ordered.values())


def may_start(task: Task, phases: Mapping[str, Phase]) -> bool:
    """Return whether `depends` holds, once all that it speaks of is over; a bare name means that it succeeded.

    Raises:
        PlanError: it asks for a result that is not implemented here.
    """
    if not task.depends.strip():
        return True

    def holds(found: re.Match[str]) -> str:
        result = found["result"] or "Succeeded"
        if result in _NEVER:
            return "false"
        if result not in _RESULTS:
            raise PlanError(f"task {task.name!r}: {found[0]!r} in depends is not implemented here")
        return "true" if phases[found["task"]] is _RESULTS[result] else "false"

    return is_truth(evaluate(_RESULT.sub(holds, task.depends), {}))


def phase_of(tasks: tuple[Task, ...], aims: tuple[str, ...], phases: Mapping[str, Phase]) -> Phase:
    """Return the graph's phase, which its targets decide; one that was omitted stands for what it waited for."""
    by_name = {task.name: task for task in tasks}

    def judged(name: str) -> set[Phase]:
        if phases[name] is not Phase.OMITTED:
            return {phases[name]}
        return set().union(*(judged(need) for need in needs(by_name[name])))

    found = set().union(*(judged(aim) for aim in aims))
    return next((phase for phase in (Phase.ERROR, Phase.FAILED) if phase in found), Phase.SUCCEEDED)
