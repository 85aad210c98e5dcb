"""Workflows in a cluster, watched and retried, for people who have no other tool for it."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from jetstream_argo.cli.cluster_options import CLUSTER, cluster_of, namespace_option, with_options
from jetstream_argo.errors import EXIT_DONE, EXIT_RETRY
from jetstream_argo.extras import require
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.argo.cluster.client import KubernetesCluster

_POLL_SECONDS = 2


@click.command(epilog="Example: jetstream-argo retry new-checkout-20260615-0a1b2c --watch")
@click.argument("name")
@namespace_option
@with_options(CLUSTER)
@click.option("--watch/--no-watch", default=False, help="Stay and show how it goes.")
def retry(name: str, namespace: str, kubeconfig: str | None, context: str | None, watch: bool) -> int:
    """Run what failed in the Workflow NAME again, and what waited for it; nothing else runs."""
    require("argo", wanted_by="retry")
    from jetstream_argo.argo.cluster.retry import retried, seconds_until_settled
    from jetstream_argo.argo.cluster.status import status_of

    cluster = cluster_of(kubeconfig, context, namespace)
    time.sleep(seconds_until_settled(status_of(cluster.workflow(name)), datetime.now(UTC)))
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    again = retried(cluster.workflow(name), now=now)
    # Pods first: one that is still there would be taken for the node's new one.
    cluster.delete_pods(name, again.deleted)
    cluster.replace(again.workflow)
    say(f"{name} runs again: set back {counted(len(again.deleted), 'node')}")
    return watched(cluster, name) if watch else EXIT_DONE


@click.command(epilog="Example: jetstream-argo watch new-checkout-20260615-0a1b2c")
@click.argument("name", required=False)
@namespace_option
@with_options(CLUSTER)
@click.option("--once", is_flag=True, help="Print it and go.")
def watch(name: str | None, namespace: str, kubeconfig: str | None, context: str | None, once: bool) -> int:
    """Show the Workflow NAME until it ends; without NAME, list those that are in the cluster."""
    require("argo", wanted_by="watch")
    from jetstream_argo.argo.cluster.status import status_of
    from jetstream_argo.argo.cluster.view import listed, shown
    from jetstream_argo.terminal.console import EscapingConsole

    cluster = cluster_of(kubeconfig, context, namespace)
    if name is None:
        found = [status_of(workflow) for workflow in cluster.workflows("app.kubernetes.io/name=jetstream-argo")]
        EscapingConsole().print(listed([status for status in found if status.experiment]))
        return EXIT_DONE
    if once:
        EscapingConsole().print(shown(status_of(cluster.workflow(name))))
        return EXIT_DONE
    return watched(cluster, name)


def watched(cluster: "KubernetesCluster", name: str) -> int:
    """Show a Workflow until it ends."""
    from rich.live import Live

    from jetstream_argo.argo.cluster.status import status_of
    from jetstream_argo.argo.cluster.view import shown
    from jetstream_argo.terminal.console import EscapingConsole

    with Live(console=EscapingConsole(), refresh_per_second=4) as live:
        while not (status := status_of(cluster.workflow(name))).is_over:
            live.update(shown(status))
            time.sleep(_POLL_SECONDS)
        live.update(shown(status))
    return EXIT_DONE if status.phase == "Succeeded" else EXIT_RETRY
