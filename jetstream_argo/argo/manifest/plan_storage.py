"""Stores a workflow's plan: in the workflow itself, in a ConfigMap beside it, or in an object named by its hash."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

from jetstream_argo.argo.manifest import transport
from jetstream_argo.argo.manifest.deployment import APP, Deployment
from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.errors import PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan

FOLDER = "/etc/jetstream"  # where pods see the ConfigMap
_FILE = "plan.json.gz"
_LARGEST_CONFIG_MAP = 1000 * 1024  # bytes as written; Kubernetes takes 1 MiB


@dataclass(frozen=True, slots=True)
class PlanStorage:
    """One way to carry a plan: the variable that leads pods to it, and what must exist for that.

    `data` is to be put at `url`, if there is one.
    """

    variable: str
    value: str
    config_map: Document | None = None
    url: str = ""
    data: bytes = b""

    @property
    def config_map_name(self) -> str:
        """The name of the ConfigMap that pods mount; empty if they mount none."""
        metadata = (self.config_map or {}).get("metadata")
        return str(metadata["name"]) if isinstance(metadata, dict) else ""


def possible_storages(plan: AnalysisPlan, deployment: Deployment) -> Iterator[PlanStorage]:
    """Yield the ways to carry `plan`, the simplest first.

    Raises:
        PlanError: it fits in none, and the deployment names no folder for objects.
    """
    packed = transport.pack(plan)
    if len(packed) <= transport.LARGEST_TEXT:
        yield PlanStorage(transport.PLAN, packed)
    data, sha256 = transport.compressed(plan), codec.sha256(plan)
    if deployment.plans:
        url = f"{deployment.plans.rstrip('/')}/{sha256}.json.gz"
        yield PlanStorage(transport.PLAN_URL, url, url=url, data=data)
    elif len(data) * 4 // 3 > _LARGEST_CONFIG_MAP:
        raise PlanError(
            f"{plan.experiment.slug}: the plan has {len(data)} bytes, too many for a ConfigMap; "
            f"name a folder for plans, such as gs://BUCKET/plans"
        )
    else:
        yield PlanStorage(transport.PLAN_FILE, f"{FOLDER}/{_FILE}", config_map=_config_map(sha256, data, deployment))


def _config_map(sha256: str, data: bytes, deployment: Deployment) -> Document:
    metadata: dict[str, object] = {
        "name": f"jetstream-plan-{sha256[:32]}",
        "labels": {"app.kubernetes.io/name": APP, f"{APP}/plan": sha256[:16]},
    }
    if deployment.namespace:
        metadata["namespace"] = deployment.namespace
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "immutable": True,
        "binaryData": {_FILE: base64.b64encode(data).decode()},
    }
