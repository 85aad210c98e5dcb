"""Compares our estimates with those that another system wrote."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table

from jetstream_argo.cli.choices import chosen_metrics, chosen_periods
from jetstream_argo.cli.options import dataset_option, plan_option, selection_options, warehouse_option
from jetstream_argo.report.agreement import NEAR, Agreement, agreements
from jetstream_argo.report.results import Filters
from jetstream_argo.report.targets import entries_of, target_of
from jetstream_argo.terminal.console import EscapingConsole
from jetstream_argo.terminal.plural import counted


@click.command(epilog="Example: jetstream-argo compare new-checkout --with my-project.mozanalysis --period week")
@click.argument("experiment", required=False)
@plan_option
@click.option("--with", "other", required=True, metavar="DATASET", help="Theirs: dataset or project.dataset.")
@dataset_option
@warehouse_option
@selection_options
def compare(
    experiment: str | None,
    plan_file: Path | None,
    other: str,
    dataset: str | None,
    warehouse: str,
    **chosen: tuple[str, ...],
) -> None:
    """Compare the latest estimates of EXPERIMENT, a slug, with those of the existing system in a dataset of its own.

    A line for each statistic: how many estimates agree, how far the others lie and why, and what only one side has.
    Distances are in halves of their interval. `report --with` shows the same on the page.
    """
    target = target_of(experiment, plan_file, dataset, warehouse)
    entries = entries_of(target)
    metrics = chosen_metrics(target, entries, chosen["metrics"], chosen["sources"])
    filters = Filters(metrics=metrics, periods=chosen_periods(chosen["periods"]))
    console = EscapingConsole()
    found = agreements(target.engine, target.place, other, filters)
    console.print(_table(found))
    console.print(_summary(found))


def _table(found: Sequence[Agreement]) -> Table:
    table = Table("statistic")
    for heading in ("equal", f"within {NEAR:g}", "beyond", "largest", "only ours", "only theirs"):
        table.add_column(heading, justify="right")
    table.add_column("why")
    table.add_column("farthest")
    for own in found:
        counts = (own.equal, own.near, own.far)
        only = (str(own.only_ours), str(own.only_theirs))
        largest = f"{own.largest:.2g}" if sum(counts) else "-"
        why = "; ".join(f"{number} {difference.value}" for difference, number in own.differences)
        table.add_row(own.statistic, *map(str, counts), largest, *only, why, own.farthest)
    return table


def _summary(found: Sequence[Agreement]) -> str:
    both = sum(own.equal + own.near + own.far for own in found)
    return (
        f"{counted(both, 'estimate')} on both sides: {sum(own.equal for own in found)} equal, "
        f"{sum(own.near for own in found)} within {NEAR:g} of half their interval, "
        f"{sum(own.far for own in found)} beyond, {sum(own.unexplained for own in found)} not explained; "
        f"{sum(own.only_ours for own in found)} only ours, "
        f"{sum(own.only_theirs for own in found)} only theirs"
    )
