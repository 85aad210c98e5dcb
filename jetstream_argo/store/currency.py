"""Decides whether what is stored is what would be computed now: by the same rule, from the same rows, and still
there.

Everything has a key, which says how it is computed, and inputs, which say from what. A digest of the inputs is recorded
with the rows; here is what that digest would be now. It is None where something that is needed is not there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import AnalysisPlan, Metric, MetricStatistics
from jetstream_argo.plan.population import Signal
from jetstream_argo.plan.sources import Composed, Direct
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import names
from jetstream_argo.sql.units import StoredSegment, StoredUnits
from jetstream_argo.store.coverage import ANYBODY, StoredBatch
from jetstream_argo.store.entries import Entry, Kind
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.store.marks import is_restated


def stored_units(plan: AnalysisPlan, ledger: Ledger) -> StoredUnits:
    """Return which batches tell of the units of `plan`, and of which of them exposures and segments are known."""
    assigned = ledger.assigned(names.assignments(plan), plan.enrollments.key)
    exposures = None
    if plan.enrollments.exposures_sql is not None:
        exposure_batches = ledger.batches_for(names.exposures(plan), plan.enrollments.exposures_key)
        exposures = _batches(exposure_batches, assigned.assignments)
    segments = {}
    for segment, column in plan.enrollments.memberships:
        table = names.segments(plan, segment.data_source)
        batches = _batches(ledger.batches_for(table, column), assigned.assignments)
        segments[segment.name, column] = StoredSegment(segment.name, table, column, batches)
    own = zip(plan.enrollments.segments, plan.enrollments.segment_columns, strict=True)
    by_column = {segment.column: segment for segment in segments.values()}
    excluded = dict.fromkeys(
        exclusion.column for exclusion in plan.enrollments.exclusions.named if exclusion.rows is not None
    )
    return StoredUnits(
        assigned.batches,
        assigned.assignments,
        exposures,
        tuple(segments[segment.name, column] for segment, column in own),
        tuple(replace(by_column[column], name=column) for column in excluded),
    )


def _batches(batches: Mapping[int, StoredBatch], assignments: Sequence[int]) -> dict[int, int]:
    found = {assignment: batches[assignment].batch for assignment in assignments if assignment in batches}
    return {assignment: batch for assignment, batch in found.items() if batch is not None}


class Currency:
    """What the inputs of everything in a plan would be now, by what a ledger says; make a new one when that changes."""

    def __init__(self, plan: AnalysisPlan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger
        self.units = stored_units(plan, ledger)
        self._days: dict[tuple[str, str, int], frozenset[int | str] | None] = {}
        self._unread_of: dict[str, frozenset[int]] = {}

    def of_values(self, metric: Metric, basis: Basis, period: Period, window: AnalysisWindow) -> str | None:
        """Return the inputs of a metric's values in a window; equal for metrics that are read from the same batches.

        What is computed directly stays what it is while a date of its window must not be read again.
        """
        if not self.units.assignments:
            return None
        if isinstance(metric.computation, Direct):
            batches = self._ledger.batches_in(names.values(self._plan, basis, metric.source, period), metric.column)
            if window.index in batches and not self._unread(metric).isdisjoint(self._dates(window)):
                return batches[window.index].inputs
        rows = self._rows(metric, window)
        who: list[object] = [list(self.units.assignments)]
        if isinstance(metric.computation, Direct):
            who.append(list(self.units.batches))
        if basis is Basis.EXPOSURES or isinstance(metric.computation, Direct):
            who.append(self._exposed(period, window) if basis is Basis.EXPOSURES else self._exposures())
        if rows is None or None in who:
            return None
        return digest(rows, who)

    def current_windows(
        self, metric: Metric, basis: Basis, period: Period, windows: Sequence[AnalysisWindow]
    ) -> frozenset[int]:
        """Return the indexes of those windows in which a metric's stored values are what they would be now."""
        batches = self._ledger.batches_in(names.values(self._plan, basis, metric.source, period), metric.column)
        return frozenset(
            window.index
            for window in windows
            if window.index in batches and batches[window.index].inputs == self.of_values(metric, basis, period, window)
        )

    def of_estimates(self, leaf: MetricStatistics, window: AnalysisWindow) -> str:
        """Return the inputs of a metric's estimates in a window: the batches of values there are, and who counts."""
        metric = self._plan.metric(leaf.metric)
        read = [
            self._value_batch(self._plan.metric(name), basis, leaf.period, window.index)
            for name in (metric.depends_on or (metric.name,))
            for basis in metric.bases
        ]
        covariates = [
            self._value_batch(
                self._plan.metric(statistic.covariate.metric), Basis.ENROLLMENTS, statistic.covariate.period, 1
            )
            for statistic in leaf.statistics
            if statistic.covariate is not None
        ]
        return digest(read, covariates, self._who())

    def of_counts(self, period: Period, window: AnalysisWindow) -> str:
        """Return the inputs of the counts of units in a window."""
        return digest(self._who(), list(self.units.batches), self._exposed(period, window))

    def _who(self) -> list[object]:
        segments = [[segment.name, segment.column, sorted(segment.batches.items())] for segment in self.units.segments]
        who: list[object] = [list(self.units.assignments), segments]
        return [*who, self._excluded()] if self._plan.enrollments.exclusions.excludes else who

    def _excluded(self) -> list[object]:
        """What decides who does not count; in no order, since all of it does so alone."""
        exclusions = self._plan.enrollments.exclusions
        conditions = sorted(exclusion.condition for exclusion in exclusions.named if exclusion.condition)
        rows = sorted([segment.column, sorted(segment.batches.items())] for segment in self.units.excluded)
        return [exclusions.several_branches.value, conditions, rows]

    def _value_batch(self, metric: Metric, basis: Basis, period: Period, index: int) -> int | None:
        table = names.values(self._plan, basis, metric.source, period)
        batch = self._ledger.batches_in(table, metric.column).get(index)
        return batch.batch if batch is not None else None

    def _exposed(self, period: Period, window: AnalysisWindow) -> list[object] | None:
        """What decides who is exposed: the exposures found, and the signals of the dates that count in the window."""
        signal = self._plan.signal
        if signal is None:
            return self._exposures()
        dates = _signal_dates(signal, period, window.index)
        table = names.signals(self._plan)
        days = [self._day(table, signal.partial.column, ordinal) for ordinal in dates]
        return [sorted(day, key=str) for day in days if day is not None] if None not in days else None

    def _exposures(self) -> list[object] | None:
        if self.units.exposures is None:
            return []
        if set(self.units.exposures) != set(self.units.assignments):
            return None
        return [sorted(self.units.exposures.items())]

    def _rows(self, metric: Metric, window: AnalysisWindow) -> list[object] | None:
        """By date of the window, which batches hold the metric's partials, or which rows its source had."""
        table = names.partials(self._plan, metric.source)
        direct = isinstance(metric.computation, Direct)
        rows: list[object] = []
        for ordinal in self._dates(window):
            found: set[int | str] = set()
            for column in columns_of(self._plan, metric):
                of_column = self._versions(table, column, ordinal) if direct else self._day(table, column, ordinal)
                if of_column is None:
                    return None
                found |= of_column
            rows.append(sorted(found, key=str))
        return rows

    def _dates(self, window: AnalysisWindow) -> range:
        first, last = self._plan.experiment.timeline.dates(window.first_day, window.last_day)
        return range(first.toordinal(), last.toordinal() + 1)

    def _unread(self, metric: Metric) -> frozenset[int]:
        """The dates of a direct metric's source whose rows have changed, as a look said since, and were not read."""
        source = self._plan.source(metric.source)
        if source.name not in self._unread_of:
            table = names.partials(self._plan, source.name)
            batches = self._ledger.batches_on(table, source.key)
            changed: set[int] = set()
            for entry in self._ledger.complete(Kind.LOOK, table):
                if entry.source == source.name:
                    changed = changed - set(entry.extent) | _changed_dates(entry, batches)
            self._unread_of[source.name] = frozenset(changed)
        return self._unread_of[source.name]

    def _versions(self, table: str, column: str, ordinal: int) -> frozenset[int | str] | None:
        batch = self._ledger.batches_on(table, column).get(ordinal, {}).get(ANYBODY)
        if batch is None:
            return None
        # Rows that were restated count as others, also where their tables' versions are the same or are not known.
        restated = [batch.batch] if is_restated(batch.entry) and batch.batch is not None else []
        return frozenset([batch.inputs, *restated])

    def _day(self, table: str, column: str, ordinal: int) -> frozenset[int | str] | None:
        key = (table, column, ordinal)
        if key not in self._days:
            batches = self._ledger.batches_on(table, column).get(ordinal, {})
            found = [batches.get(assignment, batches.get(ANYBODY)) for assignment in self.units.assignments]
            numbers = [batch.batch for batch in found if batch is not None and batch.batch is not None]
            self._days[key] = frozenset(numbers) if len(numbers) == len(found) else None
        return self._days[key]


def columns_of(plan: AnalysisPlan, metric: Metric) -> tuple[str, ...]:
    """Return under which columns the dates that a metric needs are recorded.

    Those are its partials, or its source's key where the metric is computed from all rows directly.
    """
    match metric.computation:
        case Composed(partials=partials):
            return partials
        case Direct():
            return (plan.source(metric.source).key,)
        case None:
            return ()


def _changed_dates(look: Entry, batches: Mapping[int, Mapping[int, StoredBatch]]) -> set[int]:
    """Return the dates that a look says have more or fewer rows, but for those that were read later."""
    found = json.loads(look.facts).get("changed_upstream", {}) if look.facts else {}
    changed = {date.fromisoformat(day).toordinal() for day, tables in found.items() if any(tables.values())}
    read = {day: batches[day][ANYBODY].entry.recorded_at for day in changed if ANYBODY in batches.get(day, {})}
    return {day for day in changed if day not in read or read[day] < look.recorded_at}


def _signal_dates(signal: Signal, period: Period, index: int) -> range:
    found = [window for window in signal.windows if window.period is period and window.index in (0, index)]
    first = min((window.first_date.toordinal() for window in found), default=0)
    last = max((window.last_date.toordinal() for window in found), default=-1)
    return range(first, last + 1)
