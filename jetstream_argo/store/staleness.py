"""Says why something is not, or no longer, what would be computed now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.due import leaf_windows
from jetstream_argo.plan.model import AnalysisPlan, Metric, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import names
from jetstream_argo.store.coverage import ANYBODY, StoredBatch
from jetstream_argo.store.currency import Currency, columns_of
from jetstream_argo.store.entries import Entry
from jetstream_argo.store.estimates import latest_estimates
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.store.removals import anew_since


@dataclass(frozen=True, slots=True)
class Stale:
    """Estimates of a metric in windows `first_window` to `last_window` that a run would make, and why.

    `is_new` says that there are none yet; others are there, and would be made anew.
    """

    metric: str
    period: Period
    first_window: int
    last_window: int
    why: str
    is_new: bool = True

    @property
    def windows(self) -> int:
        """How many windows those are."""
        return self.last_window - self.first_window + 1

    def follows(self, before: "Stale") -> bool:
        """Return whether these are the windows after those `before`, of the same metric and for the same reason."""
        is_same = replace(before, first_window=self.first_window, last_window=self.last_window) == self
        return is_same and before.last_window == self.first_window - 1


def stale_estimates(plan: AnalysisPlan, ledger: Ledger) -> tuple[Stale, ...]:
    """Return what of the estimates that are due is not what would be computed now, metric by metric.

    Telemetry is not looked at: whether it has changed is found when nodes run.
    """
    explainer = _Explainer(plan, ledger)
    found: list[Stale] = []
    for leaf in plan.statistics:
        for window in leaf_windows(plan, leaf):
            why = explainer.why(leaf, window)
            if not why:
                continue
            is_new = not explainer.is_there(leaf, window)
            stale = Stale(leaf.metric, leaf.period, window.index, window.index, why, is_new)
            if found and stale.follows(found[-1]):
                found[-1] = replace(found[-1], last_window=window.index)
            else:
                found.append(stale)
    return tuple(found)


class _Explainer:
    def __init__(self, plan: AnalysisPlan, ledger: Ledger) -> None:
        self._plan = plan
        self._ledger = ledger
        self._currency = Currency(plan, ledger)
        self._latest = latest_estimates(ledger.entries)
        self._anew_since = anew_since(ledger.entries)

    def is_there(self, leaf: MetricStatistics, window: AnalysisWindow) -> bool:
        """Return whether a metric was estimated in a window, whatever it is worth now."""
        return window.index in self._latest.get((leaf.metric, leaf.period.value), {})

    def why(self, leaf: MetricStatistics, window: AnalysisWindow) -> str:
        """Return why a run would estimate a metric in a window; nothing if it would not."""
        metric = self._plan.metric(leaf.metric)
        entry = self._latest.get((leaf.metric, leaf.period.value), {}).get(window.index)
        parts = [self._plan.metric(name) for name in (metric.depends_on or (metric.name,))]
        because = next((why for part in parts if (why := self._why_values(part, leaf.period, window))), "")
        if entry is None:
            return because or "was not estimated yet"
        if leaf.key not in entry.keys:
            return "its definition changed"
        if self._anew_since is not None and entry.recorded_at < self._anew_since:
            return because or "units that it counts were removed on request"
        if because or entry.input_at(window.index) in ("", self._currency.of_estimates(leaf, window)):
            return because
        return self._why_estimates(leaf, parts, window, entry.recorded_at)

    def _why_values(self, metric: Metric, period: Period, window: AnalysisWindow) -> str:
        """Return why the values of a metric in a window are not there, or would be others now."""
        for basis in metric.bases:
            batch = self._batch(metric, basis, period, window.index)
            inputs = self._currency.of_values(metric, basis, period, window)
            if inputs is None:
                return self._unread(metric, window) or "units or exposures were not read yet"
            if batch is None:
                return "has no values yet"
            if batch.inputs not in ("", inputs):
                return (
                    self._read_since(metric, window, batch.entry.recorded_at) or "other units are enrolled or exposed"
                )
        return ""

    def _why_estimates(
        self, leaf: MetricStatistics, parts: Sequence[Metric], window: AnalysisWindow, at: datetime
    ) -> str:
        for part in parts:
            for basis in part.bases:
                batch = self._batch(part, basis, leaf.period, window.index)
                if batch is not None and batch.entry.recorded_at > at:
                    return f"its values were computed anew {batch.entry.recorded_at:%Y-%m-%d %H:%M}"
        for segment in self._currency.units.segments:
            batches = self._ledger.batches_for(segment.table, segment.column).values()
            if not segment.batches or any(found.entry.recorded_at > at for found in batches):
                return f"segment {segment.name} is new, or was read again"
        for excluded in self._currency.units.excluded:
            read = self._ledger.batches_for(excluded.table, excluded.column).values()
            if not excluded.batches or any(found.entry.recorded_at > at for found in read):
                return "who is excluded changed, or was read again"
        return "its covariate, its segments, its units or its exclusions changed"

    def _batch(self, metric: Metric, basis: Basis, period: Period, index: int) -> StoredBatch | None:
        table = names.values(self._plan, basis, metric.source, period)
        return self._ledger.batches_in(table, metric.column).get(index)

    def _unread(self, metric: Metric, window: AnalysisWindow) -> str:
        assignments = self._currency.units.assignments
        missing = [
            day
            for column, of_day in self._days(metric, window)
            for day, entries in of_day
            if not entries.keys() >= set(assignments) and ANYBODY not in entries
        ]
        if not assignments or not missing:
            return ""
        return f"{metric.source} was not read from {_span(missing)}"

    def _read_since(self, metric: Metric, window: AnalysisWindow, at: datetime) -> str:
        later = [
            day
            for _, of_day in self._days(metric, window)
            for day, entries in of_day
            if any(entry.recorded_at > at for entry in entries.values())
        ]
        return f"{metric.source} was read again from {_span(later)}" if later else ""

    def _days(
        self, metric: Metric, window: AnalysisWindow
    ) -> Iterator[tuple[str, list[tuple[date, dict[int, Entry]]]]]:
        """Yield, by column, the entries by assignment of each date of the window."""
        first, last = self._plan.experiment.timeline.dates(window.first_day, window.last_day)
        for column in columns_of(self._plan, metric):
            batches = self._ledger.batches_on(names.partials(self._plan, metric.source), column)
            yield (
                column,
                [
                    (date.fromordinal(at), {key: found.entry for key, found in batches.get(at, {}).items()})
                    for at in range(first.toordinal(), last.toordinal() + 1)
                ],
            )


def _span(days: Sequence[date]) -> str:
    first, last = min(days), max(days)
    return f"{first}" if first == last else f"{first} to {last}"
