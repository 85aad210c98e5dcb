"""Finds the tables and views that belong to an experiment: by their exact names, and as their descriptions say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import Damaged
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import legacy_names, names
from jetstream_argo.sql.names import Place, place_of
from jetstream_argo.store.entries import Entry, Kind
from jetstream_argo.store.legacy import read_legacy
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, TableInfo


@dataclass(frozen=True, slots=True)
class Owned:
    """What there is of an experiment, what everything is read from last; and what only has such a name."""

    tables: tuple[TableInfo, ...]
    foreign: tuple[TableInfo, ...]


@dataclass(frozen=True, slots=True)
class UnitTable:
    """A table with rows of units, and how it is laid out."""

    name: str
    layout: Layout


def owned(engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> Owned:
    """Return the tables and views that there are of an experiment: views first, the status table last.

    Data sources are those that `entries` name, and the plan's where `owner` is one. Names that hold no hash may be
    those of another experiment with a slug like `a-b` and `a_b`: such a table belongs to whom it is described as.
    """
    place = place_of(owner)
    described = dict((*_views(place), *_legacy_tables(engine, owner), *_tables(owner, entries)))
    found = _infos(engine, list(described))  # by name: to list a dataset that many share would take longer
    owned = {
        name: info for name, info in found.items() if described[name] in ("", info.description) or _is_unreadable(info)
    }
    return Owned(tuple(owned.values()), tuple(info for name, info in found.items() if name not in owned))


def storage(engine: Engine, owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return under which names an experiment may have left files, whether there is a table of that name or not."""
    foreign = {info.name for info in owned(engine, owner, entries).foreign}
    described = (*_views(place_of(owner)), *_tables(owner, entries))
    return tuple(name for name, _ in described if name not in foreign)


def own_tables(owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> dict[str, Layout]:
    """Return the tables of an experiment, whether they are there or not, and how they are laid out; not the record."""
    found = {table.name: table.layout for table in unit_tables(owner, entries)}
    found[names.statistics(owner)] = Layout("computed_at", ("period", "metric"))
    return found


def _infos(engine: Engine, described: Sequence[str]) -> dict[str, TableInfo]:
    """Return what is known of the tables that exist; of a damaged table that is its name."""
    try:
        return dict(engine.infos(described))
    except Damaged:
        found: dict[str, TableInfo] = {}
        for name in described:
            try:
                info = engine.info(name)
            except Damaged:
                info = TableInfo(name, (), rows=0, bytes=0, description="", labels={}, etag="")
            if info is not None:
                found[name] = info
        return found


def _is_unreadable(info: TableInfo) -> bool:
    """Whether it is damaged. A damaged view holds no rows, and is made again by its experiment."""
    return not info.columns


def unit_tables(owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> tuple[UnitTable, ...]:
    """Return the tables of an experiment, whether they are there or not, that hold rows of units."""
    place = place_of(owner)
    by_unit = ("analysis_id",)
    undated = [names.assignments(place), names.exposures(place), names.departed(place)]
    undated += [names.segments(place, source) for source in _segment_sources(owner, entries)]
    tables = [UnitTable(name, Layout(cluster_by=by_unit)) for name in undated]
    tables.append(UnitTable(names.signals(place), Layout("submission_date", by_unit, requires_filter=True)))
    for source in sources_of(owner, entries):
        dated = (names.partials(place, source), names.restated(place, source))
        tables += [UnitTable(name, Layout("submission_date", by_unit, requires_filter=True)) for name in dated]
        tables += [
            UnitTable(names.values(place, basis, source, period), Layout("window_index", by_unit, requires_filter=True))
            for basis in Basis
            for period in Period
        ]
    tables += [
        UnitTable(names.published(place, basis, period), Layout("window_index", by_unit, requires_filter=True))
        for basis in Basis
        for period in Period
    ]
    return tuple(tables)


def sources_of(owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the data sources that were ever read, and those of the plan."""
    planned = [source.name for source in owner.sources] if isinstance(owner, AnalysisPlan) else []
    read = [entry.source for entry in entries if entry.source and entry.kind in (Kind.PARTIALS, Kind.ROWS, Kind.VALUES)]
    return tuple(dict.fromkeys([*read, *planned]))


def _segment_sources(owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> tuple[str, ...]:
    planned = [source.name for source in owner.enrollments.segment_sources] if isinstance(owner, AnalysisPlan) else []
    read = [entry.source for entry in entries if entry.source and entry.kind is Kind.SEGMENTS]
    return tuple(dict.fromkeys([*read, *planned]))


def _views(place: Place) -> Iterator[tuple[str, str]]:
    yield names.enrollments(place), place.slug
    yield names.without_point_view(place), f"Latest estimates of {place.slug} that are no number"
    for period in Period:
        yield names.statistics_view(place, period), f"Latest estimates of {place.slug}"
        for basis in Basis:
            yield names.values_view(place, basis, period), f"Metrics of every unit of {place.slug}"


def _tables(owner: AnalysisPlan | Place, entries: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Yield every table, the status table last: until it is gone, it is known what else there is."""
    place = place_of(owner)
    yield names.statistics(place), ""
    for unit_table in reversed(unit_tables(owner, entries)):
        yield unit_table.name, ""
    yield names.shredded(place), ""
    yield names.kept_plan(place), ""
    yield names.status(place), ""


def _legacy_tables(engine: Engine, owner: AnalysisPlan | Place) -> Iterator[tuple[str, str]]:
    """Yield the tables of version 0.1, its record last; nothing where there is no such record."""
    record = legacy_names.status(owner)
    if engine.info(record) is None:
        return
    planned = [source.name for source in owner.sources] if isinstance(owner, AnalysisPlan) else []
    sources = dict.fromkeys([*read_legacy(engine, owner).sources, *planned])
    yield from ((name, "") for name in legacy_names.names_now(owner, sources))
    yield record, ""
