"""Says whether an installation can work, before anything is run."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.cluster_options import CLUSTER, namespace_option, with_options
from jetstream_argo.cli.options import json_option, warehouse_option
from jetstream_argo.cli.planning import day, sources, where_options
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, ConfigError
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.argo.doctor.checks import DoctorCheck

_COLORS = {"ok": None, "wrong": "red", "unknown": "yellow"}


@click.command(epilog="Example: jetstream-argo doctor --warehouse 'bigquery:my-project?location=US'")
@where_options
@warehouse_option
@with_options(CLUSTER)
@namespace_option
@click.option(
    "--limits",
    envvar="JETSTREAM_LIMITS",
    default="jetstream-limits",
    show_default=True,
    help="The ConfigMap of semaphores; '' for none.",
)
@click.option(
    "--role",
    type=click.Choice(["operator", "planner"]),
    default="operator",
    show_default=True,
    help="Whose rights this account is to have.",
)
@click.option("--argo-namespace", default="argo", show_default=True, help="Where Argo's controller is installed.")
@click.option("--no-cluster", is_flag=True, help="Look at the warehouse and the definitions only.")
@json_option
def doctor(
    definitions: tuple[Path, ...],
    experiments: str | None,
    conventions: tuple[Path, ...],
    dataset: str | None,
    warehouse: str,
    as_json: bool,
    **cluster: Any,
) -> int:
    """Check warehouse, definitions and cluster, and say in a line each what is wrong and what to do.

    BigQuery is asked, too, which tables of live experiments, or else of all definitions, may give this account a part
    of their rows or values without an error. A small table is made in the dataset, written to and deleted; nothing is
    changed in the cluster. Ends with 0 if nothing is wrong, else with 2. What this account cannot look at is unknown,
    which is no fault.
    """
    from jetstream_argo.argo.doctor.checks import Condition, findings
    from jetstream_argo.argo.doctor.definitions import definition_checks
    from jetstream_argo.argo.doctor.telemetry import telemetry_checks
    from jetstream_argo.argo.doctor.warehouse import warehouse_checks
    from jetstream_argo.argo.due.planning import Planning

    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        paths = cache(partial(_definitions, definitions, Path(scratch)))

        def planning() -> Planning:
            return Planning(sources(paths(), experiments, None, conventions), day(None), dataset, None)

        checks = (
            *warehouse_checks(warehouse, dataset or _default_dataset(conventions)),
            *definition_checks(paths, experiments, conventions),
            *telemetry_checks(warehouse, planning),
            *_cluster_checks(**cluster),
        )
        found = []
        for finding in findings(checks):
            found.append(finding)
            if not as_json:
                say(finding.line, color=_COLORS[finding.state])
    if as_json:
        say(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    return EXIT_DEFINITION if any(finding.state is Condition.WRONG for finding in found) else EXIT_DONE


def _default_dataset(conventions: Sequence[Path]) -> str:
    """Return where results go by default; mistakes in conventions are left to their own check."""
    from jetstream_argo.config.conventions.load import load_conventions

    try:
        return load_conventions(conventions).default_dataset
    except ConfigError:
        return load_conventions().default_dataset


def _definitions(given: tuple[Path, ...], scratch: Path) -> tuple[Path, ...]:
    url = os.environ.get("JETSTREAM_DEFINITIONS_ARCHIVE")
    if not url:
        return given
    from jetstream_argo.argo.due.archive import unpack_archive

    return (unpack_archive(url, scratch), *given)


def _cluster_checks(
    *,
    kubeconfig: str | None,
    context: str | None,
    namespace: str,
    limits: str,
    role: str,
    argo_namespace: str,
    no_cluster: bool,
) -> "tuple[DoctorCheck, ...]":
    """Return the checks of the cluster that the options lead to, or a check that says why there is no cluster."""
    from jetstream_argo.argo.doctor.checks import DoctorCheck, NotKnownError
    from jetstream_argo.extras import require

    if no_cluster:
        return ()
    try:
        require("argo", wanted_by="the cluster")
        from jetstream_argo.argo.cluster.surroundings import KubernetesSurroundings

        cluster = KubernetesSurroundings(namespace=namespace, kubeconfig=kubeconfig, context=context)
    except ConfigError as error:
        is_wanted, reason = bool(kubeconfig or context or os.environ.get("KUBECONFIG")), error

        def none_found() -> str:
            raise reason if is_wanted else NotKnownError(str(reason))

        return (DoctorCheck("cluster", none_found),)
    from jetstream_argo.argo.doctor.cluster import cluster_checks

    return cluster_checks(
        cluster, role=role, limits=limits, argo_namespace=argo_namespace, now=lambda: datetime.now(UTC)
    )
