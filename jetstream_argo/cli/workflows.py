"""Workflows for a cluster: printed, submitted for one experiment, submitted for all that are live."""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from jetstream_argo.cli.cluster_options import CLUSTER, DEPLOYMENT, cluster_of, deployment_of, with_options
from jetstream_argo.cli.definitions import with_archive
from jetstream_argo.cli.options import deadline_option, metrics_option, source_option
from jetstream_argo.cli.planning import day, planned, planning_options, sources, where_options
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.cli.watching import watched
from jetstream_argo.config.dates import sane
from jetstream_argo.dag.selection import selected_metrics
from jetstream_argo.errors import EXIT_DONE
from jetstream_argo.extras import require
from jetstream_argo.storage.files import make_folder, write_file
from jetstream_argo.terminal.text import deliver, say, warn

if TYPE_CHECKING:
    from jetstream_argo.argo.cluster.submit import Submitted
    from jetstream_argo.argo.due.budget import DailyBudget
    from jetstream_argo.argo.due.looking import Look, Ready
    from jetstream_argo.argo.manifest.deployment import Deployment
    from jetstream_argo.plan.model import AnalysisPlan

    Submit: TypeAlias = Callable[[AnalysisPlan], Submitted]
    Looked: TypeAlias = Callable[[AnalysisPlan], Look]

_JOBS = min(os.cpu_count() or 1, 4)


@click.command(
    epilog="Example: jetstream-argo workflow checkout.toml --warehouse bigquery:P --image IMAGE | argo submit -"
)
@planning_options
@with_options(DEPLOYMENT)
@metrics_option
@source_option
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
def workflow(metrics: tuple[str, ...], sources: tuple[str, ...], output: Path | None, **options: Any) -> None:
    """Print the Argo Workflow of EXPERIMENT, for `argo submit`."""
    require("argo", wanted_by="workflow")
    from jetstream_argo.argo.manifest.documents import size
    from jetstream_argo.argo.manifest.emit import emit, manifest
    from jetstream_argo.storage.objects import keep

    deployment = deployment_of(options)
    plan = planned(**options)
    wanted = selected_metrics(plan, selection_of(metrics, (), sources))
    emitted = emit(plan, deployment, metrics=wanted, once=False)
    if emitted.storage.url:
        keep(emitted.storage.url, emitted.storage.data)
        say(f"wrote the plan to {emitted.storage.url}", err=True)
    if emitted.storage.config_map:
        say("the plan is large: create its ConfigMap first, with `kubectl create -f`", err=True)
    if output is None:
        deliver(manifest(emitted))
        return
    write_file(output, manifest(emitted))
    say(f"wrote {output} ({size(emitted.workflow):,} bytes as JSON)", err=True)


@click.command(
    epilog="Example: jetstream-argo submit checkout.toml --warehouse bigquery:my-project --image IMAGE --watch"
)
@planning_options
@with_options(DEPLOYMENT + CLUSTER)
@metrics_option
@source_option
@click.option("--watch/--no-watch", default=False, help="Stay and show how it goes.")
def submit(watch: bool, kubeconfig: str | None, context: str | None, **options: Any) -> int:
    """Create the Workflow of EXPERIMENT in the cluster, unless it is there already."""
    require("argo", wanted_by="submit")
    from jetstream_argo.argo.cluster.submit import submit as create
    from jetstream_argo.argo.manifest.emit import emit
    from jetstream_argo.argo.pod import pod

    selection = selection_of(options.pop("metrics"), (), options.pop("sources"))
    deployment = deployment_of(options)
    options["as_of"] = options["as_of"] or None  # a template's empty parameter
    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        plan = planned(**with_archive(options, Path(scratch)))
    cluster = cluster_of(kubeconfig, context, deployment.namespace)
    submitted = create(emit(plan, deployment, metrics=selected_metrics(plan, selection)), cluster)
    line = f"{submitted.name} {'submitted' if submitted.is_new else 'exists already'}"
    pod(os.environ).say(line)
    say(line)
    return watched(cluster, submitted.name) if watch else EXIT_DONE


@click.command(
    "submit-due",
    epilog="Example: jetstream-argo submit-due --date 2026-06-15 --warehouse bigquery:my-project --image IMAGE",
)
@where_options
@with_options(DEPLOYMENT + CLUSTER)
@click.option("--date", "when", metavar="DATE|TIME", help="Telemetry is complete until DATE, or TIME's day before.")
@click.option(
    "--live-between",
    nargs=2,
    metavar="FIRST LAST",
    help="Instead of --date: every experiment live on a day of these, as of LAST or its own end.",
)
@deadline_option("Hours after the day's end from which it is a failure if a source is not there yet.")
@click.option(
    "--readiness/--no-readiness",
    envvar="JETSTREAM_READINESS",
    default=False,
    show_default=True,
    help="Ask the warehouse's metadata which sources are late, and leave out what needs them.",
)
@click.option(
    "--bytes-per-day",
    type=click.IntRange(1),
    envvar="JETSTREAM_BYTES_PER_DAY",
    help="What an experiment may read in a day; one that would read more is reported, and not submitted.",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Write manifests here; create nothing."
)
@click.option("--jobs", "-j", type=click.IntRange(1), default=_JOBS, help="Experiments planned at a time.")
@click.option("--seconds-each", type=click.FloatRange(0.1), default=120.0, show_default=True, help="To plan one.")
@click.option("--mib-each", type=click.IntRange(64), default=768, show_default=True, help="Memory to plan one.")
def submit_due(
    when: str | None, deadline: float, readiness: bool, jobs: int, seconds_each: float, mib_each: int, **options: Any
) -> int:
    """Create the Workflow of every live experiment. One that cannot be planned is reported and stops no other.

    Exits with 0 when all are there; else with the code of the failure that is most worth a retry: 75 for a passing
    one, 2 for a wrong definition or one that takes too much, 1 for a mistake of this program. Again, it goes on.
    """
    require("argo", wanted_by="submit-due")
    from jetstream_argo.argo.due.candidates import candidates
    from jetstream_argo.argo.due.experiments import submit_due
    from jetstream_argo.argo.due.isolation import Allowance, each_alone
    from jetstream_argo.argo.due.looking import is_last_look
    from jetstream_argo.argo.due.planning import Planning, planned
    from jetstream_argo.argo.pod import pod
    from jetstream_argo.config.conventions.load import load_conventions

    output, reach = options.pop("output"), (options.pop("kubeconfig"), options.pop("context"))
    bytes_per_day = options.pop("bytes_per_day")
    since, when = _told_days(when, options.pop("live_between"))
    deployment = deployment_of(options)
    as_of = scheduled(when)
    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        chosen_options = with_archive(options, Path(scratch))
        if not chosen_options["experiments"]:
            raise click.UsageError("say where experiments are: --experiments URL, a file, or a folder of files")
        found, unreadable = candidates(chosen_options["experiments"])
        where = sources(chosen_options["definitions"], None, None, chosen_options["conventions"])
        planning = Planning(where, as_of, chosen_options["dataset"], deployment, since)
        looked = _looked(
            deployment.warehouse,
            as_of,
            readiness=readiness,
            bytes_per_day=bytes_per_day,
            own_dates=load_conventions(where.conventions).own_dates.most_bytes,
        )
        submit = _into_folder(output, deployment, looked) if output else _into_cluster(*reach, deployment, looked)
        allowance = Allowance(seconds_each, mib_each)
        report = submit_due(
            each_alone(partial(planned, planning=planning), found, jobs=jobs, allowance=allowance),
            submit=submit,
            tell=lambda entry: say(f"{entry.state}: {entry.slug}: {entry.line}"),
            before=unreadable,
            is_last="T" in when and is_last_look(_time(when), as_of, hours=deadline),
        )
    pod(os.environ).say(report.line)
    say(report.line)
    return report.exit_code


def _looked(
    warehouse: str, as_of: date, *, readiness: bool, bytes_per_day: int | None, own_dates: int | None
) -> "Looked":
    """Return what tells how much of a plan can be computed by now, and raises if that would cost too much."""
    from jetstream_argo.argo.due.looking import look, nothing_known
    from jetstream_argo.run.own_dates import check_own_dates
    from jetstream_argo.warehouse.connect import connect, new_attempt

    ready = _asked(warehouse, as_of) if readiness else nothing_known
    engine = connect(warehouse, attempt=new_attempt()) if own_dates is not None else None
    budget = _budget(warehouse, bytes_per_day) if bytes_per_day is not None else None

    def looked(plan: "AnalysisPlan") -> "Look":
        found = look(plan, ready)
        if engine is not None and own_dates is not None:
            check_own_dates(found.plan, engine, own_dates)
        if budget is not None:
            budget.check(found.plan)
        return found

    return looked


def _budget(warehouse: str, most: int) -> "DailyBudget":
    from jetstream_argo.argo.due.budget import DailyBudget
    from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
    from jetstream_argo.warehouse.connect import connect, new_attempt, settings

    by_dry_run = isinstance(settings(warehouse), BigQuerySettings)
    engine = connect(warehouse, attempt=new_attempt())
    return DailyBudget(engine, most, lambda: datetime.now(UTC), by_dry_run=by_dry_run, warn=warn)


def _asked(warehouse: str, as_of: date) -> "Ready":
    """Return what asks the warehouse for the readiness of plans, on the day after the last one of telemetry."""
    from jetstream_argo.argo.due.arrivals import Arrivals
    from jetstream_argo.warehouse.connect import connect, new_attempt

    return Arrivals(connect(warehouse, attempt=new_attempt()), today=as_of + timedelta(days=1))


def _into_cluster(kubeconfig: str | None, context: str | None, deployment: "Deployment", looked: "Looked") -> "Submit":
    """Return what creates the Workflow of a plan, as much of it as can be computed by now."""
    from jetstream_argo.argo.cluster.resubmit import submit_anew
    from jetstream_argo.argo.manifest.emit import emit

    cluster = cluster_of(kubeconfig, context, deployment.namespace)

    def submit(plan: "AnalysisPlan") -> "Submitted":
        found = looked(plan)
        submitted = submit_anew(lambda number: emit(found.plan, deployment, attempt=number), cluster)
        return replace(submitted, waits=found.waits)

    return submit


def _into_folder(folder: Path, deployment: "Deployment", looked: "Looked") -> "Submit":
    """Return what writes the Workflow of a plan into a folder, as much of it as can be computed by now."""
    from jetstream_argo.argo.cluster.submit import write
    from jetstream_argo.argo.manifest.emit import emit

    make_folder(folder)

    def submit(plan: "AnalysisPlan") -> "Submitted":
        found = looked(plan)
        return replace(write(emit(found.plan, deployment), folder), waits=found.waits)

    return submit


def _told_days(when: str | None, live_between: tuple[str, str] | None) -> tuple[date | None, str]:
    """Return the first day on which experiments are to have been live, if that was told, and the last."""
    if (when is None) == (live_between is None):
        raise click.UsageError("give either --date DATE or --live-between FIRST LAST")
    if live_between is None:
        assert when is not None  # as was just checked
        return None, when
    first, last = (day(text) for text in live_between)
    if first > last:
        raise click.UsageError(f"--live-between {first} {last}: the first day is after the last")
    return first, str(last)


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
