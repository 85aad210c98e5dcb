"""The facts about a cluster that a workflow on it needs to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

APP = "jetstream-argo"


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where pods run and how many.

    Attributes:
        image: the worker's image, by digest, so that retries run the code that the first attempt ran.
        warehouse: the URL of the warehouse, `bigquery:PROJECT?location=EU`.
        namespace: left to whoever submits where empty.
        service_account: what pods run as; it may use the warehouse, and nothing in Kubernetes.
        executor_account: what Argo's sidecar reports with, by a Secret `<account>.service-account-token`; where empty,
            the pod's own account, by a token of the sidecar's that lasts an hour.
        limits: the ConfigMap that holds the semaphores `experiments` and `queries`; none are used where empty.
        parallelism: the most pods of one workflow at a time.
        memory_mib: what a pod may use at its first attempt; each retry doubles it.
        plans: a file:// or gs:// folder for plans that are too large for the manifest; a ConfigMap holds them where
            empty.
        export_to: the folder that readers without a warehouse are served from, gs://BUCKET; no files where empty.
        pods: a strategic merge patch over the specification of every pod, as YAML or JSON: volumes, tolerations, node
            selectors, pull secrets, a priority class, more environment; none where empty.
        annotations: what the metadata of every pod says besides.
        page_artifact: whether `publish` leaves the result page to Argo, whose artifact repository must be configured.
        notify: the address of a webhook that `publish` tells of news; none where empty. Whoever may read Workflows sees
            it: a secret one belongs in `pods`, as a variable JETSTREAM_NOTIFY from a Secret.
    """

    image: str
    warehouse: str
    namespace: str = ""
    service_account: str = "jetstream-run"
    executor_account: str = ""
    limits: str = "jetstream-limits"
    parallelism: int = 12
    memory_mib: int = 384
    plans: str = ""
    export_to: str = ""
    pods: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    page_artifact: bool = False
    notify: str = ""
