"""The options by which commands say which cluster they mean and what its pods are to be."""

import os
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.options import within_most_bytes
from jetstream_argo.extras import require
from jetstream_argo.terminal.text import warn
from jetstream_argo.warehouse.connect import settings as warehouse_settings

if TYPE_CHECKING:
    from jetstream_argo.argo.cluster.client import KubernetesCluster
    from jetstream_argo.argo.manifest.deployment import Deployment

namespace_option = click.option(
    "--namespace", "-n", envvar="JETSTREAM_NAMESPACE", default="", help="Default: the kubeconfig's."
)
DEPLOYMENT = (
    click.option("--image", envvar="JETSTREAM_IMAGE", help="The worker's image, by digest."),
    click.option(
        "--warehouse", envvar="JETSTREAM_WAREHOUSE", required=True, callback=within_most_bytes,
        help="bigquery:PROJECT?location=EU",
    ),
    namespace_option,
    click.option(
        "--limits", envvar="JETSTREAM_LIMITS", default="jetstream-limits", show_default=True,
        help="The ConfigMap of semaphores; '' for none.",
    ),
    click.option(
        "--service-account", envvar="JETSTREAM_SERVICE_ACCOUNT", default="jetstream-run", show_default=True,
        help="What the pods run as.",
    ),
    click.option(
        "--executor-account", envvar="JETSTREAM_EXECUTOR_ACCOUNT", default="",
        help="What Argo's sidecar reports with, by a Secret's token. Default: the pod's, by a short-lived one.",
    ),
    click.option(
        "--parallelism", envvar="JETSTREAM_PARALLELISM", type=click.IntRange(1), default=12, show_default=True,
        help="Pods of a Workflow at a time.",
    ),
    click.option(
        "--memory-mib", envvar="JETSTREAM_MEMORY_MIB", type=click.IntRange(64), default=384, show_default=True,
        help="Memory of a pod's first attempt; each retry doubles it.",
    ),
    click.option("--plans", envvar="JETSTREAM_PLANS", default="", help="Folder for large plans: gs://BUCKET/plans"),
    click.option(
        "--export-to", envvar="JETSTREAM_EXPORT", default="", help="Folder for JSON files and the page: gs://BUCKET"
    ),
    click.option(
        "--pods", envvar="JETSTREAM_PODS", default="", metavar="YAML",
        help="A strategic merge patch over the spec of every pod: volumes, tolerations, nodeSelector, …",
    ),
    click.option(
        "--pod-annotations", "annotations", envvar="JETSTREAM_POD_ANNOTATIONS", default="", metavar="YAML",
        help="Annotations of every pod, as a mapping.",
    ),
    click.option(
        "--page-artifact/--no-page-artifact", envvar="JETSTREAM_PAGE_ARTIFACT", default=False, show_default=True,
        help="Leave the result page to Argo's artifact repository, which must be configured.",
    ),
    click.option(
        "--notify", envvar="JETSTREAM_NOTIFY", default="", metavar="URL",
        help="A webhook that `publish` tells of results, failures, alarms, changes and delays.",
    ),
)  # fmt: skip

CLUSTER = (
    click.option(
        "--kubeconfig", type=click.Path(dir_okay=False), help="Default: KUBECONFIG, or the cluster we are in."
    ),
    click.option("--context", help="A context of the kubeconfig."),
)


def with_options(options: tuple[Callable[[Any], Any], ...]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add options to a command."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def deployment_of(options: dict[str, Any]) -> "Deployment":
    """Take the deployment out of a command's options."""
    require("argo", wanted_by="a Workflow")
    from jetstream_argo.argo.manifest.deployment import Deployment
    from jetstream_argo.argo.manifest.settings import pod_annotations, pod_patch, refuse_placeholders

    given = {name: str(value) for name, value in options.items() if value}
    read = {name: value for name, value in os.environ.items() if name.startswith("JETSTREAM_")}
    refuse_placeholders(given | {name: value for name, value in read.items() if value not in given.values()})
    warehouse_settings(options["warehouse"])
    options["pods"] = pod_patch(options["pods"], where="--pods (JETSTREAM_PODS)")
    options["annotations"] = pod_annotations(
        options["annotations"], where="--pod-annotations (JETSTREAM_POD_ANNOTATIONS)"
    )
    taken = {field.name: options.pop(field.name) for field in fields(Deployment)}
    taken["image"] = taken["image"] or f"jetstream-argo:{version('jetstream-argo')}"
    if "@sha256:" not in taken["image"]:
        warn(f"image {taken['image']!r} is not named by digest: a retry may run other code")
    return Deployment(**taken)


def cluster_of(kubeconfig: str | None, context: str | None, namespace: str) -> "KubernetesCluster":
    """Return the cluster that the options lead to."""
    require("argo", wanted_by="the cluster")
    from jetstream_argo.argo.cluster.client import KubernetesCluster  # loads the Kubernetes client

    return KubernetesCluster(namespace=namespace, kubeconfig=kubeconfig, context=context)
