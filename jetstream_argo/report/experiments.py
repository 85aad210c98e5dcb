"""Lists the experiments that have results in a dataset, and how each of them stands."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.report.status import status_report
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import read_entries
from jetstream_argo.store.estimates_table import IDENTITY, SAMPLE_RATIO
from jetstream_argo.warehouse.protocol import Engine

_PREFIX = "status_"
_RECORDED = "What was computed for "  # how the status table's description begins


@dataclass(frozen=True, slots=True)
class Recorded:
    """An experiment as its record has it. `units` is None where they were never counted."""

    place: Place
    first_at: datetime
    last_at: datetime
    units: int | None
    metrics: int
    lacking: int
    failures: int


def places_in(engine: Engine, dataset: str) -> Iterator[Place]:
    """Yield the experiments of a dataset, by their names there."""
    for place, record in _records_in(engine, dataset):
        if names.status(place) == record:
            yield place


def places_with_units(engine: Engine, dataset: str) -> Iterator[Place]:
    """Yield the experiments of a dataset, those of version 0.1 included, by their names there."""
    known = (
        place
        for place, record in _records_in(engine, dataset)
        if record in (names.status(place), legacy_names.status(place))
    )
    yield from dict.fromkeys(known)


def _records_in(engine: Engine, dataset: str) -> Iterator[tuple[Place, str]]:
    tables = [table.name for table in engine.tables(dataset, prefix=_PREFIX)]
    for info in engine.infos(tables).values():
        slug = info.description.removeprefix(_RECORDED)
        if slug and info.view_sql is None:
            yield Place(dataset, slug), info.name


def recorded_in(engine: Engine, dataset: str) -> Iterator[Recorded]:
    """Yield what is recorded of each experiment of a dataset, those that were worked at last first."""
    found = [recorded for place in places_in(engine, dataset) if (recorded := _recorded(engine, place)) is not None]
    yield from sorted(found, key=lambda recorded: (-recorded.last_at.timestamp(), recorded.place.slug))


def _recorded(engine: Engine, place: Place) -> Recorded | None:
    entries = read_entries(engine, place)
    if not entries:
        return None
    report = status_report(None, entries)
    units = report.facts.units
    times = [entry.recorded_at for entry in entries]
    return Recorded(
        place,
        first_at=min(times),
        last_at=max(times),
        units=None if units is None else sum(branch.units for branch in units.branches),
        metrics=len({metric.metric for metric in report.metrics if metric.is_complete} - {IDENTITY, SAMPLE_RATIO}),
        lacking=len({metric.metric for metric in report.lacking}),
        failures=len(report.of_nodes),
    )


def nearest_slug(engine: Engine, place: Place) -> str:
    """Return the slug of the experiment with results whose slug is closest; empty if none is close."""
    # A list has no descriptions, and all of them would take a request each.
    readable = {names.readable(table.name): table.name for table in engine.tables(place.dataset, prefix=_PREFIX)}
    for name in difflib.get_close_matches(names.normalised(place.slug), readable, n=1):
        info = engine.info(readable[name])
        if info is not None:
            return info.description.removeprefix(_RECORDED)
    return ""
