"""Sums up what experiments have cost: by the labels of BigQuery's jobs, or by their records on the embedded engine."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jetstream_argo.dialect.types import Value
from jetstream_argo.report.costs import cost_of
from jetstream_argo.report.experiments import places_in
from jetstream_argo.sql.text import Sql, fill, table
from jetstream_argo.store.entries import Entry, read_entries
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class Spending:
    """What an experiment's jobs for a data source (empty: for no single one) have cost on a day (UTC).

    `bytes` are those that were billed, or were read where nobody bills any.
    """

    experiment: str
    source: str
    day: date
    jobs: int
    bytes: int
    slot_ms: int


def of_jobs(engine: Engine, project: str, location: str, *, since: datetime) -> Iterator[Spending]:
    """Yield what BigQuery's own list of the project's jobs says, of every job that has our labels; for 180 days.

    Labels are in lower case, and so are the names of experiments and sources.

    Source:
        https://cloud.google.com/bigquery/docs/information-schema-jobs
    """
    jobs = table(f"{project}.region-{location.lower()}.INFORMATION_SCHEMA.JOBS_BY_PROJECT")
    sql = fill("job_costs", jobs=jobs, since=Sql(f"TIMESTAMP '{since.isoformat(' ')}'"))
    for row in engine.query(sql, labels={"purpose": "costs"}).rows:
        yield _spending(row)


def of_records(engine: Engine, datasets: Sequence[str], *, since: datetime) -> Iterator[Spending]:
    """Yield what the records of all experiments in these datasets say."""
    for dataset in datasets:
        for place in places_in(engine, dataset):
            groups: dict[tuple[str, date], list[Entry]] = {}
            for entry in read_entries(engine, place):
                if entry.recorded_at >= since:
                    groups.setdefault((entry.source, entry.recorded_at.date()), []).append(entry)
            for (source, day), entries in sorted(groups.items()):
                cost = cost_of(entries)
                yield Spending(place.slug, source, day, cost.jobs, cost.bytes, cost.slot_ms)


def by_experiment(spent: Iterable[Spending]) -> Iterator[tuple[str, str, Spending]]:
    """Yield the sum of each experiment, the dearest first, with the source that cost most and its share in percent."""
    groups: dict[str, list[Spending]] = {}
    for part in spent:
        groups.setdefault(part.experiment, []).append(part)
    sums = [(_sum(parts), _dearest(parts)) for parts in groups.values()]
    for total, dearest in sorted(sums, key=lambda item: (-item[0].bytes, item[0].experiment)):
        share = f"{100 * dearest.bytes / total.bytes:.0f} %" if total.bytes else ""
        yield dearest.source, share, total


def _dearest(parts: Sequence[Spending]) -> Spending:
    sources: dict[str, list[Spending]] = {}
    for part in parts:
        sources.setdefault(part.source, []).append(part)
    return max((_sum(found) for found in sources.values()), key=lambda found: found.bytes)


def _sum(parts: Sequence[Spending]) -> Spending:
    return Spending(
        parts[0].experiment,
        parts[0].source,
        max(part.day for part in parts),
        jobs=sum(part.jobs for part in parts),
        bytes=sum(part.bytes for part in parts),
        slot_ms=sum(part.slot_ms for part in parts),
    )


def _spending(row: Sequence[Value]) -> Spending:
    experiment, source, day, jobs, billed, slots = row
    assert isinstance(day, date)  # as the query says
    return Spending(
        str(experiment), str(source or ""), day, *(int(str(number or 0)) for number in (jobs, billed, slots))
    )
