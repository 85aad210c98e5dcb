"""Names workflows and their labels, and finds names that Argo would confuse."""

import hashlib
import re
from collections.abc import Collection, Iterable

from jetstream_argo.argo.manifest.deployment import APP
from jetstream_argo.dag.names import readable
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.model import AnalysisPlan

LONGEST = 63  # Kubernetes' limit for a label's value; Argo labels pods with their workflow's name

ON_EXIT = "onExit"  # how Argo calls the node of the exit handler, whatever its template

_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_TASK = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_LONGEST_TASK = 128  # validation_utils.go
# Words of the language in which Argo evaluates `depends`; a task called so fails when the workflow runs.
_KEYWORDS = frozenset("in not and or let matches contains true false nil startswith endswith if else".split())
_ATTEMPTS = 8  # suffixes `(0)`, `(1)`… of one node, more than any retry limit here


def workflow_name(plan: AnalysisPlan, sha256: str, metrics: Collection[str] = (), *, attempt: int = 1) -> str:
    """Return the name of the one workflow for this plan and choice of metrics, and of its further attempts."""
    key = hashlib.sha256("\0".join([sha256, *sorted(metrics)]).encode()).hexdigest() if metrics else sha256
    tail = f"{key[:8]}-{attempt}" if attempt > 1 else key[:8]
    return name_prefix(plan, room=len(tail)) + tail


def name_prefix(plan: AnalysisPlan, *, room: int = 8) -> str:
    """Return what the names of all workflows of this experiment and date begin with, and leave room for the rest."""
    tail = f"-{plan.as_of}-"
    slug = readable(plan.experiment.slug)[: LONGEST - len(tail) - len("jetstream-") - room]
    return f"jetstream-{slug}".rstrip("-") + tail


def label(text: str) -> str:
    """Return `text` if Kubernetes takes it as a label's value, else a readable form of it with a hash."""
    if _LABEL.fullmatch(text) and len(text) <= LONGEST:
        return text
    tail = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{readable(text)[: LONGEST - 9]}-{tail}".lstrip("-")


def labels(plan: AnalysisPlan, sha256: str) -> dict[str, str]:
    """Return the labels by which an experiment's workflows and pods are found."""
    return {
        "app.kubernetes.io/name": APP,
        f"{APP}/experiment": label(plan.experiment.slug),
        f"{APP}/as-of": str(plan.as_of),
        f"{APP}/plan": sha256[:16],
    }


def refuse_unusable(tasks: Iterable[str]) -> None:
    """Raise if Argo cannot name a task so, in one template."""
    seen: set[str] = set()
    for task in tasks:
        if not _TASK.fullmatch(task) or len(task) > _LONGEST_TASK or task.lower() in _KEYWORDS:
            raise PlanError(f"node {task!r}: Argo cannot name a task so; letters, digits and '-' are allowed")
        if task in seen:
            raise PlanError(f"node {task!r}: two nodes have this name; rename one's metric or data source")
        seen.add(task)


def refuse_one_id(workflow: str, nodes: Iterable[str]) -> None:
    """Raise if Argo would take two nodes for one: it knows them by a 32-bit hash, and skips the second silently.

    `nodes` are their names below the workflow's, such as `experiment.day-clients`.

    Source:
        Workflow.NodeID in workflow_types.go; argoproj/argo-workflows#16883.
    """
    ids: dict[int, str] = {}
    for node in nodes:
        task = f"{workflow}.{node}"
        of_task = _fnv32a(task)
        for attempt in ("", *(f"({number})" for number in range(_ATTEMPTS))):
            name = f"{task}{attempt}"
            if (other := ids.setdefault(_fnv32a(attempt, of_task), name)) != name:
                raise PlanError(f"{workflow}: Argo takes nodes {other!r} and {name!r} for one; change the as-of date")


def _fnv32a(text: str, before: int = 0x811C9DC5) -> int:
    """Return the hash of a text, or of what has the hash `before` and then the text."""
    number = before
    for byte in text.encode():
        number = ((number ^ byte) * 0x01000193) & 0xFFFFFFFF
    return number
