"""Puts a run together from its nodes and from what they recorded: for people at its end, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from jetstream_argo.report.failures import outstanding
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates_table import IDENTITY, SAMPLE_RATIO
from jetstream_argo.terminal.plural import counted


@dataclass(frozen=True, slots=True)
class Computed:
    """Estimates of a metric that the run made: in how many windows of a period."""

    metric: str
    period: str
    windows: int


@dataclass(frozen=True, slots=True)
class WasRead:
    """What the run read of telemetry from a source: on how many dates, and what that took."""

    source: str
    dates: int
    bytes: int
    queries: int


@dataclass(frozen=True, slots=True)
class RunFailure:
    """What could not be computed: a metric, or a node as a whole where `metric` is empty; and why."""

    node: str
    metric: str
    period: str
    error: str
    message: str


@dataclass(frozen=True, slots=True)
class RecordedWork:
    """What was recorded in the course of a run."""

    computed: tuple[Computed, ...]
    read: tuple[WasRead, ...]
    failed: tuple[RunFailure, ...]

    def lines(self) -> Iterator[str]:
        """Yield what matters, a line each: what was read, what was computed, and what failed and why."""
        for reading in self.read:
            yield f"read: {counted(reading.dates, 'date')} of {reading.source}"
        by_metric: dict[str, list[str]] = {}
        for made in self.computed:
            if made.metric in (IDENTITY, SAMPLE_RATIO):
                continue  # of them there are some in any run
            by_metric.setdefault(made.metric, []).append(f"{made.period} {made.windows}")
        for metric, periods in by_metric.items():
            yield f"computed: {metric} (windows: {', '.join(periods)})"
        yield from self._failures()

    def _failures(self) -> Iterator[str]:
        """Yield why what failed did, once for the periods of a metric."""
        groups: dict[tuple[str, str], list[RunFailure]] = {}
        for failure in self.failed:
            groups.setdefault((failure.metric or failure.node, failure.error), []).append(failure)
        for (name, error), same_failures in groups.items():
            periods = ", ".join(dict.fromkeys(failure.period for failure in same_failures if failure.period))
            yield f"failed: {name}{f' ({periods})' if periods else ''}: {error}: {same_failures[0].message}"

    def record(self) -> dict[str, object]:
        """Return the same for programs."""
        return asdict(self)


_READS = (Kind.ENROLLMENTS, Kind.EXPOSURES, Kind.SEGMENTS, Kind.SIGNALS, Kind.PARTIALS)


def work_since(entries: Sequence[Entry], since: datetime, *, plan: str) -> RecordedWork:
    """Return what was recorded from `since` on for the plan with that hash, and what of it failed for good."""
    recent = [entry for entry in entries if entry.recorded_at >= since and entry.plan == plan]
    return RecordedWork(tuple(_computed(recent)), tuple(_read(recent)), tuple(_failed(recent)))


def _computed(entries: Sequence[Entry]) -> Iterator[Computed]:
    windows: dict[tuple[str, str], set[int]] = {}
    for entry in entries:
        if entry.kind is Kind.STATISTICS and entry.state in (State.COMPUTED, State.NO_DATA):
            for metric in entry.metrics:
                windows.setdefault((metric, entry.period), set()).update(entry.extent)
    return (Computed(metric, period, len(found)) for (metric, period), found in windows.items() if metric)


def _read(entries: Sequence[Entry]) -> Iterator[WasRead]:
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.kind in _READS and entry.state in (State.COMPUTED, State.NO_DATA) and entry.jobs and entry.source:
            groups.setdefault(entry.source, []).append(entry)
    for source, found in groups.items():
        dates = {place for entry in found for place in entry.extent}
        yield WasRead(source, len(dates), sum(e.bytes for e in found), sum(len(e.jobs) for e in found))


def _failed(entries: Sequence[Entry]) -> Iterator[RunFailure]:
    seen: dict[RunFailure, None] = {}
    for entry in outstanding(entries, None):
        for metric in entry.metrics or ("",):
            seen[RunFailure(entry.node, metric, entry.period, entry.error, entry.message)] = None
    return iter(seen)
