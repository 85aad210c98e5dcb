"""The inputs of values and estimates that version 0.1 stored, as they would be recorded now."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import Metric, MetricStatistics
from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.plan.sources import Direct
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.sql import names
from jetstream_argo.store.currency import Currency, columns_of
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Origins:
    """What was taken over so far, and when version 0.1 had recorded its batches: what is older than what it would be
    made from now was made from something else.
    """

    context: Context
    ledger: Ledger
    recorded: Mapping[int, datetime]

    def values(self, entry: Entry) -> Iterator[Entry]:
        """Yield `entry`, of values under their new names, with their inputs: columns that have the same together."""
        currency = Currency(self.context.plan, self.ledger)
        of_column = {metric.column: metric for metric in self.context.plan.metrics if metric.column}
        groups: dict[tuple[str, ...], list[str]] = {}
        for column in entry.keys:
            inputs = tuple(self._of_values(currency, of_column[column], entry, place) for place in entry.extent)
            groups.setdefault(inputs, []).append(column)
        costs = entry
        for inputs, columns in groups.items():
            yield replace(costs, keys=tuple(columns), inputs=inputs)
            costs = replace(entry, bytes=0, slot_ms=0, seconds=0.0, jobs=(), partitions=0)

    def estimates(self, entry: Entry, leaf: MetricStatistics) -> Entry:
        """Return `entry`, of estimates of `leaf`, with their inputs."""
        currency = Currency(self.context.plan, self.ledger)
        windows = {window.index: window for window in self.context.plan.windows(leaf.period)}
        inputs = []
        for place in entry.extent:
            window = windows.get(place)
            is_known = window is not None and not self._newer(entry, self._read_by(leaf, place))
            inputs.append(currency.of_estimates(leaf, window) if window is not None and is_known else "")
        return replace(entry, keys=(leaf.key,), inputs=tuple(inputs))

    def rows(self, values: Iterable[Entry]) -> Iterator[Entry]:
        """Yield entries that say that the rows were read of which metrics were computed directly."""
        plan = self.context.plan
        direct = {m.column: m.source for m in plan.metrics if isinstance(m.computation, Direct)}
        ordinals: dict[str, set[int]] = defaultdict(set)
        for entry in values:
            for source in {direct[column] for column in entry.keys if column in direct}:
                for window in plan.windows(Period(entry.period)):
                    if window.index in entry.extent:
                        ordinals[source].update(self._dates(window))
        for source, of_source in ordinals.items():
            for run in consecutive(sorted(of_source)):
                first, last = date.fromordinal(run[0]), date.fromordinal(run[-1])
                yield replace(
                    self.context.entry(Kind.ROWS, State.COMPUTED),
                    table=names.partials(plan, source),
                    batch=self.context.batch("upgrade", "rows", source, first, last),
                    keys=(plan.source(source).key,),
                    source=source,
                    first_date=first,
                    last_date=last,
                )

    def _of_values(self, currency: Currency, metric: Metric, entry: Entry, place: int) -> str:
        period = Period(entry.period)
        window = next((window for window in self.context.plan.windows(period) if window.index == place), None)
        if window is None or self._newer(entry, self._merged_by(metric, window)):
            return ""
        return currency.of_values(metric, Basis(entry.basis), period, window) or ""

    def _newer(self, entry: Entry, batches: Iterable[int | None]) -> bool:
        """Whether some of the batches were recorded after `entry`, which then was made from others."""
        at = self.recorded.get(entry.batch or 0, entry.recorded_at)
        return any(self.recorded.get(batch or 0, at) > at for batch in batches)

    def _merged_by(self, metric: Metric, window: AnalysisWindow) -> Iterator[int | None]:
        table = names.partials(self.context.plan, metric.source)
        for column in columns_of(self.context.plan, metric):
            batches = self.ledger.batches_on(table, column)
            for ordinal in self._dates(window):
                yield from (found.batch for found in batches.get(ordinal, {}).values())

    def _read_by(self, leaf: MetricStatistics, place: int) -> Iterator[int | None]:
        plan = self.context.plan
        metric = plan.metric(leaf.metric)
        for part in (plan.metric(name) for name in (metric.depends_on or (metric.name,))):
            for basis in metric.bases:
                table = names.values(plan, basis, part.source, leaf.period)
                found = self.ledger.batches_in(table, part.column).get(place)
                if found is not None:
                    yield found.batch

    def _dates(self, window: AnalysisWindow) -> range:
        first, last = self.context.plan.experiment.timeline.dates(window.first_day, window.last_day)
        return range(first.toordinal(), last.toordinal() + 1)
