"""Creates anew a Workflow that a passing failure ended, for accounts that may only create and get."""

from collections.abc import Callable

from jetstream_argo.argo.cluster.client import Cluster
from jetstream_argo.argo.cluster.status import nodes_of, status_of
from jetstream_argo.argo.cluster.submit import Submitted, submit
from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.argo.manifest.emit import Emitted
from jetstream_argo.errors import EXIT_RETRY, EngineError

MOST = 40  # attempts for one plan: a look every hour of the day, and more


def submit_anew(attempt: Callable[[int], Emitted], cluster: Cluster) -> Submitted:
    """Create the Workflow that `attempt` emits for 1; where that ended for now, the one for 2, and so on.

    The last that is there is returned if it runs, has succeeded, or failed for good; a retry of it is then up to
    people.

    Raises:
        EngineError: the cluster or the object store refuses or does not answer. Submitting again is safe.
    """
    for number in range(1, MOST):
        submitted = submit(attempt(number), cluster)
        if submitted.is_new or not ended_for_now(cluster.workflow(submitted.name)):
            return submitted
    return submit(attempt(MOST), cluster)


def ended_for_now(workflow: Document) -> bool:
    """Return whether a Workflow failed, and some node of it at last with the exit code that promises more later.

    False where that cannot be known, since its nodes are kept in Argo's database.
    """
    try:
        status, nodes = status_of(workflow), nodes_of(workflow)
    except EngineError:
        return False
    if status.phase not in ("Failed", "Error"):
        return False
    failed = (node for node in nodes.values() if node.type == "Retry" and node.phase in ("Failed", "Error"))
    last = (nodes[node.children[-1]] for node in failed if node.children and node.children[-1] in nodes)
    return any(attempt.outputs.exit_code == str(EXIT_RETRY) for attempt in last)
