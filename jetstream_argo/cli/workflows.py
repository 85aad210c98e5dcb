"""Workflows for a cluster: printed, submitted for one experiment, submitted for all that are live."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click

from jetstream_argo.cli.cluster_options import CLUSTER, DEPLOYMENT, cluster_of, deployment_of, with_options
from jetstream_argo.cli.planning import day, planned, planning_options, sources, where_options
from jetstream_argo.cli.task import chosen
from jetstream_argo.cli.watching import watched
from jetstream_argo.config.dates import sane
from jetstream_argo.errors import EXIT_DONE
from jetstream_argo.files import write_file
from jetstream_argo.terminal.text import deliver, say


@click.command()
@planning_options
@with_options(DEPLOYMENT)
@click.option("--metrics", default="", help="The choice of metrics to begin with; comma-separated.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
def workflow(metrics: str, output: Path | None, **options: Any) -> None:
    """Print the Argo Workflow of EXPERIMENT, for `argo submit`."""
    from jetstream_argo.argo.documents import size
    from jetstream_argo.argo.emit import emit, manifest
    from jetstream_argo.engines.objects import keep

    deployment = deployment_of(options)
    emitted = emit(planned(**options), deployment, metrics=chosen(metrics), once=False)
    if emitted.carrier.url:
        keep(emitted.carrier.url, emitted.carrier.data)
        say(f"wrote the plan to {emitted.carrier.url}", err=True)
    if emitted.carrier.config_map:
        say("the plan is large: create its ConfigMap first, with `kubectl create -f`", err=True)
    if output is None:
        deliver(manifest(emitted))
        return
    write_file(output, manifest(emitted))
    say(f"wrote {output} ({size(emitted.workflow):,} bytes as JSON)", err=True)


@click.command()
@planning_options
@with_options(DEPLOYMENT + CLUSTER)
@click.option("--metrics", default="", help="Compute only these and what they need; comma-separated.")
@click.option("--watch/--no-watch", default=False, help="Stay and show how it goes.")
def submit(metrics: str, watch: bool, kubeconfig: str | None, context: str | None, **options: Any) -> int:
    """Create the Workflow of EXPERIMENT in the cluster, unless it is there already."""
    from jetstream_argo.argo.emit import emit
    from jetstream_argo.argo.pod import pod
    from jetstream_argo.argo.submit import submit as create

    deployment = deployment_of(options)
    options["as_of"] = options["as_of"] or None  # a template's empty parameter
    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        plan = planned(**_with_archive(options, Path(scratch)))
    cluster = cluster_of(kubeconfig, context, deployment.namespace)
    submitted = create(emit(plan, deployment, metrics=chosen(metrics)), cluster)
    line = f"{submitted.name} {'submitted' if submitted.is_new else 'exists already'}"
    pod(os.environ).say(line)
    say(line)
    return watched(cluster, submitted.name) if watch else EXIT_DONE


@click.command("submit-due")
@where_options
@with_options(DEPLOYMENT + CLUSTER)
@click.option(
    "--date", "when", required=True, metavar="DATE|TIME", help="Telemetry is complete until DATE, or TIME's day before."
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0),
    default=20,
    show_default=True,
    envvar="JETSTREAM_DEADLINE_HOURS",
    help="Hours after the day's end from which it is a failure if a source is not there yet.",
)
def submit_due(when: str, deadline: float, kubeconfig: str | None, context: str | None, **options: Any) -> int:
    """Create the Workflow of every live experiment. One that cannot be planned is reported and stops no other."""
    from jetstream_argo.argo.anew import submit_anew
    from jetstream_argo.argo.due import Candidate, candidates, submit_due
    from jetstream_argo.argo.emit import emit
    from jetstream_argo.argo.looking import is_last_look, look, nothing_known
    from jetstream_argo.argo.pod import pod
    from jetstream_argo.argo.submit import Submitted
    from jetstream_argo.plan.model import AnalysisPlan
    from jetstream_argo.planner import plan_known

    deployment = deployment_of(options)
    as_of = scheduled(when)
    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        chosen_options = _with_archive(options, Path(scratch))
        if not chosen_options["experiments"]:
            raise click.UsageError("say where experiments are: --experiments URL, a file, or a folder of files")
        found, unreadable = candidates(chosen_options["experiments"])
        where = sources(chosen_options["definitions"], None, None, chosen_options["conventions"])
        cluster = cluster_of(kubeconfig, context, deployment.namespace)

        def plan(candidate: Candidate) -> AnalysisPlan:
            dataset = chosen_options["dataset"]
            return plan_known(candidate.experiment, candidate.spec, where, as_of=as_of, dataset=dataset).plan

        def submit(made: AnalysisPlan) -> Submitted:
            found = look(made, nothing_known)
            return replace(
                submit_anew(lambda number: emit(found.plan, deployment, attempt=number), cluster), waits=found.waits
            )

        report = submit_due(
            found,
            as_of=as_of,
            plan=plan,
            submit=submit,
            tell=lambda entry: say(f"{entry.state}: {entry.slug}: {entry.line}"),
            before=unreadable,
            is_last="T" in when and is_last_look(_time(when), as_of, hours=deadline),
        )
    pod(os.environ).say(report.line)
    say(report.line)
    return report.exit_code


def scheduled(when: str) -> date:
    """Return the last day of complete telemetry: a date as it is, and the day before a point in time.

    The time is the one that the schedule says, not that at which the planner happens to run.
    """
    if "T" not in when:
        return day(when)
    return _time(when).date() - timedelta(days=1)


def _time(when: str) -> datetime:
    try:
        at = datetime.fromisoformat(when).astimezone(UTC)
        sane(at.date() - timedelta(days=1))
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{when!r} is no time such as 2026-05-31T05:00:00Z", param_hint="--date") from error
    return at


def _with_archive(options: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """Return the planning options, with the archive of definitions that the environment names as the first of them."""
    url = os.environ.get("JETSTREAM_DEFINITIONS_ARCHIVE")
    if not url:
        return options
    from jetstream_argo.argo.archive import unpack_archive

    return {**options, "definitions": (unpack_archive(url, scratch), *options["definitions"])}
