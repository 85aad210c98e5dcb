"""Tells what experiments have cost."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from jetstream_argo.cli.options import dataset_option, warehouse_option
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.report.spending import Spending

_OF_NO_SOURCE = "no single source"  # who the units are, and estimates of metrics, whose values may be of several
_DAYS_KEPT = 180  # https://cloud.google.com/bigquery/docs/information-schema-jobs#data_retention


@click.command(epilog="Example: jetstream-argo costs --days 30 --warehouse 'bigquery:my-project?location=US'")
@click.argument("slugs", metavar="[EXPERIMENT]...", nargs=-1)
@warehouse_option
@dataset_option
@click.option("--days", type=click.IntRange(1, _DAYS_KEPT), default=30, show_default=True, help="Up to now.")
@click.option("--json", "as_json", is_flag=True, help="For programs: a row for each experiment, data source and day.")
def costs(slugs: tuple[str, ...], warehouse: str, dataset: str | None, days: int, as_json: bool) -> int:
    """Say what each EXPERIMENT, a slug, has cost, or all have, the dearest first, and which source most of it was for.

    On BigQuery by the labels of all jobs of the project, whoever ran them: the account needs bigquery.jobs.listAll. On
    the embedded engine by the experiments' records.
    """
    from jetstream_argo.report.spending import by_experiment

    found = [part for part in _spent(warehouse, dataset, days) if not slugs or part.experiment in slugs]
    if as_json:
        rows = [{**_plain(part), "source": part.source, "day": part.day.isoformat()} for part in found]
        say(json.dumps(rows, indent=2))
    elif found:
        from jetstream_argo.cli.listing import show_rows

        show_rows(
            [
                {**_plain(total), "most of it for": source or _OF_NO_SOURCE, "share": share}
                for source, share, total in by_experiment(found)
            ]
        )
    else:
        say(f"{warehouse}: no job of {', '.join(slugs) or 'any experiment'} in {days} days")
    return 0


def _spent(warehouse: str, dataset: str | None, days: int) -> "Sequence[Spending]":
    from jetstream_argo.report.spending import of_jobs, of_records
    from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
    from jetstream_argo.warehouse.connect import connect, new_attempt, settings

    since = datetime.now(UTC) - timedelta(days=days)
    engine, chosen = connect(warehouse, attempt=new_attempt()), settings(warehouse)
    if isinstance(chosen, BigQuerySettings):
        return tuple(of_jobs(engine, chosen.project, chosen.location, since=since))
    from jetstream_argo.cli.listing import datasets_of

    return tuple(of_records(engine, (dataset,) if dataset else datasets_of(warehouse), since=since))


def _plain(part: "Spending") -> dict[str, object]:
    return {"experiment": part.experiment, "jobs": part.jobs, "bytes": part.bytes, "slot_ms": part.slot_ms}
