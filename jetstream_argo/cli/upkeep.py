"""Taking results away again: a whole experiment's, or some metrics'."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.holding import holder, wait_option
from jetstream_argo.cli.options import chosen, warehouse_option, yes_option
from jetstream_argo.cli.planning import planned_in, planning_options
from jetstream_argo.cli.unsharing import unshare_experiment
from jetstream_argo.errors import Damaged, PlanError
from jetstream_argo.plan import codec
from jetstream_argo.report.targets import place_of_slug
from jetstream_argo.run.leasing import alone
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.store.entries import Entry, read_entries
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import printable, say
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.plan.model import AnalysisPlan
    from jetstream_argo.warehouse.protocol import Engine
    from jetstream_argo.warehouse.types import Purged


@click.command(epilog="Example: jetstream-argo delete new-checkout --warehouse embedded:.jetstream")
@planning_options
@warehouse_option
@click.option(
    "--metrics", multiple=True, metavar="METRIC",
    help="Only have these forgotten, to be computed again; repeated, or several with commas.",
)  # fmt: skip
@yes_option
@wait_option
def delete(
    experiment: str | None, warehouse: str, metrics: tuple[str, ...], yes: bool, wait_seconds: float, **planning: Any
) -> int:
    """Delete all tables and views of EXPERIMENT, a slug or what `plan` takes; no others, whatever they are called.

    With --metrics no row is deleted: the status table says that the metrics' estimates and values no longer count, and
    the next run computes them again. That takes a plan, so that EXPERIMENT is then looked up as by `plan`.
    """
    engine = connect(warehouse, attempt=new_attempt())
    if chosen(*metrics):
        plan, _ = planned_in(warehouse, experiment=experiment, **planning)
        with alone(engine, plan, holder=holder("delete --metrics"), wait_seconds=wait_seconds):
            return _forget(engine, plan, chosen(*metrics), yes=yes)
    named_by_file = experiment is not None and (experiment.endswith((".toml", ".json")) or "://" in experiment)
    owner = (
        planned_in(warehouse, experiment=experiment, **planning)[0]
        if named_by_file
        else owner_of(experiment, warehouse, planning)
    )
    with alone(engine, owner, holder=holder("delete"), wait_seconds=wait_seconds):
        return _delete(engine, owner, yes=yes)


def _delete(engine: "Engine", owner: "AnalysisPlan | Place", *, yes: bool) -> int:
    from jetstream_argo.upkeep.owned import owned, storage

    entries = _entries(engine, owner)
    found = owned(engine, owner, entries)
    for info in found.foreign:
        reason = f"is described as {info.description!r}" if info.description else "has no description of ours"
        say(f"kept {info.name}: it {reason}, and may be another experiment's", err=True, color="yellow")
    if not found.tables:
        purged = engine.purge(storage(engine, owner, entries))
        if purged.files:  # of an earlier deletion that was interrupted
            say(purged_line(purged))
            unshare_experiment(engine, place_of(owner))
            return 0
        raise PlanError(nothing_there(place_of(owner)))
    show_list(f"of {place_of(owner).slug} there are", [f"{info.name}{size_of(info.rows)}" for info in found.tables])
    if not agreed(f"delete these {len(found.tables)} tables and views?", yes=yes):
        return 0
    for info in found.tables:
        engine.delete(info.name)
    purged = engine.purge(storage(engine, owner, entries))
    say(f"deleted {len(found.tables)} tables and views; {purged_line(purged)}")
    unshare_experiment(engine, place_of(owner))
    return 0


def _entries(engine: "Engine", owner: "AnalysisPlan | Place") -> Sequence[Entry]:
    """Return what was recorded; nothing where that cannot be read and a plan says which tables there may be."""
    try:
        return read_entries(engine, owner)
    except Damaged as error:
        if isinstance(owner, Place):
            raise PlanError(
                f"{error}; to delete the experiment all the same, name its tables by its configuration or --plan FILE"
            ) from error
        return ()


def _forget(engine: "Engine", plan: "AnalysisPlan", metrics: Sequence[str], *, yes: bool) -> int:
    from jetstream_argo.upkeep.forgetting import dependents, forgotten, record

    known = read_entries(engine, plan)
    entries = forgotten(plan, metrics, known, now=datetime.now(UTC), attempt=new_attempt())
    if not entries:
        say(f"nothing was computed of {', '.join(metrics)}")
        return 0
    show_list("what no longer counts", [_described(entry) for entry in entries])
    others = dependents(plan, metrics)
    if others:
        say(f"the estimates of {', '.join(others)}, which use these, stay as they are")
    if not agreed(f"forget {', '.join(metrics)}?", yes=yes):
        return 0
    record(engine, plan, entries)
    say("forgotten; the next run computes them again")
    return 0


def purged_line(purged: "Purged") -> str:
    """Return what became of rows that no query finds any more."""
    if purged.recoverable_until is not None:
        until = f"{purged.recoverable_until:%Y-%m-%d %H:%M} UTC"
        return f"time travel and fail-safe of the warehouse keep what was removed until {until} at the latest"
    return f"{counted(purged.files, 'file')} of earlier versions and left-overs removed"


def owner_of(experiment: str | None, warehouse: str, planning: dict[str, Any]) -> "AnalysisPlan | Place":
    """Return whose tables are meant: what a plan says, or a slug and the dataset that was given or is usual."""
    if planning["plan_file"] is not None:
        return codec.read(planning["plan_file"])
    if experiment is None:
        raise click.UsageError("name an experiment by its slug, or give --plan FILE")
    return place_of_slug(experiment, planning["dataset"], warehouse, planning.get("conventions", ()))


def agreed(question: str, *, yes: bool) -> bool:
    """Whether to go on; without anyone to ask, only with --yes."""
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is nobody to ask: add --yes")
    agreed = yes or click.confirm(printable(question))
    if not agreed:
        say("nothing was changed")
    return agreed


def show_list(title: str, names: Sequence[str]) -> None:
    """Say what there is, a line each; nothing if there is none."""
    if not names:
        return
    say(f"{title}:")
    for name in names:
        say(f"  {name}")


def _described(entry: Entry) -> str:
    if entry.period:
        return f"{entry.metrics[0]}: estimates, {entry.period} {entry.first_window} to {entry.last_window}"
    return f"{entry.metrics[0]}: {counted(len(entry.keys), 'column')} of {entry.table}"


def size_of(rows: int) -> str:
    """Return how many rows, to stand behind a table's name."""
    return f" ({counted(rows, 'row')})" if rows else ""


def nothing_there(place: Place) -> str:
    """Return what to say of an experiment that has nothing here."""
    return (
        f"{place.slug}: there is nothing in dataset {place.dataset!r}; check the slug, the dataset and the warehouse"
    )  # fmt: skip
