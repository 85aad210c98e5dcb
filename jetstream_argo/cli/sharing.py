"""One scan for several experiments: each source's new dates are read once, before the experiments' own Workflows."""

import json
import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.definitions import with_archive
from jetstream_argo.cli.holding import holder
from jetstream_argo.cli.options import chosen, warehouse_option
from jetstream_argo.cli.planning import sources, where_options
from jetstream_argo.cli.workflows import scheduled
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, JetstreamArgoError
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say, warn
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.plan.model import AnalysisPlan
    from jetstream_argo.plan.sharing import SharedScan
    from jetstream_argo.run.paying import SharedEstimate
    from jetstream_argo.warehouse.protocol import Engine

_LABELS = {"experiment": "several", "node": "shared-scan"}
_JOBS = min(os.cpu_count() or 1, 4)


@click.command(
    "shared-scan",
    epilog="Example: jetstream-argo shared-scan --date 2026-06-15 --experiments experiments/ --warehouse embedded:.",
)
@where_options
@warehouse_option
@click.option("--date", "when", metavar="DATE|TIME", help="Telemetry is complete until DATE, or TIME's day before.")
@click.option("--always", multiple=True, metavar="SOURCE", help="Share it whatever the estimate says; as --metrics.")
@click.option("--never", multiple=True, metavar="SOURCE", help="Leave it to each experiment; as --metrics.")
@click.option("--dry-run", is_flag=True, help="Only say what would be shared, of what is known by now.")
@click.option(
    "--leave-to", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Scan nothing: write the scans into the warehouse, and their names, as JSON, into FILE.",
)  # fmt: skip
@click.option("--scan", "left", metavar="NAME", help="Make this scan, which was left by --leave-to, and no other.")
@click.option("--jobs", "-j", type=click.IntRange(1), default=_JOBS, help="Experiments planned at a time.")
def shared_scan(left: str | None, warehouse: str, **options: Any) -> int:
    """Read the new dates of sources once for all live experiments, which copy from it what they need.

    First the units of each experiment are found. A source is shared where that reads less than each experiment by
    itself, as far as can be estimated; private experiments take no part. Whatever fails here is read by the
    experiments themselves: nothing waits for it. What was read so is deleted after three days.
    """
    engine = connect(warehouse, attempt=new_attempt())
    if left is not None:
        from jetstream_argo.store.shared_work import left_scan

        return _make([left_scan(engine, left, _LABELS)], engine)
    if options["when"] is None:
        raise click.UsageError("say of which day, with --date; or which scan, with --scan")
    return _share(engine, warehouse, **options)


def _share(  # noqa: PLR0913  # what the command is told
    engine: "Engine",
    warehouse: str,
    *,
    when: str,
    always: tuple[str, ...],
    never: tuple[str, ...],
    dry_run: bool,
    leave_to: Path | None,
    jobs: int,
    **options: Any,
) -> int:
    from jetstream_argo.run.preparing import ensure_known
    from jetstream_argo.run.sharing import may_share, shared_scans
    from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
    from jetstream_argo.warehouse.connect import settings

    plans = _plans(when, jobs=jobs, **options)
    if not dry_run:
        _remove_old(engine, plans)
        command, sharing = holder("shared-scan"), list(filter(may_share, plans))
        for slug, error in ensure_known(sharing, engine, holder=command, now=_now, attempt=new_attempt()):
            warn(f"{slug}: takes no part: {error}")
    by_dry_run = isinstance(settings(warehouse), BigQuerySettings)
    found = shared_scans(plans, engine, now=_now, by_dry_run=by_dry_run)
    for line in found.refused:
        warn(f"takes no part: {line}")
    scans: list[SharedScan] = []
    for estimate in found.estimates:
        shares, line = _decided(estimate, always=chosen(*always), never=chosen(*never))
        say(line)
        if shares:
            scans.append(estimate.scan)
    for left in found.left:
        say(f"left to each: {left.source}, of {counted(left.experiments, 'experiment')}: {left.reason}")
    if dry_run:
        return EXIT_DONE
    if leave_to is not None:
        return _leave(scans, engine, leave_to)
    return _make(scans, engine)


def _plans(when: str, *, jobs: int, **options: Any) -> "list[AnalysisPlan]":
    """Return the plans of all live experiments, without those that cannot be planned."""
    from jetstream_argo.argo.due.candidates import CandidateResult, CandidateState, candidates
    from jetstream_argo.argo.due.isolation import Allowance, Died, each_alone
    from jetstream_argo.argo.due.planning import Made, Planning, planned

    with TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        given = with_archive(options, Path(scratch))
        if not given["experiments"]:
            raise click.UsageError("say where experiments are: --experiments URL, a file, or a folder of files")
        found, unreadable = candidates(given["experiments"])
        for result in unreadable:
            warn(f"takes no part: {result.slug}: {result.line}")
        where = sources(given["definitions"], None, None, given["conventions"])
        planning = Planning(where, scheduled(when), given["dataset"], None)
        plans: list[AnalysisPlan] = []
        for _, outcome in each_alone(partial(planned, planning=planning), found, jobs=jobs, allowance=Allowance()):
            match outcome:
                case Made(plan=plan):
                    plans.append(plan)
                case Died(reason):
                    warn(f"takes no part: {reason}")
                case CandidateResult(state=CandidateState.FAILED, slug=slug, line=line):
                    warn(f"takes no part: {slug}: {line}")
    return plans


def _remove_old(engine: "Engine", plans: "Sequence[AnalysisPlan]") -> None:
    from jetstream_argo.upkeep.shared_tables import remove_old

    for dataset in dict.fromkeys(plan.dataset for plan in plans):
        for name in remove_old(engine, dataset, now=_now()):
            say(f"deleted {name}, which is older than it is kept")


def _decided(estimate: "SharedEstimate", *, always: "Collection[str]", never: "Collection[str]") -> tuple[bool, str]:
    """Return whether a scan is shared, and a line that says so, and why."""
    from jetstream_argo.report.summary.formatting import bytes_text

    scan = estimate.scan
    slugs = {sharer.slug for reading in scan.readings for sharer in reading.sharers}
    what = f"{scan.source}: {counted(sum(reading.days for reading in scan.readings), 'date')}"
    what += f" for {counted(len(slugs), 'experiment')}, "
    if estimate.alone is None or estimate.together is None:
        what += "of unknown size"
    else:
        what += f"{bytes_text(estimate.together)} instead of {bytes_text(estimate.alone)}"
    if scan.source in never:
        return False, f"left to each: {what}, as --never says"
    if estimate.pays:
        return True, f"shared: {what}"
    if scan.source in always:
        return True, f"shared: {what}, as --always says"
    return False, f"left to each: {what}, which does not pay"


def _leave(scans: "Sequence[SharedScan]", engine: "Engine", file: Path) -> int:
    from jetstream_argo.store.shared_work import leave_scans

    left = leave_scans(engine, scans, now=_now(), attempt=new_attempt(), labels=_LABELS)
    write_file(file, json.dumps(left).encode())
    say(f"left {counted(len(left), 'scan')} to others")
    return EXIT_DONE


def _make(scans: "Sequence[SharedScan]", engine: "Engine") -> int:
    """Make scans, one after another; return the exit code that is most worth a retry, after saying what failed."""
    from jetstream_argo.run.scanning import scan_shared

    codes = [EXIT_DONE]
    for scan in scans:
        try:
            done = scan_shared(scan, engine, holder=holder("shared-scan"), now=_now, attempt=new_attempt())
        except JetstreamArgoError as error:
            warn(f"{scan.source}: {error}; experiments read it themselves")
            codes.append(error.exit_code)
            continue
        for reason in dict.fromkeys(str(refusal) for _, refusal in done.errors):
            warn(f"{scan.source}: {reason}; experiments find out about such columns themselves")
        say(f"read {scan.source} by {counted(done.written, 'query')}")
    return EXIT_RETRY if EXIT_RETRY in codes else EXIT_DEFINITION if EXIT_DEFINITION in codes else max(codes)


def _now() -> datetime:
    return datetime.now(UTC)
