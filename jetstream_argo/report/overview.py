"""Says in a line for each experiment how far its results go, what failed, and what a week of it has cost."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from jetstream_argo.report.experiments import places_in
from jetstream_argo.report.status import status_report
from jetstream_argo.store.entries import Entry, Kind, State, read_entries
from jetstream_argo.warehouse.protocol import Engine

_READ = (State.COMPUTED, State.NO_DATA)


@dataclass(frozen=True, slots=True)
class Overview:
    """How an experiment stands.

    `complete_until` is the newest date that was read of the source that is furthest behind, None where none was read.
    `lacking` metrics have no results or not all of them, `failures` are nodes that failed as a whole. `bytes` and
    `seconds` are what was billed and how long it took since some time.
    """

    slug: str
    complete_until: date | None
    lacking: int
    failures: int
    bytes: int
    seconds: float


def overview(engine: Engine, dataset: str, *, since: datetime) -> Iterator[Overview]:
    """Yield how each experiment of a dataset stands, with the cost of what was recorded `since` then."""
    for place in places_in(engine, dataset):
        entries = read_entries(engine, place)
        if entries:
            yield _overview(place.slug, entries, since)


def _overview(slug: str, entries: Sequence[Entry], since: datetime) -> Overview:
    newest: dict[str, date] = {}
    for entry in entries:
        if entry.kind is Kind.PARTIALS and entry.state in _READ and entry.last_date is not None:
            newest[entry.source] = max(entry.last_date, newest.get(entry.source, entry.last_date))
    report = status_report(None, entries)
    lately = [entry for entry in entries if entry.recorded_at >= since]
    return Overview(
        slug,
        complete_until=min(newest.values(), default=None),
        lacking=len({row.metric for row in report.lacking}),
        failures=len(report.of_nodes),
        bytes=sum(entry.bytes for entry in lately),
        seconds=sum(entry.seconds for entry in lately),
    )
