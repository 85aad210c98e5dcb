"""Finds what several experiments would read of the same sources, and whether one scan for all of them pays."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from jetstream_argo.errors import EngineError, JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, Source
from jetstream_argo.plan.sharing import (
    SharedReading,
    SharedScan,
    Sharer,
    merged_readings,
    merged_sharers,
    shared_columns,
    shared_key,
)
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.copying import SharedRows, left_over
from jetstream_argo.run.partials import rows_of
from jetstream_argo.run.reading import Wanted, due
from jetstream_argo.run.sparse import units_assigned
from jetstream_argo.run.telemetry import Telemetry
from jetstream_argo.run.unwritten import unwritten
from jetstream_argo.sql import names
from jetstream_argo.sql.shared import shared_query
from jetstream_argo.store.dates import is_known
from jetstream_argo.store.shared import SharedBatch, shared_batches
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableVersions

_KEYS_BYTES = 48  # of a row's experiment, unit, branch and dates
_COLUMN_BYTES = 8


@dataclass(frozen=True, slots=True)
class SharedEstimate:
    """What a scan for several experiments would read, beside what each of them would by itself.

    `alone` and `together` are in bytes, None where nobody can say. `together` counts that all rows are written and read
    again, as if every enrolled unit had some on every date.
    """

    scan: SharedScan
    alone: int | None
    together: int | None

    @property
    def pays(self) -> bool:
        """Whether less is read by one scan, as far as is known."""
        return self.alone is None or self.together is None or self.together < self.alone


@dataclass(frozen=True, slots=True)
class Lacking:
    """The dates of a source that an experiment would read now, and what is known of the tables behind it."""

    slug: str
    source: Source
    sharers: Mapping[date, Sharer]
    telemetry: Telemetry
    units: int


@dataclass(frozen=True, slots=True)
class Found:
    """The scans that several experiments could share, and of which sources nobody can say why not."""

    estimates: tuple[SharedEstimate, ...]
    refused: tuple[str, ...] = ()


def may_share(plan: AnalysisPlan) -> bool:
    """Whether an experiment's units may stand in a table with those of others: not where it is private."""
    return not plan.experiment.is_private


def shared_scans(
    plans: Sequence[AnalysisPlan], engine: Engine, *, now: Callable[[], datetime], by_dry_run: bool = False
) -> Found:
    """Return the scans of what two experiments or more would read, those of most experiments first.

    Only units that are assigned already are known, and nothing is written.
    """
    looking = cast(Engine, _Remembering(unwritten(engine)))
    sharing = [plan for plan in plans if may_share(plan)]
    several = _read_by_several(sharing)
    recorded = {
        dataset: shared_batches(engine, dataset, now=now(), labels={"node": "shared-scan"})
        for dataset in dict.fromkeys(dataset for dataset, _ in several)
    }
    lacking: dict[_Rows, list[Lacking]] = {}
    refused: list[str] = []
    for plan in sharing:
        wanted = [source for source in plan.sources if _rows_of(plan, source) in several]
        try:
            context = _context(plan, looking, now) if wanted else None
            for source in wanted:
                found = None if context is None else lacking_of(context, source, recorded[plan.dataset])
                if found is not None:
                    lacking.setdefault(_rows_of(plan, source), []).append(found)
        except JetstreamArgoError as error:
            refused.append(f"{plan.experiment.slug}: {error}")
    estimates = [
        estimate
        for (dataset, key), found_all in lacking.items()
        if (estimate := _estimated(dataset, key, found_all, looking, by_dry_run=by_dry_run)) is not None
    ]
    ordered = sorted(estimates, key=lambda estimate: (-_sharers(estimate.scan), estimate.scan.key))
    return Found(tuple(ordered), tuple(refused))


_Rows = tuple[str, str]  # a dataset of results, and the hash of a source's rows


def _rows_of(plan: AnalysisPlan, source: Source) -> _Rows:
    return plan.dataset, shared_key(source, plan.experiment.slug)


def _read_by_several(plans: Sequence[AnalysisPlan]) -> frozenset[_Rows]:
    """Return the rows that two plans or more read."""
    readers = Counter(
        rows
        for plan in plans
        for rows in dict.fromkeys(_rows_of(plan, source) for source in plan.sources if source.reads)
    )
    return frozenset(rows for rows, number in readers.items() if number > 1)


def lacking_of(context: Context, source: Source, recorded: Iterable[SharedBatch]) -> Lacking | None:
    """Return what of a source an experiment would read now, but for what it can copy from `recorded`; None for nothing.

    Only dates count of whose tables the versions are known: others are not copied.
    """
    units = context.currency().units
    if not units.assignments:
        return None
    wanted = [Wanted(read.first_date, read.last_date, read.columns) for read in source.reads]
    found = due(context, rows_of(context, source), wanted, units.assignments)
    if found.telemetry is None:
        return None
    columns: dict[date, dict[str, None]] = {}
    assignments: dict[date, dict[int, None]] = {}
    shared, telemetry = SharedRows.among(context, source, recorded), found.telemetry
    lacking = (rest for asked in found.readings for rest in left_over(asked, shared.copies(telemetry, asked)))
    for reading in lacking:
        for day in dates_between(reading.first_date, reading.last_date):
            if is_known(telemetry.version(day)):
                columns.setdefault(day, {}).update(dict.fromkeys(reading.columns))
                assignments.setdefault(day, {}).update(dict.fromkeys(reading.assignments))
    slug, of_all = context.plan.experiment.slug, shared_columns(source)
    sharers = {
        day: Sharer(
            slug,
            units.batches,
            tuple(sorted(assignments[day])),
            source.branch_expression,
            tuple(sorted({of_all[column].column for column in columns[day]})),
        )
        for day in columns
    }
    number = units_assigned(context.ledger, names.assignments(context.plan), units.batches)
    return Lacking(slug, source, sharers, telemetry, number) if sharers else None


def _context(plan: AnalysisPlan, engine: Engine, now: Callable[[], datetime]) -> Context:
    ledger = read_ledger(plan, engine)
    return Context(plan, codec.sha256(plan), "shared-scan", engine, "none", now, ledger=ledger)


def _estimated(
    dataset: str, key: str, lacking: Sequence[Lacking], engine: Engine, *, by_dry_run: bool
) -> SharedEstimate | None:
    """Return the scan of the dates that several experiments lack, and what it would read; None if there are none."""
    days = sorted({day for found in lacking for day in found.sharers})
    by_day = {day: merged_sharers([found.sharers[day] for found in lacking if day in found.sharers]) for day in days}
    by_day = {day: sharers for day, sharers in by_day.items() if len(sharers) > 1}
    if not by_day:
        return None
    readings = merged_readings(by_day)
    source = lacking[0].source
    columns = {column.column: column for found in lacking for column in shared_columns(found.source).values()}
    taken = {column for reading in readings for column in reading.columns}
    scan = SharedScan(
        dataset, source.name, key, source.from_expression, source.id_column, source.date_column,
        tuple(columns[name] for name in sorted(taken)), readings,
    )  # fmt: skip
    units = {found.slug: found.units for found in lacking}
    alone, together = 0, 0
    for reading in readings:
        size = _dry_run(scan, reading, engine) if by_dry_run else _stored(reading, lacking)
        if size is None:
            return SharedEstimate(scan, None, None)
        row_bytes = _KEYS_BYTES + _COLUMN_BYTES * len(reading.columns)
        rows = reading.days * sum(units[sharer.slug] for sharer in reading.sharers)
        alone += size * len(reading.sharers)
        together += size + 2 * rows * row_bytes
    return SharedEstimate(scan, alone, together)


def _stored(reading: SharedReading, lacking: Sequence[Lacking]) -> int | None:
    """Return how many bytes the source's tables have of the dates, as whoever looked at them saw."""
    total = 0
    for day in dates_between(reading.first_date, reading.last_date):
        telemetry = next(found.telemetry for found in lacking if day in found.sharers)
        total += sum(table.dates[day].bytes for table in telemetry.versions if day in table.dates)
    return total


def _dry_run(scan: SharedScan, reading: SharedReading, engine: Engine) -> int | None:
    try:
        return engine.dry_run(shared_query(scan, reading, reading.columns, batch=0)).bytes
    except EngineError:
        return None  # the scan finds out which columns are refused


def _sharers(scan: SharedScan) -> int:
    return len({sharer.slug for reading in scan.readings for sharer in reading.sharers})


@dataclass(slots=True)
class _Remembering:
    """A warehouse that is asked once for what many experiments ask of the same tables."""

    _engine: Engine
    _tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _versions: dict[tuple[object, ...], Mapping[str, TableVersions]] = field(default_factory=dict)

    def base_tables(self, sql: Any) -> tuple[str, ...]:
        """Return what the warehouse said when it was asked first."""
        if sql not in self._tables:
            self._tables[sql] = self._engine.base_tables(sql)
        return self._tables[sql]

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return what the warehouse said when it was asked first."""
        key = (tuple(tables), date_column, first, last)
        if key not in self._versions:
            self._versions[key] = self._engine.versions(tables, date_column=date_column, first=first, last=last)
        return self._versions[key]

    def __getattr__(self, name: str) -> Any:  # whatever an engine has
        return getattr(self._engine, name)
