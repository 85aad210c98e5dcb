"""Finds what several experiments would read of the same sources, and whether one scan for all of them pays."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sharing import SharedScan, merged_readings, merged_sharers, shared_columns, shared_key
from jetstream_argo.plan.sources import Source
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.lacking import Lacking, NothingShared, lacking_of
from jetstream_argo.run.paying import SharedEstimate, estimated
from jetstream_argo.run.unwritten import unwritten
from jetstream_argo.store.shared import shared_batches
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableVersions


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """A source of which nothing is shared, how many experiments read it, and why: half a sentence."""

    source: str
    experiments: int
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """The scans that several experiments could share, why there is none of other sources, and who was refused."""

    estimates: tuple[SharedEstimate, ...]
    left: tuple[LeftAlone, ...] = ()
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
    readers = _readers(plans)
    several = frozenset(rows for rows, of_rows in readers.items() if sum(map(may_share, of_rows)) > 1)
    recorded = {
        dataset: shared_batches(engine, dataset, now=now(), labels={"node": "shared-scan"})
        for dataset in sorted({dataset for dataset, _ in several})
    }
    outcomes: dict[_Rows, list[Lacking | NothingShared]] = {rows: [] for rows in readers}
    refused: list[str] = []
    for plan in filter(may_share, plans):
        wanted = [source for source in plan.sources if _rows_of(plan, source) in several]
        if not wanted:
            continue
        try:
            context = _context(plan, looking, now)
            for source in wanted:
                outcomes[_rows_of(plan, source)].append(lacking_of(context, source, recorded[plan.dataset]))
        except JetstreamArgoError as error:
            refused.append(f"{plan.experiment.slug}: {error}")
    estimates, left = [], []
    for (dataset, key), of_rows in readers.items():
        lacking = [outcome for outcome in outcomes[dataset, key] if isinstance(outcome, Lacking)]
        scan = _scan(dataset, key, lacking)
        if scan is not None:
            estimates.append(estimated(scan, lacking, looking, by_dry_run=by_dry_run))
        else:
            name = next(source.name for source in of_rows[0].sources if _rows_of(of_rows[0], source)[1] == key)
            left.append(LeftAlone(name, len(of_rows), _why_not(of_rows, outcomes[dataset, key])))
    estimates.sort(key=lambda estimate: (-_sharers(estimate.scan), estimate.scan.key))
    return Found(tuple(estimates), tuple(left), tuple(refused))


_Rows = tuple[str, str]  # a dataset of results, and the hash of a source's rows


def _rows_of(plan: AnalysisPlan, source: Source) -> _Rows:
    return plan.dataset, shared_key(source, plan.experiment.slug)


def _readers(plans: Sequence[AnalysisPlan]) -> Mapping[_Rows, Sequence[AnalysisPlan]]:
    """Return, for all rows that are read, the plans that read them."""
    readers: dict[_Rows, list[AnalysisPlan]] = {}
    for plan in plans:
        for rows in dict.fromkeys(_rows_of(plan, source) for source in plan.sources if source.reads):
            readers.setdefault(rows, []).append(plan)
    return readers


def _why_not(readers: Sequence[AnalysisPlan], outcomes: Sequence[Lacking | NothingShared]) -> str:
    """Return why nothing is shared of rows: half a sentence."""
    sharing = sum(map(may_share, readers))
    if not sharing:
        return "units of private experiments are in no shared table"
    if sharing == 1:
        return "no other experiment reads it" + (", but for private ones" if len(readers) > 1 else "")
    if any(isinstance(outcome, Lacking) for outcome in outcomes):
        return "no two experiments lack the same date"
    reasons = Counter(outcome.reason for outcome in outcomes if isinstance(outcome, NothingShared))
    if len(reasons) > 1:
        return "; ".join(f"{reason} (of {counted(number, 'experiment')})" for reason, number in reasons.items())
    return next(iter(reasons), "what they lack is not known")


def _context(plan: AnalysisPlan, engine: Engine, now: Callable[[], datetime]) -> Context:
    ledger = read_ledger(plan, engine)
    return Context(plan, codec.sha256(plan), "shared-scan", engine, "none", now, ledger=ledger)


def _scan(dataset: str, key: str, lacking: Sequence[Lacking]) -> SharedScan | None:
    """Return the scan of the dates that several experiments lack; None if there are none."""
    days = sorted({day for found in lacking for day in found.sharers})
    by_day = {day: merged_sharers([found.sharers[day] for found in lacking if day in found.sharers]) for day in days}
    by_day = {day: sharers for day, sharers in by_day.items() if len(sharers) > 1}
    if not by_day:
        return None
    readings = merged_readings(by_day)
    source = lacking[0].source
    columns = {column.column: column for found in lacking for column in shared_columns(found.source).values()}
    taken = {column for reading in readings for column in reading.columns}
    return SharedScan(
        dataset, source.name, key, source.from_expression, source.id_column, source.date_column,
        tuple(columns[name] for name in sorted(taken)), readings,
    )  # fmt: skip


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
