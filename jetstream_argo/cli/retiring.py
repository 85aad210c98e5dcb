"""Taking away rows of units that nobody needs any more."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from jetstream_argo.cli.holding import holder, wait_option
from jetstream_argo.cli.options import dataset_option, warehouse_option, yes_option
from jetstream_argo.cli.upkeep import agreed, purged_line
from jetstream_argo.errors import PlanError
from jetstream_argo.report.summary.formatting import bytes_text
from jetstream_argo.report.targets import place_of_slug
from jetstream_argo.run.leasing import alone
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import connect, new_attempt

if TYPE_CHECKING:
    from jetstream_argo.upkeep.retiring import Retirable
    from jetstream_argo.warehouse.protocol import Engine


@click.command(epilog="Example: jetstream-argo retire --all --idle-days 90 --yes --warehouse bigquery:my-project")
@click.argument("experiment", required=False)
@click.option("--all", "everything", is_flag=True, help="Every experiment that nothing was done of for --idle-days.")
@click.option("--idle-days", type=click.IntRange(1), default=90, show_default=True, help="How long, with --all.")
@dataset_option
@warehouse_option
@yes_option
@wait_option
def retire(
    experiment: str | None,
    everything: bool,
    idle_days: int,
    dataset: str | None,
    warehouse: str,
    yes: bool,
    wait_seconds: float,
) -> int:
    """Remove the rows of units of EXPERIMENT, a slug, that is over: partials, values and their views.

    Estimates, their views and the record stay, and `status` says what was removed. Whatever is computed later of the
    experiment reads telemetry again, as far as that is still there.
    """
    if (experiment is None) != everything:
        raise click.UsageError("name an experiment by its slug, or give --all")
    engine = connect(warehouse, attempt=new_attempt())
    found = (
        _idle(engine, warehouse, dataset, idle_days) if everything else _named(engine, warehouse, dataset, experiment)
    )
    if not found:
        say("there are no rows of units to remove")
        return 0
    for part in found:
        stored = f"{counted(len(part.tables), 'table')}, {bytes_text(part.bytes)}"
        say(f"{part.place.slug}: {stored}, last used {part.last_at:%Y-%m-%d}")
    if agreed(f"remove these rows of units of {counted(len(found), 'experiment')}?", yes=yes):
        _retire(engine, found, wait_seconds)
    return 0


def _retire(engine: "Engine", found: "Sequence[Retirable]", wait_seconds: float) -> None:
    from jetstream_argo.upkeep.retiring import retirable, retire

    for part in found:
        with alone(engine, part.place, holder=holder("retire"), wait_seconds=wait_seconds):
            now = retirable(engine, part.place)  # as it is when nobody else writes
            if now is not None:
                retire(engine, now, now=lambda: datetime.now(UTC), attempt=new_attempt())
                say(f"{part.place.slug}: removed {counted(len(now.tables), 'table')}; estimates stay")
        say(f"{part.place.slug}: {purged_line(engine.purge([table.name for table in part.tables]))}")


def _idle(engine: "Engine", warehouse: str, dataset: str | None, days: int) -> "Sequence[Retirable]":
    from jetstream_argo.cli.listing import datasets_of
    from jetstream_argo.upkeep.retiring import idle

    before = datetime.now(UTC) - timedelta(days=days)
    datasets = (dataset,) if dataset else datasets_of(warehouse)
    return tuple(found for name in datasets for found in idle(engine, name, before=before))


def _named(engine: "Engine", warehouse: str, dataset: str | None, experiment: str | None) -> "Sequence[Retirable]":
    from jetstream_argo.upkeep.retiring import retirable

    place = place_of_slug(experiment or "", dataset, warehouse, ())
    found = retirable(engine, place)
    if found is None:
        raise PlanError(f"{place.slug}: there is nothing in dataset {place.dataset!r}; check the slug and the dataset")
    return (found,) if found.tables else ()
