"""The locks of the parts of a Workflow, so that Workflows wait for each other and for nobody else.

A template takes all of its locks at once, and whoever is first in a lock's queue is waited for by the others, even
where it cannot go on for want of another lock. So each template here has one lock, taken from the outside in: the
experiment's turn, then a slot among all experiments, then a query. What waits for its turn stands in no other queue.

Source: workflow/sync/semaphore.go of argo-workflows 4.0.5, `checkAcquire`.
"""

from hera.workflows import models as m

from jetstream_argo.argo.manifest import names
from jetstream_argo.argo.manifest.deployment import Deployment


def turn(slug: str) -> m.Synchronization:
    """Return the lock that one Workflow of an experiment has at a time: two would read the same days twice."""
    return m.Synchronization(mutexes=[m.Mutex(name=f"jetstream-{names.label(slug)}")])


def slot(deployment: Deployment) -> m.Synchronization | None:
    """Return the limit of experiments that are analysed at a time; None without a ConfigMap of limits."""
    return _limit(deployment, "experiments")


def query(deployment: Deployment) -> m.Synchronization | None:
    """Return the limit of queries that run at a time; None without a ConfigMap of limits."""
    return _limit(deployment, "queries")


def _limit(deployment: Deployment, key: str) -> m.Synchronization | None:
    if not deployment.limits:
        return None
    selector = m.ConfigMapKeySelector(name=deployment.limits, key=key)
    return m.Synchronization(semaphores=[m.SemaphoreRef(config_map_key_ref=selector)])
